/* SPDX-License-Identifier: Apache-2.0 */
#ifndef MEDSEC_SIM_VITALS_H
#define MEDSEC_SIM_VITALS_H

#include "pulse.h"

#include <medsec/reading.h>

/*
 * What a simulated device measures: the vitals of the profile pico-vitals. All stand still but the
 * pulse signal, until a menu step moves one of them, as in the published pseudo device.
 */
typedef enum vitals_format {
    VITALS_PSEUDO, /* three decimals: the published simulator */
    VITALS_PICO /* two decimals for a negative acceleration: the real device */
} vitals_format;

#define VITALS_COUNT 7u

typedef struct vitals {
    pulse_source pulse;
    vitals_format format;
    double level[VITALS_COUNT];
    uint8_t index[VITALS_COUNT]; /* where the profile has it */
    medsec_reading reading; /* the levels as they are printed */
} vitals;

/* One step of the menu: a number from 1 to VITALS_STEPS. */
#define VITALS_STEPS 12u

typedef struct vitals_step {
    const char *what; /* "patient temperature" */
    const char *unit;
    unsigned vital; /* index into level */
    double change;
    double bound; /* a level beyond it bounces back; 0: none */
} vitals_step;

extern const vitals_step vitals_steps[VITALS_STEPS];

void vitals_init(vitals *v, vitals_format format, const pulse_beat *beat, double heart_rate_bpm,
                 uint64_t seed);

/* `step_s` seconds pass; the reading of then, valid until the next call. */
const medsec_reading *vitals_next(vitals *v, double step_s);

void vitals_apply(vitals *v, const vitals_step *step);

#endif
