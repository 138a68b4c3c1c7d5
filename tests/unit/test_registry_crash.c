/* SPDX-License-Identifier: Apache-2.0 */
#include "registry_fixture.h"
#include "unit.h"

#include <dlfcn.h>
#include <fcntl.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

/*
 * A child makes a change and dies at its n-th step on the disk, for every n until it gets through.
 * The steps are the system calls below, which this program puts in front of the C library's, for
 * SQLite as well as for our own files. A child dies in two ways: killed (what it wrote stays), or
 * by a power cut (what no fsync had confirmed is gone).
 */
enum death { KILLED, TORN, POWER_CUT, DEATHS };

#define UNDO_MAX 4096

static struct {
    bool armed;
    int left; /* steps until death */
    enum death death;
} fault;

/* What a power cut takes back: bytes overwritten and lengths changed since the last fsync. */
typedef struct undo {
    int fd; /* our own duplicate, as the file may be closed by then */
    ino_t inode;
    off_t at;
    size_t len; /* 0: only the length of the file changed */
    off_t file_len;
    char *bytes;
} undo;

/* What became of the child, in memory that it shares with us. */
enum outcome { DIED, FINISHED, FAILED };
static enum outcome *outcome;

static undo undos[UNDO_MAX];
static size_t undo_count;

#define REAL(name) ((__typeof__(&name))dlsym(RTLD_NEXT, #name))

static int duplicate(int fd, ino_t inode)
{
    for (size_t i = 0; i < undo_count; i++) {
        if (undos[i].fd >= 0 && undos[i].inode == inode) {
            return undos[i].fd;
        }
    }
    return dup(fd);
}

static void remember(int fd, off_t at, size_t len)
{
    struct stat info;
    if (!fault.armed || fault.death != POWER_CUT || undo_count == UNDO_MAX ||
        fstat(fd, &info) != 0 || !S_ISREG(info.st_mode)) {
        return;
    }
    undo *entry = &undos[undo_count];
    *entry = (undo){.fd = duplicate(fd, info.st_ino),
                    .inode = info.st_ino,
                    .at = at,
                    .file_len = info.st_size,
                    .bytes = malloc(len + 1)};
    undo_count++;
    ssize_t n = entry->bytes == NULL ? 0 : pread(fd, entry->bytes, len, at);
    entry->len = n > 0 ? (size_t)n : 0;
}

static void forget(int fd)
{
    struct stat info;
    bool known = undo_count > 0 && fstat(fd, &info) == 0;
    for (size_t i = 0; known && i < undo_count; i++) {
        if (undos[i].inode == info.st_ino) {
            free(undos[i].bytes);
            undos[i] = (undo){.fd = -1};
        }
    }
}

/* The kernel's way to end: nothing is flushed, nothing else runs, no checker looks for leaks. */
static void end_child(enum outcome what)
{
    *outcome = what;
    kill(getpid(), SIGKILL);
    for (;;) {
        pause();
    }
}

static void die(void)
{
    fault.armed = false;
    while (fault.death == POWER_CUT && undo_count > 0) {
        const undo *entry = &undos[--undo_count];
        if (entry->fd >= 0 && (ftruncate(entry->fd, entry->file_len) != 0 ||
                               pwrite(entry->fd, entry->bytes, entry->len, entry->at) < 0)) {
            end_child(FAILED);
        }
    }
    end_child(DIED);
}

/* True: this is the last step, and its torn half is to be made first. */
static bool step(void)
{
    if (!fault.armed || fault.left-- > 0) {
        return false;
    }
    if (fault.death != TORN) {
        die();
    }
    return true;
}

/* Visible, as SQLite's library must find them here first. */
#pragma GCC visibility push(default)

ssize_t pwrite64(int fd, const void *data, size_t len, off_t at)
{
    if (step()) {
        (void)!REAL(pwrite64)(fd, data, len / 2, at);
        die();
    }
    remember(fd, at, len);
    return REAL(pwrite64)(fd, data, len, at);
}

ssize_t write(int fd, const void *data, size_t len)
{
    if (step()) {
        (void)!REAL(write)(fd, data, len / 2);
        die();
    }
    remember(fd, lseek(fd, 0, SEEK_CUR), len);
    return REAL(write)(fd, data, len);
}

int ftruncate64(int fd, off_t len)
{
    if (step()) {
        die();
    }
    remember(fd, len, 1u << 20);
    return REAL(ftruncate64)(fd, len);
}

int fsync(int fd)
{
    if (step()) {
        die();
    }
    forget(fd);
    return REAL(fsync)(fd);
}

int fdatasync(int fd)
{
    if (step()) {
        die();
    }
    forget(fd);
    return REAL(fdatasync)(fd);
}

int link(const char *from, const char *to)
{
    if (step()) {
        die();
    }
    return REAL(link)(from, to);
}

int unlink(const char *path)
{
    if (step()) {
        die();
    }
    return REAL(unlink)(path);
}

#pragma GCC visibility pop

typedef bool work_fn(registry_fixture *fixture);

/* True when the child got through; false when it died at step `number`. */
static bool run_child(registry_fixture *fixture, work_fn *work, int number, enum death death)
{
    *outcome = FAILED;
    pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0) {
        fault.death = death;
        fault.left = number;
        end_child(work(fixture) ? FINISHED : FAILED);
    }
    int status = 0;
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_true(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
    if (*outcome == FAILED) {
        fail_msg("step %d: the change failed", number);
    }
    return *outcome == FINISHED;
}

static medsec_registry *child_open(const registry_fixture *fixture)
{
    const medsec_registry_unlock unlock = {.key_file = fixture->key_file};
    medsec_registry *registry = NULL;
    medsec_status status =
        medsec_registry_open(&registry, fixture->path, &unlock, MEDSEC_REGISTRY_WRITE, "child");
    fault.armed = true;
    return status == MEDSEC_OK ? registry : NULL;
}

static bool add_batch(registry_fixture *fixture)
{
    medsec_registry *registry = child_open(fixture);
    bool good = registry != NULL && medsec_registry_begin(registry) == MEDSEC_OK;
    for (unsigned i = 0; good && i < 40; i++) {
        char id[16];
        snprintf(id, sizeof id, "new-%02u", i);
        medsec_credential credential = registry_fixture_credential(id, 100 + i);
        good = medsec_registry_add(registry, &credential, 0) == MEDSEC_OK;
    }
    return good && medsec_registry_commit(registry) == MEDSEC_OK;
}

static bool revoke_one(registry_fixture *fixture)
{
    medsec_registry *registry = child_open(fixture);
    return registry != NULL && medsec_registry_revoke(registry, "old-1") == MEDSEC_OK;
}

static bool decommission_one(registry_fixture *fixture)
{
    medsec_registry *registry = child_open(fixture);
    return registry != NULL && medsec_registry_decommission(registry, "old-1") == MEDSEC_OK;
}

static bool add_medsec1(registry_fixture *fixture)
{
    medsec_registry *registry = child_open(fixture);
    medsec_credential credential = registry_fixture_medsec1("new-00", 100);
    return registry != NULL && medsec_registry_add(registry, &credential, 0) == MEDSEC_OK;
}

static bool rotate_one(registry_fixture *fixture)
{
    medsec_registry *registry = child_open(fixture);
    medsec_credential credential = registry_fixture_medsec1("m", 101);
    return registry != NULL && medsec_registry_rotate(registry, &credential) == MEDSEC_OK;
}

static bool promote_one(registry_fixture *fixture)
{
    medsec_registry *registry = child_open(fixture);
    return registry != NULL && medsec_registry_promote(registry, "m", 1) == MEDSEC_OK;
}

static bool rotate_gateway(registry_fixture *fixture)
{
    medsec_registry *registry = child_open(fixture);
    return registry != NULL && medsec_registry_gateway_rotate(registry) == MEDSEC_OK;
}

static bool retire_gateway(registry_fixture *fixture)
{
    medsec_registry *registry = child_open(fixture);
    return registry != NULL && medsec_registry_gateway_retire(registry) == MEDSEC_OK;
}

static bool upgrade(registry_fixture *fixture)
{
    fault.armed = true;
    return child_open(fixture) != NULL;
}

static bool import_two(registry_fixture *fixture)
{
    static const char text[] =
        "{\"id\":\"new-00\",\"key\":\"q0Zr8-Kx_3uPw7Lm\",\"iv\":\"AAAAAAAAAAAAAAAA\"}\nbad\n"
        "{\"id\":\"new-01\",\"key\":\"q1Zr8-Kx_3uPw7Lm\",\"iv\":\"AAAAAAAAAAAAAAAA\"}\n";
    medsec_import_result result;
    medsec_registry *registry = child_open(fixture);
    return registry != NULL && medsec_registry_import(registry, text, sizeof text - 1, 0, NULL,
                                                      NULL, &result) == MEDSEC_OK;
}

/* What a look at the registry gives. */
typedef struct look {
    unsigned states[3]; /* devices by state */
    unsigned gateway_keys;
    unsigned generations; /* sum of those in use, and of twice the pending ones */
} look;

static medsec_status count_one(void *context, const medsec_device_info *info)
{
    look *seen = context;
    seen->states[info->state]++;
    seen->generations += info->generation + 2 * info->pending_generation;
    return MEDSEC_OK;
}

typedef struct expectation {
    work_fn *work;
    look before;
    look after;
    uint64_t rows_before;
    uint64_t rows_after;
} expectation;

/* Intact, and all or nothing of the change. */
static void check_registry(registry_fixture *fixture, const expectation *expected, int number,
                           bool finished)
{
    look seen = {0};
    uint64_t rows = 0;
    size_t gateway_keys = 0;
    uint8_t keys[2][MEDSEC_X25519_LEN];
    medsec_registry *registry = registry_fixture_open(fixture, MEDSEC_REGISTRY_READ);
    if (medsec_registry_verify(registry, &rows) != MEDSEC_OK) {
        fail_msg("step %d: %s", number, medsec_registry_error(registry));
    }
    assert_int_equal(medsec_registry_list(registry, count_one, &seen), MEDSEC_OK);
    if (medsec_registry_gateway_public(registry, keys, &gateway_keys) == MEDSEC_OK) {
        seen.gateway_keys = (unsigned)gateway_keys;
    }
    bool kept = rows == expected->rows_after;
    if (!kept) {
        assert_int_equal(rows, expected->rows_before);
    }
    assert_true(kept || !finished);
    assert_memory_equal(&seen, kept ? &expected->after : &expected->before, sizeof seen);
    medsec_registry_close(registry);
}

static void try_every_step(registry_fixture *fixture, const expectation *expected)
{
    size_t len;
    medsec_registry_close(fixture->registry);
    fixture->registry = NULL;
    char *good = scratch_read(fixture->path, &len);
    char journal[300];
    snprintf(journal, sizeof journal, "%s-journal", fixture->path);
    for (enum death death = KILLED; death < DEATHS; death++) {
        bool finished = false;
        int number = 0;
        for (; !finished; number++) {
            assert_true(number < 1000);
            scratch_write(fixture->path, good, len, 0600);
            unlink(journal);
            finished = run_child(fixture, expected->work, number, death);
            check_registry(fixture, expected, number, finished);
        }
        assert_true(number > 5);
    }
    free(good);
}

static int setup(void **state)
{
    registry_fixture_setup(state);
    const registry_fixture *fixture = *state;
    for (unsigned i = 1; i <= 3; i++) {
        char id[16];
        snprintf(id, sizeof id, "old-%u", i);
        medsec_credential credential = registry_fixture_credential(id, i);
        assert_int_equal(medsec_registry_add(fixture->registry, &credential, 0), MEDSEC_OK);
    }
    return 0;
}

static void test_batch_survives_every_step(void **state)
{
    try_every_step(*state, &(expectation){add_batch, {{3, 0, 0}, 1, 0}, {{43, 0, 0}, 1, 0}, 4, 44});
}

static void test_revoke_survives_every_step(void **state)
{
    try_every_step(*state, &(expectation){revoke_one, {{3, 0, 0}, 1, 0}, {{2, 1, 0}, 1, 0}, 4, 5});
}

static void test_decommission_survives_every_step(void **state)
{
    try_every_step(*state,
                   &(expectation){decommission_one, {{3, 0, 0}, 1, 0}, {{2, 0, 1}, 1, 0}, 4, 5});
}

static void test_import_survives_every_step(void **state)
{
    try_every_step(*state, &(expectation){import_two, {{3, 0, 0}, 1, 0}, {{5, 0, 0}, 1, 0}, 4, 6});
}

static void test_add_of_medsec1_survives_every_step(void **state)
{
    try_every_step(*state, &(expectation){add_medsec1, {{3, 0, 0}, 1, 0}, {{4, 0, 0}, 1, 0}, 4, 5});
}

static void add_m(const registry_fixture *fixture)
{
    medsec_credential credential = registry_fixture_medsec1("m", 7);
    assert_int_equal(medsec_registry_add(fixture->registry, &credential, 0), MEDSEC_OK);
}

static void test_rotate_survives_every_step(void **state)
{
    add_m(*state);
    try_every_step(*state, &(expectation){rotate_one, {{4, 0, 0}, 1, 0}, {{4, 0, 0}, 1, 2}, 5, 6});
}

static void test_promote_survives_every_step(void **state)
{
    const registry_fixture *fixture = *state;
    medsec_credential next = registry_fixture_medsec1("m", 8);
    add_m(fixture);
    assert_int_equal(medsec_registry_rotate(fixture->registry, &next), MEDSEC_OK);
    try_every_step(*state, &(expectation){promote_one, {{4, 0, 0}, 1, 2}, {{4, 0, 0}, 1, 1}, 6, 7});
}

static void test_gateway_rotate_survives_every_step(void **state)
{
    try_every_step(*state,
                   &(expectation){rotate_gateway, {{3, 0, 0}, 1, 0}, {{3, 0, 0}, 2, 0}, 4, 5});
}

static void test_gateway_retire_survives_every_step(void **state)
{
    const registry_fixture *fixture = *state;
    assert_int_equal(medsec_registry_gateway_rotate(fixture->registry), MEDSEC_OK);
    try_every_step(*state,
                   &(expectation){retire_gateway, {{3, 0, 0}, 2, 0}, {{3, 0, 0}, 1, 0}, 5, 6});
}

static void test_upgrade_survives_every_step(void **state)
{
    try_every_step(*state, &(expectation){upgrade, {{1, 1, 1}, 0, 0}, {{1, 1, 1}, 1, 0}, 6, 7});
}

static bool create_new(registry_fixture *fixture)
{
    const medsec_registry_unlock unlock = {.key_file = fixture->key_file};
    fault.armed = true;
    return medsec_registry_create(fixture->path, &unlock, "child") == MEDSEC_OK;
}

static bool is_there(const char *path)
{
    return access(path, F_OK) == 0;
}

/* Nothing half-made under a final name; and it can be begun again. */
static void test_create_survives_every_step(void **state)
{
    registry_fixture *fixture = *state;
    for (enum death death = KILLED; death < DEATHS; death++) {
        bool finished = false;
        for (int number = 0; !finished; number++) {
            uint64_t rows;
            assert_true(number < 1000);
            unlink(fixture->path);
            unlink(fixture->key_file);
            finished = run_child(fixture, create_new, number, death);
            assert_true(is_there(fixture->key_file) || !is_there(fixture->path));
            if (!is_there(fixture->path)) {
                const medsec_registry_unlock unlock = {.key_file = fixture->key_file};
                assert_int_equal(medsec_registry_create(fixture->path, &unlock, "t"), MEDSEC_OK);
            }
            medsec_registry *registry = registry_fixture_open(fixture, MEDSEC_REGISTRY_WRITE);
            assert_int_equal(medsec_registry_verify(registry, &rows), MEDSEC_OK);
            medsec_registry_close(registry);
        }
    }
}

static bool save_credential(registry_fixture *fixture)
{
    medsec_credential credential = registry_fixture_medsec1("a", 7);
    fault.armed = true;
    return medsec_credential_save(&credential, scratch_path(&fixture->files, "a.json")) ==
           MEDSEC_OK;
}

static void test_credential_survives_every_step(void **state)
{
    registry_fixture *fixture = *state;
    const char *path = scratch_path(&fixture->files, "a.json");
    medsec_credential expected = registry_fixture_medsec1("a", 7);
    for (enum death death = KILLED; death < DEATHS; death++) {
        bool finished = false;
        int number = 0;
        for (; !finished; number++) {
            medsec_credential credential;
            assert_true(number < 100);
            unlink(path);
            finished = run_child(fixture, save_credential, number, death);
            assert_true(!finished || is_there(path));
            if (is_there(path)) {
                assert_int_equal(medsec_credential_load(&credential, path), MEDSEC_OK);
                assert_memory_equal(&credential, &expected, sizeof credential);
            }
        }
        assert_true(number > 4);
    }
}

#define FIXED(name) cmocka_unit_test_setup_teardown(name, setup, registry_fixture_teardown)

int main(void)
{
    outcome =
        mmap(NULL, sizeof *outcome, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    if (outcome == MAP_FAILED) {
        return 1;
    }
    const struct CMUnitTest tests[] = {
        FIXED(test_batch_survives_every_step),
        FIXED(test_revoke_survives_every_step),
        FIXED(test_decommission_survives_every_step),
        FIXED(test_import_survives_every_step),
        FIXED(test_add_of_medsec1_survives_every_step),
        FIXED(test_rotate_survives_every_step),
        FIXED(test_promote_survives_every_step),
        FIXED(test_gateway_rotate_survives_every_step),
        FIXED(test_gateway_retire_survives_every_step),
        cmocka_unit_test_setup_teardown(test_upgrade_survives_every_step,
                                        registry_fixture_setup_format_1, registry_fixture_teardown),
        FIXED(test_create_survives_every_step),
        FIXED(test_credential_survives_every_step),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
