/* SPDX-License-Identifier: Apache-2.0 */
#include "secret_file.h"

#include <medsec/credential_file.h>

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static void close_keeping_errno(int fd)
{
    int saved = errno;
    close(fd);
    errno = saved;
}

medsec_status medsec_secret_file_check(int fd)
{
    struct stat info;
    if (fstat(fd, &info) != 0) {
        return MEDSEC_ERR_IO;
    }
    const bool roots = info.st_uid == 0;
    const bool passed = roots && info.st_gid == 0 && (info.st_mode & 0777) == 0440;
    const bool ours = (roots || info.st_uid == geteuid()) && (info.st_mode & 077) == 0;
    return ours || passed ? MEDSEC_OK : MEDSEC_ERR_PERMISSION;
}

static medsec_status check_file(int fd)
{
    struct stat info;
    if (fstat(fd, &info) != 0) {
        return MEDSEC_ERR_IO;
    }
    if (!S_ISREG(info.st_mode)) {
        errno = EINVAL;
        return MEDSEC_ERR_IO;
    }
    return medsec_secret_file_check(fd);
}

static medsec_status read_all(int fd, char *out, size_t cap, size_t *len)
{
    size_t got = 0;
    while (got < cap) {
        ssize_t n = read(fd, out + got, cap - got);
        if (n < 0 && errno != EINTR) {
            return MEDSEC_ERR_IO;
        }
        if (n == 0) {
            *len = got;
            return MEDSEC_OK;
        }
        got += n > 0 ? (size_t)n : 0;
    }
    char more;
    *len = got;
    return read(fd, &more, 1) == 0 ? MEDSEC_OK : MEDSEC_ERR_LIMIT;
}

medsec_status medsec__secret_file_read(const char *path, char *out, size_t cap, size_t *len)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
    if (fd < 0) {
        return errno == ENOENT ? MEDSEC_ERR_NOT_FOUND : MEDSEC_ERR_IO;
    }
    medsec_status status = check_file(fd);
    if (status == MEDSEC_OK) {
        status = read_all(fd, out, cap, len);
    }
    close_keeping_errno(fd);
    return status;
}

medsec_status medsec__secret_file_write(int fd, const void *data, size_t len)
{
    const uint8_t *at = data;
    while (len > 0) {
        ssize_t n = write(fd, at, len);
        if (n < 0 && errno != EINTR) {
            return MEDSEC_ERR_IO;
        }
        at += n > 0 ? n : 0;
        len -= n > 0 ? (size_t)n : 0;
    }
    return fsync(fd) == 0 ? MEDSEC_OK : MEDSEC_ERR_IO;
}

/* A new name is on disk only when its folder is. */
medsec_status medsec__secret_file_sync_folder(const char *path)
{
    char folder[PATH_MAX];
    const char *slash = strrchr(path, '/');
    size_t len = slash == NULL ? 0 : (size_t)(slash - path) + 1;
    if (len >= sizeof folder) {
        return MEDSEC_ERR_LIMIT;
    }
    memcpy(folder, path, len);
    folder[len] = '\0';
    int fd = open(len == 0 ? "." : folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd < 0) {
        return MEDSEC_ERR_IO;
    }
    medsec_status status = fsync(fd) == 0 ? MEDSEC_OK : MEDSEC_ERR_IO;
    close_keeping_errno(fd);
    return status;
}

static medsec_status drop(const char *path, medsec_status status)
{
    int saved = errno;
    unlink(path);
    errno = saved;
    return status;
}

medsec_status medsec__secret_file_publish(const char *temporary, const char *path)
{
    /* link(), as rename() would replace a file that somebody else has just made. */
    if (link(temporary, path) != 0) {
        return drop(temporary, errno == EEXIST ? MEDSEC_ERR_EXISTS : MEDSEC_ERR_IO);
    }
    unlink(temporary);
    medsec_status status = medsec__secret_file_sync_folder(path);
    return status == MEDSEC_OK ? status : drop(path, status);
}

medsec_status medsec__secret_file_replace(const char *temporary, const char *path)
{
    return rename(temporary, path) == 0 ? medsec__secret_file_sync_folder(path)
                                        : drop(temporary, MEDSEC_ERR_IO);
}

medsec_status medsec__secret_file_temporary(char *out, size_t cap, const char *path)
{
    int len = snprintf(out, cap, "%s.new-XXXXXX", path);
    return len > 0 && (size_t)len < cap ? MEDSEC_OK : MEDSEC_ERR_LIMIT;
}

medsec_status medsec__secret_file_create(const char *path, const void *data, size_t len)
{
    char temporary[PATH_MAX];
    medsec_status status = medsec__secret_file_temporary(temporary, sizeof temporary, path);
    if (status != MEDSEC_OK) {
        return status;
    }
    int fd = mkostemp(temporary, O_CLOEXEC);
    if (fd < 0) {
        return MEDSEC_ERR_IO;
    }
    const bool written = medsec__secret_file_write(fd, data, len) == MEDSEC_OK;
    close_keeping_errno(fd);
    if (!written) {
        return drop(temporary, MEDSEC_ERR_IO);
    }
    return medsec__secret_file_publish(temporary, path);
}
