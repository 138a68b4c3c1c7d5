/* SPDX-License-Identifier: Apache-2.0 */
#include "copy.h"

#include "secret_file.h"

#include <unistd.h>

_Static_assert(MEDSEC_AUDIT_HASH_LEN == 2 * MEDSEC__HASH_LEN, "a hash in hex");

/* All pages at once, so that the copy is of one moment; SQLite waits for who writes. */
static medsec_status copy_pages(medsec_registry *copy, medsec_registry *from)
{
    int result = sqlite3_open_v2(":memory:", &copy->db,
                                 SQLITE_OPEN_READWRITE | SQLITE_OPEN_MEMORY | SQLITE_OPEN_NOMUTEX |
                                     SQLITE_OPEN_EXRESCODE,
                                 NULL);
    if (result == SQLITE_OK) {
        sqlite3_backup *copying = sqlite3_backup_init(copy->db, "main", from->db, "main");
        if (copying != NULL) {
            sqlite3_backup_step(copying, -1);
            sqlite3_backup_finish(copying);
        }
        result = sqlite3_extended_errcode(copy->db);
    }
    return result == SQLITE_OK
               ? MEDSEC_OK
               : medsec__fail(from, medsec__sqlite_status(result), "the copy: %s (SQLite %d)",
                              sqlite3_errstr(result), result);
}

medsec_status medsec__copy(medsec_registry *copy, medsec_registry *from)
{
    uint64_t rows = 0;
    medsec_status status = medsec__ready(from);
    if (status == MEDSEC_OK) {
        status = copy_pages(copy, from);
    }
    if (status != MEDSEC_OK) {
        return status;
    }
    copy->keys = from->keys;
    copy->batch = true; /* there is no file that could be replaced */
    status = medsec__store_check(copy);
    if (status == MEDSEC_OK) {
        status = medsec__head_load(copy);
    }
    if (status == MEDSEC_OK) {
        status = medsec_registry_verify(copy, &rows);
    }
    return status == MEDSEC_OK ? status : medsec__fail(from, status, "%s", copy->error);
}

unsigned char *medsec__copy_bytes(const medsec_registry *copy, size_t *len)
{
    sqlite3_int64 size = 0;
    unsigned char *bytes = sqlite3_serialize(copy->db, "main", &size, 0);
    *len = (size_t)size;
    return bytes;
}

static medsec_status write_copy(medsec_registry *registry, const medsec_registry *copy,
                                const char *path)
{
    size_t len = 0;
    unsigned char *bytes = medsec__copy_bytes(copy, &len);
    const medsec_status status =
        bytes == NULL ? MEDSEC_ERR_MEMORY : medsec__secret_file_create(path, bytes, len);
    sqlite3_free(bytes);
    return status == MEDSEC_OK
               ? status
               : medsec__fail(registry, status, "%s: %s", path, medsec_strerror(status));
}

medsec_status medsec_registry_backup(medsec_registry *registry, const char *path,
                                     medsec_audit_end *end)
{
    if (registry == NULL || path == NULL || end == NULL) {
        return MEDSEC_ERR_ARGUMENT;
    }
    if (registry->batch) {
        return medsec__fail(registry, MEDSEC_ERR_STATE, "a batch is open");
    }
    if (access(path, F_OK) == 0) {
        return medsec__fail(registry, MEDSEC_ERR_EXISTS, "%s: %s", path,
                            medsec_strerror(MEDSEC_ERR_EXISTS));
    }
    medsec_registry copy = {0};
    medsec_status status = medsec__copy(&copy, registry);
    if (status == MEDSEC_OK) {
        medsec__audit_end(end, &copy.head);
        status = write_copy(registry, &copy, path);
    }
    medsec__store_close(&copy);
    return status;
}
