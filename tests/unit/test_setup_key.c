/* SPDX-License-Identifier: Apache-2.0 */
#include "unit.h"

#include "registry_fixture.h"
#include "setup_vectors.h"

#include <string.h>

static const medsec_crypto *crypto;

static void expect_key(const medsec_credential *credential, const char *text)
{
    char key[MEDSEC_SETUP_KEY_LEN];
    char shown[MEDSEC_SETUP_KEY_TEXT_LEN];
    assert_int_equal(medsec_setup_key(key, crypto, credential), MEDSEC_OK);
    medsec_setup_key_text(shown, key);
    assert_int_equal(strlen(text), sizeof shown);
    assert_memory_equal(shown, text, sizeof shown);
}

static void expect_vector(const setup_vector *vector)
{
    medsec_credential credential = registry_fixture_medsec1(vector->device, 1);
    memcpy(credential.psk, vector->secret, sizeof credential.psk);
    expect_key(&credential, vector->text);
    credential.has_private = false;
    memset(credential.gateway_public, 0, sizeof credential.gateway_public);
    expect_key(&credential, vector->text);
}

static void test_key_of_every_vector(void **state)
{
    (void)state;
    assert_int_equal(setup_vectors_each(expect_vector), 6);
}

static void test_key_of_the_seed_wire_is_of_key_and_iv(void **state)
{
    (void)state;
    char key[2][MEDSEC_SETUP_KEY_LEN];
    medsec_credential seed = registry_fixture_credential("dev-1", 7);
    medsec_credential same = registry_fixture_medsec1("dev-1", 7);
    memcpy(same.psk, seed.key, sizeof seed.key);
    memcpy(same.psk + sizeof seed.key, seed.iv, sizeof seed.iv);
    assert_int_equal(medsec_setup_key(key[0], crypto, &seed), MEDSEC_OK);
    assert_int_equal(medsec_setup_key(key[1], crypto, &same), MEDSEC_OK);
    assert_memory_equal(key[0], key[1], sizeof key[0]);
}

/* What is hashed is as random as need be: of 20 000 digits each of the 32 comes 625 times or so. */
static void test_key_has_all_digits_everywhere(void **state)
{
    (void)state;
    static const char digits[] = "0123456789ABCDEFGHJKMNPQRSTVWXYZ";
    uint32_t seen[MEDSEC_SETUP_KEY_LEN] = {0};
    medsec_credential credential = registry_fixture_medsec1("dev-1", 7);
    for (unsigned i = 0; i < 1000; i++) {
        char key[MEDSEC_SETUP_KEY_LEN];
        memcpy(credential.psk, &i, sizeof i);
        assert_int_equal(medsec_setup_key(key, crypto, &credential), MEDSEC_OK);
        for (size_t place = 0; place < sizeof key; place++) {
            const char *found = strchr(digits, key[place]);
            assert_non_null(found);
            assert_int_not_equal(key[place], '\0');
            seen[place] |= 1u << (found - digits);
        }
    }
    for (size_t place = 0; place < MEDSEC_SETUP_KEY_LEN; place++) {
        assert_int_equal(seen[place], UINT32_MAX);
    }
}

static void test_key_depends_on_device_and_secret(void **state)
{
    (void)state;
    char key[3][MEDSEC_SETUP_KEY_LEN];
    medsec_credential credential = registry_fixture_medsec1("dev-1", 7);
    assert_int_equal(medsec_setup_key(key[0], crypto, &credential), MEDSEC_OK);
    credential.psk[31] ^= 1;
    assert_int_equal(medsec_setup_key(key[1], crypto, &credential), MEDSEC_OK);
    credential.psk[31] ^= 1;
    credential.device[4] = '2';
    assert_int_equal(medsec_setup_key(key[2], crypto, &credential), MEDSEC_OK);
    assert_memory_not_equal(key[0], key[1], sizeof key[0]);
    assert_memory_not_equal(key[0], key[2], sizeof key[0]);
}

static medsec_status no_hmac(uint8_t out[MEDSEC_SHA256_LEN], const uint8_t *key, size_t key_len,
                             const medsec_bytes *parts, size_t count)
{
    (void)out;
    (void)key;
    (void)key_len;
    (void)parts;
    (void)count;
    return MEDSEC_ERR_PROVIDER;
}

static void test_key_of_what_is_none(void **state)
{
    (void)state;
    char key[MEDSEC_SETUP_KEY_LEN];
    medsec_credential credential = registry_fixture_medsec1("dev-1", 7);
    medsec_crypto broken = *crypto;
    broken.hmac_sha256 = no_hmac;
    memset(key, 'x', sizeof key);
    assert_int_equal(medsec_setup_key(key, &broken, &credential), MEDSEC_ERR_PROVIDER);
    assert_int_equal(medsec_setup_key(NULL, crypto, &credential), MEDSEC_ERR_ARGUMENT);
    assert_int_equal(medsec_setup_key(key, NULL, &credential), MEDSEC_ERR_ARGUMENT);
    assert_int_equal(medsec_setup_key(key, crypto, NULL), MEDSEC_ERR_ARGUMENT);
    memset(credential.psk, 0, sizeof credential.psk);
    assert_int_equal(medsec_setup_key(key, crypto, &credential), MEDSEC_ERR_ARGUMENT);
    assert_memory_equal(key, "xxxxxxxxxxxxxxxxxxxx", sizeof key);
}

int main(void)
{
    crypto = medsec_crypto_openssl();
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_key_of_every_vector),
        cmocka_unit_test(test_key_of_the_seed_wire_is_of_key_and_iv),
        cmocka_unit_test(test_key_has_all_digits_everywhere),
        cmocka_unit_test(test_key_depends_on_device_and_secret),
        cmocka_unit_test(test_key_of_what_is_none),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
