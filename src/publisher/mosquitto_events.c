/* SPDX-License-Identifier: Apache-2.0 */
#include "link_log.h"
#include "mosquitto_parts.h"

#include <mqtt_protocol.h>
#include <string.h>

static void fail_with(mosq *p, medsec__link_failure failure)
{
    p->failure = failure;
    p->has_failure = true;
}

static void on_connect(struct mosquitto *handle, void *context, int code, int flags,
                       const mosquitto_property *properties)
{
    mosq *p = context;
    uint16_t most = 0;
    (void)handle;
    (void)flags;
    p->accepted = code == 0;
    if (code != 0) {
        p->is_old = p->is_old || code == MQTT_RC_UNSUPPORTED_PROTOCOL_VERSION;
        fail_with(p, medsec__mqtt_failure(code));
        return;
    }
    /* Above the broker's Receive Maximum (MQTT 5.0 section 3.2.2.3.3) libmosquitto holds messages
     * back, and walks along them for each. One place is for our state. */
    p->window = MEDSEC_MQTT_IN_FLIGHT;
    if (mosquitto_property_read_int16(properties, MQTT_PROP_RECEIVE_MAXIMUM, &most, false) &&
        most > 0 && most <= p->window) {
        p->window = most > 1 ? most - 1u : 1u;
    }
    p->packet_max = UINT32_MAX;
    (void)mosquitto_property_read_int32(properties, MQTT_PROP_MAXIMUM_PACKET_SIZE, &p->packet_max,
                                        false);
}

/* The broker's DISCONNECT; the other codes are libmosquitto's, which it returns as well. */
static void on_disconnect(struct mosquitto *handle, void *context, int code,
                          const mosquitto_property *properties)
{
    (void)handle;
    (void)properties;
    if (code >= MOSQ_REFUSES && !((mosq *)context)->has_failure) {
        fail_with(context, medsec__mqtt_failure(code));
    }
}

static void on_published(struct mosquitto *handle, void *context, int id, int code,
                         const mosquitto_property *properties)
{
    mosq *p = context;
    (void)handle;
    (void)properties;
    medsec__mosq_settle(p, id, code);
    if (id == p->goodbye) {
        p->goodbye = -1;
    }
}

static void on_subscribed(struct mosquitto *handle, void *context, int id, int count,
                          const int *granted, const mosquitto_property *properties)
{
    const mosq *p = context;
    (void)handle;
    (void)id;
    (void)properties;
    if (count > 0 && granted[0] >= MOSQ_REFUSES) {
        medsec__link_log_unsubscribed(&p->base.options, p->base.filter,
                                      medsec__mqtt_refusal(granted[0]));
    }
}

static void on_message(struct mosquitto *handle, void *context, const struct mosquitto_message *m,
                       const mosquitto_property *properties)
{
    const mosq *p = context;
    (void)handle;
    (void)properties;
    medsec__mqtt_client_tell_received(&p->base, m->topic, strlen(m->topic), m->payload,
                                      m->payloadlen, m->retain);
}

void medsec__mosq_listen(struct mosquitto *handle)
{
    mosquitto_connect_v5_callback_set(handle, on_connect);
    mosquitto_disconnect_v5_callback_set(handle, on_disconnect);
    mosquitto_publish_v5_callback_set(handle, on_published);
    mosquitto_subscribe_v5_callback_set(handle, on_subscribed);
    mosquitto_message_v5_callback_set(handle, on_message);
}
