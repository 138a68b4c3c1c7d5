/* SPDX-License-Identifier: Apache-2.0 */
#include "primitives.h"

#include <sodium.h>

enum { STACK_LEN = 2048 };

medsec_status medsec__x25519(uint8_t out[MEDSEC_X25519_LEN],
                             const uint8_t private_key[MEDSEC_X25519_LEN],
                             const uint8_t public_key[MEDSEC_X25519_LEN])
{
    if (crypto_scalarmult_curve25519(out, private_key, public_key) != 0) {
        sodium_memzero(out, MEDSEC_X25519_LEN);
        return MEDSEC_ERR_CRYPTO;
    }
    return MEDSEC_OK;
}

medsec_status medsec__x25519_public(uint8_t public_key[MEDSEC_X25519_LEN],
                                    const uint8_t private_key[MEDSEC_X25519_LEN])
{
    return crypto_scalarmult_curve25519_base(public_key, private_key) == 0 ? MEDSEC_OK
                                                                           : MEDSEC_ERR_CRYPTO;
}

/* libsodium leaves key and counter of ChaCha20 on the stack. */
static void wipe_stack(void)
{
    sodium_stackzero(STACK_LEN);
}

medsec_status medsec__chachapoly_seal_nonce(uint8_t *out,
                                            const uint8_t key[MEDSEC_CHACHAPOLY_KEY_LEN],
                                            const uint8_t nonce[MEDSEC__CHACHAPOLY_NONCE_LEN],
                                            const uint8_t *ad, size_t ad_len, const uint8_t *in,
                                            size_t len)
{
    (void)crypto_aead_chacha20poly1305_ietf_encrypt(out, NULL, in, len, ad, ad_len, NULL, nonce,
                                                    key);
    wipe_stack();
    return MEDSEC_OK;
}

medsec_status medsec__chachapoly_open_nonce(uint8_t *out,
                                            const uint8_t key[MEDSEC_CHACHAPOLY_KEY_LEN],
                                            const uint8_t nonce[MEDSEC__CHACHAPOLY_NONCE_LEN],
                                            const uint8_t *ad, size_t ad_len, const uint8_t *in,
                                            size_t len)
{
    if (len < MEDSEC_CHACHAPOLY_TAG_LEN) {
        return MEDSEC_ERR_CRYPTO;
    }
    int wrong =
        crypto_aead_chacha20poly1305_ietf_decrypt(out, NULL, NULL, in, len, ad, ad_len, nonce, key);
    wipe_stack();
    if (wrong != 0) {
        sodium_memzero(out, len - MEDSEC_CHACHAPOLY_TAG_LEN);
        return MEDSEC_ERR_CRYPTO;
    }
    return MEDSEC_OK;
}

static void noise_nonce(uint8_t out[MEDSEC__CHACHAPOLY_NONCE_LEN], uint64_t nonce)
{
    for (unsigned i = 0; i < MEDSEC__CHACHAPOLY_NONCE_LEN; i++) {
        out[i] = (uint8_t)(i < 4 ? 0 : nonce >> (8 * (i - 4)));
    }
}

medsec_status medsec__chachapoly_seal(uint8_t *out, const uint8_t key[MEDSEC_CHACHAPOLY_KEY_LEN],
                                      uint64_t nonce, const uint8_t *ad, size_t ad_len,
                                      const uint8_t *in, size_t len)
{
    uint8_t bytes[MEDSEC__CHACHAPOLY_NONCE_LEN];
    noise_nonce(bytes, nonce);
    return medsec__chachapoly_seal_nonce(out, key, bytes, ad, ad_len, in, len);
}

medsec_status medsec__chachapoly_open(uint8_t *out, const uint8_t key[MEDSEC_CHACHAPOLY_KEY_LEN],
                                      uint64_t nonce, const uint8_t *ad, size_t ad_len,
                                      const uint8_t *in, size_t len)
{
    uint8_t bytes[MEDSEC__CHACHAPOLY_NONCE_LEN];
    noise_nonce(bytes, nonce);
    return medsec__chachapoly_open_nonce(out, key, bytes, ad, ad_len, in, len);
}
