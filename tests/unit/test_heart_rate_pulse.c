/* SPDX-License-Identifier: Apache-2.0 */
/* The optical pulse at 20 Hz, as a wrist has it: breath, motion, a hand that cools down. */
#include "unit.h"

#include "heart_bench.h"

#include <math.h>
#include <stdio.h>

static heart_bench bench;

typedef struct pulse {
    double rate; /* per minute; breath shortens and lengthens intervals by 3 % */
    double noise; /* per mille of the height */
    double wander; /* of the base line, with the breath */
    double swell; /* of the height, slower than the breath */
    double motion; /* height of the jolts that come now and then; 0: none */
    double jitter_ms; /* of the sampling */
} pulse;

static double wave(const pulse *of, double now_s)
{
    double interval_s = 60 / of->rate;
    double breath_s = 4.1;
    /* The phase whose speed goes up and down with the breath. */
    double phase_s = now_s + 0.03 * breath_s / 6.2832 * sin(6.2832 * now_s / breath_s);
    double sum = 0;
    phase_s = remainder(phase_s, interval_s);
    for (int i = -3; i <= 3; i++) {
        sum += heart_bench_pulse(phase_s + i * interval_s, interval_s);
    }
    return sum * (1 + of->swell * sin(0.7 * now_s)) + of->wander * sin(6.2832 * now_s / breath_s);
}

static double jolt(const pulse *of, double now_s)
{
    double at_s = fmod(now_s, 17); /* four jerks within a second and a half, every 17 s */
    return at_s < 1.5 ? of->motion * sin(17 * at_s) * sin(3 * at_s) : 0;
}

static void play(const pulse *of, uint64_t from_ms, uint64_t to_ms)
{
    for (uint64_t at_ms = from_ms; at_ms < to_ms; at_ms += 50) {
        uint64_t now_ms = at_ms + 25 + (uint64_t)(int64_t)heart_bench_noise(&bench, of->jitter_ms);
        double now_s = (double)now_ms / 1000;
        heart_bench_push(&bench, now_ms,
                         20000 + wave(of, now_s) + jolt(of, now_s) +
                             heart_bench_noise(&bench, of->noise));
    }
}

static void check_rates(const pulse *like, double share)
{
    for (uint32_t rate = 40; rate <= 180; rate += 20) {
        pulse of = *like;
        of.rate = rate;
        heart_bench_open(&bench, MEDSEC_HEART_PULSE);
        play(&of, 0, 120000);
        double ok = (double)bench.verdicts[MEDSEC_HEART_OK] / 2400;
        printf("%u/min: %u-%u, %.0f %% of the time\n", rate, bench.least, bench.most, 100 * ok);
        assert_in_range(bench.least, rate - 2, rate);
        assert_in_range(bench.most, rate, rate + 2);
        assert_true(ok >= share);
    }
}

static void test_now_at_rest(void **state)
{
    (void)state;
    check_rates(&(pulse){.noise = 10, .wander = 100, .swell = 0.1, .jitter_ms = 3}, 0.85);
}

static void test_now_with_noise(void **state)
{
    (void)state;
    check_rates(&(pulse){.noise = 50, .wander = 800, .swell = 0.3, .jitter_ms = 3}, 0.5);
}

/* While the hand moves there may be no rate; there is no wrong one. */
static void test_now_with_motion(void **state)
{
    (void)state;
    check_rates(&(pulse){.noise = 20, .wander = 300, .swell = 0.2, .motion = 3000}, 0.1);
}

/* Jerks of any size at any time, smoothed as a mass on a spring does. */
static void test_now_of_motion_only(void **state)
{
    (void)state;
    heart_bench_open(&bench, MEDSEC_HEART_PULSE);
    double push = 0;
    double value = 0;
    for (uint64_t now_ms = 0; now_ms < 1200000; now_ms += 50) {
        if (heart_bench_noise(&bench, 1) > 0.8) {
            push = heart_bench_noise(&bench, 2000);
        }
        value += (push - value) / 3;
        heart_bench_push(&bench, now_ms, value);
        bench.count = 0;
    }
    assert_int_equal(bench.verdicts[MEDSEC_HEART_OK], 0);
    assert_int_equal(bench.verdict, MEDSEC_HEART_NOISY);
}

static void test_now_of_noise(void **state)
{
    (void)state;
    static const double keep[] = {0, 0.7, 0.95, 1};
    for (size_t colour = 0; colour < sizeof keep / sizeof keep[0]; colour++) {
        heart_bench_open(&bench, MEDSEC_HEART_PULSE);
        double value = 0;
        for (uint64_t now_ms = 0; now_ms < 600000; now_ms += 50) {
            value = keep[colour] * value + heart_bench_noise(&bench, 300);
            heart_bench_push(&bench, now_ms, value);
            bench.count = 0;
        }
        assert_int_equal(bench.verdicts[MEDSEC_HEART_OK], 0);
        assert_int_equal(bench.verdict, MEDSEC_HEART_NOISY);
    }
}

static void test_now_follows(void **state)
{
    (void)state;
    pulse of = {.rate = 60, .noise = 10};
    heart_bench_open(&bench, MEDSEC_HEART_PULSE);
    play(&of, 0, 30000);
    assert_in_range(bench.rate, 59, 61);
    of.rate = 120;
    play(&of, 30000, 42000);
    assert_in_range(bench.rate, 119, 121);
}

/* A quarter of the height from one beat to the next: found within the pause and the learning. */
static void test_now_of_a_loose_sensor(void **state)
{
    (void)state;
    pulse of = {.rate = 70, .noise = 2};
    heart_bench_open(&bench, MEDSEC_HEART_PULSE);
    play(&of, 0, 20000);
    for (uint64_t now_ms = 20000; now_ms < 45000; now_ms += 50) {
        heart_bench_push(&bench, now_ms, 20000 + wave(&of, (double)now_ms / 1000) / 10);
    }
    assert_in_range(bench.rate, 69, 71);
    heart_bench_reset(&bench);
    for (uint64_t now_ms = 45000; now_ms < 60000; now_ms += 50) {
        heart_bench_push(&bench, now_ms, 20000);
    }
    assert_int_equal(bench.verdict, MEDSEC_HEART_FLAT);
}

static void test_now_of_finer_sampling(void **state)
{
    (void)state;
    pulse of = {.rate = 80};
    for (uint64_t step_ms = 2; step_ms <= 50; step_ms *= 5) {
        heart_bench_open(&bench, MEDSEC_HEART_PULSE);
        for (uint64_t now_ms = 0; now_ms < 30000; now_ms += step_ms) {
            heart_bench_push(&bench, now_ms, wave(&of, (double)now_ms / 1000));
        }
        assert_int_equal(bench.rate, 80);
        assert_true(bench.longest_ms <= MEDSEC_HEART_DELAY_MS);
    }
    heart_bench_open(&bench, MEDSEC_HEART_PULSE);
    for (uint64_t now_ms = 0; now_ms < 30000; now_ms += 100) {
        heart_bench_push(&bench, now_ms, wave(&of, (double)now_ms / 1000));
    }
    assert_int_equal(bench.verdict, MEDSEC_HEART_SLOW);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_now_at_rest),           cmocka_unit_test(test_now_with_noise),
        cmocka_unit_test(test_now_with_motion),       cmocka_unit_test(test_now_of_motion_only),
        cmocka_unit_test(test_now_of_noise),          cmocka_unit_test(test_now_follows),
        cmocka_unit_test(test_now_of_a_loose_sensor), cmocka_unit_test(test_now_of_finer_sampling),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
