/* SPDX-License-Identifier: Apache-2.0 */
#include "seal.h"

#include <string.h>

#define NONCE_LEN crypto_aead_xchacha20poly1305_ietf_NPUBBYTES
/* Eight times what is written today; above it a file is not ours. */
#define OPS_MAX 24u
#define MEMORY_MAX (1024u * 1024u * 1024u)

static const char context[crypto_kdf_CONTEXTBYTES] = {'m', 'e', 'd', 's', 'e', 'c', 'd', 'b'};

medsec__keys *medsec__keys_create(const uint8_t master[MEDSEC__MASTER_LEN])
{
    medsec__keys *keys = sodium_malloc(sizeof *keys);
    if (keys == NULL) {
        return NULL;
    }
    uint8_t *const subkeys[] = {keys->seal,  keys->fingerprint, keys->row,
                                keys->chain, keys->head,        keys->derive};
    for (size_t i = 0; i < sizeof subkeys / sizeof subkeys[0]; i++) {
        crypto_kdf_derive_from_key(subkeys[i], sizeof keys->seal, i + 1, context, master);
    }
    return keys;
}

void medsec__keys_destroy(medsec__keys *keys)
{
    sodium_free(keys);
}

void medsec__passphrase_init(medsec__passphrase *parameters)
{
    randombytes_buf(parameters->salt, sizeof parameters->salt);
    parameters->ops = crypto_pwhash_OPSLIMIT_MODERATE;
    parameters->memory = crypto_pwhash_MEMLIMIT_MODERATE;
}

medsec_status medsec__passphrase_master(uint8_t master[MEDSEC__MASTER_LEN], const char *passphrase,
                                        size_t len, const medsec__passphrase *parameters)
{
    if (parameters->ops < crypto_pwhash_OPSLIMIT_MIN || parameters->ops > OPS_MAX ||
        parameters->memory < crypto_pwhash_MEMLIMIT_MIN || parameters->memory > MEMORY_MAX) {
        return MEDSEC_ERR_CORRUPT;
    }
    int failed =
        crypto_pwhash(master, MEDSEC__MASTER_LEN, passphrase, len, parameters->salt,
                      parameters->ops, (size_t)parameters->memory, crypto_pwhash_ALG_ARGON2ID13);
    return failed != 0 ? MEDSEC_ERR_MEMORY : MEDSEC_OK;
}

void medsec__put_u64(uint8_t out[8], uint64_t number)
{
    for (size_t i = 0; i < 8; i++) {
        out[i] = (uint8_t)(number >> (56 - 8 * i));
    }
}

uint64_t medsec__get_u64(const uint8_t in[8])
{
    uint64_t number = 0;
    for (size_t i = 0; i < 8; i++) {
        number = number << 8 | in[i];
    }
    return number;
}

void medsec__hash_begin(medsec__hash *hash, const uint8_t key[32])
{
    crypto_generichash_init(&hash->state, key, 32, MEDSEC__HASH_LEN);
}

void medsec__hash_number(medsec__hash *hash, uint64_t number)
{
    uint8_t bytes[8];
    medsec__put_u64(bytes, number);
    crypto_generichash_update(&hash->state, bytes, sizeof bytes);
}

void medsec__hash_bytes(medsec__hash *hash, const void *data, size_t len)
{
    medsec__hash_number(hash, len);
    crypto_generichash_update(&hash->state, data, len);
}

void medsec__hash_text(medsec__hash *hash, const char *text)
{
    medsec__hash_bytes(hash, text, strlen(text));
}

void medsec__hash_end(medsec__hash *hash, uint8_t out[MEDSEC__HASH_LEN])
{
    crypto_generichash_final(&hash->state, out, MEDSEC__HASH_LEN);
}

void medsec__seal(uint8_t *sealed, const medsec__keys *keys, const uint8_t *secret, size_t len,
                  const uint8_t bound[MEDSEC__HASH_LEN])
{
    randombytes_buf(sealed, NONCE_LEN);
    crypto_aead_xchacha20poly1305_ietf_encrypt(sealed + NONCE_LEN, NULL, secret, len, bound,
                                               MEDSEC__HASH_LEN, NULL, sealed, keys->seal);
}

medsec_status medsec__unseal(uint8_t *secret, size_t len, const medsec__keys *keys,
                             const uint8_t *sealed, size_t sealed_len,
                             const uint8_t bound[MEDSEC__HASH_LEN])
{
    if (sealed_len != len + MEDSEC__SEAL_EXTRA) {
        return MEDSEC_ERR_CRYPTO;
    }
    int failed = crypto_aead_xchacha20poly1305_ietf_decrypt(secret, NULL, NULL, sealed + NONCE_LEN,
                                                            sealed_len - NONCE_LEN, bound,
                                                            MEDSEC__HASH_LEN, sealed, keys->seal);
    return failed != 0 ? MEDSEC_ERR_CRYPTO : MEDSEC_OK;
}
