/* SPDX-License-Identifier: Apache-2.0 */
#include "unit.h"

#include "faults.h"

#include <ctype.h>
#include <stdio.h>
#include <string.h>

static unsigned bits_that_differ(const uint8_t *a, const uint8_t *b, size_t len)
{
    unsigned bits = 0;

    for (size_t i = 0; i < len; i++) {
        for (unsigned x = a[i] ^ b[i]; x != 0; x &= x - 1) {
            bits++;
        }
    }
    return bits;
}

static void test_corrupt_flips_one_bit_anywhere(void **state)
{
    static const uint8_t unit[20];
    uint8_t touched[sizeof(unit)] = {0};
    (void)state;

    for (uint64_t seed = 0; seed < 2000; seed++) {
        uint8_t copy[sizeof(unit)] = {0};
        prng random = {seed};
        fault_corrupt(copy, sizeof(copy), &random);
        assert_int_equal(bits_that_differ(copy, unit, sizeof(unit)), 1);
        for (size_t i = 0; i < sizeof(unit); i++) {
            touched[i] |= copy[i];
        }
    }
    for (size_t i = 0; i < sizeof(unit); i++) {
        assert_int_equal(touched[i], 0xff);
    }
}

static void test_corrupt_hex_keeps_the_form_and_changes_one_digit(void **state)
{
    static const char frame[] = "0123456789abcdef0123456789abcdef+ffffffffffffffff0000000000000000";
    (void)state;

    for (uint64_t seed = 0; seed < 2000; seed++) {
        char copy[sizeof(frame)];
        prng random = {seed};
        unsigned changed = 0;
        memcpy(copy, frame, sizeof(frame));
        fault_corrupt_hex((uint8_t *)copy, sizeof(frame) - 1, &random);
        for (size_t i = 0; i < sizeof(frame) - 1; i++) {
            changed += copy[i] != frame[i];
            assert_true(i == 32 ? copy[i] == '+' : isxdigit((unsigned char)copy[i]));
        }
        assert_int_equal(changed, 1);
    }
}

static void test_wrong_key_of_the_seed_wire_is_printable_and_another(void **state)
{
    medsec_credential credential = {.wire = MEDSEC_WIRE_SEED, .key = {'k'}, .iv = {'i'}};
    const medsec_credential before = credential;
    prng random = {1};
    (void)state;

    fault_wrong_key(&credential, &random);
    assert_memory_not_equal(credential.key, before.key, sizeof(before.key));
    assert_memory_not_equal(credential.iv, before.iv, sizeof(before.iv));
    for (size_t i = 0; i < sizeof(credential.key); i++) {
        assert_true(isgraph(credential.key[i]) && isgraph(credential.iv[i]));
    }
}

static medsec_credential medsec1(void)
{
    medsec_credential credential = {.wire = MEDSEC_WIRE_MEDSEC1,
                                    .suite = MEDSEC_SUITE_A128CBC_HS256};

    snprintf(credential.device, sizeof(credential.device), "dev");
    medsec_credential_generate(&credential);
    return credential;
}

static void test_wrong_key_of_medsec1_is_another_pair(void **state)
{
    const medsec_credential before = medsec1();
    medsec_credential credential = before;
    uint8_t public_key[MEDSEC_X25519_LEN];
    prng random = {1};
    (void)state;

    fault_wrong_key(&credential, &random);
    assert_memory_not_equal(credential.device_public, before.device_public, MEDSEC_X25519_LEN);
    assert_int_equal(medsec_crypto_openssl()->x25519_public(public_key, credential.device_private),
                     MEDSEC_OK);
    assert_memory_equal(credential.device_public, public_key, sizeof(public_key));
    assert_memory_equal(credential.psk, before.psk, MEDSEC_PSK_LEN);
    assert_memory_equal(credential.gateway_public, before.gateway_public, MEDSEC_X25519_LEN);
}

static void test_wrong_psk_and_gateway_key_change_nothing_else(void **state)
{
    const medsec_credential before = medsec1();
    medsec_credential credential = before;
    prng random = {1};
    (void)state;

    fault_wrong_psk(&credential, &random);
    assert_memory_not_equal(credential.psk, before.psk, MEDSEC_PSK_LEN);
    memcpy(credential.psk, before.psk, MEDSEC_PSK_LEN);
    assert_memory_equal(&credential, &before, sizeof(before));

    fault_wrong_gateway_key(&credential, &random);
    assert_memory_not_equal(credential.gateway_public, before.gateway_public, MEDSEC_X25519_LEN);
    memcpy(credential.gateway_public, before.gateway_public, MEDSEC_X25519_LEN);
    assert_memory_equal(&credential, &before, sizeof(before));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_corrupt_flips_one_bit_anywhere),
        cmocka_unit_test(test_corrupt_hex_keeps_the_form_and_changes_one_digit),
        cmocka_unit_test(test_wrong_key_of_the_seed_wire_is_printable_and_another),
        cmocka_unit_test(test_wrong_key_of_medsec1_is_another_pair),
        cmocka_unit_test(test_wrong_psk_and_gateway_key_change_nothing_else),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
