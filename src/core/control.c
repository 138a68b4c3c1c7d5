/* SPDX-License-Identifier: Apache-2.0 */
#include <medsec/message.h>

#include "cbor.h"

/* The members of CONFIG's map, as bits of `given` and as keys. */
enum { CONFIG_KEYS = 3, GIVEN_ALL = (1 << CONFIG_KEYS) - 1 };

medsec_status medsec_message_kind(medsec_kind *kind, const uint8_t *message, size_t len)
{
    if (kind == NULL || (message == NULL && len > 0)) {
        return MEDSEC_ERR_ARGUMENT;
    }
    if (len == 0 || message[0] < MEDSEC_KIND_READINGS || message[0] > MEDSEC_KIND_CLOSE) {
        return MEDSEC_ERR_MESSAGE;
    }
    *kind = (medsec_kind)message[0];
    return MEDSEC_OK;
}

/* The value that belongs to key 1, 2 or 3. */
static uint32_t *config_value(medsec_config *config, uint64_t key)
{
    switch (key) {
    case 1:
        return &config->sample_interval_ms;
    case 2:
        return &config->batch_max;
    default:
        return &config->report_interval_ms;
    }
}

static uint32_t get_u32(medsec__cbor_reader *reader)
{
    return (uint32_t)medsec__cbor_get_uint(reader, UINT32_MAX);
}

/* Keys ascend, each at most once: RFC 8949 section 4.2.1. */
static void get_config(medsec__cbor_reader *reader, medsec_config *config)
{
    uint64_t last = 0;
    config->version = get_u32(reader);
    for (size_t left = medsec__cbor_get_map(reader, 0, CONFIG_KEYS); left > 0; left--) {
        uint64_t key = medsec__cbor_get_uint(reader, CONFIG_KEYS);
        if (reader->bad || key <= last) {
            reader->bad = true;
            return;
        }
        *config_value(config, key) = get_u32(reader);
        config->given |= 1u << (key - 1);
        last = key;
    }
}

static void put_config(medsec__writer *writer, medsec_config config)
{
    size_t pairs = 0;
    for (size_t key = 1; key <= CONFIG_KEYS; key++) {
        pairs += config.given >> (key - 1) & 1;
    }
    medsec__cbor_put_uint(writer, config.version);
    medsec__cbor_put_map(writer, pairs);
    for (size_t key = 1; key <= CONFIG_KEYS; key++) {
        if ((config.given >> (key - 1) & 1) != 0) {
            medsec__cbor_put_uint(writer, key);
            medsec__cbor_put_uint(writer, *config_value(&config, key));
        }
    }
}

medsec_status medsec_control_decode(medsec_control *control, const uint8_t *message, size_t len)
{
    if (control == NULL || (message == NULL && len > 0)) {
        return MEDSEC_ERR_ARGUMENT;
    }
    medsec__cbor_reader reader = {.data = message, .len = len};
    medsec_control out = {.kind = (medsec_kind)medsec__cbor_get_byte(&reader)};
    size_t items = out.kind == MEDSEC_KIND_CLOSE ? 1 : 2;
    (void)medsec__cbor_get_array(&reader, items, items);
    switch (out.kind) {
    case MEDSEC_KIND_ACK:
        out.body.ack.boot = get_u32(&reader);
        out.body.ack.sequence = get_u32(&reader);
        break;
    case MEDSEC_KIND_CONFIG:
        out.body.config = (medsec_config){0};
        get_config(&reader, &out.body.config);
        break;
    case MEDSEC_KIND_CONFIG_ACK:
        out.body.config_ack.version = get_u32(&reader);
        out.body.config_ack.status = get_u32(&reader);
        break;
    case MEDSEC_KIND_CLOSE:
        out.body.close_reason = get_u32(&reader);
        break;
    default:
        return MEDSEC_ERR_MESSAGE;
    }
    medsec_status status = medsec__cbor_get_end(&reader);
    if (status == MEDSEC_OK) {
        *control = out;
    }
    return status;
}

static void put_pair(medsec__writer *writer, uint32_t first, uint32_t second)
{
    medsec__cbor_put_uint(writer, first);
    medsec__cbor_put_uint(writer, second);
}

medsec_status medsec_control_encode(uint8_t *out, size_t cap, size_t *len,
                                    const medsec_control *control)
{
    if (out == NULL || len == NULL || control == NULL) {
        return MEDSEC_ERR_ARGUMENT;
    }
    medsec__writer writer = {.out = (char *)out, .cap = cap};
    uint8_t kind = (uint8_t)control->kind;
    medsec__write(&writer, &kind, sizeof kind);
    medsec__cbor_put_array(&writer, control->kind == MEDSEC_KIND_CLOSE ? 1 : 2);
    switch (control->kind) {
    case MEDSEC_KIND_ACK:
        put_pair(&writer, control->body.ack.boot, control->body.ack.sequence);
        break;
    case MEDSEC_KIND_CONFIG:
        if (control->body.config.given > GIVEN_ALL) {
            return MEDSEC_ERR_ARGUMENT;
        }
        put_config(&writer, control->body.config);
        break;
    case MEDSEC_KIND_CONFIG_ACK:
        put_pair(&writer, control->body.config_ack.version, control->body.config_ack.status);
        break;
    case MEDSEC_KIND_CLOSE:
        medsec__cbor_put_uint(&writer, control->body.close_reason);
        break;
    case MEDSEC_KIND_READINGS:
    default:
        return MEDSEC_ERR_ARGUMENT;
    }
    return medsec__write_end(&writer, len);
}
