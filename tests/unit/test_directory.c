/* SPDX-License-Identifier: Apache-2.0 */
#include "registry_fixture.h"
#include "unit.h"

#include <medsec/reading.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>

typedef struct directory_fixture {
    registry_fixture *registry;
    medsec_profile_set *profiles;
    medsec_aes_cbc aes;
} directory_fixture;

static directory_fixture fixture;

static void add(const char *id, unsigned number, const char *profile)
{
    medsec_credential credential = registry_fixture_credential(id, number);
    snprintf(credential.profile, sizeof credential.profile, "%s", profile);
    assert_int_equal(medsec_registry_add(fixture.registry->registry, &credential, 0), MEDSEC_OK);
}

static int setup(void **state)
{
    static const uint8_t any_key[16] = "any key will do";
    registry_fixture_setup(state);
    fixture.registry = *state;
    fixture.profiles = medsec_profile_set_create();
    assert_int_equal(
        medsec_aes_cbc_open(&fixture.aes, medsec_crypto_openssl(), MEDSEC_DECRYPT, any_key),
        MEDSEC_OK);
    add("c", 3, "pico-vitals");
    add("a", 1, "pico-vitals");
    add("b", 2, "pico-vitals");
    return 0;
}

static int teardown(void **state)
{
    medsec_aes_cbc_close(&fixture.aes);
    medsec_profile_set_destroy(fixture.profiles);
    return registry_fixture_teardown(state);
}

static medsec_directory *load(size_t *skipped)
{
    medsec_directory *directory = NULL;
    assert_int_equal(
        medsec_directory_load(&directory, fixture.registry->registry, fixture.profiles, skipped),
        MEDSEC_OK);
    return directory;
}

/* What a device with the key of this number would send first. */
static void first_block(uint8_t block[16], unsigned number)
{
    medsec_credential credential = registry_fixture_credential("x", number);
    medsec_aes_cbc aes;
    assert_int_equal(
        medsec_aes_cbc_open(&aes, medsec_crypto_openssl(), MEDSEC_ENCRYPT, credential.key),
        MEDSEC_OK);
    assert_int_equal(
        medsec_aes_cbc_run(&aes, block, (const uint8_t *)"{\"Temp\":\"36.600\"", 16, credential.iv),
        MEDSEC_OK);
    medsec_aes_cbc_close(&aes);
}

static void test_load_holds_what_find_gives(void **state)
{
    (void)state;
    size_t skipped = 7;
    medsec_directory *directory = load(&skipped);
    medsec_credential credential = registry_fixture_credential("b", 2);
    const medsec_directory_entry *entry = medsec_directory_find(directory, "b");
    assert_int_equal(medsec_directory_count(directory), 3);
    assert_int_equal(medsec_directory_last_change(directory), 4); /* init, and three times add */
    assert_int_equal(skipped, 0);
    assert_non_null(entry);
    assert_string_equal(entry->id, "b");
    assert_int_equal(entry->state, MEDSEC_DEVICE_ACTIVE);
    assert_memory_equal(entry->key, credential.key, 16);
    assert_memory_equal(entry->iv, credential.iv, 16);
    assert_ptr_equal(entry->profile, &medsec_profile_pico_vitals);
    assert_non_null(medsec_directory_find(directory, "a"));
    assert_non_null(medsec_directory_find(directory, "c"));
    assert_null(medsec_directory_find(directory, ""));
    assert_null(medsec_directory_find(directory, "bb"));
    assert_null(medsec_directory_find(directory, NULL));
    medsec_directory_unref(directory);
}

static void test_load_of_none(void **state)
{
    (void)state;
    size_t skipped;
    uint8_t block[16];
    static const char *const ids[] = {"a", "b", "c"};
    for (size_t i = 0; i < 3; i++) {
        assert_int_equal(medsec_registry_decommission(fixture.registry->registry, ids[i]),
                         MEDSEC_OK);
    }
    medsec_directory *directory = load(&skipped);
    first_block(block, 1);
    assert_int_equal(medsec_directory_count(directory), 0);
    assert_int_equal(skipped, 0);
    assert_null(medsec_directory_find(directory, "a"));
    assert_null(medsec_directory_identify(directory, &fixture.aes, block, "a"));
    medsec_directory_unref(directory);
}

static void test_load_skips_what_it_cannot_use(void **state)
{
    (void)state;
    size_t skipped;
    add("d", 4, "not-loaded");
    registry_fixture_sql(fixture.registry, "UPDATE device SET state=1 WHERE id='b'");
    registry_fixture_sql(fixture.registry, "UPDATE device SET wire='other' WHERE id='c'");
    medsec_directory *directory = load(&skipped);
    assert_int_equal(medsec_directory_count(directory), 1);
    assert_int_equal(skipped, 3);
    assert_non_null(medsec_directory_find(directory, "a"));
    medsec_directory_unref(directory);
}

static void test_identify_tries_all_keys(void **state)
{
    (void)state;
    size_t skipped;
    uint8_t block[16];
    medsec_directory *directory = load(&skipped);
    static const char *const hints[] = {NULL, "a", "b", "c", "gone"};
    static const char *const ids[] = {"a", "b", "c"};
    for (unsigned i = 0; i < 3; i++) {
        first_block(block, i + 1);
        for (size_t hint = 0; hint < 5; hint++) {
            const medsec_directory_entry *entry =
                medsec_directory_identify(directory, &fixture.aes, block, hints[hint]);
            assert_non_null(entry);
            assert_string_equal(entry->id, ids[i]);
        }
    }
    first_block(block, 4);
    assert_null(medsec_directory_identify(directory, &fixture.aes, block, "a"));
    memset(block, 0, sizeof block);
    assert_null(medsec_directory_identify(directory, &fixture.aes, block, NULL));
    medsec_directory_unref(directory);
}

static void test_identify_knows_a_revoked_device(void **state)
{
    (void)state;
    size_t skipped;
    uint8_t block[16];
    assert_int_equal(medsec_registry_revoke(fixture.registry->registry, "a"), MEDSEC_OK);
    medsec_directory *directory = load(&skipped);
    first_block(block, 1);
    const medsec_directory_entry *entry =
        medsec_directory_identify(directory, &fixture.aes, block, NULL);
    assert_non_null(entry);
    assert_int_equal(entry->state, MEDSEC_DEVICE_REVOKED);
    medsec_directory_unref(directory);
}

static void add_medsec1(const char *id, unsigned number)
{
    medsec_credential credential = registry_fixture_medsec1(id, number);
    assert_int_equal(medsec_registry_add(fixture.registry->registry, &credential, 0), MEDSEC_OK);
}

static void rotate(const char *id, unsigned number)
{
    medsec_credential credential = registry_fixture_medsec1(id, number);
    assert_int_equal(medsec_registry_rotate(fixture.registry->registry, &credential), MEDSEC_OK);
}

static const medsec_directory_entry *find_public(const medsec_directory *directory, unsigned number)
{
    medsec_credential credential = registry_fixture_medsec1("x", number);
    return medsec_directory_find_public(directory, credential.device_public);
}

static void expect_secrets(const medsec_directory_entry *entry, size_t which, unsigned number)
{
    medsec_credential credential = registry_fixture_medsec1("x", number);
    assert_memory_equal(entry->public_key[which], credential.device_public, MEDSEC_X25519_LEN);
    assert_memory_equal(entry->psk[which], credential.psk, MEDSEC_PSK_LEN);
}

static void test_load_holds_medsec1_devices(void **state)
{
    (void)state;
    size_t skipped;
    add_medsec1("bb", 10);
    add_medsec1("0", 11);
    rotate("bb", 12);
    rotate("bb", 13);
    medsec_directory *directory = load(&skipped);
    assert_int_equal(skipped, 0);
    assert_int_equal(medsec_directory_count(directory), 5);
    const medsec_directory_entry *entry = medsec_directory_find(directory, "bb");
    assert_int_equal(entry->wire, MEDSEC_WIRE_MEDSEC1);
    assert_int_equal(entry->suite, MEDSEC_SUITE_A128CBC_HS256);
    assert_null(entry->key);
    expect_secrets(entry, 0, 10);
    expect_secrets(entry, 1, 13);
    assert_int_equal(entry->generation[0], 0);
    assert_int_equal(entry->generation[1], 2);
    entry = medsec_directory_find(directory, "0");
    expect_secrets(entry, 0, 11);
    assert_null(entry->public_key[1]);
    assert_null(entry->psk[1]);
    entry = medsec_directory_find(directory, "b");
    assert_int_equal(entry->wire, MEDSEC_WIRE_SEED);
    assert_null(entry->psk[0]);
    assert_memory_equal(entry->key, registry_fixture_credential("b", 2).key, 16);
    medsec_directory_unref(directory);
}

static void test_find_public_knows_both_keys(void **state)
{
    (void)state;
    size_t skipped;
    char id[16];
    for (unsigned i = 0; i < 50; i++) {
        snprintf(id, sizeof id, "m-%02u", i);
        add_medsec1(id, 100 + i);
    }
    rotate("m-07", 200);
    rotate("m-08", 108); /* the same key */
    assert_int_equal(medsec_registry_revoke(fixture.registry->registry, "m-09"), MEDSEC_OK);
    assert_int_equal(medsec_registry_decommission(fixture.registry->registry, "m-10"), MEDSEC_OK);
    medsec_directory *directory = load(&skipped);
    for (unsigned i = 0; i < 50; i++) {
        const medsec_directory_entry *entry = find_public(directory, 100 + i);
        snprintf(id, sizeof id, "m-%02u", i);
        assert_ptr_equal(entry, medsec_directory_find(directory, id));
        assert_int_equal(entry == NULL, i == 10);
    }
    assert_string_equal(find_public(directory, 200)->id, "m-07");
    assert_string_equal(find_public(directory, 108)->id, "m-08");
    assert_int_equal(find_public(directory, 109)->state, MEDSEC_DEVICE_REVOKED);
    assert_null(find_public(directory, 99));
    assert_null(medsec_directory_find_public(NULL, (const uint8_t *)fixture.registry->path));
    assert_null(medsec_directory_find_public(directory, NULL));
    medsec_directory_unref(directory);
    assert_int_equal(medsec_registry_promote(fixture.registry->registry, "m-07", 1), MEDSEC_OK);
    directory = load(&skipped);
    assert_null(find_public(directory, 107));
    assert_string_equal(find_public(directory, 200)->id, "m-07");
    medsec_directory_unref(directory);
}

static void test_load_skips_altered_medsec1_rows(void **state)
{
    (void)state;
    size_t skipped;
    add_medsec1("m", 10);
    add_medsec1("n", 11);
    add_medsec1("o", 12);
    registry_fixture_sql(fixture.registry, "UPDATE device SET suite=2 WHERE id='m';"
                                           "UPDATE device SET sealed=x'00' WHERE id='n'");
    medsec_directory *directory = load(&skipped);
    assert_int_equal(skipped, 2);
    assert_int_equal(medsec_directory_count(directory), 4);
    assert_null(find_public(directory, 10));
    assert_null(find_public(directory, 11));
    expect_secrets(find_public(directory, 12), 0, 12);
    medsec_directory_unref(directory);
}

static void test_identify_passes_medsec1_devices_by(void **state)
{
    (void)state;
    size_t skipped;
    uint8_t block[16];
    add_medsec1("0", 10);
    add_medsec1("bb", 11);
    medsec_directory *directory = load(&skipped);
    for (unsigned i = 1; i <= 3; i++) {
        first_block(block, i);
        const medsec_directory_entry *entry =
            medsec_directory_identify(directory, &fixture.aes, block, "bb");
        assert_memory_equal(entry->key, registry_fixture_credential("x", i).key, 16);
    }
    assert_false(
        medsec_directory_opens(medsec_directory_find(directory, "bb"), &fixture.aes, block));
    first_block(block, 4);
    assert_null(medsec_directory_identify(directory, &fixture.aes, block, "0"));
    medsec_directory_unref(directory);
}

static void test_gateway_keys_follow_the_registry(void **state)
{
    (void)state;
    medsec_registry *registry = fixture.registry->registry;
    uint8_t public_key[2][MEDSEC_X25519_LEN];
    size_t expected;
    for (int step = 0; step < 3; step++) {
        size_t skipped;
        size_t count = 7;
        medsec_directory *directory = load(&skipped);
        const medsec_keypair *keys = medsec_directory_gateway_keys(directory, &count);
        assert_int_equal(medsec_registry_gateway_public(registry, public_key, &expected),
                         MEDSEC_OK);
        assert_int_equal(count, expected);
        for (size_t i = 0; i < count; i++) {
            uint8_t computed[MEDSEC_X25519_LEN];
            assert_int_equal(medsec_crypto_openssl()->x25519_public(computed, keys[i].private_key),
                             MEDSEC_OK);
            assert_memory_equal(computed, public_key[i], sizeof computed);
            assert_memory_equal(keys[i].public_key, public_key[i], sizeof computed);
        }
        medsec_directory_unref(directory);
        assert_int_equal(step == 0   ? medsec_registry_gateway_rotate(registry)
                         : step == 1 ? medsec_registry_gateway_retire(registry)
                                     : MEDSEC_OK,
                         MEDSEC_OK);
    }
}

/* A revocation must be seen all the same. */
static void test_load_without_gateway_keys(void **state)
{
    (void)state;
    size_t skipped;
    size_t count = 7;
    registry_fixture_sql(fixture.registry,
                         "UPDATE meta SET value=randomblob(104) WHERE name='gateway'");
    medsec_directory *directory = load(&skipped);
    assert_int_equal(skipped, 1);
    assert_int_equal(medsec_directory_count(directory), 3);
    (void)medsec_directory_gateway_keys(directory, &count);
    assert_int_equal(count, 0);
    medsec_directory_unref(directory);
}

static void test_locked_tells_the_limit(void **state)
{
    (void)state;
    size_t skipped;
    struct rlimit before;
    assert_int_equal(getrlimit(RLIMIT_MEMLOCK, &before), 0);
    medsec_directory *directory = load(&skipped);
    if (before.rlim_cur > 65536) {
        assert_true(medsec_directory_locked(directory));
    }
    medsec_directory_unref(directory);
    const struct rlimit none = {.rlim_cur = 0, .rlim_max = before.rlim_max};
    assert_int_equal(setrlimit(RLIMIT_MEMLOCK, &none), 0);
    directory = load(&skipped);
    assert_int_equal(medsec_directory_count(directory), 3);
    medsec_directory_unref(directory);
    assert_int_equal(setrlimit(RLIMIT_MEMLOCK, &before), 0);
}

static void *look_up(void *shared)
{
    for (int i = 0; i < 2000; i++) {
        medsec_directory *directory = medsec_directory_ref(shared);
        if (medsec_directory_find(directory, "b") == NULL) {
            return shared;
        }
        medsec_directory_unref(directory);
    }
    medsec_directory_unref(shared);
    return NULL;
}

static void test_references_are_counted_by_threads(void **state)
{
    (void)state;
    size_t skipped;
    pthread_t threads[4];
    medsec_directory *directory = load(&skipped);
    for (size_t i = 0; i < 4; i++) {
        assert_int_equal(
            pthread_create(&threads[i], NULL, look_up, medsec_directory_ref(directory)), 0);
    }
    medsec_directory_unref(directory);
    for (size_t i = 0; i < 4; i++) {
        void *failed;
        assert_int_equal(pthread_join(threads[i], &failed), 0);
        assert_null(failed);
    }
}

#define FIXED(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        FIXED(test_load_holds_what_find_gives),
        FIXED(test_load_of_none),
        FIXED(test_load_skips_what_it_cannot_use),
        FIXED(test_identify_tries_all_keys),
        FIXED(test_identify_knows_a_revoked_device),
        FIXED(test_locked_tells_the_limit),
        FIXED(test_load_holds_medsec1_devices),
        FIXED(test_find_public_knows_both_keys),
        FIXED(test_load_skips_altered_medsec1_rows),
        FIXED(test_identify_passes_medsec1_devices_by),
        FIXED(test_gateway_keys_follow_the_registry),
        FIXED(test_load_without_gateway_keys),
        FIXED(test_references_are_counted_by_threads),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
