/* SPDX-License-Identifier: Apache-2.0 */
#include <medsec/hex.h>

#include "hex_table.h"

/* A table, because half of all branches on random digits would be mispredicted. */
const uint8_t medsec__hex_table[256] = {
    ['0'] = 1,  ['1'] = 2,  ['2'] = 3,  ['3'] = 4,  ['4'] = 5,  ['5'] = 6,  ['6'] = 7,  ['7'] = 8,
    ['8'] = 9,  ['9'] = 10, ['a'] = 11, ['b'] = 12, ['c'] = 13, ['d'] = 14, ['e'] = 15, ['f'] = 16,
    ['A'] = 11, ['B'] = 12, ['C'] = 13, ['D'] = 14, ['E'] = 15, ['F'] = 16,
};

void medsec_hex_encode(char *out, const uint8_t *in, size_t len)
{
    static const char digits[] = "0123456789abcdef";
    for (size_t i = 0; i < len; i++) {
        out[2 * i] = digits[in[i] >> 4];
        out[2 * i + 1] = digits[in[i] & 15];
    }
}

medsec_status medsec_hex_decode(uint8_t *out, const char *in, size_t len)
{
    if (len > 0 && (out == NULL || in == NULL)) {
        return MEDSEC_ERR_ARGUMENT;
    }
    if (len % 2 != 0) {
        return MEDSEC_ERR_SYNTAX;
    }
    for (size_t i = 0; i < len; i += 2) {
        int high = medsec__hex_digit(in[i]);
        int low = medsec__hex_digit(in[i + 1]);
        if (high < 0 || low < 0) {
            return MEDSEC_ERR_SYNTAX;
        }
        out[i / 2] = (uint8_t)(high << 4 | low);
    }
    return MEDSEC_OK;
}

int medsec_hex_digit(char c)
{
    return medsec__hex_digit(c);
}
