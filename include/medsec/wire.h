/* SPDX-License-Identifier: Apache-2.0 */
#ifndef MEDSEC_WIRE_H
#define MEDSEC_WIRE_H

#include <medsec/export.h>
#include <medsec/limits.h>
#include <medsec/status.h>

#include <stddef.h>
#include <stdint.h>

/* What a device speaks, and how its messages are sealed. The registry fixes both: nothing is
 * negotiated. */
typedef enum medsec_wire {
    MEDSEC_WIRE_SEED = 1, /* "seed" */
    MEDSEC_WIRE_MEDSEC1 = 2 /* "medsec/1" */
} medsec_wire;

/* Numbers as in the flags of a HELLO (docs/wire.md). */
typedef enum medsec_suite {
    MEDSEC_SUITE_NONE = 0, /* the seed wire has none */
    MEDSEC_SUITE_A128CBC_HS256 = 1, /* "A128CBC-HS256": the default */
    MEDSEC_SUITE_CHACHAPOLY = 2 /* "ChaChaPoly": for devices without AES instructions */
} medsec_suite;

MEDSEC_BEGIN_DECLS

/* The name; never NULL: "unknown" for a number that is none. */
MEDSEC_API const char *medsec_wire_name(medsec_wire wire);
MEDSEC_API const char *medsec_suite_name(medsec_suite suite);

/* The number for a NUL-terminated name, or ERR_NOT_FOUND. */
MEDSEC_API MEDSEC_CHECK medsec_status medsec_wire_parse(medsec_wire *wire, const char *name);
MEDSEC_API MEDSEC_CHECK medsec_status medsec_suite_parse(medsec_suite *suite, const char *name);

MEDSEC_END_DECLS

#endif
