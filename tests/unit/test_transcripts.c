/* SPDX-License-Identifier: Apache-2.0 */
/* Sessions that another implementation recorded: each byte is made and opened by both ends here. */
#include "unit.h"

#include "transcript.h"

#include <medsec/device.h>
#include <medsec/session.h>

#include <string.h>

#define PICO (&medsec_profile_pico_vitals)

enum { ROOM = MEDSEC_RECORD_LEN_MAX, SLOTS = 32, WELCOME_AT = 5000 };

static void ok(medsec_status status)
{
    assert_int_equal(status, MEDSEC_OK);
}

static void begin_handshake(medsec_handshake *h, const transcript *t, medsec_role role)
{
    const uint8_t prologue[] = {
        'm', 'e', 'd', 's', 'e', 'c', '/', '1', MEDSEC_RECORD_FLAGS(t->suite)};
    const medsec_keypair *own = role == MEDSEC_INITIATOR ? &t->device : &t->gateway;
    ok(medsec_handshake_open(h, medsec_crypto_openssl(), MEDSEC_PATTERN_IKPSK1, role, prologue,
                             sizeof prologue));
    ok(medsec_handshake_set_static(h, own->private_key, own->public_key));
    ok(medsec_handshake_set_ephemeral(h, role == MEDSEC_INITIATOR ? t->device_ephemeral
                                                                  : t->gateway_ephemeral));
    medsec_handshake_set_psk(h, t->psk);
}

static void expect_written(medsec_handshake *h, const transcript_step *s)
{
    uint8_t out[ROOM];
    size_t len = 0;
    ok(medsec_handshake_write(h, out, sizeof out, &len, s->message, s->message_len));
    assert_int_equal(len, s->len - MEDSEC_RECORD_HEADER_LEN);
    assert_memory_equal(out, s->record + MEDSEC_RECORD_HEADER_LEN, len);
}

static void expect_read(medsec_handshake *h, const transcript_step *s)
{
    uint8_t payload[ROOM];
    size_t len = 0;
    ok(medsec_handshake_read(h, payload, &len, s->record + MEDSEC_RECORD_HEADER_LEN,
                             s->len - MEDSEC_RECORD_HEADER_LEN));
    assert_int_equal(len, s->message_len);
    assert_memory_equal(payload, s->message, len);
}

/* One end's two directions after the handshake, checked on the way. */
static void open_end(medsec_record direction[2], const transcript *t, medsec_role role)
{
    uint8_t key[2][MEDSEC_CHACHAPOLY_KEY_LEN];
    medsec_handshake h;
    begin_handshake(&h, t, role);
    if (role == MEDSEC_INITIATOR) {
        medsec_handshake_set_remote_static(&h, t->gateway.public_key);
        expect_written(&h, &t->steps[0]);
        expect_read(&h, &t->steps[1]);
    } else {
        expect_read(&h, &t->steps[0]);
        assert_memory_equal(medsec_handshake_remote_static(&h), t->device.public_key,
                            MEDSEC_X25519_LEN);
        expect_written(&h, &t->steps[1]);
    }
    ok(medsec_handshake_split(&h, key[0], key[1]));
    ok(medsec_record_open(&direction[0], medsec_crypto_openssl(), t->suite, key[0]));
    ok(medsec_record_open(&direction[1], medsec_crypto_openssl(), t->suite, key[1]));
}

static void expect_records(const transcript *t)
{
    medsec_record seals[2];
    medsec_record opens[2];
    open_end(seals, t, MEDSEC_INITIATOR);
    open_end(opens, t, MEDSEC_RESPONDER);
    for (const transcript_step *s = t->steps + 2; s < t->steps + t->count; s++) {
        uint8_t data[ROOM];
        uint8_t *message = NULL;
        size_t len = 0;
        ok(medsec_record_seal(&seals[s->of_device ? 0 : 1], data, sizeof data, &len, s->message,
                              s->message_len));
        assert_int_equal(len, s->len);
        assert_memory_equal(data, s->record, len);
        ok(medsec_record_unseal(&opens[s->of_device ? 0 : 1], data, len, &message, &len));
        assert_int_equal(len, s->message_len);
        assert_memory_equal(message, s->message, len);
    }
}

static void test_records_are_sealed_and_opened(void **state)
{
    (void)state;
    assert_int_equal(transcripts(expect_records, NULL), 4);
}

static bool is_readings(const transcript_step *s)
{
    return s->message[0] == MEDSEC_KIND_READINGS;
}

static void expect_readings_message(const transcript_step *s)
{
    uint8_t out[ROOM];
    size_t len = 0;
    uint32_t sequence = 0;
    medsec_sample sample;
    medsec_readings_reader reader;
    medsec_readings_writer writer;
    ok(medsec_readings_open(&reader, PICO, s->message, s->message_len));
    ok(medsec_readings_begin(&writer, out, sizeof out, PICO, &reader.head, reader.rows));
    while (medsec_readings_next(&reader, &sample, &sequence)) {
        ok(medsec_readings_add(&writer, &sample));
    }
    ok(medsec_readings_end(&writer, &len));
    assert_int_equal(len, s->message_len);
    assert_memory_equal(out, s->message, len);
}

static void expect_messages(const transcript *t)
{
    for (const transcript_step *s = t->steps + 2; s < t->steps + t->count; s++) {
        uint8_t out[MEDSEC_CONTROL_LEN_MAX];
        size_t len = 0;
        medsec_control control;
        if (is_readings(s)) {
            expect_readings_message(s);
            continue;
        }
        ok(medsec_control_decode(&control, s->message, s->message_len));
        ok(medsec_control_encode(out, sizeof out, &len, &control));
        assert_int_equal(len, s->message_len);
        assert_memory_equal(out, s->message, len);
    }
}

static void test_messages_are_decoded_and_encoded(void **state)
{
    (void)state;
    assert_int_equal(transcripts(expect_messages, NULL), 4);
}

/* The gateway's end. */
static medsec_status find(void *context, const uint8_t public_key[MEDSEC_X25519_LEN],
                          medsec_suite suite, medsec_peer *peer)
{
    const transcript *t = context;
    assert_memory_equal(public_key, t->device.public_key, MEDSEC_X25519_LEN);
    assert_int_equal(suite, t->suite);
    *peer = (medsec_peer){.psks = 1, .profile = PICO};
    memcpy(peer->psk[0], t->psk, MEDSEC_PSK_LEN);
    return MEDSEC_OK;
}

static void gateway_random(void *context, uint8_t *out, size_t len)
{
    const transcript *t = context;
    assert_int_equal(len, MEDSEC_X25519_LEN);
    memcpy(out, t->gateway_ephemeral, len);
}

static uint64_t utc_ms(void *context)
{
    return ((const transcript *)context)->utc_ms;
}

static void expect_reading(const medsec_event *event, medsec_readings_reader *reader)
{
    medsec_sample sample;
    medsec_reading reading;
    uint32_t sequence = 0;
    assert_true(medsec_readings_next(reader, &sample, &sequence));
    medsec_sample_to_reading(&reading, PICO, &sample);
    assert_memory_equal(event->reading, &reading, sizeof reading);
    assert_int_equal(event->boot, reader->head.boot);
    assert_int_equal(event->sequence, sequence);
    assert_int_equal(event->time_ms, sample.time_ms);
    assert_int_equal(event->time_quality, reader->head.time_quality);
}

/* The next event of a record's bytes, which move up. */
static void push(medsec_session *session, uint8_t *data, size_t *len, medsec_event *event)
{
    size_t used = 0;
    medsec_session_push(session, data, *len, &used, event);
    memmove(data, data + used, *len - used);
    *len -= used;
}

/* A record of the device, and all that comes out of it. */
static void expect_events(medsec_session *session, const transcript_step *s, bool first)
{
    uint8_t data[ROOM];
    size_t len = s->len;
    medsec_event event;
    medsec_control control;
    medsec_readings_reader reader;
    memcpy(data, s->record, len);
    if (first) {
        push(session, data, &len, &event);
        assert_int_equal(event.type, MEDSEC_EVENT_IDENTIFIED);
    }
    push(session, data, &len, &event);
    if (is_readings(s)) {
        ok(medsec_readings_open(&reader, PICO, s->message, s->message_len));
        for (; event.type == MEDSEC_EVENT_READING; push(session, data, &len, &event)) {
            expect_reading(&event, &reader);
        }
        assert_int_equal(reader.done, reader.rows);
        assert_int_equal(event.type, MEDSEC_EVENT_ACK_DUE);
        return;
    }
    ok(medsec_control_decode(&control, s->message, s->message_len));
    if (control.kind == MEDSEC_KIND_CONFIG_ACK) {
        assert_int_equal(event.type, MEDSEC_EVENT_CONFIG_RESULT);
        assert_int_equal(event.config.version, control.body.config_ack.version);
        assert_int_equal(event.config.status, control.body.config_ack.status);
    } else {
        assert_int_equal(event.type, MEDSEC_EVENT_CLOSED);
        assert_int_equal(event.close_reason, control.body.close_reason);
    }
}

static void expect_said(medsec_session *session, const transcript_step *s)
{
    uint8_t out[MEDSEC_SESSION_OUT_LEN];
    size_t len = 0;
    medsec_control control;
    ok(medsec_control_decode(&control, s->message, s->message_len));
    if (control.kind == MEDSEC_KIND_ACK) {
        ok(medsec_session_ack(session, out, &len, control.body.ack.boot,
                              control.body.ack.sequence));
    } else {
        assert_int_equal(control.kind, MEDSEC_KIND_CONFIG);
        ok(medsec_session_config(session, out, &len, &control.body.config));
    }
    assert_int_equal(len, s->len);
    assert_memory_equal(out, s->record, len);
}

static void expect_session(const transcript *t)
{
    const medsec_session_owner owner = {.find = find,
                                        .random = gateway_random,
                                        .utc_ms = utc_ms,
                                        .keys = &t->gateway,
                                        .key_count = 1};
    uint8_t hello[ROOM];
    size_t len = t->steps[0].len;
    medsec_session session;
    medsec_event event;
    medsec_session_open(&session, medsec_crypto_openssl(), &owner, (void *)t);
    memcpy(hello, t->steps[0].record, len);
    push(&session, hello, &len, &event);
    assert_int_equal(event.type, MEDSEC_EVENT_WELCOME);
    assert_int_equal(event.output_len, t->steps[1].len);
    assert_memory_equal(event.output, t->steps[1].record, event.output_len);
    for (size_t i = 2; i < t->count; i++) {
        if (t->steps[i].of_device) {
            expect_events(&session, &t->steps[i], i == 2);
        } else {
            expect_said(&session, &t->steps[i]);
        }
    }
    medsec_session_close(&session);
}

static void test_session_says_what_the_gateway_said(void **state)
{
    (void)state;
    assert_int_equal(transcripts(expect_session, NULL), 4);
}

/* The device's end. */
static void device_random(void *context, uint8_t *out, size_t len)
{
    const transcript *t = context;
    assert_int_equal(len, MEDSEC_X25519_LEN);
    memcpy(out, t->device_ephemeral, len);
}

static void open_device(medsec_device *device, const transcript *t, uint8_t *ring, size_t len)
{
    medsec_credential credential = {.device = "device",
                                    .profile = "pico-vitals",
                                    .wire = MEDSEC_WIRE_MEDSEC1,
                                    .suite = (uint8_t)t->suite,
                                    .has_private = true};
    memcpy(credential.device_private, t->device.private_key, MEDSEC_X25519_LEN);
    memcpy(credential.device_public, t->device.public_key, MEDSEC_X25519_LEN);
    memcpy(credential.gateway_public, t->gateway.public_key, MEDSEC_X25519_LEN);
    memcpy(credential.psk, t->psk, MEDSEC_PSK_LEN);
    const medsec_device_options options = {.crypto = medsec_crypto_openssl(),
                                           .profile = PICO,
                                           .credential = &credential,
                                           .random = device_random,
                                           .random_context = (void *)t,
                                           .boot = t->boot,
                                           .ring = ring,
                                           .ring_len = len,
                                           .no_sampling = true};
    ok(medsec_device_open(device, &options, 0));
}

/* All readings of the transcript, before the time is known. */
static void sample_all(medsec_device *device, const transcript *t)
{
    for (const transcript_step *s = t->steps + 2; s < t->steps + t->count; s++) {
        medsec_readings_reader reader;
        medsec_sample sample;
        uint32_t sequence = 0;
        if (!is_readings(s)) {
            continue;
        }
        ok(medsec_readings_open(&reader, PICO, s->message, s->message_len));
        while (medsec_readings_next(&reader, &sample, &sequence)) {
            medsec_reading reading;
            medsec_sample_to_reading(&reading, PICO, &sample);
            ok(medsec_device_sample(device, WELCOME_AT - (t->utc_ms - sample.time_ms), &reading));
        }
    }
}

static void expect_sent(medsec_device *device, const transcript_step *s)
{
    uint8_t out[MEDSEC_DEVICE_OUT_LEN];
    medsec_step next;
    medsec_device_poll(device, WELCOME_AT, out, sizeof out, &next);
    assert_int_equal(next.type, MEDSEC_STEP_SEND);
    assert_int_equal(next.len, s->len);
    assert_memory_equal(out, s->record, s->len);
}

static void expect_device(const transcript *t)
{
    uint8_t ring[SLOTS * MEDSEC_DEVICE_SLOT_LEN(7)];
    medsec_device device;
    medsec_device_stats stats;
    medsec_step next;
    open_device(&device, t, ring, sizeof ring);
    sample_all(&device, t);
    medsec_device_poll(&device, WELCOME_AT, NULL, 0, &next);
    assert_int_equal(next.type, MEDSEC_STEP_CONNECT);
    medsec_device_connected(&device, WELCOME_AT);
    for (size_t i = 0; i < t->count; i++) {
        const transcript_step *s = &t->steps[i];
        if (i + 1 == t->count) {
            medsec_device_finish(&device);
        }
        if (s->of_device) {
            expect_sent(&device, s);
        } else {
            medsec_device_receive(&device, WELCOME_AT, s->record, s->len);
        }
    }
    medsec_device_get_stats(&device, &stats);
    assert_int_equal(stats.acknowledged, 25);
    assert_int_equal(stats.faults, 0);
    medsec_device_close(&device);
}

static void test_device_says_what_the_device_said(void **state)
{
    (void)state;
    assert_int_equal(transcripts(expect_device, "life"), 2);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_records_are_sealed_and_opened),
        cmocka_unit_test(test_messages_are_decoded_and_encoded),
        cmocka_unit_test(test_session_says_what_the_gateway_said),
        cmocka_unit_test(test_device_says_what_the_device_said),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
