/* SPDX-License-Identifier: Apache-2.0 */
#include "host/seal.h"
#include "unit.h"

#include <string.h>

static const uint8_t master[MEDSEC__MASTER_LEN] = "thirty-two bytes of master key!";
static const uint8_t other_master[MEDSEC__MASTER_LEN] = "thirty-two bytes of another key";
static const uint8_t secret[32] = "what nobody else is to know....";
static const uint8_t bound[MEDSEC__HASH_LEN] = {1, 2, 3};

#define SEALED_LEN (sizeof secret + MEDSEC__SEAL_EXTRA)

static void test_keys_differ_by_purpose_and_master(void **state)
{
    (void)state;
    medsec__keys *keys = medsec__keys_create(master);
    medsec__keys *other = medsec__keys_create(other_master);
    const uint8_t *all[] = {keys->seal, keys->fingerprint, keys->row,  keys->chain,
                            keys->head, keys->derive,      other->seal};
    for (size_t i = 0; i < 7; i++) {
        assert_memory_not_equal(all[i], master, 32);
        for (size_t j = 0; j < i; j++) {
            assert_memory_not_equal(all[i], all[j], 32);
        }
    }
    medsec__keys_destroy(keys);
    medsec__keys_destroy(other);
    medsec__keys_destroy(NULL);
}

static void test_unseal_gives_what_was_sealed(void **state)
{
    (void)state;
    medsec__keys *keys = medsec__keys_create(master);
    uint8_t sealed[SEALED_LEN];
    uint8_t again[SEALED_LEN];
    uint8_t opened[sizeof secret];
    medsec__seal(sealed, keys, secret, sizeof secret, bound);
    medsec__seal(again, keys, secret, sizeof secret, bound);
    assert_memory_not_equal(sealed, again, sizeof sealed);
    assert_int_equal(medsec__unseal(opened, sizeof opened, keys, sealed, sizeof sealed, bound),
                     MEDSEC_OK);
    assert_memory_equal(opened, secret, sizeof secret);
    medsec__keys_destroy(keys);
}

static void test_unseal_refuses_every_altered_byte(void **state)
{
    (void)state;
    medsec__keys *keys = medsec__keys_create(master);
    medsec__keys *other = medsec__keys_create(other_master);
    uint8_t sealed[SEALED_LEN];
    uint8_t opened[sizeof secret];
    uint8_t elsewhere[MEDSEC__HASH_LEN] = {1, 2, 4};
    medsec__seal(sealed, keys, secret, sizeof secret, bound);
    for (size_t i = 0; i < sizeof sealed; i++) {
        sealed[i] ^= 1;
        assert_int_equal(medsec__unseal(opened, sizeof opened, keys, sealed, sizeof sealed, bound),
                         MEDSEC_ERR_CRYPTO);
        sealed[i] ^= 1;
    }
    for (size_t len = 0; len < sizeof sealed; len++) {
        assert_int_equal(medsec__unseal(opened, sizeof opened, keys, sealed, len, bound),
                         MEDSEC_ERR_CRYPTO);
    }
    assert_int_equal(medsec__unseal(opened, sizeof opened, keys, sealed, sizeof sealed, elsewhere),
                     MEDSEC_ERR_CRYPTO);
    assert_int_equal(medsec__unseal(opened, sizeof opened, other, sealed, sizeof sealed, bound),
                     MEDSEC_ERR_CRYPTO);
    medsec__keys_destroy(keys);
    medsec__keys_destroy(other);
}

static void hash_of(uint8_t out[MEDSEC__HASH_LEN], const char *first, const char *second)
{
    medsec__hash hash;
    medsec__hash_begin(&hash, master);
    medsec__hash_text(&hash, first);
    medsec__hash_text(&hash, second);
    medsec__hash_end(&hash, out);
}

static void test_hash_keeps_fields_apart(void **state)
{
    (void)state;
    uint8_t a[MEDSEC__HASH_LEN];
    uint8_t b[MEDSEC__HASH_LEN];
    hash_of(a, "ab", "c");
    hash_of(b, "ab", "c");
    assert_memory_equal(a, b, sizeof a);
    hash_of(b, "a", "bc");
    assert_memory_not_equal(a, b, sizeof a);
    hash_of(b, "abc", "");
    assert_memory_not_equal(a, b, sizeof a);
}

static void test_numbers_are_big_endian(void **state)
{
    (void)state;
    uint8_t bytes[8];
    medsec__put_u64(bytes, 0x0102030405060708u);
    assert_memory_equal(bytes, ((const uint8_t[]){1, 2, 3, 4, 5, 6, 7, 8}), 8);
    assert_true(medsec__get_u64(bytes) == 0x0102030405060708u);
}

static int setup(void **state)
{
    (void)state;
    return sodium_init() < 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_keys_differ_by_purpose_and_master),
        cmocka_unit_test(test_unseal_gives_what_was_sealed),
        cmocka_unit_test(test_unseal_refuses_every_altered_byte),
        cmocka_unit_test(test_hash_keeps_fields_apart),
        cmocka_unit_test(test_numbers_are_big_endian),
    };
    return cmocka_run_group_tests(tests, setup, NULL);
}
