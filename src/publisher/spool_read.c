/* SPDX-License-Identifier: Apache-2.0 */
#include "spool_disk.h"

#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

void medsec__spool_reader_reset(medsec__spool_reader *reader)
{
    if (reader->at) {
        close(reader->fd);
    }
    reader->at = NULL;
    reader->len = reader->pos = 0;
}

void medsec__spool_disk_seek(medsec__spool_disk *disk, uint64_t sequence)
{
    for (size_t i = 0; i < MEDSEC__SPOOL_KINDS; i++) {
        medsec__spool_reader_reset(&disk->streams[i].reader);
        disk->streams[i].reader.from = sequence;
    }
}

/* Somebody removed the file. */
static medsec_status forget(medsec__spool_disk *disk, medsec__spool_segment *segment)
{
    const medsec__spool_name name =
        medsec__spool_segment_name(segment->header.kind, segment->header.first);
    const uint64_t lost = medsec__spool_segment_remove(disk, segment);
    disk->damaged += lost;
    medsec_log_write(disk->log, MEDSEC_LOG_ERROR, "spool-damaged",
                     MEDSEC_LOG_STR("file", name.text), MEDSEC_LOG_STR("hint", "the file is gone"),
                     MEDSEC_LOG_INT("messages", lost));
    return MEDSEC_OK;
}

/* The first segment that has something to read. */
static medsec_status find_segment(medsec__spool_disk *disk, medsec__spool_kind kind,
                                  medsec__spool_reader *reader)
{
    medsec__spool_segment *segment = disk->streams[kind].oldest;
    while (segment && segment->last < reader->from) {
        segment = segment->next;
    }
    if (!segment) {
        return MEDSEC_ERR_NOT_FOUND;
    }
    const medsec__spool_name name = medsec__spool_segment_name(kind, segment->header.first);
    reader->fd = openat(disk->folder, name.text, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
    if (reader->fd < 0) {
        return errno == ENOENT ? forget(disk, segment) : MEDSEC_ERR_IO;
    }
    reader->at = segment;
    reader->offset = MEDSEC__SPOOL_HEADER_LEN;
    return MEDSEC_OK;
}

/* What cannot be read as it was written is skipped, so that the rest goes on. */
static void skip(medsec__spool_disk *disk, medsec__spool_reader *reader, uint64_t count,
                 uint64_t to)
{
    medsec__spool_segment *segment = reader->at;
    const uint64_t lost = count < segment->left ? count : segment->left;
    const medsec__spool_name name =
        medsec__spool_segment_name(segment->header.kind, segment->header.first);
    /* A tail that a crash tore was never reported safe. */
    const bool torn = to == segment->end && segment->found;
    medsec_log_write(disk->log, torn ? MEDSEC_LOG_WARN : MEDSEC_LOG_ERROR,
                     torn ? "spool-tail-cut" : "spool-damaged", MEDSEC_LOG_STR("file", name.text),
                     MEDSEC_LOG_INT("offset", reader->offset), MEDSEC_LOG_INT("messages", lost));
    disk->damaged += torn ? 0 : lost;
    segment->left -= lost;
    disk->messages -= lost;
    reader->offset = to;
}

/* A disk that fails may recover; a file that became shorter will not. */
static medsec_status unreadable(medsec__spool_disk *disk, medsec__spool_reader *reader)
{
    if (errno != ENODATA) {
        return MEDSEC_ERR_IO;
    }
    skip(disk, reader, reader->at->left, reader->at->end);
    return MEDSEC_OK;
}

static void open_block(medsec__spool_disk *disk, medsec__spool_reader *reader,
                       const medsec__spool_block *block, uint64_t size)
{
    const uint8_t *id = reader->at->header.id;
    if (medsec__spool_block_open(reader->records, disk->sealed, block, id, reader->offset,
                                 disk->keys) != MEDSEC_OK) {
        skip(disk, reader, block->count, reader->offset + size);
        return;
    }
    reader->len = block->len;
    reader->pos = 0;
    reader->offset += size;
}

/* The block at `offset`, or none of it if all in it was taken. */
static medsec_status read_block(medsec__spool_disk *disk, medsec__spool_reader *reader)
{
    medsec__spool_block block;
    if (!medsec__spool_read_at(reader->fd, disk->sealed, MEDSEC__SPOOL_BLOCK_HEADER_LEN,
                               reader->offset)) {
        return unreadable(disk, reader);
    }
    const uint64_t room = reader->at->end - reader->offset;
    if (!medsec__spool_block_read(&block, disk->sealed) ||
        medsec__spool_block_size(&block) > room) {
        skip(disk, reader, reader->at->left, reader->at->end);
        return MEDSEC_OK;
    }
    const uint64_t size = medsec__spool_block_size(&block);
    if (block.last < reader->from) {
        reader->offset += size;
        return MEDSEC_OK;
    }
    if (!medsec__spool_read_at(reader->fd, disk->sealed, (size_t)size, reader->offset)) {
        return unreadable(disk, reader);
    }
    open_block(disk, reader, &block, size);
    return MEDSEC_OK;
}

/* False: no record left in the open block that was not taken. */
static bool find_record(medsec__spool_reader *reader, medsec__spool_record *record)
{
    while (reader->pos < reader->len) {
        record->size =
            medsec__spool_record_read(&record->sequence, &record->message,
                                      reader->records + reader->pos, reader->len - reader->pos);
        if (record->size == 0) {
            break;
        }
        if (record->sequence >= reader->from) {
            return true;
        }
        reader->pos += record->size;
    }
    reader->len = reader->pos = 0;
    return false;
}

medsec_status medsec__spool_reader_peek(medsec__spool_disk *disk, medsec__spool_kind kind,
                                        medsec__spool_record *record)
{
    medsec__spool_reader *reader = &disk->streams[kind].reader;
    record->kind = kind;
    while (!find_record(reader, record)) {
        medsec_status status = MEDSEC_OK;
        if (!reader->at) {
            status = find_segment(disk, kind, reader);
        } else if (reader->offset < reader->at->end) {
            status = read_block(disk, reader);
        } else {
            reader->from = reader->at->last >= reader->from ? reader->at->last + 1 : reader->from;
            if (!reader->at->next) {
                return MEDSEC_ERR_NOT_FOUND;
            }
            medsec__spool_reader_reset(reader);
        }
        if (status != MEDSEC_OK) {
            return status;
        }
    }
    return MEDSEC_OK;
}

medsec_status medsec__spool_disk_peek(medsec__spool_disk *disk, medsec__spool_record *record)
{
    medsec__spool_record other;
    medsec_status kept = medsec__spool_reader_peek(disk, MEDSEC__SPOOL_KEPT, record);
    medsec_status droppable = medsec__spool_reader_peek(disk, MEDSEC__SPOOL_DROPPABLE, &other);
    if (kept == MEDSEC_ERR_IO || droppable == MEDSEC_ERR_IO) {
        return MEDSEC_ERR_IO;
    }
    if (droppable == MEDSEC_OK && (kept != MEDSEC_OK || other.sequence < record->sequence)) {
        *record = other;
        return MEDSEC_OK;
    }
    return kept;
}

void medsec__spool_disk_take(medsec__spool_disk *disk, const medsec__spool_record *record)
{
    medsec__spool_reader *reader = &disk->streams[record->kind].reader;
    reader->pos += record->size;
    reader->from = record->sequence + 1;
}
