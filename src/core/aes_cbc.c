/* SPDX-License-Identifier: Apache-2.0 */
#include <medsec/aes_cbc.h>

#include "pkcs7.h"

#include <string.h>

static bool is_open(const medsec_aes_cbc *aes)
{
    return aes != NULL && aes->crypto != NULL;
}

medsec_status medsec_aes_cbc_open(medsec_aes_cbc *aes, const medsec_crypto *crypto,
                                  medsec_direction direction,
                                  const uint8_t key[MEDSEC_AES128_KEY_LEN])
{
    if (aes == NULL || crypto == NULL || key == NULL) {
        return MEDSEC_ERR_ARGUMENT;
    }
    memset(aes, 0, sizeof *aes);
    medsec_status status = crypto->aes128_cbc_open(&aes->cipher, direction, key);
    if (status != MEDSEC_OK) {
        return status;
    }
    aes->crypto = crypto;
    aes->direction = direction;
    return MEDSEC_OK;
}

medsec_status medsec_aes_cbc_rekey(medsec_aes_cbc *aes, const uint8_t key[MEDSEC_AES128_KEY_LEN])
{
    if (!is_open(aes) || key == NULL) {
        return MEDSEC_ERR_ARGUMENT;
    }
    return aes->crypto->aes128_cbc_rekey(&aes->cipher, key);
}

medsec_status medsec_aes_cbc_run(medsec_aes_cbc *aes, uint8_t *out, const uint8_t *in, size_t len,
                                 uint8_t iv[MEDSEC_AES_BLOCK_LEN])
{
    if (!is_open(aes) || iv == NULL || len % MEDSEC_AES_BLOCK_LEN != 0) {
        return MEDSEC_ERR_ARGUMENT;
    }
    if (len == 0) {
        return MEDSEC_OK;
    }
    if (out == NULL || in == NULL) {
        return MEDSEC_ERR_ARGUMENT;
    }
    return aes->crypto->aes128_cbc_run(&aes->cipher, iv, out, in, len);
}

medsec_status medsec_aes_cbc_encrypt_padded(medsec_aes_cbc *aes, uint8_t *out, size_t out_cap,
                                            size_t *out_len, const uint8_t *in, size_t len,
                                            const uint8_t iv[MEDSEC_AES_BLOCK_LEN])
{
    if (!is_open(aes) || aes->direction != MEDSEC_ENCRYPT || out == NULL || out_len == NULL ||
        (in == NULL && len > 0) || iv == NULL) {
        return MEDSEC_ERR_ARGUMENT;
    }
    size_t tail = len % MEDSEC_AES_BLOCK_LEN;
    size_t whole = len - tail;
    if (out_cap < MEDSEC_AES_BLOCK_LEN || out_cap - MEDSEC_AES_BLOCK_LEN < whole) {
        return MEDSEC_ERR_BUFFER;
    }
    uint8_t chain[MEDSEC_AES_BLOCK_LEN];
    uint8_t last[MEDSEC_AES_BLOCK_LEN];
    memcpy(chain, iv, sizeof chain);
    memset(last, (int)(sizeof last - tail), sizeof last);
    if (tail > 0) {
        memcpy(last, in + whole, tail);
    }
    medsec_status status = medsec_aes_cbc_run(aes, out, in, whole, chain);
    if (status == MEDSEC_OK) {
        status = medsec_aes_cbc_run(aes, out + whole, last, sizeof last, chain);
    }
    aes->crypto->wipe(last, sizeof last);
    if (status != MEDSEC_OK) {
        aes->crypto->wipe(out, whole + sizeof last);
        return status;
    }
    *out_len = whole + sizeof last;
    return MEDSEC_OK;
}

medsec_status medsec_aes_cbc_decrypt_padded(medsec_aes_cbc *aes, uint8_t *out, size_t *out_len,
                                            const uint8_t *in, size_t len,
                                            const uint8_t iv[MEDSEC_AES_BLOCK_LEN])
{
    if (!is_open(aes) || aes->direction != MEDSEC_DECRYPT || out_len == NULL || iv == NULL ||
        ((in == NULL || out == NULL) && len > 0)) {
        return MEDSEC_ERR_ARGUMENT;
    }
    uint8_t chain[MEDSEC_AES_BLOCK_LEN];
    memcpy(chain, iv, sizeof chain);
    size_t padding = 0;
    if (len > 0 && medsec_aes_cbc_run(aes, out, in, len, chain) == MEDSEC_OK) {
        padding = medsec__pkcs7_len(out + len - MEDSEC_AES_BLOCK_LEN);
    }
    if (padding == 0) {
        aes->crypto->wipe(out, len);
        return MEDSEC_ERR_CRYPTO;
    }
    *out_len = len - padding;
    return MEDSEC_OK;
}

void medsec_aes_cbc_close(medsec_aes_cbc *aes)
{
    if (!is_open(aes)) {
        return;
    }
    aes->crypto->aes128_cbc_close(&aes->cipher);
    memset(aes, 0, sizeof *aes);
}
