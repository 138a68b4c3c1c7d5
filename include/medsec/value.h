/* SPDX-License-Identifier: Apache-2.0 */
#ifndef MEDSEC_VALUE_H
#define MEDSEC_VALUE_H

#include <medsec/export.h>
#include <medsec/limits.h>
#include <medsec/status.h>

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*
 * A measured value as an exact decimal: what the device wrote is what the broker gets.
 * The value is mantissa / 10^decimals. There is no floating point on the way.
 */
typedef enum medsec_value_kind {
    MEDSEC_VALUE_NONE = 0, /* the sensor failed: null */
    MEDSEC_VALUE_NUMBER = 1,
    MEDSEC_VALUE_MINUS_ZERO = 2 /* "-0.00": a small negative value, rounded by the device */
} medsec_value_kind;

typedef struct medsec_value {
    int32_t mantissa;
    uint8_t decimals;
    uint8_t kind; /* medsec_value_kind */
} medsec_value;

/* A value half read, inside of parsers that are resumable. */
typedef struct medsec_value_parser {
    uint32_t mantissa;
    uint8_t decimals;
    uint8_t digits; /* significant ones so far, at most MEDSEC_VALUE_DIGITS_MAX */
    uint8_t state;
    bool negative;
    bool too_long;
} medsec_value_parser;

MEDSEC_BEGIN_DECLS

/*
 * Reads `-?[0-9]+(\.[0-9]+)?`: at most 9 digits (superfluous leading zeros not counted), at most
 * 6 decimals. ERR_SYNTAX: another form. ERR_NUMBER: the form is right, the digits are too many.
 */
MEDSEC_API MEDSEC_CHECK medsec_status medsec_value_parse(medsec_value *value, const char *text,
                                                         size_t len);

/*
 * Writes the canonical text: `36.600`, `-0.50`, no superfluous leading zero, `null` for NONE and
 * for what no parse gives (too many decimals). Returns its length; no NUL.
 */
MEDSEC_API size_t medsec_value_write(char out[MEDSEC_VALUE_TEXT_MAX], medsec_value value);

/* True when the value lies in min..max, both given as integers with `decimals` decimals. NONE does.
 */
MEDSEC_API bool medsec_value_within(medsec_value value, int32_t min, int32_t max, uint8_t decimals);

MEDSEC_END_DECLS

#endif
