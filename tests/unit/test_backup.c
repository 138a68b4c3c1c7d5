/* SPDX-License-Identifier: Apache-2.0 */
#include "registry_fixture.h"
#include "unit.h"

#include <dirent.h>
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

static medsec_restored result;
static registry_fixture *fixture;

static medsec_registry_unlock unlock(void)
{
    return (medsec_registry_unlock){.key_file = fixture->key_file};
}

static void add(const char *id, unsigned number)
{
    medsec_credential credential = registry_fixture_medsec1(id, number);
    assert_int_equal(medsec_registry_add(fixture->registry, &credential, 0), MEDSEC_OK);
}

static int setup(void **state)
{
    registry_fixture_setup(state);
    fixture = *state;
    add("a", 1);
    add("b", 2);
    return 0;
}

static const char *path_of(const char *name)
{
    return scratch_path(&fixture->files, name);
}

static medsec_audit_end backup(const char *name)
{
    medsec_audit_end end = {0};
    assert_int_equal(medsec_registry_backup(fixture->registry, path_of(name), &end), MEDSEC_OK);
    return end;
}

static medsec_status restore(const char *name, unsigned flags)
{
    const medsec_registry_unlock by = unlock();
    return medsec_registry_restore(fixture->path, &by, path_of(name), flags, &result);
}

static medsec_device_state state_of(const char *id)
{
    medsec_device_info info;
    assert_int_equal(medsec_registry_get(fixture->registry, id, &info), MEDSEC_OK);
    return info.state;
}

static uint64_t rows(void)
{
    uint64_t count = 0;
    assert_int_equal(medsec_registry_verify(fixture->registry, &count), MEDSEC_OK);
    return count;
}

static void expect_refused(const char *name, medsec_status status, const char *word)
{
    size_t len, len_after;
    char *before = scratch_read(fixture->path, &len);
    const size_t names = scratch_count(&fixture->files);
    assert_int_equal(restore(name, 0), status);
    assert_non_null(strstr(result.why, word));
    assert_string_equal(result.kept, "");
    char *after = scratch_read(fixture->path, &len_after);
    assert_int_equal(len, len_after);
    assert_memory_equal(before, after, len);
    assert_int_equal(scratch_count(&fixture->files), names);
    free(before);
    free(after);
}

static medsec_status keep_last(void *context, const medsec_audit_row *row)
{
    snprintf(context, MEDSEC_AUDIT_HASH_LEN + 1, "%s", row->hash);
    return MEDSEC_OK;
}

static void test_backup_is_the_whole_and_private(void **state)
{
    (void)state;
    char hash[MEDSEC_AUDIT_HASH_LEN + 1];
    struct stat info;
    medsec_registry *copy = NULL;
    const medsec_registry_unlock by = unlock();
    const medsec_audit_end end = backup("copy.db");
    assert_int_equal(medsec_registry_audit(fixture->registry, keep_last, hash), MEDSEC_OK);
    assert_int_equal(end.rows, 3);
    assert_string_equal(end.hash, hash);
    assert_int_equal(stat(path_of("copy.db"), &info), 0);
    assert_int_equal(info.st_mode & 0777, 0600);
    assert_int_equal(
        medsec_registry_open(&copy, path_of("copy.db"), &by, MEDSEC_REGISTRY_WRITE, "t"),
        MEDSEC_OK);
    medsec_credential credential;
    assert_int_equal(medsec_registry_get_credential(copy, "b", &credential), MEDSEC_OK);
    assert_memory_equal(credential.psk, registry_fixture_medsec1("b", 2).psk, MEDSEC_PSK_LEN);
    medsec_registry_close(copy);
    assert_int_equal(scratch_count(&fixture->files), 3);
}

static void test_backup_refuses(void **state)
{
    (void)state;
    medsec_audit_end end = backup("copy.db");
    size_t len;
    char *before = scratch_read(path_of("copy.db"), &len);
    assert_int_equal(medsec_registry_backup(fixture->registry, path_of("copy.db"), &end),
                     MEDSEC_ERR_EXISTS);
    assert_int_equal(medsec_registry_backup(fixture->registry, path_of("none/copy.db"), &end),
                     MEDSEC_ERR_IO);
    assert_int_equal(medsec_registry_backup(NULL, path_of("new.db"), &end), MEDSEC_ERR_ARGUMENT);
    assert_int_equal(medsec_registry_backup(fixture->registry, NULL, &end), MEDSEC_ERR_ARGUMENT);
    assert_int_equal(medsec_registry_backup(fixture->registry, path_of("new.db"), NULL),
                     MEDSEC_ERR_ARGUMENT);
    assert_int_equal(medsec_registry_begin(fixture->registry), MEDSEC_OK);
    assert_int_equal(medsec_registry_backup(fixture->registry, path_of("new.db"), &end),
                     MEDSEC_ERR_STATE);
    assert_int_equal(medsec_registry_commit(fixture->registry), MEDSEC_OK);
    registry_fixture_sql(fixture, "UPDATE device SET state=0, changed=changed+1 WHERE id='a'");
    assert_int_equal(medsec_registry_backup(fixture->registry, path_of("new.db"), &end),
                     MEDSEC_ERR_CORRUPT);
    assert_non_null(strstr(medsec_registry_error(fixture->registry), "device a"));
    assert_int_equal(scratch_count(&fixture->files), 3);
    size_t len_after;
    char *after = scratch_read(path_of("copy.db"), &len_after);
    assert_int_equal(len, len_after);
    assert_memory_equal(before, after, len);
    free(before);
    free(after);
}

static void test_restore_of_a_newer_copy(void **state)
{
    (void)state;
    struct stat info;
    (void)backup("old.db");
    assert_int_equal(medsec_registry_revoke(fixture->registry, "a"), MEDSEC_OK);
    const medsec_audit_end end = backup("new.db");
    assert_int_equal(restore("old.db", MEDSEC_RESTORE_OLDER), MEDSEC_OK);
    assert_int_equal(state_of("a"), MEDSEC_DEVICE_ACTIVE);
    assert_int_equal(chmod(fixture->path, 0640), 0);
    const bool root = geteuid() == 0;
    assert_true(!root || chown(fixture->path, 1, 2) == 0);
    assert_int_equal(restore("new.db", 0), MEDSEC_OK);
    assert_true(medsec_registry_changed(fixture->registry));
    assert_int_equal(state_of("a"), MEDSEC_DEVICE_REVOKED);
    assert_int_equal(rows(), 4);
    assert_int_equal(result.now.rows, 4);
    assert_string_equal(result.now.hash, end.hash);
    assert_int_equal(result.before.rows, 3);
    assert_int_equal(stat(fixture->path, &info), 0);
    assert_int_equal(info.st_mode & 0777, 0640);
    assert_true(!root || (info.st_uid == 1 && info.st_gid == 2));
    size_t len, kept_len;
    char *old = scratch_read(path_of("old.db"), &len);
    char *kept = scratch_read(result.kept, &kept_len);
    assert_int_equal(len, kept_len);
    assert_memory_equal(old, kept, len);
    free(old);
    free(kept);
    add("c", 3); /* work goes on */
    assert_int_equal(rows(), 5);
    assert_int_equal(restore("new.db", 0), MEDSEC_ERR_STATE);
}

static void test_restore_never_goes_back_by_itself(void **state)
{
    (void)state;
    (void)backup("old.db");
    add("c", 3);
    expect_refused("old.db", MEDSEC_ERR_STATE, "the log here has 4 rows");
    (void)backup("c.db");
    assert_int_equal(restore("old.db", MEDSEC_RESTORE_OLDER), MEDSEC_OK);
    assert_int_equal(result.before.rows, 4);
    expect_refused("nothing.db", MEDSEC_ERR_NOT_FOUND, "No such file");
    add("d", 4); /* another history, of the same length */
    expect_refused("c.db", MEDSEC_ERR_STATE, "are not the first of the copy's 4");
    add("e", 5);
    expect_refused("c.db", MEDSEC_ERR_STATE, "the log here has 5 rows");
    assert_int_equal(restore("old.db", 0), MEDSEC_ERR_STATE);
}

static void test_restore_where_nothing_is(void **state)
{
    (void)state;
    struct stat info;
    (void)backup("copy.db");
    assert_int_equal(unlink(fixture->path), 0);
    scratch_write(path_of("medsec.db-journal"), "junk", 4, 0600);
    assert_int_equal(restore("copy.db", 0), MEDSEC_ERR_STATE);
    assert_non_null(strstr(result.why, "a journal is left"));
    assert_int_equal(access(fixture->path, F_OK), -1);
    assert_int_equal(unlink(path_of("medsec.db-journal")), 0);
    assert_int_equal(restore("copy.db", 0), MEDSEC_OK);
    assert_string_equal(result.kept, "");
    assert_int_equal(result.before.rows, 0);
    assert_int_equal(stat(fixture->path, &info), 0);
    assert_int_equal(info.st_mode & 0777, 0600);
    assert_int_equal(rows(), 3);
}

static void test_restore_over_what_cannot_be_read(void **state)
{
    (void)state;
    (void)backup("copy.db");
    medsec_registry_close(fixture->registry);
    fixture->registry = NULL;
    scratch_write(fixture->path, "junk", 4, 0600);
    expect_refused("copy.db", MEDSEC_ERR_STATE, "cannot be read");
    assert_int_equal(restore("copy.db", MEDSEC_RESTORE_OLDER), MEDSEC_OK);
    size_t len;
    char *kept = scratch_read(result.kept, &len);
    assert_int_equal(len, 4);
    free(kept);
    fixture->registry = registry_fixture_open(fixture, MEDSEC_REGISTRY_WRITE);
    assert_int_equal(rows(), 3);
    registry_fixture_sql(fixture, "UPDATE meta SET value=zeroblob(72) WHERE name='head'");
    expect_refused("copy.db", MEDSEC_ERR_STATE, "cannot be read");
}

static void test_restore_refuses_other_files(void **state)
{
    (void)state;
    char other_key[300];
    snprintf(other_key, sizeof other_key, "%s", path_of("other.key"));
    const medsec_registry_unlock other = {.key_file = other_key};
    (void)backup("copy.db");
    scratch_write(path_of("junk"), "junk", 4, 0600);
    expect_refused("junk", MEDSEC_ERR_CORRUPT, "damaged, or no registry");
    expect_refused("medsec.db", MEDSEC_ERR_ARGUMENT, "the registry itself");
    assert_int_equal(chmod(path_of("copy.db"), 0666), 0);
    expect_refused("copy.db", MEDSEC_ERR_PERMISSION, "chmod go-rwx");
    assert_int_equal(medsec_registry_create(path_of("other.db"), &other, "t"), MEDSEC_OK);
    expect_refused("other.db", MEDSEC_ERR_CRYPTO, "another registry's");
    assert_int_equal(
        medsec_registry_restore(path_of("other.db"), &other, path_of("medsec.db"), 0, &result),
        MEDSEC_ERR_CRYPTO);
    const medsec_registry_unlock by = unlock();
    assert_int_equal(
        medsec_registry_restore(path_of("other.db"), &by, path_of("medsec.db"), 0, &result),
        MEDSEC_ERR_STATE);
    assert_non_null(strstr(result.why, "not that of this registry"));
    char longest[8000];
    memset(longest, 'a', sizeof longest - 1);
    longest[sizeof longest - 1] = '\0';
    assert_int_equal(medsec_registry_restore(longest, &by, "x", 0, &result), MEDSEC_ERR_ARGUMENT);
    assert_int_equal(medsec_registry_restore(NULL, &by, "x", 0, &result), MEDSEC_ERR_ARGUMENT);
    assert_int_equal(medsec_registry_restore("x", NULL, "x", 0, &result), MEDSEC_ERR_ARGUMENT);
    assert_int_equal(medsec_registry_restore("x", &by, NULL, 0, &result), MEDSEC_ERR_ARGUMENT);
    assert_int_equal(medsec_registry_restore("x", &by, "x", 0, NULL), MEDSEC_ERR_ARGUMENT);
}

/* Every 131st byte turned: found, or of no meaning. */
static void test_restore_of_a_damaged_copy(void **state)
{
    (void)state;
    size_t len;
    unsigned refused = 0;
    assert_int_equal(medsec_registry_revoke(fixture->registry, "a"), MEDSEC_OK);
    (void)backup("copy.db");
    char *good = scratch_read(path_of("copy.db"), &len);
    for (size_t at = 0; at < len; at += 131) {
        good[at] ^= 0x10;
        scratch_write(path_of("bad.db"), good, len, 0600);
        good[at] ^= 0x10;
        if (restore("bad.db", 0) != MEDSEC_OK) {
            assert_string_not_equal(result.why, "");
            refused++;
        }
        assert_int_equal(state_of("a"), MEDSEC_DEVICE_REVOKED);
        assert_int_equal(rows(), 4);
        if (result.kept[0] != '\0') {
            unlink(result.kept);
        }
    }
    assert_in_range(refused, 5, 180);
    for (size_t cut = 1; cut < len; cut += 4096 - 7) {
        scratch_write(path_of("bad.db"), good, len - cut, 0600);
        expect_refused("bad.db", MEDSEC_ERR_CORRUPT, "damaged");
    }
    free(good);
}

/* SQLite sleeps here while somebody else writes; a test may do in that time what it likes. */
static void (*while_waiting)(void);

static void wait_once(void)
{
    void (*then)(void) = while_waiting;
    while_waiting = NULL;
    if (then != NULL) {
        then();
    }
}

#pragma GCC visibility push(default)
int usleep(useconds_t us)
{
    (void)us;
    wait_once();
    return 0;
}

int nanosleep(const struct timespec *time, struct timespec *rest)
{
    (void)time;
    (void)rest;
    wait_once();
    return 0;
}
#pragma GCC visibility pop

static sqlite3 *holder;

static void put_copy_there(void)
{
    assert_int_equal(rename(path_of("copy.db"), fixture->path), 0);
    sqlite3_close(holder);
    holder = NULL;
}

/* Who waited for the lock of a file that is no longer there must not write into that. */
static void test_a_change_that_waited_is_made_in_the_new_file(void **state)
{
    (void)state;
    (void)backup("copy.db");
    assert_int_equal(sqlite3_open(fixture->path, &holder), SQLITE_OK);
    assert_int_equal(sqlite3_exec(holder, "BEGIN IMMEDIATE", NULL, NULL, NULL), SQLITE_OK);
    while_waiting = put_copy_there;
    assert_int_equal(medsec_registry_revoke(fixture->registry, "a"), MEDSEC_OK);
    assert_null(holder);
    registry_fixture_reopen(fixture);
    assert_int_equal(state_of("a"), MEDSEC_DEVICE_REVOKED);
    assert_int_equal(rows(), 4);
}

static void let_go(void)
{
    sqlite3_close(holder);
    holder = NULL;
}

static medsec_registry *writer;

static void change_and_let_go(void)
{
    assert_int_equal(sqlite3_exec(holder, "ROLLBACK", NULL, NULL, NULL), SQLITE_OK);
    assert_int_equal(medsec_registry_revoke(writer, "a"), MEDSEC_OK);
    let_go();
}

/* A change that is made after the copy was looked at, and before it is put there, is not lost. */
static void test_restore_waits_for_a_change_and_sees_it(void **state)
{
    (void)state;
    (void)backup("copy.db");
    writer = fixture->registry;
    assert_int_equal(sqlite3_open(fixture->path, &holder), SQLITE_OK);
    assert_int_equal(sqlite3_exec(holder, "BEGIN IMMEDIATE", NULL, NULL, NULL), SQLITE_OK);
    while_waiting = change_and_let_go;
    assert_int_equal(restore("copy.db", 0), MEDSEC_ERR_STATE);
    assert_int_equal(state_of("a"), MEDSEC_DEVICE_REVOKED);
    assert_int_equal(sqlite3_open(fixture->path, &holder), SQLITE_OK);
    assert_int_equal(sqlite3_exec(holder, "BEGIN IMMEDIATE", NULL, NULL, NULL), SQLITE_OK);
    while_waiting = put_copy_there;
    assert_int_equal(backup("new.db").rows, 4);
    assert_int_equal(restore("new.db", 0), MEDSEC_ERR_BUSY);
    assert_non_null(strstr(result.why, "try again"));
    assert_int_equal(restore("new.db", 0), MEDSEC_OK);
    assert_int_equal(rows(), 4);
}

static void test_backup_waits_for_a_commit(void **state)
{
    (void)state;
    assert_int_equal(sqlite3_open(fixture->path, &holder), SQLITE_OK);
    assert_int_equal(sqlite3_exec(holder, "BEGIN EXCLUSIVE", NULL, NULL, NULL), SQLITE_OK);
    while_waiting = let_go;
    assert_int_equal(backup("copy.db").rows, 3);
    assert_null(holder);
}

static void add_view_and_let_go(void)
{
    assert_int_equal(sqlite3_exec(holder, "CREATE VIEW v AS SELECT 1; COMMIT", NULL, NULL, NULL),
                     SQLITE_OK);
    let_go();
}

/* What is looked at is the copy, not what was there before. */
static void test_backup_of_what_was_altered_meanwhile(void **state)
{
    (void)state;
    medsec_audit_end end;
    assert_int_equal(sqlite3_open(fixture->path, &holder), SQLITE_OK);
    assert_int_equal(sqlite3_exec(holder, "BEGIN EXCLUSIVE", NULL, NULL, NULL), SQLITE_OK);
    while_waiting = add_view_and_let_go;
    assert_int_equal(medsec_registry_backup(fixture->registry, path_of("copy.db"), &end),
                     MEDSEC_ERR_CORRUPT);
    assert_null(holder);
    assert_int_equal(access(path_of("copy.db"), F_OK), -1);
}

static const char victim_text[] = "mine";

static void make_victim(const char *name)
{
    scratch_write(path_of(name), victim_text, 4, 0600);
}

static void expect_victim(const char *name)
{
    struct stat info;
    size_t len;
    char *text = scratch_read(path_of(name), &len);
    assert_int_equal(len, 4);
    assert_memory_equal(text, victim_text, 4);
    free(text);
    assert_int_equal(stat(path_of(name), &info), 0);
    assert_int_equal(info.st_mode & 0777, 0600);
    assert_int_equal(info.st_uid, geteuid());
}

/* Puts a link in the place of what restore has written beside the registry, and lets it go on. */
static void swap_and_let_go(void)
{
    const char *written = NULL;
    DIR *folder = opendir(fixture->files.folder);
    assert_non_null(folder);
    for (struct dirent *entry; (entry = readdir(folder)) != NULL;) {
        if (strstr(entry->d_name, ".new-") != NULL) {
            written = path_of(entry->d_name);
        }
    }
    closedir(folder);
    assert_non_null(written);
    assert_int_equal(unlink(written), 0);
    assert_int_equal(symlink(path_of("victim"), written), 0);
    let_go();
}

/* The gateway's user may write the registry's folder; restore may be root's. */
static void test_restore_in_a_folder_of_somebody_else(void **state)
{
    (void)state;
    (void)backup("copy.db");
    make_victim("victim");
    assert_int_equal(chmod(fixture->path, 0644), 0);
    assert_true(geteuid() != 0 || chown(fixture->path, 1, 2) == 0);
    assert_int_equal(sqlite3_open(fixture->path, &holder), SQLITE_OK);
    assert_int_equal(sqlite3_exec(holder, "BEGIN IMMEDIATE", NULL, NULL, NULL), SQLITE_OK);
    while_waiting = swap_and_let_go;
    assert_int_equal(restore("copy.db", 0), MEDSEC_ERR_IO);
    assert_non_null(strstr(result.why, "took away"));
    assert_null(holder);
    expect_victim("victim");
    assert_int_equal(rows(), 3);
    assert_int_equal(rename(fixture->path, path_of("elsewhere.db")), 0);
    assert_int_equal(symlink(path_of("elsewhere.db"), fixture->path), 0);
    assert_int_equal(restore("copy.db", 0), MEDSEC_ERR_ARGUMENT);
    assert_non_null(strstr(result.why, "no regular file"));
}

static void put_u32(FILE *file, uint32_t number)
{
    for (int shift = 24; shift >= 0; shift -= 8) {
        assert_int_not_equal(fputc((int)(number >> shift & 0xff), file), EOF);
    }
}

/* An empty journal with the name of a super-journal at its end (sqlite.org/fileformat2.html). */
static void forge_journal(const char *super)
{
    static const uint8_t magic[8] = {0xd9, 0xd5, 0x05, 0xf9, 0x20, 0xa1, 0x63, 0xd7};
    uint32_t sum = 0;
    size_t len;
    free(scratch_read(fixture->path, &len));
    FILE *file = fopen(path_of("medsec.db-journal"), "wb");
    assert_non_null(file);
    fwrite(magic, 1, sizeof magic, file);
    put_u32(file, 0);
    put_u32(file, 1);
    put_u32(file, (uint32_t)(len / 4096));
    put_u32(file, 512);
    put_u32(file, 4096);
    for (int i = 28; i < 512; i++) {
        fputc(0, file);
    }
    put_u32(file, 0x40000000u / 4096 + 1);
    fputs(super, file);
    for (const char *at = super; *at != '\0'; at++) {
        sum += (uint8_t)*at;
    }
    put_u32(file, (uint32_t)strlen(super));
    put_u32(file, sum);
    fwrite(magic, 1, sizeof magic, file);
    assert_int_equal(fclose(file), 0);
}

/* The first who opens may be told of a failure; the journal is gone then. */
static void test_a_forged_journal_deletes_nothing(void **state)
{
    (void)state;
    const medsec_registry_unlock by = unlock();
    (void)backup("copy.db");
    make_victim("victim");
    medsec_registry_close(fixture->registry);
    fixture->registry = NULL;
    for (medsec_registry_mode mode = MEDSEC_REGISTRY_READ; mode <= MEDSEC_REGISTRY_WRITE; mode++) {
        medsec_registry *registry = NULL;
        forge_journal(path_of("victim"));
        medsec_status status =
            medsec_registry_open(&registry, fixture->path, &by, mode, "somebody");
        assert_true(status == MEDSEC_OK || status == MEDSEC_ERR_IO);
        medsec_registry_close(registry);
        assert_int_equal(access(path_of("medsec.db-journal"), F_OK), -1);
        expect_victim("victim");
    }
    forge_journal(path_of("victim"));
    (void)restore("copy.db", 0);
    expect_victim("victim");
    assert_int_equal(restore("copy.db", 0), MEDSEC_OK);
    fixture->registry = registry_fixture_open(fixture, MEDSEC_REGISTRY_WRITE);
    assert_int_equal(rows(), 3);
}

#define FIXED(name) cmocka_unit_test_setup_teardown(name, setup, registry_fixture_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        FIXED(test_backup_is_the_whole_and_private),
        FIXED(test_backup_refuses),
        FIXED(test_restore_of_a_newer_copy),
        FIXED(test_restore_never_goes_back_by_itself),
        FIXED(test_restore_where_nothing_is),
        FIXED(test_restore_over_what_cannot_be_read),
        FIXED(test_restore_refuses_other_files),
        FIXED(test_restore_of_a_damaged_copy),
        FIXED(test_a_change_that_waited_is_made_in_the_new_file),
        FIXED(test_restore_waits_for_a_change_and_sees_it),
        FIXED(test_backup_waits_for_a_commit),
        FIXED(test_backup_of_what_was_altered_meanwhile),
        FIXED(test_restore_in_a_folder_of_somebody_else),
        FIXED(test_a_forged_journal_deletes_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
