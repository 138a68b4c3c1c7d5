/* SPDX-License-Identifier: Apache-2.0 */
#include "../core/credential_check.h"
#include "store.h"

#include <stdio.h>
#include <string.h>

void medsec__secret_pack(uint8_t *secret, const medsec_credential *credential)
{
    memcpy(secret, credential->device_public, MEDSEC_X25519_LEN);
    memcpy(secret + MEDSEC_X25519_LEN, credential->psk, MEDSEC_PSK_LEN);
}

void medsec__secret_unpack(medsec_credential *credential, const uint8_t *secret)
{
    memcpy(credential->device_public, secret, MEDSEC_X25519_LEN);
    memcpy(credential->psk, secret + MEDSEC_X25519_LEN, MEDSEC_PSK_LEN);
}

static medsec_status check_device(medsec_registry *registry, const medsec_device_info *info)
{
    if (info->wire != MEDSEC_WIRE_MEDSEC1) {
        return medsec__fail(registry, MEDSEC_ERR_STATE, "a seed device has nothing to rotate");
    }
    if (info->state != MEDSEC_DEVICE_ACTIVE) {
        return medsec__fail(registry, MEDSEC_ERR_REVOKED, "%s",
                            medsec_strerror(MEDSEC_ERR_REVOKED));
    }
    return MEDSEC_OK;
}

static medsec_status unseal(medsec_registry *registry, const medsec__device *device,
                            uint8_t secret[MEDSEC__SECRET_MAX])
{
    return medsec__device_unseal(secret, registry->keys, device) == MEDSEC_OK
               ? MEDSEC_OK
               : medsec__fail(registry, MEDSEC_ERR_CORRUPT, "the row of %s was altered",
                              device->info.id);
}

static void seal(medsec_registry *registry, medsec__device *device, const uint8_t *secret,
                 char detail[MEDSEC__DETAIL_MAX])
{
    const medsec_device_info *info = &device->info;
    device->info.changed_ms = medsec__now_ms();
    medsec__device_seal(device, registry->keys, secret);
    snprintf(detail, MEDSEC__DETAIL_MAX, "generation %lu",
             (unsigned long)(info->rotating ? info->pending_generation : info->generation));
}

static medsec_status rotate(medsec_registry *registry, medsec__device *device, const void *context,
                            char detail[MEDSEC__DETAIL_MAX])
{
    const medsec_credential *next = context;
    medsec_device_info *info = &device->info;
    uint8_t secret[MEDSEC__SECRET_MAX];
    medsec_status status = check_device(registry, info);
    if (status != MEDSEC_OK) {
        return status;
    }
    if (next->suite != info->suite || strcmp(next->profile, info->profile) != 0) {
        return medsec__fail(registry, MEDSEC_ERR_ARGUMENT, "a rotation keeps suite and profile");
    }
    status = unseal(registry, device, secret);
    if (status != MEDSEC_OK) {
        return status;
    }
    /* One that is replaced is counted too: a gateway may be about to promote it by its number. */
    info->pending_generation = (info->rotating ? info->pending_generation : info->generation) + 1;
    info->rotating = true;
    medsec__secret_pack(secret + MEDSEC__MEDSEC1_SECRET_LEN, next);
    seal(registry, device, secret, detail);
    sodium_memzero(secret, sizeof secret);
    return medsec__device_check_key(registry, info->id, device->pending);
}

static medsec_status promote(medsec_registry *registry, medsec__device *device, const void *context,
                             char detail[MEDSEC__DETAIL_MAX])
{
    const uint32_t *generation = context;
    medsec_device_info *info = &device->info;
    uint8_t secret[MEDSEC__SECRET_MAX];
    medsec_status status = check_device(registry, info);
    if (status != MEDSEC_OK) {
        return status;
    }
    if (!info->rotating || info->pending_generation != *generation) {
        return medsec__fail(registry, MEDSEC_ERR_STATE, "no such generation is pending");
    }
    status = unseal(registry, device, secret);
    if (status != MEDSEC_OK) {
        return status;
    }
    info->generation = info->pending_generation;
    info->pending_generation = 0;
    info->rotating = false;
    seal(registry, device, secret + MEDSEC__MEDSEC1_SECRET_LEN, detail);
    sodium_memzero(secret, sizeof secret);
    return MEDSEC_OK;
}

medsec_status medsec_registry_rotate(medsec_registry *registry, const medsec_credential *credential)
{
    if (registry == NULL || credential == NULL) {
        return MEDSEC_ERR_ARGUMENT;
    }
    medsec_status status = medsec__credential_check(credential);
    if (status == MEDSEC_OK && credential->wire != MEDSEC_WIRE_MEDSEC1) {
        status = MEDSEC_ERR_ARGUMENT;
    }
    if (status != MEDSEC_OK) {
        return medsec__fail(registry, status, "no credential of medsec/1");
    }
    return medsec__device_change(registry, credential->device, "rotate", rotate, credential);
}

static void set_patience(medsec_registry *registry, uint32_t ms)
{
    if (registry->db != NULL) {
        sqlite3_busy_timeout(registry->db, (int)ms);
    }
}

medsec_status medsec_registry_promote(medsec_registry *registry, const char *id,
                                      uint32_t generation)
{
    medsec_status status = medsec__ready(registry);
    if (status != MEDSEC_OK) {
        return status;
    }
    set_patience(registry, MEDSEC_REGISTRY_PROMOTE_BUSY_MS);
    status = medsec__device_change(registry, id, "promote", promote, &generation);
    set_patience(registry, MEDSEC_REGISTRY_BUSY_MS);
    return status;
}
