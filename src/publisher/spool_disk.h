/* SPDX-License-Identifier: Apache-2.0 */
#ifndef MEDSEC_PUBLISHER_SPOOL_DISK_H
#define MEDSEC_PUBLISHER_SPOOL_DISK_H

#include "spool_format.h"

/*
 * The spool's files. Messages have ascending sequence numbers; they are added to a group, which
 * is committed: all of it is safe then, or nothing. They are read in order, and settled when they
 * are delivered. One thread at a time; blocks while the disk works.
 */
#define MEDSEC__SPOOL_GROUP_MAX 16384u /* messages of one kind in a group */
/* Sequence numbers that are left out for messages that may come later and go before: more than any
 * memory holds. A segment does not span such a gap. */
#define MEDSEC__SPOOL_RESERVE (UINT64_C(1) << 28)

/* One file. */
typedef struct medsec__spool_segment {
    struct medsec__spool_segment *next; /* with higher numbers */
    medsec__spool_header header;
    uint64_t last; /* sequence number */
    uint64_t end; /* bytes that are safe */
    uint64_t newest_ms; /* when its last block was written */
    uint64_t left; /* messages not settled */
    bool found; /* of an earlier run: its last block may be torn */
    bool uncut; /* behind `end` is what a failed write left */
} medsec__spool_segment;

/* Where reading stands: a block, opened, and the record in it. */
typedef struct medsec__spool_reader {
    medsec__spool_segment *at; /* NULL: to be found by `from` */
    int fd;
    uint64_t offset; /* of the block behind the one that is open */
    uint64_t from; /* what has a lower sequence number was taken */
    uint8_t *records;
    size_t len;
    size_t pos;
} medsec__spool_reader;

/* A group in the making. */
typedef struct medsec__spool_group {
    uint8_t *records;
    medsec__spool_block block;
} medsec__spool_group;

/* The messages of one kind. */
typedef struct medsec__spool_stream {
    medsec__spool_segment *oldest;
    medsec__spool_segment *newest;
    medsec__spool_segment *active; /* the one that grows; NULL: none */
    int fd; /* of it */
    uint64_t bytes;
    medsec__spool_reader reader;
    medsec__spool_group group;
} medsec__spool_stream;

typedef struct medsec__spool_disk {
    int folder;
    int state; /* the file that holds the lock and the mark */
    medsec__spool_keys *keys;
    medsec_log *log;
    uint64_t bytes_max;
    uint64_t segment_max;
    uint64_t age_ms;
    uint64_t begun_ms; /* UTC when it was opened */
    uint64_t begun_ns; /* steady clock, then */
    bool uncut; /* some segment is */
    uint64_t highest; /* sequence number ever seen here */
    uint64_t marked;
    uint8_t *sealed; /* one block, on its way */
    medsec__spool_stream streams[MEDSEC__SPOOL_KINDS];
    uint64_t messages; /* not settled */
    uint64_t dropped;
    uint64_t expired;
    uint64_t damaged; /* lost by a disk that gave back something else */
    uint64_t syncs;
} medsec__spool_disk;

typedef struct medsec__spool_record {
    medsec__spool_kind kind;
    uint64_t sequence;
    medsec_message message; /* points into the block */
    size_t size;
} medsec__spool_record;

/* ERR_IO, ERR_PERMISSION, ERR_BUSY, ERR_CRYPTO, ERR_MEMORY as medsec_publisher_spool_create. Close
 * it in any case. */
MEDSEC_CHECK medsec_status medsec__spool_disk_open(medsec__spool_disk *disk,
                                                   const medsec_spool_options *options);
void medsec__spool_disk_close(medsec__spool_disk *disk);

/* UTC as the clock was at the opening: it does not jump. */
uint64_t medsec__spool_now_ms(const medsec__spool_disk *disk);

/* Forgets the group. */
void medsec__spool_disk_begin(medsec__spool_disk *disk);
/* False: the group is full. */
bool medsec__spool_disk_add(medsec__spool_disk *disk, uint64_t sequence,
                            const medsec_message *message);
/* Makes the group safe; it is forgotten then. ERR_BUSY: no room for what may not be dropped (not
 * with `force`); ERR_IO: the disk failed (errno). `*dropped`: the droppable ones found no room. */
MEDSEC_CHECK medsec_status medsec__spool_disk_commit(medsec__spool_disk *disk, bool force,
                                                     bool *dropped);
/* True: so little room that senders who can wait should. */
bool medsec__spool_disk_full(const medsec__spool_disk *disk);

/* The next one in order, of both kinds. ERR_NOT_FOUND: all were taken; ERR_IO: try again. */
MEDSEC_CHECK medsec_status medsec__spool_disk_peek(medsec__spool_disk *disk,
                                                   medsec__spool_record *record);
/* Goes on behind it. */
void medsec__spool_disk_take(medsec__spool_disk *disk, const medsec__spool_record *record);
/* Goes back to this sequence number. */
void medsec__spool_disk_seek(medsec__spool_disk *disk, uint64_t sequence);

/* This one was delivered. */
void medsec__spool_disk_settle(medsec__spool_disk *disk, medsec__spool_kind kind,
                               uint64_t sequence);
/* All below this number that were taken are delivered: removes segments, and keeps the number for
 * another start. With `whole` also those that still grow. */
void medsec__spool_disk_trim(medsec__spool_disk *disk, uint64_t sequence, bool whole);
/* Removes segments that are too old. */
void medsec__spool_disk_expire(medsec__spool_disk *disk);
uint64_t medsec__spool_disk_age_ms(const medsec__spool_disk *disk);

/* Between the files of the disk. */

/* Opens the folder, its lock and its mark. */
MEDSEC_CHECK medsec_status medsec__spool_folder_open(medsec__spool_disk *disk, const char *path);
/* Finds what an earlier run left. */
MEDSEC_CHECK medsec_status medsec__spool_folder_scan(medsec__spool_disk *disk);
void medsec__spool_folder_mark(medsec__spool_disk *disk, uint64_t sequence);

typedef struct medsec__spool_name {
    char text[24];
} medsec__spool_name;
medsec__spool_name medsec__spool_segment_name(medsec__spool_kind kind, uint64_t first);

/* All of it, or false (errno). */
bool medsec__spool_read_at(int fd, uint8_t *out, size_t len, uint64_t at);
bool medsec__spool_write_at(int fd, const uint8_t *data, size_t len, uint64_t at);

void medsec__spool_segment_insert(medsec__spool_stream *stream, medsec__spool_segment *segment);
/* Removes it with its file; how many of its messages were not settled. */
uint64_t medsec__spool_segment_remove(medsec__spool_disk *disk, medsec__spool_segment *segment);
/* The next record of one kind; as medsec__spool_disk_peek. */
MEDSEC_CHECK medsec_status medsec__spool_reader_peek(medsec__spool_disk *disk,
                                                     medsec__spool_kind kind,
                                                     medsec__spool_record *record);
void medsec__spool_reader_reset(medsec__spool_reader *reader);

#endif
