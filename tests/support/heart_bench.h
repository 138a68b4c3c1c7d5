/* SPDX-License-Identifier: Apache-2.0 */
#ifndef MEDSEC_TESTS_HEART_BENCH_H
#define MEDSEC_TESTS_HEART_BENCH_H

#include <medsec/heart_rate.h>

/* A stream of samples, and what became of it. */
enum { HEART_BENCH_BEATS = 2000 };

typedef struct heart_bench {
    medsec_heart_rate heart;
    uint64_t now_ms; /* of the last sample */
    uint64_t beats[HEART_BENCH_BEATS];
    size_t count;
    medsec_heart_verdict verdict; /* as of the last sample */
    uint32_t rate;
    size_t verdicts[MEDSEC_HEART_SLOW + 1]; /* samples that had each */
    uint32_t least; /* rate */
    uint32_t most;
    uint64_t longest_ms; /* from a beat to its being told, after learning */
    uint32_t dice;
} heart_bench;

void heart_bench_open(heart_bench *bench, medsec_heart_signal signal);

/* Pushes a sample, fetches beats and rate; a beat in the future or not after the last one fails. */
void heart_bench_push(heart_bench *bench, uint64_t time_ms, double value);

/* Counts of verdicts and the range of rates begin anew. */
void heart_bench_reset(heart_bench *bench);

/* Noise of about the normal distribution, spread `deviation`: always the same. */
double heart_bench_noise(heart_bench *bench, double deviation);

/*
 * Half a millivolt of QRS complex, a P and a T wave in microvolts, `phase_s` after a beat, or
 * before it; and a pulse wave with its second rise, 1000 units high, whose beats are `interval_s`
 * apart.
 */
double heart_bench_ecg(double phase_s);
double heart_bench_pulse(double phase_s, double interval_s);

#endif
