/* SPDX-License-Identifier: Apache-2.0 */
#include <medsec/seed_frame.h>

#include "seed_block.h"

#include <medsec/hex.h>
#include <string.h>

enum { BLOCK = MEDSEC_AES_BLOCK_LEN };

/* The IV of the next block: the running one, or afresh. */
static void restart(medsec_seed_chaining chaining, uint8_t chain[BLOCK], const uint8_t iv[BLOCK])
{
    if (chaining == MEDSEC_SEED_PER_BLOCK) {
        memcpy(chain, iv, BLOCK);
    }
}

static bool is_decided(medsec_seed_chaining chaining)
{
    return chaining == MEDSEC_SEED_PER_BLOCK || chaining == MEDSEC_SEED_CHAINED;
}

medsec_status medsec_seed_frame_encode(char *out, size_t cap, size_t *len, medsec_aes_cbc *aes,
                                       medsec_seed_chaining chaining, const uint8_t iv[BLOCK],
                                       const char *text, size_t text_len)
{
    if (out == NULL || len == NULL || iv == NULL || (text == NULL && text_len > 0) ||
        !is_decided(chaining) || aes == NULL || aes->direction != MEDSEC_ENCRYPT) {
        return MEDSEC_ERR_ARGUMENT;
    }
    size_t blocks = text_len / BLOCK + 1;
    if (blocks > MEDSEC_SEED_BLOCKS_MAX) {
        return MEDSEC_ERR_LIMIT;
    }
    if (cap < MEDSEC_SEED_FRAME_LEN(blocks)) {
        return MEDSEC_ERR_BUFFER;
    }
    uint8_t chain[BLOCK];
    memcpy(chain, iv, BLOCK);
    for (size_t i = 0; i < blocks; i++) {
        uint8_t block[BLOCK];
        size_t rest = text_len - i * BLOCK;
        memset(block, MEDSEC__SEED_FILL, BLOCK);
        if (rest > 0) {
            memcpy(block, text + i * BLOCK, rest < BLOCK ? rest : BLOCK);
        }
        restart(chaining, chain, iv);
        medsec_status status = medsec_aes_cbc_run(aes, block, block, BLOCK, chain);
        if (status != MEDSEC_OK) {
            return status;
        }
        char *at = out + i * (MEDSEC_SEED_BLOCK_HEX_LEN + 1);
        if (i > 0) {
            at[-1] = MEDSEC__SEED_JOIN;
        }
        medsec_hex_encode(at, block, BLOCK);
    }
    *len = MEDSEC_SEED_FRAME_LEN(blocks);
    return MEDSEC_OK;
}

/* ERR_FRAME unless the characters are n blocks, joined. */
static medsec_status count_blocks(const char *frame, size_t frame_len, size_t *blocks)
{
    const size_t step = MEDSEC_SEED_BLOCK_HEX_LEN + 1;
    if (frame_len % step != MEDSEC_SEED_BLOCK_HEX_LEN) {
        return MEDSEC_ERR_FRAME;
    }
    *blocks = frame_len / step + 1;
    for (size_t i = 1; i < *blocks; i++) {
        if (frame[i * step - 1] != MEDSEC__SEED_JOIN) {
            return MEDSEC_ERR_FRAME;
        }
    }
    return *blocks > MEDSEC_SEED_BLOCKS_MAX ? MEDSEC_ERR_LIMIT : MEDSEC_OK;
}

medsec_status medsec_seed_frame_decode(char *out, size_t cap, size_t *len, medsec_aes_cbc *aes,
                                       medsec_seed_chaining chaining, const uint8_t iv[BLOCK],
                                       const char *frame, size_t frame_len)
{
    if (out == NULL || len == NULL || iv == NULL || (frame == NULL && frame_len > 0) ||
        !is_decided(chaining) || aes == NULL || aes->direction != MEDSEC_DECRYPT) {
        return MEDSEC_ERR_ARGUMENT;
    }
    size_t blocks = 0;
    medsec_status status = count_blocks(frame, frame_len, &blocks);
    if (status != MEDSEC_OK) {
        return status;
    }
    if (cap < blocks * BLOCK) {
        return MEDSEC_ERR_BUFFER;
    }
    uint8_t chain[BLOCK];
    uint8_t block[BLOCK] = {0};
    memcpy(chain, iv, BLOCK);
    for (size_t i = 0; i < blocks; i++) {
        const char *digits = frame + i * (MEDSEC_SEED_BLOCK_HEX_LEN + 1);
        if (medsec_hex_decode(block, digits, MEDSEC_SEED_BLOCK_HEX_LEN) != MEDSEC_OK) {
            return MEDSEC_ERR_FRAME;
        }
        restart(chaining, chain, iv);
        status = medsec_aes_cbc_run(aes, block, block, BLOCK, chain);
        if (status != MEDSEC_OK) {
            return status;
        }
        memcpy(out + i * BLOCK, block, BLOCK);
    }
    size_t unfilled = medsec__seed_unfilled(block);
    if (unfilled == BLOCK) {
        return MEDSEC_ERR_FRAME;
    }
    *len = (blocks - 1) * BLOCK + unfilled;
    return MEDSEC_OK;
}
