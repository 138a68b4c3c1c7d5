/* SPDX-License-Identifier: Apache-2.0 */
#include "primitives.h"

#include <openssl/evp.h>
#include <sodium.h>
#include <string.h>

/*
 * The context is an ECB one and the chaining is done here: with a CBC context each new IV costs
 * several times what the block itself does, and the seed wire has a new IV in every block.
 */

enum {
    BLOCK = MEDSEC_AES_BLOCK_LEN,
    CHUNK_LEN = 8 * BLOCK /* what AES-NI has in flight at once */
};

static EVP_CIPHER_CTX *context_of(const medsec_cipher *cipher)
{
    EVP_CIPHER_CTX *context;
    memcpy(&context, cipher->opaque, sizeof context);
    return context;
}

static medsec_status aes128_cbc_open(medsec_cipher *cipher, medsec_direction direction,
                                     const uint8_t key[MEDSEC_AES128_KEY_LEN])
{
    EVP_CIPHER_CTX *context = EVP_CIPHER_CTX_new();
    if (context == NULL) {
        return MEDSEC_ERR_PROVIDER;
    }
    if (EVP_CipherInit_ex(context, EVP_aes_128_ecb(), NULL, key, NULL, (int)direction) != 1 ||
        EVP_CIPHER_CTX_set_padding(context, 0) != 1) {
        EVP_CIPHER_CTX_free(context);
        return MEDSEC_ERR_PROVIDER;
    }
    memcpy(cipher->opaque, &context, sizeof context);
    return MEDSEC_OK;
}

static medsec_status aes128_cbc_rekey(medsec_cipher *cipher,
                                      const uint8_t key[MEDSEC_AES128_KEY_LEN])
{
    int done = EVP_CipherInit_ex(context_of(cipher), NULL, NULL, key, NULL, -1);
    return done == 1 ? MEDSEC_OK : MEDSEC_ERR_PROVIDER;
}

static bool ecb(EVP_CIPHER_CTX *context, uint8_t *out, const uint8_t *in, size_t len)
{
    int done = 0;
    return EVP_CipherUpdate(context, out, &done, in, (int)len) == 1 && (size_t)done == len;
}

static void xor_block(uint8_t out[BLOCK], const uint8_t a[BLOCK], const uint8_t b[BLOCK])
{
    uint64_t x[2];
    uint64_t y[2];
    memcpy(x, a, BLOCK);
    memcpy(y, b, BLOCK);
    x[0] ^= y[0];
    x[1] ^= y[1];
    memcpy(out, x, BLOCK);
}

static bool encrypt_block(EVP_CIPHER_CTX *context, uint8_t iv[BLOCK], uint8_t *out,
                          const uint8_t *in)
{
    xor_block(iv, iv, in);
    if (!ecb(context, iv, iv, BLOCK)) {
        return false;
    }
    memcpy(out, iv, BLOCK);
    return true;
}

/* The ciphertext is kept aside because `out` may be `in`. */
static bool decrypt_chunk(EVP_CIPHER_CTX *context, uint8_t iv[BLOCK], uint8_t *out,
                          const uint8_t *in, size_t len)
{
    uint8_t chain[BLOCK + CHUNK_LEN];
    memcpy(chain, iv, BLOCK);
    memcpy(chain + BLOCK, in, len);
    if (!ecb(context, out, chain + BLOCK, len)) {
        return false;
    }
    for (size_t at = 0; at < len; at += BLOCK) {
        xor_block(out + at, out + at, chain + at);
    }
    memcpy(iv, chain + len, BLOCK);
    return true;
}

static medsec_status aes128_cbc_run(medsec_cipher *cipher, uint8_t iv[BLOCK], uint8_t *out,
                                    const uint8_t *in, size_t len)
{
    EVP_CIPHER_CTX *context = context_of(cipher);
    bool encrypting = EVP_CIPHER_CTX_is_encrypting(context) == 1;
    size_t step = encrypting ? BLOCK : CHUNK_LEN;
    for (size_t done = 0; done < len; done += step) {
        step = len - done < step ? len - done : step;
        bool good = encrypting ? encrypt_block(context, iv, out + done, in + done)
                               : decrypt_chunk(context, iv, out + done, in + done, step);
        if (!good) {
            return MEDSEC_ERR_PROVIDER;
        }
    }
    return MEDSEC_OK;
}

static void aes128_cbc_close(medsec_cipher *cipher)
{
    EVP_CIPHER_CTX_free(context_of(cipher)); /* wipes the key schedule; NULL is fine */
    sodium_memzero(cipher, sizeof *cipher);
}

static void wipe(void *data, size_t len)
{
    sodium_memzero(data, len);
}

static bool equal(const void *a, const void *b, size_t len)
{
    return sodium_memcmp(a, b, len) == 0;
}

const medsec_crypto *medsec_crypto_openssl(void)
{
    static const medsec_crypto crypto = {
        .name = "openssl",
        .aes128_cbc_open = aes128_cbc_open,
        .aes128_cbc_rekey = aes128_cbc_rekey,
        .aes128_cbc_run = aes128_cbc_run,
        .aes128_cbc_close = aes128_cbc_close,
        .aes128_cbc_once = medsec__aes128_cbc_once,
        .aes128_cbc_forget = medsec__aes128_cbc_forget,
        .sha256 = medsec__sha256,
        .hmac_sha256 = medsec__hmac_sha256,
        .x25519 = medsec__x25519,
        .x25519_public = medsec__x25519_public,
        .chachapoly_seal = medsec__chachapoly_seal,
        .chachapoly_open = medsec__chachapoly_open,
        .wipe = wipe,
        .equal = equal,
    };
    return &crypto;
}
