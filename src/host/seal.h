/* SPDX-License-Identifier: Apache-2.0 */
#ifndef MEDSEC_HOST_SEAL_H
#define MEDSEC_HOST_SEAL_H

#include <medsec/status.h>

#include <sodium.h>
#include <stddef.h>
#include <stdint.h>

/* The registry's cryptography: subkeys of one master key, a canonical keyed hash, and the seal. */

#define MEDSEC__MASTER_LEN 32u
#define MEDSEC__HASH_LEN 32u
#define MEDSEC__SALT_LEN crypto_pwhash_SALTBYTES
#define MEDSEC__SEAL_EXTRA \
    (crypto_aead_xchacha20poly1305_ietf_NPUBBYTES + crypto_aead_xchacha20poly1305_ietf_ABYTES)

/* Subkeys of the master key, each for one purpose. Lives in locked memory. */
typedef struct medsec__keys {
    uint8_t seal[32];
    uint8_t fingerprint[32]; /* of a device's key: finds duplicates */
    uint8_t row[32]; /* of a device's row */
    uint8_t chain[32]; /* of the audit log */
    uint8_t head[32]; /* of the log's end */
    uint8_t derive[32]; /* of keys for other uses */
} medsec__keys;

/* NULL when out of memory. */
medsec__keys *medsec__keys_create(const uint8_t master[MEDSEC__MASTER_LEN]);
void medsec__keys_destroy(medsec__keys *keys);

/* What Argon2id needs beside the passphrase; stands in the registry in clear. */
typedef struct medsec__passphrase {
    uint8_t salt[MEDSEC__SALT_LEN];
    uint64_t ops; /* passes */
    uint64_t memory; /* bytes */
} medsec__passphrase;

/* A fresh salt and the limits of today (libsodium's MODERATE: 3 passes, 256 MiB). */
void medsec__passphrase_init(medsec__passphrase *parameters);

/* ERR_CORRUPT: limits that no registry has; a hostile file must not cost all memory. ERR_MEMORY. */
MEDSEC_CHECK medsec_status medsec__passphrase_master(uint8_t master[MEDSEC__MASTER_LEN],
                                                     const char *passphrase, size_t len,
                                                     const medsec__passphrase *parameters);

/* Keyed BLAKE2b over fields, each with its length in front, so that no two lists hash alike. */
typedef struct medsec__hash {
    crypto_generichash_state state;
} medsec__hash;

void medsec__hash_begin(medsec__hash *hash, const uint8_t key[32]);
void medsec__hash_bytes(medsec__hash *hash, const void *data, size_t len);
void medsec__hash_text(medsec__hash *hash, const char *text);
void medsec__hash_number(medsec__hash *hash, uint64_t number);
void medsec__hash_end(medsec__hash *hash, uint8_t out[MEDSEC__HASH_LEN]);

/* `sealed` has room for len + MEDSEC__SEAL_EXTRA; `bound` is authenticated with it. */
void medsec__seal(uint8_t *sealed, const medsec__keys *keys, const uint8_t *secret, size_t len,
                  const uint8_t bound[MEDSEC__HASH_LEN]);

/* ERR_CRYPTO: another length than `len`, another key, another `bound`, an altered byte. */
MEDSEC_CHECK medsec_status medsec__unseal(uint8_t *secret, size_t len, const medsec__keys *keys,
                                          const uint8_t *sealed, size_t sealed_len,
                                          const uint8_t bound[MEDSEC__HASH_LEN]);

/* Big-endian. */
void medsec__put_u64(uint8_t out[8], uint64_t number);
uint64_t medsec__get_u64(const uint8_t in[8]);

#endif
