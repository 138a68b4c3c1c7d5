/* SPDX-License-Identifier: Apache-2.0 */
#include "store.h"

#include "credential_check.h"

#include <stdio.h>
#include <string.h>

static void begin_row(medsec__hash *hash, const medsec__keys *keys, const medsec_device_info *info)
{
    medsec__hash_begin(hash, keys->row);
    medsec__hash_text(hash, info->id);
    medsec__hash_text(hash, medsec_wire_name((medsec_wire)info->wire));
    medsec__hash_text(hash, info->profile);
    medsec__hash_number(hash, info->state);
    medsec__hash_number(hash, info->created_ms);
    medsec__hash_number(hash, info->changed_ms);
}

/* What is sealed with the secret. */
static void bind_row(uint8_t bound[MEDSEC__HASH_LEN], const medsec__keys *keys,
                     const medsec_device_info *info)
{
    medsec__hash hash;
    begin_row(&hash, keys, info);
    medsec__hash_end(&hash, bound);
}

void medsec__device_digest(uint8_t digest[MEDSEC__HASH_LEN], const medsec__keys *keys,
                           const medsec__device *device)
{
    medsec__hash hash;
    begin_row(&hash, keys, &device->info);
    medsec__hash_bytes(&hash, device->fingerprint, device->has_secret ? MEDSEC__HASH_LEN : 0);
    medsec__hash_bytes(&hash, device->sealed, device->has_secret ? MEDSEC__SEALED_LEN : 0);
    medsec__hash_end(&hash, digest);
}

static void seal(medsec__device *device, const medsec__keys *keys,
                 const uint8_t secret[MEDSEC__SECRET_LEN])
{
    uint8_t bound[MEDSEC__HASH_LEN];
    bind_row(bound, keys, &device->info);
    medsec__seal(device->sealed, keys, secret, MEDSEC__SECRET_LEN, bound);
}

medsec_status medsec__device_unseal(uint8_t secret[MEDSEC__SECRET_LEN], const medsec__keys *keys,
                                    const medsec__device *device)
{
    uint8_t bound[MEDSEC__HASH_LEN];
    bind_row(bound, keys, &device->info);
    medsec_status status = medsec__unseal(secret, MEDSEC__SECRET_LEN, keys, device->sealed,
                                          sizeof device->sealed, bound);
    return status == MEDSEC_OK ? MEDSEC_OK : MEDSEC_ERR_CORRUPT;
}

static medsec_status read_secret(medsec__device *device, sqlite3_stmt *statement)
{
    device->has_secret = device->info.state != MEDSEC_DEVICE_DECOMMISSIONED;
    if (!device->has_secret) {
        bool empty = sqlite3_column_type(statement, 6) == SQLITE_NULL &&
                     sqlite3_column_type(statement, 7) == SQLITE_NULL;
        return empty ? MEDSEC_OK : MEDSEC_ERR_CORRUPT;
    }
    medsec_status status =
        medsec__column_blob(device->fingerprint, sizeof device->fingerprint, statement, 6);
    return status == MEDSEC_OK
               ? medsec__column_blob(device->sealed, sizeof device->sealed, statement, 7)
               : status;
}

medsec_status medsec__device_read(medsec__device *device, sqlite3_stmt *statement)
{
    medsec_device_info *info = &device->info;
    char wire[16];
    medsec_wire number;
    *device = (medsec__device){0};
    int state = sqlite3_column_int(statement, 3);
    if (medsec__column_text(info->id, sizeof info->id, statement, 0) != MEDSEC_OK ||
        medsec__column_text(wire, sizeof wire, statement, 1) != MEDSEC_OK ||
        medsec__column_text(info->profile, sizeof info->profile, statement, 2) != MEDSEC_OK ||
        medsec_wire_parse(&number, wire) != MEDSEC_OK || number != MEDSEC_WIRE_SEED ||
        state < MEDSEC_DEVICE_ACTIVE || state > MEDSEC_DEVICE_DECOMMISSIONED) {
        return MEDSEC_ERR_CORRUPT;
    }
    info->wire = (uint8_t)number;
    info->state = (medsec_device_state)state;
    info->created_ms = (uint64_t)sqlite3_column_int64(statement, 4);
    info->changed_ms = (uint64_t)sqlite3_column_int64(statement, 5);
    return read_secret(device, statement);
}

medsec_status medsec__device_get(medsec_registry *registry, const char *id, medsec__device *device)
{
    sqlite3_stmt *statement = medsec__statement(registry, MEDSEC__SQL_DEVICE_GET);
    if (id == NULL || statement == NULL) {
        return id == NULL ? MEDSEC_ERR_ARGUMENT : MEDSEC_ERR_CORRUPT;
    }
    medsec__bind_text(statement, 1, id);
    medsec_status status = medsec__row(registry, statement);
    if (status == MEDSEC_ERR_NOT_FOUND) {
        status = medsec__fail(registry, status, "no such device");
    } else if (status == MEDSEC_OK && medsec__device_read(device, statement) != MEDSEC_OK) {
        status = medsec__fail(registry, MEDSEC_ERR_CORRUPT, "the row of a device was altered");
    }
    medsec__done(statement);
    return status;
}

static medsec_status store(medsec_registry *registry, medsec__sql sql, const medsec__device *device)
{
    const medsec_device_info *info = &device->info;
    sqlite3_stmt *statement = medsec__statement(registry, sql);
    if (statement == NULL) {
        return MEDSEC_ERR_CORRUPT;
    }
    medsec__bind_text(statement, 1, info->id);
    medsec__bind_text(statement, 2, medsec_wire_name((medsec_wire)info->wire));
    medsec__bind_text(statement, 3, info->profile);
    sqlite3_bind_int(statement, 4, (int)info->state);
    sqlite3_bind_int64(statement, 5, (sqlite3_int64)info->created_ms);
    sqlite3_bind_int64(statement, 6, (sqlite3_int64)info->changed_ms);
    if (device->has_secret) {
        medsec__bind_blob(statement, 7, device->fingerprint, sizeof device->fingerprint);
        medsec__bind_blob(statement, 8, device->sealed, sizeof device->sealed);
    }
    return medsec__run(registry, statement);
}

static medsec_status check_new(medsec_registry *registry, const medsec_credential *credential,
                               unsigned flags)
{
    medsec_status status = medsec__credential_check(credential);
    if (status != MEDSEC_OK) {
        return medsec__fail(registry, status, "%s",
                            status == MEDSEC_ERR_DEVICE_ID ? medsec_strerror(status)
                                                           : "key, IV or profile is not printable");
    }
    if ((flags & MEDSEC_ADD_ALLOW_SAMPLE_KEY) == 0 && medsec__key_is_sample(credential->key)) {
        return medsec__fail(registry, MEDSEC_ERR_SAMPLE_KEY, "%s",
                            medsec_strerror(MEDSEC_ERR_SAMPLE_KEY));
    }
    return MEDSEC_OK;
}

static medsec_status check_unique(medsec_registry *registry, const medsec__device *device)
{
    medsec__device other;
    medsec_status status = medsec__device_get(registry, device->info.id, &other);
    if (status != MEDSEC_ERR_NOT_FOUND) {
        return status == MEDSEC_OK ? medsec__fail(registry, MEDSEC_ERR_EXISTS, "that id is taken")
                                   : status;
    }
    sqlite3_stmt *statement = medsec__statement(registry, MEDSEC__SQL_FINGERPRINT_FIND);
    if (statement == NULL) {
        return MEDSEC_ERR_CORRUPT;
    }
    medsec__bind_blob(statement, 1, device->fingerprint, sizeof device->fingerprint);
    status = medsec__row(registry, statement);
    medsec__done(statement);
    if (status == MEDSEC_OK) {
        return medsec__fail(registry, MEDSEC_ERR_EXISTS, "another device has that key");
    }
    return status == MEDSEC_ERR_NOT_FOUND ? MEDSEC_OK : status;
}

static void fill(medsec__device *device, const medsec_credential *credential,
                 const medsec__keys *keys)
{
    uint8_t secret[MEDSEC__SECRET_LEN];
    medsec_device_info *info = &device->info;
    memcpy(info->id, credential->device, sizeof info->id);
    memcpy(info->profile, credential->profile, sizeof info->profile);
    info->wire = credential->wire;
    info->created_ms = medsec__now_ms();
    info->changed_ms = info->created_ms;
    device->has_secret = true;
    medsec__hash hash;
    medsec__hash_begin(&hash, keys->fingerprint);
    medsec__hash_bytes(&hash, credential->key, sizeof credential->key);
    medsec__hash_end(&hash, device->fingerprint);
    memcpy(secret, credential->key, sizeof credential->key);
    memcpy(secret + sizeof credential->key, credential->iv, sizeof credential->iv);
    seal(device, keys, secret);
    sodium_memzero(secret, sizeof secret);
}

medsec_status medsec__device_add(medsec_registry *registry, const medsec_credential *credential,
                                 unsigned flags, const char *action)
{
    medsec__device device = {0};
    medsec_status status = check_new(registry, credential, flags);
    if (status != MEDSEC_OK) {
        return status;
    }
    fill(&device, credential, registry->keys);
    status = check_unique(registry, &device);
    if (status == MEDSEC_OK) {
        status = store(registry, MEDSEC__SQL_DEVICE_ADD, &device);
    }
    if (status != MEDSEC_OK) {
        return status;
    }
    char detail[16 + sizeof device.info.profile];
    snprintf(detail, sizeof detail, "%s %s", medsec_wire_name((medsec_wire)device.info.wire),
             device.info.profile);
    return medsec__audit_append(registry, action, device.info.id, detail, &device);
}

medsec_status medsec_registry_add(medsec_registry *registry, const medsec_credential *credential,
                                  unsigned flags)
{
    if (credential == NULL) {
        return MEDSEC_ERR_ARGUMENT;
    }
    medsec_status status = medsec__change_begin(registry);
    if (status != MEDSEC_OK) {
        return status;
    }
    return medsec__change_end(registry, medsec__device_add(registry, credential, flags, "add"));
}

medsec_status medsec_registry_get(medsec_registry *registry, const char *id,
                                  medsec_device_info *info)
{
    medsec__device device = {0};
    medsec_status status = medsec__ready(registry);
    if (status != MEDSEC_OK || info == NULL) {
        return status == MEDSEC_OK ? MEDSEC_ERR_ARGUMENT : status;
    }
    status = medsec__device_get(registry, id, &device);
    if (status == MEDSEC_OK) {
        *info = device.info;
    }
    return status;
}

static medsec_status open_credential(medsec_registry *registry, const medsec__device *device,
                                     medsec_credential *credential)
{
    uint8_t secret[MEDSEC__SECRET_LEN];
    if (!device->has_secret) {
        return medsec__fail(registry, MEDSEC_ERR_REVOKED, "the device's secret was destroyed");
    }
    if (medsec__device_unseal(secret, registry->keys, device) != MEDSEC_OK) {
        return medsec__fail(registry, MEDSEC_ERR_CORRUPT, "the row of %s was altered",
                            device->info.id);
    }
    memcpy(credential->device, device->info.id, sizeof credential->device);
    memcpy(credential->profile, device->info.profile, sizeof credential->profile);
    credential->wire = device->info.wire;
    memcpy(credential->key, secret, sizeof credential->key);
    memcpy(credential->iv, secret + sizeof credential->key, sizeof credential->iv);
    sodium_memzero(secret, sizeof secret);
    return MEDSEC_OK;
}

medsec_status medsec_registry_get_credential(medsec_registry *registry, const char *id,
                                             medsec_credential *credential)
{
    medsec__device device = {0};
    medsec_status status = medsec__ready(registry);
    if (status != MEDSEC_OK || credential == NULL) {
        return status == MEDSEC_OK ? MEDSEC_ERR_ARGUMENT : status;
    }
    medsec_credential_wipe(credential);
    status = medsec__device_get(registry, id, &device);
    return status == MEDSEC_OK ? open_credential(registry, &device, credential) : status;
}

medsec_status medsec_registry_list(medsec_registry *registry, medsec_device_fn *each, void *context)
{
    medsec__device device = {0};
    medsec_status status = medsec__ready(registry);
    if (status != MEDSEC_OK || each == NULL) {
        return status == MEDSEC_OK ? MEDSEC_ERR_ARGUMENT : status;
    }
    sqlite3_stmt *statement = medsec__statement(registry, MEDSEC__SQL_DEVICE_LIST);
    if (statement == NULL) {
        return MEDSEC_ERR_CORRUPT;
    }
    while ((status = medsec__row(registry, statement)) == MEDSEC_OK) {
        if (medsec__device_read(&device, statement) != MEDSEC_OK) {
            status = medsec__fail(registry, MEDSEC_ERR_CORRUPT, "the row of a device was altered");
        } else {
            status = each(context, &device.info);
        }
        if (status != MEDSEC_OK) {
            medsec__done(statement);
            return status;
        }
    }
    medsec__done(statement);
    return status == MEDSEC_ERR_NOT_FOUND ? MEDSEC_OK : status;
}

static medsec_status revoke(medsec_registry *registry, medsec__device *device)
{
    uint8_t secret[MEDSEC__SECRET_LEN];
    if (device->info.state != MEDSEC_DEVICE_ACTIVE) {
        return medsec__fail(registry, MEDSEC_ERR_REVOKED, "the device is %s already",
                            device->has_secret ? "revoked" : "decommissioned");
    }
    if (medsec__device_unseal(secret, registry->keys, device) != MEDSEC_OK) {
        return medsec__fail(registry, MEDSEC_ERR_CORRUPT,
                            "the row of %s was altered; decommission it", device->info.id);
    }
    device->info.state = MEDSEC_DEVICE_REVOKED;
    device->info.changed_ms = medsec__now_ms();
    seal(device, registry->keys, secret);
    sodium_memzero(secret, sizeof secret);
    return MEDSEC_OK;
}

static medsec_status decommission(medsec_registry *registry, medsec__device *device)
{
    if (!device->has_secret) {
        return medsec__fail(registry, MEDSEC_ERR_REVOKED, "the device is decommissioned already");
    }
    device->info.state = MEDSEC_DEVICE_DECOMMISSIONED;
    device->info.changed_ms = medsec__now_ms();
    device->has_secret = false;
    return MEDSEC_OK;
}

static medsec_status change(medsec_registry *registry, const char *id, const char *action,
                            medsec_status (*edit)(medsec_registry *, medsec__device *))
{
    medsec__device device = {0};
    medsec_status status = medsec__device_get(registry, id, &device);
    if (status == MEDSEC_OK) {
        status = edit(registry, &device);
    }
    if (status == MEDSEC_OK) {
        status = store(registry, MEDSEC__SQL_DEVICE_UPDATE, &device);
    }
    return status == MEDSEC_OK ? medsec__audit_append(registry, action, id, "", &device) : status;
}

medsec_status medsec_registry_revoke(medsec_registry *registry, const char *id)
{
    medsec_status status = medsec__change_begin(registry);
    if (status != MEDSEC_OK) {
        return status;
    }
    return medsec__change_end(registry, change(registry, id, "revoke", revoke));
}

medsec_status medsec_registry_decommission(medsec_registry *registry, const char *id)
{
    medsec_status status = medsec__change_begin(registry);
    if (status != MEDSEC_OK) {
        return status;
    }
    return medsec__change_end(registry, change(registry, id, "decommission", decommission));
}
