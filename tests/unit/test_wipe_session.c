/* SPDX-License-Identifier: Apache-2.0 */
#include "unit.h"

#include "device_bench.h"
#include "sanitizer.h"
#include "secrets.h"

#include <medsec/session.h>

#include <string.h>

/* A device and a session, from the HELLO to a reading: what they leave on the stack, and wipe. */

enum { GATEWAY_SEED = 100 };

/* In the order in which begin() notes them, two halves each. */
enum { DEVICE_PRIVATE = 2, DEVICE_EPHEMERAL = 8, TO_GATEWAY = 12, TO_DEVICE = 14 };

static medsec_crypto crypto;
static bench b;
static medsec_session session;
static medsec_event event;
static uint8_t bytes[MEDSEC_RECORD_LEN_MAX]; /* on the way */
static size_t bytes_len;
static uint64_t gateway_random;

static medsec_status find(void *context, const uint8_t public_key[MEDSEC_X25519_LEN],
                          medsec_suite suite, medsec_peer *peer)
{
    (void)context;
    (void)public_key;
    (void)suite;
    memcpy(peer->psk[0], b.keys.psk, sizeof b.keys.psk);
    peer->psks = 1;
    peer->profile = &medsec_profile_pico_vitals;
    return MEDSEC_OK;
}

static uint64_t utc_ms(void *context)
{
    (void)context;
    return BENCH_UTC_MS;
}

static const medsec_session_owner owner = {
    .find = find, .random = v1_random, .utc_ms = utc_ms, .keys = &b.keys.gateway, .key_count = 1};

static void device_speaks(void)
{
    medsec_device_poll(&b.device, b.now_ms, bytes, sizeof bytes, &b.step);
    bytes_len = b.step.len;
}

static void device_reads(void)
{
    medsec_device_receive(&b.device, b.now_ms, event.output, event.output_len);
}

static void session_reads(void)
{
    size_t used = 0;
    medsec_session_push(&session, bytes, bytes_len, &used, &event);
}

static void device_closes(void)
{
    medsec_device_close(&b.device);
}

static void session_closes(void)
{
    medsec_session_close(&session);
}

static void expect_left(void (*run)(void), size_t expected)
{
    assert_int_equal(secrets_left_by(run), expected);
}

/* Those of a seed, as v1_random gives them. */
static void add_ephemeral(uint64_t seed)
{
    uint8_t key[MEDSEC_X25519_LEN];
    v1_random(&seed, key, sizeof key);
    secrets_add_key(key);
}

/* ChaChaPoly has one key of 32 bytes; the other suite three of 16. */
static void add_records(const medsec_record *record)
{
    size_t len =
        record->suite == MEDSEC_SUITE_CHACHAPOLY ? MEDSEC_CHACHAPOLY_KEY_LEN : sizeof record->keys;
    for (size_t at = 0; at < len; at += SECRETS_PART_LEN) {
        secrets_add(record->keys + at);
    }
}

static void begin(medsec_suite suite)
{
    crypto = *medsec_crypto_openssl();
    crypto.wipe = secrets_wipe;
    bench_init(&b, suite);
    b.options.crypto = &crypto;
    bench_open(&b);
    gateway_random = GATEWAY_SEED;
    medsec_session_open(&session, &crypto, &owner, &gateway_random);
    secrets_clear();
    secrets_add_key(b.keys.psk);
    secrets_add_key(b.keys.device.private_key);
    secrets_add_key(b.keys.device.public_key);
    secrets_add_key(b.keys.gateway.private_key);
    add_ephemeral(b.random);
    add_ephemeral(GATEWAY_SEED);
}

/* Up to the WELCOME. */
static void greet(void)
{
    bench_sample(&b, 1);
    expect_left(device_speaks, 0);
    assert_int_equal(b.step.type, MEDSEC_STEP_CONNECT);
    medsec_device_connected(&b.device, b.now_ms);
    expect_left(device_speaks, 0);
    assert_int_equal(bytes_len, MEDSEC_HELLO_LEN);
    assert_int_equal(secrets_wiped(DEVICE_EPHEMERAL), 1);
    assert_int_equal(secrets_wiped(DEVICE_EPHEMERAL + 1), 1);
    secrets_wiped_clear();
    expect_left(session_reads, 0);
    assert_int_equal(event.type, MEDSEC_EVENT_WELCOME);
}

static void test_session_and_device_leave_nothing_on_the_stack(void **state)
{
    (void)state;
    begin(MEDSEC_SUITE_A128CBC_HS256);
    greet();
    add_records(&session.on.v1.to_gateway);
    add_records(&session.on.v1.to_device);
    expect_left(device_reads, 0);
    expect_left(device_speaks, 0);
    assert_int_equal(b.step.type, MEDSEC_STEP_SEND);
    expect_left(session_reads, 0);
    assert_int_equal(event.type, MEDSEC_EVENT_IDENTIFIED);
    expect_left(session_reads, 0);
    assert_int_equal(event.type, MEDSEC_EVENT_READING);
    expect_left(device_closes, 0);
    expect_left(session_closes, 0);
}

static void test_session_wipes_what_a_hello_needs(void **state)
{
    (void)state;
    begin(MEDSEC_SUITE_A128CBC_HS256);
    greet();
    for (size_t i = 0; i < secrets_count(); i++) {
        size_t first = i - i % 2;
        bool of_the_device = first == DEVICE_PRIVATE || first == DEVICE_EPHEMERAL;
        assert_int_equal(secrets_wiped(i) > 0, !of_the_device);
    }
    medsec_session_close(&session);
    medsec_device_close(&b.device);
}

/* In this suite a record's key is what Split() gave: twice wiped there, once where it went. */
static void test_device_wipes_what_a_welcome_needs(void **state)
{
    static const medsec_handshake zero;
    (void)state;
    begin(MEDSEC_SUITE_CHACHAPOLY);
    greet();
    add_records(&session.on.v1.to_gateway);
    add_records(&session.on.v1.to_device);
    secrets_wiped_clear();
    expect_left(device_reads, 0);
    for (size_t half = 0; half < 2; half++) {
        assert_int_equal(secrets_wiped(TO_GATEWAY + half), 2);
        assert_int_equal(secrets_wiped(TO_DEVICE + half), 3); /* and in HKDF */
    }
    assert_memory_equal(&b.device.handshake, &zero, sizeof zero);
    medsec_session_close(&session);
    medsec_device_close(&b.device);
}

static void test_close_wipes_everything(void **state)
{
    static const medsec_session zero_session;
    static const medsec_device zero_device;
    (void)state;
    begin(MEDSEC_SUITE_A128CBC_HS256);
    greet();
    medsec_session_close(&session);
    medsec_device_close(&b.device);
    assert_memory_equal(&session.on, &zero_session.on, sizeof session.on);
    assert_true(session.owner == NULL && session.context == NULL && session.wire == 0);
    assert_memory_equal(&b.device, &zero_device, sizeof b.device);
}

static void test_rejection_wipes_the_keys(void **state)
{
    static const medsec_session zero;
    (void)state;
    begin(MEDSEC_SUITE_A128CBC_HS256);
    greet();
    device_reads();
    device_speaks();
    bytes[10] ^= 1;
    expect_left(session_reads, 0);
    assert_int_equal(event.type, MEDSEC_EVENT_REJECTED);
    assert_memory_equal(&session.on, &zero.on, sizeof session.on);
    medsec_session_close(&session);
    medsec_device_close(&b.device);
}

int main(void)
{
    if (SANITIZED) {
        return 77;
    }
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_session_and_device_leave_nothing_on_the_stack),
        cmocka_unit_test(test_session_wipes_what_a_hello_needs),
        cmocka_unit_test(test_device_wipes_what_a_welcome_needs),
        cmocka_unit_test(test_close_wipes_everything),
        cmocka_unit_test(test_rejection_wipes_the_keys),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
