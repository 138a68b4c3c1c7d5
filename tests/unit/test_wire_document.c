/* SPDX-License-Identifier: Apache-2.0 */
/* docs/wire.md says what the library does: its example and its table of limits, recomputed. */
#include "unit.h"

#include "vectors.h"

#include <medsec/device.h>
#include <medsec/gateway.h>
#include <medsec/provision.h>
#include <medsec/session.h>
#include <medsec/setup.h>

#include <stdio.h>
#include <string.h>

#define PICO (&medsec_profile_pico_vitals)

enum { NAME_MAX_LEN = 31, VALUE_MAX_LEN = 512, VALUES_MAX = 64, BOOT = 7, SEQUENCE = 1020 };
static const uint64_t UTC_MS = 1795176000000;

typedef struct value {
    char name[NAME_MAX_LEN + 1];
    uint8_t bytes[VALUE_MAX_LEN];
    size_t len;
    bool expected; /* a test came across it */
} value;

static value values[VALUES_MAX];
static size_t value_count;

/* `name  hex`, and lines of hex that begin with a space and carry on. */
static void read_line(const char *line)
{
    char name[NAME_MAX_LEN + 1] = "";
    char hex[129] = "";
    if (line[0] == ' ') {
        assert_int_equal(sscanf(line, "%128s", hex), 1);
    } else {
        assert_int_equal(sscanf(line, "%31s %128s", name, hex), 2);
        assert_true(value_count < VALUES_MAX);
        memcpy(values[value_count++].name, name, sizeof name);
    }
    assert_true(value_count > 0);
    value *v = &values[value_count - 1];
    v->len += vectors_bytes(hex, v->bytes + v->len, sizeof v->bytes - v->len);
}

static int read_document(void **state)
{
    (void)state;
    char line[512];
    bool inside = false;
    FILE *file = fopen(MEDSEC_SOURCE_DIR "/docs/wire.md", "r");
    if (file == NULL) {
        return -1;
    }
    while (fgets(line, sizeof line, file) != NULL) {
        if (strncmp(line, "```", 3) == 0) {
            inside = !inside;
        } else if (inside) {
            read_line(line);
        }
    }
    fclose(file);
    return value_count > 0 ? 0 : -1;
}

static value *find(const char *prefix, const char *name)
{
    char whole[2 * NAME_MAX_LEN];
    snprintf(whole, sizeof whole, "%s%s", prefix, name);
    for (size_t i = 0; i < value_count; i++) {
        if (strcmp(values[i].name, whole) == 0) {
            values[i].expected = true;
            return &values[i];
        }
    }
    fail_msg("docs/wire.md has no %s", whole);
    return NULL;
}

static void expect_in(const char *prefix, const char *name, const void *data, size_t len)
{
    const value *v = find(prefix, name);
    if (v->len != len || memcmp(v->bytes, data, len) != 0) {
        fail_msg("docs/wire.md: %s%s is not what the library makes", prefix, name);
    }
}

static void expect(const char *name, const void *data, size_t len)
{
    expect_in("", name, data, len);
}

/* A key that the example begins with. */
static const uint8_t *given(const char *name)
{
    const value *v = find("", name);
    assert_int_equal(v->len, MEDSEC_X25519_LEN);
    return v->bytes;
}

static medsec_credential credential_of(medsec_suite suite)
{
    medsec_credential credential = {.device = "iot_med_dev_01",
                                    .profile = "pico-vitals",
                                    .wire = MEDSEC_WIRE_MEDSEC1,
                                    .suite = (uint8_t)suite,
                                    .has_private = true};
    memcpy(credential.device_private, given("device_private"), MEDSEC_X25519_LEN);
    memcpy(credential.device_public, given("device_public"), MEDSEC_X25519_LEN);
    memcpy(credential.psk, given("psk"), MEDSEC_PSK_LEN);
    memcpy(credential.gateway_public, given("gateway_public"), MEDSEC_X25519_LEN);
    return credential;
}

static void test_public_keys_and_credential_block(void **state)
{
    (void)state;
    const medsec_crypto *crypto = medsec_crypto_openssl();
    uint8_t key[MEDSEC_X25519_LEN];
    uint8_t block[MEDSEC_CREDENTIAL_BLOCK_MAX];
    size_t len = 0;
    assert_int_equal(crypto->x25519_public(key, given("device_private")), MEDSEC_OK);
    expect("device_public", key, sizeof key);
    assert_int_equal(crypto->x25519_public(key, given("gateway_private")), MEDSEC_OK);
    expect("gateway_public", key, sizeof key);
    const medsec_credential credential = credential_of(MEDSEC_SUITE_A128CBC_HS256);
    assert_int_equal(medsec_credential_block_write(block, sizeof block, &len, crypto, &credential),
                     MEDSEC_OK);
    expect("credential_block", block, len);
}

static void test_boot_record(void **state)
{
    (void)state;
    uint8_t out[MEDSEC_BOOT_RECORD_LEN];
    medsec_boot_record record = {.boot = BOOT};
    memcpy(record.seed, given("boot_seed"), sizeof record.seed);
    assert_int_equal(medsec_boot_record_write(out, medsec_crypto_openssl(), &record), MEDSEC_OK);
    expect("boot_record", out, sizeof out);
}

static void expect_setup_key(const char *name, const medsec_credential *credential)
{
    char key[MEDSEC_SETUP_KEY_LEN];
    assert_int_equal(medsec_setup_key(key, medsec_crypto_openssl(), credential), MEDSEC_OK);
    expect(name, key, sizeof key);
}

static void expect_form(const char *name, const char *page, const medsec_setup_form *form,
                        uint8_t answer_key[MEDSEC_CHACHAPOLY_KEY_LEN])
{
    uint8_t out[MEDSEC_SETUP_FORM_LEN];
    uint8_t salt[MEDSEC_SETUP_SALT_LEN];
    const char *key = (const char *)find("", "setup_key")->bytes;
    memcpy(salt, find("", "setup_nonce")->bytes, MEDSEC_SETUP_NONCE_LEN);
    memcpy(salt + MEDSEC_SETUP_NONCE_LEN, find("", page)->bytes, MEDSEC_SETUP_NONCE_LEN);
    assert_int_equal(
        medsec_setup_form_seal(out, answer_key, medsec_crypto_openssl(), key, salt, form),
        MEDSEC_OK);
    expect(name, out, sizeof out);
}

/* What is in the form, which no function gives: with the document's key for it. */
static void expect_plain(void)
{
    uint8_t plain[MEDSEC_SETUP_PLAIN_LEN];
    const value *form = find("", "setup_form");
    assert_int_equal(medsec_crypto_openssl()->chachapoly_open(
                         plain, given("setup_form_key"), 0, (const uint8_t *)"form", 4,
                         form->bytes + MEDSEC_SETUP_SALT_LEN, form->len - MEDSEC_SETUP_SALT_LEN),
                     MEDSEC_OK);
    expect("setup_plain", plain, sizeof plain);
}

static void test_setup_page(void **state)
{
    (void)state;
    uint8_t answer_key[MEDSEC_CHACHAPOLY_KEY_LEN];
    uint8_t answer[MEDSEC_SETUP_ANSWER_LEN];
    medsec_credential credential = credential_of(MEDSEC_SUITE_A128CBC_HS256);
    expect_setup_key("setup_key", &credential);
    credential.wire = MEDSEC_WIRE_SEED;
    credential.suite = MEDSEC_SUITE_NONE;
    memcpy(credential.key, "1234567890123456", sizeof credential.key);
    memset(credential.iv, 'A', sizeof credential.iv);
    expect_setup_key("seed_setup_key", &credential);
    medsec_setup_form form = {.kind = MEDSEC_SETUP_DECOMMISSION,
                              .settings = {.server = "gateway.example",
                                           .port = 9998,
                                           .ssid = "Ward 7 \xe2\x80\x93 Caf\xc3\xa9",
                                           .password = "correct horse"}};
    expect_form("setup_wipe_form", "setup_wipe_page", &form, answer_key);
    form.kind = MEDSEC_SETUP_SETTINGS;
    expect_form("setup_form", "setup_page", &form, answer_key);
    expect_plain();
    expect("setup_answer_key", answer_key, sizeof answer_key);
    assert_int_equal(
        medsec_setup_answer_seal(answer, medsec_crypto_openssl(), answer_key, MEDSEC_SETUP_DONE),
        MEDSEC_OK);
    expect("setup_answer", answer, sizeof answer);
}

/* The rows of the table, with the decimals of the profile; the last Acel_z is not there. */
static const int32_t rows[2][7] = {{36600, 1755, 0, -500, 1000, 23700, 23400},
                                   {36601, 1702, 4, -503, 0, 23700, 23394}};
static const uint32_t present[2] = {0x7f, 0x6f};

static medsec_reading reading_of(size_t row)
{
    const medsec_sample sample = {.present = present[row],
                                  .value = {rows[row][0], rows[row][1], rows[row][2], rows[row][3],
                                            rows[row][4], rows[row][5], rows[row][6]}};
    medsec_reading reading;
    medsec_sample_to_reading(&reading, PICO, &sample);
    return reading;
}

static void expect_control(const char *name, medsec_control control)
{
    uint8_t message[MEDSEC_CONTROL_LEN_MAX];
    size_t len = 0;
    assert_int_equal(medsec_control_encode(message, sizeof message, &len, &control), MEDSEC_OK);
    expect(name, message, len);
}

static void test_messages(void **state)
{
    (void)state;
    uint8_t message[MEDSEC_MESSAGE_MAX];
    size_t len = 0;
    medsec_readings_writer writer;
    const medsec_readings_head head = {.boot = BOOT,
                                       .first_sequence = SEQUENCE,
                                       .base_time_ms = UTC_MS - 1000,
                                       .time_quality = MEDSEC_TIME_WELCOME};
    assert_int_equal(medsec_readings_begin(&writer, message, sizeof message, PICO, &head, 2),
                     MEDSEC_OK);
    for (size_t row = 0; row < 2; row++) {
        const medsec_reading reading = reading_of(row);
        medsec_sample sample;
        assert_int_equal(medsec_sample_from_reading(&sample, PICO, &reading), MEDSEC_OK);
        sample.time_ms = head.base_time_ms + row * 50;
        assert_int_equal(medsec_readings_add(&writer, &sample), MEDSEC_OK);
    }
    assert_int_equal(medsec_readings_end(&writer, &len), MEDSEC_OK);
    expect("readings", message, len);
    expect_control("ack", (medsec_control){.kind = MEDSEC_KIND_ACK, .body.ack = {BOOT, 1021}});
    expect_control("config",
                   (medsec_control){.kind = MEDSEC_KIND_CONFIG,
                                    .body.config = {.version = 3,
                                                    .given = MEDSEC_CONFIG_SAMPLE_INTERVAL |
                                                             MEDSEC_CONFIG_BATCH_MAX,
                                                    .sample_interval_ms = 100,
                                                    .batch_max = 10}});
    expect_control("config_ack", (medsec_control){.kind = MEDSEC_KIND_CONFIG_ACK,
                                                  .body.config_ack = {3, MEDSEC_CONFIG_APPLIED}});
    expect_control("close", (medsec_control){.kind = MEDSEC_KIND_CLOSE,
                                             .body.close_reason = MEDSEC_CLOSE_RESTART});
}

static void expect_keys(const char *prefix, medsec_suite suite, const char *k, const char *keys,
                        const char *iv)
{
    const medsec_crypto *crypto = medsec_crypto_openssl();
    const value *key = find(prefix, k);
    medsec_record record;
    uint8_t block[MEDSEC_AES_BLOCK_LEN] = {0};
    const uint8_t zero[MEDSEC_AES_BLOCK_LEN] = {0};
    if (suite == MEDSEC_SUITE_CHACHAPOLY) {
        return;
    }
    assert_int_equal(medsec_record_open(&record, crypto, suite, key->bytes), MEDSEC_OK);
    expect_in(prefix, keys, record.keys, sizeof record.keys);
    assert_int_equal(crypto->aes128_cbc_once(MEDSEC_ENCRYPT,
                                             record.keys + 2 * MEDSEC_AES128_KEY_LEN, zero, block,
                                             block, sizeof block),
                     MEDSEC_OK);
    expect_in(prefix, iv, block, sizeof block);
}

/* The handshake by itself, for what the two ends keep to themselves. */
static void expect_handshake(const char *prefix, medsec_suite suite)
{
    const uint8_t prologue[] = {'m', 'e', 'd', 's', 'e', 'c', '/', '1', MEDSEC_RECORD_FLAGS(suite)};
    uint8_t out[MEDSEC_HELLO_LEN];
    uint8_t k1[MEDSEC_CHACHAPOLY_KEY_LEN];
    uint8_t k2[MEDSEC_CHACHAPOLY_KEY_LEN];
    size_t len = 0;
    medsec_handshake h;
    assert_int_equal(medsec_handshake_open(&h, medsec_crypto_openssl(), MEDSEC_PATTERN_IKPSK1,
                                           MEDSEC_INITIATOR, prologue, sizeof prologue),
                     MEDSEC_OK);
    assert_int_equal(
        medsec_handshake_set_static(&h, given("device_private"), given("device_public")),
        MEDSEC_OK);
    medsec_handshake_set_remote_static(&h, given("gateway_public"));
    medsec_handshake_set_psk(&h, given("psk"));
    assert_int_equal(medsec_handshake_set_ephemeral(&h, given("device_ephemeral")), MEDSEC_OK);
    const value *hello = find("", "hello_payload");
    assert_int_equal(medsec_handshake_write(&h, out, sizeof out, &len, hello->bytes, hello->len),
                     MEDSEC_OK);
    const value *welcome = find(prefix, "welcome");
    assert_int_equal(medsec_handshake_read(&h, out, &len, welcome->bytes + MEDSEC_RECORD_HEADER_LEN,
                                           welcome->len - MEDSEC_RECORD_HEADER_LEN),
                     MEDSEC_OK);
    expect("welcome_payload", out, len);
    assert_int_equal(medsec_handshake_split(&h, k1, k2), MEDSEC_OK);
    expect_in(prefix, "k1", k1, sizeof k1);
    expect_in(prefix, "k2", k2, sizeof k2);
    expect_keys(prefix, suite, "k1", "keys_1", "iv_1");
    expect_keys(prefix, suite, "k2", "keys_2", "iv_2");
}

/* The context is the name of the ephemeral key. */
static void fixed_random(void *context, uint8_t *out, size_t len)
{
    assert_int_equal(len, MEDSEC_X25519_LEN);
    memcpy(out, given(context), len);
}

static medsec_status find_device(void *context, const uint8_t public_key[MEDSEC_X25519_LEN],
                                 medsec_suite suite, medsec_peer *peer)
{
    (void)context;
    (void)suite;
    assert_memory_equal(public_key, given("device_public"), MEDSEC_X25519_LEN);
    *peer = (medsec_peer){.psks = 1, .profile = PICO};
    memcpy(peer->psk[0], given("psk"), MEDSEC_PSK_LEN);
    return MEDSEC_OK;
}

static uint64_t fixed_time(void *context)
{
    (void)context;
    return UTC_MS;
}

static char device_ephemeral[] = "device_ephemeral";
static char gateway_ephemeral[] = "gateway_ephemeral";

/* A device that has measured twice since its ring was full, and never knew the time. */
static void open_device(medsec_device *device, medsec_suite suite, uint8_t *ring, size_t ring_len)
{
    const medsec_credential credential = credential_of(suite);
    const medsec_device_options options = {.crypto = medsec_crypto_openssl(),
                                           .profile = PICO,
                                           .credential = &credential,
                                           .random = fixed_random,
                                           .random_context = device_ephemeral,
                                           .boot = BOOT,
                                           .ring = ring,
                                           .ring_len = ring_len,
                                           .no_sampling = true};
    assert_int_equal(medsec_device_open(device, &options, 0), MEDSEC_OK);
    for (uint32_t i = 0; i <= SEQUENCE + 1; i++) {
        const medsec_reading reading = reading_of(i % 2);
        assert_int_equal(medsec_device_sample(device, 1000 + (i % 2) * 50, &reading), MEDSEC_OK);
    }
}

static void expect_sent(medsec_device *device, const char *prefix, const char *name)
{
    uint8_t out[MEDSEC_DEVICE_OUT_LEN];
    medsec_step step;
    medsec_device_poll(device, 2000, out, sizeof out, &step);
    assert_int_equal(step.type, MEDSEC_STEP_SEND);
    expect_in(prefix, name, out, step.len);
}

static void expect_event(medsec_session *session, uint8_t *data, size_t *len,
                         medsec_event_type type, medsec_event *event)
{
    size_t used = 0;
    medsec_session_push(session, data, *len, &used, event);
    assert_int_equal(event->type, type);
    memmove(data, data + used, *len - used);
    *len -= used;
}

static void expect_readings(medsec_session *session, const value *record)
{
    uint8_t data[VALUE_MAX_LEN];
    size_t len = record->len;
    medsec_event event;
    memcpy(data, record->bytes, len);
    expect_event(session, data, &len, MEDSEC_EVENT_IDENTIFIED, &event);
    for (size_t row = 0; row < 2; row++) {
        const medsec_reading reading = reading_of(row);
        expect_event(session, data, &len, MEDSEC_EVENT_READING, &event);
        assert_memory_equal(event.reading, &reading, sizeof reading);
        assert_int_equal(event.boot, BOOT);
        assert_int_equal(event.sequence, SEQUENCE + row);
        assert_int_equal(event.time_ms, UTC_MS - 1000 + row * 50);
        assert_int_equal(event.time_quality, MEDSEC_TIME_WELCOME);
    }
    expect_event(session, data, &len, MEDSEC_EVENT_ACK_DUE, &event);
    assert_int_equal(len, 0);
}

static void expect_session(const char *prefix, medsec_suite suite)
{
    uint8_t ring[2 * MEDSEC_DEVICE_SLOT_LEN(7)];
    uint8_t out[MEDSEC_SESSION_OUT_LEN];
    medsec_keypair keys;
    medsec_session_owner owner = {.find = find_device,
                                  .random = fixed_random,
                                  .utc_ms = fixed_time,
                                  .keys = &keys,
                                  .key_count = 1};
    medsec_device device;
    medsec_session session;
    medsec_event event;
    medsec_step step;
    size_t len = 0;
    memcpy(keys.private_key, given("gateway_private"), sizeof keys.private_key);
    memcpy(keys.public_key, given("gateway_public"), sizeof keys.public_key);
    open_device(&device, suite, ring, sizeof ring);
    medsec_session_open(&session, medsec_crypto_openssl(), &owner, gateway_ephemeral);

    medsec_device_poll(&device, 2000, NULL, 0, &step);
    assert_int_equal(step.type, MEDSEC_STEP_CONNECT);
    medsec_device_connected(&device, 2000);
    expect_sent(&device, prefix, "hello");
    value hello = *find(prefix, "hello");
    len = hello.len;
    expect_event(&session, hello.bytes, &len, MEDSEC_EVENT_WELCOME, &event);
    expect_in(prefix, "welcome", event.output, event.output_len);
    medsec_device_receive(&device, 2000, event.output, event.output_len);
    expect_sent(&device, prefix, "readings_record");
    expect_readings(&session, find(prefix, "readings_record"));
    assert_int_equal(medsec_session_ack(&session, out, &len, BOOT, SEQUENCE + 1), MEDSEC_OK);
    expect_in(prefix, "ack_record", out, len);
    medsec_device_receive(&device, 2000, out, len);
    medsec_device_stats stats;
    medsec_device_get_stats(&device, &stats);
    assert_int_equal(stats.acknowledged, 2);
    assert_int_equal(stats.pending, 0);
    medsec_device_close(&device);
    medsec_session_close(&session);
}

static void test_suite_1(void **state)
{
    (void)state;
    expect_handshake("s1_", MEDSEC_SUITE_A128CBC_HS256);
    expect_session("s1_", MEDSEC_SUITE_A128CBC_HS256);
}

static void test_suite_2(void **state)
{
    (void)state;
    expect_handshake("s2_", MEDSEC_SUITE_CHACHAPOLY);
    expect_session("s2_", MEDSEC_SUITE_CHACHAPOLY);
}

/* The last test: nothing stands in the document that no test has looked at. */
static void test_everything_was_recomputed(void **state)
{
    (void)state;
    for (size_t i = 0; i < value_count; i++) {
        if (!values[i].expected) {
            fail_msg("docs/wire.md: nothing recomputes %s", values[i].name);
        }
    }
}

#define LIMIT(name) \
    {               \
#name, name \
    }
static const struct {
    const char *name;
    uint64_t number;
} limits[] = {
    LIMIT(MEDSEC_RECORD_BODY_MAX),
    LIMIT(MEDSEC_MESSAGE_MAX),
    LIMIT(MEDSEC_HELLO_LEN),
    LIMIT(MEDSEC_WELCOME_LEN),
    LIMIT(MEDSEC_RECORD_TAG_LEN),
    LIMIT(MEDSEC_DEVICE_INPUT_MAX),
    LIMIT(MEDSEC_RECORDS_MAX),
    LIMIT(MEDSEC_SESSION_LIFETIME_MS),
    LIMIT(MEDSEC_DEVICE_LIFETIME_MS),
    LIMIT(MEDSEC_BATCH_MAX),
    LIMIT(MEDSEC_VITALS_MAX),
    LIMIT(MEDSEC_TIME_MS_MAX),
    LIMIT(MEDSEC_DEVICE_ANSWERS_MAX),
    LIMIT(MEDSEC_DEVICE_HANDSHAKE_TIMEOUT_MS),
    LIMIT(MEDSEC_DEVICE_ACK_TIMEOUT_MS),
    LIMIT(MEDSEC_DEVICE_BACKOFF_MIN_MS),
    LIMIT(MEDSEC_DEVICE_BACKOFF_MAX_MS),
    LIMIT(MEDSEC_GATEWAY_IDENTIFY_TIMEOUT_MS),
    LIMIT(MEDSEC_GATEWAY_IDLE_TIMEOUT_MS),
    LIMIT(MEDSEC_CREDENTIAL_BLOCK_MAX),
    LIMIT(MEDSEC_PROVISION_OFFSET),
    LIMIT(MEDSEC_PROVISION_LEN),
    LIMIT(MEDSEC_SETUP_FORM_LEN),
};
enum { LIMITS = sizeof limits / sizeof limits[0] };

static void expect_limit(const char *name, uint64_t number)
{
    for (size_t i = 0; i < LIMITS; i++) {
        if (strcmp(limits[i].name, name) == 0) {
            assert_int_equal(number, limits[i].number);
            return;
        }
    }
    fail_msg("docs/wire.md: %s is not among the limits that are looked at", name);
}

static void test_limits(void **state)
{
    (void)state;
    char line[512];
    char name[64];
    unsigned long long number = 0;
    size_t count = 0;
    FILE *file = fopen(MEDSEC_SOURCE_DIR "/docs/wire.md", "r");
    assert_non_null(file);
    while (fgets(line, sizeof line, file) != NULL) {
        if (sscanf(line, "| `%63[A-Z0-9_]` | %llu |", name, &number) == 2) {
            expect_limit(name, number);
            count++;
        }
    }
    fclose(file);
    assert_int_equal(count, LIMITS);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_public_keys_and_credential_block),
        cmocka_unit_test(test_boot_record),
        cmocka_unit_test(test_setup_page),
        cmocka_unit_test(test_messages),
        cmocka_unit_test(test_suite_1),
        cmocka_unit_test(test_suite_2),
        cmocka_unit_test(test_everything_was_recomputed),
        cmocka_unit_test(test_limits),
    };
    return cmocka_run_group_tests(tests, read_document, NULL);
}
