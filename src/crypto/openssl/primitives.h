/* SPDX-License-Identifier: Apache-2.0 */
#ifndef MEDSEC_CRYPTO_PRIMITIVES_H
#define MEDSEC_CRYPTO_PRIMITIVES_H

#include <medsec/crypto.h>

/* The rows of the provider's table that need no open cipher; crypto.h says what they do. */
medsec_status medsec__aes128_cbc_once(medsec_direction direction,
                                      const uint8_t key[MEDSEC_AES128_KEY_LEN],
                                      const uint8_t iv[MEDSEC_AES_BLOCK_LEN], uint8_t *out,
                                      const uint8_t *in, size_t len);
void medsec__aes128_cbc_forget(void);
medsec_status medsec__sha256(uint8_t out[MEDSEC_SHA256_LEN], const medsec_bytes *parts,
                             size_t count);
medsec_status medsec__hmac_sha256(uint8_t out[MEDSEC_SHA256_LEN], const uint8_t *key,
                                  size_t key_len, const medsec_bytes *parts, size_t count);
medsec_status medsec__x25519(uint8_t out[MEDSEC_X25519_LEN],
                             const uint8_t private_key[MEDSEC_X25519_LEN],
                             const uint8_t public_key[MEDSEC_X25519_LEN]);
medsec_status medsec__x25519_public(uint8_t public_key[MEDSEC_X25519_LEN],
                                    const uint8_t private_key[MEDSEC_X25519_LEN]);
medsec_status medsec__chachapoly_seal(uint8_t *out, const uint8_t key[MEDSEC_CHACHAPOLY_KEY_LEN],
                                      uint64_t nonce, const uint8_t *ad, size_t ad_len,
                                      const uint8_t *in, size_t len);
medsec_status medsec__chachapoly_open(uint8_t *out, const uint8_t key[MEDSEC_CHACHAPOLY_KEY_LEN],
                                      uint64_t nonce, const uint8_t *ad, size_t ad_len,
                                      const uint8_t *in, size_t len);

/* The same with any nonce, as RFC 8439 has it: what the published vectors are for. */
enum { MEDSEC__CHACHAPOLY_NONCE_LEN = 12 };
medsec_status medsec__chachapoly_seal_nonce(uint8_t *out,
                                            const uint8_t key[MEDSEC_CHACHAPOLY_KEY_LEN],
                                            const uint8_t nonce[MEDSEC__CHACHAPOLY_NONCE_LEN],
                                            const uint8_t *ad, size_t ad_len, const uint8_t *in,
                                            size_t len);
medsec_status medsec__chachapoly_open_nonce(uint8_t *out,
                                            const uint8_t key[MEDSEC_CHACHAPOLY_KEY_LEN],
                                            const uint8_t nonce[MEDSEC__CHACHAPOLY_NONCE_LEN],
                                            const uint8_t *ad, size_t ad_len, const uint8_t *in,
                                            size_t len);

#endif
