/* SPDX-License-Identifier: Apache-2.0 */
#include "faults.h"

static const char digits[] = "0123456789abcdef";

static unsigned digit_value(char c)
{
    return c <= '9' ? (unsigned)(c - '0') : (unsigned)((c | 0x20) - 'a' + 10);
}

void fault_corrupt(char *frame, size_t len, prng *random)
{
    size_t at = (size_t)(prng_next(random) % len);

    if (frame[at] == '+') {
        at--;
    }
    frame[at] = digits[digit_value(frame[at]) ^ (1u << (prng_next(random) % 4))];
}

void fault_garbage(char *out, size_t len, prng *random)
{
    for (size_t i = 0; i < len; i++) {
        out[i] = (char)(prng_next(random) & 0xff);
    }
}

void fault_wrong_key(medsec_credential *credential, prng *random)
{
    for (size_t i = 0; i < MEDSEC_AES128_KEY_LEN; i++) {
        credential->key[i] = (uint8_t)('!' + prng_next(random) % 94);
        credential->iv[i] = (uint8_t)('!' + prng_next(random) % 94);
    }
}
