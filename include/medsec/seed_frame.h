/* SPDX-License-Identifier: Apache-2.0 */
#ifndef MEDSEC_SEED_FRAME_H
#define MEDSEC_SEED_FRAME_H

#include <medsec/aes_cbc.h>
#include <medsec/reading.h>

/*
 * The frames of the seed wire: blocks of 32 hex digits joined with `+`; the next frame follows
 * without a delimiter. The plaintext is filled to whole blocks with `&`, always at least one.
 */
typedef enum medsec_seed_chaining {
    MEDSEC_SEED_UNDECIDED = 0, /* no second block seen yet */
    MEDSEC_SEED_PER_BLOCK = 1, /* every block starts from the IV: the seed's simulator */
    MEDSEC_SEED_CHAINED = 2 /* CBC runs through the frame: the real Pico */
} medsec_seed_chaining;

/* A stream of frames becomes readings. Resumable: any split of the bytes gives the same events. */
typedef struct medsec_seed_decoder {
    medsec_aes_cbc aes;
    uint8_t iv[MEDSEC_AES_BLOCK_LEN];
    uint8_t chain[MEDSEC_AES_BLOCK_LEN]; /* last ciphertext block of this frame */
    uint8_t block[MEDSEC_AES_BLOCK_LEN]; /* block being read */
    uint8_t nibbles; /* of it, 0..32 */
    uint8_t blocks; /* complete ones in this frame */
    uint8_t state;
    uint8_t chaining; /* medsec_seed_chaining */
    int16_t fault; /* medsec_status, sticky */
    medsec_reading_parser per_block; /* both run until the second block tells them apart */
    medsec_reading_parser chained;
} medsec_seed_decoder;

typedef enum medsec_seed_event {
    MEDSEC_SEED_NONE = 0, /* all bytes were taken, no frame ended */
    MEDSEC_SEED_READING = 1, /* a frame ended in a valid reading */
    MEDSEC_SEED_BAD_READING = 2 /* a frame ended in a whole object that is no valid reading */
} medsec_seed_event;

MEDSEC_BEGIN_DECLS

/* Begins a stream of one device. The profile must outlive the decoder. ERR_PROVIDER. */
MEDSEC_API MEDSEC_CHECK medsec_status medsec_seed_decoder_open(
    medsec_seed_decoder *decoder, const medsec_crypto *crypto, const medsec_profile *profile,
    const uint8_t key[MEDSEC_AES128_KEY_LEN], const uint8_t iv[MEDSEC_AES_BLOCK_LEN]);

/*
 * Takes bytes up to the end of the next frame; `*used` says how many. The end is seen in the
 * frame's own last block, so the reading does not wait for the frame after it.
 *
 * READING: *reading points into the decoder, valid until the next call.
 * BAD_READING: *reason is ERR_MISSING or ERR_NUMBER; the stream itself is intact and may go on.
 *
 * ERR_FRAME: a character other than a hex digit or `+` in its place, or a frame cut short.
 * ERR_LIMIT: more than MEDSEC_SEED_BLOCKS_MAX blocks. ERR_CRYPTO: the blocks do not decrypt to text
 * in the chaining of this stream. The errors of medsec_reading_parser_push: they do, but not to the
 * text of a reading. ERR_PROVIDER. All of these stay.
 */
MEDSEC_API MEDSEC_CHECK medsec_status medsec_seed_decoder_push(
    medsec_seed_decoder *decoder, const uint8_t *data, size_t len, size_t *used,
    medsec_seed_event *event, const medsec_reading **reading, medsec_status *reason);

/* True between frames: a stream that ends here was not cut. */
MEDSEC_API bool medsec_seed_decoder_at_boundary(const medsec_seed_decoder *decoder);

/* Wipes keys and plaintext. May be called twice, and on a zeroed struct. */
MEDSEC_API void medsec_seed_decoder_close(medsec_seed_decoder *decoder);

/*
 * True when these 16 characters can begin a reading of this profile: how a key is recognised by
 * trial from the first block alone (equal in both chainings).
 */
MEDSEC_API bool medsec_seed_text_begins_reading(const medsec_profile *profile,
                                                const uint8_t text[MEDSEC_AES_BLOCK_LEN]);

/*
 * One frame out: fills `text` with `&`, encrypts with an encrypting `aes`, writes the characters.
 * ERR_BUFFER: `cap` below MEDSEC_SEED_FRAME_LEN(text_len / 16 + 1). ERR_LIMIT: more than 64 blocks.
 * ERR_ARGUMENT: chaining undecided.
 */
MEDSEC_API MEDSEC_CHECK medsec_status medsec_seed_frame_encode(
    char *out, size_t cap, size_t *len, medsec_aes_cbc *aes, medsec_seed_chaining chaining,
    const uint8_t iv[MEDSEC_AES_BLOCK_LEN], const char *text, size_t text_len);

/*
 * The plaintext of exactly one frame, fill removed, whatever it says: for inspection, and for
 * texts that are no readings. ERR_FRAME, ERR_LIMIT, ERR_BUFFER (`cap` below 16 bytes a block).
 */
MEDSEC_API MEDSEC_CHECK medsec_status medsec_seed_frame_decode(
    char *out, size_t cap, size_t *len, medsec_aes_cbc *aes, medsec_seed_chaining chaining,
    const uint8_t iv[MEDSEC_AES_BLOCK_LEN], const char *frame, size_t frame_len);

MEDSEC_END_DECLS

#endif
