/* SPDX-License-Identifier: Apache-2.0 */
#ifndef MEDSEC_PROFILE_H
#define MEDSEC_PROFILE_H

#include <medsec/export.h>
#include <medsec/heart_rate.h>
#include <medsec/limits.h>
#include <medsec/status.h>

#include <stddef.h>
#include <stdint.h>

/*
 * A profile says what a kind of device measures. Profiles are data: another kind of device is
 * another profile (profile_file.h reads one from JSON), not another code path.
 */
typedef struct medsec_vital {
    const char *key; /* member name in a reading: "Temp" */
    const char *topic; /* topic suffix: "Physiological_Data/Temperature" */
    const char *unit; /* UCUM: "Cel" */
    const char *code; /* "LOINC 8310-5", "MDC 150364"; "" when there is none */
    int32_t min; /* plausible range, as integers with `decimals` decimals */
    int32_t max;
    uint8_t decimals; /* of min and max here, and of the value in a medsec/1 message */
    uint8_t signal; /* medsec_heart_signal that the heart rate is taken from; 0: it is none */
} medsec_vital;

typedef struct medsec_profile {
    uint16_t id; /* number on the medsec/1 wire */
    uint8_t count; /* vitals, 1..MEDSEC_VITALS_MAX */
    const char *name; /* "pico-vitals": [a-z0-9-], at most MEDSEC_PROFILE_NAME_MAX */
    const medsec_vital *vitals; /* in the order of publishing, and of the columns in medsec/1 */
    const uint8_t *seed_order; /* indices in the order of the seed JSON; NULL: as in `vitals` */
    /* From reading to reading, as the device is made; 0: not known. Readings of the seed wire carry
     * no time: without it there is no heart rate of them. */
    uint16_t interval_ms;
} medsec_profile;

MEDSEC_BEGIN_DECLS

/* The seed device: three temperatures, a pulse signal, three axes of acceleration. */
MEDSEC_API extern const medsec_profile medsec_profile_pico_vitals;

/*
 * Checks a profile from outside against every limit. ERR_LIMIT: a count or length; ERR_SYNTAX: a
 * key, name, unit or code with a character that JSON would have to escape; ERR_TOPIC: a suffix that
 * is empty, holds `+`, `#`, NUL or a control character, or begins with a level that the gateway
 * uses itself (`Status`, `Reading`, ...) or is or lies below MEDSEC_TOPIC_HEART_RATE;
 * ERR_DUPLICATE: two vitals with one key or one topic, or with a signal, or a seed_order that is no
 * permutation; ERR_NUMBER: min above max, too many decimals, or a signal that does not exist.
 */
MEDSEC_API MEDSEC_CHECK medsec_status medsec_profile_check(const medsec_profile *profile);

MEDSEC_END_DECLS

#endif
