/* SPDX-License-Identifier: Apache-2.0 */
#include "audit.h"

#include <string.h>

/*
 * The log says what every device's row must be. It is replayed into a table of this connection's
 * own memory: indexes of the file are the attacker's.
 */
static const char prepare[] =
    "CREATE TEMP TABLE IF NOT EXISTS last(device TEXT PRIMARY KEY, digest BLOB) WITHOUT ROWID;"
    "DELETE FROM temp.last;";
static const char remember[] = "INSERT INTO temp.last VALUES(?1, ?2)"
                               " ON CONFLICT(device) DO UPDATE SET digest=?2";
static const char recall[] = "SELECT digest FROM temp.last WHERE device=?1";
static const char forget[] = "DELETE FROM temp.last WHERE device=?1";
static const char left_over[] = "SELECT device FROM temp.last LIMIT 1";

typedef struct replay {
    medsec_registry *registry;
    sqlite3_stmt *remember;
    sqlite3_stmt *recall;
    sqlite3_stmt *forget;
    sqlite3_stmt *left_over;
    medsec__head head; /* as far as the log has been walked */
} replay;

static medsec_status open_replay(replay *play)
{
    sqlite3 *db = play->registry->db;
    if (sqlite3_exec(db, "PRAGMA query_only=OFF", NULL, NULL, NULL) != SQLITE_OK ||
        sqlite3_exec(db, prepare, NULL, NULL, NULL) != SQLITE_OK ||
        sqlite3_prepare_v2(db, remember, -1, &play->remember, NULL) != SQLITE_OK ||
        sqlite3_prepare_v2(db, recall, -1, &play->recall, NULL) != SQLITE_OK ||
        sqlite3_prepare_v2(db, forget, -1, &play->forget, NULL) != SQLITE_OK ||
        sqlite3_prepare_v2(db, left_over, -1, &play->left_over, NULL) != SQLITE_OK) {
        return medsec__fail_sqlite(play->registry, SQLITE_ERROR);
    }
    return MEDSEC_OK;
}

static void close_replay(replay *play)
{
    sqlite3_finalize(play->remember);
    sqlite3_finalize(play->recall);
    sqlite3_finalize(play->forget);
    sqlite3_finalize(play->left_over);
    sqlite3_exec(play->registry->db, "DROP TABLE IF EXISTS temp.last", NULL, NULL, NULL);
    if (play->registry->mode == MEDSEC_REGISTRY_READ) {
        sqlite3_exec(play->registry->db, "PRAGMA query_only=ON", NULL, NULL, NULL);
    }
}

static medsec_status bad_log_row(replay *play)
{
    return medsec__fail(play->registry, MEDSEC_ERR_CORRUPT,
                        "row %llu of the audit log is not as it was written",
                        (unsigned long long)play->head.rows + 1);
}

static medsec_status walk_row(replay *play, sqlite3_stmt *statement)
{
    medsec__audit_entry entry;
    uint8_t hash[MEDSEC__HASH_LEN];
    if (medsec__audit_read(&entry, statement) != MEDSEC_OK || entry.number != play->head.rows + 1) {
        return bad_log_row(play);
    }
    medsec__audit_hash(hash, play->registry->keys, play->head.hash, &entry);
    if (sodium_memcmp(hash, entry.hash, sizeof hash) != 0) {
        return bad_log_row(play);
    }
    play->head.rows = entry.number;
    memcpy(play->head.hash, hash, sizeof hash);
    if (!entry.has_digest) {
        return MEDSEC_OK;
    }
    medsec__bind_text(play->remember, 1, entry.device);
    medsec__bind_blob(play->remember, 2, entry.digest, sizeof entry.digest);
    return medsec__run(play->registry, play->remember);
}

static medsec_status walk_log(replay *play)
{
    medsec_registry *registry = play->registry;
    sqlite3_stmt *statement = medsec__statement(registry, MEDSEC__SQL_AUDIT_LIST);
    if (statement == NULL) {
        return MEDSEC_ERR_CORRUPT;
    }
    medsec_status status;
    while ((status = medsec__row(registry, statement)) == MEDSEC_OK) {
        status = walk_row(play, statement);
        if (status != MEDSEC_OK) {
            break;
        }
    }
    medsec__done(statement);
    if (status != MEDSEC_ERR_NOT_FOUND) {
        return status;
    }
    if (!registry->batch) {
        status = medsec__head_load(registry);
        if (status != MEDSEC_OK && status != MEDSEC_ERR_NOT_FOUND) {
            return status;
        }
    }
    if (play->head.rows != registry->head.rows ||
        sodium_memcmp(play->head.hash, registry->head.hash, sizeof play->head.hash) != 0) {
        return medsec__fail(registry, MEDSEC_ERR_CORRUPT,
                            "the audit log was cut: it ends at row %llu instead of %llu",
                            (unsigned long long)play->head.rows,
                            (unsigned long long)registry->head.rows);
    }
    return MEDSEC_OK;
}

/* Compares with the last the log has of `name`, and forgets that. ERR_NOT_FOUND: it has nothing. */
static medsec_status compare_digest(replay *play, const char *name,
                                    const uint8_t digest[MEDSEC__HASH_LEN])
{
    uint8_t logged[MEDSEC__HASH_LEN];
    medsec__bind_text(play->recall, 1, name);
    medsec_status status = medsec__row(play->registry, play->recall);
    if (status == MEDSEC_OK) {
        status = medsec__column_blob(logged, sizeof logged, play->recall, 0);
    }
    medsec__done(play->recall);
    if (status != MEDSEC_OK) {
        return status;
    }
    if (digest == NULL || sodium_memcmp(digest, logged, sizeof logged) != 0) {
        return MEDSEC_ERR_CORRUPT;
    }
    medsec__bind_text(play->forget, 1, name);
    return medsec__run(play->registry, play->forget);
}

static medsec_status compare_row(replay *play, sqlite3_stmt *statement)
{
    medsec_registry *registry = play->registry;
    medsec__device device;
    uint8_t now[MEDSEC__HASH_LEN];
    if (medsec__device_read(&device, statement) != MEDSEC_OK) {
        return medsec__fail(registry, MEDSEC_ERR_CORRUPT, "the row of a device was altered");
    }
    medsec__device_digest(now, registry->keys, &device);
    if (compare_digest(play, device.info.id, now) != MEDSEC_OK) {
        return medsec__fail(registry, MEDSEC_ERR_CORRUPT, "device %s is not as the log has it",
                            device.info.id);
    }
    return MEDSEC_OK;
}

static medsec_status compare_devices(replay *play)
{
    medsec_registry *registry = play->registry;
    sqlite3_stmt *statement = medsec__statement(registry, MEDSEC__SQL_DEVICE_LIST);
    if (statement == NULL) {
        return MEDSEC_ERR_CORRUPT;
    }
    medsec_status status;
    while ((status = medsec__row(registry, statement)) == MEDSEC_OK) {
        status = compare_row(play, statement);
        if (status != MEDSEC_OK) {
            break;
        }
    }
    medsec__done(statement);
    if (status != MEDSEC_ERR_NOT_FOUND) {
        return status;
    }
    status = medsec__row(registry, play->left_over);
    if (status == MEDSEC_OK) {
        status = medsec__fail(registry, MEDSEC_ERR_CORRUPT, "device %s is gone from the registry",
                              (const char *)sqlite3_column_text(play->left_over, 0));
    }
    sqlite3_reset(play->left_over);
    return status == MEDSEC_ERR_NOT_FOUND ? MEDSEC_OK : status;
}

/* Nothing has to be there in a log that never named it: an older registry has none. */
static medsec_status compare_gateway(replay *play)
{
    medsec_registry *registry = play->registry;
    uint8_t now[MEDSEC__HASH_LEN];
    medsec_status found = medsec__gateway_digest(registry, now);
    medsec_status status = compare_digest(play, "", found == MEDSEC_OK ? now : NULL);
    bool none = status == MEDSEC_ERR_NOT_FOUND && found == MEDSEC_ERR_NOT_FOUND;
    if (status == MEDSEC_OK || none) {
        return MEDSEC_OK;
    }
    return medsec__fail(registry, MEDSEC_ERR_CORRUPT, "the gateway key is not as the log has it");
}

static medsec_status check_integrity(medsec_registry *registry)
{
    sqlite3_stmt *statement = NULL;
    int result =
        sqlite3_prepare_v2(registry->db, "PRAGMA main.integrity_check(1)", -1, &statement, NULL);
    if (result != SQLITE_OK) {
        return medsec__fail_sqlite(registry, result);
    }
    medsec_status status = medsec__row(registry, statement);
    const char *said = status == MEDSEC_OK ? (const char *)sqlite3_column_text(statement, 0) : "ok";
    if (said == NULL || strcmp(said, "ok") != 0) {
        status = medsec__fail(registry, MEDSEC_ERR_CORRUPT, "the file is damaged");
    }
    sqlite3_finalize(statement);
    return status;
}

static medsec_status verify(replay *play)
{
    medsec_status status = check_integrity(play->registry);
    if (status == MEDSEC_OK) {
        status = open_replay(play);
    }
    if (status == MEDSEC_OK) {
        status = walk_log(play);
    }
    if (status == MEDSEC_OK) {
        status = compare_gateway(play);
    }
    return status == MEDSEC_OK ? compare_devices(play) : status;
}

medsec_status medsec_registry_verify(medsec_registry *registry, uint64_t *rows)
{
    replay play = {.registry = registry};
    if (registry == NULL || rows == NULL) {
        return MEDSEC_ERR_ARGUMENT;
    }
    medsec_status status = medsec__look_begin(registry);
    if (status != MEDSEC_OK) {
        return status;
    }
    status = verify(&play);
    close_replay(&play);
    medsec__look_end(registry);
    *rows = play.head.rows;
    return status;
}
