/* SPDX-License-Identifier: Apache-2.0 */
#include "pulse.h"
#include "unit.h"

#include <math.h>
#include <stdbool.h>

#define RATE_HZ 500.0

static pulse_beat beat;

static int set_up(void **state)
{
    (void)state;
    pulse_beat_init(&beat);
    return 0;
}

static void test_beat_has_its_top_in_the_middle(void **state)
{
    size_t highest = 0;
    (void)state;

    for (size_t i = 0; i < PULSE_BEAT_LEN; i++) {
        if (beat.volts[i] > beat.volts[highest]) {
            highest = i;
        }
    }
    assert_in_range(highest, PULSE_BEAT_LEN / 2 - 12, PULSE_BEAT_LEN / 2 + 12);
    assert_true(fabs(beat.volts[highest] - PULSE_MAX_V) < 1e-6);
    assert_true(fabs(beat.volts[0] - beat.volts[PULSE_BEAT_LEN - 1]) < 0.02);
}

/* It rises sooner than it falls, for there the echo comes. */
static void test_beat_has_an_echo(void **state)
{
    const size_t top = PULSE_BEAT_LEN / 2;
    (void)state;

    for (size_t i = 260; i < top; i++) {
        assert_true(beat.volts[i] <= beat.volts[i + 1]);
    }
    for (size_t off = 150; off < 450; off += 10) {
        assert_true(beat.volts[top + off] > beat.volts[top - off] + 0.2F);
    }
}

/* Beats a minute, from the first to the last top in 60 s. */
static double measure(double heart_rate, uint64_t seed, double *low, double *high)
{
    pulse_source source;
    double first = -1;
    double last = -1;
    unsigned beats = 0;
    bool above = false;

    pulse_source_init(&source, &beat, heart_rate, seed);
    *low = *high = 0;
    for (unsigned i = 0; i < 60 * (unsigned)RATE_HZ; i++) {
        const double volts = pulse_source_next(&source, 1 / RATE_HZ);
        *low = fmin(*low, volts);
        *high = fmax(*high, volts);
        if (!above && volts > 1.6) {
            first = first < 0 ? i / RATE_HZ : first;
            last = i / RATE_HZ;
            beats++;
        }
        above = volts > (above ? 1.2 : 1.6);
    }
    return 60 * (beats - 1) / (last - first);
}

static void test_next_keeps_the_heart_rate(void **state)
{
    static const double rates[] = {40, 60, 72, 120, 180};
    double low;
    double high;
    (void)state;

    for (size_t i = 0; i < sizeof(rates) / sizeof(rates[0]); i++) {
        for (uint64_t seed = 0; seed < 10; seed++) {
            const double rate = measure(rates[i], seed, &low, &high);
            assert_true(fabs(rate - rates[i]) < rates[i] / 100);
            assert_true(low > -0.5 && low < -0.3 && high > 2.3 && high < 2.5);
        }
    }
}

static void test_next_varies_the_interval(void **state)
{
    pulse_source source;
    double shortest = 10;
    double longest = 0;
    (void)state;

    pulse_source_init(&source, &beat, 60, 1);
    for (unsigned i = 0; i < 30 * (unsigned)RATE_HZ; i++) {
        pulse_source_next(&source, 1 / RATE_HZ);
        shortest = fmin(shortest, source.interval_s);
        longest = fmax(longest, source.interval_s);
    }
    assert_true(shortest > 0.95 && shortest < 0.98 && longest > 1.02 && longest < 1.05);
}

static void test_next_is_decided_by_the_seed(void **state)
{
    pulse_source a;
    pulse_source b;
    pulse_source other;
    unsigned different = 0;
    (void)state;

    pulse_source_init(&a, &beat, 72, 7);
    pulse_source_init(&b, &beat, 72, 7);
    pulse_source_init(&other, &beat, 72, 8);
    for (unsigned i = 0; i < 2000; i++) {
        const double volts = pulse_source_next(&a, 0.05);
        assert_true(fabs(volts - pulse_source_next(&b, 0.05)) < 1e-12);
        different += fabs(volts - pulse_source_next(&other, 0.05)) > 1e-3;
    }
    assert_true(different > 1000);
}

static void test_next_takes_steps_longer_than_a_beat(void **state)
{
    pulse_source source;
    (void)state;

    pulse_source_init(&source, &beat, 200, 1);
    for (unsigned i = 0; i < 100; i++) {
        const double volts = pulse_source_next(&source, 10);
        assert_true(volts > -0.5 && volts < 2.5);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_beat_has_its_top_in_the_middle),
        cmocka_unit_test(test_beat_has_an_echo),
        cmocka_unit_test(test_next_keeps_the_heart_rate),
        cmocka_unit_test(test_next_varies_the_interval),
        cmocka_unit_test(test_next_is_decided_by_the_seed),
        cmocka_unit_test(test_next_takes_steps_longer_than_a_beat),
    };
    return cmocka_run_group_tests(tests, set_up, NULL);
}
