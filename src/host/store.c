/* SPDX-License-Identifier: Apache-2.0 */
#include "store.h"

#include "vfs.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>

#define APPLICATION_ID 1835299698 /* "mdsr": what `file` and we know a registry by */
#define TEXT_OF(number) #number
#define TEXT(number) TEXT_OF(number)
#define FORMAT_FIRST 1 /* the seed wire alone */
#define FORMAT 2

/* clang-format off */
static const char schema[] =
    "PRAGMA application_id=" TEXT(APPLICATION_ID) ";"
    "CREATE TABLE meta(name TEXT PRIMARY KEY NOT NULL, value BLOB NOT NULL) STRICT, WITHOUT ROWID;"
    "CREATE TABLE device("
    " id TEXT PRIMARY KEY NOT NULL,"
    " wire TEXT NOT NULL,"
    " profile TEXT NOT NULL,"
    " state INTEGER NOT NULL CHECK(state BETWEEN 0 AND 2),"
    " created INTEGER NOT NULL,"
    " changed INTEGER NOT NULL,"
    " fingerprint BLOB UNIQUE,"
    " sealed BLOB,"
    " CHECK((state = 2) = (sealed IS NULL) AND (state = 2) = (fingerprint IS NULL))"
    ") STRICT, WITHOUT ROWID;"
    "CREATE TABLE audit("
    " number INTEGER PRIMARY KEY,"
    " time INTEGER NOT NULL,"
    " actor TEXT NOT NULL,"
    " action TEXT NOT NULL,"
    " device TEXT NOT NULL,"
    " detail TEXT NOT NULL,"
    " digest BLOB,"
    " hash BLOB NOT NULL"
    ") STRICT;";
/* clang-format on */

/* What makes a registry of format 1 one of format 2. */
static const char format_2[] =
    "ALTER TABLE device ADD COLUMN suite INTEGER NOT NULL DEFAULT 0;"
    "ALTER TABLE device ADD COLUMN generation INTEGER NOT NULL DEFAULT 0;"
    "ALTER TABLE device ADD COLUMN next INTEGER NOT NULL DEFAULT 0;"
    "ALTER TABLE device ADD COLUMN pending BLOB;"
    "CREATE UNIQUE INDEX device_pending ON device(pending);"
    "PRAGMA user_version=" TEXT(FORMAT) ";";

/*
 * A rollback journal, not a write-ahead log: readers then need no write access to the folder, the
 * registry is one file at rest, and nothing of an old page stays behind in a log.
 */
static const char settings[] = "PRAGMA journal_mode=DELETE;"
                               "PRAGMA synchronous=EXTRA;"
                               "PRAGMA secure_delete=ON;"
                               "PRAGMA foreign_keys=ON;"
                               "PRAGMA trusted_schema=OFF;"
                               "PRAGMA cell_size_check=ON;"
                               "PRAGMA temp_store=MEMORY;";

_Static_assert(MEDSEC__SEAL_EXTRA == 40, "SECRETS_LEN counts without it");

static const char *const texts[MEDSEC__SQL_COUNT] = {
    [MEDSEC__SQL_BEGIN_READ] = "BEGIN",
    [MEDSEC__SQL_BEGIN_WRITE] = "BEGIN IMMEDIATE",
    [MEDSEC__SQL_COMMIT] = "COMMIT",
    [MEDSEC__SQL_ROLLBACK] = "ROLLBACK",
    [MEDSEC__SQL_DATA_VERSION] = "PRAGMA data_version",
    [MEDSEC__SQL_META_GET] = "SELECT value FROM meta WHERE name=?1",
    [MEDSEC__SQL_META_SET] = "INSERT INTO meta(name, value) VALUES(?1, ?2)"
                             " ON CONFLICT(name) DO UPDATE SET value=?2",
    [MEDSEC__SQL_DEVICE_ADD] =
        "INSERT INTO device VALUES(?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12)",
    [MEDSEC__SQL_DEVICE_UPDATE] =
        "UPDATE device SET wire=?2, profile=?3, state=?4, created=?5, changed=?6, fingerprint=?7,"
        " sealed=?8, suite=?9, generation=?10, next=?11, pending=?12 WHERE id=?1",
    /* All columns, in either format: an older file that is read stays as it is. */
    [MEDSEC__SQL_DEVICE_GET] = "SELECT * FROM device WHERE id=?1",
    [MEDSEC__SQL_DEVICE_LIST] = "SELECT * FROM device ORDER BY id",
    [MEDSEC__SQL_DEVICE_COUNT] = "SELECT count(*) FROM device",
    [MEDSEC__SQL_SECRETS_LEN] = "SELECT coalesce(sum(max(length(sealed) - 40, 0)), 0) FROM device",
    [MEDSEC__SQL_FINGERPRINT_FIND] =
        "SELECT id FROM device WHERE (fingerprint=?1 OR pending=?1) AND id<>?2",
    [MEDSEC__SQL_AUDIT_ADD] =
        "INSERT INTO audit(number, time, actor, action, device, detail, digest, hash)"
        " VALUES(?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)",
    [MEDSEC__SQL_AUDIT_LIST] = "SELECT number, time, actor, action, device, detail, digest, hash"
                               " FROM audit ORDER BY number",
    [MEDSEC__SQL_AUDIT_LAST] = "SELECT coalesce(max(number), 0) FROM audit",
    [MEDSEC__SQL_AUDIT_HASH] = "SELECT hash FROM audit WHERE number=?1",
};

medsec_status medsec__fail(medsec_registry *registry, medsec_status status, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(registry->error, sizeof registry->error, format, arguments);
    va_end(arguments);
    return status;
}

medsec_status medsec__sqlite_status(int result)
{
    switch (result & 0xff) {
    case SQLITE_BUSY:
    case SQLITE_LOCKED:
        return MEDSEC_ERR_BUSY;
    case SQLITE_NOMEM:
        return MEDSEC_ERR_MEMORY;
    case SQLITE_CORRUPT:
    case SQLITE_NOTADB:
    case SQLITE_SCHEMA:
    case SQLITE_ERROR:
        return MEDSEC_ERR_CORRUPT;
    case SQLITE_PERM:
    case SQLITE_READONLY:
        return MEDSEC_ERR_PERMISSION;
    default:
        return MEDSEC_ERR_IO;
    }
}

medsec_status medsec__fail_sqlite(medsec_registry *registry, int result)
{
    if (registry->db != NULL) {
        result = sqlite3_extended_errcode(registry->db);
    }
    return medsec__fail(registry, medsec__sqlite_status(result),
                        "the registry file: %s (SQLite %d)", sqlite3_errstr(result), result);
}

static medsec_status run_text(medsec_registry *registry, const char *sql)
{
    int result = sqlite3_exec(registry->db, sql, NULL, NULL, NULL);
    return result == SQLITE_OK ? MEDSEC_OK : medsec__fail_sqlite(registry, result);
}

static medsec_status read_number(medsec_registry *registry, const char *sql, int64_t *value)
{
    sqlite3_stmt *statement = NULL;
    int result = sqlite3_prepare_v2(registry->db, sql, -1, &statement, NULL);
    if (result != SQLITE_OK) {
        return medsec__fail_sqlite(registry, result);
    }
    medsec_status status = medsec__row(registry, statement);
    if (status == MEDSEC_OK) {
        *value = sqlite3_column_int64(statement, 0);
    }
    sqlite3_finalize(statement);
    return status;
}

medsec_status medsec__store_check(medsec_registry *registry)
{
    int64_t id = 0;
    int64_t format = 0;
    medsec_status status = read_number(registry, "PRAGMA application_id", &id);
    if (status == MEDSEC_OK) {
        status = read_number(registry, "PRAGMA user_version", &format);
    }
    if (status != MEDSEC_OK) {
        return status;
    }
    if (id != APPLICATION_ID) {
        return medsec__fail(registry, MEDSEC_ERR_CORRUPT, "the file is no medsec registry");
    }
    if (format < FORMAT_FIRST || format > FORMAT) {
        return medsec__fail(registry, MEDSEC_ERR_CORRUPT,
                            "the registry has format %lld; this version reads formats %d to %d",
                            (long long)format, FORMAT_FIRST, FORMAT);
    }
    registry->old = format < FORMAT;
    /* A trigger or a view in the file would be somebody else's code in our statements. */
    int64_t foreign = 0;
    status = read_number(registry,
                         "SELECT count(*) FROM sqlite_schema WHERE type NOT IN ('table', 'index')",
                         &foreign);
    if (status == MEDSEC_OK && foreign != 0) {
        status = medsec__fail(registry, MEDSEC_ERR_CORRUPT, "the registry file was altered");
    }
    return status;
}

static medsec_status connect(medsec_registry *registry)
{
    /* A reader also asks for write access: it may have to undo what a crash left half done. */
    int result = sqlite3_open_v2(
        registry->path, &registry->db,
        SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_EXRESCODE, medsec__vfs());
    if (result != SQLITE_OK) {
        return medsec__fail_sqlite(registry, result);
    }
    sqlite3_busy_timeout(registry->db, (int)MEDSEC_REGISTRY_BUSY_MS);
    sqlite3_db_config(registry->db, SQLITE_DBCONFIG_DEFENSIVE, 1, NULL);
    return run_text(registry, settings);
}

static medsec_status check_file(medsec_registry *registry)
{
    struct stat info;
    if (stat(registry->path, &info) != 0) {
        return medsec__fail(registry, MEDSEC_ERR_NOT_FOUND, "there is no registry file");
    }
    if (!S_ISREG(info.st_mode)) {
        return medsec__fail(registry, MEDSEC_ERR_CORRUPT, "the registry is no regular file");
    }
    if ((info.st_mode & 022) != 0) {
        return medsec__fail(registry, MEDSEC_ERR_PERMISSION,
                            "others may write the registry file: chmod go-w");
    }
    registry->device = info.st_dev;
    registry->inode = info.st_ino;
    return MEDSEC_OK;
}

medsec_status medsec__store_open(medsec_registry *registry)
{
    medsec_status status = check_file(registry);
    if (status == MEDSEC_OK) {
        status = connect(registry);
    }
    if (status == MEDSEC_OK) {
        status = medsec__store_check(registry);
    }
    if (status == MEDSEC_OK && registry->mode == MEDSEC_REGISTRY_READ) {
        status = run_text(registry, "PRAGMA query_only=ON");
    } else if (status == MEDSEC_OK && sqlite3_db_readonly(registry->db, "main") != 0) {
        errno = EACCES;
        status = medsec__fail(registry, MEDSEC_ERR_IO, "the registry file is read-only");
    }
    return status;
}

medsec_status medsec__store_create(medsec_registry *registry)
{
    medsec_status status = connect(registry);
    if (status == MEDSEC_OK) {
        status = medsec__exec(registry, MEDSEC__SQL_BEGIN_WRITE);
    }
    if (status == MEDSEC_OK) {
        status = run_text(registry, schema);
    }
    return status == MEDSEC_OK ? run_text(registry, format_2) : status;
}

medsec_status medsec__store_upgrade(medsec_registry *registry, bool *due)
{
    int64_t format = 0;
    medsec_status status = read_number(registry, "PRAGMA user_version", &format);
    *due = status == MEDSEC_OK && format < FORMAT;
    return *due ? run_text(registry, format_2) : status;
}

void medsec__store_close(medsec_registry *registry)
{
    for (size_t i = 0; i < MEDSEC__SQL_COUNT; i++) {
        sqlite3_finalize(registry->statements[i]);
        registry->statements[i] = NULL;
    }
    sqlite3_close(registry->db);
    registry->db = NULL;
}

sqlite3_stmt *medsec__statement(medsec_registry *registry, medsec__sql sql)
{
    sqlite3_stmt **statement = &registry->statements[sql];
    if (*statement == NULL) {
        int result = sqlite3_prepare_v3(registry->db, texts[sql], -1, SQLITE_PREPARE_PERSISTENT,
                                        statement, NULL);
        if (result != SQLITE_OK) {
            (void)medsec__fail_sqlite(registry, result);
        }
    }
    return *statement;
}

medsec_status medsec__row(medsec_registry *registry, sqlite3_stmt *statement)
{
    int result = sqlite3_step(statement);
    switch (result) {
    case SQLITE_ROW:
        return MEDSEC_OK;
    case SQLITE_DONE:
        return MEDSEC_ERR_NOT_FOUND;
    default:
        return medsec__fail_sqlite(registry, result);
    }
}

void medsec__done(sqlite3_stmt *statement)
{
    sqlite3_reset(statement);
    sqlite3_clear_bindings(statement);
}

medsec_status medsec__number(medsec_registry *registry, medsec__sql sql, int64_t *number)
{
    sqlite3_stmt *statement = medsec__statement(registry, sql);
    if (statement == NULL) {
        return MEDSEC_ERR_CORRUPT;
    }
    medsec_status status = medsec__row(registry, statement);
    if (status == MEDSEC_OK) {
        *number = sqlite3_column_int64(statement, 0);
    }
    medsec__done(statement);
    return status;
}

medsec_status medsec__run(medsec_registry *registry, sqlite3_stmt *statement)
{
    medsec_status status = medsec__row(registry, statement);
    medsec__done(statement);
    return status == MEDSEC_ERR_NOT_FOUND ? MEDSEC_OK : status;
}

medsec_status medsec__exec(medsec_registry *registry, medsec__sql sql)
{
    sqlite3_stmt *statement = medsec__statement(registry, sql);
    if (statement == NULL) {
        return MEDSEC_ERR_CORRUPT;
    }
    return medsec__run(registry, statement);
}

/* A failed bind leaves NULL, which every column here refuses or which finds nothing. */
void medsec__bind_text(sqlite3_stmt *statement, int index, const char *text)
{
    sqlite3_bind_text(statement, index, text, -1, SQLITE_STATIC);
}

void medsec__bind_blob(sqlite3_stmt *statement, int index, const void *data, size_t len)
{
    sqlite3_bind_blob64(statement, index, data, len, SQLITE_STATIC);
}

medsec_status medsec__column_text(char *out, size_t cap, sqlite3_stmt *statement, int column)
{
    const unsigned char *text = sqlite3_column_text(statement, column);
    int len = sqlite3_column_bytes(statement, column);
    if (text == NULL || len < 0 || (size_t)len >= cap || memchr(text, '\0', (size_t)len) != NULL) {
        return MEDSEC_ERR_CORRUPT;
    }
    memcpy(out, text, (size_t)len + 1);
    return MEDSEC_OK;
}

medsec_status medsec__column_blob(uint8_t *out, size_t len, sqlite3_stmt *statement, int column)
{
    const void *data = sqlite3_column_blob(statement, column);
    int got = sqlite3_column_bytes(statement, column);
    if (data == NULL || got < 0 || (size_t)got != len) {
        return MEDSEC_ERR_CORRUPT;
    }
    memcpy(out, data, len);
    return MEDSEC_OK;
}

medsec_status medsec__meta_get(medsec_registry *registry, const char *name, uint8_t *out,
                               size_t len)
{
    sqlite3_stmt *statement = medsec__statement(registry, MEDSEC__SQL_META_GET);
    if (statement == NULL) {
        return MEDSEC_ERR_CORRUPT;
    }
    medsec__bind_text(statement, 1, name);
    medsec_status status = medsec__row(registry, statement);
    if (status == MEDSEC_OK) {
        status = medsec__column_blob(out, len, statement, 0);
    }
    medsec__done(statement);
    return status;
}

medsec_status medsec__meta_set(medsec_registry *registry, const char *name, const uint8_t *data,
                               size_t len)
{
    sqlite3_stmt *statement = medsec__statement(registry, MEDSEC__SQL_META_SET);
    if (statement == NULL) {
        return MEDSEC_ERR_CORRUPT;
    }
    medsec__bind_text(statement, 1, name);
    medsec__bind_blob(statement, 2, data, len);
    return medsec__run(registry, statement);
}

static void undo(medsec_registry *registry)
{
    /* SQLite may have undone it already, by itself. */
    if (sqlite3_get_autocommit(registry->db) == 0 &&
        medsec__exec(registry, MEDSEC__SQL_ROLLBACK) != MEDSEC_OK) {
        medsec__store_close(registry);
    }
}

/* While we waited for our turn a restore may have put another file in this one's place. */
static medsec_status begin_write(medsec_registry *registry)
{
    for (;;) {
        medsec_status status = medsec__exec(registry, MEDSEC__SQL_BEGIN_WRITE);
        if (status != MEDSEC_OK || !medsec__is_replaced(registry)) {
            return status;
        }
        undo(registry);
        status = medsec__ready(registry);
        if (status != MEDSEC_OK) {
            return status;
        }
    }
}

medsec_status medsec__change_begin(medsec_registry *registry)
{
    medsec_status status = medsec__ready(registry);
    if (status != MEDSEC_OK) {
        return status;
    }
    if (registry->mode != MEDSEC_REGISTRY_WRITE) {
        return medsec__fail(registry, MEDSEC_ERR_STATE, "the registry is open for reading only");
    }
    if (registry->batch) {
        return registry->broken ? medsec__fail(registry, MEDSEC_ERR_STATE, "the batch has failed")
                                : MEDSEC_OK;
    }
    status = begin_write(registry);
    if (status == MEDSEC_OK) {
        status = medsec__head_load(registry);
        if (status != MEDSEC_OK) {
            undo(registry);
        }
    }
    return status;
}

/* A refusal comes before the first row is written; these may come after. */
static bool is_halfway(medsec_status status)
{
    return status == MEDSEC_ERR_IO || status == MEDSEC_ERR_BUSY || status == MEDSEC_ERR_MEMORY ||
           status == MEDSEC_ERR_PERMISSION;
}

medsec_status medsec__change_end(medsec_registry *registry, medsec_status status)
{
    if (registry->batch) {
        if (is_halfway(status)) {
            registry->broken = true;
            undo(registry);
        }
        return status;
    }
    if (status == MEDSEC_OK) {
        status = medsec__head_save(registry);
    }
    if (status == MEDSEC_OK) {
        status = medsec__exec(registry, MEDSEC__SQL_COMMIT);
    }
    if (status != MEDSEC_OK) {
        undo(registry);
    }
    return status;
}

medsec_status medsec__look_begin(medsec_registry *registry)
{
    medsec_status status = medsec__ready(registry);
    if (status != MEDSEC_OK || registry->batch) {
        return status;
    }
    return medsec__exec(registry, MEDSEC__SQL_BEGIN_READ);
}

void medsec__look_end(medsec_registry *registry)
{
    if (!registry->batch) {
        undo(registry);
    }
}

uint64_t medsec__now_ms(void)
{
    struct timespec now;
    clock_gettime(CLOCK_REALTIME, &now);
    return (uint64_t)now.tv_sec * 1000u + (uint64_t)now.tv_nsec / 1000000u;
}
