/* SPDX-License-Identifier: Apache-2.0 */
#ifndef MEDSEC_CORE_SEED_BLOCK_H
#define MEDSEC_CORE_SEED_BLOCK_H

#include <medsec/limits.h>

#include <stddef.h>
#include <stdint.h>

#define MEDSEC__SEED_FILL '&'
#define MEDSEC__SEED_JOIN '+'

/* Characters of a decrypted block in front of the fill at its end; 16 when there is no fill. */
static inline size_t medsec__seed_unfilled(const uint8_t text[MEDSEC_AES_BLOCK_LEN])
{
    size_t len = MEDSEC_AES_BLOCK_LEN;
    while (len > 0 && text[len - 1] == MEDSEC__SEED_FILL) {
        len--;
    }
    return len;
}

#endif
