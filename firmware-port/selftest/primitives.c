/* SPDX-License-Identifier: Apache-2.0 */
#include "selftest.h"

#include "core/hkdf.h"
#include "crypto/bearssl/primitives.h"
#include "crypto/bearssl/provider.h"

#include <string.h>

/* The provider's rows. */

static bool cbc_whole(medsec_direction direction, const selftest_vector *v, const medsec_bytes *in,
                      const medsec_bytes *expected)
{
    memcpy(selftest_room, in->data, in->len);
    return medsec_crypto_bearssl()->aes128_cbc_once(direction, v->field[0].data, v->field[1].data,
                                                    selftest_room, selftest_room,
                                                    in->len) == MEDSEC_OK &&
           selftest_same(selftest_room, in->len, expected);
}

/* Block by block, with the key given late. */
static bool cbc_blocks(medsec_direction direction, const selftest_vector *v, const medsec_bytes *in,
                       const medsec_bytes *expected)
{
    const medsec_crypto *crypto = medsec_crypto_bearssl();
    medsec_cipher cipher;
    uint8_t iv[MEDSEC_AES_BLOCK_LEN];
    memcpy(iv, v->field[1].data, sizeof iv);
    bool good = crypto->aes128_cbc_open(&cipher, direction, iv) == MEDSEC_OK &&
                crypto->aes128_cbc_rekey(&cipher, v->field[0].data) == MEDSEC_OK;
    for (size_t at = 0; good && at < in->len; at += sizeof iv) {
        good = crypto->aes128_cbc_run(&cipher, iv, selftest_room + at, in->data + at, sizeof iv) ==
               MEDSEC_OK;
    }
    crypto->aes128_cbc_close(&cipher);
    return good && selftest_same(selftest_room, in->len, expected);
}

bool selftest_aes(const selftest_vector *v)
{
    const medsec_bytes *plain = &v->field[2];
    const medsec_bytes *sealed = &v->field[3];
    return cbc_whole(MEDSEC_ENCRYPT, v, plain, sealed) &&
           cbc_whole(MEDSEC_DECRYPT, v, sealed, plain) &&
           cbc_blocks(MEDSEC_ENCRYPT, v, plain, sealed) &&
           cbc_blocks(MEDSEC_DECRYPT, v, sealed, plain);
}

bool selftest_hmac(const selftest_vector *v)
{
    uint8_t tag[MEDSEC_SHA256_LEN];
    const medsec_bytes *key = &v->field[0];
    const medsec_bytes *message = &v->field[1];
    const size_t third = message->len / 3;
    const medsec_bytes parts[] = {{message->data, third},
                                  {message->data + third, message->len - third}};
    return medsec_crypto_bearssl()->hmac_sha256(tag, key->data, key->len, parts, 2) == MEDSEC_OK &&
           selftest_same(tag, v->field[2].len, &v->field[2]) == (v->flag != 0);
}

bool selftest_hkdf(const selftest_vector *v)
{
    const medsec_crypto *crypto = medsec_crypto_bearssl();
    uint8_t key[MEDSEC_SHA256_LEN];
    const size_t len = (size_t)selftest_number(&v->field[4]);
    if (medsec__hkdf_extract(crypto, key, v->field[1].data, v->field[1].len, v->field[0].data,
                             v->field[0].len) != MEDSEC_OK) {
        return false;
    }
    medsec_status status =
        medsec__hkdf_expand(crypto, selftest_room, len, key, v->field[2].data, v->field[2].len);
    return v->flag != 0 ? status == MEDSEC_OK && selftest_same(selftest_room, len, &v->field[3])
                        : status == MEDSEC_ERR_LIMIT;
}

bool selftest_x25519(const selftest_vector *v)
{
    static const uint8_t zero[MEDSEC_X25519_LEN];
    uint8_t shared[MEDSEC_X25519_LEN];
    bool refuse = selftest_same(zero, sizeof zero, &v->field[2]);
    return medsec_crypto_bearssl()->x25519(shared, v->field[0].data, v->field[1].data) ==
               (refuse ? MEDSEC_ERR_CRYPTO : MEDSEC_OK) &&
           selftest_same(shared, sizeof shared, &v->field[2]);
}

/* By the rows of the table where the nonce is one of Noise. */
static medsec_status seal(const selftest_vector *v, bool noise, uint64_t nonce)
{
    const medsec_bytes *f = v->field;
    return noise ? medsec_crypto_bearssl()->chachapoly_seal(
                       selftest_room, f[0].data, nonce, f[2].data, f[2].len, f[3].data, f[3].len)
                 : medsec__bear_chachapoly_seal_nonce(selftest_room, f[0].data, f[1].data,
                                                      f[2].data, f[2].len, f[3].data, f[3].len);
}

static medsec_status open(const selftest_vector *v, bool noise, uint64_t nonce)
{
    const medsec_bytes *f = v->field;
    return noise ? medsec_crypto_bearssl()->chachapoly_open(
                       selftest_room, f[0].data, nonce, f[2].data, f[2].len, f[4].data, f[4].len)
                 : medsec__bear_chachapoly_open_nonce(selftest_room, f[0].data, f[1].data,
                                                      f[2].data, f[2].len, f[4].data, f[4].len);
}

bool selftest_chachapoly(const selftest_vector *v)
{
    const uint8_t *bytes = v->field[1].data;
    const bool noise = memcmp(bytes, "\0\0\0\0", 4) == 0;
    uint64_t nonce = 0;
    for (unsigned i = 0; i < 8; i++) {
        nonce |= (uint64_t)bytes[4 + i] << 8 * i;
    }
    if (v->flag == 0) {
        return open(v, noise, nonce) == MEDSEC_ERR_CRYPTO;
    }
    return open(v, noise, nonce) == MEDSEC_OK &&
           selftest_same(selftest_room, v->field[3].len, &v->field[3]) &&
           seal(v, noise, nonce) == MEDSEC_OK &&
           selftest_same(selftest_room, v->field[4].len, &v->field[4]);
}
