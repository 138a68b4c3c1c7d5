/* SPDX-License-Identifier: Apache-2.0 */
#include "registry_fixture.h"
#include "steps.h"
#include "unit.h"

#include <dirent.h>
#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* A child backs up or restores and dies at its n-th step on the disk, for every n until it gets
 * through: what is under a name is whole, and of before or after. */
#define ROWS_BEFORE 4u /* init and three devices */
#define ROWS_AFTER 5u
#define ROWS_ADDED 40u /* by a writer that dies */

typedef struct scene {
    registry_fixture *fixture;
    char copy[300]; /* one change newer than what is there */
    char out[300];
    char *before;
    size_t before_len;
} scene;

static medsec_registry_unlock unlock_of(const scene *s)
{
    return (medsec_registry_unlock){.key_file = s->fixture->key_file};
}

static int setup(void **state)
{
    void *fixture = NULL;
    scene *s = calloc(1, sizeof *s);
    registry_fixture_setup(&fixture);
    s->fixture = fixture;
    snprintf(s->copy, sizeof s->copy, "%s/copy.db", s->fixture->files.folder);
    snprintf(s->out, sizeof s->out, "%s/out.db", s->fixture->files.folder);
    for (unsigned i = 1; i <= 3; i++) {
        char id[16];
        snprintf(id, sizeof id, "old-%u", i);
        medsec_credential credential = registry_fixture_credential(id, i);
        assert_int_equal(medsec_registry_add(s->fixture->registry, &credential, 0), MEDSEC_OK);
    }
    s->before = scratch_read(s->fixture->path, &s->before_len);
    medsec_audit_end end;
    assert_int_equal(medsec_registry_revoke(s->fixture->registry, "old-1"), MEDSEC_OK);
    assert_int_equal(medsec_registry_backup(s->fixture->registry, s->copy, &end), MEDSEC_OK);
    assert_int_equal(end.rows, ROWS_AFTER);
    medsec_registry_close(s->fixture->registry);
    s->fixture->registry = NULL;
    *state = s;
    return 0;
}

static int teardown(void **state)
{
    scene *s = *state;
    void *fixture = s->fixture;
    registry_fixture_teardown(&fixture);
    free(s->before);
    free(s);
    return 0;
}

/* Rows of its log, all of it verified; 0: it is not there. */
static uint64_t rows_of(const scene *s, const char *path)
{
    const medsec_registry_unlock unlock = unlock_of(s);
    medsec_registry *registry = NULL;
    uint64_t rows = 0;
    if (access(path, F_OK) != 0) {
        return 0;
    }
    assert_int_equal(medsec_registry_open(&registry, path, &unlock, MEDSEC_REGISTRY_READ, NULL),
                     MEDSEC_OK);
    if (medsec_registry_verify(registry, &rows) != MEDSEC_OK) {
        fail_msg("%s: %s", path, medsec_registry_error(registry));
    }
    medsec_registry_close(registry);
    return rows;
}

/* Removes all names but the registry, its key and the copy; rows of what was kept, 0: nothing. */
static uint64_t clean(const scene *s)
{
    uint64_t kept = 0;
    DIR *folder = opendir(s->fixture->files.folder);
    assert_non_null(folder);
    for (struct dirent *entry; (entry = readdir(folder)) != NULL;) {
        const char *path = scratch_path(&s->fixture->files, entry->d_name);
        if (strstr(entry->d_name, ".replaced-") != NULL) {
            kept = rows_of(s, path);
        }
        if (strchr(entry->d_name, '-') != NULL || strcmp(path, s->out) == 0) {
            unlink(path);
        }
    }
    closedir(folder);
    return kept;
}

static void begin(const scene *s)
{
    (void)clean(s);
    scratch_write(s->fixture->path, s->before, s->before_len, 0600);
}

static bool restore(void *context)
{
    const scene *s = context;
    const medsec_registry_unlock unlock = unlock_of(s);
    static medsec_restored result;
    steps_go();
    return medsec_registry_restore(s->fixture->path, &unlock, s->copy, 0, &result) == MEDSEC_OK;
}

static bool back_up(void *context)
{
    const scene *s = context;
    const medsec_registry_unlock unlock = unlock_of(s);
    medsec_audit_end end;
    medsec_registry *registry = NULL;
    bool good = medsec_registry_open(&registry, s->fixture->path, &unlock, MEDSEC_REGISTRY_READ,
                                     NULL) == MEDSEC_OK;
    steps_go();
    return good && medsec_registry_backup(registry, s->out, &end) == MEDSEC_OK;
}

typedef void check_fn(const scene *s, bool finished);

static void check_restored(const scene *s, bool finished)
{
    const uint64_t rows = rows_of(s, s->fixture->path);
    const uint64_t kept = clean(s);
    assert_true(rows == ROWS_AFTER || (rows == ROWS_BEFORE && !finished));
    assert_true(kept == ROWS_BEFORE || (kept == 0 && rows == ROWS_BEFORE));
    assert_int_equal(rows_of(s, s->copy), ROWS_AFTER);
}

static void check_backup(const scene *s, bool finished)
{
    const uint64_t rows = rows_of(s, s->out);
    assert_true(rows == ROWS_BEFORE || (rows == 0 && !finished));
    assert_int_equal(rows_of(s, s->fixture->path), ROWS_BEFORE);
}

static void try_every_step(scene *s, bool (*work)(void *), check_fn *check)
{
    for (steps_death death = KILLED; death < DEATHS; death++) {
        steps_outcome outcome = STEPS_DIED;
        int number = 0;
        for (; outcome == STEPS_DIED; number++) {
            assert_true(number < 1000);
            begin(s);
            outcome = steps_run(work, s, death, number);
            if (outcome == STEPS_FAILED) {
                fail_msg("step %d failed", number);
            }
            check(s, outcome == STEPS_FINISHED);
        }
        assert_true(number > 4);
    }
}

static void test_restore_survives_every_step(void **state)
{
    try_every_step(*state, restore, check_restored);
    steps_keep_newest_name(true);
    try_every_step(*state, restore, check_restored);
    steps_keep_newest_name(false);
}

static void test_backup_survives_every_step(void **state)
{
    try_every_step(*state, back_up, check_backup);
}

/* A full disk: it fails, nothing is changed, and no half of a copy stays. */
static void test_restore_on_a_full_disk_changes_nothing(void **state)
{
    scene *s = *state;
    bool done = false;
    int number = 0;
    for (; !done; number++) {
        begin(s);
        assert_true(number < 1000);
        steps_fail(ENOSPC, number);
        done = restore(s);
        steps_fail(0, 0);
        check_restored(s, done);
    }
    assert_true(number > 4);
}

static bool add_batch(void *context)
{
    const scene *s = context;
    const medsec_registry_unlock unlock = unlock_of(s);
    medsec_registry *registry = NULL;
    bool good = medsec_registry_open(&registry, s->fixture->path, &unlock, MEDSEC_REGISTRY_WRITE,
                                     "child") == MEDSEC_OK &&
                medsec_registry_begin(registry) == MEDSEC_OK;
    steps_go();
    for (unsigned i = 0; good && i < ROWS_ADDED; i++) {
        char id[16];
        snprintf(id, sizeof id, "new-%02u", i);
        medsec_credential credential = registry_fixture_credential(id, 100 + i);
        good = medsec_registry_add(registry, &credential, 0) == MEDSEC_OK;
    }
    return good && medsec_registry_commit(registry) == MEDSEC_OK;
}

/* The journal of a writer that died is of the old file: it must not undo the new one. */
static void test_restore_after_every_step_of_a_writer(void **state)
{
    scene *s = *state;
    const medsec_registry_unlock unlock = unlock_of(s);
    static medsec_restored result;
    steps_outcome outcome = STEPS_DIED;
    bool journals = false;
    for (int number = 0; outcome == STEPS_DIED; number++) {
        char journal[320];
        begin(s);
        outcome = steps_run(add_batch, s, KILLED, number);
        snprintf(journal, sizeof journal, "%s-journal", s->fixture->path);
        journals = journals || access(journal, F_OK) == 0;
        if (medsec_registry_restore(s->fixture->path, &unlock, s->copy, MEDSEC_RESTORE_OLDER,
                                    &result) != MEDSEC_OK) {
            fail_msg("step %d: %s", number, result.why);
        }
        assert_int_equal(access(journal, F_OK), -1);
        assert_int_equal(rows_of(s, s->fixture->path), ROWS_AFTER);
        const uint64_t before = result.before.rows;
        assert_true(before == ROWS_BEFORE + ROWS_ADDED ||
                    (before == ROWS_BEFORE && outcome == STEPS_DIED));
    }
    assert_true(journals);
}

#define FIXED(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        FIXED(test_restore_survives_every_step),
        FIXED(test_backup_survives_every_step),
        FIXED(test_restore_on_a_full_disk_changes_nothing),
        FIXED(test_restore_after_every_step_of_a_writer),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
