/* SPDX-License-Identifier: Apache-2.0 */
#include <medsec/credential_file.h>

#include "sample_key.h"
#include "secret_file.h"

#include <sodium.h>

/* 64 characters: 6 bits each, 96 bits in 16. */
static const char alphabet[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

medsec_status medsec_credential_load(medsec_credential *credential, const char *path)
{
    if (credential == NULL || path == NULL) {
        return MEDSEC_ERR_ARGUMENT;
    }
    medsec_credential_wipe(credential);
    char json[MEDSEC_CREDENTIAL_JSON_MAX];
    size_t len;
    medsec_status status = medsec__secret_file_read(path, json, sizeof json, &len);
    if (status == MEDSEC_ERR_LIMIT) {
        status = MEDSEC_ERR_SYNTAX;
    }
    if (status == MEDSEC_OK) {
        status = medsec_credential_parse(credential, json, len);
    }
    sodium_memzero(json, sizeof json);
    return status;
}

medsec_status medsec_credential_save(const medsec_credential *credential, const char *path)
{
    if (credential == NULL || path == NULL) {
        return MEDSEC_ERR_ARGUMENT;
    }
    char json[MEDSEC_CREDENTIAL_JSON_MAX];
    size_t len;
    medsec_status status = medsec_credential_write(json, sizeof json, &len, credential);
    if (status == MEDSEC_OK) {
        status = medsec__secret_file_create(path, json, len);
    }
    sodium_memzero(json, sizeof json);
    return status;
}

medsec_status medsec_credential_save_block(const medsec_credential *credential,
                                           const medsec_crypto *crypto, const char *path)
{
    if (path == NULL) {
        return MEDSEC_ERR_ARGUMENT;
    }
    uint8_t block[MEDSEC_CREDENTIAL_BLOCK_MAX];
    size_t len;
    medsec_status status =
        medsec_credential_block_write(block, sizeof block, &len, crypto, credential);
    if (status == MEDSEC_OK) {
        status = medsec__secret_file_create(path, block, len);
    }
    sodium_memzero(block, sizeof block);
    return status;
}

static void fill_text(uint8_t *text, size_t len)
{
    randombytes_buf(text, len);
    for (size_t i = 0; i < len; i++) {
        text[i] = (uint8_t)alphabet[text[i] % 64];
    }
}

static void generate_seed(medsec_credential *credential)
{
    do {
        fill_text(credential->key, sizeof credential->key);
    } while (medsec__key_is_sample(credential->key));
    fill_text(credential->iv, sizeof credential->iv);
}

static void generate_medsec1(medsec_credential *credential)
{
    randombytes_buf(credential->psk, sizeof credential->psk);
    bool given = !credential->has_private &&
                 !sodium_is_zero(credential->device_public, sizeof credential->device_public);
    if (given) {
        return;
    }
    randombytes_buf(credential->device_private, sizeof credential->device_private);
    credential->has_private = true;
    /* It cannot fail: libsodium clamps the private key. */
    (void)crypto_scalarmult_base(credential->device_public, credential->device_private);
}

void medsec_credential_generate(medsec_credential *credential)
{
    if (sodium_init() < 0) {
        sodium_misuse();
    }
    if (credential->wire == MEDSEC_WIRE_MEDSEC1) {
        generate_medsec1(credential);
    } else {
        generate_seed(credential);
    }
}

void medsec_credential_wipe(medsec_credential *credential)
{
    if (credential != NULL) {
        sodium_memzero(credential, sizeof *credential);
    }
}
