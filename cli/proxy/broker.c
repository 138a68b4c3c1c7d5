/* SPDX-License-Identifier: Apache-2.0 */
#include "broker.h"

#include "passphrase.h"
#include "tool.h"

#include <errno.h>
#include <medsec/topic.h>
#include <medsec/version.h>
#include <sodium.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#define CONNECTIONS_MAX 64u
#define TEXT_MAX (MEDSEC_DEVICE_ID_MAX + 32u)

typedef medsec_status create_fn(medsec_publisher **publisher, const medsec_mqtt_options *options);

static create_fn *const clients[] = {
    [MQTT_CLIENT_PAHO] = medsec_publisher_paho_create,
    [MQTT_CLIENT_MOSQUITTO] = medsec_publisher_mosquitto_create,
};

/* What goes together, and what does not. */
static int check_options(const settings *s)
{
    const bool has_tls = strncmp(s->broker, "mqtts://", 8) == 0;
    if ((s->broker_cert != NULL) != (s->broker_key != NULL)) {
        tool_error("--broker-cert and --broker-key go together");
    } else if (s->broker_password_file != NULL && s->broker_user == NULL) {
        tool_error("--broker-password-file goes with --broker-user");
    } else if (!has_tls && (s->broker_ca != NULL || s->broker_pin != NULL || s->broker_cert)) {
        tool_error("--broker-ca, --broker-pin and --broker-cert are for --broker mqtts://");
    } else if (s->broker_pin != NULL && s->mqtt_client == MQTT_CLIENT_PAHO) {
        tool_error("--broker-pin needs --mqtt-client mosquitto: paho does not show the broker's "
                   "key");
    } else {
        return EXIT_DONE;
    }
    return EXIT_USAGE;
}

static int explain(const settings *s, medsec_status status)
{
    switch (status) {
    case MEDSEC_ERR_ARGUMENT:
        if (s->broker_pin != NULL) {
            tool_error("--broker must be mqtts://HOST[:PORT], and --broker-pin sha256//BASE64, the "
                       "hash of a public key, or several joined by `;`");
            return EXIT_USAGE;
        }
        tool_error("--broker must be mqtts://HOST[:PORT], or mqtt://HOST[:PORT]");
        return EXIT_NETWORK;
    case MEDSEC_ERR_CLEAR_TEXT:
        tool_error("%s is at a public address, and mqtt:// is in clear text: use mqtts://, or, if "
                   "it must be, --insecure-broker",
                   s->broker);
        return EXIT_USAGE;
    case MEDSEC_ERR_IO:
    case MEDSEC_ERR_CORRUPT:
    case MEDSEC_ERR_PERMISSION:
        tool_error("what --broker-ca, --broker-cert or --broker-key names cannot be used: see the "
                   "line before");
        return EXIT_CONFIG;
    default:
        tool_error("the way to the broker: %s", medsec_strerror(status));
        return EXIT_FAILED;
    }
}

/* The password, in locked memory; NULL without a file. */
static int load_password(char **password, const settings *s)
{
    *password = NULL;
    if (s->broker_password_file == NULL) {
        return EXIT_DONE;
    }
    char *text = sodium_init() >= 0 ? sodium_malloc(PASSPHRASE_MAX + 1) : NULL;
    if (text == NULL) {
        tool_error("no memory for the password");
        return EXIT_FAILED;
    }
    const size_t len = passphrase_load(text, PASSPHRASE_MAX, s->broker_password_file, "password");
    if (len == 0) {
        sodium_free(text);
        return EXIT_CONFIG;
    }
    text[len] = '\0';
    *password = text;
    return EXIT_DONE;
}

/* Connection 0 has the gateway's name and its last will; the others are told apart by a number. */
static medsec_status create_one(medsec_publisher **publisher, const broker_context *c,
                                const char *password, uint32_t number)
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
        .username = s->broker_user,
        .password = password,
        .ca_file = s->broker_ca,
        .pin = s->broker_pin,
        .cert_file = s->broker_cert,
        .key_file = s->broker_key,
        .allow_clear_text = s->insecure_broker,
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

static medsec_status create_connections(medsec_publisher **publisher, const broker_context *c,
                                        const char *password)
{
    medsec_publisher *all[CONNECTIONS_MAX] = {NULL};
    const uint32_t count = c->check ? 1 : c->settings->broker_connections;
    for (uint32_t i = 0; i < count; i++) {
        const medsec_status status = create_one(&all[i], c, password, i);
        if (status != MEDSEC_OK) {
            destroy_all(all, i);
            return status;
        }
    }
    *publisher = all[0];
    return count == 1 ? MEDSEC_OK : medsec_publisher_fan_create(publisher, all, count);
}

const char *broker_spool_fault(const char *folder)
{
    struct stat info;
    if (stat(folder, &info) == 0 && (info.st_mode & (S_IWGRP | S_IWOTH)) != 0) {
        return "others may write there: chmod go-w";
    }
    return NULL;
}

static int explain_spool(const char *folder, medsec_status status)
{
    const char *fault = status == MEDSEC_ERR_PERMISSION ? broker_spool_fault(folder) : NULL;
    const char *why = fault != NULL                 ? fault
                      : status == MEDSEC_ERR_BUSY   ? "another gateway uses it"
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
    const settings *s = context->settings;
    char *password = NULL;
    int code = check_options(s);
    if (code == EXIT_DONE) {
        code = load_password(&password, s);
    }
    if (code == EXIT_DONE) {
        const medsec_status status = create_connections(publisher, context, password);
        code = status == MEDSEC_OK ? EXIT_DONE : explain(s, status);
    }
    sodium_free(password);
    const bool spooled = s->spool != NULL && !context->check;
    return code == EXIT_DONE && spooled ? put_spool_in_front(publisher, context) : code;
}
