/* SPDX-License-Identifier: Apache-2.0 */
#include "primitives.h"

#include <openssl/evp.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

/*
 * A context a thread and direction, made at the first call and given another key at each: a record
 * then costs no heap, and a session keeps 48 bytes of keys instead of key schedules.
 */
typedef struct contexts {
    EVP_CIPHER_CTX *of[2]; /* by medsec_direction */
} contexts;

static pthread_once_t once = PTHREAD_ONCE_INIT;
static pthread_key_t slot;
static bool have_slot;

static void free_contexts(void *data)
{
    contexts *all = data;
    EVP_CIPHER_CTX_free(all->of[MEDSEC_DECRYPT]); /* wipes the key schedule; NULL is fine */
    EVP_CIPHER_CTX_free(all->of[MEDSEC_ENCRYPT]);
    free(all);
}

static void make_slot(void)
{
    have_slot = pthread_key_create(&slot, free_contexts) == 0;
}

/*
 * Every call that is told an IV, or was told that there is no padding, asks the cipher for its
 * parameters by name, which takes as long as half a record. So the IV is zero here for ever (a new
 * key brings it back) and the caller's is added by hand, and only decryption, which would hold the
 * last block back, is told of the padding.
 */
static EVP_CIPHER_CTX *make_context(medsec_direction direction)
{
    static const uint8_t zero[MEDSEC_AES128_KEY_LEN];
    EVP_CIPHER_CTX *context = EVP_CIPHER_CTX_new();
    if (context != NULL &&
        (EVP_CipherInit_ex(context, EVP_aes_128_cbc(), NULL, zero, zero, (int)direction) != 1 ||
         (direction == MEDSEC_DECRYPT && EVP_CIPHER_CTX_set_padding(context, 0) != 1))) {
        EVP_CIPHER_CTX_free(context);
        context = NULL;
    }
    return context;
}

static contexts *make_contexts(void)
{
    contexts *all = calloc(1, sizeof *all);
    if (all == NULL) {
        return NULL;
    }
    all->of[MEDSEC_DECRYPT] = make_context(MEDSEC_DECRYPT);
    all->of[MEDSEC_ENCRYPT] = make_context(MEDSEC_ENCRYPT);
    if (all->of[MEDSEC_DECRYPT] == NULL || all->of[MEDSEC_ENCRYPT] == NULL ||
        pthread_setspecific(slot, all) != 0) {
        free_contexts(all);
        return NULL;
    }
    return all;
}

/* This thread's; NULL when it has none. */
static contexts *own_contexts(void)
{
    return pthread_once(&once, make_slot) == 0 && have_slot ? pthread_getspecific(slot) : NULL;
}

static bool set_key(EVP_CIPHER_CTX *context, const uint8_t key[MEDSEC_AES128_KEY_LEN])
{
    return EVP_CipherInit_ex(context, NULL, NULL, key, NULL, -1) == 1;
}

static void add_iv(uint8_t block[MEDSEC_AES_BLOCK_LEN], const uint8_t iv[MEDSEC_AES_BLOCK_LEN])
{
    for (size_t i = 0; i < MEDSEC_AES_BLOCK_LEN; i++) {
        block[i] ^= iv[i];
    }
}

static bool run(EVP_CIPHER_CTX *context, uint8_t *out, const uint8_t *in, size_t len)
{
    int done = 0;
    return EVP_CipherUpdate(context, out, &done, in, (int)len) == 1 && (size_t)done == len;
}

medsec_status medsec__aes128_cbc_once(medsec_direction direction,
                                      const uint8_t key[MEDSEC_AES128_KEY_LEN],
                                      const uint8_t iv[MEDSEC_AES_BLOCK_LEN], uint8_t *out,
                                      const uint8_t *in, size_t len)
{
    contexts *all = own_contexts();
    if (all == NULL && have_slot) {
        all = make_contexts();
    }
    if (all == NULL || !set_key(all->of[direction], key)) {
        return MEDSEC_ERR_PROVIDER;
    }
    if (len == 0) {
        return MEDSEC_OK;
    }
    if (direction == MEDSEC_DECRYPT) {
        bool good = run(all->of[direction], out, in, len);
        add_iv(out, iv);
        return good ? MEDSEC_OK : MEDSEC_ERR_PROVIDER;
    }
    memmove(out, in, len);
    add_iv(out, iv);
    return run(all->of[direction], out, out, len) ? MEDSEC_OK : MEDSEC_ERR_PROVIDER;
}

void medsec__aes128_cbc_forget(void)
{
    static const uint8_t zero[MEDSEC_AES128_KEY_LEN];
    contexts *all = own_contexts();
    if (all != NULL &&
        !(set_key(all->of[MEDSEC_DECRYPT], zero) && set_key(all->of[MEDSEC_ENCRYPT], zero))) {
        (void)pthread_setspecific(slot, NULL);
        free_contexts(all);
    }
}
