/* SPDX-License-Identifier: Apache-2.0 */
#include "hkdf.h"

#include <string.h>

medsec_status medsec__hkdf_extract(const medsec_crypto *crypto, uint8_t out[MEDSEC_SHA256_LEN],
                                   const uint8_t *salt, size_t salt_len, const uint8_t *input,
                                   size_t len)
{
    const medsec_bytes parts[] = {{input, len}};
    return crypto->hmac_sha256(out, salt, salt_len, parts, 1);
}

medsec_status medsec__hkdf_expand(const medsec_crypto *crypto, uint8_t *out, size_t len,
                                  const uint8_t key[MEDSEC_SHA256_LEN], const uint8_t *info,
                                  size_t info_len)
{
    if (len > (size_t)255 * MEDSEC_SHA256_LEN) {
        return MEDSEC_ERR_LIMIT;
    }
    uint8_t block[MEDSEC_SHA256_LEN];
    size_t block_len = 0; /* T(0) is empty */
    medsec_status status = MEDSEC_OK;
    for (uint8_t counter = 1; len > 0 && status == MEDSEC_OK; counter++) {
        const medsec_bytes parts[] = {{block, block_len}, {info, info_len}, {&counter, 1}};
        status = crypto->hmac_sha256(block, key, MEDSEC_SHA256_LEN, parts, 3);
        block_len = sizeof block;
        size_t take = len < sizeof block ? len : sizeof block;
        if (status == MEDSEC_OK) {
            memcpy(out, block, take);
            out += take;
            len -= take;
        }
    }
    crypto->wipe(block, sizeof block);
    return status;
}

medsec_status medsec__hkdf(const medsec_crypto *crypto, uint8_t *out, size_t len, medsec_bytes salt,
                           medsec_bytes input, medsec_bytes info)
{
    uint8_t key[MEDSEC_SHA256_LEN];
    medsec_status status =
        medsec__hkdf_extract(crypto, key, salt.data, salt.len, input.data, input.len);
    if (status == MEDSEC_OK) {
        status = medsec__hkdf_expand(crypto, out, len, key, info.data, info.len);
    }
    crypto->wipe(key, sizeof key);
    return status;
}
