/* SPDX-License-Identifier: Apache-2.0 */
#ifndef FIRMWARE_DRBG_H
#define FIRMWARE_DRBG_H

#include "board.h"

#include <medsec/provision.h>

#include <bearssl.h>

/*
 * HMAC_DRBG with SHA-256 (SP 800-90A revision 1, section 10.1.2; BearSSL's), fed with the seed of
 * this start from the boot log and with noise of the ring oscillator and the converter. The seed
 * alone is enough; the noise makes the output unforeseeable also to who has read the flash before.
 */
typedef struct drbg {
    br_hmac_drbg_context hmac;
    bool seeded; /* false: gives nothing, so that no key is ever made from it */
} drbg;

/* Noise gathered from the board, condensed: for boot_log_next and drbg_start. *alive: the ring
 * oscillator's bits are no constant (repetition count, SP 800-90B section 4.4.1); a dead one adds
 * nothing, and does no harm. */
void drbg_noise(uint8_t out[MEDSEC_BOOT_SEED_LEN], bool *alive, const board *board,
                const medsec_crypto *crypto);
/* Takes the seed of `mine`, which is wiped there. */
void drbg_start(drbg *drbg, const medsec_crypto *crypto, medsec_boot_record *mine,
                const uint8_t noise[MEDSEC_BOOT_SEED_LEN]);
/* As medsec_device_options.random wants it; `context` is the drbg. Without a seed the program ends
 * in a trap (on a chip: a fault, which resets it) instead of giving bytes that somebody could
 * foresee: look at `seeded` first. */
void drbg_random(void *context, uint8_t *out, size_t len);

#endif
