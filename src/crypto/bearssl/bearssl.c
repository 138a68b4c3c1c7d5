/* SPDX-License-Identifier: Apache-2.0 */
#include "provider.h"

#include "primitives.h"

static void forget_nothing(void)
{
}

const medsec_crypto *medsec_crypto_bearssl(void)
{
    static const medsec_crypto crypto = {
        .name = "bearssl",
        .aes128_cbc_open = medsec__bear_aes128_cbc_open,
        .aes128_cbc_rekey = medsec__bear_aes128_cbc_rekey,
        .aes128_cbc_run = medsec__bear_aes128_cbc_run,
        .aes128_cbc_close = medsec__bear_aes128_cbc_close,
        .aes128_cbc_once = medsec__bear_aes128_cbc_once,
        .aes128_cbc_forget = forget_nothing,
        .sha256 = medsec__bear_sha256,
        .hmac_sha256 = medsec__bear_hmac_sha256,
        .x25519 = medsec__bear_x25519,
        .x25519_public = medsec__bear_x25519_public,
        .chachapoly_seal = medsec__bear_chachapoly_seal,
        .chachapoly_open = medsec__bear_chachapoly_open,
        .wipe = medsec__bear_wipe,
        .equal = medsec__bear_equal,
    };
    return &crypto;
}
