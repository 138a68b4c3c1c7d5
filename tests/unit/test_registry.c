/* SPDX-License-Identifier: Apache-2.0 */
#include "registry_fixture.h"
#include "unit.h"

#include <fcntl.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#define PASSPHRASE "correct horse battery"

static medsec_status add(medsec_registry *registry, const char *id, unsigned number)
{
    medsec_credential credential = registry_fixture_credential(id, number);
    return medsec_registry_add(registry, &credential, 0);
}

static medsec_status try_open(const registry_fixture *fixture, const char *key_file)
{
    const medsec_registry_unlock unlock = {.key_file = key_file};
    medsec_registry *registry = NULL;
    medsec_status status =
        medsec_registry_open(&registry, fixture->path, &unlock, MEDSEC_REGISTRY_READ, NULL);
    assert_int_equal(registry == NULL, status != MEDSEC_OK);
    medsec_registry_close(registry);
    return status;
}

static unsigned mode_of(const char *path)
{
    struct stat info;
    assert_int_equal(stat(path, &info), 0);
    return info.st_mode & 07777u;
}

static void test_create_makes_two_private_files(void **state)
{
    const registry_fixture *fixture = *state;
    const medsec_registry_unlock unlock = {.key_file = fixture->key_file};
    assert_int_equal(mode_of(fixture->path), 0600);
    assert_int_equal(mode_of(fixture->key_file), 0600);
    assert_int_equal(scratch_count(&fixture->files), 2);
    assert_int_equal(medsec_registry_create(fixture->path, &unlock, "tester"), MEDSEC_ERR_EXISTS);
    assert_int_equal(scratch_count(&fixture->files), 2);
}

static void test_create_takes_a_key_file_that_is_there(void **state)
{
    const registry_fixture *fixture = *state;
    const medsec_registry_unlock unlock = {.key_file = fixture->key_file};
    const char *second = scratch_path(&fixture->files, "second.db");
    assert_int_equal(medsec_registry_create(second, &unlock, "tester"), MEDSEC_OK);
    assert_int_equal(chmod(fixture->key_file, 0640), 0);
    assert_int_equal(
        medsec_registry_create(scratch_path(&fixture->files, "third.db"), &unlock, "tester"),
        MEDSEC_ERR_PERMISSION);
    assert_int_equal(scratch_count(&fixture->files), 3);
}

static void test_create_refuses_arguments(void **state)
{
    const registry_fixture *fixture = *state;
    const char *path = scratch_path(&fixture->files, "other.db");
    const medsec_registry_unlock cases[] = {
        {0},
        {.key_file = "k", .passphrase = PASSPHRASE, .passphrase_len = sizeof PASSPHRASE - 1},
        {.passphrase = "too short", .passphrase_len = 9}};
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        assert_int_equal(medsec_registry_create(path, &cases[i], "tester"), MEDSEC_ERR_ARGUMENT);
    }
    const medsec_registry_unlock good = {.key_file = fixture->key_file};
    assert_int_equal(medsec_registry_create(path, &good, NULL), MEDSEC_ERR_ARGUMENT);
    assert_int_equal(medsec_registry_create(path, &good, ""), MEDSEC_ERR_ARGUMENT);
    assert_int_equal(medsec_registry_create(path, &good, "line\nbreak"), MEDSEC_ERR_ARGUMENT);
    assert_int_equal(
        medsec_registry_create(scratch_path(&fixture->files, "no/such.db"), &good, "t"),
        MEDSEC_ERR_IO);
}

static void test_open_needs_the_key(void **state)
{
    const registry_fixture *fixture = *state;
    const char *other = scratch_path(&fixture->files, "other.key");
    const char *second = scratch_path(&fixture->files, "second.db");
    const medsec_registry_unlock unlock = {.key_file = other};
    assert_int_equal(medsec_registry_create(second, &unlock, "tester"), MEDSEC_OK);
    assert_int_equal(try_open(fixture, fixture->key_file), MEDSEC_OK);
    assert_int_equal(try_open(fixture, other), MEDSEC_ERR_CRYPTO);
    assert_int_equal(try_open(fixture, scratch_path(&fixture->files, "none")),
                     MEDSEC_ERR_NOT_FOUND);
    scratch_write(other, "medsec-registry-key/1 AAAA\n", 27, 0600);
    assert_int_equal(try_open(fixture, other), MEDSEC_ERR_SYNTAX);
    const medsec_registry_unlock phrase = {.passphrase = PASSPHRASE, .passphrase_len = 21};
    medsec_registry *registry;
    assert_int_equal(
        medsec_registry_open(&registry, fixture->path, &phrase, MEDSEC_REGISTRY_READ, NULL),
        MEDSEC_ERR_CRYPTO);
}

static void test_open_refuses_a_key_file_of_others(void **state)
{
    const registry_fixture *fixture = *state;
    static const unsigned modes[] = {0640, 0604, 0660, 0622};
    for (size_t i = 0; i < sizeof modes / sizeof modes[0]; i++) {
        assert_int_equal(chmod(fixture->key_file, modes[i]), 0);
        assert_int_equal(try_open(fixture, fixture->key_file), MEDSEC_ERR_PERMISSION);
    }
    assert_int_equal(chmod(fixture->key_file, 0400), 0);
    assert_int_equal(try_open(fixture, fixture->key_file), MEDSEC_OK);
    assert_int_equal(chmod(fixture->path, 0660), 0);
    assert_int_equal(try_open(fixture, fixture->key_file), MEDSEC_ERR_PERMISSION);
}

static void test_open_refuses_what_is_no_registry(void **state)
{
    const registry_fixture *fixture = *state;
    char noise[8192];
    registry_fixture_sql(fixture, "PRAGMA user_version=3");
    assert_int_equal(try_open(fixture, fixture->key_file), MEDSEC_ERR_CORRUPT);
    registry_fixture_sql(fixture, "PRAGMA user_version=2; PRAGMA application_id=7");
    assert_int_equal(try_open(fixture, fixture->key_file), MEDSEC_ERR_CORRUPT);
    assert_int_equal(unlink(fixture->path), 0);
    assert_int_equal(try_open(fixture, fixture->key_file), MEDSEC_ERR_NOT_FOUND);
    scratch_write(fixture->path, "", 0, 0600);
    assert_int_equal(try_open(fixture, fixture->key_file), MEDSEC_ERR_CORRUPT);
    randombytes_buf(noise, sizeof noise);
    scratch_write(fixture->path, noise, sizeof noise, 0600);
    assert_int_equal(try_open(fixture, fixture->key_file), MEDSEC_ERR_CORRUPT);
}

static void test_open_refuses_foreign_code(void **state)
{
    const registry_fixture *fixture = *state;
    registry_fixture_sql(fixture, "CREATE TRIGGER t AFTER INSERT ON device BEGIN"
                                  " DELETE FROM audit; END");
    assert_int_equal(try_open(fixture, fixture->key_file), MEDSEC_ERR_CORRUPT);
}

static void test_passphrase_unlocks(void **state)
{
    const registry_fixture *fixture = *state;
    const char *path = scratch_path(&fixture->files, "phrase.db");
    medsec_registry_unlock unlock = {.passphrase = PASSPHRASE,
                                     .passphrase_len = sizeof PASSPHRASE - 1};
    medsec_registry *registry;
    assert_int_equal(medsec_registry_create(path, &unlock, "tester"), MEDSEC_OK);
    assert_int_equal(medsec_registry_open(&registry, path, &unlock, MEDSEC_REGISTRY_WRITE, "a"),
                     MEDSEC_OK);
    assert_int_equal(add(registry, "a", 1), MEDSEC_OK);
    medsec_registry_close(registry);
    unlock.passphrase_len--;
    assert_int_equal(medsec_registry_open(&registry, path, &unlock, MEDSEC_REGISTRY_READ, NULL),
                     MEDSEC_ERR_CRYPTO);
    const medsec_registry_unlock key = {.key_file = fixture->key_file};
    assert_int_equal(medsec_registry_open(&registry, path, &key, MEDSEC_REGISTRY_READ, NULL),
                     MEDSEC_ERR_CRYPTO);
}

static void test_passphrase_limits_of_a_hostile_file(void **state)
{
    registry_fixture *fixture = *state;
    const medsec_registry_unlock unlock = {.passphrase = PASSPHRASE, .passphrase_len = 21};
    /* 16 bytes of salt, passes, bytes of memory: 2^40, 2^63, none; a billion passes; too short. */
    static const char *const records[] = {
        "00000000000000030000010000000000", "00000000000000038000000000000000",
        "00000000000000030000000000000000", "000000003b9aca000000000010000000",
        "00000000000000000000000010000000", ""};
    for (size_t i = 0; i < sizeof records / sizeof records[0]; i++) {
        char sql[256];
        medsec_registry *registry;
        snprintf(sql, sizeof sql,
                 "INSERT OR REPLACE INTO meta VALUES('passphrase',"
                 " x'00112233445566778899aabbccddeeff%s')",
                 records[i]);
        registry_fixture_sql(fixture, sql);
        assert_int_equal(
            medsec_registry_open(&registry, fixture->path, &unlock, MEDSEC_REGISTRY_READ, NULL),
            MEDSEC_ERR_CORRUPT);
    }
}

static void test_derive_key_is_of_registry_and_use(void **state)
{
    registry_fixture *fixture = *state;
    uint8_t key[32], again[32], other[32], third[32];
    void *second;
    assert_int_equal(medsec_registry_derive_key(fixture->registry, key, "spool"), MEDSEC_OK);
    assert_int_equal(medsec_registry_derive_key(fixture->registry, other, "spoon"), MEDSEC_OK);
    assert_memory_not_equal(key, other, sizeof key);
    registry_fixture_setup(&second);
    registry_fixture *elsewhere = second;
    assert_int_equal(medsec_registry_derive_key(elsewhere->registry, third, "spool"), MEDSEC_OK);
    assert_memory_not_equal(key, third, sizeof key);
    registry_fixture_teardown(&second);
    medsec_credential credential = registry_fixture_credential("a", 1);
    assert_int_equal(medsec_registry_add(fixture->registry, &credential, 0), MEDSEC_OK);
    registry_fixture_reopen(fixture);
    assert_int_equal(medsec_registry_derive_key(fixture->registry, again, "spool"), MEDSEC_OK);
    assert_memory_equal(key, again, sizeof key);
}

static void test_derive_key_refuses_arguments(void **state)
{
    const registry_fixture *fixture = *state;
    uint8_t key[32];
    const char *longest = "12345678901234567890123456789012";
    assert_int_equal(medsec_registry_derive_key(NULL, key, "u"), MEDSEC_ERR_ARGUMENT);
    assert_int_equal(medsec_registry_derive_key(fixture->registry, NULL, "u"), MEDSEC_ERR_ARGUMENT);
    assert_int_equal(medsec_registry_derive_key(fixture->registry, key, NULL), MEDSEC_ERR_ARGUMENT);
    assert_int_equal(medsec_registry_derive_key(fixture->registry, key, ""), MEDSEC_ERR_ARGUMENT);
    assert_int_equal(medsec_registry_derive_key(fixture->registry, key, longest), MEDSEC_OK);
    assert_int_equal(
        medsec_registry_derive_key(fixture->registry, key, "123456789012345678901234567890123"),
        MEDSEC_ERR_ARGUMENT);
}

static void test_add_and_get(void **state)
{
    registry_fixture *fixture = *state;
    medsec_credential credential = registry_fixture_credential("dev-1", 1);
    medsec_credential again;
    medsec_device_info info;
    assert_int_equal(medsec_registry_add(fixture->registry, &credential, 0), MEDSEC_OK);
    registry_fixture_reopen(fixture);
    assert_int_equal(medsec_registry_get(fixture->registry, "dev-1", &info), MEDSEC_OK);
    assert_string_equal(info.id, "dev-1");
    assert_string_equal(info.profile, "pico-vitals");
    assert_int_equal(info.wire, MEDSEC_WIRE_SEED);
    assert_int_equal(info.state, MEDSEC_DEVICE_ACTIVE);
    assert_int_equal(info.created_ms, info.changed_ms);
    assert_true(info.created_ms > 1700000000000u);
    assert_int_equal(medsec_registry_get_credential(fixture->registry, "dev-1", &again), MEDSEC_OK);
    assert_memory_equal(&again, &credential, sizeof again);
    assert_int_equal(medsec_registry_get(fixture->registry, "dev-2", &info), MEDSEC_ERR_NOT_FOUND);
    assert_int_equal(medsec_registry_get_credential(fixture->registry, "dev-2", &again),
                     MEDSEC_ERR_NOT_FOUND);
    assert_true(sodium_is_zero((const unsigned char *)&again, sizeof again));
}

static void test_add_keeps_ids_and_keys_unique(void **state)
{
    registry_fixture *fixture = *state;
    medsec_credential credential = registry_fixture_credential("dev-3", 1);
    assert_int_equal(add(fixture->registry, "dev-1", 1), MEDSEC_OK);
    assert_int_equal(add(fixture->registry, "dev-1", 2), MEDSEC_ERR_EXISTS);
    assert_int_equal(add(fixture->registry, "dev-2", 1), MEDSEC_ERR_EXISTS);
    memcpy(credential.iv, "another iv here!", 16);
    assert_int_equal(medsec_registry_add(fixture->registry, &credential, 0), MEDSEC_ERR_EXISTS);
    assert_string_equal(medsec_registry_error(fixture->registry), "another device has that key");
    assert_int_equal(medsec_registry_decommission(fixture->registry, "dev-1"), MEDSEC_OK);
    assert_int_equal(add(fixture->registry, "dev-1", 3), MEDSEC_ERR_EXISTS);
    assert_int_equal(add(fixture->registry, "DEV-1", 4), MEDSEC_OK);
}

static void test_add_refuses_sample_keys(void **state)
{
    registry_fixture *fixture = *state;
    medsec_credential credential = registry_fixture_credential("dev-1", 1);
    memcpy(credential.key, "1234567890123456", 16);
    assert_int_equal(medsec_registry_add(fixture->registry, &credential, 0), MEDSEC_ERR_SAMPLE_KEY);
    assert_int_equal(
        medsec_registry_add(fixture->registry, &credential, MEDSEC_ADD_ALLOW_SAMPLE_KEY),
        MEDSEC_OK);
}

static void test_add_refuses_what_is_no_credential(void **state)
{
    registry_fixture *fixture = *state;
    static const char *const ids[] = {"", ".", "..", "a/b", "a+b", "#", "a b", "caf\xc3\xa9"};
    for (size_t i = 0; i < sizeof ids / sizeof ids[0]; i++) {
        assert_int_equal(add(fixture->registry, ids[i], (unsigned)i), MEDSEC_ERR_DEVICE_ID);
    }
    medsec_credential credential = registry_fixture_credential("dev-1", 1);
    credential.iv[15] = 0x7f;
    assert_int_equal(medsec_registry_add(fixture->registry, &credential, 0), MEDSEC_ERR_ARGUMENT);
    memset(&credential, 'a', sizeof credential);
    assert_int_equal(medsec_registry_add(fixture->registry, &credential, 0), MEDSEC_ERR_DEVICE_ID);
    uint64_t rows;
    assert_int_equal(medsec_registry_verify(fixture->registry, &rows), MEDSEC_OK);
    assert_int_equal(rows, 1);
}

static void test_revoke_then_decommission(void **state)
{
    registry_fixture *fixture = *state;
    medsec_registry *registry = fixture->registry;
    medsec_credential credential;
    medsec_device_info info;
    assert_int_equal(add(registry, "dev-1", 1), MEDSEC_OK);
    assert_int_equal(medsec_registry_revoke(registry, "dev-2"), MEDSEC_ERR_NOT_FOUND);
    assert_int_equal(medsec_registry_revoke(registry, "dev-1"), MEDSEC_OK);
    assert_int_equal(medsec_registry_revoke(registry, "dev-1"), MEDSEC_ERR_REVOKED);
    assert_int_equal(medsec_registry_get(registry, "dev-1", &info), MEDSEC_OK);
    assert_int_equal(info.state, MEDSEC_DEVICE_REVOKED);
    assert_int_equal(medsec_registry_get_credential(registry, "dev-1", &credential), MEDSEC_OK);
    assert_int_equal(medsec_registry_decommission(registry, "dev-1"), MEDSEC_OK);
    assert_int_equal(medsec_registry_decommission(registry, "dev-1"), MEDSEC_ERR_REVOKED);
    assert_int_equal(medsec_registry_revoke(registry, "dev-1"), MEDSEC_ERR_REVOKED);
    assert_int_equal(medsec_registry_get(registry, "dev-1", &info), MEDSEC_OK);
    assert_int_equal(info.state, MEDSEC_DEVICE_DECOMMISSIONED);
    assert_int_equal(medsec_registry_get_credential(registry, "dev-1", &credential),
                     MEDSEC_ERR_REVOKED);
    /* The key may be used again: nothing of it is left to compare with. */
    assert_int_equal(add(registry, "dev-2", 1), MEDSEC_OK);
}

static void test_no_secret_is_in_the_file(void **state)
{
    registry_fixture *fixture = *state;
    medsec_credential credential = registry_fixture_credential("dev-1", 1);
    size_t len;
    assert_int_equal(medsec_registry_add(fixture->registry, &credential, 0), MEDSEC_OK);
    char *data = scratch_read(fixture->path, &len);
    assert_non_null(memmem(data, len, "dev-1", 5));
    assert_null(memmem(data, len, credential.key, 8));
    assert_null(memmem(data, len, credential.iv, 8));
    free(data);
}

/* The sealed secret as it lies in the file. */
static void read_sealed(const registry_fixture *fixture, uint8_t out[72])
{
    size_t len;
    char *data = scratch_read(fixture->path, &len);
    const char *row = memmem(data, len, "dev-1seedpico-vitals", 20);
    assert_non_null(row);
    memcpy(out, row + 20 + 12 + 32, 72);
    free(data);
}

static void test_decommission_destroys_the_secret(void **state)
{
    registry_fixture *fixture = *state;
    uint8_t sealed[72];
    size_t len;
    assert_int_equal(add(fixture->registry, "dev-1", 1), MEDSEC_OK);
    read_sealed(fixture, sealed);
    assert_int_equal(medsec_registry_decommission(fixture->registry, "dev-1"), MEDSEC_OK);
    char *data = scratch_read(fixture->path, &len);
    for (size_t i = 0; i + 8 <= sizeof sealed; i += 8) {
        assert_null(memmem(data, len, sealed + i, 8));
    }
    free(data);
}

enum { LIST_MAX = 128 };

static medsec_status collect(void *context, const medsec_device_info *info)
{
    char *all = context;
    size_t len = strlen(all);
    snprintf(all + len, LIST_MAX - len, "%s ", info->id);
    return strcmp(info->id, "stop") == 0 ? MEDSEC_ERR_CLOSED : MEDSEC_OK;
}

static void test_list_is_in_order_and_can_stop(void **state)
{
    registry_fixture *fixture = *state;
    char all[LIST_MAX] = "";
    assert_int_equal(add(fixture->registry, "b", 1), MEDSEC_OK);
    assert_int_equal(add(fixture->registry, "a.1", 2), MEDSEC_OK);
    assert_int_equal(add(fixture->registry, "C", 3), MEDSEC_OK);
    assert_int_equal(medsec_registry_list(fixture->registry, collect, all), MEDSEC_OK);
    assert_string_equal(all, "C a.1 b ");
    assert_int_equal(add(fixture->registry, "stop", 4), MEDSEC_OK);
    assert_int_equal(add(fixture->registry, "z", 5), MEDSEC_OK);
    all[0] = '\0';
    assert_int_equal(medsec_registry_list(fixture->registry, collect, all), MEDSEC_ERR_CLOSED);
    assert_string_equal(all, "C a.1 b stop ");
}

static void test_batch_is_all_or_none(void **state)
{
    registry_fixture *fixture = *state;
    medsec_device_info info;
    uint64_t rows;
    assert_int_equal(medsec_registry_commit(fixture->registry), MEDSEC_ERR_STATE);
    assert_int_equal(medsec_registry_begin(fixture->registry), MEDSEC_OK);
    assert_int_equal(medsec_registry_begin(fixture->registry), MEDSEC_ERR_STATE);
    assert_int_equal(add(fixture->registry, "a", 1), MEDSEC_OK);
    assert_int_equal(add(fixture->registry, "b", 2), MEDSEC_OK);
    assert_int_equal(medsec_registry_verify(fixture->registry, &rows), MEDSEC_OK);
    registry_fixture_reopen(fixture);
    assert_int_equal(medsec_registry_get(fixture->registry, "a", &info), MEDSEC_ERR_NOT_FOUND);
    assert_int_equal(medsec_registry_begin(fixture->registry), MEDSEC_OK);
    assert_int_equal(add(fixture->registry, "a", 1), MEDSEC_OK);
    assert_int_equal(add(fixture->registry, "a", 2), MEDSEC_ERR_EXISTS);
    assert_int_equal(add(fixture->registry, "b", 2), MEDSEC_OK);
    assert_int_equal(medsec_registry_commit(fixture->registry), MEDSEC_OK);
    registry_fixture_reopen(fixture);
    assert_int_equal(medsec_registry_get(fixture->registry, "a", &info), MEDSEC_OK);
    assert_int_equal(medsec_registry_get(fixture->registry, "b", &info), MEDSEC_OK);
    assert_int_equal(medsec_registry_verify(fixture->registry, &rows), MEDSEC_OK);
    assert_int_equal(rows, 3);
}

static void test_reader_changes_nothing(void **state)
{
    registry_fixture *fixture = *state;
    assert_int_equal(add(fixture->registry, "a", 1), MEDSEC_OK);
    medsec_registry *reader = registry_fixture_open(fixture, MEDSEC_REGISTRY_READ);
    uint64_t rows;
    assert_int_equal(add(reader, "b", 2), MEDSEC_ERR_STATE);
    assert_int_equal(medsec_registry_revoke(reader, "a"), MEDSEC_ERR_STATE);
    assert_int_equal(medsec_registry_note_export(reader, "a"), MEDSEC_ERR_STATE);
    assert_int_equal(medsec_registry_verify(reader, &rows), MEDSEC_OK);
    medsec_registry_close(reader);
}

static void test_changed_sees_other_connections_only(void **state)
{
    registry_fixture *fixture = *state;
    medsec_registry *reader = registry_fixture_open(fixture, MEDSEC_REGISTRY_READ);
    assert_false(medsec_registry_changed(reader));
    assert_int_equal(add(fixture->registry, "a", 1), MEDSEC_OK);
    assert_true(medsec_registry_changed(reader));
    assert_false(medsec_registry_changed(reader));
    assert_false(medsec_registry_changed(fixture->registry));
    assert_int_equal(medsec_registry_begin(fixture->registry), MEDSEC_OK);
    assert_int_equal(add(fixture->registry, "b", 2), MEDSEC_OK);
    assert_false(medsec_registry_changed(reader));
    assert_int_equal(medsec_registry_commit(fixture->registry), MEDSEC_OK);
    assert_true(medsec_registry_changed(reader));
    medsec_registry_close(reader);
}

static time_t stopped_s; /* 0: the clock goes */

/* In front of the C library's. */
#pragma GCC visibility push(default)
time_t time(time_t *out)
{
    struct timespec now = {.tv_sec = stopped_s};
    if (stopped_s == 0) {
        clock_gettime(CLOCK_REALTIME, &now);
    }
    if (out) {
        *out = now.tv_sec;
    }
    return now.tv_sec;
}
#pragma GCC visibility pop

static void set_modified(const registry_fixture *fixture, time_t modified_s)
{
    const struct timespec times[2] = {{.tv_nsec = UTIME_OMIT}, {.tv_sec = modified_s}};
    assert_int_equal(utimensat(AT_FDCWD, fixture->path, times, 0), 0);
}

/* The file's time is believed when it is long over, not within the tick of a clock. */
static void test_changed_with_the_time_of_the_file(void **state)
{
    registry_fixture *fixture = *state;
    medsec_registry *reader = registry_fixture_open(fixture, MEDSEC_REGISTRY_READ);
    const time_t recent_s = time(NULL);
    stopped_s = recent_s + 1;
    set_modified(fixture, recent_s);
    assert_false(medsec_registry_changed(reader));
    assert_int_equal(add(fixture->registry, "a", 1), MEDSEC_OK);
    set_modified(fixture, recent_s);
    assert_true(medsec_registry_changed(reader));
    set_modified(fixture, recent_s - 60);
    assert_false(medsec_registry_changed(reader));
    assert_false(medsec_registry_changed(reader));
    assert_int_equal(add(fixture->registry, "b", 2), MEDSEC_OK);
    set_modified(fixture, recent_s - 60); /* this lie alone is believed: nothing was asked */
    assert_false(medsec_registry_changed(reader));
    set_modified(fixture, recent_s - 59);
    assert_true(medsec_registry_changed(reader));
    stopped_s = 0;
    medsec_registry_close(reader);
}

static void test_changed_sees_a_replaced_file(void **state)
{
    registry_fixture *fixture = *state;
    const medsec_registry_unlock unlock = {.key_file = fixture->key_file};
    const char *other = scratch_path(&fixture->files, "other.db");
    medsec_device_info info;
    medsec_registry *made;
    assert_int_equal(medsec_registry_create(other, &unlock, "tester"), MEDSEC_OK);
    assert_int_equal(medsec_registry_open(&made, other, &unlock, MEDSEC_REGISTRY_WRITE, "t"),
                     MEDSEC_OK);
    assert_int_equal(add(made, "new", 1), MEDSEC_OK);
    medsec_registry_close(made);
    medsec_registry *reader = registry_fixture_open(fixture, MEDSEC_REGISTRY_READ);
    assert_int_equal(rename(other, fixture->path), 0);
    assert_true(medsec_registry_changed(reader));
    assert_int_equal(medsec_registry_get(reader, "new", &info), MEDSEC_OK);
    assert_true(medsec_registry_changed(reader));
    assert_false(medsec_registry_changed(reader));
    assert_int_equal(unlink(fixture->path), 0);
    assert_true(medsec_registry_changed(reader));
    assert_int_equal(medsec_registry_get(reader, "new", &info), MEDSEC_ERR_NOT_FOUND);
    assert_true(medsec_registry_changed(reader));
    medsec_registry_close(reader);
}

/* Else a gateway would go on for ever with what it knows, and without a word. */
static void test_changed_sees_a_file_that_cannot_be_read(void **state)
{
    registry_fixture *fixture = *state;
    char garbage[4096];
    medsec_device_info info;
    medsec_registry *reader = registry_fixture_open(fixture, MEDSEC_REGISTRY_READ);
    assert_false(medsec_registry_changed(reader));
    memset(garbage, 'x', sizeof garbage);
    FILE *file = fopen(fixture->path, "r+");
    assert_non_null(file);
    assert_int_equal(fwrite(garbage, 1, sizeof garbage, file), sizeof garbage);
    assert_int_equal(fclose(file), 0);
    assert_true(medsec_registry_changed(reader));
    assert_true(medsec_registry_changed(reader));
    assert_int_equal(medsec_registry_get(reader, "a", &info), MEDSEC_ERR_CORRUPT);
    medsec_registry_close(reader);
}

static void test_replaced_by_one_with_another_key(void **state)
{
    registry_fixture *fixture = *state;
    const char *other = scratch_path(&fixture->files, "other.db");
    const medsec_registry_unlock unlock = {.key_file = scratch_path(&fixture->files, "other.key")};
    medsec_device_info info;
    assert_int_equal(medsec_registry_create(other, &unlock, "tester"), MEDSEC_OK);
    assert_int_equal(rename(other, fixture->path), 0);
    assert_int_equal(medsec_registry_get(fixture->registry, "a", &info), MEDSEC_ERR_CRYPTO);
    /* With its key put in place it opens. */
    assert_int_equal(rename(unlock.key_file, fixture->key_file), 0);
    assert_int_equal(medsec_registry_get(fixture->registry, "a", &info), MEDSEC_ERR_NOT_FOUND);
    assert_int_equal(add(fixture->registry, "a", 1), MEDSEC_OK);
}

static void test_null_arguments(void **state)
{
    registry_fixture *fixture = *state;
    medsec_device_info info;
    medsec_credential credential;
    assert_int_equal(medsec_registry_get(NULL, "a", &info), MEDSEC_ERR_ARGUMENT);
    assert_int_equal(medsec_registry_get(fixture->registry, NULL, &info), MEDSEC_ERR_ARGUMENT);
    assert_int_equal(medsec_registry_get(fixture->registry, "a", NULL), MEDSEC_ERR_ARGUMENT);
    assert_int_equal(medsec_registry_get_credential(fixture->registry, NULL, &credential),
                     MEDSEC_ERR_ARGUMENT);
    assert_int_equal(medsec_registry_add(fixture->registry, NULL, 0), MEDSEC_ERR_ARGUMENT);
    assert_int_equal(medsec_registry_revoke(fixture->registry, NULL), MEDSEC_ERR_ARGUMENT);
    assert_int_equal(medsec_registry_list(fixture->registry, NULL, NULL), MEDSEC_ERR_ARGUMENT);
    assert_false(medsec_registry_changed(NULL));
    medsec_registry_close(NULL);
}

#define FIXED(name) \
    cmocka_unit_test_setup_teardown(name, registry_fixture_setup, registry_fixture_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        FIXED(test_create_makes_two_private_files),
        FIXED(test_create_takes_a_key_file_that_is_there),
        FIXED(test_create_refuses_arguments),
        FIXED(test_open_needs_the_key),
        FIXED(test_open_refuses_a_key_file_of_others),
        FIXED(test_open_refuses_what_is_no_registry),
        FIXED(test_open_refuses_foreign_code),
        FIXED(test_passphrase_unlocks),
        FIXED(test_passphrase_limits_of_a_hostile_file),
        FIXED(test_derive_key_is_of_registry_and_use),
        FIXED(test_derive_key_refuses_arguments),
        FIXED(test_add_and_get),
        FIXED(test_add_keeps_ids_and_keys_unique),
        FIXED(test_add_refuses_sample_keys),
        FIXED(test_add_refuses_what_is_no_credential),
        FIXED(test_revoke_then_decommission),
        FIXED(test_no_secret_is_in_the_file),
        FIXED(test_decommission_destroys_the_secret),
        FIXED(test_list_is_in_order_and_can_stop),
        FIXED(test_batch_is_all_or_none),
        FIXED(test_reader_changes_nothing),
        FIXED(test_changed_sees_other_connections_only),
        FIXED(test_changed_sees_a_file_that_cannot_be_read),
        FIXED(test_changed_with_the_time_of_the_file),
        FIXED(test_changed_sees_a_replaced_file),
        FIXED(test_replaced_by_one_with_another_key),
        FIXED(test_null_arguments),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
