/* SPDX-License-Identifier: Apache-2.0 */
#include "v1_wire.h"

#include "guard.h"
#include "unit.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#define PICO (&medsec_profile_pico_vitals)

enum { ROW_MS = 50, PUSH_MAX = 1 << 17 };

void v1_bytes(uint8_t out[MEDSEC_SHA256_LEN], const char *name)
{
    const medsec_bytes part = {(const uint8_t *)name, strlen(name)};
    assert_int_equal(medsec_crypto_openssl()->sha256(out, &part, 1), MEDSEC_OK);
}

void v1_keypair(medsec_keypair *keys, const char *name)
{
    v1_bytes(keys->private_key, name);
    assert_int_equal(medsec_crypto_openssl()->x25519_public(keys->public_key, keys->private_key),
                     MEDSEC_OK);
}

void v1_secrets_make(v1_secrets *secrets, const char *device, const char *gateway)
{
    char name[64];
    v1_keypair(&secrets->device, device);
    v1_keypair(&secrets->gateway, gateway);
    snprintf(name, sizeof name, "%s psk", device);
    v1_bytes(secrets->psk, name);
}

void v1_hello(v1_device *device, uint8_t out[MEDSEC_HELLO_LEN], const v1_secrets *secrets,
              medsec_suite suite, const char *ephemeral)
{
    static const uint8_t payload[] = {0, 0, 0, 7, 0, 0, 0, 0};
    const uint8_t flags = MEDSEC_RECORD_FLAGS(suite);
    const uint8_t prologue[] = {'m', 'e', 'd', 's', 'e', 'c', '/', '1', flags};
    uint8_t key[MEDSEC_X25519_LEN];
    medsec_handshake *h = &device->handshake;
    size_t len = 0;
    memset(device, 0, sizeof *device);
    device->suite = suite;
    v1_bytes(key, ephemeral);
    assert_int_equal(medsec_handshake_open(h, medsec_crypto_openssl(), MEDSEC_PATTERN_IKPSK1,
                                           MEDSEC_INITIATOR, prologue, sizeof prologue),
                     MEDSEC_OK);
    assert_int_equal(
        medsec_handshake_set_static(h, secrets->device.private_key, secrets->device.public_key),
        MEDSEC_OK);
    assert_int_equal(medsec_handshake_set_ephemeral(h, key), MEDSEC_OK);
    medsec_handshake_set_remote_static(h, secrets->gateway.public_key);
    medsec_handshake_set_psk(h, secrets->psk);
    assert_int_equal(medsec_handshake_write(h, out + MEDSEC_RECORD_HEADER_LEN,
                                            MEDSEC_HELLO_LEN - MEDSEC_RECORD_HEADER_LEN, &len,
                                            payload, sizeof payload),
                     MEDSEC_OK);
    assert_int_equal(len, MEDSEC_HELLO_LEN - MEDSEC_RECORD_HEADER_LEN);
    medsec_record_write_header(out,
                               (medsec_record_header){MEDSEC_RECORD_HELLO, flags, (uint16_t)len});
}

medsec_status v1_welcome(v1_device *device, const uint8_t *welcome, size_t len)
{
    medsec_record_header header;
    uint8_t payload[MEDSEC_WELCOME_LEN];
    uint8_t to_gateway[MEDSEC_CHACHAPOLY_KEY_LEN];
    uint8_t to_device[MEDSEC_CHACHAPOLY_KEY_LEN];
    size_t payload_len = 0;
    assert_int_equal(len, MEDSEC_WELCOME_LEN);
    assert_int_equal(medsec_record_read_header(&header, welcome), MEDSEC_OK);
    assert_int_equal(header.type, MEDSEC_RECORD_WELCOME);
    assert_int_equal(header.flags, MEDSEC_RECORD_FLAGS(device->suite));
    assert_int_equal(header.length, len - MEDSEC_RECORD_HEADER_LEN);
    medsec_status status = medsec_handshake_read(&device->handshake, payload, &payload_len,
                                                 welcome + MEDSEC_RECORD_HEADER_LEN, header.length);
    if (status != MEDSEC_OK) {
        return status;
    }
    assert_int_equal(payload_len, 8);
    for (size_t i = 0; i < payload_len; i++) {
        device->utc_ms = device->utc_ms << 8 | payload[i];
    }
    assert_int_equal(medsec_handshake_split(&device->handshake, to_gateway, to_device), MEDSEC_OK);
    const medsec_crypto *crypto = medsec_crypto_openssl();
    assert_int_equal(medsec_record_open(&device->to_gateway, crypto, device->suite, to_gateway),
                     MEDSEC_OK);
    assert_int_equal(medsec_record_open(&device->to_device, crypto, device->suite, to_device),
                     MEDSEC_OK);
    return MEDSEC_OK;
}

size_t v1_seal(v1_device *device, uint8_t *out, const void *message, size_t len)
{
    size_t sealed = 0;
    assert_int_equal(
        medsec_record_seal(&device->to_gateway, out, MEDSEC_RECORD_LEN_MAX, &sealed, message, len),
        MEDSEC_OK);
    return sealed;
}

size_t v1_readings_message(uint8_t *out, const medsec_readings_head *head, size_t rows)
{
    medsec_readings_writer writer;
    size_t len = 0;
    assert_int_equal(medsec_readings_begin(&writer, out, MEDSEC_MESSAGE_MAX, PICO, head, rows),
                     MEDSEC_OK);
    for (size_t i = 0; i < rows; i++) {
        medsec_sample sample = {.time_ms = head->base_time_ms + i * ROW_MS,
                                .present = (1u << PICO->count) - 1};
        for (size_t v = 0; v < PICO->count; v++) {
            sample.value[v] = (int32_t)(1000 * v + (head->first_sequence + i) % 1000);
        }
        assert_int_equal(medsec_readings_add(&writer, &sample), MEDSEC_OK);
    }
    assert_int_equal(medsec_readings_end(&writer, &len), MEDSEC_OK);
    return len;
}

size_t v1_readings(v1_device *device, uint8_t *out, const medsec_readings_head *head, size_t rows)
{
    uint8_t message[MEDSEC_MESSAGE_MAX];
    return v1_seal(device, out, message, v1_readings_message(message, head, rows));
}

size_t v1_control(v1_device *device, uint8_t *out, const medsec_control *control)
{
    uint8_t message[MEDSEC_CONTROL_LEN_MAX];
    size_t len = 0;
    assert_int_equal(medsec_control_encode(message, sizeof message, &len, control), MEDSEC_OK);
    return v1_seal(device, out, message, len);
}

medsec_status v1_open(v1_device *device, medsec_control *control, uint8_t *record, size_t len)
{
    uint8_t *message = NULL;
    size_t message_len = 0;
    medsec_status status =
        medsec_record_unseal(&device->to_device, record, len, &message, &message_len);
    return status == MEDSEC_OK ? medsec_control_decode(control, message, message_len) : status;
}

static medsec_status find(void *context, const uint8_t public_key[MEDSEC_X25519_LEN],
                          medsec_suite suite, medsec_peer *peer)
{
    v1_session *g = context;
    g->asked++;
    for (size_t i = 0; i < g->count; i++) {
        const v1_entry *e = &g->entries[i];
        if (e->suite != suite ||
            memcmp(e->secrets->device.public_key, public_key, MEDSEC_X25519_LEN) != 0) {
            continue;
        }
        memcpy(peer->psk[0], e->secrets->psk, MEDSEC_PSK_LEN);
        peer->psks = 1;
        if (e->pending != NULL) {
            memcpy(peer->psk[peer->psks++], e->pending, MEDSEC_PSK_LEN);
        }
        peer->profile = PICO;
        peer->device = (void *)(uintptr_t)e->id;
        return e->status;
    }
    return MEDSEC_ERR_UNKNOWN_DEVICE;
}

static void give_random(void *context, uint8_t *out, size_t len)
{
    const v1_session *g = context;
    assert_int_equal(len, MEDSEC_X25519_LEN);
    v1_bytes(out, g->ephemeral != NULL ? g->ephemeral : "the gateway's ephemeral");
}

static uint64_t utc_ms(void *context)
{
    return ((v1_session *)context)->now_ms;
}

static uint64_t steady_ms(void *context)
{
    return ((v1_session *)context)->steady_ms;
}

void v1_session_begin(void *gateway)
{
    v1_session *g = gateway;
    g->asked = 0;
    g->kept_len = 0;
    g->out_len = 0;
    g->owner = (medsec_session_owner){.find = find,
                                      .random = give_random,
                                      .utc_ms = utc_ms,
                                      .steady_ms = steady_ms,
                                      .keys = g->keys,
                                      .key_count = g->key_count};
    medsec_session_open(&g->session, g->crypto != NULL ? g->crypto : medsec_crypto_openssl(),
                        &g->owner, g);
}

__attribute__((format(printf, 2, 3))) static void add(trace *log, const char *format, ...)
{
    char line[512];
    va_list arguments;
    va_start(arguments, format);
    int len = vsnprintf(line, sizeof line, format, arguments);
    va_end(arguments);
    trace_add(log, line, (size_t)len);
}

static void add_reading(trace *log, const medsec_event *event)
{
    char values[256];
    size_t len = 0;
    assert_int_equal(event->reading->count, PICO->count);
    assert_true(event->sequenced);
    for (size_t i = 0; i < event->reading->count; i++) {
        values[len++] = ' ';
        len += medsec_value_write(values + len, event->reading->value[i]);
    }
    add(log, "reading %s %u %u %u %llu%.*s", (const char *)event->device, event->boot,
        event->sequence, event->time_quality, (unsigned long long)event->time_ms, (int)len, values);
}

static void acknowledge(v1_session *g, const medsec_event *event)
{
    size_t len = 0;
    assert_true(g->out_len + MEDSEC_SESSION_OUT_LEN <= sizeof g->out);
    assert_int_equal(
        medsec_session_ack(&g->session, g->out + g->out_len, &len, event->boot, event->sequence),
        MEDSEC_OK);
    g->out_len += len;
}

static void take_event(v1_session *g, const medsec_event *event, trace *log)
{
    const char *id = event->device;
    switch (event->type) {
    case MEDSEC_EVENT_WELCOME:
        assert_null(id);
        assert_true(g->out_len + event->output_len <= sizeof g->out);
        memcpy(g->out + g->out_len, event->output, event->output_len);
        g->out_len += event->output_len;
        add(log, "welcome");
        break;
    case MEDSEC_EVENT_IDENTIFIED:
        add(log, "identified %s %u", id, event->psk);
        break;
    case MEDSEC_EVENT_READING:
        add_reading(log, event);
        break;
    case MEDSEC_EVENT_ACK_DUE:
        add(log, "due %s %u %u %u", id, event->boot, event->sequence, event->skipped);
        if (g->acknowledges) {
            acknowledge(g, event);
        }
        break;
    case MEDSEC_EVENT_CONFIG_RESULT:
        add(log, "config %s %u %u", id, event->config.version, event->config.status);
        break;
    default:
        break;
    }
}

static bool is_last(const medsec_event *event)
{
    return event->type == MEDSEC_EVENT_NONE || event->type == MEDSEC_EVENT_REJECTED ||
           event->type == MEDSEC_EVENT_CLOSED;
}

void v1_session_push(void *gateway, uint8_t *data, size_t len, trace *log)
{
    static uint8_t *guard;
    v1_session *g = gateway;
    medsec_event event;
    if (g->kept_len > 0) {
        guard = guard != NULL ? guard : guard_end(PUSH_MAX);
        assert_true(g->kept_len + len <= PUSH_MAX);
        uint8_t *joined = guard - g->kept_len - len;
        memcpy(joined, g->kept, g->kept_len);
        memcpy(joined + g->kept_len, data, len);
        data = joined;
        len += g->kept_len;
        g->kept_len = 0;
    }
    do {
        size_t used = 0;
        medsec_session_push(&g->session, data, len, &used, &event);
        assert_true(used <= len);
        data += used;
        len -= used;
        take_event(g, &event, log);
    } while (!is_last(&event));
    if (event.type == MEDSEC_EVENT_NONE) {
        assert_true(len < sizeof g->kept);
        memcpy(g->kept, data, len);
        g->kept_len = len;
    }
}

int v1_session_end(void *gateway, trace *log)
{
    v1_session *g = gateway;
    medsec_event event;
    size_t used = 0;
    (void)log;
    medsec_session_push(&g->session, NULL, 0, &used, &event);
    int last = medsec_session_at_boundary(&g->session) && g->kept_len == 0;
    if (event.type == MEDSEC_EVENT_REJECTED) {
        last = (int)event.reason;
    } else if (event.type == MEDSEC_EVENT_CLOSED) {
        last = V1_CLOSED + (int)event.close_reason;
    }
    assert_true(g->asked <= 1);
    medsec_session_close(&g->session);
    medsec_session_close(&g->session);
    return last;
}

machine v1_machine(v1_session *gateway)
{
    return (machine){gateway, v1_session_begin, v1_session_push, v1_session_end};
}

void v1_connect(v1_flight *flight, v1_session *gateway, const v1_secrets *secrets,
                const char *ephemeral, trace *log)
{
    flight->len = MEDSEC_HELLO_LEN;
    v1_hello(&flight->device, flight->bytes, secrets, gateway->entries[0].suite, ephemeral);
    v1_session_begin(gateway);
    v1_deliver(gateway, flight, 0, log);
    assert_int_equal(v1_welcome(&flight->device, gateway->out, gateway->out_len), MEDSEC_OK);
    gateway->out_len = 0;
}

size_t v1_say_readings(v1_flight *flight, const medsec_readings_head *head, size_t rows)
{
    size_t at = flight->len;
    assert_true(at + MEDSEC_RECORD_LEN_MAX <= sizeof flight->bytes);
    flight->len += v1_readings(&flight->device, flight->bytes + at, head, rows);
    return at;
}

size_t v1_say(v1_flight *flight, const medsec_control *control)
{
    size_t at = flight->len;
    assert_true(at + MEDSEC_RECORD_LEN_MAX <= sizeof flight->bytes);
    flight->len += v1_control(&flight->device, flight->bytes + at, control);
    return at;
}

void v1_deliver(v1_session *gateway, const v1_flight *flight, size_t from, trace *log)
{
    static uint8_t copy[sizeof flight->bytes];
    size_t len = flight->len - from;
    memcpy(copy, flight->bytes + from, len);
    v1_session_push(gateway, copy, len, log);
}
