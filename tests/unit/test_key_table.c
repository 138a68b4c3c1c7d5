/* SPDX-License-Identifier: Apache-2.0 */
#include "host/key_table.h"
#include "unit.h"

#include <sodium.h>
#include <string.h>

enum { COUNT = 3000 };

static uint8_t keys[COUNT + 1][MEDSEC_X25519_LEN];

static int setup(void **state)
{
    (void)state;
    assert_true(sodium_init() >= 0);
    randombytes_buf(keys, sizeof keys);
    return 0;
}

static void test_find_gives_the_owner(void **state)
{
    (void)state;
    medsec__key_table *table = medsec__key_table_create(COUNT);
    uint32_t owner;
    for (uint32_t i = 0; i < COUNT; i++) {
        assert_false(medsec__key_table_find(table, keys[i], &owner));
        assert_true(medsec__key_table_add(table, keys[i], 7 * i));
    }
    for (uint32_t i = 0; i < COUNT; i++) {
        uint8_t copy[MEDSEC_X25519_LEN];
        memcpy(copy, keys[i], sizeof copy);
        assert_true(medsec__key_table_find(table, copy, &owner));
        assert_int_equal(owner, 7 * i);
    }
    assert_false(medsec__key_table_find(table, keys[COUNT], &owner));
    medsec__key_table_destroy(table);
}

static void test_find_looks_at_every_bit(void **state)
{
    (void)state;
    medsec__key_table *table = medsec__key_table_create(1);
    uint32_t owner;
    assert_true(medsec__key_table_add(table, keys[0], 1));
    for (unsigned bit = 0; bit < 8 * MEDSEC_X25519_LEN; bit++) {
        uint8_t near[MEDSEC_X25519_LEN];
        memcpy(near, keys[0], sizeof near);
        near[bit / 8] ^= (uint8_t)(1u << bit % 8);
        assert_false(medsec__key_table_find(table, near, &owner));
    }
    medsec__key_table_destroy(table);
}

static void test_add_keeps_the_first_owner_and_its_bounds(void **state)
{
    (void)state;
    medsec__key_table *table = medsec__key_table_create(2);
    uint32_t owner;
    assert_true(medsec__key_table_add(table, keys[0], 1));
    assert_true(medsec__key_table_add(table, keys[0], 2));
    assert_true(medsec__key_table_add(table, keys[1], 3));
    assert_false(medsec__key_table_add(table, keys[2], 4));
    assert_true(medsec__key_table_find(table, keys[0], &owner));
    assert_int_equal(owner, 1);
    assert_false(medsec__key_table_find(table, keys[2], &owner));
    medsec__key_table_destroy(table);
}

static void test_empty(void **state)
{
    (void)state;
    medsec__key_table *table = medsec__key_table_create(0);
    uint32_t owner;
    assert_false(medsec__key_table_find(table, keys[0], &owner));
    assert_false(medsec__key_table_add(table, keys[0], 1));
    medsec__key_table_destroy(table);
    medsec__key_table_destroy(NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_find_gives_the_owner),
        cmocka_unit_test(test_find_looks_at_every_bit),
        cmocka_unit_test(test_add_keeps_the_first_owner_and_its_bounds),
        cmocka_unit_test(test_empty),
    };
    return cmocka_run_group_tests(tests, setup, NULL);
}
