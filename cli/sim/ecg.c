/* SPDX-License-Identifier: Apache-2.0 */
#include "ecg.h"

#include <math.h>
#include <stddef.h>

#define PI 3.14159265358979323846
#define STEPS_PER_SAMPLE 4u
#define SETTLING_BEATS 8u /* e^-8: what is left of the start is below the last decimal */

#define BREATH_HZ 0.25 /* 15 breaths a minute, the model's f2 */
#define BREATH_V 0.05 /* how far the base line moves */
#define BREATH_RR 0.03 /* respiratory sinus arrhythmia: share of a beat's length */
#define JITTER_RR 0.01 /* share of a beat's length that is chance */

/* Table I of the paper: P, Q, R, S, T. */
static const struct wave {
    double angle;
    double a;
    double b;
} waves[] = {{-70 * PI / 180, 1.2, 0.25},
             {-15 * PI / 180, -5.0, 0.1},
             {0, 30.0, 0.1},
             {15 * PI / 180, -7.5, 0.1},
             {100 * PI / 180, 0.75, 0.4}};

static double slope(double theta, double z)
{
    double sum = -z;

    for (size_t i = 0; i < sizeof waves / sizeof waves[0]; i++) {
        const double d = remainder(theta - waves[i].angle, 2 * PI);
        sum -= waves[i].a * d * exp(-d * d / (2 * waves[i].b * waves[i].b));
    }
    return sum;
}

/* One step of the classical Runge-Kutta method, at 60 beats a minute. */
static double advance(double theta, double z, double step_s)
{
    const double turn = 2 * PI * step_s;
    const double k1 = slope(theta, z);
    const double k2 = slope(theta + turn / 2, z + step_s / 2 * k1);
    const double k3 = slope(theta + turn / 2, z + step_s / 2 * k2);
    const double k4 = slope(theta + turn, z + step_s * k3);

    return z + step_s / 6 * (k1 + 2 * k2 + 2 * k3 + k4);
}

static void integrate_beat(ecg_beat *beat, double *z)
{
    const double step_s = 1.0 / (ECG_BEAT_LEN * STEPS_PER_SAMPLE);

    for (size_t i = 0; i < ECG_BEAT_LEN * STEPS_PER_SAMPLE; i++) {
        if (i % STEPS_PER_SAMPLE == 0) {
            beat->volts[i / STEPS_PER_SAMPLE] = (float)*z;
        }
        *z = advance(-PI + 2 * PI * step_s * (double)i, *z, step_s);
    }
}

void ecg_beat_init(ecg_beat *beat)
{
    double z = 0;

    for (unsigned i = 0; i < SETTLING_BEATS; i++) {
        integrate_beat(beat, &z);
    }
    double low = beat->volts[0];
    double high = beat->volts[0];
    for (size_t i = 0; i < ECG_BEAT_LEN; i++) {
        low = fmin(low, beat->volts[i]);
        high = fmax(high, beat->volts[i]);
    }
    for (size_t i = 0; i < ECG_BEAT_LEN; i++) {
        const double share = (beat->volts[i] - low) / (high - low);
        beat->volts[i] = (float)(ECG_MIN_V + share * (ECG_MAX_V - ECG_MIN_V));
    }
}

static void begin_interval(ecg_source *source)
{
    const double breath = BREATH_RR * sin(2 * PI * source->breath);
    const double jitter = JITTER_RR * (2 * prng_unit(&source->random) - 1);

    source->interval_s = (1 + breath + jitter) / source->rate_hz;
}

void ecg_source_init(ecg_source *source, const ecg_beat *beat, double heart_rate_bpm, uint64_t seed)
{
    *source = (ecg_source){.beat = beat, .random = {seed}, .rate_hz = heart_rate_bpm / 60};
    source->phase = prng_unit(&source->random);
    source->breath = prng_unit(&source->random);
    begin_interval(source);
}

double ecg_source_next(ecg_source *source, double step_s)
{
    const double at = source->phase * ECG_BEAT_LEN;
    const size_t index = (size_t)at % ECG_BEAT_LEN;
    const double here = source->beat->volts[index];
    const double next = source->beat->volts[(index + 1) % ECG_BEAT_LEN];
    const double volts =
        here + (next - here) * (at - floor(at)) + BREATH_V * sin(2 * PI * source->breath);

    source->breath = fmod(source->breath + step_s * BREATH_HZ, 1);
    source->phase += step_s / source->interval_s;
    while (source->phase >= 1) {
        source->phase -= 1;
        begin_interval(source);
    }
    return volts;
}
