/* SPDX-License-Identifier: Apache-2.0 */
#include "slide.h"

#include "unit.h"

static bool work;

static bool switch_work(void *context)
{
    (void)context;
    return work;
}

static const board table = {.switch_work = switch_work};

static void test_start_takes_the_position(void **state)
{
    (void)state;
    for (unsigned i = 0; i < 2; i++) {
        slide of;
        work = i == 1;
        slide_start(&of, &table, 1000);
        assert_int_equal(of.work, work);
        assert_in_range(slide_poll(&of, 1000), 1001, 1050);
        assert_int_equal(of.work, work);
    }
}

static void test_poll_takes_what_lasts(void **state)
{
    (void)state;
    slide of;
    work = false;
    slide_start(&of, &table, 1000);
    work = true;
    uint64_t now_ms = 5000;
    uint64_t until_ms = now_ms + SLIDE_SETTLE_MS;
    slide_poll(&of, now_ms);
    while (!of.work) {
        now_ms++;
        slide_poll(&of, now_ms);
    }
    assert_int_equal(now_ms, until_ms);
}

static void test_poll_ignores_bouncing(void **state)
{
    (void)state;
    slide of;
    work = true;
    slide_start(&of, &table, 0);
    for (uint64_t now_ms = 0; now_ms < 1000; now_ms += SLIDE_SETTLE_MS / 2) {
        work = !work;
        slide_poll(&of, now_ms);
        assert_true(of.work);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_start_takes_the_position),
        cmocka_unit_test(test_poll_takes_what_lasts),
        cmocka_unit_test(test_poll_ignores_bouncing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
