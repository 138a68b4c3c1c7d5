/* SPDX-License-Identifier: Apache-2.0 */
#include "primitives.h"

#include <string.h>

/* More than BearSSL takes below its caller: on the chip scripts/firmware-budget compares, elsewhere
 * tests search the stack for what these do not reach. */
enum { STACK_LEN = 1152, STACK_OF_X25519_LEN = 2304 };

/* The empty statement may read the memory for all that the compiler knows. */
void medsec__bear_wipe(void *data, size_t len)
{
    if (len > 0) {
        memset(data, 0, len);
        __asm__ volatile("" : : "r"(data) : "memory");
    }
}

bool medsec__bear_equal(const void *a, const void *b, size_t len)
{
    const uint8_t *x = a;
    const uint8_t *y = b;
    volatile uint8_t different = 0; /* so that no compiler finds a way to stop early */
    for (size_t i = 0; i < len; i++) {
        different = different | (uint8_t)(x[i] ^ y[i]);
    }
    return different == 0;
}

__attribute__((noinline)) void medsec__bear_wipe_stack(void)
{
    uint8_t room[STACK_LEN];
    medsec__bear_wipe(room, sizeof room);
}

__attribute__((noinline)) void medsec__bear_wipe_stack_of_x25519(void)
{
    uint8_t room[STACK_OF_X25519_LEN];
    medsec__bear_wipe(room, sizeof room);
}
