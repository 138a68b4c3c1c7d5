/* SPDX-License-Identifier: Apache-2.0 */
#include "unit.h"

#include "sanitizer.h"
#include "secrets.h"

#include "crypto/bearssl/provider.h"

#include <bearssl.h>
#include <string.h>

/*
 * What is the device's provider's own: that nothing is left on the stack, in the forms in which
 * BearSSL has it. Keys, texts and results lie elsewhere. (test_primitives.c and test_aes_cbc.c have
 * the vectors.)
 */

enum { PART_LEN = SECRETS_PART_LEN, TEXT_LEN = 96 };

static const uint8_t KEY[MEDSEC_CHACHAPOLY_KEY_LEN] = "thirty-two letters of a secret.";
static uint8_t text[TEXT_LEN + MEDSEC_CHACHAPOLY_TAG_LEN];
static uint8_t out[MEDSEC_SHA256_LEN];
static uint8_t iv[MEDSEC_AES_BLOCK_LEN];
static medsec_cipher cipher;
static bool good;

static const medsec_crypto *bear(void)
{
    return medsec_crypto_bearssl();
}

static void fill_text(void)
{
    for (size_t i = 0; i < sizeof text; i++) {
        text[i] = (uint8_t)(i * 41 + 7);
    }
}

static void add_words(const uint32_t words[4])
{
    uint8_t part[PART_LEN];
    memcpy(part, words, sizeof part);
    secrets_add(part);
}

static void begin_search(void)
{
    if (SANITIZED) {
        skip();
    }
    secrets_clear();
}

static void expect_nothing_left(void (*run)(void))
{
    good = false;
    size_t left = secrets_left_by(run);
    assert_true(good);
    assert_int_equal(left, 0);
}

/* Round keys as they are kept, and spread to twice their size as they are used. */
static void add_round_keys(void)
{
    br_aes_ct_cbcenc_keys keys;
    br_aes_ct_cbcenc_init(&keys, KEY, MEDSEC_AES128_KEY_LEN);
    for (size_t i = 0; i < 44; i += 4) {
        add_words(&keys.skey[i]);
    }
    for (size_t i = 0; i < 44; i += 2) {
        uint32_t words[4];
        for (size_t half = 0; half < 4; half++) {
            uint32_t mask = half % 2 == 0 ? 0x55555555 : 0xAAAAAAAA;
            uint32_t bits = keys.skey[i + half / 2] & mask;
            words[half] = half % 2 == 0 ? bits | bits << 1 : bits | bits >> 1;
        }
        add_words(words);
    }
}

static void encrypt_once(void)
{
    good = bear()->aes128_cbc_once(MEDSEC_ENCRYPT, KEY, iv, text, text, TEXT_LEN) == MEDSEC_OK;
}

static void decrypt_once(void)
{
    good = bear()->aes128_cbc_once(MEDSEC_DECRYPT, KEY, iv, text, text, TEXT_LEN) == MEDSEC_OK;
}

static void open_only(void)
{
    good = bear()->aes128_cbc_open(&cipher, MEDSEC_ENCRYPT, KEY) == MEDSEC_OK;
}

static void rekey_only(void)
{
    good = bear()->aes128_cbc_rekey(&cipher, KEY) == MEDSEC_OK;
}

static void open_and_run(void)
{
    good = bear()->aes128_cbc_open(&cipher, MEDSEC_DECRYPT, KEY) == MEDSEC_OK &&
           bear()->aes128_cbc_rekey(&cipher, KEY) == MEDSEC_OK &&
           bear()->aes128_cbc_run(&cipher, iv, text, text, TEXT_LEN) == MEDSEC_OK;
}

static void test_aes_leaves_nothing_on_the_stack(void **state)
{
    (void)state;
    begin_search();
    fill_text();
    secrets_add(KEY);
    add_round_keys();
    expect_nothing_left(encrypt_once);
    expect_nothing_left(decrypt_once);
    expect_nothing_left(open_only);
    expect_nothing_left(rekey_only);
    expect_nothing_left(open_and_run);
}

static void test_close_leaves_nothing_in_the_cipher(void **state)
{
    (void)state;
    static const medsec_cipher zero;
    open_and_run();
    assert_true(good && memcmp(&cipher, &zero, sizeof zero) != 0);
    bear()->aes128_cbc_close(&cipher);
    assert_memory_equal(&cipher, &zero, sizeof zero);
    bear()->aes128_cbc_close(&cipher);
    bear()->aes128_cbc_forget();
}

static void authenticate(void)
{
    const medsec_bytes part = {text, TEXT_LEN};
    good = bear()->hmac_sha256(out, KEY, sizeof KEY, &part, 1) == MEDSEC_OK;
}

static void hash_key(void)
{
    const medsec_bytes part = {KEY, sizeof KEY};
    good = bear()->sha256(out, &part, 1) == MEDSEC_OK;
}

/* The key under both masks, and what SHA-256 makes of these, as bytes and as words. */
static void add_hmac_states(void)
{
    static const uint8_t masks[] = {0, 0x36, 0x5c};
    for (size_t i = 0; i < sizeof masks; i++) {
        uint8_t block[64];
        uint8_t state[64];
        br_sha256_context hash;
        for (size_t k = 0; k < sizeof block; k++) {
            block[k] = (uint8_t)((k < sizeof KEY ? KEY[k] : 0) ^ masks[i]);
        }
        secrets_add_key(block);
        br_sha256_init(&hash);
        br_sha256_update(&hash, block, sizeof block);
        (void)br_sha256_state(&hash, state);
        secrets_add_key(state);
        add_words(hash.val);
        add_words(hash.val + 4);
    }
}

static void test_hashes_leave_nothing_on_the_stack(void **state)
{
    (void)state;
    begin_search();
    fill_text();
    add_hmac_states();
    expect_nothing_left(authenticate);
    expect_nothing_left(hash_key);
}

static void multiply(void)
{
    good = bear()->x25519(out, KEY, text) == MEDSEC_OK;
}

/* A number as BearSSL computes with it, 13 bits a word. */
static void add_limbs(const uint8_t *number, size_t bits)
{
    uint32_t limbs[20] = {0};
    for (size_t bit = 0; bit < bits; bit++) {
        limbs[bit / 13] |= (uint32_t)(number[bit / 8] >> bit % 8 & 1) << bit % 13;
    }
    for (size_t i = 0; 13 * (i + 4) <= bits; i += 4) {
        add_words(limbs + i);
    }
}

/* The scalar, as it is given and clamped (RFC 7748 section 5), and the result. */
static void add_exchange(void)
{
    uint8_t clamped[MEDSEC_X25519_LEN];
    memcpy(clamped, KEY, sizeof clamped);
    clamped[0] &= 0xF8;
    clamped[31] = (uint8_t)((clamped[31] & 0x7F) | 0x40);
    secrets_add_key(KEY);
    secrets_add_key(clamped);
    secrets_add_key(out);
    add_limbs(out, 256);
}

static void test_x25519_leaves_nothing_on_the_stack(void **state)
{
    (void)state;
    begin_search();
    fill_text();
    multiply();
    add_exchange();
    expect_nothing_left(multiply);
}

static void seal(void)
{
    good = bear()->chachapoly_seal(text, KEY, 5, iv, sizeof iv, text, TEXT_LEN) == MEDSEC_OK;
}

static void open_forged(void)
{
    good = bear()->chachapoly_open(text, KEY, 5, iv, sizeof iv, text, sizeof text) ==
           MEDSEC_ERR_CRYPTO;
}

/* RFC 8439 section 2.5: bits of the first half of Poly1305's key that are not used. */
static void clamp(uint8_t r[16])
{
    for (size_t i = 0; i < 16; i++) {
        r[i] &= i % 4 == 3 ? 0x0f : i % 4 == 0 && i > 0 ? 0xfc : 0xff;
    }
}

static void add_right_tag(const uint8_t *nonce)
{
    uint8_t copy[TEXT_LEN];
    uint8_t tag[MEDSEC_CHACHAPOLY_TAG_LEN];
    memcpy(copy, text, sizeof copy);
    br_poly1305_ctmul32_run(KEY, nonce, copy, sizeof copy, iv, sizeof iv, tag, br_chacha20_ct_run,
                            0);
    secrets_add(tag);
}

/* The key, the one of Poly1305 that comes of it, and the tag that a forgery should have had. */
static void test_chachapoly_leaves_nothing_on_the_stack(void **state)
{
    (void)state;
    static const uint8_t nonce[] = {0, 0, 0, 0, 5, 0, 0, 0, 0, 0, 0, 0};
    uint8_t poly[32] = {0};
    begin_search();
    secrets_add_key(KEY);
    (void)br_chacha20_ct_run(KEY, nonce, 0, poly, sizeof poly);
    secrets_add_key(poly);
    clamp(poly);
    add_limbs(poly, 128);
    fill_text();
    expect_nothing_left(seal);
    text[3] ^= 1;
    add_right_tag(nonce);
    expect_nothing_left(open_forged);
}

/* The table promises that these may lie in one place. */
static void test_results_may_replace_their_inputs(void **state)
{
    (void)state;
    uint8_t key[MEDSEC_X25519_LEN];
    uint8_t point[MEDSEC_X25519_LEN] = {9};
    uint8_t expected[MEDSEC_SHA256_LEN];
    const medsec_bytes parts[] = {{key, sizeof key}, {KEY, 5}};
    memcpy(key, KEY, sizeof key);
    assert_int_equal(bear()->x25519_public(expected, KEY), MEDSEC_OK);
    assert_int_equal(bear()->x25519(point, key, point), MEDSEC_OK);
    assert_memory_equal(point, expected, sizeof expected);
    assert_int_equal(bear()->x25519_public(key, key), MEDSEC_OK);
    assert_memory_equal(key, expected, sizeof expected);
    assert_int_equal(bear()->hmac_sha256(expected, KEY, 7, parts, 2), MEDSEC_OK);
    assert_int_equal(bear()->hmac_sha256(key, KEY, 7, parts, 2), MEDSEC_OK);
    assert_memory_equal(key, expected, sizeof expected);
    assert_int_equal(bear()->sha256(expected, parts, 2), MEDSEC_OK);
    assert_int_equal(bear()->sha256(key, parts, 2), MEDSEC_OK);
    assert_memory_equal(key, expected, sizeof expected);
}

static void test_nothing_is_an_input_too(void **state)
{
    (void)state;
    uint8_t tag[MEDSEC_CHACHAPOLY_TAG_LEN];
    assert_int_equal(bear()->chachapoly_seal(tag, KEY, 1, NULL, 0, NULL, 0), MEDSEC_OK);
    assert_int_equal(bear()->chachapoly_open(NULL, KEY, 1, NULL, 0, tag, sizeof tag), MEDSEC_OK);
    tag[0] ^= 1;
    assert_int_equal(bear()->chachapoly_open(NULL, KEY, 1, NULL, 0, tag, sizeof tag),
                     MEDSEC_ERR_CRYPTO);
    assert_int_equal(bear()->aes128_cbc_once(MEDSEC_ENCRYPT, KEY, iv, NULL, NULL, 0), MEDSEC_OK);
    assert_int_equal(bear()->hmac_sha256(out, NULL, 0, NULL, 0), MEDSEC_OK);
    assert_int_equal(bear()->sha256(out, NULL, 0), MEDSEC_OK);
    bear()->wipe(NULL, 0);
    assert_true(bear()->equal(NULL, NULL, 0));
    assert_string_equal(bear()->name, "bearssl");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_aes_leaves_nothing_on_the_stack),
        cmocka_unit_test(test_hashes_leave_nothing_on_the_stack),
        cmocka_unit_test(test_x25519_leaves_nothing_on_the_stack),
        cmocka_unit_test(test_chachapoly_leaves_nothing_on_the_stack),
        cmocka_unit_test(test_close_leaves_nothing_in_the_cipher),
        cmocka_unit_test(test_results_may_replace_their_inputs),
        cmocka_unit_test(test_nothing_is_an_input_too),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
