/* SPDX-License-Identifier: Apache-2.0 */
#include "broker_address.h"
#include "link_log.h"
#include "paho.h"

#include <string.h>

#define CONNECT_TIMEOUT_S 10 /* from TCP connect to CONNACK */
#define GOODBYE_MS 500 /* for the last packets to leave */

/* CONNACK of a broker that does not speak the version asked for: MQTT 3.1.1 and MQTT 5. */
#define REFUSED_VERSION_311 1

/* What paho says itself is less than what the broker said before it. Lock held. */
static void go_down(paho *p, medsec__link_failure failure)
{
    p->link = PAHO_DOWN;
    p->fd = -1;
    if (!p->failure.reason) {
        p->failure = failure;
    }
    uv_cond_broadcast(&p->changed);
}

void medsec__paho_give_up(paho *p)
{
    go_down(p, medsec__status_failure(MEDSEC_ERR_TIMEOUT));
}

static void connected(paho *p, size_t window, uint32_t packet_max)
{
    uv_mutex_lock(&p->base.lock);
    if (p->link == PAHO_CONNECTING) {
        p->window = window;
        p->packet_max = packet_max;
        p->link = PAHO_UP;
        p->failure = (medsec__link_failure){.reason = NULL};
        uv_cond_broadcast(&p->changed);
    }
    uv_mutex_unlock(&p->base.lock);
}

/* Above the broker's Receive Maximum (MQTT 5.0 section 3.2.2.3.3) paho holds messages back, and
 * sleeps a second at that. One place is for the announcement. */
static void on_connected5(void *context, MQTTAsync_successData5 *data)
{
    int most = MQTTProperties_getNumericValue(&data->properties, MQTTPROPERTY_CODE_RECEIVE_MAXIMUM);
    size_t window = MEDSEC_MQTT_IN_FLIGHT;
    if (most > 0 && (size_t)most <= window) {
        window = most > 1 ? (size_t)most - 1 : 1;
    }
    /* No such property: the least int. */
    const int size =
        MQTTProperties_getNumericValue(&data->properties, MQTTPROPERTY_CODE_MAXIMUM_PACKET_SIZE);
    connected(context, window, size > 0 ? (uint32_t)size : UINT32_MAX);
}

static void on_connected(void *context, MQTTAsync_successData *data)
{
    (void)data;
    connected(context, MEDSEC_MQTT_IN_FLIGHT, UINT32_MAX);
}

/* Brokers older than MQTT 5 say so in a CONNACK, or hang up after the CONNECT: the next attempt is
 * made with the other version then. A broker that is not there says nothing about its version. */
static bool is_about_version(int code, const char *message)
{
    if (code == REFUSED_VERSION_311 || code == MQTTREASONCODE_UNSUPPORTED_PROTOCOL_VERSION) {
        return true;
    }
    return message && (strcmp(message, "socket error") == 0 ||
                       strcmp(message, "TCP connect completion failure") == 0);
}

static medsec__link_failure explain(int code, const char *message)
{
    if (code > 0) {
        return medsec__mqtt_failure(code);
    }
    if (message && strcmp(message, "TCP connect timeout") == 0) {
        return medsec__status_failure(MEDSEC_ERR_TIMEOUT);
    }
    const bool met = message && strcmp(message, "socket error") == 0;
    return medsec__status_failure(met ? MEDSEC_ERR_CLOSED : MEDSEC_ERR_IO);
}

static void connect_failed(paho *p, int code, const char *message)
{
    uv_mutex_lock(&p->base.lock);
    if (p->link == PAHO_CONNECTING && is_about_version(code, message)) {
        p->version = p->version == MQTTVERSION_5 ? MQTTVERSION_3_1_1 : MQTTVERSION_5;
    }
    p->attempt++;
    go_down(p, explain(code, message));
    uv_mutex_unlock(&p->base.lock);
}

static void on_connect_failed5(void *context, MQTTAsync_failureData5 *data)
{
    connect_failed(context, data ? data->code : 0, data ? data->message : NULL);
}

static void on_connect_failed(void *context, MQTTAsync_failureData *data)
{
    connect_failed(context, data ? data->code : 0, data ? data->message : NULL);
}

static void on_lost(void *context, char *cause)
{
    paho *p = context;
    (void)cause;
    uv_mutex_lock(&p->base.lock);
    go_down(p, medsec__status_failure(MEDSEC_ERR_CLOSED));
    uv_mutex_unlock(&p->base.lock);
}

/* DISCONNECT of MQTT 5 (section 3.14): the broker says why. */
static void on_disconnect(void *context, MQTTProperties *properties, enum MQTTReasonCodes reason)
{
    paho *p = context;
    (void)properties;
    uv_mutex_lock(&p->base.lock);
    p->failure = medsec__mqtt_failure((int)reason);
    uv_mutex_unlock(&p->base.lock);
}

static int on_arrived(void *context, char *topic, int topic_len, MQTTAsync_message *message)
{
    const paho *p = context;
    /* A length of zero says that there is no NUL within, nothing more. */
    const size_t len = topic_len > 0 ? (size_t)topic_len : strlen(topic);
    medsec__mqtt_client_tell_received(&p->base, topic, len, message->payload, message->payloadlen,
                                      message->retained);
    MQTTAsync_freeMessage(&message);
    MQTTAsync_free(topic);
    return 1;
}

/* By its name where TLS will look at the name, else by the address that was checked. */
static medsec_status choose_target(char target[MEDSEC__MQTT_URL_MAX], const paho *p)
{
    const medsec__mqtt_url *url = &p->base.options.url;
    if (url->tls) {
        medsec__mqtt_url_text(target, "ssl", url->host, url->port);
        return MEDSEC_OK;
    }
    char host[MEDSEC__BROKER_HOST_MAX];
    medsec_status status = medsec__broker_resolve(host, &p->base.options, p->attempt);
    if (status == MEDSEC_OK) {
        medsec__mqtt_url_text(target, "tcp", host, url->port);
    }
    return status;
}

static int create_handle(const paho *p, MQTTAsync *handle, const char *target)
{
    MQTTAsync_createOptions options = MQTTAsync_createOptions_initializer;
    options.MQTTVersion = p->version;
    options.maxBufferedMessages = 2 * (int)MEDSEC_MQTT_IN_FLIGHT;
    int rc = MQTTAsync_createWithOptions(handle, target, p->base.options.client_id,
                                         MQTTCLIENT_PERSISTENCE_NONE, NULL, &options);
    /* Else paho formats and keeps a trace of every packet, payloads included. */
    MQTTAsync_setTraceLevel(MQTTASYNC_TRACE_ERROR);
    return rc;
}

/* What medsec__tls_create() sets in a context of ours. */
static MQTTAsync_SSLOptions tls_options(const medsec__mqtt_options *options)
{
    MQTTAsync_SSLOptions tls = MQTTAsync_SSLOptions_initializer;
    tls.enableServerCertAuth = 1;
    tls.verify = 1; /* of the name */
    tls.enabledCipherSuites = "DEFAULT:@SECLEVEL=2"; /* which refuses TLS 1.1 */
    tls.trustStore = options->ca_file;
    tls.keyStore = options->cert_file;
    tls.privateKey = options->key_file;
    return tls;
}

static int ask_connection(paho *p, MQTTAsync handle)
{
    MQTTAsync_connectOptions options5 = MQTTAsync_connectOptions_initializer5;
    MQTTAsync_connectOptions options = MQTTAsync_connectOptions_initializer;
    if (p->version == MQTTVERSION_5) {
        options = options5;
        options.cleanstart = 1;
        options.onSuccess5 = on_connected5;
        options.onFailure5 = on_connect_failed5;
    } else {
        options.MQTTVersion = MQTTVERSION_3_1_1;
        options.onSuccess = on_connected;
        options.onFailure = on_connect_failed;
    }
    MQTTAsync_willOptions will = MQTTAsync_willOptions_initializer;
    will.topicName = p->base.options.will_topic;
    will.message = p->base.options.will_payload;
    will.retained = 1;
    will.qos = 1;
    options.will = p->base.options.will_topic && p->base.options.will_payload ? &will : NULL;
    options.context = p;
    options.keepAliveInterval = (int)p->base.options.keep_alive_s;
    options.maxInflight = (int)MEDSEC_MQTT_IN_FLIGHT + 1;
    options.connectTimeout = CONNECT_TIMEOUT_S;
    options.username = p->base.options.username;
    options.password = p->base.options.password;
    MQTTAsync_SSLOptions tls = tls_options(&p->base.options);
    options.ssl = p->base.options.url.tls ? &tls : NULL;
    int rc = MQTTAsync_setCallbacks(handle, p, on_lost, on_arrived, NULL);
    if (rc == MQTTASYNC_SUCCESS) {
        rc = MQTTAsync_setDisconnected(handle, p, on_disconnect);
    }
    return rc == MQTTASYNC_SUCCESS ? MQTTAsync_connect(handle, &options) : rc;
}

static void swap_handle(paho *p, MQTTAsync handle)
{
    MQTTAsync old = p->handle;
    while (p->pumping) {
        uv_cond_wait(&p->changed, &p->base.lock);
    }
    p->fd = -1;
    uv_mutex_unlock(&p->base.lock);
    if (old) {
        MQTTAsync_destroy(&old);
    }
    uv_mutex_lock(&p->base.lock);
    p->handle = handle;
    medsec__paho_rewind(p);
}

static medsec_status as_status(int rc)
{
    return rc == MQTTASYNC_SUCCESS ? MEDSEC_OK : MEDSEC_ERR_IO;
}

void medsec__paho_connect(paho *p)
{
    p->link = PAHO_CONNECTING;
    p->failure = (medsec__link_failure){.reason = NULL};
    uv_mutex_unlock(&p->base.lock);
    /* The new handle before the old one goes: without any, paho would stop its threads. */
    char target[MEDSEC__MQTT_URL_MAX];
    MQTTAsync handle = NULL;
    medsec_status status = choose_target(target, p);
    if (status == MEDSEC_OK) {
        status = as_status(create_handle(p, &handle, target));
    }
    uv_mutex_lock(&p->base.lock);
    swap_handle(p, handle);
    if (status == MEDSEC_OK) {
        p->link = PAHO_CONNECTING;
        uv_mutex_unlock(&p->base.lock);
        status = as_status(ask_connection(p, handle));
        uv_mutex_lock(&p->base.lock);
    }
    if (status != MEDSEC_OK) {
        go_down(p, medsec__status_failure(status));
    }
}

static void said_goodbye(paho *p)
{
    uv_mutex_lock(&p->base.lock);
    p->link = PAHO_DOWN;
    uv_cond_broadcast(&p->changed);
    uv_mutex_unlock(&p->base.lock);
}

static void on_goodbye5(void *context, MQTTAsync_successData5 *data)
{
    (void)data;
    said_goodbye(context);
}

static void on_goodbye(void *context, MQTTAsync_successData *data)
{
    (void)data;
    said_goodbye(context);
}

static void wait_down(paho *p)
{
    uint64_t end = uv_hrtime() + GOODBYE_MS * 1000000ull;
    while (p->link == PAHO_UP && uv_hrtime() < end) {
        (void)uv_cond_timedwait(&p->changed, &p->base.lock, end - uv_hrtime());
    }
}

static void say_goodbye(paho *p)
{
    MQTTAsync_disconnectOptions options = MQTTAsync_disconnectOptions_initializer;
    options.context = p;
    options.timeout = GOODBYE_MS;
    if (p->version == MQTTVERSION_5) {
        options.struct_version = 1;
        options.onSuccess5 = on_goodbye5;
    } else {
        options.onSuccess = on_goodbye;
    }
    uv_mutex_unlock(&p->base.lock);
    int rc = MQTTAsync_disconnect(p->handle, &options);
    uv_mutex_lock(&p->base.lock);
    if (rc == MQTTASYNC_SUCCESS) {
        wait_down(p);
    }
}

void medsec__paho_disconnect(paho *p)
{
    if (p->link == PAHO_UP) {
        say_goodbye(p);
    }
    p->link = PAHO_DOWN;
    swap_handle(p, NULL);
}

void medsec__paho_announce(paho *p, const char *payload)
{
    if (!p->base.options.will_topic || !payload) {
        return;
    }
    uv_mutex_unlock(&p->base.lock);
    int rc = MQTTAsync_send(p->handle, p->base.options.will_topic, (int)strlen(payload), payload, 1,
                            1, NULL);
    uv_mutex_lock(&p->base.lock);
    if (rc != MQTTASYNC_SUCCESS) {
        go_down(p, medsec__status_failure(MEDSEC_ERR_IO));
    }
}

static void subscription_failed(const paho *p, int code)
{
    medsec__link_log_unsubscribed(&p->base.options, p->base.filter, medsec__mqtt_refusal(code));
}

static void on_unsubscribed5(void *context, MQTTAsync_failureData5 *data)
{
    subscription_failed(context, data ? (int)data->reasonCode : 0);
}

static void on_unsubscribed(void *context, MQTTAsync_failureData *data)
{
    subscription_failed(context, data ? data->code : 0);
}

void medsec__paho_subscribe(paho *p)
{
    if (!p->base.filter || p->link != PAHO_UP) {
        return;
    }
    MQTTAsync_responseOptions response = MQTTAsync_responseOptions_initializer;
    response.context = p;
    if (p->version == MQTTVERSION_5) {
        response.onFailure5 = on_unsubscribed5;
    } else {
        response.onFailure = on_unsubscribed;
    }
    uv_mutex_unlock(&p->base.lock);
    int rc = MQTTAsync_subscribe(p->handle, p->base.filter, 1, &response);
    uv_mutex_lock(&p->base.lock);
    if (rc != MQTTASYNC_SUCCESS) {
        go_down(p, medsec__status_failure(MEDSEC_ERR_IO));
    }
}
