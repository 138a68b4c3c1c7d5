/* SPDX-License-Identifier: Apache-2.0 */
#ifndef MEDSEC_CORE_CBC_HS256_H
#define MEDSEC_CORE_CBC_HS256_H

#include <medsec/crypto.h>

/*
 * A128CBC-HS256, authenticated encryption of RFC 7518 section 5.2.3: `key` is MAC_KEY || ENC_KEY,
 * the tag is 16 bytes. It is given apart from the ciphertext, for who wants them side by side.
 */
enum { MEDSEC__CBC_HS256_KEY_LEN = 2 * MEDSEC_AES128_KEY_LEN, MEDSEC__CBC_HS256_TAG_LEN = 16 };

/* What is authenticated beside the ciphertext, and the IV. */
typedef struct medsec__cbc_hs256_context {
    const medsec_crypto *crypto;
    const uint8_t *key;
    const uint8_t *iv;
    const uint8_t *ad;
    size_t ad_len;
} medsec__cbc_hs256_context;

/* Bytes of the ciphertext of `len` bytes. */
size_t medsec__cbc_hs256_len(size_t len);

/* In place: `data` holds medsec__cbc_hs256_len(len) bytes. ERR_PROVIDER, and `data` wiped. */
medsec_status medsec__cbc_hs256_seal(const medsec__cbc_hs256_context *context, uint8_t *data,
                                     size_t len, uint8_t tag[MEDSEC__CBC_HS256_TAG_LEN]);

/*
 * In place; `*len` becomes the length of the text. Nothing is decrypted before the tag has been
 * found right. ERR_CRYPTO, whatever was wrong with tag, length or padding; ERR_PROVIDER; the data
 * are wiped then.
 */
medsec_status medsec__cbc_hs256_open(const medsec__cbc_hs256_context *context, uint8_t *data,
                                     size_t *len, const uint8_t tag[MEDSEC__CBC_HS256_TAG_LEN]);

#endif
