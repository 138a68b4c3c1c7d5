/* SPDX-License-Identifier: Apache-2.0 */
#include "spool_disk.h"

#include <sodium.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>
#include <uv.h>

#define NS_PER_MS 1000000u
#define SEGMENTS 64u /* of a full spool: what is dropped at once is this part of it */
#define SEGMENT_MIN (256u * 1024u)
#define SEGMENT_MAX (64u * 1024u * 1024u)
/* Above this part of the room, senders who can wait should: the rest is for what was already read,
 * and for what cannot be sent again. */
#define FULL_NUMERATOR 3u
#define FULL_DENOMINATOR 4u
#define MARK_EVERY 1024u /* deliveries: so many are repeated after a kill */
/* 2024-01-01: a clock that stood before it was not set, and says nothing about age. */
#define CLOCK_MIN_MS 1704067200000u

uint64_t medsec__spool_now_ms(const medsec__spool_disk *disk)
{
    return disk->begun_ms + (uv_hrtime() - disk->begun_ns) / NS_PER_MS;
}

void medsec__spool_segment_insert(medsec__spool_stream *stream, medsec__spool_segment *segment)
{
    medsec__spool_segment **place = &stream->oldest;
    const bool last = stream->newest && stream->newest->header.first < segment->header.first;
    if (last) {
        place = &stream->newest->next;
    }
    while (*place && (*place)->header.first < segment->header.first) {
        place = &(*place)->next;
    }
    segment->next = *place;
    *place = segment;
    if (!segment->next) {
        stream->newest = segment;
    }
}

static void forget_active(medsec__spool_stream *stream)
{
    if (stream->active) {
        close(stream->fd);
        stream->active = NULL;
    }
}

static void unlink_segment(medsec__spool_stream *stream, const medsec__spool_segment *segment)
{
    medsec__spool_segment **place = &stream->oldest, *before = NULL;
    for (; *place != segment; place = &(*place)->next) {
        before = *place;
    }
    *place = segment->next;
    stream->newest = segment->next ? stream->newest : before;
}

uint64_t medsec__spool_segment_remove(medsec__spool_disk *disk, medsec__spool_segment *segment)
{
    const medsec__spool_kind kind = segment->header.kind;
    medsec__spool_stream *stream = &disk->streams[kind];
    if (stream->active == segment) {
        forget_active(stream);
    }
    if (stream->reader.at == segment) {
        medsec__spool_reader_reset(&stream->reader);
    }
    const medsec__spool_name name = medsec__spool_segment_name(kind, segment->header.first);
    (void)unlinkat(disk->folder, name.text, 0);
    unlink_segment(stream, segment);
    stream->bytes -= segment->end;
    const uint64_t left = segment->left;
    disk->messages -= left;
    free(segment);
    return left;
}

bool medsec__spool_disk_full(const medsec__spool_disk *disk)
{
    return disk->streams[MEDSEC__SPOOL_KEPT].bytes >=
           disk->bytes_max / FULL_DENOMINATOR * FULL_NUMERATOR;
}

void medsec__spool_disk_settle(medsec__spool_disk *disk, medsec__spool_kind kind, uint64_t sequence)
{
    medsec__spool_segment *segment = disk->streams[kind].oldest;
    while (segment && segment->last < sequence) {
        segment = segment->next;
    }
    if (segment && segment->left > 0 && segment->header.first <= sequence) {
        segment->left--;
        disk->messages--;
    }
}

static void trim_kind(medsec__spool_disk *disk, medsec__spool_kind kind, uint64_t sequence,
                      bool whole)
{
    const medsec__spool_stream *stream = &disk->streams[kind];
    const uint64_t taken = stream->reader.from;
    const uint64_t done = taken < sequence ? taken : sequence;
    while (stream->oldest && stream->oldest->last < done && !stream->oldest->uncut &&
           (whole || stream->oldest != stream->active)) {
        (void)medsec__spool_segment_remove(disk, stream->oldest);
    }
}

void medsec__spool_disk_trim(medsec__spool_disk *disk, uint64_t sequence, bool whole)
{
    if (sequence > disk->marked + 1 && (whole || sequence - 1 - disk->marked >= MARK_EVERY)) {
        medsec__spool_folder_mark(disk, sequence - 1);
    }
    for (medsec__spool_kind kind = MEDSEC__SPOOL_KEPT; kind < MEDSEC__SPOOL_KINDS; kind++) {
        trim_kind(disk, kind, sequence, whole);
    }
}

static uint64_t age_of(const medsec__spool_disk *disk, uint64_t time_ms)
{
    const uint64_t now = medsec__spool_now_ms(disk);
    return time_ms >= CLOCK_MIN_MS && time_ms < now ? now - time_ms : 0;
}

void medsec__spool_disk_expire(medsec__spool_disk *disk)
{
    for (medsec__spool_kind kind = MEDSEC__SPOOL_KEPT; kind < MEDSEC__SPOOL_KINDS; kind++) {
        const medsec__spool_stream *stream = &disk->streams[kind];
        while (stream->oldest && age_of(disk, stream->oldest->newest_ms) > disk->age_ms) {
            disk->expired += medsec__spool_segment_remove(disk, stream->oldest);
        }
    }
}

uint64_t medsec__spool_disk_age_ms(const medsec__spool_disk *disk)
{
    uint64_t oldest = 0;
    for (medsec__spool_kind kind = MEDSEC__SPOOL_KEPT; kind < MEDSEC__SPOOL_KINDS; kind++) {
        const medsec__spool_segment *segment = disk->streams[kind].oldest;
        const uint64_t age =
            segment && segment->left > 0 ? age_of(disk, segment->header.time_ms) : 0;
        oldest = age > oldest ? age : oldest;
    }
    return oldest;
}

static uint64_t clamp(uint64_t value, uint64_t min, uint64_t max)
{
    return value < min ? min : value > max ? max : value;
}

static bool allocate(medsec__spool_disk *disk, const uint8_t *key)
{
    const medsec__spool_block largest = {.len = MEDSEC__SPOOL_BLOCK_MAX};
    disk->sealed = malloc(medsec__spool_block_size(&largest));
    disk->keys = sodium_init() < 0 ? NULL : sodium_malloc(sizeof *disk->keys);
    bool good = disk->sealed && disk->keys;
    for (size_t i = 0; i < MEDSEC__SPOOL_KINDS; i++) {
        medsec__spool_stream *stream = &disk->streams[i];
        stream->reader.fd = -1;
        stream->reader.records = malloc(MEDSEC__SPOOL_BLOCK_MAX);
        stream->group.records = malloc(MEDSEC__SPOOL_BLOCK_MAX);
        good = good && stream->reader.records && stream->group.records;
    }
    if (good) {
        medsec__spool_keys_derive(disk->keys, key);
    }
    return good;
}

static uint64_t clock_ms(void)
{
    struct timespec now;
    clock_gettime(CLOCK_REALTIME, &now);
    return (uint64_t)now.tv_sec * 1000 + (uint64_t)now.tv_nsec / NS_PER_MS;
}

medsec_status medsec__spool_disk_open(medsec__spool_disk *disk, const medsec_spool_options *options)
{
    memset(disk, 0, sizeof *disk);
    disk->folder = disk->state = -1;
    disk->log = options->log;
    disk->bytes_max = options->bytes ? options->bytes : MEDSEC_SPOOL_BYTES;
    disk->segment_max = clamp(disk->bytes_max / SEGMENTS, SEGMENT_MIN, SEGMENT_MAX);
    disk->age_ms = (options->age_s ? options->age_s : MEDSEC_SPOOL_AGE_S) * (uint64_t)1000;
    disk->begun_ms = clock_ms();
    disk->begun_ns = uv_hrtime();
    if (!allocate(disk, options->key)) {
        return MEDSEC_ERR_MEMORY;
    }
    medsec_status status = medsec__spool_folder_open(disk, options->folder);
    if (status == MEDSEC_OK) {
        status = medsec__spool_folder_scan(disk);
    }
    medsec__spool_disk_seek(disk, disk->marked + 1);
    return status;
}

static void close_stream(medsec__spool_stream *stream)
{
    forget_active(stream);
    medsec__spool_reader_reset(&stream->reader);
    while (stream->oldest) {
        medsec__spool_segment *next = stream->oldest->next;
        free(stream->oldest);
        stream->oldest = next;
    }
    uint8_t *const blocks[] = {stream->reader.records, stream->group.records};
    for (size_t i = 0; i < 2; i++) {
        if (blocks[i]) {
            sodium_memzero(blocks[i], MEDSEC__SPOOL_BLOCK_MAX); /* vitals */
        }
        free(blocks[i]);
    }
}

void medsec__spool_disk_close(medsec__spool_disk *disk)
{
    for (size_t i = 0; i < MEDSEC__SPOOL_KINDS; i++) {
        close_stream(&disk->streams[i]);
    }
    if (disk->state >= 0) {
        close(disk->state);
    }
    if (disk->folder >= 0) {
        close(disk->folder);
    }
    sodium_free(disk->keys);
    free(disk->sealed);
}
