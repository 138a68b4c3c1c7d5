/* SPDX-License-Identifier: Apache-2.0 */
#include "key_table.h"

#include <sodium.h>
#include <stdlib.h>

typedef struct slot {
    const uint8_t *key; /* NULL: free */
    uint32_t owner;
} slot;

/* Open addressing, linear probing, at most half full. */
struct medsec__key_table {
    uint8_t hash_key[crypto_shorthash_KEYBYTES];
    size_t room; /* keys it may still take */
    size_t mask; /* slots - 1, slots being a power of two */
    slot slots[];
};

medsec__key_table *medsec__key_table_create(size_t capacity)
{
    size_t slots = 2;
    while (slots / 2 < capacity) {
        slots *= 2;
    }
    medsec__key_table *table = calloc(1, sizeof *table + slots * sizeof table->slots[0]);
    if (table != NULL) {
        crypto_shorthash_keygen(table->hash_key);
        table->room = capacity;
        table->mask = slots - 1;
    }
    return table;
}

void medsec__key_table_destroy(medsec__key_table *table)
{
    if (table != NULL) {
        sodium_memzero(table->hash_key, sizeof table->hash_key);
        free(table);
    }
}

/* The slot that has the key, or the free one where it belongs: there always is one. */
static size_t place_of(const medsec__key_table *table, const uint8_t *key)
{
    uint8_t hash[crypto_shorthash_BYTES];
    crypto_shorthash(hash, key, MEDSEC_X25519_LEN, table->hash_key);
    size_t at = 0;
    for (size_t i = 0; i < sizeof hash; i++) {
        at = at << 8 | hash[i];
    }
    at &= table->mask;
    while (table->slots[at].key != NULL &&
           sodium_memcmp(table->slots[at].key, key, MEDSEC_X25519_LEN) != 0) {
        at = (at + 1) & table->mask;
    }
    return at;
}

bool medsec__key_table_add(medsec__key_table *table, const uint8_t *key, uint32_t owner)
{
    if (table->room == 0) {
        return false;
    }
    slot *place = &table->slots[place_of(table, key)];
    if (place->key == NULL) {
        *place = (slot){key, owner};
        table->room--;
    }
    return true;
}

bool medsec__key_table_find(const medsec__key_table *table, const uint8_t key[MEDSEC_X25519_LEN],
                            uint32_t *owner)
{
    const slot *place = &table->slots[place_of(table, key)];
    *owner = place->owner;
    return place->key != NULL;
}
