/* SPDX-License-Identifier: Apache-2.0 */
#include "spool_disk.h"

#include <errno.h>
#include <fcntl.h>
#include <sodium.h>
#include <stdlib.h>
#include <unistd.h>

/* A segment is not older than this part of the age that messages may have: segments go whole. */
#define AGE_PARTS 16u

void medsec__spool_disk_begin(medsec__spool_disk *disk)
{
    for (size_t i = 0; i < MEDSEC__SPOOL_KINDS; i++) {
        disk->streams[i].group.block = (medsec__spool_block){.len = 0};
    }
}

bool medsec__spool_disk_add(medsec__spool_disk *disk, uint64_t sequence,
                            const medsec_message *message)
{
    medsec__spool_group *group =
        &disk->streams[message->droppable ? MEDSEC__SPOOL_DROPPABLE : MEDSEC__SPOOL_KEPT].group;
    medsec__spool_block *block = &group->block;
    const size_t size = medsec__spool_record_size(message);
    if (block->count == MEDSEC__SPOOL_GROUP_MAX || MEDSEC__SPOOL_BLOCK_MAX - block->len < size) {
        return false;
    }
    medsec__spool_record_write(group->records + block->len, sequence, message);
    block->first = block->count == 0 ? sequence : block->first;
    block->last = sequence;
    block->len += size;
    block->count++;
    return true;
}

/* What a failed write left behind would be found by another run, before what is tried again. */
static bool cut(medsec__spool_segment *segment, int fd)
{
    segment->uncut = ftruncate(fd, (off_t)segment->end) != 0 || fsync(fd) != 0;
    return !segment->uncut;
}

static void give_up(medsec__spool_stream *stream)
{
    if (stream->active) {
        (void)cut(stream->active, stream->fd);
        close(stream->fd);
        stream->active = NULL;
    }
}

static bool cut_again(const medsec__spool_disk *disk, medsec__spool_segment *segment)
{
    const medsec__spool_header *header = &segment->header;
    const medsec__spool_name name = medsec__spool_segment_name(header->kind, header->first);
    int fd = openat(disk->folder, name.text, O_WRONLY | O_CLOEXEC | O_NOFOLLOW);
    if (fd < 0) {
        segment->uncut = errno != ENOENT;
        return !segment->uncut;
    }
    bool good = cut(segment, fd);
    close(fd);
    return good;
}

static bool cut_all(medsec__spool_disk *disk)
{
    bool good = true;
    for (size_t i = 0; i < MEDSEC__SPOOL_KINDS; i++) {
        medsec__spool_segment *segment = disk->streams[i].oldest;
        for (; good && segment; segment = segment->next) {
            good = !segment->uncut || cut_again(disk, segment);
        }
    }
    disk->uncut = !good;
    return good;
}

static bool may_grow(const medsec__spool_disk *disk, const medsec__spool_stream *stream)
{
    const medsec__spool_segment *segment = stream->active;
    const medsec__spool_block *block = &stream->group.block;
    const uint64_t age = medsec__spool_now_ms(disk) - segment->header.time_ms;
    return segment->last < block->first &&
           block->first - segment->last < MEDSEC__SPOOL_RESERVE / 4 &&
           (!segment->next || segment->next->header.first > block->last) &&
           segment->end + medsec__spool_block_size(block) <= disk->segment_max &&
           age <= disk->age_ms / AGE_PARTS;
}

static bool write_header(const medsec__spool_disk *disk, int fd, const medsec__spool_header *header)
{
    uint8_t bytes[MEDSEC__SPOOL_HEADER_LEN];
    medsec__spool_header_write(bytes, header, disk->keys);
    return medsec__spool_write_at(fd, bytes, sizeof bytes, 0) && fsync(disk->folder) == 0;
}

static bool create(medsec__spool_disk *disk, medsec__spool_kind kind)
{
    medsec__spool_stream *stream = &disk->streams[kind];
    medsec__spool_segment *segment = calloc(1, sizeof *segment);
    if (!segment) {
        return false;
    }
    segment->header = (medsec__spool_header){
        .kind = kind, .first = stream->group.block.first, .time_ms = medsec__spool_now_ms(disk)};
    randombytes_buf(segment->header.id, sizeof segment->header.id);
    const medsec__spool_name name = medsec__spool_segment_name(kind, segment->header.first);
    int fd = openat(disk->folder, name.text, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    if (fd < 0 || !write_header(disk, fd, &segment->header)) {
        const int saved = errno;
        if (fd >= 0) {
            (void)unlinkat(disk->folder, name.text, 0);
            close(fd);
        }
        free(segment);
        errno = saved;
        return false;
    }
    segment->end = MEDSEC__SPOOL_HEADER_LEN;
    segment->last = segment->header.first - 1;
    segment->newest_ms = segment->header.time_ms;
    medsec__spool_segment_insert(stream, segment);
    stream->bytes += segment->end;
    stream->active = segment;
    stream->fd = fd;
    return true;
}

static uint64_t needed(const medsec__spool_disk *disk, medsec__spool_kind kind)
{
    const medsec__spool_block *block = &disk->streams[kind].group.block;
    return block->count > 0 ? medsec__spool_block_size(block) + MEDSEC__SPOOL_HEADER_LEN : 0;
}

static bool fits(const medsec__spool_disk *disk, uint64_t more)
{
    const uint64_t used =
        disk->streams[MEDSEC__SPOOL_KEPT].bytes + disk->streams[MEDSEC__SPOOL_DROPPABLE].bytes;
    return used <= disk->bytes_max && more <= disk->bytes_max - used;
}

/* The oldest droppable ones go; then those of the group. False: no room all the same. */
static bool make_room(medsec__spool_disk *disk, bool force, bool *dropped)
{
    const medsec__spool_stream *droppable = &disk->streams[MEDSEC__SPOOL_DROPPABLE];
    const uint64_t kept = needed(disk, MEDSEC__SPOOL_KEPT);
    while (droppable->oldest && !fits(disk, kept + needed(disk, MEDSEC__SPOOL_DROPPABLE))) {
        disk->dropped += medsec__spool_segment_remove(disk, droppable->oldest);
    }
    *dropped = needed(disk, MEDSEC__SPOOL_DROPPABLE) > 0 &&
               !fits(disk, kept + needed(disk, MEDSEC__SPOOL_DROPPABLE));
    return force || kept == 0 || fits(disk, kept);
}

static bool write_group(medsec__spool_disk *disk, medsec__spool_kind kind)
{
    medsec__spool_stream *stream = &disk->streams[kind];
    medsec__spool_block *block = &stream->group.block;
    block->time_ms = medsec__spool_now_ms(disk);
    if (stream->active && !may_grow(disk, stream)) {
        close(stream->fd);
        stream->active = NULL;
    }
    if (!stream->active && !create(disk, kind)) {
        return false;
    }
    const medsec__spool_segment *segment = stream->active;
    medsec__spool_block_seal(disk->sealed, stream->group.records, block, segment->header.id,
                             segment->end, disk->keys);
    return medsec__spool_write_at(stream->fd, disk->sealed, medsec__spool_block_size(block),
                                  segment->end);
}

/* It is safe: readers may have it. */
static void count_in(medsec__spool_disk *disk, medsec__spool_stream *stream)
{
    const medsec__spool_block *block = &stream->group.block;
    medsec__spool_segment *segment = stream->active;
    const uint64_t size = medsec__spool_block_size(block);
    segment->end += size;
    segment->last = block->last;
    segment->newest_ms = block->time_ms;
    segment->left += block->count;
    stream->bytes += size;
    disk->messages += block->count;
    disk->highest = block->last > disk->highest ? block->last : disk->highest;
    if (block->first < stream->reader.from) {
        stream->reader.from = block->first;
    }
    if (segment->next) { /* it came in between: the reader may stand behind it */
        medsec__spool_reader_reset(&stream->reader);
    }
}

static bool write_all(medsec__spool_disk *disk)
{
    bool good = !disk->uncut || cut_all(disk);
    for (medsec__spool_kind kind = MEDSEC__SPOOL_KEPT; good && kind < MEDSEC__SPOOL_KINDS; kind++) {
        good = disk->streams[kind].group.block.count == 0 || write_group(disk, kind);
    }
    for (medsec__spool_kind kind = MEDSEC__SPOOL_KEPT; good && kind < MEDSEC__SPOOL_KINDS; kind++) {
        const medsec__spool_stream *stream = &disk->streams[kind];
        good = stream->group.block.count == 0 || fdatasync(stream->fd) == 0;
    }
    return good;
}

medsec_status medsec__spool_disk_commit(medsec__spool_disk *disk, bool force, bool *dropped)
{
    if (!make_room(disk, force, dropped)) {
        return MEDSEC_ERR_BUSY;
    }
    medsec__spool_block *droppable = &disk->streams[MEDSEC__SPOOL_DROPPABLE].group.block;
    if (*dropped) {
        disk->dropped += droppable->count;
        *droppable = (medsec__spool_block){.len = 0};
    }
    const bool good = write_all(disk);
    const int saved = errno;
    for (size_t i = 0; i < MEDSEC__SPOOL_KINDS; i++) {
        medsec__spool_stream *stream = &disk->streams[i];
        if (good && stream->group.block.count > 0) {
            count_in(disk, stream);
        } else if (!good) {
            give_up(stream);
        }
    }
    disk->syncs += good;
    disk->uncut = disk->uncut || !good;
    medsec__spool_disk_begin(disk);
    errno = saved;
    return good ? MEDSEC_OK : MEDSEC_ERR_IO;
}
