/* SPDX-License-Identifier: Apache-2.0 */
#include "store.h"

#include "../core/credential_check.h"
#include "sample_key.h"

#include <stdio.h>
#include <string.h>

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

static medsec_status check_new(medsec_registry *registry, const medsec_credential *credential,
                               unsigned flags)
{
    medsec_status status = medsec__credential_check(credential);
    if (status != MEDSEC_OK) {
        return medsec__fail(registry, status, "%s",
                            status == MEDSEC_ERR_DEVICE_ID ? medsec_strerror(status)
                                                           : "keys, wire or profile are not valid");
    }
    if (credential->wire == MEDSEC_WIRE_SEED && (flags & MEDSEC_ADD_ALLOW_SAMPLE_KEY) == 0 &&
        medsec__key_is_sample(credential->key)) {
        return medsec__fail(registry, MEDSEC_ERR_SAMPLE_KEY, "%s",
                            medsec_strerror(MEDSEC_ERR_SAMPLE_KEY));
    }
    return MEDSEC_OK;
}

medsec_status medsec__device_check_key(medsec_registry *registry, const char *id,
                                       const uint8_t fingerprint[MEDSEC__HASH_LEN])
{
    sqlite3_stmt *statement = medsec__statement(registry, MEDSEC__SQL_FINGERPRINT_FIND);
    if (statement == NULL) {
        return MEDSEC_ERR_CORRUPT;
    }
    medsec__bind_blob(statement, 1, fingerprint, MEDSEC__HASH_LEN);
    medsec__bind_text(statement, 2, id);
    medsec_status status = medsec__row(registry, statement);
    medsec__done(statement);
    if (status == MEDSEC_OK) {
        return medsec__fail(registry, MEDSEC_ERR_EXISTS, "another device has that key");
    }
    return status == MEDSEC_ERR_NOT_FOUND ? MEDSEC_OK : status;
}

static medsec_status check_unique(medsec_registry *registry, const medsec__device *device)
{
    medsec__device other;
    medsec_status status = medsec__device_get(registry, device->info.id, &other);
    if (status == MEDSEC_OK) {
        return medsec__fail(registry, MEDSEC_ERR_EXISTS, "that id is taken");
    }
    return status == MEDSEC_ERR_NOT_FOUND
               ? medsec__device_check_key(registry, device->info.id, device->fingerprint)
               : status;
}

static void make_secret(uint8_t secret[MEDSEC__SECRET_MAX], const medsec_credential *credential)
{
    if (credential->wire == MEDSEC_WIRE_MEDSEC1) {
        medsec__secret_pack(secret, credential);
        return;
    }
    memcpy(secret, credential->key, sizeof credential->key);
    memcpy(secret + sizeof credential->key, credential->iv, sizeof credential->iv);
}

static void fill(medsec__device *device, const medsec_credential *credential,
                 const medsec__keys *keys)
{
    uint8_t secret[MEDSEC__SECRET_MAX];
    medsec_device_info *info = &device->info;
    memcpy(info->id, credential->device, sizeof info->id);
    memcpy(info->profile, credential->profile, sizeof info->profile);
    info->wire = credential->wire;
    info->suite = credential->suite;
    info->created_ms = medsec__now_ms();
    info->changed_ms = info->created_ms;
    device->has_secret = true;
    make_secret(secret, credential);
    medsec__device_seal(device, keys, secret);
    sodium_memzero(secret, sizeof secret);
}

/* What the log says of a new device: "seed pico-vitals", "medsec/1 ChaChaPoly pico-vitals". */
static void describe(char detail[MEDSEC__DETAIL_MAX], const medsec_device_info *info)
{
    bool suite = info->suite != MEDSEC_SUITE_NONE;
    snprintf(detail, MEDSEC__DETAIL_MAX, "%s %s%s%s", medsec_wire_name((medsec_wire)info->wire),
             suite ? medsec_suite_name((medsec_suite)info->suite) : "", suite ? " " : "",
             info->profile);
}

static medsec_status log_device(medsec_registry *registry, const char *action, const char *detail,
                                const medsec__device *device)
{
    uint8_t digest[MEDSEC__HASH_LEN];
    medsec__device_digest(digest, registry->keys, device);
    return medsec__audit_append(registry, action, device->info.id, detail, digest);
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
        status = medsec__device_store(registry, MEDSEC__SQL_DEVICE_ADD, &device);
    }
    if (status != MEDSEC_OK) {
        return status;
    }
    char detail[MEDSEC__DETAIL_MAX];
    describe(detail, &device.info);
    return log_device(registry, action, detail, &device);
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

static medsec_status fill_credential(medsec_registry *registry, const medsec_device_info *info,
                                     const uint8_t *secret, medsec_credential *credential)
{
    memcpy(credential->device, info->id, sizeof credential->device);
    memcpy(credential->profile, info->profile, sizeof credential->profile);
    credential->wire = info->wire;
    credential->suite = info->suite;
    if (info->wire == MEDSEC_WIRE_SEED) {
        memcpy(credential->key, secret, sizeof credential->key);
        memcpy(credential->iv, secret + sizeof credential->key, sizeof credential->iv);
        return MEDSEC_OK;
    }
    medsec__secret_unpack(credential, secret);
    return medsec__gateway_public(registry, credential->gateway_public);
}

static size_t credential_count(const medsec_device_info *info)
{
    return info->rotating ? 2 : 1;
}

/* All that there are of a device, into zeroed memory. */
static medsec_status open_credentials(medsec_registry *registry, const medsec__device *device,
                                      medsec_credential credentials[2])
{
    uint8_t secret[MEDSEC__SECRET_MAX];
    if (!device->has_secret) {
        return medsec__fail(registry, MEDSEC_ERR_REVOKED, "the device's secret was destroyed");
    }
    if (medsec__device_unseal(secret, registry->keys, device) != MEDSEC_OK) {
        return medsec__fail(registry, MEDSEC_ERR_CORRUPT, "the row of %s was altered",
                            device->info.id);
    }
    medsec_status status = MEDSEC_OK;
    for (size_t i = 0; status == MEDSEC_OK && i < credential_count(&device->info); i++) {
        status = fill_credential(registry, &device->info, secret + i * MEDSEC__MEDSEC1_SECRET_LEN,
                                 &credentials[i]);
    }
    sodium_memzero(secret, sizeof secret);
    if (status != MEDSEC_OK) {
        sodium_memzero(credentials, 2 * sizeof *credentials);
    }
    return status;
}

medsec_status medsec_registry_get_credentials(medsec_registry *registry, const char *id,
                                              medsec_credential credentials[2], size_t *count)
{
    medsec__device device = {0};
    medsec_status status = medsec__ready(registry);
    if (status != MEDSEC_OK || credentials == NULL || count == NULL) {
        return status == MEDSEC_OK ? MEDSEC_ERR_ARGUMENT : status;
    }
    sodium_memzero(credentials, 2 * sizeof *credentials);
    status = medsec__device_get(registry, id, &device);
    if (status == MEDSEC_OK) {
        status = open_credentials(registry, &device, credentials);
    }
    if (status == MEDSEC_OK) {
        *count = credential_count(&device.info);
    }
    return status;
}

medsec_status medsec_registry_get_credential(medsec_registry *registry, const char *id,
                                             medsec_credential *credential)
{
    medsec_credential credentials[2];
    size_t count = 0;
    if (credential == NULL) {
        return MEDSEC_ERR_ARGUMENT;
    }
    medsec_credential_wipe(credential);
    medsec_status status = medsec_registry_get_credentials(registry, id, credentials, &count);
    if (status == MEDSEC_OK) {
        *credential = credentials[count - 1];
        sodium_memzero(credentials, sizeof credentials);
    }
    return status;
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

static medsec_status revoke(medsec_registry *registry, medsec__device *device, const void *context,
                            char detail[MEDSEC__DETAIL_MAX])
{
    (void)context;
    (void)detail;
    uint8_t secret[MEDSEC__SECRET_MAX];
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
    medsec__device_seal(device, registry->keys, secret);
    sodium_memzero(secret, sizeof secret);
    return MEDSEC_OK;
}

static medsec_status decommission(medsec_registry *registry, medsec__device *device,
                                  const void *context, char detail[MEDSEC__DETAIL_MAX])
{
    (void)context;
    (void)detail;
    if (!device->has_secret) {
        return medsec__fail(registry, MEDSEC_ERR_REVOKED, "the device is decommissioned already");
    }
    device->info.state = MEDSEC_DEVICE_DECOMMISSIONED;
    device->info.changed_ms = medsec__now_ms();
    device->info.rotating = false;
    device->info.pending_generation = 0;
    device->has_secret = false;
    return MEDSEC_OK;
}

static medsec_status change(medsec_registry *registry, const char *id, const char *action,
                            medsec__edit *edit, const void *context)
{
    medsec__device device = {0};
    char detail[MEDSEC__DETAIL_MAX] = "";
    medsec_status status = medsec__device_get(registry, id, &device);
    if (status == MEDSEC_OK) {
        status = edit(registry, &device, context, detail);
    }
    if (status == MEDSEC_OK) {
        status = medsec__device_store(registry, MEDSEC__SQL_DEVICE_UPDATE, &device);
    }
    return status == MEDSEC_OK ? log_device(registry, action, detail, &device) : status;
}

medsec_status medsec__device_change(medsec_registry *registry, const char *id, const char *action,
                                    medsec__edit *edit, const void *context)
{
    medsec_status status = medsec__change_begin(registry);
    if (status != MEDSEC_OK) {
        return status;
    }
    return medsec__change_end(registry, change(registry, id, action, edit, context));
}

medsec_status medsec_registry_revoke(medsec_registry *registry, const char *id)
{
    return medsec__device_change(registry, id, "revoke", revoke, NULL);
}

medsec_status medsec_registry_decommission(medsec_registry *registry, const char *id)
{
    return medsec__device_change(registry, id, "decommission", decommission, NULL);
}
