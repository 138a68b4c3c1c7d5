/* SPDX-License-Identifier: Apache-2.0 */
#include "mqtt_options.h"

#include "broker_address.h"
#include "tls.h"

#include <sodium.h>
#include <stdlib.h>
#include <string.h>

/* Either both or none. */
static bool is_pair(const char *a, const char *b)
{
    return (a == NULL) == (b == NULL);
}

static medsec_status check(const medsec_mqtt_options *o, const medsec__mqtt_url *url)
{
    const bool wants_tls = o->ca_file || o->pin || o->cert_file;
    if (!o->client_id || (o->password && !o->username) || !is_pair(o->cert_file, o->key_file) ||
        (wants_tls && !url->tls)) {
        return MEDSEC_ERR_ARGUMENT;
    }
    return url->tls || o->allow_clear_text || medsec__broker_may_be_clear(url->host)
               ? MEDSEC_OK
               : MEDSEC_ERR_CLEAR_TEXT;
}

/* True unless memory ran out. */
static bool copy(char **out, const char *text)
{
    *out = text ? strdup(text) : NULL;
    return *out || !text;
}

static bool copy_secret(char **out, const char *text)
{
    if (!text) {
        return true;
    }
    const size_t size = strlen(text) + 1;
    *out = sodium_init() >= 0 ? sodium_malloc(size) : NULL;
    if (*out) {
        memcpy(*out, text, size);
    }
    return *out != NULL;
}

static bool copy_texts(medsec__mqtt_options *out, const medsec_mqtt_options *in)
{
    return copy(&out->client_id, in->client_id) && copy(&out->username, in->username) &&
           copy_secret(&out->password, in->password) && copy(&out->ca_file, in->ca_file) &&
           copy(&out->pin, in->pin) && copy(&out->cert_file, in->cert_file) &&
           copy(&out->key_file, in->key_file) && copy(&out->will_topic, in->will_topic) &&
           copy(&out->will_payload, in->will_payload) &&
           copy(&out->online_payload, in->online_payload) &&
           copy(&out->offline_payload, in->offline_payload);
}

/* A context is made for each connection, from the files as they are then. This one shows that they
 * can be used. */
static medsec_status check_tls(const medsec__mqtt_options *options)
{
    medsec__tls *tls = NULL;
    medsec_status status = medsec__tls_create(&tls, options);
    medsec__tls_destroy(tls);
    return status;
}

medsec_status medsec__mqtt_options_copy(medsec__mqtt_options *out, const medsec_mqtt_options *in)
{
    memset(out, 0, sizeof *out);
    medsec_status status = medsec__mqtt_url_parse(&out->url, in->url);
    if (status == MEDSEC_OK) {
        status = check(in, &out->url);
    }
    if (status != MEDSEC_OK) {
        return status;
    }
    medsec__mqtt_url_text(out->url_text, out->url.tls ? "mqtts" : "mqtt", out->url.host,
                          out->url.port);
    out->allow_clear_text = in->allow_clear_text;
    out->queue_bytes = in->queue_bytes ? in->queue_bytes : MEDSEC_MQTT_QUEUE_BYTES;
    out->keep_alive_s = in->keep_alive_s ? in->keep_alive_s : MEDSEC_MQTT_KEEP_ALIVE_S;
    out->log = in->log;
    status = copy_texts(out, in) ? MEDSEC_OK : MEDSEC_ERR_MEMORY;
    if (status == MEDSEC_OK && out->url.tls) {
        status = check_tls(out);
    }
    if (status != MEDSEC_OK) {
        medsec__mqtt_options_free(out);
    }
    return status;
}

void medsec__mqtt_options_free(medsec__mqtt_options *options)
{
    char *const texts[] = {options->client_id,      options->username,
                           options->ca_file,        options->pin,
                           options->cert_file,      options->key_file,
                           options->will_topic,     options->will_payload,
                           options->online_payload, options->offline_payload};
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
        free(texts[i]);
    }
    sodium_free(options->password);
    memset(options, 0, sizeof *options);
}
