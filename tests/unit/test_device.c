/* SPDX-License-Identifier: Apache-2.0 */
/* What a device does with its readings and its time; test_device_wire.c: with what it hears;
 * test_device_pause.c: when it hears nothing. */
#include "unit.h"

#include "device_bench.h"

#include <string.h>

static bench b;

_Static_assert(sizeof(medsec_device) < 1536, "a Cortex-M0+ has little memory");

static void test_open_refuses_what_is_no_device(void **state)
{
    (void)state;
    static const struct {
        size_t offset;
        size_t len;
        uint8_t value;
    } broken[] = {
        {offsetof(medsec_credential, wire), 1, MEDSEC_WIRE_SEED},
        {offsetof(medsec_credential, has_private), 1, false},
        {offsetof(medsec_credential, suite), 1, 0},
        {offsetof(medsec_credential, suite), 1, 3},
        {offsetof(medsec_credential, profile), 1, 'q'},
        {offsetof(medsec_credential, profile) + 11, 1, 's'},
        {offsetof(medsec_credential, profile) + 10, 1, 0},
        {offsetof(medsec_credential, profile), sizeof b.credential.profile, 'p'},
    };
    for (size_t i = 0; i < sizeof broken / sizeof broken[0]; i++) {
        bench_init(&b, MEDSEC_SUITE_CHACHAPOLY);
        memset((uint8_t *)&b.credential + broken[i].offset, broken[i].value, broken[i].len);
        assert_int_equal(medsec_device_open(&b.device, &b.options, 0), MEDSEC_ERR_ARGUMENT);
    }
}

static void expect_refused(void)
{
    assert_int_equal(medsec_device_open(&b.device, &b.options, 0), MEDSEC_ERR_ARGUMENT);
    bench_init(&b, MEDSEC_SUITE_CHACHAPOLY);
}

static void test_open_refuses_a_ring_that_holds_nothing(void **state)
{
    (void)state;
    bench_init(&b, MEDSEC_SUITE_CHACHAPOLY);
    b.options.ring = NULL;
    expect_refused();
    b.options.ring_len = 0;
    expect_refused();
    b.options.ring_len = MEDSEC_DEVICE_SLOT_LEN(7) - 1;
    expect_refused();
    b.options.ring_len = MEDSEC_DEVICE_SLOT_LEN(7) + 1;
    expect_refused();
    b.options.ring_len = MEDSEC_DEVICE_SLOT_LEN(7);
    bench_open(&b);
}

static void test_open_refuses_options_outside_limits(void **state)
{
    (void)state;
    bench_init(&b, MEDSEC_SUITE_CHACHAPOLY);
    b.options.backoff_min_ms = MEDSEC_DEVICE_BACKOFF_MAX_MS + 1;
    expect_refused();
    b.options.crypto = NULL;
    expect_refused();
    b.options.profile = NULL;
    expect_refused();
    medsec_profile profile = medsec_profile_pico_vitals;
    b.options.profile = &profile;
    profile.count = MEDSEC_VITALS_MAX + 1;
    b.options.ring_len = MEDSEC_DEVICE_SLOT_LEN(MEDSEC_VITALS_MAX + 1);
    expect_refused();
    b.options.profile = &profile;
    profile.count = 0;
    b.options.ring_len = MEDSEC_DEVICE_SLOT_LEN(0);
    expect_refused();
    b.options.credential = NULL;
    expect_refused();
    b.options.random = NULL;
    expect_refused();
    b.options.config = (medsec_config){.given = MEDSEC_CONFIG_BATCH_MAX, .batch_max = 256};
    expect_refused();
    assert_int_equal(medsec_device_open(NULL, &b.options, 0), MEDSEC_ERR_ARGUMENT);
    assert_int_equal(medsec_device_open(&b.device, NULL, 0), MEDSEC_ERR_ARGUMENT);
}

static void test_poll_asks_for_samples_at_their_interval(void **state)
{
    (void)state;
    bench_init(&b, MEDSEC_SUITE_CHACHAPOLY);
    b.options.no_sampling = false;
    bench_open(&b);
    bench_expect(&b, MEDSEC_STEP_SAMPLE);
    for (int i = 0; i < 3; i++) {
        bench_expect(&b, MEDSEC_STEP_WAIT);
        assert_int_equal(b.step.until_ms, b.now_ms + MEDSEC_SAMPLE_INTERVAL_MS_DEFAULT);
        b.now_ms += MEDSEC_SAMPLE_INTERVAL_MS_DEFAULT - 1;
        bench_expect(&b, MEDSEC_STEP_WAIT);
        b.now_ms++;
        bench_expect(&b, MEDSEC_STEP_SAMPLE);
    }
    assert_int_equal(bench_stats(&b).missed, 0);
    b.now_ms += 3 * MEDSEC_SAMPLE_INTERVAL_MS_DEFAULT + 7; /* two came due, and one is asked for */
    bench_expect(&b, MEDSEC_STEP_SAMPLE);
    assert_int_equal(bench_stats(&b).missed, 2);
    bench_expect(&b, MEDSEC_STEP_WAIT);
    assert_int_equal(b.step.until_ms, b.now_ms + MEDSEC_SAMPLE_INTERVAL_MS_DEFAULT - 7);
}

static void test_sample_refuses_what_is_no_reading(void **state)
{
    (void)state;
    medsec_reading reading;
    bench_begin(&b);
    bench_reading(&reading, 0);
    assert_int_equal(medsec_device_sample(NULL, 0, &reading), MEDSEC_ERR_ARGUMENT);
    assert_int_equal(medsec_device_sample(&b.device, 0, NULL), MEDSEC_ERR_ARGUMENT);
    reading.count--;
    assert_int_equal(medsec_device_sample(&b.device, 0, &reading), MEDSEC_ERR_ARGUMENT);
    reading.count++;
    reading.value[3].decimals = 4;
    reading.value[3].mantissa = 1;
    assert_int_equal(medsec_device_sample(&b.device, 0, &reading), MEDSEC_ERR_NUMBER);
    assert_int_equal(bench_stats(&b).sampled, 0);
    bench_expect(&b, MEDSEC_STEP_WAIT);
    medsec_device_finish(&b.device);
    reading.value[3].mantissa = 0;
    assert_int_equal(medsec_device_sample(&b.device, 0, &reading), MEDSEC_ERR_STATE);
}

static void test_sample_ends_with_the_sequence_numbers(void **state)
{
    (void)state;
    medsec_reading reading;
    bench_begin(&b);
    bench_reading(&reading, 0);
    b.device.ring.end = UINT32_MAX;
    assert_int_equal(medsec_device_sample(&b.device, 0, &reading), MEDSEC_OK);
    assert_int_equal(medsec_device_sample(&b.device, 0, &reading), MEDSEC_ERR_LIMIT);
    assert_int_equal(bench_stats(&b).pending, 1);
}

static void test_hello_tells_boot_and_features(void **state)
{
    (void)state;
    for (int suite = MEDSEC_SUITE_A128CBC_HS256; suite <= MEDSEC_SUITE_CHACHAPOLY; suite++) {
        bench_init(&b, (medsec_suite)suite);
        bench_open(&b);
        bench_expect(&b, MEDSEC_STEP_WAIT); /* nothing to say, so no connection */
        assert_true(b.step.until_ms == UINT64_MAX);
        bench_sample(&b, 1);
        bench_connect(&b);
        assert_int_equal(b.gateway.boot, 7);
        assert_int_equal(b.gateway.features, 0x01020304);
        bench_expect_readings(&b, 0, 1);
        medsec_device_stats stats = bench_stats(&b);
        assert_int_equal(stats.connects, 1);
        assert_int_equal(stats.sessions, 1);
        assert_int_equal(stats.records, 1);
    }
}

static void test_hello_is_another_one_each_time(void **state)
{
    (void)state;
    uint8_t first[MEDSEC_HELLO_LEN];
    bench_begin(&b);
    bench_sample(&b, 1);
    bench_hello(&b);
    memcpy(first, b.out, sizeof first);
    bench_disconnect(&b);
    bench_hello(&b);
    for (size_t i = MEDSEC_RECORD_HEADER_LEN; i + 8 < sizeof first; i += 8) {
        assert_memory_not_equal(first + i, b.out + i, 8);
    }
}

static void test_batch_waits_until_it_is_full(void **state)
{
    (void)state;
    bench_begin(&b);
    bench_sample(&b, 1);
    bench_connect(&b);
    bench_expect_readings(&b, 0, 1); /* the first of a session does not wait */
    bench_sample(&b, MEDSEC_BATCH_DEFAULT - 1);
    bench_expect(&b, MEDSEC_STEP_WAIT);
    bench_sample(&b, 1);
    bench_expect_readings(&b, 1, MEDSEC_BATCH_DEFAULT);
    bench_sample(&b, MEDSEC_BATCH_DEFAULT + 1);
    bench_expect_readings(&b, 21, MEDSEC_BATCH_DEFAULT);
    bench_expect(&b, MEDSEC_STEP_WAIT);
    assert_int_equal(bench_stats(&b).sent, 41);
    assert_int_equal(bench_stats(&b).resent, 0);
}

static void test_batch_waits_until_its_oldest_is_due(void **state)
{
    (void)state;
    bench_begin(&b);
    b.now_ms = 0x1FFFFFFF0u; /* the ring keeps 32 bits of it */
    bench_sample(&b, 1);
    bench_connect(&b);
    bench_expect_readings(&b, 0, 1);
    bench_sample(&b, 1);
    b.now_ms += 100;
    bench_sample(&b, 1);
    bench_expect(&b, MEDSEC_STEP_WAIT);
    assert_int_equal(b.step.until_ms, b.now_ms + MEDSEC_REPORT_INTERVAL_MS_DEFAULT - 100);
    b.now_ms = b.step.until_ms - 1;
    bench_expect(&b, MEDSEC_STEP_WAIT);
    b.now_ms++;
    bench_expect_readings(&b, 1, 2);
    assert_int_equal(b.rows[1].time_ms - b.rows[0].time_ms, 100);
}

static void test_batch_is_halved_until_it_fits(void **state)
{
    (void)state;
    bench_init(&b, MEDSEC_SUITE_A128CBC_HS256);
    b.options.config = (medsec_config){.given = MEDSEC_CONFIG_BATCH_MAX, .batch_max = 64};
    bench_open(&b);
    bench_sample(&b, 64);
    bench_expect(&b, MEDSEC_STEP_CONNECT);
    medsec_device_connected(&b.device, b.now_ms);
    bench_expect(&b, MEDSEC_STEP_SEND);
    bench_welcome(&b);
    uint32_t next = 0;
    for (uint32_t rows = 64; next < 64; next += rows) {
        medsec_readings_reader reader;
        medsec_kind kind = MEDSEC_KIND_CLOSE;
        uint8_t *message = NULL;
        size_t len = 0;
        medsec_device_poll(&b.device, b.now_ms, b.out, MEDSEC_DEVICE_OUT_MIN, &b.step);
        if (b.step.type == MEDSEC_STEP_WAIT) { /* what is left of it waits like any other */
            b.now_ms += MEDSEC_REPORT_INTERVAL_MS_DEFAULT;
            rows = 0;
            continue;
        }
        assert_int_equal(b.step.type, MEDSEC_STEP_SEND);
        assert_true(b.step.len <= MEDSEC_DEVICE_OUT_MIN);
        assert_int_equal(v1_gateway_open(&b.gateway, b.out, b.step.len, &kind, &message, &len),
                         MEDSEC_OK);
        assert_int_equal(medsec_readings_open(&reader, &medsec_profile_pico_vitals, message, len),
                         MEDSEC_OK);
        assert_int_equal(reader.head.first_sequence, next);
        assert_true(reader.rows < 64);
        rows = reader.rows;
    }
    assert_int_equal(next, 64);
}

static void test_largest_batch_of_widest_values_is_sent(void **state)
{
    (void)state;
    bench_init(&b, MEDSEC_SUITE_CHACHAPOLY);
    b.options.config =
        (medsec_config){.given = MEDSEC_CONFIG_BATCH_MAX, .batch_max = MEDSEC_BATCH_MAX};
    bench_open(&b);
    for (uint32_t i = 0; i < 2 * MEDSEC_BATCH_MAX; i++) {
        medsec_reading reading;
        bench_reading(&reading, i);
        for (size_t v = 0; v < reading.count; v++) {
            reading.value[v].mantissa = i % 2 == 0 ? 999999999 : -999999999;
        }
        b.now_ms += 16777216;
        assert_int_equal(medsec_device_sample(&b.device, b.now_ms, &reading), MEDSEC_OK);
    }
    bench_connect(&b);
    while (bench_stats(&b).sent < 2ull * MEDSEC_BATCH_MAX) {
        bench_expect(&b, MEDSEC_STEP_SEND);
        assert_true(b.step.len > sizeof b.out / 4);
    }
}

static void test_poll_without_room_sends_nothing(void **state)
{
    (void)state;
    bench_init(&b, MEDSEC_SUITE_CHACHAPOLY);
    b.options.no_sampling = false;
    bench_open(&b);
    bench_expect(&b, MEDSEC_STEP_SAMPLE);
    bench_sample(&b, 1);
    bench_connect(&b);
    b.now_ms += MEDSEC_DEVICE_HANDSHAKE_TIMEOUT_MS; /* that is over now */
    bench_expect(&b, MEDSEC_STEP_SAMPLE);
    medsec_device_poll(&b.device, b.now_ms, b.out, MEDSEC_DEVICE_OUT_MIN - 1, &b.step);
    assert_int_equal(b.step.type, MEDSEC_STEP_WAIT);
    assert_int_equal(b.step.until_ms, b.now_ms + MEDSEC_SAMPLE_INTERVAL_MS_DEFAULT);
    b.now_ms = b.step.until_ms;
    medsec_device_poll(&b.device, b.now_ms, NULL, 0, &b.step);
    assert_int_equal(b.step.type, MEDSEC_STEP_SAMPLE);
    bench_expect_readings(&b, 0, 1);
}

static void test_ack_frees_what_it_names(void **state)
{
    (void)state;
    bench_begin(&b);
    bench_sample(&b, 30);
    bench_connect(&b);
    bench_expect_readings(&b, 0, 20);
    bench_ack(&b, 4);
    assert_int_equal(bench_stats(&b).acknowledged, 5);
    bench_ack(&b, 2); /* said before */
    bench_ack(&b, 4);
    assert_int_equal(bench_stats(&b).acknowledged, 5);
    bench_ack(&b, 19);
    assert_int_equal(bench_stats(&b).acknowledged, 20);
    assert_int_equal(bench_stats(&b).pending, 10);
    b.now_ms += MEDSEC_REPORT_INTERVAL_MS_DEFAULT;
    bench_expect_readings(&b, 20, 10);
    bench_ack(&b, 29);
    assert_int_equal(bench_stats(&b).pending, 0);
    bench_expect(&b, MEDSEC_STEP_WAIT);
    assert_true(b.step.until_ms > b.now_ms + MEDSEC_DEVICE_ACK_TIMEOUT_MS);
}

static void test_reconnect_sends_the_unacknowledged_again(void **state)
{
    (void)state;
    bench_begin(&b);
    bench_sample(&b, 40);
    bench_connect(&b);
    bench_expect_readings(&b, 0, 20);
    uint64_t time_ms = b.rows[10].time_ms;
    bench_expect_readings(&b, 20, 20);
    bench_ack(&b, 9);
    bench_disconnect(&b);
    b.utc_ms += 12345; /* the gateway's clock was set; what was sent keeps its time */
    bench_sample(&b, 1);
    bench_connect(&b);
    bench_expect_readings(&b, 10, 20);
    assert_int_equal(b.rows[0].time_ms, time_ms);
    bench_expect_readings(&b, 30, 11);
    assert_int_equal(b.rows[9].time_ms, time_ms);
    assert_int_equal(bench_stats(&b).sent, 71);
    assert_int_equal(bench_stats(&b).resent, 30);
    bench_ack(&b, 40);
    assert_int_equal(bench_stats(&b).pending, 0);
}

static void test_full_ring_drops_the_oldest(void **state)
{
    (void)state;
    bench_init(&b, MEDSEC_SUITE_CHACHAPOLY);
    b.options.ring_len = 8 * MEDSEC_DEVICE_SLOT_LEN(7);
    bench_open(&b);
    bench_sample(&b, 11);
    assert_int_equal(bench_stats(&b).dropped, 3);
    assert_int_equal(bench_stats(&b).pending, 8);
    bench_connect(&b);
    bench_expect_readings(&b, 3, 8);
    bench_sample(&b, 2); /* drops two that are on their way */
    bench_ack(&b, 3);
    assert_int_equal(bench_stats(&b).acknowledged, 0);
    bench_ack(&b, 6);
    assert_int_equal(bench_stats(&b).acknowledged, 2);
    bench_sample(&b, 20); /* drops all of them, and unsent ones too */
    assert_int_equal(bench_stats(&b).dropped, 3 + 2 + 18);
    bench_ack(&b, 10);
    assert_int_equal(bench_stats(&b).acknowledged, 2);
    b.now_ms += MEDSEC_REPORT_INTERVAL_MS_DEFAULT;
    bench_expect_readings(&b, 25, 8);
    bench_ack(&b, 32);
    medsec_device_stats stats = bench_stats(&b);
    assert_int_equal(stats.sampled, stats.acknowledged + stats.dropped);
}

static void test_full_ring_drops_before_the_first_message(void **state)
{
    (void)state;
    bench_init(&b, MEDSEC_SUITE_CHACHAPOLY);
    b.options.ring_len = 8 * MEDSEC_DEVICE_SLOT_LEN(7);
    bench_open(&b);
    bench_sample(&b, 8);
    bench_connect(&b);
    bench_sample(&b, 3);
    bench_expect_readings(&b, 3, 8);
    bench_expect(&b, MEDSEC_STEP_WAIT);
    assert_int_equal(b.step.until_ms, b.now_ms + MEDSEC_DEVICE_ACK_TIMEOUT_MS);
    bench_ack(&b, 2); /* it was never sent */
    bench_expect_fault(&b, MEDSEC_ERR_MESSAGE);
}

static void test_time_comes_with_the_first_welcome(void **state)
{
    (void)state;
    bench_begin(&b);
    bench_sample(&b, 1);
    b.now_ms += 250;
    b.utc_ms += 250;
    bench_sample(&b, 1);
    bench_connect(&b);
    bench_expect_readings(&b, 0, 2);
    assert_int_equal(b.head.time_quality, MEDSEC_TIME_WELCOME);
    assert_int_equal(b.head.base_time_ms, BENCH_UTC_MS);
    assert_int_equal(b.rows[1].time_ms, BENCH_UTC_MS + 250);
}

static void test_time_of_a_later_welcome_is_for_later_readings(void **state)
{
    (void)state;
    bench_begin(&b);
    bench_sample(&b, 1);
    bench_connect(&b);
    bench_sample(&b, 1);
    bench_disconnect(&b);
    b.utc_ms += 1000000;
    bench_connect(&b);
    bench_sample(&b, 1);
    bench_expect_readings(&b, 0, 3);
    assert_int_equal(b.rows[1].time_ms, BENCH_UTC_MS);
    assert_int_equal(b.rows[2].time_ms, b.utc_ms);
}

static void test_time_that_goes_back_begins_a_message(void **state)
{
    (void)state;
    bench_begin(&b);
    medsec_device_set_clock(&b.device, b.now_ms, BENCH_UTC_MS);
    bench_sample(&b, 2);
    medsec_device_set_clock(&b.device, b.now_ms, BENCH_UTC_MS - 1);
    bench_sample(&b, 3);
    medsec_device_set_clock(&b.device, b.now_ms, BENCH_UTC_MS - 1 + 0x100000000u);
    bench_sample(&b, 1); /* more than 32 bits after the first */
    bench_connect(&b);
    b.now_ms += MEDSEC_REPORT_INTERVAL_MS_DEFAULT;
    bench_expect_readings(&b, 0, 2);
    assert_int_equal(b.head.time_quality, MEDSEC_TIME_OWN);
    bench_expect_readings(&b, 2, 3);
    assert_int_equal(b.head.base_time_ms, BENCH_UTC_MS - 1);
    bench_expect_readings(&b, 5, 1);
}

static void sample_at(uint64_t at_ms)
{
    medsec_reading reading;
    bench_reading(&reading, (uint32_t)bench_stats(&b).sampled);
    assert_int_equal(medsec_device_sample(&b.device, at_ms, &reading), MEDSEC_OK);
}

/* While a device computes a handshake nobody takes its readings from where they wait. */
static void test_sample_from_before_has_its_own_time(void **state)
{
    (void)state;
    bench_begin(&b);
    const uint64_t begin_ms = b.now_ms;
    sample_at(begin_ms);
    bench_hello(&b);
    b.now_ms += 325;
    b.utc_ms += 325;
    bench_welcome(&b);
    for (unsigned i = 1; i < 7; i++) {
        sample_at(begin_ms + 50 * i);
    }
    bench_expect_readings(&b, 0, 7);
    for (unsigned i = 0; i < 7; i++) {
        assert_int_equal(b.rows[i].time_ms, BENCH_UTC_MS + 50 * i);
    }
    bench_ack(&b, 6);
    b.now_ms += 2000;
    bench_expect(&b, MEDSEC_STEP_WAIT);
    sample_at(b.now_ms - 400);
    bench_expect(&b, MEDSEC_STEP_WAIT);
    assert_int_equal(b.step.until_ms, b.now_ms - 400 + MEDSEC_REPORT_INTERVAL_MS_DEFAULT);
    sample_at(b.now_ms - 100);
    b.now_ms = b.step.until_ms;
    bench_expect_readings(&b, 7, 2);
    assert_int_equal(b.rows[1].time_ms - b.rows[0].time_ms, 300);
    bench_ack(&b, 8);
    b.now_ms += 1000;
    sample_at(b.now_ms - MEDSEC_REPORT_INTERVAL_MS_DEFAULT); /* due when it comes */
    bench_expect_readings(&b, 9, 1);
}

static void test_time_of_the_own_clock_is_kept(void **state)
{
    (void)state;
    bench_begin(&b);
    bench_sample(&b, 1);
    b.now_ms += 100;
    medsec_device_set_clock(&b.device, b.now_ms, 2000000000000);
    bench_connect(&b);
    bench_expect_readings(&b, 0, 1);
    assert_int_equal(b.head.time_quality, MEDSEC_TIME_OWN);
    assert_int_equal(b.head.base_time_ms, 2000000000000 - 100);
    bench_sample(&b, 1);
    b.now_ms += MEDSEC_REPORT_INTERVAL_MS_DEFAULT;
    bench_expect_readings(&b, 1, 1);
    assert_int_equal(b.head.base_time_ms, 2000000000000);
}

static void test_time_quality_begins_a_message(void **state)
{
    (void)state;
    bench_begin(&b);
    bench_sample(&b, 1);
    bench_connect(&b);
    medsec_device_set_clock(&b.device, b.now_ms, b.utc_ms);
    bench_sample(&b, 1);
    b.now_ms += MEDSEC_REPORT_INTERVAL_MS_DEFAULT;
    bench_expect_readings(&b, 0, 1);
    assert_int_equal(b.head.time_quality, MEDSEC_TIME_WELCOME);
    bench_expect_readings(&b, 1, 1);
    assert_int_equal(b.head.time_quality, MEDSEC_TIME_OWN);
}

static void test_time_ends_with_year_9999(void **state)
{
    (void)state;
    bench_begin(&b);
    medsec_device_set_clock(&b.device, b.now_ms, MEDSEC_TIME_MS_MAX);
    b.now_ms++;
    bench_sample(&b, 1);
    bench_connect(&b);
    bench_expect_readings(&b, 0, 1);
    assert_int_equal(b.head.base_time_ms, MEDSEC_TIME_MS_MAX);
}

static void test_finish_sends_all_and_says_close(void **state)
{
    (void)state;
    bench_begin(&b);
    bench_sample(&b, 1);
    bench_connect(&b);
    bench_expect_readings(&b, 0, 1);
    bench_sample(&b, 2);
    bench_expect(&b, MEDSEC_STEP_WAIT);
    medsec_device_finish(&b.device);
    bench_expect_readings(&b, 1, 2);
    bench_expect(&b, MEDSEC_STEP_WAIT);
    bench_ack(&b, 2);
    assert_false(medsec_device_finished(&b.device));
    medsec_control control = bench_expect_control(&b, MEDSEC_KIND_CLOSE);
    assert_int_equal(control.body.close_reason, MEDSEC_CLOSE_DONE);
    medsec_device_poll(&b.device, b.now_ms, NULL, 0, &b.step); /* it is still being sent */
    assert_int_equal(b.step.type, MEDSEC_STEP_WAIT);
    bench_expect(&b, MEDSEC_STEP_CLOSE);
    assert_false(medsec_device_finished(&b.device));
    bench_disconnect(&b);
    assert_true(medsec_device_finished(&b.device));
    bench_expect(&b, MEDSEC_STEP_WAIT);
    assert_true(b.step.until_ms == UINT64_MAX);
    assert_int_equal(bench_stats(&b).faults, 0);
}

static void test_finish_connects_for_what_is_left(void **state)
{
    (void)state;
    bench_begin(&b);
    medsec_device_finish(&b.device);
    assert_true(medsec_device_finished(&b.device));
    bench_begin(&b);
    bench_sample(&b, 3);
    medsec_device_finish(&b.device);
    assert_false(medsec_device_finished(&b.device));
    bench_connect(&b);
    bench_expect_readings(&b, 0, 3);
    bench_disconnect(&b); /* without an acknowledgement */
    assert_false(medsec_device_finished(&b.device));
    bench_connect(&b);
    bench_expect_readings(&b, 0, 3);
    bench_ack(&b, 2);
    bench_expect_control(&b, MEDSEC_KIND_CLOSE);
}

static void test_close_wipes_keys_and_readings(void **state)
{
    (void)state;
    static const medsec_device none;
    static const uint8_t empty[sizeof b.ring];
    bench_begin(&b);
    bench_sample(&b, 100);
    bench_connect(&b);
    bench_expect_readings(&b, 0, 20);
    medsec_device_close(&b.device);
    assert_memory_equal(&b.device, &none, sizeof none);
    assert_memory_equal(b.ring, empty, sizeof empty);
    medsec_device_close(&b.device);
}

static void test_closed_device_does_nothing(void **state)
{
    (void)state;
    medsec_reading reading;
    bench_init(&b, MEDSEC_SUITE_CHACHAPOLY);
    bench_reading(&reading, 0);
    bench_expect(&b, MEDSEC_STEP_WAIT);
    assert_true(b.step.until_ms == UINT64_MAX);
    medsec_device_connected(&b.device, 0);
    medsec_device_receive(&b.device, 0, (const uint8_t *)"12345678", 8);
    medsec_device_disconnected(&b.device, 0);
    medsec_device_set_clock(&b.device, 0, 1);
    assert_int_equal(medsec_device_sample(&b.device, 0, &reading), MEDSEC_ERR_STATE);
    assert_false(medsec_device_finished(&b.device));
    bench_expect(&b, MEDSEC_STEP_WAIT);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_open_refuses_what_is_no_device),
        cmocka_unit_test(test_open_refuses_a_ring_that_holds_nothing),
        cmocka_unit_test(test_open_refuses_options_outside_limits),
        cmocka_unit_test(test_poll_asks_for_samples_at_their_interval),
        cmocka_unit_test(test_sample_refuses_what_is_no_reading),
        cmocka_unit_test(test_sample_ends_with_the_sequence_numbers),
        cmocka_unit_test(test_hello_tells_boot_and_features),
        cmocka_unit_test(test_hello_is_another_one_each_time),
        cmocka_unit_test(test_batch_waits_until_it_is_full),
        cmocka_unit_test(test_batch_waits_until_its_oldest_is_due),
        cmocka_unit_test(test_batch_is_halved_until_it_fits),
        cmocka_unit_test(test_largest_batch_of_widest_values_is_sent),
        cmocka_unit_test(test_poll_without_room_sends_nothing),
        cmocka_unit_test(test_ack_frees_what_it_names),
        cmocka_unit_test(test_reconnect_sends_the_unacknowledged_again),
        cmocka_unit_test(test_full_ring_drops_the_oldest),
        cmocka_unit_test(test_full_ring_drops_before_the_first_message),
        cmocka_unit_test(test_time_comes_with_the_first_welcome),
        cmocka_unit_test(test_time_of_a_later_welcome_is_for_later_readings),
        cmocka_unit_test(test_time_that_goes_back_begins_a_message),
        cmocka_unit_test(test_sample_from_before_has_its_own_time),
        cmocka_unit_test(test_time_of_the_own_clock_is_kept),
        cmocka_unit_test(test_time_quality_begins_a_message),
        cmocka_unit_test(test_time_ends_with_year_9999),
        cmocka_unit_test(test_finish_sends_all_and_says_close),
        cmocka_unit_test(test_finish_connects_for_what_is_left),
        cmocka_unit_test(test_close_wipes_keys_and_readings),
        cmocka_unit_test(test_closed_device_does_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
