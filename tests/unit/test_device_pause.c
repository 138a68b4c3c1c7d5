/* SPDX-License-Identifier: Apache-2.0 */
/* When a device ends a connection by itself, and when it comes back. */
#include "unit.h"

#include "device_bench.h"

static bench b;

static void test_close_of_the_gateway_pauses(void **state)
{
    (void)state;
    static const struct {
        uint32_t reason;
        uint32_t longest_ms;
    } rows[] = {
        {MEDSEC_CLOSE_DONE, MEDSEC_DEVICE_BACKOFF_MAX_MS},
        {MEDSEC_CLOSE_RESTART, MEDSEC_DEVICE_BACKOFF_MIN_MS},
        {MEDSEC_CLOSE_SUPERSEDED, MEDSEC_DEVICE_BACKOFF_MAX_MS},
        {MEDSEC_CLOSE_EXPIRED, MEDSEC_DEVICE_BACKOFF_MIN_MS},
        {4711, MEDSEC_DEVICE_BACKOFF_MIN_MS},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        bench_session(&b);
        medsec_control control = {.kind = MEDSEC_KIND_CLOSE, .body.close_reason = rows[i].reason};
        bench_say(&b, &control);
        bench_expect(&b, MEDSEC_STEP_CLOSE);
        assert_int_equal(bench_stats(&b).faults, 0);
        bench_expect(&b, MEDSEC_STEP_WAIT);
        medsec_device_disconnected(&b.device, b.now_ms);
        bench_expect(&b, MEDSEC_STEP_WAIT);
        uint64_t pause_ms = b.step.until_ms - b.now_ms;
        assert_in_range(pause_ms, rows[i].longest_ms / 2, rows[i].longest_ms);
        b.now_ms = b.step.until_ms;
        bench_connect(&b);
        bench_expect_readings(&b, 0, 3);
    }
}

static void test_session_ends_with_its_lifetime(void **state)
{
    (void)state;
    bench_session(&b);
    bench_ack(&b, 2);
    bench_expect(&b, MEDSEC_STEP_WAIT);
    assert_int_equal(b.step.until_ms, b.now_ms + MEDSEC_DEVICE_LIFETIME_MS);
    b.now_ms = b.step.until_ms - 1;
    bench_expect(&b, MEDSEC_STEP_WAIT);
    b.now_ms++;
    medsec_control control = bench_expect_control(&b, MEDSEC_KIND_CLOSE);
    assert_int_equal(control.body.close_reason, MEDSEC_CLOSE_EXPIRED);
    bench_expect(&b, MEDSEC_STEP_CLOSE);
    medsec_device_disconnected(&b.device, b.now_ms);
    bench_sample(&b, 1);
    bench_expect(&b, MEDSEC_STEP_WAIT);
    b.now_ms = b.step.until_ms;
    bench_connect(&b);
    bench_expect_readings(&b, 3, 1);
    assert_int_equal(bench_stats(&b).faults, 0);
}

static void test_session_ends_with_its_records(void **state)
{
    (void)state;
    bench_session(&b);
    b.device.to_gateway.sequence = MEDSEC_RECORDS_MAX - 2u;
    b.gateway.to_gateway.sequence = MEDSEC_RECORDS_MAX - 2u;
    bench_sample(&b, 40);
    bench_expect_readings(&b, 3, 20);
    medsec_control control = bench_expect_control(&b, MEDSEC_KIND_CLOSE);
    assert_int_equal(control.body.close_reason, MEDSEC_CLOSE_EXPIRED);
    bench_expect(&b, MEDSEC_STEP_CLOSE);
    bench_disconnect(&b);
    bench_connect(&b);
    bench_expect_readings(&b, 0, 20);
}

static void expect_timeout(uint64_t after_ms)
{
    bench_expect(&b, MEDSEC_STEP_WAIT);
    assert_int_equal(b.step.until_ms, b.now_ms + after_ms);
    b.now_ms = b.step.until_ms - 1;
    bench_expect(&b, MEDSEC_STEP_WAIT);
    b.now_ms++;
    bench_expect_fault(&b, MEDSEC_ERR_TIMEOUT);
}

static void test_silence_closes(void **state)
{
    (void)state;
    bench_begin(&b);
    bench_sample(&b, 1);
    bench_expect(&b, MEDSEC_STEP_CONNECT);
    expect_timeout(MEDSEC_DEVICE_HANDSHAKE_TIMEOUT_MS);
    bench_disconnect(&b);
    bench_expect(&b, MEDSEC_STEP_CONNECT);
    b.now_ms += 100;
    medsec_device_connected(&b.device, b.now_ms);
    bench_expect(&b, MEDSEC_STEP_SEND);
    expect_timeout(MEDSEC_DEVICE_HANDSHAKE_TIMEOUT_MS);
    bench_disconnect(&b);
    bench_connect(&b);
    bench_expect_readings(&b, 0, 1);
    expect_timeout(MEDSEC_DEVICE_ACK_TIMEOUT_MS);
    bench_disconnect(&b);
    bench_sample(&b, 1);
    bench_connect(&b);
    bench_expect_readings(&b, 0, 2);
    b.now_ms += 100;
    bench_ack(&b, 0); /* begins the time anew */
    expect_timeout(MEDSEC_DEVICE_ACK_TIMEOUT_MS);
    bench_disconnect(&b);
    bench_connect(&b);
    bench_expect_readings(&b, 1, 1);
    b.now_ms += 100;
    bench_sample(&b, 20);
    bench_expect_readings(&b, 2, 20); /* does not */
    expect_timeout(MEDSEC_DEVICE_ACK_TIMEOUT_MS - 100);
    bench_disconnect(&b);
    bench_connect(&b);
    bench_expect_readings(&b, 1, 1);
    bench_expect_readings(&b, 2, 20);
    bench_ack(&b, 1);
    b.now_ms += 100;
    bench_ack(&b, 1); /* neither does what was said before */
    expect_timeout(MEDSEC_DEVICE_ACK_TIMEOUT_MS - 100);
}

static void test_goodbye_that_does_not_leave_closes(void **state)
{
    (void)state;
    bench_session(&b);
    medsec_device_finish(&b.device);
    bench_ack(&b, 2);
    bench_expect_control(&b, MEDSEC_KIND_CLOSE);
    medsec_device_poll(&b.device, b.now_ms, NULL, 0, &b.step);
    assert_int_equal(b.step.until_ms, b.now_ms + MEDSEC_DEVICE_ACK_TIMEOUT_MS);
    b.now_ms = b.step.until_ms;
    medsec_device_poll(&b.device, b.now_ms, NULL, 0, &b.step);
    assert_int_equal(b.step.type, MEDSEC_STEP_CLOSE);
}

/* The pause after this attempt. */
static uint64_t pause_after_failure(void)
{
    bench_expect(&b, MEDSEC_STEP_CONNECT);
    medsec_device_disconnected(&b.device, b.now_ms);
    bench_expect(&b, MEDSEC_STEP_WAIT);
    uint64_t pause_ms = b.step.until_ms - b.now_ms;
    b.now_ms = b.step.until_ms;
    return pause_ms;
}

static void test_pause_doubles_to_its_longest(void **state)
{
    (void)state;
    bench_begin(&b);
    bench_sample(&b, 1);
    uint64_t longest_ms = MEDSEC_DEVICE_BACKOFF_MIN_MS;
    for (int i = 0; i < 100; i++) {
        uint64_t pause_ms = pause_after_failure();
        assert_in_range(pause_ms, longest_ms / 2, longest_ms);
        longest_ms = longest_ms * 2 < MEDSEC_DEVICE_BACKOFF_MAX_MS ? longest_ms * 2
                                                                   : MEDSEC_DEVICE_BACKOFF_MAX_MS;
    }
}

static void test_pause_is_spread_over_its_upper_half(void **state)
{
    (void)state;
    size_t seen[4] = {0};
    bench_init(&b, MEDSEC_SUITE_CHACHAPOLY);
    b.options.backoff_min_ms = 8000;
    b.options.backoff_max_ms = 8000;
    bench_open(&b);
    bench_sample(&b, 1);
    for (int i = 0; i < 400; i++) {
        uint64_t pause_ms = pause_after_failure();
        assert_in_range(pause_ms, 4000, 8000);
        seen[pause_ms == 8000 ? 3 : (pause_ms - 4000) / 1000]++;
    }
    for (size_t i = 0; i < 4; i++) {
        assert_in_range(seen[i], 60, 140);
    }
}

static void test_pause_is_short_again_after_an_acknowledgement_only(void **state)
{
    (void)state;
    bench_begin(&b);
    bench_sample(&b, 2);
    for (int i = 0; i < 5; i++) {
        pause_after_failure();
    }
    bench_connect(&b);
    bench_expect_readings(&b, 0, 2);
    medsec_device_disconnected(&b.device, b.now_ms);
    bench_expect(&b, MEDSEC_STEP_WAIT);
    assert_in_range(b.step.until_ms - b.now_ms, MEDSEC_DEVICE_BACKOFF_MIN_MS * 16,
                    MEDSEC_DEVICE_BACKOFF_MIN_MS * 32);
    b.now_ms = b.step.until_ms;
    bench_connect(&b);
    bench_expect_readings(&b, 0, 2);
    bench_ack(&b, 0);
    medsec_device_disconnected(&b.device, b.now_ms);
    bench_expect(&b, MEDSEC_STEP_WAIT);
    assert_in_range(b.step.until_ms - b.now_ms, 1, MEDSEC_DEVICE_BACKOFF_MIN_MS);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_close_of_the_gateway_pauses),
        cmocka_unit_test(test_session_ends_with_its_lifetime),
        cmocka_unit_test(test_session_ends_with_its_records),
        cmocka_unit_test(test_silence_closes),
        cmocka_unit_test(test_goodbye_that_does_not_leave_closes),
        cmocka_unit_test(test_pause_doubles_to_its_longest),
        cmocka_unit_test(test_pause_is_spread_over_its_upper_half),
        cmocka_unit_test(test_pause_is_short_again_after_an_acknowledgement_only),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
