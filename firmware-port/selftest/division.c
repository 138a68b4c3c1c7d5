/* SPDX-License-Identifier: Apache-2.0 */
#include "selftest.h"

/* The compiler's `/` and `%`, of 32 and of 64 bits, signed and, where nothing is negative, not. */

static bool wide(uint64_t a, uint64_t b, uint64_t quotient, uint64_t rest)
{
    const int64_t x = (int64_t)a;
    const int64_t y = (int64_t)b;
    bool good = (uint64_t)(x / y) == quotient && (uint64_t)(x % y) == rest;
    return x < 0 || y < 0 ? good : good && a / b == quotient && a % b == rest;
}

static bool narrow(uint32_t a, uint32_t b, uint32_t quotient, uint32_t rest)
{
    const int32_t x = (int32_t)a;
    const int32_t y = (int32_t)b;
    bool good = (uint32_t)(x / y) == quotient && (uint32_t)(x % y) == rest;
    return x < 0 || y < 0 ? good : good && a / b == quotient && a % b == rest;
}

bool selftest_division(const selftest_vector *v)
{
    uint64_t number[4];
    for (size_t i = 0; i < 4; i++) {
        number[i] = selftest_number(&v->field[i]);
    }
    return v->flag == sizeof(uint64_t) ? wide(number[0], number[1], number[2], number[3])
                                       : narrow((uint32_t)number[0], (uint32_t)number[1],
                                                (uint32_t)number[2], (uint32_t)number[3]);
}
