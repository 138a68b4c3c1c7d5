/* SPDX-License-Identifier: Apache-2.0 */
#include "copy.h"

#include "secret_file.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdlib.h>
#include <unistd.h>

_Static_assert(MEDSEC_AUDIT_HASH_LEN == 2 * MEDSEC__HASH_LEN, "a hash in hex");

/* Nobody knows the file yet: should we stop half-way, nothing has to be undone. */
static const char private_file[] = "PRAGMA journal_mode=MEMORY;PRAGMA synchronous=OFF;";

/* All pages at once, so that the copy is of one moment; SQLite waits for who writes. */
static medsec_status copy_pages(medsec_registry *from, const char *path)
{
    sqlite3 *to = NULL;
    int result = sqlite3_open_v2(
        path, &to, SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_EXRESCODE, NULL);
    if (result == SQLITE_OK) {
        result = sqlite3_exec(to, private_file, NULL, NULL, NULL);
    }
    if (result == SQLITE_OK) {
        sqlite3_backup *copying = sqlite3_backup_init(to, "main", from->db, "main");
        if (copying != NULL) {
            sqlite3_backup_step(copying, -1);
            sqlite3_backup_finish(copying);
        }
        result = sqlite3_extended_errcode(to);
    }
    sqlite3_close(to);
    return result == SQLITE_OK
               ? MEDSEC_OK
               : medsec__fail(from, medsec__sqlite_status(result), "the copy: %s (SQLite %d)",
                              sqlite3_errstr(result), result);
}

static medsec_status sync_file(medsec_registry *from, const char *path)
{
    const int fd = open(path, O_RDONLY | O_CLOEXEC);
    const bool synced = fd >= 0 && fsync(fd) == 0;
    const int saved = errno;
    if (fd >= 0) {
        close(fd);
    }
    errno = saved;
    return synced ? MEDSEC_OK
                  : medsec__fail(from, MEDSEC_ERR_IO, "the copy cannot be written to disk");
}

static medsec_status verify(medsec_registry *copy)
{
    uint64_t rows = 0;
    const medsec_status status = medsec__store_open(copy);
    return status == MEDSEC_OK ? medsec_registry_verify(copy, &rows) : status;
}

medsec_status medsec__copy(medsec_registry *copy, medsec_registry *from)
{
    medsec_status status = medsec__ready(from);
    if (status == MEDSEC_OK) {
        status = copy_pages(from, copy->path);
    }
    if (status == MEDSEC_OK) {
        status = sync_file(from, copy->path);
    }
    if (status != MEDSEC_OK) {
        return status;
    }
    copy->keys = from->keys;
    copy->mode = MEDSEC_REGISTRY_READ;
    status = verify(copy);
    return status == MEDSEC_OK ? status : medsec__fail(from, status, "%s", copy->error);
}

static medsec_status fill(medsec_registry *registry, char *temporary, const char *path,
                          medsec_audit_end *end)
{
    medsec_registry copy = {.path = temporary};
    medsec_status status = medsec__copy(&copy, registry);
    medsec__store_close(&copy);
    if (status != MEDSEC_OK) {
        unlink(temporary);
        return status;
    }
    medsec__audit_end(end, &copy.head);
    status = medsec__secret_file_publish(temporary, path);
    return status == MEDSEC_OK
               ? status
               : medsec__fail(registry, status, "%s: %s", path, medsec_strerror(status));
}

medsec_status medsec_registry_backup(medsec_registry *registry, const char *path,
                                     medsec_audit_end *end)
{
    char temporary[PATH_MAX];
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
    medsec_status status = medsec__secret_file_temporary(temporary, sizeof temporary, path);
    const int fd = status == MEDSEC_OK ? mkostemp(temporary, O_CLOEXEC) : -1;
    if (fd < 0) {
        return medsec__fail(registry, status == MEDSEC_OK ? MEDSEC_ERR_IO : status,
                            "%s cannot be made", path);
    }
    close(fd);
    return fill(registry, temporary, path, end);
}
