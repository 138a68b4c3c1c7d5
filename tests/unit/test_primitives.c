/* SPDX-License-Identifier: Apache-2.0 */
#include "unit.h"

#include "vectors.h"

#include "core/hkdf.h"
#include "crypto/bearssl/primitives.h"
#include "crypto/bearssl/provider.h"
#include "crypto/openssl/primitives.h"

#include <stdlib.h>
#include <string.h>

/* The primitives of both providers against Wycheproof. */

enum { ROOM = 8192 };

typedef medsec_status any_nonce_fn(uint8_t *out, const uint8_t key[MEDSEC_CHACHAPOLY_KEY_LEN],
                                   const uint8_t nonce[MEDSEC__CHACHAPOLY_NONCE_LEN],
                                   const uint8_t *ad, size_t ad_len, const uint8_t *in, size_t len);

typedef struct provider {
    const medsec_crypto *(*table)(void);
    any_nonce_fn *seal;
    any_nonce_fn *open;
} provider;

static const provider openssl = {medsec_crypto_openssl, medsec__chachapoly_seal_nonce,
                                 medsec__chachapoly_open_nonce};
static const provider bearssl = {medsec_crypto_bearssl, medsec__bear_chachapoly_seal_nonce,
                                 medsec__bear_chachapoly_open_nonce};
static const provider *tested;

static int use_openssl(void **state)
{
    (void)state;
    tested = &openssl;
    return 0;
}

static int use_bearssl(void **state)
{
    (void)state;
    tested = &bearssl;
    return 0;
}

typedef void case_fn(const cJSON *group, const cJSON *vector, bool valid);

static size_t bytes(const cJSON *vector, const char *member, uint8_t out[ROOM])
{
    return vectors_bytes(vectors_text(vector, member), out, ROOM);
}

static int each(const char *name, case_fn *run)
{
    FILE *file = vectors_open(name);
    if (file == NULL) {
        skip();
    }
    size_t len = 0;
    char *text = vectors_read(file, &len);
    cJSON *all = cJSON_ParseWithLength(text, len);
    free(text);
    int count = 0;
    const cJSON *group = NULL;
    const cJSON *vector = NULL;
    cJSON_ArrayForEach(group, cJSON_GetObjectItemCaseSensitive(all, "testGroups"))
    {
        cJSON_ArrayForEach(vector, cJSON_GetObjectItemCaseSensitive(group, "tests"))
        {
            run(group, vector, strcmp(vectors_text(vector, "result"), "invalid") != 0);
            count++;
        }
    }
    cJSON_Delete(all);
    return count;
}

static void x25519_case(const cJSON *group, const cJSON *vector, bool valid)
{
    (void)group;
    (void)valid; /* all are: some "acceptable" ones end in zero, which we refuse */
    static const uint8_t zero[MEDSEC_X25519_LEN];
    uint8_t public_key[ROOM], private_key[ROOM], shared[ROOM], out[MEDSEC_X25519_LEN];
    assert_int_equal(bytes(vector, "public", public_key), MEDSEC_X25519_LEN);
    assert_int_equal(bytes(vector, "private", private_key), MEDSEC_X25519_LEN);
    assert_int_equal(bytes(vector, "shared", shared), MEDSEC_X25519_LEN);
    bool is_zero = memcmp(shared, zero, sizeof zero) == 0;
    assert_int_equal(tested->table()->x25519(out, private_key, public_key),
                     is_zero ? MEDSEC_ERR_CRYPTO : MEDSEC_OK);
    assert_memory_equal(out, shared, sizeof out);
}

static void test_x25519_wycheproof(void **state)
{
    (void)state;
    assert_int_equal(each("wycheproof/x25519_test.json", x25519_case), 518);
}

static void hmac_case(const cJSON *group, const cJSON *vector, bool valid)
{
    uint8_t key[ROOM], message[ROOM], tag[ROOM], out[MEDSEC_SHA256_LEN];
    size_t key_len = bytes(vector, "key", key);
    size_t len = bytes(vector, "msg", message);
    size_t tag_len = bytes(vector, "tag", tag);
    assert_true(tag_len > 0 && tag_len <= sizeof out && cJSON_HasObjectItem(group, "tagSize"));
    const medsec_bytes parts[] = {{message, len / 3}, {message + len / 3, len - len / 3}};
    assert_int_equal(tested->table()->hmac_sha256(out, key, key_len, parts, 2), MEDSEC_OK);
    assert_int_equal(tested->table()->equal(out, tag, tag_len), valid);
}

static void test_hmac_sha256_wycheproof(void **state)
{
    (void)state;
    assert_int_equal(each("wycheproof/hmac_sha256_test.json", hmac_case), 174);
}

static void hkdf_case(const cJSON *group, const cJSON *vector, bool valid)
{
    (void)group;
    uint8_t input[ROOM], salt[ROOM], info[ROOM], expected[ROOM], out[ROOM];
    uint8_t key[MEDSEC_SHA256_LEN];
    size_t input_len = bytes(vector, "ikm", input);
    size_t salt_len = bytes(vector, "salt", salt);
    size_t info_len = bytes(vector, "info", info);
    size_t size = (size_t)cJSON_GetObjectItemCaseSensitive(vector, "size")->valuedouble;
    const medsec_crypto *crypto = tested->table();
    assert_int_equal(medsec__hkdf_extract(crypto, key, salt, salt_len, input, input_len),
                     MEDSEC_OK);
    medsec_status status = medsec__hkdf_expand(crypto, out, size, key, info, info_len);
    assert_int_equal(status, valid ? MEDSEC_OK : MEDSEC_ERR_LIMIT);
    if (valid) {
        assert_int_equal(bytes(vector, "okm", expected), size);
        assert_memory_equal(out, expected, size);
    }
}

static void test_hkdf_sha256_wycheproof(void **state)
{
    (void)state;
    assert_int_equal(each("wycheproof/hkdf_sha256_test.json", hkdf_case), 86);
}

static int noise_nonces;
static int whole_nonces;

/* By the function behind both rows of the table. */
static void any_nonce_case(const uint8_t iv[12], const uint8_t *key, const medsec_bytes *ad,
                           const medsec_bytes *message, const uint8_t *sealed, bool valid)
{
    uint8_t out[ROOM];
    size_t sealed_len = message->len + MEDSEC_CHACHAPOLY_TAG_LEN;
    assert_int_equal(tested->open(out, key, iv, ad->data, ad->len, sealed, sealed_len),
                     valid ? MEDSEC_OK : MEDSEC_ERR_CRYPTO);
    if (valid) {
        assert_memory_equal(out, message->data, message->len);
        assert_int_equal(tested->seal(out, key, iv, ad->data, ad->len, message->data, message->len),
                         MEDSEC_OK);
        assert_memory_equal(out, sealed, sealed_len);
    }
}

/* Noise has nonces that begin with 32 zero bits: those cases can be asked of the table itself. */
static void noise_nonce_case(const uint8_t iv[12], const uint8_t *key, const medsec_bytes *ad,
                             const medsec_bytes *message, const uint8_t *sealed, bool valid)
{
    const medsec_crypto *crypto = tested->table();
    uint8_t out[ROOM];
    uint64_t nonce = 0;
    for (unsigned i = 0; i < 8; i++) {
        nonce |= (uint64_t)iv[4 + i] << 8 * i;
    }
    size_t sealed_len = message->len + MEDSEC_CHACHAPOLY_TAG_LEN;
    assert_int_equal(
        crypto->chachapoly_open(out, key, nonce, ad->data, ad->len, sealed, sealed_len),
        valid ? MEDSEC_OK : MEDSEC_ERR_CRYPTO);
    if (valid) {
        assert_memory_equal(out, message->data, message->len);
        assert_int_equal(crypto->chachapoly_seal(out, key, nonce, ad->data, ad->len, message->data,
                                                 message->len),
                         MEDSEC_OK);
        assert_memory_equal(out, sealed, sealed_len);
    }
}

static void chachapoly_case(const cJSON *group, const cJSON *vector, bool valid)
{
    (void)group;
    uint8_t iv[ROOM], key[ROOM], ad_bytes[ROOM], text[ROOM], sealed[ROOM];
    if (bytes(vector, "iv", iv) != MEDSEC__CHACHAPOLY_NONCE_LEN) {
        assert_false(valid);
        return;
    }
    assert_int_equal(bytes(vector, "key", key), MEDSEC_CHACHAPOLY_KEY_LEN);
    const medsec_bytes ad = {ad_bytes, bytes(vector, "aad", ad_bytes)};
    const medsec_bytes message = {text, bytes(vector, "msg", text)};
    assert_int_equal(bytes(vector, "ct", sealed), message.len);
    assert_int_equal(
        vectors_bytes(vectors_text(vector, "tag"), sealed + message.len, ROOM - message.len),
        MEDSEC_CHACHAPOLY_TAG_LEN);
    any_nonce_case(iv, key, &ad, &message, sealed, valid);
    whole_nonces++;
    if (memcmp(iv, "\0\0\0\0", 4) == 0) {
        noise_nonce_case(iv, key, &ad, &message, sealed, valid);
        noise_nonces++;
    }
}

static void test_chachapoly_wycheproof(void **state)
{
    (void)state;
    noise_nonces = 0;
    whole_nonces = 0;
    assert_int_equal(each("wycheproof/chacha20_poly1305_test.json", chachapoly_case), 325);
    assert_int_equal(whole_nonces, 316); /* the other nine have a nonce of another length */
    assert_int_equal(noise_nonces, 10);
}

static void test_chachapoly_open_wipes_what_is_not_authentic(void **state)
{
    (void)state;
    const medsec_crypto *crypto = tested->table();
    static const uint8_t zero[16];
    uint8_t key[MEDSEC_CHACHAPOLY_KEY_LEN] = {1};
    uint8_t text[32] = "sixteen letters";
    assert_int_equal(crypto->chachapoly_seal(text, key, 7, NULL, 0, text, 16), MEDSEC_OK);
    text[3] ^= 1;
    assert_int_equal(crypto->chachapoly_open(text, key, 7, NULL, 0, text, 32), MEDSEC_ERR_CRYPTO);
    assert_memory_equal(text, zero, sizeof zero);
    assert_int_equal(crypto->chachapoly_open(text, key, 7, NULL, 0, text, 15), MEDSEC_ERR_CRYPTO);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_x25519_wycheproof),
        cmocka_unit_test(test_hmac_sha256_wycheproof),
        cmocka_unit_test(test_hkdf_sha256_wycheproof),
        cmocka_unit_test(test_chachapoly_wycheproof),
        cmocka_unit_test(test_chachapoly_open_wipes_what_is_not_authentic),
    };
    return cmocka_run_group_tests_name("openssl", tests, use_openssl, NULL) +
           cmocka_run_group_tests_name("bearssl", tests, use_bearssl, NULL);
}
