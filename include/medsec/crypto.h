/* SPDX-License-Identifier: Apache-2.0 */
#ifndef MEDSEC_CRYPTO_H
#define MEDSEC_CRYPTO_H

#include <medsec/export.h>
#include <medsec/limits.h>
#include <medsec/status.h>

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*
 * The crypto provider: one table of primitives, the only way from the core to a cryptographic
 * library. The host links the OpenSSL one; a device brings its own (constant-time, no malloc).
 */

typedef enum medsec_direction { MEDSEC_DECRYPT = 0, MEDSEC_ENCRYPT = 1 } medsec_direction;

/* Room for a provider's cipher state: a key schedule in place, or a pointer to one. */
typedef struct medsec_cipher {
    uint64_t opaque[32];
} medsec_cipher;

/* One piece of an input that is hashed as if it were joined. */
typedef struct medsec_bytes {
    const uint8_t *data;
    size_t len;
} medsec_bytes;

/* Of X25519. */
typedef struct medsec_keypair {
    uint8_t private_key[MEDSEC_X25519_LEN];
    uint8_t public_key[MEDSEC_X25519_LEN];
} medsec_keypair;

typedef struct medsec_crypto {
    const char *name; /* "openssl" */

    /*
     * AES-128-CBC without padding (FIPS 197, SP 800-38A section 6.2).
     * open: prepares `cipher` for one direction and sets the key. MEDSEC_ERR_PROVIDER when the
     *       library refuses or has no memory; nothing is left to close then.
     * rekey: another key for an open cipher; allocates nothing.
     * run: `len` bytes, a multiple of 16; in and out may be the same. `iv` is read, and left as
     *      the IV that continues the chain (the last ciphertext block).
     * close: wipes and frees; also right for a cipher that is all zero.
     */
    medsec_status (*aes128_cbc_open)(medsec_cipher *cipher, medsec_direction direction,
                                     const uint8_t key[MEDSEC_AES128_KEY_LEN]);
    medsec_status (*aes128_cbc_rekey)(medsec_cipher *cipher,
                                      const uint8_t key[MEDSEC_AES128_KEY_LEN]);
    medsec_status (*aes128_cbc_run)(medsec_cipher *cipher, uint8_t iv[MEDSEC_AES_BLOCK_LEN],
                                    uint8_t *out, const uint8_t *in, size_t len);
    void (*aes128_cbc_close)(medsec_cipher *cipher);

    /*
     * The same without a cipher to keep, for keys that are used for one record: no memory of the
     * caller's but key and IV, and none from the heap once a thread has called it.
     */
    medsec_status (*aes128_cbc_once)(medsec_direction direction,
                                     const uint8_t key[MEDSEC_AES128_KEY_LEN],
                                     const uint8_t iv[MEDSEC_AES_BLOCK_LEN], uint8_t *out,
                                     const uint8_t *in, size_t len);
    /* Overwrites the last keys of this thread, which `once` may have kept. */
    void (*aes128_cbc_forget)(void);

    /* SHA-256 (FIPS 180-4) and HMAC-SHA-256 (RFC 2104); `out` may be one of the parts.
     * ERR_PROVIDER. */
    medsec_status (*sha256)(uint8_t out[MEDSEC_SHA256_LEN], const medsec_bytes *parts,
                            size_t count);
    medsec_status (*hmac_sha256)(uint8_t out[MEDSEC_SHA256_LEN], const uint8_t *key, size_t key_len,
                                 const medsec_bytes *parts, size_t count);

    /* X25519 (RFC 7748 section 5). ERR_CRYPTO: the result is all zero (section 6.1). */
    medsec_status (*x25519)(uint8_t out[MEDSEC_X25519_LEN],
                            const uint8_t private_key[MEDSEC_X25519_LEN],
                            const uint8_t public_key[MEDSEC_X25519_LEN]);
    medsec_status (*x25519_public)(uint8_t public_key[MEDSEC_X25519_LEN],
                                   const uint8_t private_key[MEDSEC_X25519_LEN]);

    /*
     * ChaCha20-Poly1305 (RFC 8439 section 2.8) with the nonce of Noise: 32 zero bits, then `nonce`
     * little-endian. seal writes len + 16 bytes. open takes the tag with `len` (at least 16) and
     * writes len - 16; ERR_CRYPTO: not authentic, and `out` is wiped. in and out may be the same.
     */
    medsec_status (*chachapoly_seal)(uint8_t *out, const uint8_t key[MEDSEC_CHACHAPOLY_KEY_LEN],
                                     uint64_t nonce, const uint8_t *ad, size_t ad_len,
                                     const uint8_t *in, size_t len);
    medsec_status (*chachapoly_open)(uint8_t *out, const uint8_t key[MEDSEC_CHACHAPOLY_KEY_LEN],
                                     uint64_t nonce, const uint8_t *ad, size_t ad_len,
                                     const uint8_t *in, size_t len);

    /* Overwrites memory in a way that the compiler keeps. */
    void (*wipe)(void *data, size_t len);
    /* True when equal; time depends on `len` only. */
    bool (*equal)(const void *a, const void *b, size_t len);
} medsec_crypto;

MEDSEC_BEGIN_DECLS

/* The host's provider: AES and SHA-256 of OpenSSL libcrypto, the rest of libsodium. */
MEDSEC_API const medsec_crypto *medsec_crypto_openssl(void);

MEDSEC_END_DECLS

#endif
