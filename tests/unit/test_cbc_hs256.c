/* SPDX-License-Identifier: Apache-2.0 */
#include "unit.h"

#include "vectors.h"

#include "core/cbc_hs256.h"

#include <string.h>

enum { ROOM = 512, BLOCK = MEDSEC_AES_BLOCK_LEN };

static const uint8_t KEY[MEDSEC__CBC_HS256_KEY_LEN] = "a MAC key, 16 B.an ENC key, 16 B";
static const uint8_t IV[BLOCK] = "another 16 bytes";
static const uint8_t AD[] = "what stands beside";

static medsec_crypto crypto; /* a test may put other functions in */
static unsigned decryptions;

static medsec_status counting_once(medsec_direction direction,
                                   const uint8_t key[MEDSEC_AES128_KEY_LEN],
                                   const uint8_t iv[BLOCK], uint8_t *out, const uint8_t *in,
                                   size_t len)
{
    decryptions += direction == MEDSEC_DECRYPT;
    return medsec_crypto_openssl()->aes128_cbc_once(direction, key, iv, out, in, len);
}

static int setup(void **state)
{
    (void)state;
    crypto = *medsec_crypto_openssl();
    crypto.aes128_cbc_once = counting_once;
    decryptions = 0;
    return 0;
}

static medsec__cbc_hs256_context context_of(const uint8_t *key, const uint8_t *iv,
                                            const uint8_t *ad, size_t ad_len)
{
    return (medsec__cbc_hs256_context){
        .crypto = &crypto, .key = key, .iv = iv, .ad = ad, .ad_len = ad_len};
}

static medsec__cbc_hs256_context usual(void)
{
    return context_of(KEY, IV, AD, sizeof AD);
}

static void expect_wiped(const uint8_t *data, size_t len)
{
    for (size_t i = 0; i < len; i++) {
        assert_int_equal(data[i], 0);
    }
}

static void test_rfc7518_appendix_b1(void **state)
{
    (void)state;
    uint8_t key[ROOM], iv[ROOM], ad[ROOM], text[ROOM], sealed[ROOM], expected_tag[ROOM];
    uint8_t data[ROOM], tag[MEDSEC__CBC_HS256_TAG_LEN];
    FILE *file = fopen(MEDSEC_SOURCE_DIR "/tests/vectors/a128cbc_hs256.jsonl", "r");
    assert_non_null(file);
    cJSON *vector = vectors_next(file);
    fclose(file);
    assert_non_null(vector);
    assert_int_equal(vectors_bytes(vectors_text(vector, "key"), key, ROOM), sizeof KEY);
    assert_int_equal(vectors_bytes(vectors_text(vector, "iv"), iv, ROOM), BLOCK);
    size_t ad_len = vectors_bytes(vectors_text(vector, "aad"), ad, ROOM);
    size_t len = vectors_bytes(vectors_text(vector, "msg"), text, ROOM);
    size_t sealed_len = vectors_bytes(vectors_text(vector, "ct"), sealed, ROOM);
    assert_int_equal(vectors_bytes(vectors_text(vector, "tag"), expected_tag, ROOM), sizeof tag);
    cJSON_Delete(vector);

    medsec__cbc_hs256_context context = context_of(key, iv, ad, ad_len);
    assert_int_equal(medsec__cbc_hs256_len(len), sealed_len);
    memcpy(data, text, len);
    assert_int_equal(medsec__cbc_hs256_seal(&context, data, len, tag), MEDSEC_OK);
    assert_memory_equal(data, sealed, sealed_len);
    assert_memory_equal(tag, expected_tag, sizeof tag);
    assert_int_equal(medsec__cbc_hs256_open(&context, data, &sealed_len, tag), MEDSEC_OK);
    assert_int_equal(sealed_len, len);
    assert_memory_equal(data, text, len);
}

static void test_open_decrypts_nothing_that_is_not_authentic(void **state)
{
    (void)state;
    medsec__cbc_hs256_context context = usual();
    for (unsigned bit = 0; bit < 8 * MEDSEC__CBC_HS256_TAG_LEN; bit++) {
        uint8_t data[48] = "thirty-two letters and no more..";
        uint8_t tag[MEDSEC__CBC_HS256_TAG_LEN];
        size_t len = sizeof data;
        assert_int_equal(medsec__cbc_hs256_seal(&context, data, 32, tag), MEDSEC_OK);
        tag[bit / 8] ^= (uint8_t)(1u << bit % 8);
        assert_int_equal(medsec__cbc_hs256_open(&context, data, &len, tag), MEDSEC_ERR_CRYPTO);
        expect_wiped(data, sizeof data);
    }
    assert_int_equal(decryptions, 0);
}

static void test_open_binds_key_iv_and_what_stands_beside(void **state)
{
    (void)state;
    medsec__cbc_hs256_context good = usual();
    uint8_t key[sizeof KEY], iv[sizeof IV], ad[sizeof AD];
    memcpy(key, KEY, sizeof key);
    memcpy(iv, IV, sizeof iv);
    memcpy(ad, AD, sizeof ad);
    const struct {
        uint8_t *byte;
        size_t ad_len;
    } changes[] = {
        {&key[0], sizeof ad}, {&iv[15], sizeof ad}, {&ad[3], sizeof ad}, {NULL, sizeof ad - 1}};
    for (size_t i = 0; i < sizeof changes / sizeof changes[0]; i++) {
        uint8_t data[32] = "sixteen letters.";
        uint8_t tag[MEDSEC__CBC_HS256_TAG_LEN];
        size_t len = sizeof data;
        assert_int_equal(medsec__cbc_hs256_seal(&good, data, 16, tag), MEDSEC_OK);
        medsec__cbc_hs256_context other = context_of(key, iv, ad, changes[i].ad_len);
        if (changes[i].byte != NULL) {
            *changes[i].byte ^= 1;
        }
        assert_int_equal(medsec__cbc_hs256_open(&other, data, &len, tag), MEDSEC_ERR_CRYPTO);
        if (changes[i].byte != NULL) {
            *changes[i].byte ^= 1;
        }
    }
}

/* A bit must not wander between what stands beside and the ciphertext: AL keeps them apart. */
static void test_tag_counts_what_stands_beside(void **state)
{
    (void)state;
    uint8_t data[64] = "one text";
    uint8_t tag[MEDSEC__CBC_HS256_TAG_LEN];
    uint8_t joined[sizeof AD + 2 * BLOCK];
    medsec__cbc_hs256_context context = usual();
    size_t len = medsec__cbc_hs256_len(20);
    assert_int_equal(medsec__cbc_hs256_seal(&context, data, 20, tag), MEDSEC_OK);
    /* A' || IV' is A || IV || first block, when IV' is the first block: the same HMAC input. */
    memcpy(joined, AD, sizeof AD);
    memcpy(joined + sizeof AD, IV, BLOCK);
    medsec__cbc_hs256_context moved = context_of(KEY, data, joined, sizeof AD + BLOCK);
    uint8_t rest[BLOCK];
    memcpy(rest, data + BLOCK, BLOCK);
    len -= BLOCK;
    assert_int_equal(medsec__cbc_hs256_open(&moved, rest, &len, tag), MEDSEC_ERR_CRYPTO);
}

/* The tag that belongs to any ciphertext, so that only the padding can be wrong. */
static void right_tag(const uint8_t *data, size_t len, uint8_t tag[MEDSEC__CBC_HS256_TAG_LEN])
{
    const uint8_t bits[8] = {0, 0, 0, 0, 0, 0, 0, 8 * sizeof AD};
    const medsec_bytes parts[] = {{AD, sizeof AD}, {IV, BLOCK}, {data, len}, {bits, 8}};
    uint8_t whole[MEDSEC_SHA256_LEN];
    assert_int_equal(crypto.hmac_sha256(whole, KEY, 16, parts, 4), MEDSEC_OK);
    memcpy(tag, whole, MEDSEC__CBC_HS256_TAG_LEN);
}

static void test_open_every_last_byte(void **state)
{
    (void)state;
    medsec__cbc_hs256_context context = usual();
    for (unsigned last = 0; last < 256; last++) {
        uint8_t data[2 * BLOCK];
        uint8_t tag[MEDSEC__CBC_HS256_TAG_LEN];
        size_t len = sizeof data;
        memset(data, (int)last, sizeof data);
        assert_int_equal(
            crypto.aes128_cbc_once(MEDSEC_ENCRYPT, KEY + 16, IV, data, data, sizeof data),
            MEDSEC_OK);
        right_tag(data, sizeof data, tag);
        bool good = last >= 1 && last <= BLOCK;
        assert_int_equal(medsec__cbc_hs256_open(&context, data, &len, tag),
                         good ? MEDSEC_OK : MEDSEC_ERR_CRYPTO);
        if (good) {
            assert_int_equal(len, sizeof data - last);
        } else {
            expect_wiped(data, sizeof data);
        }
    }
}

static void test_open_wants_whole_blocks(void **state)
{
    (void)state;
    medsec__cbc_hs256_context context = usual();
    for (size_t n = 0; n <= 2 * BLOCK; n++) {
        uint8_t data[2 * BLOCK] = {0};
        uint8_t tag[MEDSEC__CBC_HS256_TAG_LEN];
        size_t len = n;
        right_tag(data, n, tag);
        assert_int_equal(medsec__cbc_hs256_open(&context, data, &len, tag), MEDSEC_ERR_CRYPTO);
    }
    assert_int_equal(decryptions, 2); /* of the lengths 16 and 32, which are badly padded */
}

static medsec_status refuse_hmac(uint8_t out[MEDSEC_SHA256_LEN], const uint8_t *key, size_t key_len,
                                 const medsec_bytes *parts, size_t count)
{
    (void)out;
    (void)key;
    (void)key_len;
    (void)parts;
    (void)count;
    return MEDSEC_ERR_PROVIDER;
}

static medsec_status refuse_once(medsec_direction direction,
                                 const uint8_t key[MEDSEC_AES128_KEY_LEN], const uint8_t iv[BLOCK],
                                 uint8_t *out, const uint8_t *in, size_t len)
{
    (void)direction;
    (void)key;
    (void)iv;
    (void)in;
    memset(out, 0x5a, len);
    return MEDSEC_ERR_PROVIDER;
}

static void test_provider_fails(void **state)
{
    (void)state;
    medsec__cbc_hs256_context context = usual();
    for (int which = 0; which < 2; which++) {
        uint8_t data[2 * BLOCK] = "letters";
        uint8_t sealed[2 * BLOCK] = "letters";
        uint8_t tag[MEDSEC__CBC_HS256_TAG_LEN];
        size_t len = BLOCK;
        setup(NULL);
        assert_int_equal(medsec__cbc_hs256_seal(&context, sealed, 7, tag), MEDSEC_OK);
        if (which == 0) {
            crypto.hmac_sha256 = refuse_hmac;
        } else {
            crypto.aes128_cbc_once = refuse_once;
        }
        assert_int_equal(medsec__cbc_hs256_seal(&context, data, 7, tag), MEDSEC_ERR_PROVIDER);
        expect_wiped(data, BLOCK);
        assert_int_equal(medsec__cbc_hs256_open(&context, sealed, &len, tag), MEDSEC_ERR_PROVIDER);
        expect_wiped(sealed, BLOCK);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(test_rfc7518_appendix_b1, setup),
        cmocka_unit_test_setup(test_open_decrypts_nothing_that_is_not_authentic, setup),
        cmocka_unit_test_setup(test_open_binds_key_iv_and_what_stands_beside, setup),
        cmocka_unit_test_setup(test_tag_counts_what_stands_beside, setup),
        cmocka_unit_test_setup(test_open_every_last_byte, setup),
        cmocka_unit_test_setup(test_open_wants_whole_blocks, setup),
        cmocka_unit_test_setup(test_provider_fails, setup),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
