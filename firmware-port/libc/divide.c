/* SPDX-License-Identifier: Apache-2.0 */
#include "divide.h"

#include <stdbool.h>

uint64_t divide_32(uint32_t number, uint32_t by)
{
    uint32_t rest = 0;
    for (unsigned i = 0; i < 32; i++) {
        bool carry = rest >> 31 != 0;
        rest = rest << 1 | number >> 31;
        number <<= 1; /* the quotient moves in where the number moves out */
        if (carry || rest >= by) {
            rest -= by;
            number |= 1;
        }
    }
    return (uint64_t)rest << 32 | number;
}

uint64_t divide_64(uint64_t number, uint64_t by, uint64_t *remainder)
{
    uint64_t rest = 0;
    for (unsigned i = 0; i < 64; i++) {
        bool carry = rest >> 63 != 0;
        rest = rest << 1 | number >> 63;
        number <<= 1;
        if (carry || rest >= by) {
            rest -= by;
            number |= 1;
        }
    }
    *remainder = rest;
    return number;
}

static uint64_t size_of(int64_t number)
{
    return number < 0 ? 0 - (uint64_t)number : (uint64_t)number;
}

static uint64_t with_sign(uint64_t size, bool negative)
{
    return negative ? 0 - size : size;
}

/* The quotient is rounded towards zero, and the remainder has the number's sign. */
int64_t divide_signed_64(int64_t number, int64_t by, int64_t *remainder)
{
    uint64_t rest;
    uint64_t quotient = divide_64(size_of(number), size_of(by), &rest);
    *remainder = (int64_t)with_sign(rest, number < 0);
    return (int64_t)with_sign(quotient, (number < 0) != (by < 0));
}

uint64_t divide_signed_32(int32_t number, int32_t by)
{
    int64_t rest;
    int64_t quotient = divide_signed_64(number, by, &rest);
    return (uint64_t)rest << 32 | (uint32_t)quotient;
}
