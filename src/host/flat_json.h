/* SPDX-License-Identifier: Apache-2.0 */
#ifndef MEDSEC_HOST_FLAT_JSON_H
#define MEDSEC_HOST_FLAT_JSON_H

#include <medsec/status.h>

#include <stdbool.h>
#include <stddef.h>

/*
 * One JSON object whose members are strings of printable ASCII: what credential files and the
 * seed's key file hold. cJSON would leave copies of the secrets on the heap.
 */
typedef struct medsec__member {
    const char *name;
    char *value; /* `cap` bytes, ended by NUL; cut there when longer */
    size_t cap;
    size_t len; /* of the whole value */
    bool given;
} medsec__member;

/*
 * Fills the members that the text gives; others in it are skipped. ERR_SYNTAX: another form, a
 * character (also an escaped one) that is not printable ASCII; ERR_DUPLICATE.
 */
MEDSEC_CHECK medsec_status medsec__flat_json_parse(medsec__member *members, size_t count,
                                                   const char *text, size_t len);

#endif
