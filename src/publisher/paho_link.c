/* SPDX-License-Identifier: Apache-2.0 */
#include "paho.h"

#include <string.h>

#define CONNECT_TIMEOUT_S 10 /* from TCP connect to CONNACK */
#define GOODBYE_MS 500 /* for the last packets to leave */

/* CONNACK of a broker that does not speak the version asked for: MQTT 3.1.1 and MQTT 5. */
#define REFUSED_VERSION_311 1

static void set_link(paho *p, paho_link link, int failure)
{
    uv_mutex_lock(&p->lock);
    p->link = link;
    p->failure = failure;
    uv_cond_signal(&p->changed);
    uv_mutex_unlock(&p->lock);
}

static void connected(paho *p, size_t window)
{
    uv_mutex_lock(&p->lock);
    if (p->link == PAHO_CONNECTING) {
        p->window = window;
        p->link = PAHO_UP;
        p->failure = 0;
        uv_cond_signal(&p->changed);
    }
    uv_mutex_unlock(&p->lock);
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
    connected(context, window);
}

static void on_connected(void *context, MQTTAsync_successData *data)
{
    (void)data;
    connected(context, MEDSEC_MQTT_IN_FLIGHT);
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

static void connect_failed(paho *p, int code, const char *message)
{
    uv_mutex_lock(&p->lock);
    if (p->link == PAHO_CONNECTING && is_about_version(code, message)) {
        p->version = p->version == MQTTVERSION_5 ? MQTTVERSION_3_1_1 : MQTTVERSION_5;
    }
    p->link = PAHO_DOWN;
    p->failure = code;
    uv_cond_signal(&p->changed);
    uv_mutex_unlock(&p->lock);
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
    (void)cause;
    set_link(context, PAHO_DOWN, MQTTASYNC_DISCONNECTED);
}

static int on_arrived(void *context, char *topic, int topic_len, MQTTAsync_message *message)
{
    const paho *p = context;
    /* What is retained comes again at each connection, after what was said later. */
    if (p->listener->received && message->payloadlen >= 0 && !message->retained) {
        /* A length of zero says that there is no NUL within, nothing more. */
        size_t len = topic_len > 0 ? (size_t)topic_len : strlen(topic);
        p->listener->received(p->listener->context, topic, len, message->payload,
                              (size_t)message->payloadlen);
    }
    MQTTAsync_freeMessage(&message);
    MQTTAsync_free(topic);
    return 1;
}

static int create_handle(const paho *p, MQTTAsync *handle)
{
    MQTTAsync_createOptions options = MQTTAsync_createOptions_initializer;
    options.MQTTVersion = p->version;
    options.maxBufferedMessages = 2 * (int)MEDSEC_MQTT_IN_FLIGHT;
    int rc = MQTTAsync_createWithOptions(handle, p->url, p->client_id, MQTTCLIENT_PERSISTENCE_NONE,
                                         NULL, &options);
    /* Else paho formats and keeps a trace of every packet, payloads included. */
    MQTTAsync_setTraceLevel(MQTTASYNC_TRACE_ERROR);
    return rc;
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
    will.topicName = p->will_topic;
    will.message = p->will_payload;
    will.retained = 1;
    will.qos = 1;
    options.will = p->will_topic && p->will_payload ? &will : NULL;
    options.context = p;
    options.keepAliveInterval = (int)p->keep_alive_s;
    options.maxInflight = (int)MEDSEC_MQTT_IN_FLIGHT + 1;
    options.connectTimeout = CONNECT_TIMEOUT_S;
    int rc = MQTTAsync_setCallbacks(handle, p, on_lost, on_arrived, NULL);
    return rc == MQTTASYNC_SUCCESS ? MQTTAsync_connect(handle, &options) : rc;
}

/* What was under way is queued again. */
static void rewind_window(paho *p)
{
    medsec__queue_rewind(&p->queue);
    p->handed = p->released;
}

static void swap_handle(paho *p, MQTTAsync handle)
{
    MQTTAsync old = p->handle;
    while (p->pumping) {
        uv_cond_wait(&p->changed, &p->lock);
    }
    p->fd = -1;
    uv_mutex_unlock(&p->lock);
    if (old) {
        MQTTAsync_destroy(&old);
    }
    uv_mutex_lock(&p->lock);
    p->handle = handle;
    rewind_window(p);
}

static void fail(paho *p, int rc)
{
    p->link = PAHO_DOWN;
    p->failure = rc;
}

void medsec__paho_connect(paho *p)
{
    p->link = PAHO_CONNECTING;
    uv_mutex_unlock(&p->lock);
    /* The new handle before the old one goes: without any, paho would stop its threads. */
    MQTTAsync handle = NULL;
    int rc = create_handle(p, &handle);
    uv_mutex_lock(&p->lock);
    swap_handle(p, handle);
    if (rc == MQTTASYNC_SUCCESS) {
        p->link = PAHO_CONNECTING;
        uv_mutex_unlock(&p->lock);
        rc = ask_connection(p, handle);
        uv_mutex_lock(&p->lock);
    }
    if (rc != MQTTASYNC_SUCCESS) {
        fail(p, rc);
    }
}

static void on_goodbye5(void *context, MQTTAsync_successData5 *data)
{
    (void)data;
    set_link(context, PAHO_DOWN, 0);
}

static void on_goodbye(void *context, MQTTAsync_successData *data)
{
    (void)data;
    set_link(context, PAHO_DOWN, 0);
}

static void wait_down(paho *p)
{
    uint64_t end = uv_hrtime() + GOODBYE_MS * 1000000ull;
    while (p->link == PAHO_UP && uv_hrtime() < end) {
        (void)uv_cond_timedwait(&p->changed, &p->lock, end - uv_hrtime());
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
    uv_mutex_unlock(&p->lock);
    int rc = MQTTAsync_disconnect(p->handle, &options);
    uv_mutex_lock(&p->lock);
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
    if (!p->will_topic || !payload) {
        return;
    }
    uv_mutex_unlock(&p->lock);
    int rc = MQTTAsync_send(p->handle, p->will_topic, (int)strlen(payload), payload, 1, 1, NULL);
    uv_mutex_lock(&p->lock);
    if (rc != MQTTASYNC_SUCCESS) {
        fail(p, rc);
    }
}

static void subscription_failed(paho *p, int code)
{
    medsec_log_write(p->log, MEDSEC_LOG_ERROR, "subscription-refused",
                     MEDSEC_LOG_STR("filter", p->filter), MEDSEC_LOG_INT("code", code));
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
    if (!p->filter || p->link != PAHO_UP) {
        return;
    }
    MQTTAsync_responseOptions response = MQTTAsync_responseOptions_initializer;
    response.context = p;
    if (p->version == MQTTVERSION_5) {
        response.onFailure5 = on_unsubscribed5;
    } else {
        response.onFailure = on_unsubscribed;
    }
    uv_mutex_unlock(&p->lock);
    int rc = MQTTAsync_subscribe(p->handle, p->filter, 1, &response);
    uv_mutex_lock(&p->lock);
    if (rc != MQTTASYNC_SUCCESS) {
        fail(p, rc);
    }
}
