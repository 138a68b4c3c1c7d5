/* SPDX-License-Identifier: Apache-2.0 */
/* Beats one by one: which are told, when, and with what time. */
#include "unit.h"

#include "heart_bench.h"

#include <math.h>
#include <stdlib.h>

static heart_bench bench;
static heart_bench other;

typedef double height_of(int beat);

/* Beat number i is at i + 1 seconds, as high as `height` says. */
static double train(medsec_heart_signal signal, double now_s, height_of *height)
{
    double sum = 0;
    for (int i = (int)now_s - 2; i <= (int)now_s + 1; i++) {
        double phase_s = now_s - 1 - i;
        double wave =
            signal == MEDSEC_HEART_ECG ? heart_bench_ecg(phase_s) : heart_bench_pulse(phase_s, 1);
        sum += i >= 0 ? height(i) * wave : 0;
    }
    return sum;
}

static void play(medsec_heart_signal signal, uint64_t to_ms, uint64_t step_ms, height_of *height)
{
    heart_bench_open(&bench, signal);
    for (uint64_t now_ms = 0; now_ms < to_ms; now_ms += step_ms) {
        heart_bench_push(&bench, now_ms, train(signal, (double)now_ms / 1000, height));
    }
}

static double all_alike(int beat)
{
    (void)beat;
    return 4;
}

static double fourth_is_low(int beat)
{
    return beat % 4 == 3 ? 2 : 4;
}

static double late_fourth_is_lower(int beat)
{
    return beat > 40 && beat % 4 == 3 ? 1.5 : 4;
}

static double first_is_high(int beat)
{
    return beat == 0 ? 12 : 4;
}

static double one_is_missing(int beat)
{
    return beat == 20 ? 0 : 4;
}

static double one_is_faint(int beat)
{
    return beat == 20 ? 1 : 4;
}

static double third_is_high(int beat)
{
    return beat % 3 == 0 ? 12 : 4;
}

static void check_seconds(uint64_t beats, uint64_t within_ms)
{
    assert_int_equal(bench.count, beats);
    for (uint64_t i = 0; i < beats; i++) {
        assert_in_range(bench.beats[i], 1000 * (i + 1) - within_ms, 1000 * (i + 1) + within_ms);
    }
}

/* The time of a beat does not depend on the sampling, even or not. */
static void test_beat_times(void **state)
{
    (void)state;
    for (uint64_t step_ms = 2; step_ms <= 20; step_ms += 3) {
        play(MEDSEC_HEART_ECG, 20500, step_ms, all_alike);
        check_seconds(20, step_ms < 20 ? 7 : 9);
    }
    heart_bench_open(&bench, MEDSEC_HEART_ECG);
    for (uint64_t now_ms = 0; now_ms < 20500; now_ms += 2 + bench.dice % 16) {
        heart_bench_noise(&bench, 1);
        heart_bench_push(&bench, now_ms, train(MEDSEC_HEART_ECG, (double)now_ms / 1000, all_alike));
    }
    check_seconds(20, 9);
}

/* Half as high as the others is a beat at once; a third once nothing was seen between beats. */
static void test_beat_low(void **state)
{
    (void)state;
    play(MEDSEC_HEART_ECG, 40500, 4, fourth_is_low);
    check_seconds(40, 9);
    assert_true(bench.longest_ms <= 300);
    play(MEDSEC_HEART_ECG, 80500, 4, late_fourth_is_lower);
    check_seconds(80, 9);
    assert_true(bench.longest_ms <= 300);
}

static void test_beat_first_is_high(void **state)
{
    (void)state;
    play(MEDSEC_HEART_ECG, 30500, 4, first_is_high);
    check_seconds(30, 9);
}

/* A quarter as high: told when it is overdue. Of none, the second rise of the last is not taken. */
static void test_beat_looked_for_again(void **state)
{
    (void)state;
    play(MEDSEC_HEART_ECG, 30500, 4, one_is_faint);
    check_seconds(30, 9);
    assert_in_range(bench.longest_ms, 600, 800);
    heart_bench_open(&bench, MEDSEC_HEART_PULSE);
    for (uint64_t now_ms = 0; now_ms < 30500; now_ms += 20) {
        double now_s = (double)now_ms / 1000;
        heart_bench_push(&bench, now_ms,
                         train(MEDSEC_HEART_PULSE, now_s, one_is_missing) +
                             train(MEDSEC_HEART_PULSE, now_s - 0.38, one_is_missing) / 3);
    }
    assert_int_equal(bench.count, 29);
    for (size_t i = 0; i < bench.count; i++) {
        assert_true(fabs(remainder((double)bench.beats[i] + 70, 1000)) < 50);
    }
}

static void test_now_of_uneven_heights(void **state)
{
    (void)state;
    play(MEDSEC_HEART_PULSE, 40000, 50, all_alike);
    assert_int_equal(bench.rate, 60);
    play(MEDSEC_HEART_PULSE, 40000, 50, third_is_high);
    assert_int_equal(bench.verdict, MEDSEC_HEART_NOISY);
    assert_int_equal(bench.verdicts[MEDSEC_HEART_OK], 0);
}

/* Eight intervals and six seconds, or as many beats as are remembered. */
static void test_now_starting(void **state)
{
    (void)state;
    static const double intervals_s[] = {1.5, 1, 0.6, 0.5, 0.3};
    static const uint64_t first_ms[] = {8 * 1500, 8 * 1000, 6000, 6000, 15 * 300};
    for (size_t i = 0; i < sizeof first_ms / sizeof first_ms[0]; i++) {
        heart_bench_open(&bench, MEDSEC_HEART_ECG);
        uint64_t now_ms = 0;
        for (; bench.rate == 0 && now_ms < 20000; now_ms += 4) {
            double phase_s = remainder((double)now_ms / 1000, intervals_s[i]);
            heart_bench_push(&bench, now_ms, heart_bench_ecg(phase_s));
        }
        uint64_t span_ms = bench.beats[bench.count - 1] - bench.beats[0];
        assert_in_range(span_ms, first_ms[i] - 12, first_ms[i] + 12);
    }
}

/* The first beat is cut off by the beginning: no beat is before it, wherever it is cut. */
static void test_beat_at_the_beginning(void **state)
{
    (void)state;
    for (int offset_ms = -120; offset_ms <= 120; offset_ms += 4) {
        heart_bench_open(&bench, MEDSEC_HEART_ECG);
        for (uint64_t now_ms = 0; now_ms < 6000; now_ms += 4) {
            double phase_s = remainder(((double)now_ms + offset_ms) / 1000, 1);
            heart_bench_push(&bench, now_ms, now_ms == 0 ? 300 : heart_bench_ecg(phase_s));
        }
        assert_in_range(bench.count, 5, 7);
    }
}

/* A jolt in the first cell has its highest sum at once. */
static void test_beat_in_the_first_cell(void **state)
{
    (void)state;
    heart_bench_open(&bench, MEDSEC_HEART_ECG);
    for (uint64_t now_ms = 0; now_ms < 6000; now_ms += 2) {
        heart_bench_push(&bench, now_ms, now_ms == 0 ? 0 : 100000);
    }
    assert_int_equal(bench.count, 1);
    assert_int_equal(bench.beats[0], 0);
}

/* Steps that come faster than any heart: learning is over when it has seen enough of them. */
static void test_beat_fastest(void **state)
{
    (void)state;
    for (uint64_t step_ms = 200; step_ms <= 240; step_ms += 8) {
        heart_bench_open(&bench, MEDSEC_HEART_ECG);
        for (uint64_t now_ms = 0; now_ms < 20000; now_ms += 4) {
            heart_bench_push(&bench, now_ms, now_ms / step_ms % 2 ? 1000 : -1000);
        }
        assert_true(bench.most <= MEDSEC_HEART_RATE_MAX);
        assert_true(bench.count > 40);
    }
}

/* After a gap nothing is left of what was before, but beats that wait. */
static void test_push_after_a_gap_forgets(void **state)
{
    (void)state;
    heart_bench_open(&bench, MEDSEC_HEART_ECG);
    heart_bench_open(&other, MEDSEC_HEART_ECG);
    for (uint64_t now_ms = 0; now_ms < 10003; now_ms += 3) {
        heart_bench_push(&bench, now_ms, heart_bench_noise(&bench, 1e8));
    }
    bench.count = 0;
    for (uint64_t now_ms = 11000; now_ms < 30000; now_ms += 3) {
        double value = train(MEDSEC_HEART_ECG, (double)now_ms / 1000, all_alike);
        heart_bench_push(&bench, now_ms, value);
        heart_bench_push(&other, now_ms, value);
        assert_true(bench.heart.area == other.heart.area && bench.heart.sum == other.heart.sum);
        assert_true(bench.heart.level == other.heart.level);
        assert_true(bench.heart.last_sum == other.heart.last_sum);
        assert_true(bench.heart.peak == other.heart.peak);
        assert_true(bench.heart.second == other.heart.second);
        assert_true(bench.heart.run == other.heart.run && bench.rate == other.rate);
    }
    assert_int_equal(bench.count, other.count);
    assert_memory_equal(bench.beats, other.beats, other.count * sizeof other.beats[0]);
}

static void test_beat_not_fetched(void **state)
{
    (void)state;
    medsec_heart_rate heart;
    uint64_t time_ms = 0;
    assert_int_equal(medsec_heart_rate_open(&heart, MEDSEC_HEART_ECG), MEDSEC_OK);
    assert_false(medsec_heart_rate_beat(&heart, &time_ms));
    for (uint64_t now_ms = 0; now_ms < 30500; now_ms += 8) {
        double value = train(MEDSEC_HEART_ECG, (double)now_ms / 1000, all_alike);
        assert_int_equal(medsec_heart_rate_push(&heart, now_ms, (int32_t)value), MEDSEC_OK);
    }
    for (uint64_t i = 30 - MEDSEC_HEART_BEATS; i < 30; i++) {
        assert_true(medsec_heart_rate_beat(&heart, &time_ms));
        assert_in_range(time_ms, 1000 * (i + 1) - 9, 1000 * (i + 1) + 9);
    }
    assert_false(medsec_heart_rate_beat(&heart, &time_ms));
}

static void test_verdict_word(void **state)
{
    (void)state;
    assert_string_equal(medsec_heart_verdict_word(MEDSEC_HEART_OK), "ok");
    assert_string_equal(medsec_heart_verdict_word(MEDSEC_HEART_NOISY), "noisy");
    assert_string_equal(medsec_heart_verdict_word(MEDSEC_HEART_SLOW), "slow");
    assert_string_equal(medsec_heart_verdict_word((medsec_heart_verdict)6), "unknown");
    assert_string_equal(medsec_heart_signal_word(MEDSEC_HEART_ECG), "ecg");
    assert_string_equal(medsec_heart_signal_word(MEDSEC_HEART_PULSE), "pulse");
    assert_string_equal(medsec_heart_signal_word((medsec_heart_signal)0), "unknown");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_beat_times),
        cmocka_unit_test(test_beat_low),
        cmocka_unit_test(test_beat_first_is_high),
        cmocka_unit_test(test_beat_looked_for_again),
        cmocka_unit_test(test_now_of_uneven_heights),
        cmocka_unit_test(test_now_starting),
        cmocka_unit_test(test_beat_at_the_beginning),
        cmocka_unit_test(test_beat_in_the_first_cell),
        cmocka_unit_test(test_beat_fastest),
        cmocka_unit_test(test_push_after_a_gap_forgets),
        cmocka_unit_test(test_beat_not_fetched),
        cmocka_unit_test(test_verdict_word),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
