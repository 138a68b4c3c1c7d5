/* SPDX-License-Identifier: Apache-2.0 */
#include "broker_address.h"
#include "broker_probe.h"
#include "broker_socket.h"
#include "mosquitto_parts.h"

#include <errno.h>
#include <string.h>

#define KEEP_ALIVE_MIN_S 5u /* of libmosquitto */

static bool set_will(struct mosquitto *handle, const medsec__mqtt_options *o)
{
    if (!o->will_topic || !o->will_payload) {
        return true;
    }
    return mosquitto_will_set(handle, o->will_topic, (int)strlen(o->will_payload), o->will_payload,
                              1, true) == MOSQ_ERR_SUCCESS;
}

static bool set_login(struct mosquitto *handle, const medsec__mqtt_options *o)
{
    return !o->username ||
           mosquitto_username_pw_set(handle, o->username, o->password) == MOSQ_ERR_SUCCESS;
}

static bool set_option(struct mosquitto *handle, enum mosq_opt_t option, int value)
{
    return mosquitto_int_option(handle, option, value) == MOSQ_ERR_SUCCESS;
}

static bool set_tls(struct mosquitto *handle, const medsec__tls *tls)
{
    return !tls || (set_option(handle, MOSQ_OPT_SSL_CTX_WITH_DEFAULTS, 0) &&
                    mosquitto_void_option(handle, MOSQ_OPT_SSL_CTX, medsec__tls_context(tls)) ==
                        MOSQ_ERR_SUCCESS);
}

/* One place is for our state. Threaded: what is published is kept until we have it written. */
static bool set_up(struct mosquitto *handle, const mosq_dial *d, const medsec__mqtt_options *o)
{
    medsec__mosq_listen(handle);
    return set_option(handle, MOSQ_OPT_PROTOCOL_VERSION, d->version) &&
           set_option(handle, MOSQ_OPT_TCP_NODELAY, 1) &&
           set_option(handle, MOSQ_OPT_SEND_MAXIMUM, (int)MEDSEC_MQTT_IN_FLIGHT + 1) &&
           mosquitto_threaded_set(handle, true) == MOSQ_ERR_SUCCESS && set_login(handle, o) &&
           set_will(handle, o) && set_tls(handle, d->tls);
}

static medsec__link_failure why_not(const mosq_dial *d, int rc, int error)
{
    static const medsec__link_failure no_descriptor = {
        MEDSEC_ERR_LIMIT, "no descriptor is left for the connection to the broker",
        "raise the limit of open files"};
    medsec__link_failure failure;
    if (d->tls && medsec__tls_failure(&failure, d->tls)) {
        return failure;
    }
    if (rc == MOSQ_ERR_ERRNO && (error == EMFILE || error == ENFILE)) {
        return no_descriptor;
    }
    return medsec__status_failure(rc == MOSQ_ERR_NOMEM ? MEDSEC_ERR_MEMORY : MEDSEC_ERR_IO);
}

static medsec_status prepare(mosq *p, char host[MEDSEC__BROKER_HOST_MAX])
{
    const medsec__mqtt_options *o = &p->base.options;
    mosq_dial *d = &p->dial;
    medsec_status status = medsec__broker_resolve(host, o, d->attempt);
    if (status == MEDSEC_OK && o->url.tls) {
        status = medsec__tls_create(&d->tls, o);
    }
    if (status != MEDSEC_OK) {
        return status;
    }
    d->handle = mosquitto_new(o->client_id, true, p);
    return d->handle && set_up(d->handle, d, o) ? MEDSEC_OK : MEDSEC_ERR_MEMORY;
}

static void give_up(mosq_dial *d, medsec__link_failure failure)
{
    if (d->handle) {
        mosquitto_destroy(d->handle);
        d->handle = NULL;
    }
    medsec__tls_destroy(d->tls);
    d->tls = NULL;
    d->failure = failure;
}

/* In TLS 1.3 our CONNECT is on its way before the broker has looked at our certificate, and what it
 * says of that is lost when it hangs up on the CONNECT. */
static bool ask_why(mosq_dial *d, const medsec__mqtt_options *o)
{
    medsec__link_failure found;
    const bool said = medsec__broker_probe(&found, o) && found.status != MEDSEC_ERR_CLOSED;
    if (said) {
        give_up(d, found);
    }
    return said;
}

/* By number, so that nothing is looked up again, and without waiting: the loop sees what becomes
 * of it. */
void medsec__mosq_dial(mosq *p)
{
    mosq_dial *d = &p->dial;
    const uint32_t keep_alive = p->base.options.keep_alive_s;
    char host[MEDSEC__BROKER_HOST_MAX];
    if (d->unanswered && ask_why(d, &p->base.options)) {
        return;
    }
    medsec_status status = prepare(p, host);
    if (status != MEDSEC_OK) {
        give_up(d, medsec__status_failure(status));
        return;
    }
    errno = 0;
    int rc = mosquitto_connect_bind_async(
        d->handle, host, p->base.options.url.port,
        (int)(keep_alive < KEEP_ALIVE_MIN_S ? KEEP_ALIVE_MIN_S : keep_alive), NULL);
    if (rc != MOSQ_ERR_SUCCESS) {
        give_up(d, why_not(d, rc, errno));
        return;
    }
    medsec__broker_keep_private(mosquitto_socket(d->handle));
}
