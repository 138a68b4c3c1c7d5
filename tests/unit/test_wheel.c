/* SPDX-License-Identifier: Apache-2.0 */
#include "unit.h"
#include "wheel.h"

#include <stdlib.h>
#include <string.h>

enum { ENTRIES = 300, ROUNDS = 20000 };

typedef struct thing {
    wheel_entry entry; /* first, so that an entry is its thing */
    uint64_t due_ms; /* 0: not set */
    uint32_t count; /* of times that it was due */
} thing;

static wheel w;
static uv_loop_t loop;
static uint64_t now_ms;
static uint32_t again_ms; /* a thing sets itself anew when it is due; 0: it does not */

static void on_due(wheel_entry *entry)
{
    thing *t = (thing *)(void *)entry;

    assert_false(entry->set);
    assert_true(t->due_ms != 0 && t->due_ms <= now_ms);
    t->due_ms = 0;
    t->count++;
    if (again_ms > 0) {
        t->due_ms = now_ms + again_ms;
        wheel_set(&w, entry, t->due_ms);
    }
}

static int begin(void **state)
{
    (void)state;
    memset(&w, 0, sizeof w);
    assert_int_equal(uv_loop_init(&loop), 0);
    wheel_open(&w, &loop, on_due);
    now_ms = w.done_ms;
    again_ms = 0;
    return 0;
}

static int end(void **state)
{
    (void)state;
    wheel_close(&w);
    uv_run(&loop, UV_RUN_DEFAULT);
    assert_int_equal(uv_loop_close(&loop), 0);
    return 0;
}

static void set(thing *t, uint64_t in_ms)
{
    t->due_ms = now_ms + in_ms;
    wheel_set(&w, &t->entry, t->due_ms);
}

static void pass_to(uint64_t ms)
{
    now_ms = ms;
    wheel_pass(&w, now_ms);
}

static void test_wheel_pass_exactly_when_due(void **state)
{
    static const uint64_t delays[] = {1,    2,    63,   64,    65,    4095,
                                      4096, 4097, 8191, 12288, 12289, 100000};
    (void)state;

    for (size_t i = 0; i < sizeof delays / sizeof delays[0]; i++) {
        thing t = {.count = 0};
        set(&t, delays[i]);
        for (uint64_t left = delays[i]; left > 1; left--) {
            pass_to(now_ms + 1);
        }
        assert_int_equal(t.count, 0);
        pass_to(now_ms + 1);
        assert_int_equal(t.count, 1);
        pass_to(now_ms + 3 * WHEEL_SLOTS);
        assert_int_equal(t.count, 1);
    }
}

static void test_wheel_pass_after_a_long_sleep(void **state)
{
    static thing things[ENTRIES];
    (void)state;

    memset(things, 0, sizeof things);
    for (uint64_t i = 0; i < ENTRIES; i++) {
        set(&things[i], 1 + i * 37);
    }
    pass_to(now_ms + ENTRIES * 37);
    for (size_t i = 0; i < ENTRIES; i++) {
        assert_int_equal(things[i].count, 1);
    }
    for (uint64_t in_ms = WHEEL_SLOTS - 70; in_ms < WHEEL_SLOTS + 70; in_ms++) {
        set(&things[0], in_ms);
        pass_to(now_ms + 2 * WHEEL_SLOTS);
        assert_int_equal(things[0].count, 2);
        things[0].count = 1;
    }
}

static void test_wheel_set_in_the_past(void **state)
{
    thing t = {.count = 0};
    (void)state;

    pass_to(now_ms + 10);
    set(&t, 0);
    wheel_set(&w, &t.entry, 1);
    pass_to(now_ms + 1);
    assert_int_equal(t.count, 1);
}

static void test_wheel_set_when_due(void **state)
{
    static const uint32_t periods[] = {1, 64, WHEEL_SLOTS - 1, WHEEL_SLOTS, WHEEL_SLOTS + 1};
    (void)state;

    for (size_t i = 0; i < sizeof periods / sizeof periods[0]; i++) {
        thing t = {.count = 0};
        again_ms = periods[i];
        set(&t, again_ms);
        for (uint64_t step = 0; step < 3 * periods[i]; step++) {
            pass_to(now_ms + 1);
        }
        assert_int_equal(t.count, 3);
        wheel_clear(&t.entry);
    }
}

static void test_wheel_clear_is_never_due(void **state)
{
    thing a = {.count = 0};
    thing b = {.count = 0};
    (void)state;

    set(&a, 5);
    set(&b, 5);
    wheel_clear(&a.entry);
    wheel_clear(&a.entry);
    pass_to(now_ms + 20000);
    assert_int_equal(a.count, 0);
    assert_int_equal(b.count, 1);
}

/* The earliest of all; UINT64_MAX: none. */
static uint64_t earliest(const thing *things)
{
    uint64_t ms = UINT64_MAX;

    for (size_t i = 0; i < ENTRIES; i++) {
        ms = things[i].due_ms != 0 && things[i].due_ms < ms ? things[i].due_ms : ms;
    }
    return ms;
}

static void test_wheel_agrees_with_a_list(void **state)
{
    static thing things[ENTRIES];
    (void)state;

    memset(things, 0, sizeof things);
    srand(1);
    for (unsigned round = 0; round < ROUNDS; round++) {
        thing *t = &things[(unsigned)rand() % ENTRIES];
        if (rand() % 4 == 0) {
            wheel_clear(&t->entry);
            t->due_ms = 0;
        } else {
            set(t, 1 + (unsigned)rand() % (rand() % 8 == 0 ? 3 * WHEEL_SLOTS : 200u));
        }
        pass_to(now_ms + (unsigned)rand() % (rand() % 100 == 0 ? 2 * WHEEL_SLOTS : 4u));
        const uint64_t first = earliest(things);
        assert_true(first > now_ms); /* whatever was due has been */
        assert_true(wheel_next(&w) <= first); /* or a look too early, but never too late */
    }
}

static void on_due_in_loop(wheel_entry *entry)
{
    ((thing *)(void *)entry)->count++;
}

static void test_wheel_runs_in_its_loop(void **state)
{
    thing soon = {.count = 0};
    thing then = {.count = 0};
    thing never = {.count = 0};
    (void)state;

    w.due = on_due_in_loop;
    uv_update_time(&loop);
    const uint64_t begin_ms = uv_now(&loop);
    wheel_set(&w, &never.entry, begin_ms + 3600000);
    wheel_set(&w, &then.entry, begin_ms + 20);
    wheel_set(&w, &soon.entry, begin_ms + 10); /* it wakes for the earlier one */
    while (soon.count == 0) {
        uv_run(&loop, UV_RUN_ONCE);
    }
    assert_true(uv_now(&loop) - begin_ms >= 10);
    while (then.count == 0) { /* and again for the next */
        uv_run(&loop, UV_RUN_ONCE);
    }
    assert_true(uv_now(&loop) - begin_ms >= 20 && uv_now(&loop) - begin_ms < 60000);
    assert_int_equal(soon.count + then.count, 2);
    assert_int_equal(never.count, 0);
    wheel_clear(&never.entry);
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_wheel_pass_exactly_when_due, begin, end),
        cmocka_unit_test_setup_teardown(test_wheel_pass_after_a_long_sleep, begin, end),
        cmocka_unit_test_setup_teardown(test_wheel_set_in_the_past, begin, end),
        cmocka_unit_test_setup_teardown(test_wheel_set_when_due, begin, end),
        cmocka_unit_test_setup_teardown(test_wheel_clear_is_never_due, begin, end),
        cmocka_unit_test_setup_teardown(test_wheel_agrees_with_a_list, begin, end),
        cmocka_unit_test_setup_teardown(test_wheel_runs_in_its_loop, begin, end)};

    return cmocka_run_group_tests(tests, NULL, NULL);
}
