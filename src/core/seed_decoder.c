/* SPDX-License-Identifier: Apache-2.0 */
#include <medsec/seed_frame.h>

#include "hex_table.h"
#include "seed_block.h"
#include "text.h"

#include <medsec/hex.h>
#include <string.h>

enum state {
    BOUNDARY, /* no frame is open */
    DIGITS, /* of a block */
    JOIN /* a block is whole, its frame is not */
};

enum { BLOCK = MEDSEC_AES_BLOCK_LEN, BLOCK_DIGITS = MEDSEC_SEED_BLOCK_HEX_LEN };

/* What a block makes of the text so far. */
typedef enum outcome { GOES_ON, ENDED, BROKEN } outcome;

/*
 * `&` at the end of a block is fill only when the object in front of it is closed; inside of the
 * object (an unknown member's string) it is a character like others.
 */
static outcome feed(medsec_reading_parser *parser, const uint8_t text[BLOCK])
{
    size_t len = medsec__seed_unfilled(text);
    if (medsec_reading_parser_push(parser, (const char *)text, len) != MEDSEC_OK) {
        return BROKEN;
    }
    if (len == BLOCK) {
        return GOES_ON;
    }
    if (medsec_reading_parser_result(parser) != MEDSEC_ERR_STATE) {
        return ENDED;
    }
    medsec_status status =
        medsec_reading_parser_push(parser, (const char *)text + len, BLOCK - len);
    return status == MEDSEC_OK ? GOES_ON : BROKEN;
}

bool medsec_seed_text_begins_reading(const medsec_profile *profile, const uint8_t text[BLOCK])
{
    if (profile == NULL || text == NULL || (text[0] != '{' && !medsec__is_space((char)text[0]))) {
        return false;
    }
    medsec_reading_parser parser;
    medsec_reading_parser_init(&parser, profile);
    if (feed(&parser, text) == BROKEN) {
        return false;
    }
    medsec_status status = medsec_reading_parser_result(&parser);
    return status == MEDSEC_OK || status == MEDSEC_ERR_STATE;
}

/* A wrong key or chaining gives noise, and noise is hardly ever text: 1 block in ten million is. */
static bool is_text(const uint8_t text[BLOCK])
{
    for (size_t i = 0; i < BLOCK; i++) {
        if (!medsec__is((char)text[i], MEDSEC__PRINTABLE) && !medsec__is_space((char)text[i])) {
            return false;
        }
    }
    return true;
}

static medsec_status fault_of(const medsec_reading_parser *parser, const uint8_t text[BLOCK])
{
    return is_text(text) ? (medsec_status)parser->fault : MEDSEC_ERR_CRYPTO;
}

static bool runs(const medsec_seed_decoder *decoder, medsec_seed_chaining chaining)
{
    return decoder->chaining == MEDSEC_SEED_UNDECIDED || decoder->chaining == chaining;
}

static void begin_frame(medsec_seed_decoder *decoder)
{
    const medsec_profile *profile = decoder->per_block.profile;
    if (runs(decoder, MEDSEC_SEED_PER_BLOCK)) {
        medsec_reading_parser_init(&decoder->per_block, profile);
    }
    if (runs(decoder, MEDSEC_SEED_CHAINED)) {
        medsec_reading_parser_init(&decoder->chained, profile);
    }
    memcpy(decoder->chain, decoder->iv, BLOCK);
    decoder->blocks = 0;
    decoder->nibbles = 0;
    decoder->state = DIGITS;
}

/* Both candidates take the block; when exactly one of them can be right, it is for good. */
static medsec_status feed_both(medsec_seed_decoder *decoder, const uint8_t per_block[BLOCK],
                               const uint8_t chained[BLOCK], outcome *result)
{
    outcome a = feed(&decoder->per_block, per_block);
    outcome b = feed(&decoder->chained, chained);
    if (a == BROKEN && b == BROKEN) {
        medsec_status status = fault_of(&decoder->per_block, per_block);
        return status == MEDSEC_ERR_CRYPTO ? fault_of(&decoder->chained, chained) : status;
    }
    if (b == BROKEN || (a == ENDED && b != ENDED)) {
        decoder->chaining = MEDSEC_SEED_PER_BLOCK;
    } else if (a == BROKEN || (b == ENDED && a != ENDED)) {
        decoder->chaining = MEDSEC_SEED_CHAINED;
    }
    *result = decoder->chaining == MEDSEC_SEED_CHAINED ? b : a;
    return MEDSEC_OK;
}

static medsec_reading_parser *parser_in_use(medsec_seed_decoder *decoder)
{
    return decoder->chaining == MEDSEC_SEED_CHAINED ? &decoder->chained : &decoder->per_block;
}

static medsec_status feed_one(medsec_seed_decoder *decoder, const uint8_t text[BLOCK],
                              outcome *result)
{
    medsec_reading_parser *parser = parser_in_use(decoder);
    *result = feed(parser, text);
    return *result == BROKEN ? fault_of(parser, text) : MEDSEC_OK;
}

/* Decrypts the block and feeds it. */
static medsec_status take_block(medsec_seed_decoder *decoder, outcome *result)
{
    uint8_t text[BLOCK];
    uint8_t chain[BLOCK];
    bool chained = decoder->chaining == MEDSEC_SEED_CHAINED;
    memcpy(chain, chained ? decoder->chain : decoder->iv, BLOCK);
    medsec_status status = medsec_aes_cbc_run(&decoder->aes, text, decoder->block, BLOCK, chain);
    if (status != MEDSEC_OK) {
        return status;
    }
    if (decoder->chaining == MEDSEC_SEED_UNDECIDED) {
        uint8_t other[BLOCK];
        for (size_t i = 0; i < BLOCK; i++) {
            other[i] = text[i] ^ decoder->iv[i] ^ decoder->chain[i];
        }
        status = feed_both(decoder, text, other, result);
    } else {
        status = feed_one(decoder, text, result);
    }
    memcpy(decoder->chain, decoder->block, BLOCK);
    decoder->blocks++;
    return status;
}

/* Takes digits up to the end of the block. */
static medsec_status take_digits(medsec_seed_decoder *decoder, const uint8_t *data, size_t len,
                                 size_t *used)
{
    if (decoder->nibbles == 0 && len >= BLOCK_DIGITS) {
        decoder->nibbles = BLOCK_DIGITS;
        *used += BLOCK_DIGITS;
        medsec_status status = medsec_hex_decode(decoder->block, (const char *)data, BLOCK_DIGITS);
        return status == MEDSEC_OK ? MEDSEC_OK : MEDSEC_ERR_FRAME;
    }
    size_t count = 0;
    while (count < len && decoder->nibbles < BLOCK_DIGITS) {
        int digit = medsec__hex_digit((char)data[count]);
        if (digit < 0) {
            return MEDSEC_ERR_FRAME;
        }
        uint8_t *byte = &decoder->block[decoder->nibbles / 2];
        *byte = (uint8_t)(*byte << 4 | digit);
        decoder->nibbles++;
        count++;
    }
    *used += count;
    return MEDSEC_OK;
}

static medsec_status take_join(medsec_seed_decoder *decoder, uint8_t c)
{
    if (c != MEDSEC__SEED_JOIN) {
        return MEDSEC_ERR_FRAME;
    }
    if (decoder->blocks == MEDSEC_SEED_BLOCKS_MAX) {
        return MEDSEC_ERR_LIMIT;
    }
    decoder->nibbles = 0;
    decoder->state = DIGITS;
    return MEDSEC_OK;
}

static medsec_status advance(medsec_seed_decoder *decoder, const uint8_t *data, size_t len,
                             size_t *used, bool *ended)
{
    outcome result = GOES_ON;
    medsec_status status = MEDSEC_OK;
    switch (decoder->state) {
    case BOUNDARY:
        begin_frame(decoder);
        return MEDSEC_OK;
    case DIGITS:
        status = take_digits(decoder, data, len, used);
        if (status != MEDSEC_OK || decoder->nibbles < BLOCK_DIGITS) {
            return status;
        }
        status = take_block(decoder, &result);
        *ended = status == MEDSEC_OK && result == ENDED;
        decoder->state = *ended ? BOUNDARY : JOIN;
        return status;
    case JOIN:
        ++*used;
        return take_join(decoder, data[0]);
    default:
        return MEDSEC_ERR_STATE;
    }
}

medsec_status medsec_seed_decoder_open(medsec_seed_decoder *decoder, const medsec_crypto *crypto,
                                       const medsec_profile *profile,
                                       const uint8_t key[MEDSEC_AES128_KEY_LEN],
                                       const uint8_t iv[BLOCK])
{
    if (decoder == NULL || profile == NULL || iv == NULL) {
        return MEDSEC_ERR_ARGUMENT;
    }
    memset(decoder, 0, sizeof *decoder);
    memcpy(decoder->iv, iv, BLOCK);
    medsec_reading_parser_init(&decoder->per_block, profile);
    return medsec_aes_cbc_open(&decoder->aes, crypto, MEDSEC_DECRYPT, key);
}

medsec_status medsec_seed_decoder_push(medsec_seed_decoder *decoder, const uint8_t *data,
                                       size_t len, size_t *used, medsec_seed_event *event,
                                       const medsec_reading **reading, medsec_status *reason)
{
    if (decoder == NULL || (data == NULL && len > 0) || used == NULL || event == NULL ||
        reading == NULL || reason == NULL) {
        return MEDSEC_ERR_ARGUMENT;
    }
    *used = 0;
    *event = MEDSEC_SEED_NONE;
    bool ended = false;
    while (*used < len && !ended && decoder->fault == MEDSEC_OK) {
        decoder->fault = (int16_t)advance(decoder, data + *used, len - *used, used, &ended);
    }
    if (ended) {
        const medsec_reading_parser *parser = parser_in_use(decoder);
        *reason = medsec_reading_parser_result(parser);
        *reading = &parser->reading;
        *event = *reason == MEDSEC_OK ? MEDSEC_SEED_READING : MEDSEC_SEED_BAD_READING;
    }
    return (medsec_status)decoder->fault;
}

bool medsec_seed_decoder_at_boundary(const medsec_seed_decoder *decoder)
{
    return decoder->state == BOUNDARY && decoder->fault == MEDSEC_OK;
}

void medsec_seed_decoder_close(medsec_seed_decoder *decoder)
{
    const medsec_crypto *crypto = decoder->aes.crypto;
    if (crypto == NULL) {
        return;
    }
    medsec_aes_cbc_close(&decoder->aes);
    crypto->wipe(decoder, sizeof *decoder);
}
