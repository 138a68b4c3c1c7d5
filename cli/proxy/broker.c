/* SPDX-License-Identifier: Apache-2.0 */
#include "broker.h"

#include "tool.h"

#include <errno.h>
#include <medsec/topic.h>
#include <medsec/version.h>
#include <sodium.h>
#include <stdio.h>
#include <string.h>

#define CONNECTIONS_MAX 64u
#define TEXT_MAX (MEDSEC_DEVICE_ID_MAX + 32u)

typedef medsec_status create_fn(medsec_publisher **publisher, const medsec_mqtt_options *options);

static create_fn *const clients[] = {
    [MQTT_CLIENT_PAHO] = medsec_publisher_paho_create,
    [MQTT_CLIENT_MOSQUITTO] = medsec_publisher_mosquitto_create,
};

static int explain(medsec_status status)
{
    if (status == MEDSEC_ERR_ARGUMENT) {
        tool_error("--broker must be mqtt://HOST[:PORT]");
        return EXIT_NETWORK;
    }
    return EXIT_FAILED;
}

/* Connection 0 has the gateway's name and its last will; the others are told apart by a number. */
static medsec_status create_one(medsec_publisher **publisher, const broker_context *c,
                                uint32_t number)
{
    char client[TEXT_MAX], topic[TEXT_MAX];
    const bool first = number == 0;
    if (c->check) {
        snprintf(client, sizeof client, "medsec-%s-check", c->name);
    } else if (first) {
        snprintf(client, sizeof client, "medsec-%s", c->name);
    } else {
        snprintf(client, sizeof client, "medsec-%s-%u", c->name, number);
    }
    snprintf(topic, sizeof topic, "medsec/gateway/%s/status", c->name);
    const settings *s = c->settings;
    const medsec_mqtt_options options = {
        .url = s->broker,
        .client_id = client,
        .will_topic = first && !c->check ? topic : NULL,
        .will_payload = "{\"status\":\"offline\",\"reason\":\"lost\"}",
        .online_payload = "{\"status\":\"online\",\"version\":\"" MEDSEC_VERSION_STRING "\"}",
        .offline_payload = "{\"status\":\"offline\",\"reason\":\"stopped\"}",
        .queue_bytes = s->queue_bytes,
        .log = c->log};
    return clients[s->mqtt_client](publisher, &options);
}

static void destroy_all(medsec_publisher *const *publishers, uint32_t count)
{
    for (uint32_t i = 0; i < count; i++) {
        publishers[i]->ops->destroy(publishers[i]);
    }
}

static medsec_status create_connections(medsec_publisher **publisher, const broker_context *c)
{
    medsec_publisher *all[CONNECTIONS_MAX] = {NULL};
    const uint32_t count = c->check ? 1 : c->settings->broker_connections;
    for (uint32_t i = 0; i < count; i++) {
        const medsec_status status = create_one(&all[i], c, i);
        if (status != MEDSEC_OK) {
            destroy_all(all, i);
            return status;
        }
    }
    *publisher = all[0];
    return count == 1 ? MEDSEC_OK : medsec_publisher_fan_create(publisher, all, count);
}

static int explain_spool(const char *folder, medsec_status status)
{
    const char *why = status == MEDSEC_ERR_BUSY     ? "another gateway uses it"
                      : status == MEDSEC_ERR_CRYPTO ? "it was sealed under another registry's key"
                      : errno != 0                  ? strerror(errno)
                                                    : medsec_strerror(status);
    tool_error("--spool %s: %s", folder, why);
    return EXIT_CONFIG;
}

/* Owns the publisher from then on, also on failure. */
static int put_spool_in_front(medsec_publisher **publisher, const broker_context *c)
{
    uint8_t key[MEDSEC_SPOOL_KEY_LEN];
    const settings *s = c->settings;
    const medsec_spool_options options = {.folder = s->spool,
                                          .key = key,
                                          .bytes = (uint64_t)s->spool_mebibytes << 20,
                                          .age_s = (s->spool_age_ms + 999) / 1000,
                                          .queue_bytes = s->queue_bytes,
                                          .log = c->log};
    medsec_publisher *behind = *publisher;
    *publisher = NULL;
    medsec_status status = medsec_registry_derive_key(c->registry, key, "spool");
    errno = 0;
    if (status == MEDSEC_OK) {
        status = medsec_publisher_spool_create(publisher, behind, &options);
    } else {
        behind->ops->destroy(behind);
    }
    sodium_memzero(key, sizeof key);
    return status == MEDSEC_OK ? EXIT_DONE : explain_spool(s->spool, status);
}

int broker_create(medsec_publisher **publisher, const broker_context *context)
{
    const medsec_status status = create_connections(publisher, context);
    if (status != MEDSEC_OK) {
        return explain(status);
    }
    const bool spooled = context->settings->spool != NULL && !context->check;
    return spooled ? put_spool_in_front(publisher, context) : EXIT_DONE;
}
