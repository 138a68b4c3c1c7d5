/* SPDX-License-Identifier: Apache-2.0 */
#include "unit.h"

#include "guard.h"
#include "vectors.h"

#include <medsec/aes_cbc.h>

#include "core/pkcs7.h"
#include "crypto/bearssl/provider.h"

#include <openssl/crypto.h>
#include <stdlib.h>
#include <string.h>

enum { TEXT_MAX = 4096 };

typedef struct vector {
    uint8_t key[MEDSEC_AES128_KEY_LEN];
    uint8_t iv[MEDSEC_AES_BLOCK_LEN];
    uint8_t plain[TEXT_MAX];
    uint8_t cipher[TEXT_MAX];
    size_t plain_len;
    size_t cipher_len;
} vector;

static const uint8_t KEY[MEDSEC_AES128_KEY_LEN] = "a key for a test";
static const uint8_t IV[MEDSEC_AES_BLOCK_LEN] = "another 16 bytes";

static const medsec_crypto *tested;

static int use_openssl(void **state)
{
    (void)state;
    tested = medsec_crypto_openssl();
    return 0;
}

static int use_bearssl(void **state)
{
    (void)state;
    tested = medsec_crypto_bearssl();
    return 0;
}

static void open_aes(medsec_aes_cbc *aes, medsec_direction direction, const uint8_t *key)
{
    assert_int_equal(medsec_aes_cbc_open(aes, tested, direction, key), MEDSEC_OK);
}

/* In pieces of `step` blocks, from one buffer to another or in place. */
static void expect_run(medsec_direction direction, const vector *v, size_t step, bool in_place)
{
    const uint8_t *in = direction == MEDSEC_ENCRYPT ? v->plain : v->cipher;
    const uint8_t *expected = direction == MEDSEC_ENCRYPT ? v->cipher : v->plain;
    medsec_aes_cbc aes;
    uint8_t iv[MEDSEC_AES_BLOCK_LEN];
    uint8_t out[TEXT_MAX];
    memcpy(iv, v->iv, sizeof iv);
    memcpy(out, in, v->plain_len);
    open_aes(&aes, direction, v->key);
    step *= MEDSEC_AES_BLOCK_LEN;
    for (size_t at = 0; at < v->plain_len; at += step) {
        size_t len = v->plain_len - at < step ? v->plain_len - at : step;
        const uint8_t *from = in_place ? out + at : in + at;
        assert_int_equal(medsec_aes_cbc_run(&aes, out + at, from, len, iv), MEDSEC_OK);
    }
    assert_memory_equal(out, expected, v->plain_len);
    assert_memory_equal(iv, v->cipher + v->plain_len - sizeof iv, sizeof iv);
    medsec_aes_cbc_close(&aes);
    medsec_aes_cbc_close(&aes);
}

static void check(const vector *v)
{
    assert_int_equal(v->plain_len, v->cipher_len);
    size_t blocks = v->plain_len / MEDSEC_AES_BLOCK_LEN;
    for (size_t step = 1; step <= blocks; step++) {
        for (int in_place = 0; in_place < 2; in_place++) {
            expect_run(MEDSEC_ENCRYPT, v, step, in_place);
            expect_run(MEDSEC_DECRYPT, v, step, in_place);
        }
    }
}

/* CAVP response file: both sections give a key, an IV, a plaintext and a ciphertext. */
static size_t check_rsp(FILE *file)
{
    static vector v;
    char line[2 * TEXT_MAX];
    size_t count = 0;
    unsigned seen = 0;
    while (fgets(line, sizeof line, file) != NULL) {
        char name[16];
        static char hex[2 * TEXT_MAX];
        if (sscanf(line, "%15s = %8191[0-9a-f]", name, hex) != 2) {
            continue;
        }
        if (strcmp(name, "KEY") == 0) {
            seen = vectors_bytes(hex, v.key, sizeof v.key) == sizeof v.key;
        } else if (strcmp(name, "IV") == 0) {
            seen += vectors_bytes(hex, v.iv, sizeof v.iv) == sizeof v.iv;
        } else if (strcmp(name, "PLAINTEXT") == 0) {
            v.plain_len = vectors_bytes(hex, v.plain, sizeof v.plain);
            seen++;
        } else if (strcmp(name, "CIPHERTEXT") == 0) {
            v.cipher_len = vectors_bytes(hex, v.cipher, sizeof v.cipher);
            seen++;
        }
        if (seen == 4) {
            check(&v);
            seen = 0;
            count++;
        }
    }
    return count;
}

static void test_run_examples(void **state)
{
    (void)state;
    FILE *file = fopen(MEDSEC_SOURCE_DIR "/tests/vectors/aes128_cbc.rsp", "r");
    assert_non_null(file);
    assert_int_equal(check_rsp(file), 4);
    fclose(file);
}

static void test_run_cavp(void **state)
{
    static const struct {
        const char *name;
        size_t count;
    } files[] = {
        {"nist/CBCGFSbox128.rsp", 14},  {"nist/CBCKeySbox128.rsp", 42}, {"nist/CBCMMT128.rsp", 20},
        {"nist/CBCVarKey128.rsp", 256}, {"nist/CBCVarTxt128.rsp", 256},
    };
    (void)state;
    for (size_t i = 0; i < sizeof files / sizeof files[0]; i++) {
        FILE *file = vectors_open(files[i].name);
        if (file == NULL) {
            skip();
        }
        assert_int_equal(check_rsp(file), files[i].count);
        fclose(file);
    }
}

static void check_padded(const vector *v, bool valid)
{
    medsec_aes_cbc aes;
    uint8_t *end = guard_end(TEXT_MAX);
    uint8_t *out = end - v->cipher_len;
    size_t len = 0;
    if (valid) {
        open_aes(&aes, MEDSEC_ENCRYPT, v->key);
        assert_int_equal(medsec_aes_cbc_encrypt_padded(&aes, out, v->cipher_len, &len, v->plain,
                                                       v->plain_len, v->iv),
                         MEDSEC_OK);
        assert_int_equal(len, v->cipher_len);
        assert_memory_equal(out, v->cipher, len);
        medsec_aes_cbc_close(&aes);
    }
    open_aes(&aes, MEDSEC_DECRYPT, v->key);
    memcpy(out, v->cipher, v->cipher_len);
    medsec_status status =
        medsec_aes_cbc_decrypt_padded(&aes, out, &len, out, v->cipher_len, v->iv);
    assert_int_equal(status, valid ? MEDSEC_OK : MEDSEC_ERR_CRYPTO);
    if (valid) {
        assert_int_equal(len, v->plain_len);
        assert_memory_equal(out, v->plain, len);
    }
    for (size_t i = 0; !valid && i < v->cipher_len; i++) {
        assert_int_equal(out[i], 0);
    }
    medsec_aes_cbc_close(&aes);
    guard_free(end, TEXT_MAX);
}

/* The same by the two parts that records use: the cipher without padding, and its length. */
static void check_once(const vector *v, bool valid)
{
    uint8_t out[TEXT_MAX];
    assert_int_equal(
        tested->aes128_cbc_once(MEDSEC_DECRYPT, v->key, v->iv, out, v->cipher, v->cipher_len),
        MEDSEC_OK);
    size_t padding = medsec__pkcs7_len(out + v->cipher_len - MEDSEC_AES_BLOCK_LEN);
    assert_int_equal(padding > 0, valid);
    if (valid) {
        assert_int_equal(v->cipher_len - padding, v->plain_len);
        assert_memory_equal(out, v->plain, v->plain_len);
    }
}

static bool read_wycheproof(const cJSON *test, vector *v)
{
    const char *key = vectors_text(test, "key");
    if (strlen(key) != 2 * MEDSEC_AES128_KEY_LEN) {
        return false;
    }
    vectors_bytes(key, v->key, sizeof v->key);
    vectors_bytes(vectors_text(test, "iv"), v->iv, sizeof v->iv);
    v->plain_len = vectors_bytes(vectors_text(test, "msg"), v->plain, sizeof v->plain);
    v->cipher_len = vectors_bytes(vectors_text(test, "ct"), v->cipher, sizeof v->cipher);
    return true;
}

static void test_padded_wycheproof(void **state)
{
    static vector v;
    size_t len = 0;
    size_t count = 0;
    (void)state;
    FILE *file = vectors_open("wycheproof/aes_cbc_pkcs5_test.json");
    if (file == NULL) {
        skip();
    }
    char *text = vectors_read(file, &len);
    fclose(file);
    cJSON *json = cJSON_Parse(text);
    const cJSON *group;
    const cJSON *test;
    cJSON_ArrayForEach(group, cJSON_GetObjectItem(json, "testGroups"))
    {
        cJSON_ArrayForEach(test, cJSON_GetObjectItem(group, "tests"))
        {
            if (read_wycheproof(test, &v)) {
                bool valid = strcmp(vectors_text(test, "result"), "valid") == 0;
                check_padded(&v, valid);
                if (v.cipher_len > 0 && v.cipher_len % MEDSEC_AES_BLOCK_LEN == 0) {
                    check_once(&v, valid);
                }
                count++;
            }
        }
    }
    assert_int_equal(count, 72);
    cJSON_Delete(json);
    free(text);
}

/* Every last block of the form n times n is padding, and nothing else is. */
static void test_padded_every_padding(void **state)
{
    medsec_aes_cbc encrypt;
    medsec_aes_cbc decrypt;
    (void)state;
    open_aes(&encrypt, MEDSEC_ENCRYPT, KEY);
    open_aes(&decrypt, MEDSEC_DECRYPT, KEY);
    for (int last = 0; last < 256; last++) {
        for (size_t broken = 0; broken <= MEDSEC_AES_BLOCK_LEN; broken++) {
            uint8_t text[2 * MEDSEC_AES_BLOCK_LEN];
            uint8_t iv[MEDSEC_AES_BLOCK_LEN];
            size_t len = 0;
            memset(text, last, sizeof text);
            /* `broken` counts from the end; 0 breaks nothing. */
            if (broken > 0) {
                text[sizeof text - broken] ^= 0x80;
            }
            memcpy(iv, IV, sizeof iv);
            assert_int_equal(medsec_aes_cbc_run(&encrypt, text, text, sizeof text, iv), MEDSEC_OK);
            bool in_range = last >= 1 && last <= (int)MEDSEC_AES_BLOCK_LEN;
            bool good = in_range && (broken == 0 || broken > (size_t)last);
            bool other = broken == 1 && (last ^ 0x80) == 1;
            assert_int_equal(
                medsec_aes_cbc_decrypt_padded(&decrypt, text, &len, text, sizeof text, IV),
                good || other ? MEDSEC_OK : MEDSEC_ERR_CRYPTO);
            assert_true(!good || len == sizeof text - (size_t)last);
        }
    }
    medsec_aes_cbc_close(&encrypt);
    medsec_aes_cbc_close(&decrypt);
}

static void test_padded_every_length(void **state)
{
    medsec_aes_cbc encrypt;
    medsec_aes_cbc decrypt;
    (void)state;
    open_aes(&encrypt, MEDSEC_ENCRYPT, KEY);
    open_aes(&decrypt, MEDSEC_DECRYPT, KEY);
    for (size_t len = 0; len < 160; len++) {
        uint8_t plain[160];
        uint8_t text[176];
        size_t padded = 0;
        size_t back = 0;
        memset(plain, (int)len, sizeof plain);
        size_t room = len - len % 16 + 16;
        assert_int_equal(
            medsec_aes_cbc_encrypt_padded(&encrypt, text, room - 1, &padded, plain, len, IV),
            MEDSEC_ERR_BUFFER);
        memcpy(text, plain, len);
        assert_int_equal(
            medsec_aes_cbc_encrypt_padded(&encrypt, text, room, &padded, text, len, IV), MEDSEC_OK);
        assert_int_equal(padded, room);
        assert_int_equal(medsec_aes_cbc_decrypt_padded(&decrypt, text, &back, text, padded, IV),
                         MEDSEC_OK);
        assert_int_equal(back, len);
        assert_memory_equal(text, plain, len);
    }
    medsec_aes_cbc_close(&encrypt);
    medsec_aes_cbc_close(&decrypt);
}

static void test_rekey(void **state)
{
    static const uint8_t other[MEDSEC_AES128_KEY_LEN] = "quite other key.";
    medsec_aes_cbc aes;
    medsec_aes_cbc fresh;
    uint8_t a[16] = {0};
    uint8_t b[16] = {0};
    uint8_t iv[16] = {0};
    (void)state;
    open_aes(&aes, MEDSEC_DECRYPT, KEY);
    open_aes(&fresh, MEDSEC_DECRYPT, other);
    assert_int_equal(medsec_aes_cbc_rekey(&aes, other), MEDSEC_OK);
    assert_int_equal(medsec_aes_cbc_run(&aes, a, a, 16, iv), MEDSEC_OK);
    memset(iv, 0, sizeof iv);
    assert_int_equal(medsec_aes_cbc_run(&fresh, b, b, 16, iv), MEDSEC_OK);
    assert_memory_equal(a, b, 16);
    medsec_aes_cbc_close(&aes);
    medsec_aes_cbc_close(&fresh);
}

/* OpenSSL takes its memory here, so that a test can count. */
static size_t allocations;

static void *count_malloc(size_t len, const char *file, int line)
{
    (void)file;
    (void)line;
    allocations++;
    return malloc(len);
}

static void *count_realloc(void *data, size_t len, const char *file, int line)
{
    (void)file;
    (void)line;
    allocations++;
    return realloc(data, len);
}

static void count_free(void *data, const char *file, int line)
{
    (void)file;
    (void)line;
    free(data);
}

static void test_only_open_allocates(void **state)
{
    medsec_aes_cbc aes;
    uint8_t text[256] = {0};
    uint8_t iv[16] = {0};
    (void)state;
    size_t before = allocations;
    open_aes(&aes, MEDSEC_DECRYPT, KEY);
    assert_true(allocations > before);
    before = allocations;
    for (size_t i = 0; i < 100; i++) {
        assert_int_equal(medsec_aes_cbc_rekey(&aes, IV), MEDSEC_OK);
        assert_int_equal(medsec_aes_cbc_run(&aes, text, text, sizeof text, iv), MEDSEC_OK);
    }
    assert_int_equal(allocations, before);
    medsec_aes_cbc_close(&aes);
}

static void test_arguments(void **state)
{
    medsec_aes_cbc aes = {0};
    uint8_t iv[16] = {0};
    uint8_t text[32] = {0};
    size_t len = 0;
    (void)state;
    medsec_aes_cbc_close(&aes);
    assert_int_equal(medsec_aes_cbc_run(&aes, text, text, 16, iv), MEDSEC_ERR_ARGUMENT);
    assert_int_equal(medsec_aes_cbc_rekey(&aes, KEY), MEDSEC_ERR_ARGUMENT);
    assert_int_equal(medsec_aes_cbc_open(&aes, NULL, MEDSEC_ENCRYPT, KEY), MEDSEC_ERR_ARGUMENT);
    open_aes(&aes, MEDSEC_ENCRYPT, KEY);
    for (size_t bad = 1; bad < 16; bad++) {
        assert_int_equal(medsec_aes_cbc_run(&aes, text, text, bad, iv), MEDSEC_ERR_ARGUMENT);
        assert_int_equal(medsec_aes_cbc_run(&aes, text, text, 16 + bad, iv), MEDSEC_ERR_ARGUMENT);
    }
    assert_int_equal(medsec_aes_cbc_run(&aes, NULL, NULL, 0, iv), MEDSEC_OK);
    assert_int_equal(medsec_aes_cbc_run(&aes, text, NULL, 16, iv), MEDSEC_ERR_ARGUMENT);
    assert_int_equal(medsec_aes_cbc_run(&aes, text, text, 16, NULL), MEDSEC_ERR_ARGUMENT);
    assert_int_equal(medsec_aes_cbc_decrypt_padded(&aes, text, &len, text, 16, iv),
                     MEDSEC_ERR_ARGUMENT);
    medsec_aes_cbc_close(&aes);
    open_aes(&aes, MEDSEC_DECRYPT, KEY);
    assert_int_equal(medsec_aes_cbc_encrypt_padded(&aes, text, 32, &len, text, 1, iv),
                     MEDSEC_ERR_ARGUMENT);
    assert_int_equal(medsec_aes_cbc_decrypt_padded(&aes, text, &len, text, 17, iv),
                     MEDSEC_ERR_CRYPTO);
    assert_int_equal(medsec_aes_cbc_decrypt_padded(&aes, NULL, &len, NULL, 0, iv),
                     MEDSEC_ERR_CRYPTO);
    medsec_aes_cbc_close(&aes);
}

/* A provider that is out of memory, or fails later. */

static medsec_status refuse_open(medsec_cipher *cipher, medsec_direction direction,
                                 const uint8_t key[MEDSEC_AES128_KEY_LEN])
{
    (void)cipher;
    (void)direction;
    (void)key;
    return MEDSEC_ERR_PROVIDER;
}

static medsec_status refuse_run(medsec_cipher *cipher, uint8_t iv[MEDSEC_AES_BLOCK_LEN],
                                uint8_t *out, const uint8_t *in, size_t len)
{
    (void)cipher;
    (void)iv;
    (void)in;
    memset(out, 0x5a, len);
    return MEDSEC_ERR_PROVIDER;
}

static void test_provider_fails(void **state)
{
    medsec_crypto failing = *tested;
    medsec_aes_cbc aes;
    uint8_t text[32] = {0};
    const uint8_t zero[32] = {0};
    uint8_t iv[16] = {0};
    size_t len = 0;
    (void)state;
    failing.aes128_cbc_open = refuse_open;
    assert_int_equal(medsec_aes_cbc_open(&aes, &failing, MEDSEC_ENCRYPT, KEY), MEDSEC_ERR_PROVIDER);
    assert_int_equal(medsec_aes_cbc_run(&aes, text, text, 16, iv), MEDSEC_ERR_ARGUMENT);
    failing = *tested;
    failing.aes128_cbc_run = refuse_run;
    assert_int_equal(medsec_aes_cbc_open(&aes, &failing, MEDSEC_ENCRYPT, KEY), MEDSEC_OK);
    assert_int_equal(medsec_aes_cbc_encrypt_padded(&aes, text, 32, &len, text, 16, iv),
                     MEDSEC_ERR_PROVIDER);
    assert_memory_equal(text, zero, sizeof text);
    medsec_aes_cbc_close(&aes);
    assert_int_equal(medsec_aes_cbc_open(&aes, &failing, MEDSEC_DECRYPT, KEY), MEDSEC_OK);
    assert_int_equal(medsec_aes_cbc_decrypt_padded(&aes, text, &len, text, 32, iv),
                     MEDSEC_ERR_CRYPTO);
    assert_memory_equal(text, zero, sizeof text);
    medsec_aes_cbc_close(&aes);
}

static void test_wipe_and_equal(void **state)
{
    const medsec_crypto *crypto = tested;
    uint8_t a[4] = {1, 2, 3, 4};
    const uint8_t b[4] = {1, 2, 3, 5};
    const uint8_t zero[4] = {0};
    (void)state;
    assert_string_equal(medsec_crypto_openssl()->name, "openssl");
    assert_false(crypto->equal(a, b, 4));
    assert_true(crypto->equal(a, b, 3));
    crypto->wipe(a, sizeof a);
    assert_memory_equal(a, zero, sizeof a);
}

int main(void)
{
    if (CRYPTO_set_mem_functions(count_malloc, count_realloc, count_free) != 1) {
        return 1;
    }
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_run_examples),        cmocka_unit_test(test_run_cavp),
        cmocka_unit_test(test_padded_wycheproof),   cmocka_unit_test(test_padded_every_padding),
        cmocka_unit_test(test_padded_every_length), cmocka_unit_test(test_rekey),
        cmocka_unit_test(test_arguments),           cmocka_unit_test(test_provider_fails),
        cmocka_unit_test(test_wipe_and_equal),
    };
    const struct CMUnitTest of_openssl[] = {cmocka_unit_test(test_only_open_allocates)};
    return cmocka_run_group_tests_name("openssl", tests, use_openssl, NULL) +
           cmocka_run_group_tests_name("allocations", of_openssl, use_openssl, NULL) +
           cmocka_run_group_tests_name("bearssl", tests, use_bearssl, NULL);
}
