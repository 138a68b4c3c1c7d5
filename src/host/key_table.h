/* SPDX-License-Identifier: Apache-2.0 */
#ifndef MEDSEC_HOST_KEY_TABLE_H
#define MEDSEC_HOST_KEY_TABLE_H

#include <medsec/limits.h>

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*
 * Public keys and whose they are. Who asks has proved nothing: the place of a key depends on a
 * random key (SipHash-2-4), so that nobody can choose keys that collide, and a key that is there is
 * compared in constant time. Read-only once filled.
 */
typedef struct medsec__key_table medsec__key_table;

/* Room for `capacity` keys. NULL: no memory. */
medsec__key_table *medsec__key_table_create(size_t capacity);
void medsec__key_table_destroy(medsec__key_table *table);

/* `key` stays the caller's and must outlive the table. A key that is there keeps its first owner.
 * False: full. */
bool medsec__key_table_add(medsec__key_table *table, const uint8_t *key, uint32_t owner);

/* False: nobody has that key. */
bool medsec__key_table_find(const medsec__key_table *table, const uint8_t key[MEDSEC_X25519_LEN],
                            uint32_t *owner);

#endif
