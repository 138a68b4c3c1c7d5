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
        FIXED(test_load_holds_what_find_gives),        FIXED(test_load_of_none),
        FIXED(test_load_skips_what_it_cannot_use),     FIXED(test_identify_tries_all_keys),
        FIXED(test_identify_knows_a_revoked_device),   FIXED(test_locked_tells_the_limit),
        FIXED(test_references_are_counted_by_threads),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
