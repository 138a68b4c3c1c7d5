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

    /* Overwrites memory in a way that the compiler keeps. */
    void (*wipe)(void *data, size_t len);
    /* True when equal; time depends on `len` only. */
    bool (*equal)(const void *a, const void *b, size_t len);
} medsec_crypto;

MEDSEC_BEGIN_DECLS

/* The host's provider: AES of OpenSSL libcrypto, wipe and compare of libsodium. */
MEDSEC_API const medsec_crypto *medsec_crypto_openssl(void);

MEDSEC_END_DECLS

#endif
