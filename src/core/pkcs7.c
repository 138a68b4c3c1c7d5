/* SPDX-License-Identifier: Apache-2.0 */
#include "pkcs7.h"

/* All ones when a < b, else 0; both below 2^31. */
static uint32_t mask_below(uint32_t a, uint32_t b)
{
    return 0u - ((a - b) >> 31);
}

size_t medsec__pkcs7_len(const uint8_t block[MEDSEC_AES_BLOCK_LEN])
{
    uint32_t pad = block[MEDSEC_AES_BLOCK_LEN - 1];
    uint32_t good = mask_below(0, pad) & mask_below(pad, MEDSEC_AES_BLOCK_LEN + 1);
    for (uint32_t i = 0; i < MEDSEC_AES_BLOCK_LEN; i++) {
        uint32_t differs = block[MEDSEC_AES_BLOCK_LEN - 1 - i] ^ pad;
        good &= ~(mask_below(i, pad) & mask_below(0, differs));
    }
    return pad & good;
}
