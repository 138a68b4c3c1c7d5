/* SPDX-License-Identifier: Apache-2.0 */
#include "vitals.h"

#include <math.h>
#include <string.h>

enum { TEMP, PULSE, X, Y, Z, TEMP_MCU, TEMP_MPU };

static const char *const keys[VITALS_COUNT] = {"Temp",   "PulseSig", "Acel_x", "Acel_y",
                                               "Acel_z", "TempMcu",  "TempMpu"};

const vitals_step vitals_steps[VITALS_STEPS] = {
    {"patient temperature", "Cel", TEMP, 0.5, 0}, {"patient temperature", "Cel", TEMP, -0.5, 0},
    {"MCU temperature", "Cel", TEMP_MCU, 0.5, 0}, {"MCU temperature", "Cel", TEMP_MCU, -0.5, 0},
    {"MPU temperature", "Cel", TEMP_MPU, 0.5, 0}, {"MPU temperature", "Cel", TEMP_MPU, -0.5, 0},
    {"acceleration x", "g", X, 0.1, 1},           {"acceleration x", "g", X, -0.1, 1},
    {"acceleration y", "g", Y, 0.1, 1},           {"acceleration y", "g", Y, -0.1, 1},
    {"acceleration z", "g", Z, 0.1, 1},           {"acceleration z", "g", Z, -0.1, 1}};

/* As "%.3f" prints it: what is negative and rounds to nothing is "-0.000". */
static medsec_value print(double level, uint8_t decimals)
{
    const double scale = decimals == 2 ? 100 : 1000;
    const int32_t mantissa = (int32_t)lround(level * scale);
    const bool minus_zero = mantissa == 0 && signbit(level) != 0;

    return (medsec_value){mantissa, decimals,
                          minus_zero ? MEDSEC_VALUE_MINUS_ZERO : MEDSEC_VALUE_NUMBER};
}

static bool is_acceleration(unsigned vital)
{
    return vital == X || vital == Y || vital == Z;
}

static void set_level(vitals *v, unsigned vital, double level)
{
    const bool narrow = v->format == VITALS_PICO && is_acceleration(vital) && level < 0;

    v->level[vital] = level;
    v->reading.value[v->index[vital]] = print(level, narrow ? 2 : 3);
}

static uint8_t index_of(const char *key)
{
    const medsec_profile *profile = &medsec_profile_pico_vitals;
    uint8_t index = 0;

    while (index + 1 < profile->count && strcmp(profile->vitals[index].key, key) != 0) {
        index++;
    }
    return index;
}

void vitals_init(vitals *v, vitals_format format, const pulse_beat *beat, double heart_rate_bpm,
                 uint64_t seed)
{
    *v = (vitals){.format = format, .reading.count = VITALS_COUNT};
    pulse_source_init(&v->pulse, beat, heart_rate_bpm, seed);
    for (unsigned vital = 0; vital < VITALS_COUNT; vital++) {
        v->index[vital] = index_of(keys[vital]);
        set_level(v, vital, 0);
    }
    set_level(v, TEMP, 36.6);
    set_level(v, TEMP_MCU, 23.7);
    set_level(v, TEMP_MPU, 23.4);
}

const medsec_reading *vitals_next(vitals *v, double step_s)
{
    set_level(v, PULSE, pulse_source_next(&v->pulse, step_s));
    return &v->reading;
}

void vitals_apply(vitals *v, const vitals_step *step)
{
    const double level = v->level[step->vital];
    const double next = level + step->change;
    const bool bounces = step->bound > 0 && fabs(next) > step->bound + 1e-9;

    set_level(v, step->vital, bounces ? level - step->change : next);
}
