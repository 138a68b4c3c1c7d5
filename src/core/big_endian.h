/* SPDX-License-Identifier: Apache-2.0 */
#ifndef MEDSEC_CORE_BIG_ENDIAN_H
#define MEDSEC_CORE_BIG_ENDIAN_H

#include <stddef.h>
#include <stdint.h>

/* Numbers of `len` bytes, most significant first: all that the wires use. */

static inline void medsec__store_be(uint8_t *out, uint64_t number, size_t len)
{
    for (size_t i = len; i > 0; i--) {
        out[i - 1] = (uint8_t)number;
        number >>= 8;
    }
}

static inline uint64_t medsec__load_be(const uint8_t *in, size_t len)
{
    uint64_t number = 0;
    for (size_t i = 0; i < len; i++) {
        number = number << 8 | in[i];
    }
    return number;
}

#endif
