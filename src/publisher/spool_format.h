/* SPDX-License-Identifier: Apache-2.0 */
#ifndef MEDSEC_PUBLISHER_SPOOL_FORMAT_H
#define MEDSEC_PUBLISHER_SPOOL_FORMAT_H

#include <medsec/publisher.h>

/*
 * The bytes of a spool, as docs/spool.md has them; no file is touched here. A segment is a header
 * and blocks; a block is what was made safe together: a header and the sealed records.
 */
#define MEDSEC__SPOOL_HEADER_LEN 64u /* of a segment */
#define MEDSEC__SPOOL_BLOCK_HEADER_LEN 64u
#define MEDSEC__SPOOL_TAG_LEN 16u
#define MEDSEC__SPOOL_ID_LEN 16u
#define MEDSEC__SPOOL_MARK_LEN 48u
#define MEDSEC__SPOOL_RECORD_LEN 20u /* of a record, without topic and payload */
#define MEDSEC__SPOOL_BLOCK_MAX (1024u * 1024u) /* bytes of records in a block */

/* Subkeys of the spool's key; in locked memory. */
typedef struct medsec__spool_keys {
    uint8_t seal[32];
    uint8_t check[32];
} medsec__spool_keys;

void medsec__spool_keys_derive(medsec__spool_keys *keys, const uint8_t key[MEDSEC_SPOOL_KEY_LEN]);

/* What messages may be lost when there is no room: each kind has its own segments. */
typedef enum medsec__spool_kind {
    MEDSEC__SPOOL_KEPT,
    MEDSEC__SPOOL_DROPPABLE,
    MEDSEC__SPOOL_KINDS
} medsec__spool_kind;

typedef struct medsec__spool_header {
    medsec__spool_kind kind;
    uint64_t first; /* sequence number; also the file's name */
    uint64_t time_ms; /* UTC, when it was begun */
    uint8_t id[MEDSEC__SPOOL_ID_LEN]; /* random; bound into each block */
} medsec__spool_header;

void medsec__spool_header_write(uint8_t out[MEDSEC__SPOOL_HEADER_LEN],
                                const medsec__spool_header *header, const medsec__spool_keys *keys);
/* False: not one that this key wrote. */
bool medsec__spool_header_read(medsec__spool_header *header,
                               const uint8_t in[MEDSEC__SPOOL_HEADER_LEN],
                               const medsec__spool_keys *keys);

typedef struct medsec__spool_block {
    size_t len; /* of the records */
    uint32_t count;
    uint64_t first; /* sequence numbers, ascending, with gaps */
    uint64_t last;
    uint64_t time_ms;
} medsec__spool_block;

/* What a block takes in the file. */
size_t medsec__spool_block_size(const medsec__spool_block *block);

/* Seals `block->len` bytes of records into `out`, which has room for the block's size. `at` is the
 * place in the segment. */
void medsec__spool_block_seal(uint8_t *out, const uint8_t *records,
                              const medsec__spool_block *block, const uint8_t *id, uint64_t at,
                              const medsec__spool_keys *keys);

/* Only that it can be one: who can write the file can write this. False: it cannot. */
bool medsec__spool_block_read(medsec__spool_block *block,
                              const uint8_t in[MEDSEC__SPOOL_BLOCK_HEADER_LEN]);

/* Opens a whole block, header and all, into `records`. ERR_CRYPTO: not one that this key wrote at
 * this place of this segment. */
MEDSEC_CHECK medsec_status medsec__spool_block_open(uint8_t *records, const uint8_t *in,
                                                    const medsec__spool_block *block,
                                                    const uint8_t *id, uint64_t at,
                                                    const medsec__spool_keys *keys);

/* Bytes that the message takes in a block; 0: it is too long for the spool. */
size_t medsec__spool_record_size(const medsec_message *message);
void medsec__spool_record_write(uint8_t *out, uint64_t sequence, const medsec_message *message);

/* The record at the beginning of `in`; the message points into it. Its size; 0: malformed. */
size_t medsec__spool_record_read(uint64_t *sequence, medsec_message *message, const uint8_t *in,
                                 size_t len);

/* How far all is delivered. It proves the key of the folder, too. */
void medsec__spool_mark_write(uint8_t out[MEDSEC__SPOOL_MARK_LEN], uint64_t sequence,
                              const medsec__spool_keys *keys);
/* ERR_CORRUPT: its number is damaged; ERR_CRYPTO: another key's; ERR_SYNTAX: no mark at all. */
MEDSEC_CHECK medsec_status medsec__spool_mark_read(uint64_t *sequence,
                                                   const uint8_t in[MEDSEC__SPOOL_MARK_LEN],
                                                   const medsec__spool_keys *keys);

#endif
