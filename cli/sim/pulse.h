/* SPDX-License-Identifier: Apache-2.0 */
#ifndef MEDSEC_SIM_PULSE_H
#define MEDSEC_SIM_PULSE_H

#include "prng.h"

/*
 * The pulse wave that a light sees in a finger: a wave and its echo, each a bell, after K. S.
 * Rubins, "Finger and ear photoplethysmogram waveform analysis by fitting with Gaussians", Med.
 * Biol. Eng. Comput. 46:1271-1276, 2008. One beat is made once, into a table; every source runs
 * through it at its own pace, and the heart's rhythm goes with the breath.
 */
#define PULSE_BEAT_LEN 1024u /* samples of a beat, which begins half-way between two tops */
#define PULSE_MIN_V (-0.4) /* of a beat; breathing moves it by less than 0.1 V */
#define PULSE_MAX_V 2.4 /* the top, in the middle of a beat */

typedef struct pulse_beat {
    float volts[PULSE_BEAT_LEN];
} pulse_beat;

typedef struct pulse_source {
    const pulse_beat *beat;
    prng random;
    double rate_hz; /* beats, on average */
    double phase; /* of this beat, 0..1 */
    double interval_s; /* length of this beat */
    double breath; /* phase of breathing, 0..1 */
} pulse_source;

void pulse_beat_init(pulse_beat *beat);

/* `seed` decides the phase and the variation of the rhythm; the beat must outlive the source. */
void pulse_source_init(pulse_source *source, const pulse_beat *beat, double heart_rate_bpm,
                       uint64_t seed);

/* `step_s` seconds pass; volts then. */
double pulse_source_next(pulse_source *source, double step_s);

#endif
