/* SPDX-License-Identifier: Apache-2.0 */
#include "led.h"

#include "unit.h"

enum { START_MS = 123456, MINUTE_MS = 60000, EDGES_MAX = 512 };

typedef struct lamp {
    bool on;
    unsigned count; /* of edges */
    uint64_t now_ms;
    uint64_t edge_ms[EDGES_MAX]; /* on, off, on, ... */
} lamp;

static lamp seen;

static void light(void *context, bool on)
{
    lamp *of = context;
    if (on != of->on) {
        assert_true(of->count < EDGES_MAX);
        of->edge_ms[of->count++] = of->now_ms;
        of->on = on;
    }
}

static const board table = {.context = &seen, .led = light};

/* Polls only when it asks for it. */
static void run(led *of, uint64_t ms)
{
    uint64_t end_ms = seen.now_ms + ms;
    while (seen.now_ms < end_ms) {
        uint64_t next_ms = led_poll(of, seen.now_ms);
        assert_true(next_ms > seen.now_ms);
        seen.now_ms = next_ms < end_ms ? next_ms : end_ms;
    }
}

static void begin(led *of)
{
    seen = (lamp){.now_ms = START_MS, .on = true};
    led_start(of, &table);
    assert_false(seen.on);
    seen.count = 0;
}

static void test_poll_before_anything_is_shown(void **state)
{
    (void)state;
    led of;
    begin(&of);
    assert_int_equal(led_poll(&of, START_MS), UINT64_MAX);
    assert_int_equal(seen.count, 0);
}

/* As somebody counts them who looks at it: blinks with less than a second between them. */
static void test_poll_blinks_the_code(void **state)
{
    (void)state;
    for (unsigned code = LED_WORKING; code <= LED_NO_MODULE; code++) {
        led of;
        begin(&of);
        led_show(&of, (led_code)code, seen.now_ms);
        run(&of, MINUTE_MS);
        unsigned groups = 0;
        unsigned blinks = 0;
        for (unsigned i = 0; i + 2 < seen.count; i += 2) {
            blinks++;
            assert_int_equal(seen.edge_ms[i + 1] - seen.edge_ms[i], 150);
            if (seen.edge_ms[i + 2] - seen.edge_ms[i + 1] > 1000) {
                assert_int_equal(blinks, code);
                assert_int_equal(seen.edge_ms[i + 2] - seen.edge_ms[i + 1], 1850);
                groups++;
                blinks = 0;
            }
        }
        assert_in_range(groups, 13, 30);
    }
}

static void test_poll_in_setup_is_on_half_the_time(void **state)
{
    (void)state;
    led of;
    begin(&of);
    led_show(&of, LED_SETUP, seen.now_ms);
    run(&of, MINUTE_MS);
    assert_int_equal(seen.count, 120);
    for (unsigned i = 0; i < seen.count; i++) {
        assert_int_equal(seen.edge_ms[i], START_MS + i * 500);
    }
}

static void test_show_of_the_same_goes_on(void **state)
{
    (void)state;
    led of;
    begin(&of);
    for (unsigned i = 0; i < 100; i++) {
        led_show(&of, LED_SETUP, seen.now_ms);
        run(&of, 30);
    }
    assert_int_equal(seen.count, 6);
}

static void test_show_of_another_begins(void **state)
{
    (void)state;
    led of;
    begin(&of);
    led_show(&of, LED_FAILED, seen.now_ms);
    run(&of, 100);
    assert_true(seen.on);
    led_show(&of, LED_WORKING, seen.now_ms);
    run(&of, 149);
    assert_true(seen.on);
    run(&of, 2);
    assert_false(seen.on);
    run(&of, 1800);
    assert_int_equal(seen.count, 2);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_poll_before_anything_is_shown),
        cmocka_unit_test(test_poll_blinks_the_code),
        cmocka_unit_test(test_poll_in_setup_is_on_half_the_time),
        cmocka_unit_test(test_show_of_the_same_goes_on),
        cmocka_unit_test(test_show_of_another_begins),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
