/* SPDX-License-Identifier: Apache-2.0 */
#include "unlock.h"

#include "secret_file.h"

#include <string.h>

#define KEY_TAG "medsec-registry-key/1 "
#define KEY_TAG_LEN (sizeof KEY_TAG - 1)
#define BASE64_LEN sodium_base64_ENCODED_LEN(MEDSEC__MASTER_LEN, sodium_base64_VARIANT_ORIGINAL)
#define KEY_LINE_MAX 128u

/* A known text, sealed: opens under the right key only. */
static const uint8_t check_text[16] = "medsec-registry";
static const uint8_t check_bound[MEDSEC__HASH_LEN] = {0};

medsec_status medsec__unlock_check(const medsec_registry_unlock *unlock)
{
    if (unlock == NULL || (unlock->key_file == NULL) == (unlock->passphrase == NULL)) {
        return MEDSEC_ERR_ARGUMENT;
    }
    if (unlock->passphrase != NULL && unlock->passphrase_len < MEDSEC_PASSPHRASE_MIN) {
        return MEDSEC_ERR_ARGUMENT;
    }
    return MEDSEC_OK;
}

static medsec_status parse_key_line(uint8_t master[MEDSEC__MASTER_LEN], const char *line,
                                    size_t len)
{
    if (len > 0 && line[len - 1] == '\n') {
        len--;
    }
    if (len != KEY_TAG_LEN + BASE64_LEN - 1 || memcmp(line, KEY_TAG, KEY_TAG_LEN) != 0) {
        return MEDSEC_ERR_SYNTAX;
    }
    size_t got = 0;
    int failed =
        sodium_base642bin(master, MEDSEC__MASTER_LEN, line + KEY_TAG_LEN, len - KEY_TAG_LEN, NULL,
                          &got, NULL, sodium_base64_VARIANT_ORIGINAL);
    return failed == 0 && got == MEDSEC__MASTER_LEN ? MEDSEC_OK : MEDSEC_ERR_SYNTAX;
}

static medsec_status read_key_file(medsec_registry *registry, uint8_t master[MEDSEC__MASTER_LEN],
                                   const char *path)
{
    char line[KEY_LINE_MAX];
    size_t len = 0;
    medsec_status status = medsec__secret_file_read(path, line, sizeof line, &len);
    if (status == MEDSEC_OK) {
        status = parse_key_line(master, line, len);
    }
    sodium_memzero(line, sizeof line);
    if (status == MEDSEC_ERR_LIMIT) {
        status = MEDSEC_ERR_SYNTAX;
    }
    return status == MEDSEC_OK
               ? MEDSEC_OK
               : medsec__fail(registry, status, "the key file: %s", medsec_strerror(status));
}

static medsec_status create_key_file(const char *path)
{
    uint8_t master[MEDSEC__MASTER_LEN];
    char line[KEY_LINE_MAX] = KEY_TAG;
    randombytes_buf(master, sizeof master);
    sodium_bin2base64(line + KEY_TAG_LEN, BASE64_LEN, master, sizeof master,
                      sodium_base64_VARIANT_ORIGINAL);
    size_t len = strlen(line);
    line[len++] = '\n';
    medsec_status status = medsec__secret_file_create(path, line, len);
    sodium_memzero(master, sizeof master);
    sodium_memzero(line, sizeof line);
    return status;
}

static medsec_status keep_keys(medsec_registry *registry, medsec_status status, uint8_t *master)
{
    if (status == MEDSEC_OK) {
        medsec__keys *keys = medsec__keys_create(master);
        if (keys == NULL) {
            status = medsec__fail(registry, MEDSEC_ERR_MEMORY, "no memory for the keys");
        } else {
            medsec__keys_destroy(registry->keys);
            registry->keys = keys;
        }
    }
    sodium_memzero(master, MEDSEC__MASTER_LEN);
    return status;
}

/* In the file: salt || passes u64 || bytes u64. */
#define RECORD_LEN (MEDSEC__SALT_LEN + 16u)

static medsec_status write_passphrase(medsec_registry *registry, uint8_t *master,
                                      const medsec_registry_unlock *unlock)
{
    medsec__passphrase parameters;
    uint8_t record[RECORD_LEN];
    medsec__passphrase_init(&parameters);
    memcpy(record, parameters.salt, MEDSEC__SALT_LEN);
    medsec__put_u64(record + MEDSEC__SALT_LEN, parameters.ops);
    medsec__put_u64(record + MEDSEC__SALT_LEN + 8, parameters.memory);
    medsec_status status = medsec__meta_set(registry, "passphrase", record, sizeof record);
    if (status == MEDSEC_OK) {
        status = medsec__passphrase_master(master, unlock->passphrase, unlock->passphrase_len,
                                           &parameters);
    }
    return status;
}

static medsec_status read_passphrase(medsec_registry *registry, uint8_t *master,
                                     const medsec_registry_unlock *unlock)
{
    medsec__passphrase parameters;
    uint8_t record[RECORD_LEN];
    medsec_status status = medsec__meta_get(registry, "passphrase", record, sizeof record);
    if (status == MEDSEC_ERR_NOT_FOUND) {
        return medsec__fail(registry, MEDSEC_ERR_CRYPTO, "the registry has a key file");
    }
    if (status != MEDSEC_OK) {
        return status;
    }
    memcpy(parameters.salt, record, MEDSEC__SALT_LEN);
    parameters.ops = medsec__get_u64(record + MEDSEC__SALT_LEN);
    parameters.memory = medsec__get_u64(record + MEDSEC__SALT_LEN + 8);
    return medsec__passphrase_master(master, unlock->passphrase, unlock->passphrase_len,
                                     &parameters);
}

medsec_status medsec__unlock_create(medsec_registry *registry, const medsec_registry_unlock *unlock)
{
    uint8_t master[MEDSEC__MASTER_LEN];
    medsec_status status;
    if (unlock->passphrase != NULL) {
        status = write_passphrase(registry, master, unlock);
    } else {
        status = read_key_file(registry, master, unlock->key_file);
        if (status == MEDSEC_ERR_NOT_FOUND) {
            status = create_key_file(unlock->key_file);
            status = status == MEDSEC_OK || status == MEDSEC_ERR_EXISTS
                         ? read_key_file(registry, master, unlock->key_file)
                         : status;
        }
    }
    status = keep_keys(registry, status, master);
    if (status != MEDSEC_OK) {
        return status;
    }
    uint8_t sealed[sizeof check_text + MEDSEC__SEAL_EXTRA];
    medsec__seal(sealed, registry->keys, check_text, sizeof check_text, check_bound);
    return medsec__meta_set(registry, "check", sealed, sizeof sealed);
}

medsec_status medsec__unlock_open(medsec_registry *registry, const medsec_registry_unlock *unlock)
{
    uint8_t master[MEDSEC__MASTER_LEN];
    medsec_status status = unlock->passphrase != NULL
                               ? read_passphrase(registry, master, unlock)
                               : read_key_file(registry, master, unlock->key_file);
    status = keep_keys(registry, status, master);
    return status == MEDSEC_OK ? medsec__unlock_test(registry) : status;
}

medsec_status medsec__unlock_test(medsec_registry *registry)
{
    uint8_t text[sizeof check_text];
    uint8_t sealed[sizeof check_text + MEDSEC__SEAL_EXTRA];
    medsec_status status = medsec__meta_get(registry, "check", sealed, sizeof sealed);
    if (status != MEDSEC_OK) {
        return status == MEDSEC_ERR_NOT_FOUND ? MEDSEC_ERR_CORRUPT : status;
    }
    if (medsec__unseal(text, sizeof text, registry->keys, sealed, sizeof sealed, check_bound) !=
            MEDSEC_OK ||
        memcmp(text, check_text, sizeof text) != 0) {
        return medsec__fail(registry, MEDSEC_ERR_CRYPTO,
                            "the key file or passphrase is not that of this registry");
    }
    return MEDSEC_OK;
}
