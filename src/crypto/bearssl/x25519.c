/* SPDX-License-Identifier: Apache-2.0 */
#include "primitives.h"

#include <bearssl.h>
#include <string.h>

/* BearSSL 0.6 takes the scalar as RFC 7748 section 5 has it (later versions take it turned round);
 * it clamps it, and ignores the highest bit of the coordinate. */
static void multiply(uint8_t point[MEDSEC_X25519_LEN], const uint8_t private_key[MEDSEC_X25519_LEN])
{
    (void)br_ec_c25519_m15.mul(point, MEDSEC_X25519_LEN, private_key, MEDSEC_X25519_LEN,
                               BR_EC_curve25519);
    medsec__bear_wipe_stack_of_x25519();
}

medsec_status medsec__bear_x25519(uint8_t out[MEDSEC_X25519_LEN],
                                  const uint8_t private_key[MEDSEC_X25519_LEN],
                                  const uint8_t public_key[MEDSEC_X25519_LEN])
{
    static const uint8_t zero[MEDSEC_X25519_LEN];
    uint8_t point[MEDSEC_X25519_LEN]; /* `out` may be the private key */
    memcpy(point, public_key, sizeof point);
    multiply(point, private_key);
    memcpy(out, point, sizeof point);
    medsec__bear_wipe(point, sizeof point);
    return medsec__bear_equal(out, zero, sizeof zero) ? MEDSEC_ERR_CRYPTO : MEDSEC_OK;
}

medsec_status medsec__bear_x25519_public(uint8_t public_key[MEDSEC_X25519_LEN],
                                         const uint8_t private_key[MEDSEC_X25519_LEN])
{
    static const uint8_t base[MEDSEC_X25519_LEN] = {9};
    return medsec__bear_x25519(public_key, private_key, base);
}
