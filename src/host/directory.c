/* SPDX-License-Identifier: Apache-2.0 */
#include "store.h"

#include <medsec/seed_frame.h>

#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

/*
 * Secrets stand apart from the rest, 32 bytes a device, so that a whole registry's fit what a
 * process may lock.
 */
struct medsec_directory {
    atomic_size_t references;
    size_t count;
    size_t capacity;
    bool locked;
    uint8_t (*secrets)[MEDSEC__SECRET_LEN];
    medsec_directory_entry *entries; /* in order of id */
};

static void destroy(medsec_directory *directory)
{
    sodium_free(directory->secrets);
    free(directory->entries);
    free(directory);
}

static medsec_directory *make(size_t capacity)
{
    medsec_directory *directory = calloc(1, sizeof *directory);
    if (directory == NULL) {
        return NULL;
    }
    size_t room = capacity == 0 ? 1 : capacity;
    atomic_init(&directory->references, 1);
    directory->capacity = capacity;
    directory->entries = calloc(room, sizeof *directory->entries);
    directory->secrets = sodium_allocarray(room, sizeof *directory->secrets);
    if (directory->entries == NULL || directory->secrets == NULL) {
        destroy(directory);
        return NULL;
    }
    /* sodium_allocarray() does not tell whether it could lock; to lock twice is harmless. */
    directory->locked = sodium_mlock(directory->secrets, room * sizeof *directory->secrets) == 0;
    return directory;
}

/* False: this row is of no use to a gateway. */
static bool take(medsec_directory *directory, const medsec__device *device,
                 const medsec__keys *keys, const medsec_profile *profile)
{
    uint8_t *secret = directory->secrets[directory->count];
    medsec_directory_entry *entry = &directory->entries[directory->count];
    if (profile == NULL || medsec__device_unseal(secret, keys, device) != MEDSEC_OK) {
        return false;
    }
    memcpy(entry->id, device->info.id, sizeof entry->id);
    entry->state = (uint8_t)device->info.state;
    entry->key = secret;
    entry->iv = secret + MEDSEC_AES128_KEY_LEN;
    entry->profile = profile;
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

static medsec_status load(medsec_directory **directory, medsec_registry *registry,
                          const medsec_profile_set *profiles, size_t *skipped)
{
    int64_t count = 0;
    medsec_status status = medsec__number(registry, MEDSEC__SQL_DEVICE_COUNT, &count);
    if (status != MEDSEC_OK) {
        return status;
    }
    medsec_directory *made = make((size_t)count);
    if (made == NULL) {
        return medsec__fail(registry, MEDSEC_ERR_MEMORY, "no memory for the directory");
    }
    status = fill(made, registry, profiles, skipped);
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

bool medsec_directory_opens(const medsec_directory_entry *entry, medsec_aes_cbc *aes,
                            const uint8_t block[MEDSEC_AES_BLOCK_LEN])
{
    uint8_t iv[MEDSEC_AES_BLOCK_LEN];
    uint8_t text[MEDSEC_AES_BLOCK_LEN];
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
    for (size_t i = 0; directory != NULL && i < directory->count; i++) {
        if (medsec_directory_opens(&directory->entries[i], aes, block)) {
            return &directory->entries[i];
        }
    }
    return NULL;
}
