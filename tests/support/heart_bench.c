/* SPDX-License-Identifier: Apache-2.0 */
#include "heart_bench.h"

#include "unit.h"

#include <math.h>
#include <string.h>

void heart_bench_reset(heart_bench *bench)
{
    memset(bench->verdicts, 0, sizeof bench->verdicts);
    bench->least = UINT32_MAX;
    bench->most = 0;
}

void heart_bench_open(heart_bench *bench, medsec_heart_signal signal)
{
    memset(bench, 0, sizeof *bench);
    assert_int_equal(medsec_heart_rate_open(&bench->heart, signal), MEDSEC_OK);
    bench->dice = 1;
    heart_bench_reset(bench);
}

static void take_beat(heart_bench *bench, uint64_t beat_ms, uint64_t time_ms)
{
    assert_true(beat_ms <= time_ms && bench->count < HEART_BENCH_BEATS);
    assert_true(bench->count == 0 || beat_ms >= bench->beats[bench->count - 1] + 150);
    bench->beats[bench->count++] = beat_ms;
    if (time_ms > bench->heart.begin_ms + 2u * MEDSEC_HEART_LEARN_MS &&
        time_ms - beat_ms > bench->longest_ms) {
        bench->longest_ms = time_ms - beat_ms;
    }
}

void heart_bench_push(heart_bench *bench, uint64_t time_ms, double value)
{
    uint64_t beat_ms;
    assert_int_equal(medsec_heart_rate_push(&bench->heart, time_ms, (int32_t)lrint(value)),
                     MEDSEC_OK);
    while (medsec_heart_rate_beat(&bench->heart, &beat_ms)) {
        take_beat(bench, beat_ms, time_ms);
    }
    bench->now_ms = time_ms;
    bench->verdict = medsec_heart_rate_now(&bench->heart, &bench->rate);
    bench->verdicts[bench->verdict]++;
    assert_true((bench->verdict == MEDSEC_HEART_OK) == (bench->rate > 0));
    if (bench->rate > 0) {
        bench->least = bench->rate < bench->least ? bench->rate : bench->least;
        bench->most = bench->rate > bench->most ? bench->rate : bench->most;
    }
}

double heart_bench_noise(heart_bench *bench, double deviation)
{
    double sum = 0;
    for (int i = 0; i < 12; i++) { /* of which the variance is 1 */
        bench->dice = bench->dice * 1664525u + 1013904223u;
        sum += (double)(bench->dice >> 8) / 16777216.0 - 0.5;
    }
    return sum * deviation;
}

static double bell(double at, double spread)
{
    return exp(-(at / spread) * (at / spread) / 2);
}

double heart_bench_ecg(double phase_s)
{
    return 500 * bell(phase_s, 0.012) - 120 * bell(phase_s - 0.03, 0.012) +
           60 * bell(phase_s + 0.16, 0.025) + 120 * bell(phase_s - 0.26, 0.05);
}

double heart_bench_pulse(double phase_s, double interval_s)
{
    double spread = 0.06 + 0.05 * interval_s;
    return 1000 * bell(phase_s, spread) +
           350 * bell(phase_s - 0.05 - 0.3 * sqrt(interval_s), 1.2 * spread);
}
