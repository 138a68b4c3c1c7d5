/* SPDX-License-Identifier: Apache-2.0 */
#include "unit.h"

#include "guard.h"
#include "setup_vectors.h"

#include <sodium.h>
#include <string.h>

enum { KEY_LEN = MEDSEC_CHACHAPOLY_KEY_LEN, SALT_LEN = MEDSEC_SETUP_SALT_LEN };

static const medsec_crypto *crypto;
static const char key[MEDSEC_SETUP_KEY_LEN] = {'S', 'N', 'X', '2', 'S', '9', '5', '8', 'P', 'X',
                                               'Z', 'A', 'M', 'V', 'N', 'T', 'G', 'G', 'M', 'K'};
static const uint8_t salt[SALT_LEN] = "a nonce of 16 b.and of the page";
static const medsec_setup_form usual = {
    .kind = MEDSEC_SETUP_SETTINGS,
    .settings = {
        .server = "gateway.example", .port = 9998, .ssid = "Ward 7", .password = "correct horse"}};

static bool is_zero(const void *data, size_t len)
{
    return sodium_is_zero(data, len) == 1;
}

/* From memory that ends where the form does, into a form and key that hold something else. */
static medsec_status open_from(const char *with, const uint8_t *nonce, const uint8_t *data,
                               size_t len, medsec_setup_form *form, uint8_t answer_key[KEY_LEN])
{
    static uint8_t *end;
    if (end == NULL) {
        end = guard_end(2 * MEDSEC_SETUP_FORM_LEN);
    }
    memset(form, 0xee, sizeof *form);
    memset(answer_key, 0xee, KEY_LEN);
    memcpy(end - len, data, len);
    return medsec_setup_form_open(form, answer_key, crypto, with, nonce, end - len, len);
}

static void refuse(medsec_status expected, const char *with, const uint8_t *nonce,
                   const uint8_t *data, size_t len)
{
    medsec_setup_form form;
    uint8_t answer_key[KEY_LEN];
    assert_int_equal(open_from(with, nonce, data, len, &form, answer_key), expected);
    assert_true(is_zero(&form, sizeof form));
    assert_int_equal(is_zero(answer_key, sizeof answer_key), expected != MEDSEC_ERR_MESSAGE);
}

static void seal(uint8_t out[MEDSEC_SETUP_FORM_LEN], uint8_t answer_key[KEY_LEN],
                 const medsec_setup_form *form)
{
    assert_int_equal(medsec_setup_form_seal(out, answer_key, crypto, key, salt, form), MEDSEC_OK);
}

static void expect_vector(const setup_vector *vector)
{
    uint8_t sealed[MEDSEC_SETUP_FORM_LEN];
    uint8_t page_key[KEY_LEN];
    uint8_t device_key[KEY_LEN];
    uint8_t answer[MEDSEC_SETUP_ANSWER_LEN];
    medsec_setup_form form;
    medsec_setup_status status = MEDSEC_SETUP_BAD_FORM;
    assert_int_equal(
        medsec_setup_form_seal(sealed, page_key, crypto, vector->key, vector->salt, &vector->form),
        MEDSEC_OK);
    assert_memory_equal(sealed, vector->sealed, sizeof sealed);
    assert_int_equal(open_from(vector->key, vector->salt, sealed, sizeof sealed, &form, device_key),
                     MEDSEC_OK);
    assert_memory_equal(&form, &vector->form, sizeof form);
    assert_memory_equal(device_key, page_key, KEY_LEN);
    assert_int_equal(medsec_setup_answer_seal(answer, crypto, device_key, vector->status),
                     MEDSEC_OK);
    assert_memory_equal(answer, vector->answer, sizeof answer);
    assert_int_equal(medsec_setup_answer_open(&status, crypto, page_key, answer, sizeof answer),
                     MEDSEC_OK);
    assert_int_equal(status, vector->status);
}

static void test_seal_and_open_every_vector(void **state)
{
    (void)state;
    assert_int_equal(setup_vectors_each(expect_vector), 6);
}

static void test_open_refuses_every_length(void **state)
{
    (void)state;
    uint8_t sealed[MEDSEC_SETUP_FORM_LEN + 1] = {0};
    uint8_t answer_key[KEY_LEN];
    seal(sealed, answer_key, &usual);
    for (size_t len = 0; len < MEDSEC_SETUP_FORM_LEN; len++) {
        refuse(MEDSEC_ERR_FRAME, key, salt, sealed, len);
    }
    refuse(MEDSEC_ERR_FRAME, key, salt, sealed, sizeof sealed);
}

/* In the nonce it is a form for another one; everywhere else it does not open. */
static void test_open_refuses_every_flipped_bit(void **state)
{
    (void)state;
    uint8_t sealed[MEDSEC_SETUP_FORM_LEN];
    uint8_t answer_key[KEY_LEN];
    seal(sealed, answer_key, &usual);
    for (size_t bit = 0; bit < 8 * sizeof sealed; bit++) {
        sealed[bit / 8] ^= (uint8_t)(1u << bit % 8);
        refuse(bit / 8 < MEDSEC_SETUP_NONCE_LEN ? MEDSEC_ERR_EXPIRED : MEDSEC_ERR_CRYPTO, key, salt,
               sealed, sizeof sealed);
        sealed[bit / 8] ^= (uint8_t)(1u << bit % 8);
    }
}

static void test_open_refuses_another_key_and_nonce(void **state)
{
    (void)state;
    uint8_t sealed[MEDSEC_SETUP_FORM_LEN];
    uint8_t answer_key[KEY_LEN];
    char other[MEDSEC_SETUP_KEY_LEN];
    uint8_t nonce[MEDSEC_SETUP_NONCE_LEN];
    seal(sealed, answer_key, &usual);
    for (size_t i = 0; i < sizeof other; i++) {
        memcpy(other, key, sizeof other);
        other[i] ^= 1;
        refuse(MEDSEC_ERR_CRYPTO, other, salt, sealed, sizeof sealed);
    }
    for (size_t i = 0; i < sizeof nonce; i++) {
        memcpy(nonce, salt, sizeof nonce);
        nonce[i] ^= 1;
        refuse(MEDSEC_ERR_EXPIRED, key, nonce, sealed, sizeof sealed);
        /* A recording that was made to fit: the nonce is in the keys as well. */
        sealed[i] ^= 1;
        refuse(MEDSEC_ERR_CRYPTO, key, nonce, sealed, sizeof sealed);
        sealed[i] ^= 1;
    }
}

/* Seals what no page would, in the way that docs/wire.md has it. */
static void seal_plain(uint8_t out[MEDSEC_SETUP_FORM_LEN],
                       const uint8_t plain[MEDSEC_SETUP_PLAIN_LEN])
{
    uint8_t prk[32];
    uint8_t form_key[32];
    crypto_auth_hmacsha256_state state;
    crypto_auth_hmacsha256_init(&state, salt, SALT_LEN);
    crypto_auth_hmacsha256_update(&state, (const uint8_t *)key, sizeof key);
    crypto_auth_hmacsha256_final(&state, prk);
    crypto_auth_hmacsha256_init(&state, prk, sizeof prk);
    crypto_auth_hmacsha256_update(&state, (const uint8_t *)"medsec setup 1\1", 15);
    crypto_auth_hmacsha256_final(&state, form_key);
    static const uint8_t nonce[12];
    memcpy(out, salt, SALT_LEN);
    crypto_aead_chacha20poly1305_ietf_encrypt(out + SALT_LEN, NULL, plain, MEDSEC_SETUP_PLAIN_LEN,
                                              (const uint8_t *)"form", 4, NULL, nonce, form_key);
}

/* A usual form, or the other kind, in clear. */
static void make_plain(uint8_t plain[MEDSEC_SETUP_PLAIN_LEN], uint8_t kind)
{
    memset(plain, 0, MEDSEC_SETUP_PLAIN_LEN);
    plain[0] = 1;
    plain[1] = kind;
    if (kind == MEDSEC_SETUP_SETTINGS) {
        memcpy(plain + 2, "\x27\x0e", 2);
        memcpy(plain + 4, "gateway.example", 15);
        memcpy(plain + 68, "Ward 7", 6);
        memcpy(plain + 100, "correct horse", 13);
    }
}

static void test_plain_is_where_the_document_has_it(void **state)
{
    (void)state;
    uint8_t plain[MEDSEC_SETUP_PLAIN_LEN];
    uint8_t expected[MEDSEC_SETUP_FORM_LEN];
    uint8_t sealed[MEDSEC_SETUP_FORM_LEN];
    uint8_t answer_key[KEY_LEN];
    make_plain(plain, MEDSEC_SETUP_SETTINGS);
    seal_plain(expected, plain);
    seal(sealed, answer_key, &usual);
    assert_memory_equal(sealed, expected, sizeof sealed);
    make_plain(plain, MEDSEC_SETUP_DECOMMISSION);
    seal_plain(expected, plain);
    medsec_setup_form wipe = usual; /* whose settings are of no kind that has them */
    wipe.kind = MEDSEC_SETUP_DECOMMISSION;
    seal(sealed, answer_key, &wipe);
    assert_memory_equal(sealed, expected, sizeof sealed);
}

static void refuse_plain(const uint8_t plain[MEDSEC_SETUP_PLAIN_LEN])
{
    uint8_t sealed[MEDSEC_SETUP_FORM_LEN];
    uint8_t expected[KEY_LEN];
    uint8_t answer_key[KEY_LEN];
    medsec_setup_form form;
    seal(sealed, expected, &usual); /* the answer's key does not depend on the form */
    seal_plain(sealed, plain);
    refuse(MEDSEC_ERR_MESSAGE, key, salt, sealed, sizeof sealed);
    assert_int_equal(open_from(key, salt, sealed, sizeof sealed, &form, answer_key),
                     MEDSEC_ERR_MESSAGE);
    assert_memory_equal(answer_key, expected, KEY_LEN);
}

static void test_open_refuses_what_is_no_form(void **state)
{
    (void)state;
    static const struct {
        size_t at;
        uint8_t byte;
    } cases[] = {{0, 0},      {0, 2},     {1, 0},     {1, 3},    {1, 2},    {1, 255},
                 {4, 0},      {4, '-'},   {18, '-'},  {20, 'x'}, {67, 'x'}, {68, 0},
                 {68, '\n'},  {75, 'x'},  {99, 'x'},  {100, 0},  {107, 0},  {106, 0},
                 {100, 0x7f}, {114, 'x'}, {162, 'x'}, {163, 1},  {191, 1},  {180, 0x80}};
    uint8_t plain[MEDSEC_SETUP_PLAIN_LEN];
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        make_plain(plain, MEDSEC_SETUP_SETTINGS);
        plain[cases[i].at] = cases[i].byte;
        refuse_plain(plain);
    }
    make_plain(plain, MEDSEC_SETUP_SETTINGS);
    memset(plain + 2, 0, 2); /* port */
    refuse_plain(plain);
    for (size_t at = 2; at < sizeof plain; at++) {
        make_plain(plain, MEDSEC_SETUP_DECOMMISSION);
        plain[at] = 1;
        refuse_plain(plain);
    }
}

static void test_seal_refuses_what_is_no_form(void **state)
{
    (void)state;
    uint8_t sealed[MEDSEC_SETUP_FORM_LEN];
    uint8_t answer_key[KEY_LEN];
    medsec_setup_form form = usual;
    form.settings.port = 0;
    assert_int_equal(medsec_setup_form_seal(sealed, answer_key, crypto, key, salt, &form),
                     MEDSEC_ERR_ARGUMENT);
    form = usual;
    form.kind = (medsec_setup_kind)3;
    assert_int_equal(medsec_setup_form_seal(sealed, answer_key, crypto, key, salt, &form),
                     MEDSEC_ERR_ARGUMENT);
}

static void test_answer_refuses_lengths_bits_and_keys(void **state)
{
    (void)state;
    uint8_t answer[MEDSEC_SETUP_ANSWER_LEN + 1] = {0};
    const uint8_t answer_key[KEY_LEN] = "32 bytes, which nobody can know";
    uint8_t other[KEY_LEN];
    medsec_setup_status status = MEDSEC_SETUP_NOT_STORED;
    assert_int_equal(medsec_setup_answer_seal(answer, crypto, answer_key, MEDSEC_SETUP_DONE),
                     MEDSEC_OK);
    for (size_t len = 0; len <= sizeof answer; len++) {
        if (len != MEDSEC_SETUP_ANSWER_LEN) {
            assert_int_equal(medsec_setup_answer_open(&status, crypto, answer_key, answer, len),
                             MEDSEC_ERR_FRAME);
        }
    }
    for (size_t bit = 0; bit < 8 * MEDSEC_SETUP_ANSWER_LEN; bit++) {
        answer[bit / 8] ^= (uint8_t)(1u << bit % 8);
        assert_int_equal(
            medsec_setup_answer_open(&status, crypto, answer_key, answer, MEDSEC_SETUP_ANSWER_LEN),
            MEDSEC_ERR_CRYPTO);
        answer[bit / 8] ^= (uint8_t)(1u << bit % 8);
    }
    memcpy(other, answer_key, sizeof other);
    other[31] ^= 0x80;
    assert_int_equal(
        medsec_setup_answer_open(&status, crypto, other, answer, MEDSEC_SETUP_ANSWER_LEN),
        MEDSEC_ERR_CRYPTO);
    assert_int_equal(medsec_setup_answer_seal(answer, crypto, answer_key, (medsec_setup_status)3),
                     MEDSEC_OK);
    assert_int_equal(
        medsec_setup_answer_open(&status, crypto, answer_key, answer, MEDSEC_SETUP_ANSWER_LEN),
        MEDSEC_ERR_MESSAGE);
    assert_int_equal(status, MEDSEC_SETUP_NOT_STORED);
}

/* A form is no answer, even where the two keys were the same. */
static void test_answer_has_its_own_associated_data(void **state)
{
    (void)state;
    static const uint8_t nonce[12];
    uint8_t answer[MEDSEC_SETUP_ANSWER_LEN];
    const uint8_t answer_key[KEY_LEN] = {1};
    medsec_setup_status status = MEDSEC_SETUP_DONE;
    crypto_aead_chacha20poly1305_ietf_encrypt(answer, NULL, nonce, 1, (const uint8_t *)"form", 4,
                                              NULL, nonce, answer_key);
    assert_int_equal(medsec_setup_answer_open(&status, crypto, answer_key, answer, sizeof answer),
                     MEDSEC_ERR_CRYPTO);
}

/* Fails the n-th call of the provider, counted from 0. */
static unsigned until_failure;
static medsec_crypto failing;

static medsec_status failing_hmac(uint8_t out[MEDSEC_SHA256_LEN], const uint8_t *with,
                                  size_t with_len, const medsec_bytes *parts, size_t count)
{
    return until_failure-- == 0 ? MEDSEC_ERR_PROVIDER
                                : crypto->hmac_sha256(out, with, with_len, parts, count);
}

static medsec_status failing_seal(uint8_t *out, const uint8_t with[KEY_LEN], uint64_t nonce,
                                  const uint8_t *ad, size_t ad_len, const uint8_t *in, size_t len)
{
    return until_failure-- == 0 ? MEDSEC_ERR_PROVIDER
                                : crypto->chachapoly_seal(out, with, nonce, ad, ad_len, in, len);
}

static medsec_status failing_open(uint8_t *out, const uint8_t with[KEY_LEN], uint64_t nonce,
                                  const uint8_t *ad, size_t ad_len, const uint8_t *in, size_t len)
{
    return until_failure-- == 0 ? MEDSEC_ERR_PROVIDER
                                : crypto->chachapoly_open(out, with, nonce, ad, ad_len, in, len);
}

static void test_provider_that_fails_at_each_step(void **state)
{
    (void)state;
    uint8_t good[MEDSEC_SETUP_FORM_LEN];
    uint8_t sealed[MEDSEC_SETUP_FORM_LEN];
    uint8_t answer_key[KEY_LEN] = {0};
    medsec_setup_form form;
    failing = *crypto;
    failing.hmac_sha256 = failing_hmac;
    failing.chachapoly_seal = failing_seal;
    failing.chachapoly_open = failing_open;
    for (unsigned step = 0; step < 4; step++) {
        until_failure = step;
        assert_int_equal(medsec_setup_form_seal(sealed, answer_key, &failing, key, salt, &usual),
                         MEDSEC_ERR_PROVIDER);
        assert_true(is_zero(sealed, sizeof sealed) && is_zero(answer_key, sizeof answer_key));
    }
    seal(good, answer_key, &usual);
    for (unsigned step = 0; step < 4; step++) {
        until_failure = step;
        assert_int_equal(
            medsec_setup_form_open(&form, answer_key, &failing, key, salt, good, sizeof good),
            MEDSEC_ERR_PROVIDER);
        assert_true(is_zero(&form, sizeof form) && is_zero(answer_key, sizeof answer_key));
    }
}

static void test_null_arguments(void **state)
{
    (void)state;
    uint8_t data[MEDSEC_SETUP_FORM_LEN] = {0};
    uint8_t k[KEY_LEN] = {0};
    medsec_setup_form form = usual;
    medsec_setup_status status;
#define UNLESS(n, argument) (missing == (n) ? NULL : (argument))
    for (unsigned missing = 0; missing < 6; missing++) {
        assert_int_equal(medsec_setup_form_seal(UNLESS(0, data), UNLESS(1, k), UNLESS(2, crypto),
                                                UNLESS(3, key), UNLESS(4, salt), UNLESS(5, &form)),
                         MEDSEC_ERR_ARGUMENT);
        assert_int_equal(medsec_setup_form_open(UNLESS(0, &form), UNLESS(1, k), UNLESS(2, crypto),
                                                UNLESS(3, key), UNLESS(4, salt), UNLESS(5, data),
                                                1),
                         MEDSEC_ERR_ARGUMENT);
    }
    for (unsigned missing = 0; missing < 3; missing++) {
        assert_int_equal(medsec_setup_answer_seal(UNLESS(0, data), UNLESS(1, crypto), UNLESS(2, k),
                                                  MEDSEC_SETUP_DONE),
                         MEDSEC_ERR_ARGUMENT);
    }
    for (unsigned missing = 0; missing < 4; missing++) {
        assert_int_equal(medsec_setup_answer_open(UNLESS(0, &status), UNLESS(1, crypto),
                                                  UNLESS(2, k), UNLESS(3, data), 17),
                         MEDSEC_ERR_ARGUMENT);
    }
#undef UNLESS
    assert_int_equal(medsec_setup_form_open(&form, k, crypto, key, salt, NULL, 0),
                     MEDSEC_ERR_FRAME);
}

int main(void)
{
    crypto = medsec_crypto_openssl();
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_seal_and_open_every_vector),
        cmocka_unit_test(test_open_refuses_every_length),
        cmocka_unit_test(test_open_refuses_every_flipped_bit),
        cmocka_unit_test(test_open_refuses_another_key_and_nonce),
        cmocka_unit_test(test_plain_is_where_the_document_has_it),
        cmocka_unit_test(test_open_refuses_what_is_no_form),
        cmocka_unit_test(test_seal_refuses_what_is_no_form),
        cmocka_unit_test(test_answer_refuses_lengths_bits_and_keys),
        cmocka_unit_test(test_answer_has_its_own_associated_data),
        cmocka_unit_test(test_provider_that_fails_at_each_step),
        cmocka_unit_test(test_null_arguments),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
