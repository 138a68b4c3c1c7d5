/* SPDX-License-Identifier: Apache-2.0 */
#include "store.h"

#include <string.h>

/* The order of the table's columns; the last four came with format 2. */
enum {
    ID,
    WIRE,
    PROFILE,
    STATE,
    CREATED,
    CHANGED,
    FINGERPRINT,
    SEALED,
    SUITE,
    GENERATION,
    NEXT,
    PENDING,
    COLUMNS,
    COLUMNS_BEFORE = SUITE
};

static bool is_medsec1(const medsec_device_info *info)
{
    return info->wire == MEDSEC_WIRE_MEDSEC1;
}

size_t medsec__secret_len(const medsec_device_info *info)
{
    if (!is_medsec1(info)) {
        return MEDSEC__SEED_SECRET_LEN;
    }
    return info->rotating ? 2 * MEDSEC__MEDSEC1_SECRET_LEN : MEDSEC__MEDSEC1_SECRET_LEN;
}

static size_t sealed_len(const medsec_device_info *info)
{
    return medsec__secret_len(info) + MEDSEC__SEAL_EXTRA;
}

/* Rows of the seed wire hash as they did before there was another. */
static void begin_row(medsec__hash *hash, const medsec__keys *keys, const medsec_device_info *info)
{
    medsec__hash_begin(hash, keys->row);
    medsec__hash_text(hash, info->id);
    medsec__hash_text(hash, medsec_wire_name((medsec_wire)info->wire));
    medsec__hash_text(hash, info->profile);
    medsec__hash_number(hash, info->state);
    medsec__hash_number(hash, info->created_ms);
    medsec__hash_number(hash, info->changed_ms);
    if (is_medsec1(info)) {
        medsec__hash_number(hash, info->suite);
        medsec__hash_number(hash, info->generation);
        medsec__hash_number(hash, info->pending_generation);
    }
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
    const medsec_device_info *info = &device->info;
    begin_row(&hash, keys, info);
    medsec__hash_bytes(&hash, device->fingerprint, device->has_secret ? MEDSEC__HASH_LEN : 0);
    medsec__hash_bytes(&hash, device->sealed, device->has_secret ? sealed_len(info) : 0);
    if (is_medsec1(info)) {
        medsec__hash_bytes(&hash, device->pending, info->rotating ? MEDSEC__HASH_LEN : 0);
    }
    medsec__hash_end(&hash, digest);
}

static void make_fingerprint(uint8_t out[MEDSEC__HASH_LEN], const medsec__keys *keys,
                             const uint8_t *key, size_t len)
{
    medsec__hash hash;
    medsec__hash_begin(&hash, keys->fingerprint);
    medsec__hash_bytes(&hash, key, len);
    medsec__hash_end(&hash, out);
}

void medsec__device_seal(medsec__device *device, const medsec__keys *keys, const uint8_t *secret)
{
    const medsec_device_info *info = &device->info;
    uint8_t bound[MEDSEC__HASH_LEN];
    /* Either wire's secret begins with the key that is found by its fingerprint. */
    make_fingerprint(device->fingerprint, keys, secret,
                     is_medsec1(info) ? MEDSEC_X25519_LEN : MEDSEC_AES128_KEY_LEN);
    if (info->rotating) {
        make_fingerprint(device->pending, keys, secret + MEDSEC__MEDSEC1_SECRET_LEN,
                         MEDSEC_X25519_LEN);
    }
    bind_row(bound, keys, info);
    medsec__seal(device->sealed, keys, secret, medsec__secret_len(info), bound);
}

medsec_status medsec__device_unseal(uint8_t *secret, const medsec__keys *keys,
                                    const medsec__device *device)
{
    uint8_t bound[MEDSEC__HASH_LEN];
    bind_row(bound, keys, &device->info);
    medsec_status status = medsec__unseal(secret, medsec__secret_len(&device->info), keys,
                                          device->sealed, sealed_len(&device->info), bound);
    return status == MEDSEC_OK ? MEDSEC_OK : MEDSEC_ERR_CORRUPT;
}

static bool is_null(sqlite3_stmt *statement, int column)
{
    return sqlite3_column_type(statement, column) == SQLITE_NULL;
}

static medsec_status read_secret(medsec__device *device, sqlite3_stmt *statement)
{
    device->has_secret = device->info.state != MEDSEC_DEVICE_DECOMMISSIONED;
    if (!device->has_secret) {
        bool empty =
            is_null(statement, FINGERPRINT) && is_null(statement, SEALED) && !device->info.rotating;
        return empty ? MEDSEC_OK : MEDSEC_ERR_CORRUPT;
    }
    medsec_status status = medsec__column_blob(device->fingerprint, sizeof device->fingerprint,
                                               statement, FINGERPRINT);
    return status == MEDSEC_OK
               ? medsec__column_blob(device->sealed, sealed_len(&device->info), statement, SEALED)
               : status;
}

static bool read_u32(uint32_t *number, sqlite3_stmt *statement, int column)
{
    int64_t wide = sqlite3_column_int64(statement, column);
    *number = (uint32_t)wide;
    return wide >= 0 && wide <= UINT32_MAX;
}

/* What format 2 added; a seed row has nothing there. */
static medsec_status read_rotation(medsec__device *device, sqlite3_stmt *statement)
{
    medsec_device_info *info = &device->info;
    uint32_t suite;
    if (!read_u32(&suite, statement, SUITE) ||
        !read_u32(&info->generation, statement, GENERATION) ||
        !read_u32(&info->pending_generation, statement, NEXT)) {
        return MEDSEC_ERR_CORRUPT;
    }
    info->rotating = info->pending_generation != 0;
    if (!is_medsec1(info)) {
        bool empty = suite == 0 && info->generation == 0 && !info->rotating;
        return empty && is_null(statement, PENDING) ? MEDSEC_OK : MEDSEC_ERR_CORRUPT;
    }
    if (suite != MEDSEC_SUITE_A128CBC_HS256 && suite != MEDSEC_SUITE_CHACHAPOLY) {
        return MEDSEC_ERR_CORRUPT;
    }
    info->suite = (uint8_t)suite;
    if (!info->rotating) {
        return is_null(statement, PENDING) ? MEDSEC_OK : MEDSEC_ERR_CORRUPT;
    }
    return medsec__column_blob(device->pending, sizeof device->pending, statement, PENDING);
}

medsec_status medsec__device_read(medsec__device *device, sqlite3_stmt *statement)
{
    medsec_device_info *info = &device->info;
    char wire[16];
    medsec_wire number;
    *device = (medsec__device){0};
    int columns = sqlite3_column_count(statement);
    int state = sqlite3_column_int(statement, STATE);
    if ((columns != COLUMNS && columns != COLUMNS_BEFORE) ||
        medsec__column_text(info->id, sizeof info->id, statement, ID) != MEDSEC_OK ||
        medsec__column_text(wire, sizeof wire, statement, WIRE) != MEDSEC_OK ||
        medsec__column_text(info->profile, sizeof info->profile, statement, PROFILE) != MEDSEC_OK ||
        medsec_wire_parse(&number, wire) != MEDSEC_OK || state < MEDSEC_DEVICE_ACTIVE ||
        state > MEDSEC_DEVICE_DECOMMISSIONED) {
        return MEDSEC_ERR_CORRUPT;
    }
    info->wire = (uint8_t)number;
    info->state = (medsec_device_state)state;
    info->created_ms = (uint64_t)sqlite3_column_int64(statement, CREATED);
    info->changed_ms = (uint64_t)sqlite3_column_int64(statement, CHANGED);
    if (columns == COLUMNS_BEFORE && number != MEDSEC_WIRE_SEED) {
        return MEDSEC_ERR_CORRUPT;
    }
    medsec_status status = columns == COLUMNS ? read_rotation(device, statement) : MEDSEC_OK;
    return status == MEDSEC_OK ? read_secret(device, statement) : status;
}

/* Parameters are numbered as columns are, from 1. */
medsec_status medsec__device_store(medsec_registry *registry, medsec__sql sql,
                                   const medsec__device *device)
{
    const medsec_device_info *info = &device->info;
    sqlite3_stmt *statement = medsec__statement(registry, sql);
    if (statement == NULL) {
        return MEDSEC_ERR_CORRUPT;
    }
    medsec__bind_text(statement, ID + 1, info->id);
    medsec__bind_text(statement, WIRE + 1, medsec_wire_name((medsec_wire)info->wire));
    medsec__bind_text(statement, PROFILE + 1, info->profile);
    sqlite3_bind_int(statement, STATE + 1, (int)info->state);
    sqlite3_bind_int64(statement, CREATED + 1, (sqlite3_int64)info->created_ms);
    sqlite3_bind_int64(statement, CHANGED + 1, (sqlite3_int64)info->changed_ms);
    if (device->has_secret) {
        medsec__bind_blob(statement, FINGERPRINT + 1, device->fingerprint, MEDSEC__HASH_LEN);
        medsec__bind_blob(statement, SEALED + 1, device->sealed, sealed_len(info));
    }
    sqlite3_bind_int(statement, SUITE + 1, info->suite);
    sqlite3_bind_int64(statement, GENERATION + 1, info->generation);
    sqlite3_bind_int64(statement, NEXT + 1, info->pending_generation);
    if (info->rotating) {
        medsec__bind_blob(statement, PENDING + 1, device->pending, MEDSEC__HASH_LEN);
    }
    return medsec__run(registry, statement);
}
