/* SPDX-License-Identifier: Apache-2.0 */
#ifndef MEDSEC_SIM_ECG_H
#define MEDSEC_SIM_ECG_H

#include "prng.h"

/*
 * An electrocardiogram after P. E. McSharry, G. D. Clifford, L. Tarassenko, L. A. Smith, "A
 * dynamical model for generating synthetic electrocardiogram signals", IEEE Trans. Biomed. Eng.
 * 50(3):289-294, 2003: on the limit cycle the angle runs evenly through a beat, and
 *   z' = -sum a_i dtheta_i exp(-dtheta_i^2 / (2 b_i^2)) - (z - z0).
 * One beat is integrated once, into a table; every source runs through it at its own pace.
 */
#define ECG_BEAT_LEN 1024u /* samples of a beat; a beat begins and ends half-way between two R */
#define ECG_MIN_V (-0.4) /* of a beat; breathing moves it by less than 0.1 V */
#define ECG_MAX_V 2.4 /* the R peak, in the middle of a beat */

typedef struct ecg_beat {
    float volts[ECG_BEAT_LEN];
} ecg_beat;

typedef struct ecg_source {
    const ecg_beat *beat;
    prng random;
    double rate_hz; /* beats, on average */
    double phase; /* of this beat, 0..1 */
    double interval_s; /* length of this beat */
    double breath; /* phase of breathing, 0..1 */
} ecg_source;

void ecg_beat_init(ecg_beat *beat);

/* `seed` decides the phase and the variation of the rhythm; the beat must outlive the source. */
void ecg_source_init(ecg_source *source, const ecg_beat *beat, double heart_rate_bpm,
                     uint64_t seed);

/* Volts now; then `step_s` seconds pass. */
double ecg_source_next(ecg_source *source, double step_s);

#endif
