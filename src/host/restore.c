/* SPDX-License-Identifier: Apache-2.0 */
#include "copy.h"

#include "secret_file.h"
#include "unlock.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

typedef struct work {
    char path[PATH_MAX];
    const char *file;
    unsigned flags;
    medsec_restored *result;
    medsec_registry *from; /* the file */
    medsec_registry next; /* its copy */
    medsec_registry before; /* what is there, locked for others to write */
    bool is_there;
    struct stat info; /* of what is there */
    char temporary[PATH_MAX]; /* the copy beside the registry */
    int fd; /* of it: whoever may write the folder may put another file under its name */
} work;

static medsec_status fail(const work *w, medsec_status status, const char *format, ...)
    MEDSEC_PRINTF(3, 4);

static medsec_status fail(const work *w, medsec_status status, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(w->result->why, sizeof w->result->why, format, arguments);
    va_end(arguments);
    return status;
}

static medsec_status look_at_files(work *w)
{
    struct stat copy;
    if (stat(w->file, &copy) != 0) {
        return fail(w, errno == ENOENT ? MEDSEC_ERR_NOT_FOUND : MEDSEC_ERR_IO, "%s",
                    strerror(errno));
    }
    w->is_there = lstat(w->path, &w->info) == 0;
    if (!w->is_there && errno != ENOENT) {
        return fail(w, MEDSEC_ERR_IO, "the registry: %s", strerror(errno));
    }
    if (w->is_there && !S_ISREG(w->info.st_mode)) {
        return fail(w, MEDSEC_ERR_ARGUMENT,
                    "the registry is no regular file: give the one that it leads to");
    }
    if (w->is_there && copy.st_dev == w->info.st_dev && copy.st_ino == w->info.st_ino) {
        return fail(w, MEDSEC_ERR_ARGUMENT, "that is the registry itself");
    }
    return MEDSEC_OK;
}

static medsec_status open_copy(work *w, const medsec_registry_unlock *unlock)
{
    const medsec_status status =
        medsec_registry_open(&w->from, w->file, unlock, MEDSEC_REGISTRY_READ, NULL);
    switch (status) {
    case MEDSEC_OK:
        return status;
    case MEDSEC_ERR_CRYPTO:
        return fail(w, status, "the copy is not of this key: it is another registry's");
    case MEDSEC_ERR_CORRUPT:
        return fail(w, status, "the copy is damaged, or no registry");
    case MEDSEC_ERR_NOT_FOUND:
        return fail(w, status, "the key file is not there");
    case MEDSEC_ERR_PERMISSION:
        return fail(w, status, "others may read the key or write the copy: chmod go-rwx");
    default:
        return fail(w, status, "the copy: %s", medsec_strerror(status));
    }
}

static medsec_status copy_and_verify(work *w)
{
    const medsec_status status = medsec__copy(&w->next, w->from);
    if (status != MEDSEC_OK) {
        return fail(w, status, "the copy: %s", medsec_registry_error(w->from));
    }
    medsec__audit_end(&w->result->now, &w->next.head);
    return MEDSEC_OK;
}

/* Who could use what was there can use what comes. */
static bool take_owner(const work *w)
{
    const bool mine = w->info.st_uid == geteuid() && w->info.st_gid == getegid();
    return (mine || fchown(w->fd, w->info.st_uid, w->info.st_gid) == 0) &&
           fchmod(w->fd, w->info.st_mode & 0755) == 0;
}

static medsec_status write_beside(work *w)
{
    size_t len = 0;
    medsec_status status =
        medsec__secret_file_temporary(w->temporary, sizeof w->temporary, w->path);
    w->fd = status == MEDSEC_OK ? mkostemp(w->temporary, O_CLOEXEC) : -1;
    if (w->fd < 0) {
        w->temporary[0] = '\0';
        return fail(w, status == MEDSEC_OK ? MEDSEC_ERR_IO : status,
                    "no file can be made beside the registry: %s", strerror(errno));
    }
    if (w->is_there && !take_owner(w)) {
        return fail(w, MEDSEC_ERR_PERMISSION, "owner and mode of the registry cannot be kept: %s",
                    strerror(errno));
    }
    unsigned char *bytes = medsec__copy_bytes(&w->next, &len);
    status = bytes == NULL ? MEDSEC_ERR_MEMORY : medsec__secret_file_write(w->fd, bytes, len);
    sqlite3_free(bytes);
    return status == MEDSEC_OK
               ? status
               : fail(w, status, "beside the registry: %s",
                      status == MEDSEC_ERR_IO ? strerror(errno) : medsec_strerror(status));
}

static bool is_unreadable(medsec_status status)
{
    return status == MEDSEC_ERR_CORRUPT || status == MEDSEC_ERR_CRYPTO;
}

static medsec_status lock(medsec_registry *registry)
{
    const int result = sqlite3_exec(registry->db, "PRAGMA query_only=OFF", NULL, NULL, NULL);
    return result == SQLITE_OK ? medsec__exec(registry, MEDSEC__SQL_BEGIN_WRITE)
                               : medsec__fail_sqlite(registry, result);
}

/* Opens what is there, which undoes what a crash left half done, and keeps others from changing it
 * until it is replaced. ERR_CORRUPT: it is no registry of this key. */
static medsec_status lock_before(work *w)
{
    medsec_registry *before = &w->before;
    before->path = w->path;
    before->keys = w->from->keys;
    medsec_status status = medsec__store_open(before);
    if (status == MEDSEC_OK) {
        status = medsec__unlock_test(before);
    }
    if (status == MEDSEC_OK && sqlite3_db_readonly(before->db, "main") == 0) {
        status = lock(before);
    }
    if (status == MEDSEC_OK && medsec__is_replaced(before)) {
        return fail(w, MEDSEC_ERR_BUSY, "somebody else is restoring it: try again");
    }
    if (status == MEDSEC_OK) {
        status = medsec__head_load(before);
    }
    if (status == MEDSEC_OK || is_unreadable(status)) {
        return status;
    }
    return fail(w, status, "%s", before->error);
}

/* Whether all that the log of before has is in the copy's. */
static medsec_status compare(work *w)
{
    uint8_t hash[MEDSEC__HASH_LEN];
    sqlite3_stmt *statement = medsec__statement(&w->next, MEDSEC__SQL_AUDIT_HASH);
    if (statement == NULL) {
        return fail(w, MEDSEC_ERR_CORRUPT, "%s", w->next.error);
    }
    sqlite3_bind_int64(statement, 1, (sqlite3_int64)w->before.head.rows);
    medsec_status status = medsec__row(&w->next, statement);
    if (status == MEDSEC_OK) {
        status = medsec__column_blob(hash, sizeof hash, statement, 0);
    }
    medsec__done(statement);
    const bool inside =
        status == MEDSEC_OK && sodium_memcmp(hash, w->before.head.hash, sizeof hash) == 0;
    if (inside || (w->flags & MEDSEC_RESTORE_OLDER) != 0) {
        return MEDSEC_OK;
    }
    return fail(w, MEDSEC_ERR_STATE,
                "changes would be lost, maybe revocations: the log here has %llu rows, which are "
                "not the first of the copy's %llu",
                (unsigned long long)w->before.head.rows, (unsigned long long)w->next.head.rows);
}

static medsec_status judge(work *w)
{
    const medsec_status status = lock_before(w);
    if (status == MEDSEC_OK) {
        medsec__audit_end(&w->result->before, &w->before.head);
        return compare(w);
    }
    if (!is_unreadable(status)) {
        return status;
    }
    if ((w->flags & MEDSEC_RESTORE_OLDER) == 0) {
        return fail(w, MEDSEC_ERR_STATE,
                    "what is there cannot be read (%s), so that nobody can "
                    "tell which changes the copy lacks",
                    w->before.error);
    }
    return MEDSEC_OK;
}

static bool is_locked(const work *w)
{
    return w->before.db != NULL && sqlite3_get_autocommit(w->before.db) == 0;
}

/* A journal would be taken for the new file's, and undo it. SQLite has used what was of use when
 * it opened the old file; what is left while we have the lock is nobody's. */
static medsec_status end_journal(work *w)
{
    char journal[PATH_MAX];
    const int len = snprintf(journal, sizeof journal, "%s-journal", w->path);
    const bool fits = len > 0 && (size_t)len < sizeof journal;
    if (fits && (access(journal, F_OK) != 0 || (is_locked(w) && unlink(journal) == 0))) {
        return MEDSEC_OK;
    }
    return fail(w, MEDSEC_ERR_STATE, "a journal is left beside the registry: move it away");
}

static medsec_status keep_before(work *w)
{
    struct timespec now;
    struct tm parts;
    char time[32];
    clock_gettime(CLOCK_REALTIME, &now);
    if (gmtime_r(&now.tv_sec, &parts) == NULL ||
        strftime(time, sizeof time, "%Y%m%dT%H%M%S", &parts) == 0) {
        return fail(w, MEDSEC_ERR_IO, "the clock is beyond its limits");
    }
    char *kept = w->result->kept;
    const int len = snprintf(kept, sizeof w->result->kept, "%s.replaced-%s.%03ldZ", w->path, time,
                             now.tv_nsec / 1000000);
    if (len < 0 || (size_t)len >= sizeof w->result->kept || link(w->path, kept) != 0) {
        kept[0] = '\0';
        return fail(w, MEDSEC_ERR_IO, "what is there cannot be kept: %s", strerror(errno));
    }
    return medsec__secret_file_sync_folder(kept);
}

/* What has the name is what was written. */
static medsec_status check_name(const work *w)
{
    struct stat written, named;
    const bool same = fstat(w->fd, &written) == 0 && lstat(w->temporary, &named) == 0 &&
                      written.st_dev == named.st_dev && written.st_ino == named.st_ino;
    return same ? MEDSEC_OK
                : fail(w, MEDSEC_ERR_IO, "somebody took away what was written beside the registry");
}

static medsec_status replace(work *w)
{
    medsec_status status = end_journal(w);
    if (status == MEDSEC_OK) {
        status = check_name(w);
    }
    if (status == MEDSEC_OK && w->is_there) {
        status = keep_before(w);
    }
    if (status != MEDSEC_OK) {
        return status;
    }
    status = w->is_there ? medsec__secret_file_replace(w->temporary, w->path)
                         : medsec__secret_file_publish(w->temporary, w->path);
    w->temporary[0] = '\0';
    return status == MEDSEC_OK ? status
                               : fail(w, status, "the registry's folder: %s", strerror(errno));
}

static medsec_status restore(work *w, const medsec_registry_unlock *unlock)
{
    medsec_status status = look_at_files(w);
    if (status == MEDSEC_OK) {
        status = open_copy(w, unlock);
    }
    if (status == MEDSEC_OK) {
        status = copy_and_verify(w);
    }
    if (status == MEDSEC_OK) {
        status = write_beside(w);
    }
    if (status == MEDSEC_OK && w->is_there) {
        status = judge(w);
    }
    return status == MEDSEC_OK ? replace(w) : status;
}

medsec_status medsec_registry_restore(const char *path, const medsec_registry_unlock *unlock,
                                      const char *copy, unsigned flags, medsec_restored *result)
{
    if (path == NULL || unlock == NULL || copy == NULL || result == NULL) {
        return MEDSEC_ERR_ARGUMENT;
    }
    memset(result, 0, sizeof *result);
    work w = {.file = copy, .flags = flags, .result = result, .fd = -1};
    const size_t len = strlen(path);
    if (len >= sizeof w.path) {
        return fail(&w, MEDSEC_ERR_ARGUMENT, "the registry: %s", strerror(ENAMETOOLONG));
    }
    memcpy(w.path, path, len + 1);
    const medsec_status status = restore(&w, unlock);
    medsec__store_close(&w.next);
    medsec__store_close(&w.before); /* whoever waits goes on, and sees another file there */
    medsec_registry_close(w.from);
    if (w.fd >= 0) {
        close(w.fd);
    }
    if (w.temporary[0] != '\0') {
        unlink(w.temporary);
    }
    return status;
}
