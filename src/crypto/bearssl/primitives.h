/* SPDX-License-Identifier: Apache-2.0 */
#ifndef MEDSEC_CRYPTO_BEARSSL_PRIMITIVES_H
#define MEDSEC_CRYPTO_BEARSSL_PRIMITIVES_H

#include <medsec/crypto.h>

/* The rows of the provider's table; crypto.h says what they do. */
medsec_status medsec__bear_aes128_cbc_open(medsec_cipher *cipher, medsec_direction direction,
                                           const uint8_t key[MEDSEC_AES128_KEY_LEN]);
medsec_status medsec__bear_aes128_cbc_rekey(medsec_cipher *cipher,
                                            const uint8_t key[MEDSEC_AES128_KEY_LEN]);
medsec_status medsec__bear_aes128_cbc_run(medsec_cipher *cipher, uint8_t iv[MEDSEC_AES_BLOCK_LEN],
                                          uint8_t *out, const uint8_t *in, size_t len);
void medsec__bear_aes128_cbc_close(medsec_cipher *cipher);
medsec_status medsec__bear_aes128_cbc_once(medsec_direction direction,
                                           const uint8_t key[MEDSEC_AES128_KEY_LEN],
                                           const uint8_t iv[MEDSEC_AES_BLOCK_LEN], uint8_t *out,
                                           const uint8_t *in, size_t len);
medsec_status medsec__bear_sha256(uint8_t out[MEDSEC_SHA256_LEN], const medsec_bytes *parts,
                                  size_t count);
medsec_status medsec__bear_hmac_sha256(uint8_t out[MEDSEC_SHA256_LEN], const uint8_t *key,
                                       size_t key_len, const medsec_bytes *parts, size_t count);
medsec_status medsec__bear_x25519(uint8_t out[MEDSEC_X25519_LEN],
                                  const uint8_t private_key[MEDSEC_X25519_LEN],
                                  const uint8_t public_key[MEDSEC_X25519_LEN]);
medsec_status medsec__bear_x25519_public(uint8_t public_key[MEDSEC_X25519_LEN],
                                         const uint8_t private_key[MEDSEC_X25519_LEN]);
medsec_status medsec__bear_chachapoly_seal(uint8_t *out,
                                           const uint8_t key[MEDSEC_CHACHAPOLY_KEY_LEN],
                                           uint64_t nonce, const uint8_t *ad, size_t ad_len,
                                           const uint8_t *in, size_t len);
medsec_status medsec__bear_chachapoly_open(uint8_t *out,
                                           const uint8_t key[MEDSEC_CHACHAPOLY_KEY_LEN],
                                           uint64_t nonce, const uint8_t *ad, size_t ad_len,
                                           const uint8_t *in, size_t len);
void medsec__bear_wipe(void *data, size_t len);
bool medsec__bear_equal(const void *a, const void *b, size_t len);

/* The same with any nonce, as RFC 8439 has it: what the published vectors are for. */
enum { MEDSEC__BEAR_NONCE_LEN = 12 };
medsec_status medsec__bear_chachapoly_seal_nonce(uint8_t *out,
                                                 const uint8_t key[MEDSEC_CHACHAPOLY_KEY_LEN],
                                                 const uint8_t nonce[MEDSEC__BEAR_NONCE_LEN],
                                                 const uint8_t *ad, size_t ad_len,
                                                 const uint8_t *in, size_t len);
medsec_status medsec__bear_chachapoly_open_nonce(uint8_t *out,
                                                 const uint8_t key[MEDSEC_CHACHAPOLY_KEY_LEN],
                                                 const uint8_t nonce[MEDSEC__BEAR_NONCE_LEN],
                                                 const uint8_t *ad, size_t ad_len,
                                                 const uint8_t *in, size_t len);

/* BearSSL leaves round keys, hash states and field elements on the stack. Called right after it, by
 * the function that called it, these overwrite what it can have reached. */
void medsec__bear_wipe_stack(void);
void medsec__bear_wipe_stack_of_x25519(void);

#endif
