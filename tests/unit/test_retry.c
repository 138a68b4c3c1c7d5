/* SPDX-License-Identifier: Apache-2.0 */
#include "unit.h"

#include "retry.h"

static medsec_step poll_at(retry *r, uint64_t now_ms)
{
    medsec_step step;

    retry_poll(r, now_ms, &step);
    return step;
}

static void test_poll_connects_at_once_and_once(void **state)
{
    retry r = {.random = {1}};
    (void)state;

    assert_int_equal(poll_at(&r, 0).type, MEDSEC_STEP_CONNECT);
    assert_int_equal(poll_at(&r, 1000000).type, MEDSEC_STEP_WAIT);
    retry_connected(&r, 5);
    assert_int_equal(poll_at(&r, 1000000).until_ms, UINT64_MAX);
}

/* The pause after an attempt that failed at once. */
static uint64_t pause_after_failure(retry *r, uint64_t now_ms)
{
    assert_int_equal(poll_at(r, now_ms).type, MEDSEC_STEP_CONNECT);
    retry_disconnected(r, now_ms);
    const medsec_step step = poll_at(r, now_ms);
    assert_int_equal(step.type, MEDSEC_STEP_WAIT);
    assert_int_equal(poll_at(r, step.until_ms - 1).type, MEDSEC_STEP_WAIT);
    return step.until_ms - now_ms;
}

static void test_pauses_double_up_to_eight_seconds(void **state)
{
    static const uint64_t longest[] = {250, 500, 1000, 2000, 4000, 8000, 8000, 8000, 8000};
    (void)state;

    for (uint64_t seed = 0; seed < 200; seed++) {
        retry r = {.random = {seed}};
        uint64_t now_ms = 0;
        for (size_t i = 0; i < sizeof(longest) / sizeof(longest[0]); i++) {
            const uint64_t pause = pause_after_failure(&r, now_ms);
            assert_in_range(pause, longest[i] / 2, longest[i]);
            now_ms += pause;
        }
    }
}

static void test_pauses_differ_between_devices(void **state)
{
    retry a = {.random = {1}};
    retry b = {.random = {2}};
    (void)state;

    assert_int_not_equal(pause_after_failure(&a, 0), pause_after_failure(&b, 0));
}

static void test_pauses_begin_anew_after_a_connection_that_lasted(void **state)
{
    (void)state;

    for (uint64_t lasted = 4999; lasted <= 5000; lasted++) {
        retry r = {.random = {1}};
        uint64_t now_ms = 0;
        for (unsigned i = 0; i < 6; i++) {
            now_ms += pause_after_failure(&r, now_ms);
        }
        assert_int_equal(poll_at(&r, now_ms).type, MEDSEC_STEP_CONNECT);
        retry_connected(&r, now_ms);
        retry_disconnected(&r, now_ms + lasted);
        const uint64_t pause = poll_at(&r, now_ms + lasted).until_ms - now_ms - lasted;
        assert_in_range(pause, lasted < 5000 ? 4000 : 125, lasted < 5000 ? 8000 : 250);
    }
}

static void test_leave_closes_once_and_only_a_connection(void **state)
{
    retry r = {.random = {1}};
    medsec_step step;
    (void)state;

    retry_leave(&r, &step);
    assert_int_equal(step.type, MEDSEC_STEP_WAIT);
    assert_int_equal(step.until_ms, UINT64_MAX);
    (void)poll_at(&r, 0);
    retry_connected(&r, 0);
    retry_leave(&r, &step);
    assert_int_equal(step.type, MEDSEC_STEP_CLOSE);
    retry_leave(&r, &step);
    assert_int_equal(step.type, MEDSEC_STEP_WAIT);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_poll_connects_at_once_and_once),
        cmocka_unit_test(test_pauses_double_up_to_eight_seconds),
        cmocka_unit_test(test_pauses_differ_between_devices),
        cmocka_unit_test(test_pauses_begin_anew_after_a_connection_that_lasted),
        cmocka_unit_test(test_leave_closes_once_and_only_a_connection),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
