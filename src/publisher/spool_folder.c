/* SPDX-License-Identifier: Apache-2.0 */
#include "spool_disk.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#define STATE_NAME "state"

static const char letters[MEDSEC__SPOOL_KINDS + 1] = "kd";

medsec__spool_name medsec__spool_segment_name(medsec__spool_kind kind, uint64_t first)
{
    medsec__spool_name name;
    snprintf(name.text, sizeof name.text, "%c%016" PRIx64, letters[kind], first);
    return name;
}

bool medsec__spool_read_at(int fd, uint8_t *out, size_t len, uint64_t at)
{
    while (len > 0) {
        ssize_t n = pread(fd, out, len, (off_t)at);
        if (n == 0) {
            errno = ENODATA;
        }
        if (n == 0 || (n < 0 && errno != EINTR)) {
            return false;
        }
        out += n > 0 ? n : 0;
        at += n > 0 ? (uint64_t)n : 0;
        len -= n > 0 ? (size_t)n : 0;
    }
    return true;
}

bool medsec__spool_write_at(int fd, const uint8_t *data, size_t len, uint64_t at)
{
    while (len > 0) {
        ssize_t n = pwrite(fd, data, len, (off_t)at);
        if (n < 0 && errno != EINTR) {
            return false;
        }
        data += n > 0 ? n : 0;
        at += n > 0 ? (uint64_t)n : 0;
        len -= n > 0 ? (size_t)n : 0;
    }
    return true;
}

static medsec_status from_errno(void)
{
    return errno == EACCES || errno == EPERM || errno == EROFS ? MEDSEC_ERR_PERMISSION
                                                               : MEDSEC_ERR_IO;
}

/* Not synced: an older mark means repeats after a power cut, nothing worse. */
void medsec__spool_folder_mark(medsec__spool_disk *disk, uint64_t sequence)
{
    uint8_t mark[MEDSEC__SPOOL_MARK_LEN];
    medsec__spool_mark_write(mark, sequence, disk->keys);
    if (medsec__spool_write_at(disk->state, mark, sizeof mark, 0)) {
        disk->marked = sequence;
    }
}

static medsec_status begin_state(medsec__spool_disk *disk)
{
    medsec__spool_folder_mark(disk, 0);
    return fsync(disk->state) == 0 && fsync(disk->folder) == 0 ? MEDSEC_OK : from_errno();
}

static medsec_status read_state(medsec__spool_disk *disk)
{
    uint8_t mark[MEDSEC__SPOOL_MARK_LEN];
    struct stat info;
    if (fstat(disk->state, &info) != 0) {
        return MEDSEC_ERR_IO;
    }
    if ((uint64_t)info.st_size < sizeof mark) {
        return begin_state(disk); /* new, or died while it was */
    }
    if (!medsec__spool_read_at(disk->state, mark, sizeof mark, 0)) {
        return MEDSEC_ERR_IO;
    }
    medsec_status status = medsec__spool_mark_read(&disk->marked, mark, disk->keys);
    if (status == MEDSEC_ERR_CRYPTO) {
        return status;
    }
    disk->marked = status == MEDSEC_OK ? disk->marked : 0;
    return MEDSEC_OK;
}

medsec_status medsec__spool_folder_open(medsec__spool_disk *disk, const char *path)
{
    if (mkdir(path, 0700) != 0 && errno != EEXIST) {
        return from_errno();
    }
    disk->folder = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (disk->folder < 0) {
        return from_errno();
    }
    struct stat info;
    if (fstat(disk->folder, &info) != 0) {
        return MEDSEC_ERR_IO;
    }
    /* What is in it is sealed; who may write there can remove it all the same. */
    if (info.st_mode & (S_IWGRP | S_IWOTH)) {
        return MEDSEC_ERR_PERMISSION;
    }
    disk->state = openat(disk->folder, STATE_NAME, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
    if (disk->state < 0) {
        return from_errno();
    }
    if (flock(disk->state, LOCK_EX | LOCK_NB) != 0) {
        return errno == EWOULDBLOCK ? MEDSEC_ERR_BUSY : MEDSEC_ERR_IO;
    }
    return read_state(disk);
}

/* Nothing vouches for a block's header before the block is opened: one that is damaged shall not
 * hide what has numbers between its true and its false ones. */
static bool may_follow(const medsec__spool_block *block, const medsec__spool_segment *segment)
{
    return block->first > segment->last && block->first - segment->last < MEDSEC__SPOOL_RESERVE &&
           block->last - block->first < MEDSEC__SPOOL_KINDS * MEDSEC__SPOOL_GROUP_MAX;
}

/* Adds up the blocks from their headers, as far as they are whole. True: up to the end, or to the
 * tail that a crash tore, which is the beginning of a good block; false: what follows is damaged.
 */
static bool add_up(const medsec__spool_disk *disk, int fd, uint64_t file_len,
                   medsec__spool_segment *segment)
{
    uint8_t head[MEDSEC__SPOOL_BLOCK_HEADER_LEN];
    medsec__spool_block block;
    while (segment->end + sizeof head <= file_len) {
        if (!medsec__spool_read_at(fd, head, sizeof head, segment->end) ||
            !medsec__spool_block_read(&block, head) || !may_follow(&block, segment)) {
            return false;
        }
        if (medsec__spool_block_size(&block) > file_len - segment->end) {
            break;
        }
        segment->end += medsec__spool_block_size(&block);
        segment->last = block.last;
        segment->newest_ms = block.time_ms;
        segment->left += block.last > disk->marked ? block.count : 0;
    }
    return true;
}

static void log_tail(const medsec__spool_disk *disk, const char *name, uint64_t bytes)
{
    if (bytes > 0) {
        medsec_log_write(disk->log, MEDSEC_LOG_WARN, "spool-tail-cut", MEDSEC_LOG_STR("file", name),
                         MEDSEC_LOG_INT("bytes", bytes),
                         MEDSEC_LOG_STR("hint", "a write that a crash cut short"));
    }
}

/* At least one message is lost; how many, nobody can tell. */
static void log_damage(medsec__spool_disk *disk, const char *name, const char *hint)
{
    disk->damaged++;
    medsec_log_write(disk->log, MEDSEC_LOG_ERROR, "spool-damaged", MEDSEC_LOG_STR("file", name),
                     MEDSEC_LOG_STR("hint", hint));
}

static void set_aside(medsec__spool_disk *disk, const char *name)
{
    char other[48];
    snprintf(other, sizeof other, "damaged-%s", name);
    (void)renameat(disk->folder, name, disk->folder, other);
    log_damage(disk, name, "not as it was written; set aside");
}

/* Nothing is left to deliver in it. */
static void put_away(medsec__spool_disk *disk, const char *name, bool damaged)
{
    if (damaged) {
        set_aside(disk, name);
    } else {
        (void)unlinkat(disk->folder, name, 0); /* delivered */
    }
}

/* False: there is nothing in it to deliver; it is gone then, or set aside. */
static bool read_segment(medsec__spool_disk *disk, const char *name, int fd,
                         medsec__spool_segment *found)
{
    uint8_t head[MEDSEC__SPOOL_HEADER_LEN];
    struct stat info;
    if (fstat(fd, &info) != 0 || info.st_size <= (off_t)sizeof head) {
        (void)unlinkat(disk->folder, name, 0); /* died while it was made */
        return false;
    }
    if (!medsec__spool_read_at(fd, head, sizeof head, 0) ||
        !medsec__spool_header_read(&found->header, head, disk->keys) ||
        strcmp(medsec__spool_segment_name(found->header.kind, found->header.first).text, name) !=
            0) {
        set_aside(disk, name);
        return false;
    }
    found->found = true;
    found->end = sizeof head;
    found->last = found->header.first - 1;
    found->newest_ms = found->header.time_ms;
    const bool damaged = !add_up(disk, fd, (uint64_t)info.st_size, found);
    disk->highest = found->last > disk->highest ? found->last : disk->highest;
    if (found->left == 0) {
        put_away(disk, name, damaged);
    } else if (damaged) {
        log_damage(disk, name, "what follows the damage in it is lost");
    }
    if (!damaged) {
        log_tail(disk, name, (uint64_t)info.st_size - found->end);
    }
    return found->left > 0;
}

static void take_in(medsec__spool_disk *disk, medsec__spool_segment *segment)
{
    medsec__spool_stream *stream = &disk->streams[segment->header.kind];
    medsec__spool_segment_insert(stream, segment);
    stream->bytes += segment->end;
    disk->messages += segment->left;
}

static medsec_status look_at(medsec__spool_disk *disk, const char *name)
{
    medsec__spool_segment *segment = calloc(1, sizeof *segment);
    if (!segment) {
        return MEDSEC_ERR_MEMORY;
    }
    /* A pipe of that name shall not hold up the start. */
    int fd = openat(disk->folder, name, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
    if (fd < 0) {
        free(segment);
        return from_errno();
    }
    if (read_segment(disk, name, fd, segment)) {
        take_in(disk, segment);
    } else {
        free(segment);
    }
    close(fd);
    return MEDSEC_OK;
}

/* A file's own name is vouched for: no segment reaches into the next one. */
static void bound_segments(medsec__spool_disk *disk)
{
    for (size_t i = 0; i < MEDSEC__SPOOL_KINDS; i++) {
        medsec__spool_segment *segment = disk->streams[i].oldest;
        for (; segment && segment->next; segment = segment->next) {
            const uint64_t most = segment->next->header.first - 1;
            segment->last = segment->last < most ? segment->last : most;
        }
    }
}

static bool is_segment(const char *name)
{
    return strlen(name) == 17 && strchr(letters, name[0]) &&
           strspn(name + 1, "0123456789abcdef") == 16;
}

medsec_status medsec__spool_folder_scan(medsec__spool_disk *disk)
{
    int copy = openat(disk->folder, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    DIR *names = copy < 0 ? NULL : fdopendir(copy);
    if (!names) {
        return from_errno();
    }
    disk->highest = disk->marked;
    medsec_status status = MEDSEC_OK;
    for (struct dirent *e = readdir(names); e && status == MEDSEC_OK; e = readdir(names)) {
        if (is_segment(e->d_name)) {
            status = look_at(disk, e->d_name);
        }
    }
    closedir(names);
    bound_segments(disk);
    return status;
}
