/* SPDX-License-Identifier: Apache-2.0 */
#include "cbc_hs256.h"

#include "big_endian.h"
#include "pkcs7.h"

#include <string.h>

size_t medsec__cbc_hs256_len(size_t len)
{
    return len - len % MEDSEC_AES_BLOCK_LEN + MEDSEC_AES_BLOCK_LEN;
}

static const uint8_t *enc_key(const medsec__cbc_hs256_context *context)
{
    return context->key + MEDSEC_AES128_KEY_LEN;
}

/* RFC 7518 section 5.2.2.1, step 5: the first half of HMAC(MAC_KEY, A || IV || E || AL). */
static medsec_status compute_tag(const medsec__cbc_hs256_context *context, const uint8_t *data,
                                 size_t len, uint8_t tag[MEDSEC_SHA256_LEN])
{
    uint8_t ad_bits[8];
    medsec__store_be(ad_bits, (uint64_t)context->ad_len * 8, sizeof ad_bits);
    const medsec_bytes parts[] = {{context->ad, context->ad_len},
                                  {context->iv, MEDSEC_AES_BLOCK_LEN},
                                  {data, len},
                                  {ad_bits, sizeof ad_bits}};
    return context->crypto->hmac_sha256(tag, context->key, MEDSEC_AES128_KEY_LEN, parts, 4);
}

medsec_status medsec__cbc_hs256_seal(const medsec__cbc_hs256_context *context, uint8_t *data,
                                     size_t len, uint8_t tag[MEDSEC__CBC_HS256_TAG_LEN])
{
    const medsec_crypto *crypto = context->crypto;
    size_t padded = medsec__cbc_hs256_len(len);
    uint8_t whole[MEDSEC_SHA256_LEN];
    memset(data + len, (int)(padded - len), padded - len);
    medsec_status status =
        crypto->aes128_cbc_once(MEDSEC_ENCRYPT, enc_key(context), context->iv, data, data, padded);
    if (status == MEDSEC_OK) {
        status = compute_tag(context, data, padded, whole);
    }
    if (status == MEDSEC_OK) {
        memcpy(tag, whole, MEDSEC__CBC_HS256_TAG_LEN);
    } else {
        crypto->wipe(data, padded);
    }
    crypto->wipe(whole, sizeof whole);
    return status;
}

/* The tag of what came must not be learnt by who sent it, so it is wiped as well. */
static medsec_status check_tag(const medsec__cbc_hs256_context *context, const uint8_t *data,
                               size_t len, const uint8_t tag[MEDSEC__CBC_HS256_TAG_LEN])
{
    uint8_t whole[MEDSEC_SHA256_LEN];
    medsec_status status = compute_tag(context, data, len, whole);
    if (status == MEDSEC_OK && !context->crypto->equal(whole, tag, MEDSEC__CBC_HS256_TAG_LEN)) {
        status = MEDSEC_ERR_CRYPTO;
    }
    context->crypto->wipe(whole, sizeof whole);
    return status;
}

medsec_status medsec__cbc_hs256_open(const medsec__cbc_hs256_context *context, uint8_t *data,
                                     size_t *len, const uint8_t tag[MEDSEC__CBC_HS256_TAG_LEN])
{
    const medsec_crypto *crypto = context->crypto;
    size_t whole = *len;
    size_t padding = 0;
    medsec_status status = MEDSEC_ERR_CRYPTO;
    if (whole > 0 && whole % MEDSEC_AES_BLOCK_LEN == 0) {
        status = check_tag(context, data, whole, tag);
    }
    if (status == MEDSEC_OK) {
        status = crypto->aes128_cbc_once(MEDSEC_DECRYPT, enc_key(context), context->iv, data, data,
                                         whole);
    }
    if (status == MEDSEC_OK) {
        padding = medsec__pkcs7_len(data + whole - MEDSEC_AES_BLOCK_LEN);
        status = padding > 0 ? MEDSEC_OK : MEDSEC_ERR_CRYPTO;
    }
    if (status != MEDSEC_OK) {
        crypto->wipe(data, whole);
        return status;
    }
    *len = whole - padding;
    return MEDSEC_OK;
}
