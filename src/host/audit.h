/* SPDX-License-Identifier: Apache-2.0 */
#ifndef MEDSEC_HOST_AUDIT_H
#define MEDSEC_HOST_AUDIT_H

#include "store.h"

/* A row of the audit log as it is stored and hashed. */
typedef struct medsec__audit_entry {
    uint64_t number;
    uint64_t time_ms;
    const char *actor;
    const char *action;
    const char *device;
    const char *detail;
    bool has_digest; /* what `device` (for "": the gateway) has changed, and hashes to this now */
    uint8_t digest[MEDSEC__HASH_LEN];
    uint8_t hash[MEDSEC__HASH_LEN]; /* of the chain up to here */
} medsec__audit_entry;

/* Link of the chain: keyed hash of the previous one and all of `entry` but its hash. */
void medsec__audit_hash(uint8_t out[MEDSEC__HASH_LEN], const medsec__keys *keys,
                        const uint8_t previous[MEDSEC__HASH_LEN], const medsec__audit_entry *entry);

/* From a row of AUDIT_LIST, whose texts it borrows. ERR_CORRUPT. */
MEDSEC_CHECK medsec_status medsec__audit_read(medsec__audit_entry *entry, sqlite3_stmt *statement);

#endif
