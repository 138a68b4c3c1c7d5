/* SPDX-License-Identifier: Apache-2.0 */
#include "faults.h"

static const char digits[] = "0123456789abcdef";

static unsigned digit_value(uint8_t c)
{
    return c <= '9' ? (unsigned)(c - '0') : (unsigned)((c | 0x20) - 'a' + 10);
}

void fault_corrupt(uint8_t *unit, size_t len, prng *random)
{
    unit[prng_next(random) % len] ^= (uint8_t)(1u << (prng_next(random) % 8));
}

void fault_corrupt_hex(uint8_t *frame, size_t len, prng *random)
{
    size_t at = (size_t)(prng_next(random) % len);

    if (frame[at] == '+') {
        at--;
    }
    frame[at] = (uint8_t)digits[digit_value(frame[at]) ^ (1u << (prng_next(random) % 4))];
}

void fault_garbage(uint8_t *out, size_t len, prng *random)
{
    for (size_t i = 0; i < len; i++) {
        out[i] = (uint8_t)prng_next(random);
    }
}

static void wrong_seed_key(medsec_credential *credential, prng *random)
{
    for (size_t i = 0; i < MEDSEC_AES128_KEY_LEN; i++) {
        credential->key[i] = (uint8_t)('!' + prng_next(random) % 94);
        credential->iv[i] = (uint8_t)('!' + prng_next(random) % 94);
    }
}

static void wrong_key_pair(medsec_credential *credential, prng *random)
{
    fault_garbage(credential->device_private, sizeof credential->device_private, random);
    (void)medsec_crypto_openssl()->x25519_public(credential->device_public,
                                                 credential->device_private);
}

void fault_wrong_key(medsec_credential *credential, prng *random)
{
    if (credential->wire == MEDSEC_WIRE_SEED) {
        wrong_seed_key(credential, random);
    } else {
        wrong_key_pair(credential, random);
    }
}

void fault_wrong_psk(medsec_credential *credential, prng *random)
{
    fault_garbage(credential->psk, sizeof credential->psk, random);
}

void fault_wrong_gateway_key(medsec_credential *credential, prng *random)
{
    fault_garbage(credential->gateway_public, sizeof credential->gateway_public, random);
}
