/* SPDX-License-Identifier: Apache-2.0 */
#include "pulse.h"

#include <math.h>
#include <stddef.h>

#define PI 3.14159265358979323846

#define BREATH_HZ 0.25 /* 15 breaths a minute */
#define BREATH_V 0.05 /* how far the base line moves */
#define BREATH_RR 0.03 /* respiratory sinus arrhythmia: share of a beat's length */
#define JITTER_RR 0.01 /* share of a beat's length that is chance */

/* The wave that the heart sends, and the one that comes back: places and widths in beats. */
static const struct wave {
    double at;
    double height;
    double width;
} waves[] = {{0.5, 1, 0.1}, {0.8, 0.35, 0.12}};

static double level_at(double phase)
{
    double sum = 0;

    for (size_t i = 0; i < sizeof waves / sizeof waves[0]; i++) {
        const double off = remainder(phase - waves[i].at, 1) / waves[i].width;
        sum += waves[i].height * exp(-off * off / 2);
    }
    return sum;
}

void pulse_beat_init(pulse_beat *beat)
{
    double low = level_at(0);
    double high = low;

    for (size_t i = 0; i < PULSE_BEAT_LEN; i++) {
        const double level = level_at((double)i / PULSE_BEAT_LEN);
        low = fmin(low, level);
        high = fmax(high, level);
        beat->volts[i] = (float)level;
    }
    for (size_t i = 0; i < PULSE_BEAT_LEN; i++) {
        const double share = (beat->volts[i] - low) / (high - low);
        beat->volts[i] = (float)(PULSE_MIN_V + share * (PULSE_MAX_V - PULSE_MIN_V));
    }
}

static void begin_interval(pulse_source *source)
{
    const double breath = BREATH_RR * sin(2 * PI * source->breath);
    const double jitter = JITTER_RR * (2 * prng_unit(&source->random) - 1);

    source->interval_s = (1 + breath + jitter) / source->rate_hz;
}

void pulse_source_init(pulse_source *source, const pulse_beat *beat, double heart_rate_bpm,
                       uint64_t seed)
{
    *source = (pulse_source){.beat = beat, .random = {seed}, .rate_hz = heart_rate_bpm / 60};
    source->phase = prng_unit(&source->random);
    source->breath = prng_unit(&source->random);
    begin_interval(source);
}

double pulse_source_next(pulse_source *source, double step_s)
{
    source->breath = fmod(source->breath + step_s * BREATH_HZ, 1);
    source->phase += step_s / source->interval_s;
    while (source->phase >= 1) {
        source->phase -= 1;
        begin_interval(source);
    }
    const double at = source->phase * PULSE_BEAT_LEN;
    const size_t index = (size_t)at % PULSE_BEAT_LEN;
    const double here = source->beat->volts[index];
    const double next = source->beat->volts[(index + 1) % PULSE_BEAT_LEN];

    return here + (next - here) * (at - floor(at)) + BREATH_V * sin(2 * PI * source->breath);
}
