/* SPDX-License-Identifier: Apache-2.0 */
#ifndef MEDSEC_AES_CBC_H
#define MEDSEC_AES_CBC_H

#include <medsec/crypto.h>

/*
 * AES-128-CBC with and without PKCS#7 padding (SP 800-38A 6.2; RFC 5652 6.3), checked at the edge.
 * There is no authentication here: never let a caller see which of padding and key was wrong.
 */
typedef struct medsec_aes_cbc {
    const medsec_crypto *crypto;
    medsec_cipher cipher;
    medsec_direction direction;
} medsec_aes_cbc;

MEDSEC_BEGIN_DECLS

/* Opens a context for one direction. ERR_PROVIDER: the library failed. */
MEDSEC_API MEDSEC_CHECK medsec_status medsec_aes_cbc_open(medsec_aes_cbc *aes,
                                                          const medsec_crypto *crypto,
                                                          medsec_direction direction,
                                                          const uint8_t key[MEDSEC_AES128_KEY_LEN]);

/* Another key for an open context, without allocating: what trying many keys needs. */
MEDSEC_API MEDSEC_CHECK medsec_status
medsec_aes_cbc_rekey(medsec_aes_cbc *aes, const uint8_t key[MEDSEC_AES128_KEY_LEN]);

/*
 * Whole blocks. `out` holds `len` bytes and may be `in`; otherwise they must not overlap.
 * `iv` is updated, so that the next call continues the chain.
 * ERR_ARGUMENT: `len` is no multiple of 16, or the context is not open.
 */
MEDSEC_API MEDSEC_CHECK medsec_status medsec_aes_cbc_run(medsec_aes_cbc *aes, uint8_t *out,
                                                         const uint8_t *in, size_t len,
                                                         uint8_t iv[MEDSEC_AES_BLOCK_LEN]);

/* Pads and encrypts: `out_cap` must be at least len - len % 16 + 16, else ERR_BUFFER. */
MEDSEC_API MEDSEC_CHECK medsec_status medsec_aes_cbc_encrypt_padded(
    medsec_aes_cbc *aes, uint8_t *out, size_t out_cap, size_t *out_len, const uint8_t *in,
    size_t len, const uint8_t iv[MEDSEC_AES_BLOCK_LEN]);

/*
 * Decrypts and removes the padding; `out` holds `len` bytes. One error, ERR_CRYPTO, whatever was
 * wrong, and `out` wiped; the padding is examined without branching on it.
 */
MEDSEC_API MEDSEC_CHECK medsec_status
medsec_aes_cbc_decrypt_padded(medsec_aes_cbc *aes, uint8_t *out, size_t *out_len, const uint8_t *in,
                              size_t len, const uint8_t iv[MEDSEC_AES_BLOCK_LEN]);

/* Wipes the key schedule. May be called twice, and on a zeroed struct. */
MEDSEC_API void medsec_aes_cbc_close(medsec_aes_cbc *aes);

MEDSEC_END_DECLS

#endif
