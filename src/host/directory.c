/* SPDX-License-Identifier: Apache-2.0 */
#include "key_table.h"
#include "store.h"

#include <medsec/seed_frame.h>

#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

/*
 * Secrets stand apart from the rest, packed, so that a whole registry's fit what a process may
 * lock. The gateway's key pairs come first.
 */
struct medsec_directory {
    atomic_size_t references;
    size_t count;
    size_t capacity;
    bool locked;
    uint8_t *secrets;
    size_t secrets_len;
    size_t secrets_cap;
    size_t gateway_keys;
    uint64_t last_change;
    medsec_directory_entry *entries; /* in order of id */
    uint32_t *seeds; /* places of the seed devices in entries: who has to be tried */
    size_t seed_count;
    medsec__key_table *keys; /* of the medsec/1 devices, to places in entries */
};

#define GATEWAY_KEYS_LEN (2u * sizeof(medsec_keypair))

static void destroy(medsec_directory *directory)
{
    medsec__key_table_destroy(directory->keys);
    sodium_free(directory->secrets);
    free(directory->seeds);
    free(directory->entries);
    free(directory);
}

static medsec_directory *make(size_t capacity, size_t secrets_len)
{
    medsec_directory *directory = calloc(1, sizeof *directory);
    if (directory == NULL) {
        return NULL;
    }
    size_t room = capacity == 0 ? 1 : capacity;
    atomic_init(&directory->references, 1);
    directory->capacity = capacity;
    directory->secrets_cap = GATEWAY_KEYS_LEN + secrets_len;
    directory->entries = calloc(room, sizeof *directory->entries);
    directory->seeds = calloc(room, sizeof *directory->seeds);
    directory->secrets = sodium_malloc(directory->secrets_cap);
    if (directory->entries == NULL || directory->seeds == NULL || directory->secrets == NULL) {
        destroy(directory);
        return NULL;
    }
    /* sodium_malloc() does not tell whether it could lock; to lock twice is harmless. */
    directory->locked = sodium_mlock(directory->secrets, directory->secrets_cap) == 0;
    return directory;
}

static void point_to(medsec_directory_entry *entry, const medsec_device_info *info,
                     const uint8_t *secret)
{
    if (info->wire == MEDSEC_WIRE_SEED) {
        entry->key = secret;
        entry->iv = secret + MEDSEC_AES128_KEY_LEN;
        return;
    }
    for (size_t i = 0; i < (info->rotating ? 2u : 1u); i++) {
        entry->public_key[i] = secret + i * MEDSEC__MEDSEC1_SECRET_LEN;
        entry->psk[i] = entry->public_key[i] + MEDSEC_X25519_LEN;
    }
    entry->generation[0] = info->generation;
    entry->generation[1] = info->pending_generation;
}

/* False: this row is of no use to a gateway. */
static bool take(medsec_directory *directory, const medsec__device *device,
                 const medsec__keys *keys, const medsec_profile *profile)
{
    const medsec_device_info *info = &device->info;
    uint8_t *secret = directory->secrets + directory->secrets_len;
    medsec_directory_entry *entry = &directory->entries[directory->count];
    size_t len = medsec__secret_len(info);
    if (profile == NULL || len > directory->secrets_cap - directory->secrets_len ||
        medsec__device_unseal(secret, keys, device) != MEDSEC_OK) {
        return false;
    }
    directory->secrets_len += len;
    memcpy(entry->id, info->id, sizeof entry->id);
    entry->state = (uint8_t)info->state;
    entry->wire = info->wire;
    entry->suite = info->suite;
    entry->profile = profile;
    point_to(entry, info, secret);
    if (info->wire == MEDSEC_WIRE_SEED) {
        directory->seeds[directory->seed_count++] = (uint32_t)directory->count;
    }
    directory->count++;
    return true;
}

/* The file's order is not to be trusted, and finding rests on it. */
static bool is_next(const medsec_directory *directory, const char *id)
{
    return directory->count == 0 || strcmp(directory->entries[directory->count - 1].id, id) < 0;
}

static medsec_status fill(medsec_directory *directory, medsec_registry *registry,
                          const medsec_profile_set *profiles, size_t *skipped)
{
    sqlite3_stmt *statement = medsec__statement(registry, MEDSEC__SQL_DEVICE_LIST);
    if (statement == NULL) {
        return MEDSEC_ERR_CORRUPT;
    }
    medsec_status status;
    medsec__device device;
    while ((status = medsec__row(registry, statement)) == MEDSEC_OK) {
        bool readable = medsec__device_read(&device, statement) == MEDSEC_OK;
        if (readable && !device.has_secret) {
            continue;
        }
        if (!readable || directory->count == directory->capacity ||
            !is_next(directory, device.info.id) ||
            !take(directory, &device, registry->keys,
                  medsec_profile_set_find(profiles, device.info.profile))) {
            (*skipped)++;
        }
    }
    medsec__done(statement);
    return status == MEDSEC_ERR_NOT_FOUND ? MEDSEC_OK : status;
}

/* An older registry has none, and altered ones must not keep a revocation from being seen. */
static void take_gateway_keys(medsec_directory *directory, medsec_registry *registry,
                              size_t *skipped)
{
    medsec__gateway_keys keys;
    medsec_status status = medsec__gateway_load(registry, &keys);
    directory->gateway_keys = keys.count;
    memcpy(directory->secrets, keys.pair, sizeof keys.pair);
    directory->secrets_len = GATEWAY_KEYS_LEN;
    sodium_memzero(&keys, sizeof keys);
    *skipped += status != MEDSEC_OK && status != MEDSEC_ERR_NOT_FOUND;
}

static bool index_keys(medsec_directory *directory)
{
    directory->keys = medsec__key_table_create(2 * (directory->count - directory->seed_count));
    bool good = directory->keys != NULL;
    for (size_t i = 0; good && i < directory->count; i++) {
        const medsec_directory_entry *entry = &directory->entries[i];
        for (size_t k = 0; good && k < 2 && entry->public_key[k] != NULL; k++) {
            good = medsec__key_table_add(directory->keys, entry->public_key[k], (uint32_t)i);
        }
    }
    return good;
}

static medsec_status load(medsec_directory **directory, medsec_registry *registry,
                          const medsec_profile_set *profiles, size_t *skipped)
{
    int64_t count = 0;
    int64_t secrets_len = 0;
    int64_t last_change = 0;
    medsec_status status = medsec__number(registry, MEDSEC__SQL_DEVICE_COUNT, &count);
    if (status == MEDSEC_OK) {
        status = medsec__number(registry, MEDSEC__SQL_SECRETS_LEN, &secrets_len);
    }
    if (status == MEDSEC_OK) {
        status = medsec__number(registry, MEDSEC__SQL_AUDIT_LAST, &last_change);
    }
    if (status != MEDSEC_OK) {
        return status;
    }
    medsec_directory *made = make((size_t)count, (size_t)secrets_len);
    if (made == NULL) {
        return medsec__fail(registry, MEDSEC_ERR_MEMORY, "no memory for the directory");
    }
    made->last_change = (uint64_t)last_change;
    take_gateway_keys(made, registry, skipped);
    status = fill(made, registry, profiles, skipped);
    if (status == MEDSEC_OK && !index_keys(made)) {
        status = medsec__fail(registry, MEDSEC_ERR_MEMORY, "no memory for the directory");
    }
    if (status != MEDSEC_OK) {
        destroy(made);
        return status;
    }
    sodium_mprotect_readonly(made->secrets);
    *directory = made;
    return MEDSEC_OK;
}

medsec_status medsec_directory_load(medsec_directory **directory, medsec_registry *registry,
                                    const medsec_profile_set *profiles, size_t *skipped)
{
    if (directory == NULL || profiles == NULL || skipped == NULL) {
        return MEDSEC_ERR_ARGUMENT;
    }
    *directory = NULL;
    *skipped = 0;
    medsec_status status = medsec__look_begin(registry);
    if (status != MEDSEC_OK) {
        return status;
    }
    status = load(directory, registry, profiles, skipped);
    medsec__look_end(registry);
    return status;
}

medsec_directory *medsec_directory_ref(medsec_directory *directory)
{
    atomic_fetch_add_explicit(&directory->references, 1, memory_order_relaxed);
    return directory;
}

void medsec_directory_unref(medsec_directory *directory)
{
    if (directory != NULL &&
        atomic_fetch_sub_explicit(&directory->references, 1, memory_order_acq_rel) == 1) {
        destroy(directory);
    }
}

size_t medsec_directory_count(const medsec_directory *directory)
{
    return directory->count;
}

uint64_t medsec_directory_last_change(const medsec_directory *directory)
{
    return directory->last_change;
}

bool medsec_directory_locked(const medsec_directory *directory)
{
    return directory->locked;
}

static int compare_id(const void *id, const void *entry)
{
    return strcmp(id, ((const medsec_directory_entry *)entry)->id);
}

const medsec_directory_entry *medsec_directory_find(const medsec_directory *directory,
                                                    const char *id)
{
    if (directory == NULL || id == NULL) {
        return NULL;
    }
    return bsearch(id, directory->entries, directory->count, sizeof *directory->entries,
                   compare_id);
}

const medsec_directory_entry *medsec_directory_find_public(
    const medsec_directory *directory, const uint8_t public_key[MEDSEC_X25519_LEN])
{
    uint32_t place;
    if (directory == NULL || public_key == NULL ||
        !medsec__key_table_find(directory->keys, public_key, &place)) {
        return NULL;
    }
    return &directory->entries[place];
}

const medsec_keypair *medsec_directory_gateway_keys(const medsec_directory *directory,
                                                    size_t *count)
{
    *count = directory->gateway_keys;
    return (const medsec_keypair *)directory->secrets;
}

bool medsec_directory_opens(const medsec_directory_entry *entry, medsec_aes_cbc *aes,
                            const uint8_t block[MEDSEC_AES_BLOCK_LEN])
{
    uint8_t iv[MEDSEC_AES_BLOCK_LEN];
    uint8_t text[MEDSEC_AES_BLOCK_LEN];
    if (entry->wire != MEDSEC_WIRE_SEED) {
        return false;
    }
    memcpy(iv, entry->iv, sizeof iv);
    return medsec_aes_cbc_rekey(aes, entry->key) == MEDSEC_OK &&
           medsec_aes_cbc_run(aes, text, block, sizeof text, iv) == MEDSEC_OK &&
           medsec_seed_text_begins_reading(entry->profile, text);
}

const medsec_directory_entry *medsec_directory_identify(const medsec_directory *directory,
                                                        medsec_aes_cbc *aes,
                                                        const uint8_t block[MEDSEC_AES_BLOCK_LEN],
                                                        const char *hint)
{
    const medsec_directory_entry *hinted = medsec_directory_find(directory, hint);
    if (hinted != NULL && medsec_directory_opens(hinted, aes, block)) {
        return hinted;
    }
    for (size_t i = 0; directory != NULL && i < directory->seed_count; i++) {
        const medsec_directory_entry *entry = &directory->entries[directory->seeds[i]];
        if (medsec_directory_opens(entry, aes, block)) {
            return entry;
        }
    }
    return NULL;
}
