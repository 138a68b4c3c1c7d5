/* SPDX-License-Identifier: Apache-2.0 */
#include "seed_sender.h"

#include "unit.h"
#include "v1_gateway.h"

#include <string.h>

#define PICO (&medsec_profile_pico_vitals)
#define KEY "1234567890123456"
#define IV "AAAAAAAAAAAAAAAA"

enum { SLOTS = 10, START_MS = 5000 };

typedef struct bench {
    seed_sender sender;
    medsec_seed_decoder decoder; /* the server */
    uint64_t random;
    uint64_t now_ms;
    medsec_step step;
    char out[1024];
    uint8_t ring[SLOTS * SEED_SENDER_SLOT_LEN];
} bench;

static bench b;

static void open_decoder(void)
{
    medsec_seed_decoder_close(&b.decoder);
    assert_int_equal(medsec_seed_decoder_open(&b.decoder, medsec_crypto_openssl(), PICO,
                                              (const uint8_t *)KEY, (const uint8_t *)IV),
                     MEDSEC_OK);
}

static seed_sender_options options_of(const medsec_credential *credential)
{
    return (seed_sender_options){.crypto = medsec_crypto_openssl(),
                                 .credential = credential,
                                 .random = v1_random,
                                 .random_context = &b.random,
                                 .ring = b.ring,
                                 .ring_len = sizeof b.ring};
}

static void credential_of(medsec_credential *credential)
{
    *credential = (medsec_credential){.device = "iot_med_dev_01", .wire = MEDSEC_WIRE_SEED};
    memcpy(credential->key, KEY, sizeof credential->key);
    memcpy(credential->iv, IV, sizeof credential->iv);
}

static int setup(void **state)
{
    (void)state;
    medsec_credential credential;
    memset(&b, 0, sizeof b);
    b.now_ms = START_MS;
    credential_of(&credential);
    const seed_sender_options options = options_of(&credential);
    assert_int_equal(seed_sender_open(&b.sender, &options, b.now_ms), MEDSEC_OK);
    open_decoder();
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    medsec_seed_decoder_close(&b.decoder);
    medsec_aes_cbc_close(&b.sender.aes);
    return 0;
}

static int32_t value_of(uint32_t number, size_t vital)
{
    return (int32_t)(number * 10 + vital * 1000) * (vital == 3 ? -1 : 1);
}

static void sample(uint32_t number)
{
    medsec_reading reading = {.count = PICO->count};
    for (size_t i = 0; i < PICO->count; i++) {
        reading.value[i] = (medsec_value){
            .mantissa = value_of(number, i), .decimals = 3, .kind = MEDSEC_VALUE_NUMBER};
    }
    seed_sender_sample(&b.sender, &reading);
}

static void sample_many(uint32_t from, uint32_t to)
{
    for (uint32_t number = from; number < to; number++) {
        sample(number);
    }
}

static void expect(medsec_step_type type)
{
    seed_sender_poll(&b.sender, b.now_ms, b.out, sizeof b.out, &b.step);
    assert_int_equal(b.step.type, type);
}

static void connect(void)
{
    expect(MEDSEC_STEP_CONNECT);
    expect(MEDSEC_STEP_WAIT);
    seed_sender_connected(&b.sender);
    assert_true(seed_sender_is_connected(&b.sender));
}

/* The server understands what was given to be sent: these readings. */
static void expect_readings(uint32_t from, uint32_t to)
{
    const uint8_t *at = (const uint8_t *)b.out;
    size_t len = b.step.len;
    for (uint32_t number = from; number < to; number++) {
        size_t used;
        medsec_seed_event event;
        const medsec_reading *reading;
        medsec_status reason;
        assert_int_equal(
            medsec_seed_decoder_push(&b.decoder, at, len, &used, &event, &reading, &reason),
            MEDSEC_OK);
        assert_int_equal(event, MEDSEC_SEED_READING);
        for (size_t i = 0; i < PICO->count; i++) {
            int32_t wanted = value_of(number, i);
            bool short_one = reading->value[i].decimals == 2;
            assert_int_equal(short_one, wanted < 0);
            assert_int_equal(reading->value[i].mantissa, short_one ? wanted / 10 : wanted);
        }
        at += used;
        len -= used;
    }
    assert_int_equal(len, 0);
    assert_true(medsec_seed_decoder_at_boundary(&b.decoder));
}

static void test_open_refuses_what_is_not_its_own(void **state)
{
    (void)state;
    medsec_credential credential;
    credential_of(&credential);
    seed_sender_options options = options_of(&credential);
    options.ring_len = SEED_SENDER_SLOT_LEN - 1;
    assert_int_equal(seed_sender_open(&b.sender, &options, 0), MEDSEC_ERR_ARGUMENT);
    options.ring_len = sizeof b.ring;
    credential.wire = MEDSEC_WIRE_MEDSEC1;
    assert_int_equal(seed_sender_open(&b.sender, &options, 0), MEDSEC_ERR_ARGUMENT);
}

static void test_poll_sends_what_it_has(void **state)
{
    (void)state;
    expect(MEDSEC_STEP_WAIT);
    assert_int_equal(b.step.until_ms, UINT64_MAX);
    sample(0);
    connect();
    expect(MEDSEC_STEP_SEND);
    assert_int_equal(b.step.len, 263);
    expect_readings(0, 1);
    assert_int_equal(b.decoder.chaining, MEDSEC_SEED_CHAINED);
    sample(1);
    seed_sender_poll(&b.sender, b.now_ms, NULL, 0, &b.step);
    assert_int_equal(b.step.type, MEDSEC_STEP_WAIT);
    seed_sender_sent(&b.sender);
    expect(MEDSEC_STEP_SEND);
    expect_readings(1, 2);
    seed_sender_sent(&b.sender);
    expect(MEDSEC_STEP_WAIT);
    assert_int_equal(b.step.until_ms, UINT64_MAX);
}

static void test_poll_sends_several_at_once(void **state)
{
    (void)state;
    sample_many(0, 7);
    connect();
    uint32_t sent = 0;
    while (sent < 7) {
        expect(MEDSEC_STEP_SEND);
        uint32_t count = (uint32_t)((b.step.len + 1) / 263);
        assert_in_range(count, 1, 3);
        expect_readings(sent, sent + count);
        sent += count;
        seed_sender_sent(&b.sender);
    }
    assert_int_equal(sent, 7);
    expect(MEDSEC_STEP_WAIT);
}

static void test_sample_without_a_sensor_is_not_sent(void **state)
{
    (void)state;
    for (size_t i = 0; i < PICO->count; i++) {
        medsec_reading reading = {.count = PICO->count};
        for (size_t j = 0; j < PICO->count; j++) {
            reading.value[j].kind = i == j ? MEDSEC_VALUE_NONE : MEDSEC_VALUE_NUMBER;
        }
        seed_sender_sample(&b.sender, &reading);
        assert_int_equal(b.sender.incomplete, i + 1);
    }
    expect(MEDSEC_STEP_WAIT);
}

static void test_sample_drops_the_oldest(void **state)
{
    (void)state;
    sample_many(0, SLOTS + 3);
    assert_int_equal(b.sender.dropped, 3);
    connect();
    expect(MEDSEC_STEP_SEND);
    expect_readings(3, 3 + (uint32_t)((b.step.len + 1) / 263));
}

/* And of those that are on their way, none is counted twice. */
static void test_sample_drops_while_it_sends(void **state)
{
    (void)state;
    sample_many(0, SLOTS);
    connect();
    expect(MEDSEC_STEP_SEND);
    uint32_t sent = (uint32_t)((b.step.len + 1) / 263);
    expect_readings(0, sent);
    sample_many(SLOTS, SLOTS + sent + 2);
    seed_sender_sent(&b.sender);
    expect(MEDSEC_STEP_SEND);
    expect_readings(sent + 2, sent + 2 + (uint32_t)((b.step.len + 1) / 263));
}

static void test_disconnected_sends_again(void **state)
{
    (void)state;
    sample_many(0, 2);
    connect();
    expect(MEDSEC_STEP_SEND);
    seed_sender_disconnected(&b.sender, b.now_ms);
    assert_false(seed_sender_is_connected(&b.sender));
    expect(MEDSEC_STEP_WAIT);
    b.now_ms = b.step.until_ms;
    open_decoder();
    connect();
    expect(MEDSEC_STEP_SEND);
    expect_readings(0, 2);
}

static void test_disconnected_waits_longer_each_time(void **state)
{
    (void)state;
    uint64_t longest_ms = MEDSEC_DEVICE_BACKOFF_MIN_MS;
    sample(0);
    for (unsigned i = 0; i < 20; i++) {
        expect(MEDSEC_STEP_CONNECT);
        seed_sender_disconnected(&b.sender, b.now_ms);
        expect(MEDSEC_STEP_WAIT);
        assert_in_range(b.step.until_ms - b.now_ms, longest_ms / 2, longest_ms);
        b.now_ms = b.step.until_ms - 1;
        expect(MEDSEC_STEP_WAIT);
        b.now_ms++;
        longest_ms = longest_ms * 2 < MEDSEC_DEVICE_BACKOFF_MAX_MS ? longest_ms * 2
                                                                   : MEDSEC_DEVICE_BACKOFF_MAX_MS;
    }
    connect();
    expect(MEDSEC_STEP_SEND);
    seed_sender_sent(&b.sender);
    sample(1);
    seed_sender_disconnected(&b.sender, b.now_ms);
    expect(MEDSEC_STEP_WAIT);
    assert_in_range(b.step.until_ms - b.now_ms, 1, MEDSEC_DEVICE_BACKOFF_MIN_MS);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_open_refuses_what_is_not_its_own, setup, teardown),
        cmocka_unit_test_setup_teardown(test_poll_sends_what_it_has, setup, teardown),
        cmocka_unit_test_setup_teardown(test_poll_sends_several_at_once, setup, teardown),
        cmocka_unit_test_setup_teardown(test_sample_without_a_sensor_is_not_sent, setup, teardown),
        cmocka_unit_test_setup_teardown(test_sample_drops_the_oldest, setup, teardown),
        cmocka_unit_test_setup_teardown(test_sample_drops_while_it_sends, setup, teardown),
        cmocka_unit_test_setup_teardown(test_disconnected_sends_again, setup, teardown),
        cmocka_unit_test_setup_teardown(test_disconnected_waits_longer_each_time, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
