/* SPDX-License-Identifier: Apache-2.0 */
/* The times of readings that carry none: networks that hold back, devices that send late. */
#include "unit.h"

#include "gateway/pace.h"
#include "heart_bench.h"

#include <math.h>
#include <stdio.h>

#define NO_TIME UINT64_MAX

/* A device, and a network between it and the gateway. */
typedef struct way {
    medsec__pace pace;
    double now_ms; /* when the next reading is taken */
    double interval_ms;
    double delay_ms; /* the spread of what the network adds, always positive */
    uint64_t free_ms; /* nothing arrives before */
    uint32_t together; /* readings that are sent as one */
    uint64_t last_arrival_ms;
    unsigned good;
    unsigned taken;
} way;

static heart_bench bench;

static way open_way(double interval_ms)
{
    way w = {.now_ms = 1e6, .interval_ms = interval_ms, .together = 1};
    medsec__pace_open(&w.pace, 50);
    heart_bench_open(&bench, MEDSEC_HEART_PULSE);
    return w;
}

/* The time that the next reading gets; NO_TIME: none. */
static uint64_t take(way *w)
{
    const uint32_t behind = w->taken % w->together; /* waits for those that go with it */
    double arrival = w->now_ms + (w->together - 1 - behind) * w->interval_ms;
    arrival += fabs(heart_bench_noise(&bench, w->delay_ms));
    if (arrival < (double)w->free_ms) {
        arrival = (double)w->free_ms;
    }
    if (arrival < (double)w->last_arrival_ms) {
        arrival = (double)w->last_arrival_ms; /* TCP keeps the order */
    }
    w->last_arrival_ms = (uint64_t)arrival;
    uint64_t time_ms;
    const bool good = medsec__pace_take(&w->pace, w->last_arrival_ms, &time_ms);
    w->taken++;
    w->good += good;
    w->now_ms += w->interval_ms;
    return good ? time_ms : NO_TIME;
}

/* The interval from reading to reading, at least and at most, of `count` that are all good. */
static void expect_even(way *w, unsigned count, uint64_t least_ms, uint64_t most_ms)
{
    uint64_t before = take(w);
    for (unsigned i = 1; i < count; i++) {
        const uint64_t now = take(w);
        assert_true(before != NO_TIME && now != NO_TIME);
        assert_in_range(now - before, least_ms, most_ms);
        before = now;
    }
}

static void pass(way *w, unsigned count)
{
    while (count-- > 0) {
        (void)take(w);
    }
}

static void test_take_of_an_even_pace(void **state)
{
    (void)state;
    way w = open_way(50);
    expect_even(&w, 1000, 50, 50);
    assert_int_equal(w.pace.time_us / 1000, w.last_arrival_ms);
}

static void test_take_follows_the_device(void **state)
{
    (void)state;
    for (uint32_t together = 1; together <= 8; together *= 2) {
        for (uint64_t interval_ms = 47; interval_ms <= 53; interval_ms += 3) {
            way w = open_way((double)interval_ms);
            w.together = together;
            pass(&w, 400);
            expect_even(&w, 400, interval_ms - 2, interval_ms + 2);
            assert_int_equal(w.good, 800);
        }
    }
}

static void test_take_smooths_what_a_network_adds(void **state)
{
    (void)state;
    way w = open_way(50);
    w.delay_ms = 20;
    pass(&w, 200);
    expect_even(&w, 2000, 46, 54);
}

static void test_take_spreads_what_comes_together(void **state)
{
    (void)state;
    for (uint32_t together = 2; together <= 16; together *= 2) {
        way w = open_way(50);
        w.together = together;
        printf("%u together\n", together);
        pass(&w, 400);
        expect_even(&w, 800, 43, 57);
    }
}

/* All of it arrives when the network is back, and none is missing. */
static void test_take_bridges_a_stall(void **state)
{
    (void)state;
    way w = open_way(50);
    pass(&w, 200);
    w.free_ms = (uint64_t)w.now_ms + 5000;
    expect_even(&w, 300, 47, 53);
    assert_in_range(w.last_arrival_ms - (uint64_t)w.pace.time_us / 1000, 0, 5);
}

/* What was not sent is no part of the line: it begins anew. */
static void test_take_after_a_pause_begins_anew(void **state)
{
    (void)state;
    way w = open_way(50);
    pass(&w, 200);
    w.now_ms += 3000;
    unsigned late = 0;
    while (take(&w) != NO_TIME) {
        late++;
    }
    assert_in_range(late, 18, 22); /* readings of a second */
    unsigned lost = 1;
    while (take(&w) == NO_TIME) {
        lost++;
    }
    assert_in_range(lost, 55, 65);
    assert_in_range(w.last_arrival_ms - (uint64_t)w.pace.time_us / 1000, 0, 1);
    expect_even(&w, 100, 50, 50);
}

/* A device that kept its readings sends them as fast as its network lets it: no rate of that. */
static void test_take_of_another_pace_is_refused(void **state)
{
    (void)state;
    static const double intervals[] = {2, 10, 25, 40, 43, 57, 65, 100, 1000};
    for (size_t i = 0; i < sizeof intervals / sizeof intervals[0]; i++) {
        way w = open_way(intervals[i]);
        unsigned good = 0; /* in a row */
        unsigned longest = 0;
        for (unsigned n = 0; n < 2000; n++) {
            good = take(&w) == NO_TIME ? 0 : good + 1;
            longest = good > longest ? good : longest;
        }
        printf("%.0f ms: %u in a row\n", intervals[i], longest);
        assert_true(longest <= 120); /* a detector needs 180 */
        w.interval_ms = 50;
        pass(&w, 200);
        expect_even(&w, 300, 49, 51);
    }
}

/* So slowly that the line follows. */
static void test_take_of_a_pace_that_creeps_away(void **state)
{
    (void)state;
    way w = open_way(50);
    for (; w.interval_ms > 42; w.interval_ms -= 0.002) {
        const bool good = take(&w) != NO_TIME;
        assert_true(good == (w.pace.interval_us >= 45000));
    }
    assert_in_range(w.pace.interval_us, 42000, 43000);
}

static void test_take_without_a_usual_interval(void **state)
{
    (void)state;
    way w = open_way(50);
    medsec__pace_open(&w.pace, 0);
    pass(&w, 300);
    assert_int_equal(w.good, 0);
}

/* Through the network and the line, the detector says what the heart does. */
static void expect_rate(way *w, double rate)
{
    for (unsigned n = 0; n < 1200; n++) {
        const double now_s = w->now_ms / 1000;
        const double interval_s = 60 / rate;
        const double phase_s = remainder(now_s, interval_s);
        double value = 0;
        for (int i = -3; i <= 3; i++) {
            value += heart_bench_pulse(phase_s + i * interval_s, interval_s);
        }
        const uint64_t time_ms = take(w);
        assert_true(time_ms != NO_TIME);
        if (time_ms > bench.now_ms) {
            heart_bench_push(&bench, time_ms, value);
        }
    }
    printf("%.0f: %u-%u\n", rate, bench.least, bench.most);
    assert_in_range(bench.least, (uint64_t)rate - 2, (uint64_t)rate);
    assert_in_range(bench.most, (uint64_t)rate, (uint64_t)rate + 2);
}

static void test_take_keeps_the_heart_rate(void **state)
{
    (void)state;
    for (double rate = 40; rate <= 180; rate += 20) {
        way jittery = open_way(51);
        jittery.delay_ms = 20;
        expect_rate(&jittery, rate);
        way bursts = open_way(50);
        bursts.together = 10;
        expect_rate(&bursts, rate);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_take_of_an_even_pace),
        cmocka_unit_test(test_take_follows_the_device),
        cmocka_unit_test(test_take_smooths_what_a_network_adds),
        cmocka_unit_test(test_take_spreads_what_comes_together),
        cmocka_unit_test(test_take_bridges_a_stall),
        cmocka_unit_test(test_take_after_a_pause_begins_anew),
        cmocka_unit_test(test_take_of_another_pace_is_refused),
        cmocka_unit_test(test_take_of_a_pace_that_creeps_away),
        cmocka_unit_test(test_take_without_a_usual_interval),
        cmocka_unit_test(test_take_keeps_the_heart_rate),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
