/* SPDX-License-Identifier: Apache-2.0 */
#include "drbg.h"

#include "crypto/bearssl/primitives.h"

/*
 * A ring oscillator is taken to give a quarter of a bit of entropy a bit. The repetition count test
 * then calls it dead after 1 + 20 / 0.25 equal bits, which happens by chance once in 2^20 bits; and
 * 2 048 bits are twice what 256 bits of seed ask for.
 */
enum { NOISE_BITS = 2048, NOISE_PIECE = 64, REPETITIONS_MAX = 80 };

typedef struct repetition {
    uint8_t last;
    uint32_t count; /* equal bits, up to now */
    bool dead;
} repetition;

static void count_repetitions(repetition *run, const uint8_t *bits, size_t len)
{
    for (size_t i = 0; i < len; i++) {
        uint8_t bit = bits[i] & 1;
        run->count = bit == run->last ? run->count + 1 : 1;
        run->last = bit;
        run->dead = run->dead || run->count > REPETITIONS_MAX;
    }
}

/* The lowest bits of a converted level, and the moment at which it was there, are noise as well. */
typedef struct conversion {
    uint64_t now_us;
    uint64_t level;
} conversion;

static void take_conversion(conversion *taken, const board *board)
{
    taken->level = board->adc_read(board->context, BOARD_ADC_CHIP);
    taken->now_us = board->now_us(board->context);
}

void drbg_noise(uint8_t out[MEDSEC_BOOT_SEED_LEN], bool *alive, const board *board,
                const medsec_crypto *crypto)
{
    uint8_t bits[NOISE_PIECE];
    conversion taken = {0};
    repetition run = {0};
    const medsec_bytes parts[] = {
        {out, MEDSEC_BOOT_SEED_LEN}, {bits, sizeof bits}, {(const uint8_t *)&taken, sizeof taken}};
    crypto->wipe(out, MEDSEC_BOOT_SEED_LEN);
    *alive = true;
    for (unsigned done = 0; done < NOISE_BITS; done += NOISE_PIECE) {
        board->noise(board->context, bits, sizeof bits);
        count_repetitions(&run, bits, sizeof bits);
        take_conversion(&taken, board);
        *alive = crypto->sha256(out, parts, sizeof parts / sizeof parts[0]) == MEDSEC_OK && *alive;
    }
    *alive = *alive && !run.dead;
    crypto->wipe(bits, sizeof bits);
}

void drbg_start(drbg *drbg, const medsec_crypto *crypto, medsec_boot_record *mine,
                const uint8_t noise[MEDSEC_BOOT_SEED_LEN])
{
    br_hmac_drbg_init(&drbg->hmac, &br_sha256_vtable, mine->seed, sizeof mine->seed);
    br_hmac_drbg_update(&drbg->hmac, noise, MEDSEC_BOOT_SEED_LEN);
    medsec__bear_wipe_stack();
    crypto->wipe(mine->seed, sizeof mine->seed);
    drbg->seeded = true;
}

void drbg_random(void *context, uint8_t *out, size_t len)
{
    drbg *drbg = context;
    if (!drbg->seeded) {
        __builtin_trap();
    }
    br_hmac_drbg_generate(&drbg->hmac, out, len);
    medsec__bear_wipe_stack();
}
