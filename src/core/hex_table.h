/* SPDX-License-Identifier: Apache-2.0 */
#ifndef MEDSEC_CORE_HEX_TABLE_H
#define MEDSEC_CORE_HEX_TABLE_H

#include <stdint.h>

/* Value of a digit plus one; 0 for what is no digit. */
extern const uint8_t medsec__hex_table[256];

static inline int medsec__hex_digit(char c)
{
    return medsec__hex_table[(unsigned char)c] - 1;
}

#endif
