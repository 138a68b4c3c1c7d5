/* SPDX-License-Identifier: Apache-2.0 */

/*
 * OpenSSL 3 calls SHA256_* deprecated in favour of EVP, which keeps its state on the heap. These
 * work on the stack, use the processor's SHA instructions, and are the fastest of what is here:
 * an HMAC is most of what a record costs. docs/dependencies.md has the figures.
 */
#define OPENSSL_SUPPRESS_DEPRECATED

#include "primitives.h"

#include <openssl/sha.h>
#include <sodium.h>
#include <string.h>

enum { HASH_BLOCK_LEN = SHA256_CBLOCK, INNER_PAD = 0x36, OUTER_PAD = 0x5c };

static bool update_all(SHA256_CTX *state, const medsec_bytes *parts, size_t count)
{
    bool good = true;
    for (size_t i = 0; i < count; i++) {
        good &= SHA256_Update(state, parts[i].data, parts[i].len) == 1;
    }
    return good;
}

/* Of `block`, when there is one, and the parts. */
static medsec_status hash(uint8_t out[MEDSEC_SHA256_LEN], const uint8_t *block,
                          const medsec_bytes *parts, size_t count)
{
    SHA256_CTX state;
    bool good = SHA256_Init(&state) == 1;
    if (block != NULL) {
        good &= SHA256_Update(&state, block, HASH_BLOCK_LEN) == 1;
    }
    good &= update_all(&state, parts, count);
    good &= SHA256_Final(out, &state) == 1;
    sodium_memzero(&state, sizeof state);
    return good ? MEDSEC_OK : MEDSEC_ERR_PROVIDER;
}

medsec_status medsec__sha256(uint8_t out[MEDSEC_SHA256_LEN], const medsec_bytes *parts,
                             size_t count)
{
    return hash(out, NULL, parts, count);
}

/* RFC 2104 section 2: a key longer than a block is hashed, a shorter one is filled with zeros. */
static medsec_status key_block(uint8_t block[HASH_BLOCK_LEN], const uint8_t *key, size_t key_len)
{
    memset(block, 0, HASH_BLOCK_LEN);
    if (key_len > HASH_BLOCK_LEN) {
        const medsec_bytes long_key = {key, key_len};
        return hash(block, NULL, &long_key, 1);
    }
    if (key_len > 0) {
        memcpy(block, key, key_len);
    }
    return MEDSEC_OK;
}

static void xor_all(uint8_t block[HASH_BLOCK_LEN], uint8_t value)
{
    for (size_t i = 0; i < HASH_BLOCK_LEN; i++) {
        block[i] ^= value;
    }
}

medsec_status medsec__hmac_sha256(uint8_t out[MEDSEC_SHA256_LEN], const uint8_t *key,
                                  size_t key_len, const medsec_bytes *parts, size_t count)
{
    uint8_t block[HASH_BLOCK_LEN];
    const medsec_bytes inner = {out, MEDSEC_SHA256_LEN};
    medsec_status status = key_block(block, key, key_len);
    xor_all(block, INNER_PAD);
    if (status == MEDSEC_OK) {
        status = hash(out, block, parts, count);
    }
    xor_all(block, INNER_PAD ^ OUTER_PAD);
    if (status == MEDSEC_OK) {
        status = hash(out, block, &inner, 1);
    }
    sodium_memzero(block, sizeof block);
    return status;
}
