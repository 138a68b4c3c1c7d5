/* SPDX-License-Identifier: Apache-2.0 */
#include "store.h"
#include "unlock.h"

#include "secret_file.h"

#include <fcntl.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

static bool is_actor(const char *actor)
{
    size_t len = actor == NULL ? 0 : strnlen(actor, MEDSEC_ACTOR_MAX + 1);
    if (len == 0 || len > MEDSEC_ACTOR_MAX) {
        return false;
    }
    for (size_t i = 0; i < len; i++) {
        if (actor[i] < ' ' || actor[i] > '~') {
            return false;
        }
    }
    return true;
}

void medsec_registry_close(medsec_registry *registry)
{
    if (registry == NULL) {
        return;
    }
    medsec__store_close(registry);
    medsec__keys_destroy(registry->keys);
    free(registry->path);
    free(registry->key_file);
    free(registry);
}

static medsec_registry *make(const char *path, const medsec_registry_unlock *unlock,
                             medsec_registry_mode mode, const char *actor)
{
    medsec_registry *registry = calloc(1, sizeof *registry);
    if (registry == NULL || sodium_init() < 0) {
        free(registry);
        return NULL;
    }
    registry->mode = mode;
    registry->path = strdup(path);
    registry->key_file = unlock->key_file == NULL ? NULL : strdup(unlock->key_file);
    if (registry->path == NULL || (registry->key_file == NULL) != (unlock->key_file == NULL)) {
        medsec_registry_close(registry);
        return NULL;
    }
    if (actor != NULL) {
        memcpy(registry->actor, actor, strlen(actor));
    }
    return registry;
}

static medsec_status fill_new(medsec_registry *registry, const medsec_registry_unlock *unlock)
{
    medsec_status status = medsec__store_create(registry);
    if (status == MEDSEC_OK) {
        status = medsec__unlock_create(registry, unlock);
    }
    if (status == MEDSEC_OK) {
        status = medsec__gateway_create(registry, "init");
    }
    if (status == MEDSEC_OK) {
        status = medsec__head_save(registry);
    }
    if (status == MEDSEC_OK) {
        status = medsec__exec(registry, MEDSEC__SQL_COMMIT);
    }
    return status;
}

/* Filled under another name, so that a registry is there whole or not at all. */
static medsec_status create_beside(const char *temporary, const char *path,
                                   const medsec_registry_unlock *unlock, const char *actor)
{
    medsec_registry *registry = make(temporary, unlock, MEDSEC_REGISTRY_WRITE, actor);
    medsec_status status = registry == NULL ? MEDSEC_ERR_MEMORY : fill_new(registry, unlock);
    medsec_registry_close(registry);
    if (status != MEDSEC_OK) {
        unlink(temporary);
        return status;
    }
    return medsec__secret_file_publish(temporary, path);
}

medsec_status medsec_registry_create(const char *path, const medsec_registry_unlock *unlock,
                                     const char *actor)
{
    char temporary[PATH_MAX];
    medsec_status status = medsec__unlock_check(unlock);
    if (path == NULL || !is_actor(actor) || status != MEDSEC_OK) {
        return MEDSEC_ERR_ARGUMENT;
    }
    if (access(path, F_OK) == 0) {
        return MEDSEC_ERR_EXISTS;
    }
    status = medsec__secret_file_temporary(temporary, sizeof temporary, path);
    if (status != MEDSEC_OK) {
        return status;
    }
    int fd = mkostemp(temporary, O_CLOEXEC);
    if (fd < 0) {
        return MEDSEC_ERR_IO;
    }
    close(fd);
    return create_beside(temporary, path, unlock, actor);
}

static medsec_status upgrade(medsec_registry *registry)
{
    bool due = false;
    medsec_status status = medsec__change_begin(registry);
    if (status != MEDSEC_OK) {
        return status;
    }
    status = medsec__store_upgrade(registry, &due);
    if (status == MEDSEC_OK && due) {
        status = medsec__gateway_create(registry, "gateway-key");
    }
    return medsec__change_end(registry, status);
}

/* What remains to be done when the file is open and its keys are there. */
static medsec_status settle(medsec_registry *registry)
{
    medsec_status status = MEDSEC_OK;
    if (registry->old && registry->mode == MEDSEC_REGISTRY_WRITE) {
        status = upgrade(registry);
    }
    return status == MEDSEC_OK
               ? medsec__number(registry, MEDSEC__SQL_DATA_VERSION, &registry->version)
               : status;
}

medsec_status medsec_registry_open(medsec_registry **registry, const char *path,
                                   const medsec_registry_unlock *unlock, medsec_registry_mode mode,
                                   const char *actor)
{
    if (registry == NULL) {
        return MEDSEC_ERR_ARGUMENT;
    }
    *registry = NULL;
    medsec_status status = medsec__unlock_check(unlock);
    bool named = is_actor(actor) || (actor == NULL && mode == MEDSEC_REGISTRY_READ);
    if (path == NULL || !named || status != MEDSEC_OK) {
        return MEDSEC_ERR_ARGUMENT;
    }
    medsec_registry *made = make(path, unlock, mode, actor);
    if (made == NULL) {
        return MEDSEC_ERR_MEMORY;
    }
    status = medsec__store_open(made);
    if (status == MEDSEC_OK) {
        status = medsec__unlock_open(made, unlock);
    }
    if (status == MEDSEC_OK) {
        status = settle(made);
    }
    if (status != MEDSEC_OK) {
        medsec_registry_close(made);
        return status;
    }
    *registry = made;
    return MEDSEC_OK;
}

medsec_status medsec_registry_derive_key(const medsec_registry *registry, uint8_t key[32],
                                         const char *use)
{
    const size_t len = use == NULL ? 0 : strnlen(use, MEDSEC_KEY_USE_MAX + 1);
    if (registry == NULL || key == NULL || len == 0 || len > MEDSEC_KEY_USE_MAX) {
        return MEDSEC_ERR_ARGUMENT;
    }
    medsec__hash hash;
    medsec__hash_begin(&hash, registry->keys->derive);
    medsec__hash_text(&hash, use);
    medsec__hash_end(&hash, key);
    sodium_memzero(&hash, sizeof hash);
    return MEDSEC_OK;
}

const char *medsec_registry_error(const medsec_registry *registry)
{
    return registry == NULL ? "" : registry->error;
}

medsec_status medsec_registry_begin(medsec_registry *registry)
{
    medsec_status status = medsec__ready(registry);
    if (status != MEDSEC_OK) {
        return status;
    }
    if (registry->batch) {
        return medsec__fail(registry, MEDSEC_ERR_STATE, "a batch is open already");
    }
    status = medsec__change_begin(registry);
    registry->batch = status == MEDSEC_OK;
    registry->broken = false;
    return status;
}

medsec_status medsec_registry_commit(medsec_registry *registry)
{
    if (registry == NULL) {
        return MEDSEC_ERR_ARGUMENT;
    }
    if (!registry->batch) {
        return medsec__fail(registry, MEDSEC_ERR_STATE, "no batch is open");
    }
    registry->batch = false;
    if (registry->broken) {
        return medsec__fail(registry, MEDSEC_ERR_STATE, "a change of the batch failed; all undone");
    }
    return medsec__change_end(registry, MEDSEC_OK);
}

static bool is_replaced(const medsec_registry *registry, struct stat *info)
{
    return stat(registry->path, info) != 0 || info->st_dev != registry->device ||
           info->st_ino != registry->inode;
}

bool medsec__is_replaced(const medsec_registry *registry)
{
    struct stat info;
    return is_replaced(registry, &info);
}

/*
 * A commit writes the file (rollback journal), so that its time of modification tells that there
 * was none: a twentieth of what asking SQLite costs. Two commits of one tick of the clock have the
 * same time, so only a time that is over counts.
 */
static bool is_untouched(medsec_registry *registry, const struct stat *info)
{
    if (registry->settled && info->st_mtim.tv_sec == registry->modified.tv_sec &&
        info->st_mtim.tv_nsec == registry->modified.tv_nsec) {
        return true;
    }
    registry->modified = info->st_mtim;
    registry->settled = time(NULL) > info->st_mtim.tv_sec + 1;
    return false;
}

static medsec_status reopen(medsec_registry *registry)
{
    medsec__store_close(registry);
    registry->reopened = true;
    medsec_status status = medsec__store_open(registry);
    if (status == MEDSEC_OK) {
        status = medsec__unlock_test(registry);
    }
    if (status == MEDSEC_ERR_CRYPTO && registry->key_file != NULL) {
        const medsec_registry_unlock unlock = {.key_file = registry->key_file};
        status = medsec__unlock_open(registry, &unlock);
    }
    if (status == MEDSEC_OK) {
        status = settle(registry);
    }
    if (status != MEDSEC_OK) {
        medsec__store_close(registry);
    }
    return status;
}

medsec_status medsec__ready(medsec_registry *registry)
{
    if (registry == NULL) {
        return MEDSEC_ERR_ARGUMENT;
    }
    if (registry->batch) {
        return MEDSEC_OK;
    }
    struct stat info;
    if (registry->db == NULL || is_replaced(registry, &info)) {
        return reopen(registry);
    }
    return MEDSEC_OK;
}

bool medsec_registry_changed(medsec_registry *registry)
{
    if (registry == NULL) {
        return false;
    }
    struct stat info;
    if (registry->reopened || registry->db == NULL || is_replaced(registry, &info)) {
        registry->reopened = false;
        registry->settled = false;
        return true;
    }
    if (is_untouched(registry, &info)) {
        return false;
    }
    int64_t version = registry->version;
    if (medsec__number(registry, MEDSEC__SQL_DATA_VERSION, &version) != MEDSEC_OK) {
        registry->settled = false;
        return true; /* whoever looks now is told what is wrong */
    }
    bool changed = version != registry->version;
    registry->version = version;
    return changed;
}
