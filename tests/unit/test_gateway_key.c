/* SPDX-License-Identifier: Apache-2.0 */
#include "registry_fixture.h"
#include "unit.h"

#include <sodium.h>
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

typedef struct keys {
    uint8_t key[2][MEDSEC_X25519_LEN];
    size_t count;
} keys;

static keys look(medsec_registry *registry)
{
    keys seen = {0};
    assert_int_equal(medsec_registry_gateway_public(registry, seen.key, &seen.count), MEDSEC_OK);
    return seen;
}

static void assert_same(const uint8_t *a, const uint8_t *b)
{
    assert_memory_equal(a, b, MEDSEC_X25519_LEN);
}

static uint64_t verify(medsec_registry *registry)
{
    uint64_t rows = 0;
    if (medsec_registry_verify(registry, &rows) != MEDSEC_OK) {
        fail_msg("%s", medsec_registry_error(registry));
    }
    return rows;
}

static void test_a_new_registry_has_one(void **state)
{
    registry_fixture *fixture = *state;
    const medsec_registry_unlock unlock = {.key_file = fixture->key_file};
    const char *path = scratch_path(&fixture->files, "other.db");
    keys first = look(fixture->registry);
    assert_int_equal(first.count, 1);
    assert_false(sodium_is_zero(first.key[0], sizeof first.key[0]));
    registry_fixture_reopen(fixture);
    assert_same(look(fixture->registry).key[0], first.key[0]);
    medsec_registry *other;
    assert_int_equal(medsec_registry_create(path, &unlock, "tester"), MEDSEC_OK);
    assert_int_equal(medsec_registry_open(&other, path, &unlock, MEDSEC_REGISTRY_READ, NULL),
                     MEDSEC_OK);
    assert_memory_not_equal(look(other).key[0], first.key[0], MEDSEC_X25519_LEN);
    medsec_registry_close(other);
}

static void test_rotate_then_retire(void **state)
{
    registry_fixture *fixture = *state;
    medsec_registry *registry = fixture->registry;
    keys first = look(registry);
    assert_int_equal(medsec_registry_gateway_retire(registry), MEDSEC_ERR_STATE);
    assert_int_equal(medsec_registry_gateway_rotate(registry), MEDSEC_OK);
    keys second = look(registry);
    assert_int_equal(second.count, 2);
    assert_same(second.key[1], first.key[0]);
    assert_memory_not_equal(second.key[0], first.key[0], MEDSEC_X25519_LEN);
    assert_int_equal(medsec_registry_gateway_rotate(registry), MEDSEC_ERR_STATE);
    assert_int_equal(verify(registry), 2);
    assert_int_equal(medsec_registry_gateway_retire(registry), MEDSEC_OK);
    keys third = look(registry);
    assert_int_equal(third.count, 1);
    assert_same(third.key[0], second.key[0]);
    assert_int_equal(medsec_registry_gateway_retire(registry), MEDSEC_ERR_STATE);
    registry_fixture_reopen(fixture);
    assert_int_equal(verify(fixture->registry), 3);
    assert_same(look(fixture->registry).key[0], second.key[0]);
}

static void test_credentials_pin_the_key_in_use(void **state)
{
    registry_fixture *fixture = *state;
    medsec_credential credential = registry_fixture_medsec1("a", 1);
    assert_int_equal(medsec_registry_add(fixture->registry, &credential, 0), MEDSEC_OK);
    for (int i = 0; i < 2; i++) {
        keys now = look(fixture->registry);
        assert_int_equal(medsec_registry_get_credential(fixture->registry, "a", &credential),
                         MEDSEC_OK);
        assert_same(credential.gateway_public, now.key[0]);
        assert_int_equal(i == 0 ? medsec_registry_gateway_rotate(fixture->registry) : MEDSEC_OK,
                         MEDSEC_OK);
    }
}

static void test_reader_changes_nothing(void **state)
{
    const registry_fixture *fixture = *state;
    medsec_registry *reader = registry_fixture_open(fixture, MEDSEC_REGISTRY_READ);
    assert_int_equal(medsec_registry_gateway_rotate(reader), MEDSEC_ERR_STATE);
    assert_int_equal(medsec_registry_gateway_retire(reader), MEDSEC_ERR_STATE);
    assert_same(look(reader).key[0], look(fixture->registry).key[0]);
    medsec_registry_close(reader);
}

static void test_null_arguments(void **state)
{
    const registry_fixture *fixture = *state;
    keys none;
    assert_int_equal(medsec_registry_gateway_public(NULL, none.key, &none.count),
                     MEDSEC_ERR_ARGUMENT);
    assert_int_equal(medsec_registry_gateway_public(fixture->registry, NULL, &none.count),
                     MEDSEC_ERR_ARGUMENT);
    assert_int_equal(medsec_registry_gateway_public(fixture->registry, none.key, NULL),
                     MEDSEC_ERR_ARGUMENT);
    assert_int_equal(medsec_registry_gateway_rotate(NULL), MEDSEC_ERR_ARGUMENT);
    assert_int_equal(medsec_registry_gateway_retire(NULL), MEDSEC_ERR_ARGUMENT);
}

/* What a gateway gets, private halves and all. */
static void load(medsec_keypair pairs[2], size_t *count, medsec_registry *registry)
{
    medsec_profile_set *profiles = medsec_profile_set_create();
    medsec_directory *directory;
    size_t skipped;
    assert_int_equal(medsec_directory_load(&directory, registry, profiles, &skipped), MEDSEC_OK);
    assert_int_equal(skipped, 0);
    const medsec_keypair *held = medsec_directory_gateway_keys(directory, count);
    memcpy(pairs, held, *count * sizeof *held);
    medsec_directory_unref(directory);
    medsec_profile_set_destroy(profiles);
}

static void test_no_key_is_in_the_file(void **state)
{
    registry_fixture *fixture = *state;
    medsec_keypair pairs[2];
    size_t count;
    assert_int_equal(medsec_registry_gateway_rotate(fixture->registry), MEDSEC_OK);
    load(pairs, &count, fixture->registry);
    assert_int_equal(count, 2);
    registry_fixture_refuse(fixture, pairs, sizeof pairs);
    assert_int_equal(medsec_registry_gateway_retire(fixture->registry), MEDSEC_OK);
    registry_fixture_refuse(fixture, pairs, sizeof pairs);
}

/* The sealed blob of before is overwritten, not only let go of. */
static void test_retire_destroys_the_one_before(void **state)
{
    registry_fixture *fixture = *state;
    uint8_t sealed[168];
    assert_int_equal(medsec_registry_gateway_rotate(fixture->registry), MEDSEC_OK);
    assert_int_equal(registry_fixture_blob(fixture, "SELECT value FROM meta WHERE name='gateway'",
                                           sealed, sizeof sealed),
                     sizeof sealed);
    assert_int_equal(medsec_registry_gateway_retire(fixture->registry), MEDSEC_OK);
    registry_fixture_refuse(fixture, sealed, sizeof sealed);
}

static void test_altered_keys_are_refused(void **state)
{
    registry_fixture *fixture = *state;
    static const char *const edits[] = {
        "UPDATE meta SET value=randomblob(104) WHERE name='gateway'",
        "UPDATE meta SET value=zeroblob(168) WHERE name='gateway'",
        "UPDATE meta SET value=zeroblob(0) WHERE name='gateway'",
        "UPDATE meta SET value=zeroblob(100000) WHERE name='gateway'",
        "UPDATE meta SET value=(SELECT value FROM meta WHERE name='check') WHERE name='gateway'",
        /* a device's secret of the same length */
        "UPDATE meta SET value=(SELECT sealed FROM device) WHERE name='gateway'",
    };
    medsec_credential credential = registry_fixture_medsec1("a", 1);
    assert_int_equal(medsec_registry_add(fixture->registry, &credential, 0), MEDSEC_OK);
    size_t len;
    medsec_registry_close(fixture->registry);
    char *good = scratch_read(fixture->path, &len);
    for (size_t i = 0; i < sizeof edits / sizeof edits[0]; i++) {
        keys seen;
        uint64_t rows;
        registry_fixture_sql(fixture, edits[i]);
        medsec_registry *registry = registry_fixture_open(fixture, MEDSEC_REGISTRY_WRITE);
        assert_int_equal(medsec_registry_gateway_public(registry, seen.key, &seen.count),
                         MEDSEC_ERR_CORRUPT);
        assert_int_equal(medsec_registry_gateway_rotate(registry), MEDSEC_ERR_CORRUPT);
        assert_int_equal(medsec_registry_get_credential(registry, "a", &credential),
                         MEDSEC_ERR_CORRUPT);
        assert_true(sodium_is_zero((const unsigned char *)&credential, sizeof credential));
        assert_int_equal(medsec_registry_verify(registry, &rows), MEDSEC_ERR_CORRUPT);
        medsec_registry_close(registry);
        scratch_write(fixture->path, good, len, 0600);
    }
    fixture->registry = registry_fixture_open(fixture, MEDSEC_REGISTRY_WRITE);
    free(good);
}

/* Keys that were retired, put back whole, open: only the log tells. */
static void test_verify_finds_older_keys(void **state)
{
    registry_fixture *fixture = *state;
    uint64_t rows;
    registry_fixture_sql(fixture, "CREATE TABLE kept AS SELECT * FROM meta WHERE name='gateway'");
    assert_int_equal(medsec_registry_gateway_rotate(fixture->registry), MEDSEC_OK);
    assert_int_equal(medsec_registry_gateway_retire(fixture->registry), MEDSEC_OK);
    registry_fixture_sql(fixture, "UPDATE meta SET value=(SELECT value FROM kept)"
                                  " WHERE name='gateway'; DROP TABLE kept");
    assert_int_equal(look(fixture->registry).count, 1);
    assert_int_equal(medsec_registry_verify(fixture->registry, &rows), MEDSEC_ERR_CORRUPT);
    assert_non_null(strstr(medsec_registry_error(fixture->registry), "gateway key"));
}

/* Format 1. */

static void expect_old_devices(medsec_registry *registry)
{
    medsec_device_info info;
    medsec_credential got;
    medsec_credential want = registry_fixture_credential("a", 1);
    assert_int_equal(medsec_registry_get_credential(registry, "a", &got), MEDSEC_OK);
    assert_memory_equal(&got, &want, sizeof got);
    assert_int_equal(medsec_registry_get(registry, "b", &info), MEDSEC_OK);
    assert_int_equal(info.state, MEDSEC_DEVICE_REVOKED);
    assert_int_equal(info.suite, MEDSEC_SUITE_NONE);
    assert_int_equal(medsec_registry_get_credential(registry, "b", &got), MEDSEC_OK);
    assert_int_equal(medsec_registry_get(registry, "c", &info), MEDSEC_OK);
    assert_int_equal(info.state, MEDSEC_DEVICE_DECOMMISSIONED);
}

static void test_a_reader_leaves_an_older_file_as_it_is(void **state)
{
    registry_fixture *fixture = *state;
    size_t len;
    size_t now_len;
    keys none;
    medsec_keypair pairs[2];
    char *before = scratch_read(fixture->path, &len);
    medsec_registry *reader = registry_fixture_open(fixture, MEDSEC_REGISTRY_READ);
    expect_old_devices(reader);
    assert_int_equal(verify(reader), 6);
    assert_int_equal(medsec_registry_gateway_public(reader, none.key, &none.count),
                     MEDSEC_ERR_NOT_FOUND);
    load(pairs, &none.count, reader);
    assert_int_equal(none.count, 0);
    medsec_registry_close(reader);
    char *now = scratch_read(fixture->path, &now_len);
    assert_int_equal(now_len, len);
    assert_memory_equal(now, before, len);
    free(before);
    free(now);
}

static medsec_status keep_last(void *context, const medsec_audit_row *row)
{
    char *text = context;
    snprintf(text, 64, "%s %s %s", row->actor, row->action, row->device);
    return MEDSEC_OK;
}

static void test_a_writer_brings_it_to_format_2(void **state)
{
    registry_fixture *fixture = *state;
    char last[64];
    medsec_registry *reader = registry_fixture_open(fixture, MEDSEC_REGISTRY_READ);
    expect_old_devices(reader);
    fixture->registry = registry_fixture_open(fixture, MEDSEC_REGISTRY_WRITE);
    assert_int_equal(verify(fixture->registry), 7);
    assert_int_equal(medsec_registry_audit(fixture->registry, keep_last, last), MEDSEC_OK);
    assert_string_equal(last, "tester gateway-key ");
    expect_old_devices(fixture->registry);
    keys made = look(fixture->registry);
    medsec_credential credential = registry_fixture_medsec1("m", 1);
    assert_int_equal(medsec_registry_add(fixture->registry, &credential, 0), MEDSEC_OK);
    credential = registry_fixture_medsec1("m", 2);
    assert_int_equal(medsec_registry_rotate(fixture->registry, &credential), MEDSEC_OK);
    credential = registry_fixture_credential("d", 1);
    assert_int_equal(medsec_registry_add(fixture->registry, &credential, 0), MEDSEC_ERR_EXISTS);
    assert_int_equal(medsec_registry_revoke(fixture->registry, "a"), MEDSEC_OK);
    registry_fixture_reopen(fixture);
    assert_same(look(fixture->registry).key[0], made.key[0]);
    assert_int_equal(verify(fixture->registry), 10);
    /* One that had it open before sees all of it. */
    medsec_device_info info;
    assert_true(medsec_registry_changed(reader));
    assert_int_equal(medsec_registry_get(reader, "m", &info), MEDSEC_OK);
    assert_int_equal(info.pending_generation, 1);
    assert_same(look(reader).key[0], made.key[0]);
    assert_int_equal(verify(reader), 10);
    medsec_registry_close(reader);
}

static void test_a_restored_older_file_is_upgraded_in_use(void **state)
{
    registry_fixture *fixture = *state;
    size_t len;
    char *old = scratch_read(fixture->path, &len);
    const char *beside = scratch_path(&fixture->files, "restored.db");
    fixture->registry = registry_fixture_open(fixture, MEDSEC_REGISTRY_WRITE);
    keys first = look(fixture->registry);
    scratch_write(beside, old, len, 0600);
    assert_int_equal(rename(beside, fixture->path), 0);
    keys second = look(fixture->registry);
    assert_memory_not_equal(second.key[0], first.key[0], MEDSEC_X25519_LEN);
    assert_int_equal(verify(fixture->registry), 7);
    free(old);
}

enum { WRITERS = 4 };

/* Opens for writing once the pipe is closed. */
static pid_t start_writer(const registry_fixture *fixture, const int barrier[2])
{
    pid_t child = fork();
    if (child == 0) {
        const medsec_registry_unlock unlock = {.key_file = fixture->key_file};
        medsec_registry *registry;
        char none;
        close(barrier[1]);
        _exit(read(barrier[0], &none, 1) != 0 ||
              medsec_registry_open(&registry, fixture->path, &unlock, MEDSEC_REGISTRY_WRITE,
                                   "child") != MEDSEC_OK);
    }
    return child;
}

/* All of them have seen the older format before the first may change it. */
static void test_several_writers_upgrade_once(void **state)
{
    registry_fixture *fixture = *state;
    pid_t children[WRITERS];
    int barrier[2];
    sqlite3 *lock;
    assert_int_equal(pipe(barrier), 0);
    for (size_t i = 0; i < WRITERS; i++) {
        children[i] = start_writer(fixture, barrier);
    }
    assert_int_equal(sqlite3_open(fixture->path, &lock), SQLITE_OK);
    assert_int_equal(sqlite3_exec(lock, "BEGIN IMMEDIATE", NULL, NULL, NULL), SQLITE_OK);
    close(barrier[0]);
    close(barrier[1]);
    usleep(500 * 1000);
    assert_int_equal(sqlite3_close(lock), SQLITE_OK);
    for (size_t i = 0; i < WRITERS; i++) {
        int status = -1;
        assert_int_equal(waitpid(children[i], &status, 0), children[i]);
        assert_int_equal(status, 0);
    }
    fixture->registry = registry_fixture_open(fixture, MEDSEC_REGISTRY_READ);
    assert_int_equal(verify(fixture->registry), 7);
}

static void test_an_altered_older_file_is_not_upgraded(void **state)
{
    registry_fixture *fixture = *state;
    const medsec_registry_unlock unlock = {.key_file = fixture->key_file};
    medsec_registry *registry;
    registry_fixture_sql(fixture, "UPDATE meta SET value=randomblob(72) WHERE name='head'");
    assert_int_equal(
        medsec_registry_open(&registry, fixture->path, &unlock, MEDSEC_REGISTRY_WRITE, "tester"),
        MEDSEC_ERR_CORRUPT);
    registry = registry_fixture_open(fixture, MEDSEC_REGISTRY_READ);
    expect_old_devices(registry);
    medsec_registry_close(registry);
}

static void test_verify_finds_a_key_that_nobody_made(void **state)
{
    registry_fixture *fixture = *state;
    uint64_t rows;
    registry_fixture_sql(fixture, "INSERT INTO meta VALUES('gateway', randomblob(104))");
    medsec_registry *reader = registry_fixture_open(fixture, MEDSEC_REGISTRY_READ);
    assert_int_equal(medsec_registry_verify(reader, &rows), MEDSEC_ERR_CORRUPT);
    medsec_registry_close(reader);
    /* An upgrade puts its own in the place. */
    fixture->registry = registry_fixture_open(fixture, MEDSEC_REGISTRY_WRITE);
    assert_int_equal(look(fixture->registry).count, 1);
    assert_int_equal(verify(fixture->registry), 7);
}

/* A row of medsec/1 in a file of format 1 was never written. */
static void test_an_older_file_has_seed_devices_only(void **state)
{
    registry_fixture *fixture = *state;
    medsec_device_info info;
    registry_fixture_sql(fixture, "UPDATE device SET wire='medsec/1' WHERE id='b'");
    medsec_registry *reader = registry_fixture_open(fixture, MEDSEC_REGISTRY_READ);
    assert_int_equal(medsec_registry_get(reader, "b", &info), MEDSEC_ERR_CORRUPT);
    registry_fixture_sql(fixture, "UPDATE device SET wire='medsec/1' WHERE id='c'");
    assert_int_equal(medsec_registry_get(reader, "c", &info), MEDSEC_ERR_CORRUPT);
    medsec_registry_close(reader);
}

#define FIXED(name) \
    cmocka_unit_test_setup_teardown(name, registry_fixture_setup, registry_fixture_teardown)
#define OLD(name)                                                          \
    cmocka_unit_test_setup_teardown(name, registry_fixture_setup_format_1, \
                                    registry_fixture_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        FIXED(test_a_new_registry_has_one),
        FIXED(test_rotate_then_retire),
        FIXED(test_credentials_pin_the_key_in_use),
        FIXED(test_reader_changes_nothing),
        FIXED(test_null_arguments),
        FIXED(test_no_key_is_in_the_file),
        FIXED(test_retire_destroys_the_one_before),
        FIXED(test_altered_keys_are_refused),
        FIXED(test_verify_finds_older_keys),
        OLD(test_a_reader_leaves_an_older_file_as_it_is),
        OLD(test_a_writer_brings_it_to_format_2),
        OLD(test_a_restored_older_file_is_upgraded_in_use),
        OLD(test_several_writers_upgrade_once),
        OLD(test_an_altered_older_file_is_not_upgraded),
        OLD(test_verify_finds_a_key_that_nobody_made),
        OLD(test_an_older_file_has_seed_devices_only),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
