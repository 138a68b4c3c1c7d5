/* SPDX-License-Identifier: Apache-2.0 */
#include "registry_fixture.h"
#include "steps.h"
#include "unit.h"

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* A child makes a change and dies at its n-th step on the disk, for every n until it gets
 * through. */
typedef bool work_fn(registry_fixture *fixture);

typedef struct work {
    registry_fixture *fixture;
    work_fn *function;
} work;

static bool do_work(void *context)
{
    const work *w = context;
    return w->function(w->fixture);
}

/* True when the child got through; false when it died at step `number`. */
static bool run_child(registry_fixture *fixture, work_fn *function, int number, steps_death death)
{
    work w = {fixture, function};
    const steps_outcome outcome = steps_run(do_work, &w, death, number);
    if (outcome == STEPS_FAILED) {
        fail_msg("step %d: the change failed", number);
    }
    return outcome == STEPS_FINISHED;
}

static medsec_registry *child_open(const registry_fixture *fixture)
{
    const medsec_registry_unlock unlock = {.key_file = fixture->key_file};
    medsec_registry *registry = NULL;
    medsec_status status =
        medsec_registry_open(&registry, fixture->path, &unlock, MEDSEC_REGISTRY_WRITE, "child");
    steps_go();
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
    steps_go();
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
    for (steps_death death = KILLED; death < DEATHS; death++) {
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
    steps_go();
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
    for (steps_death death = KILLED; death < DEATHS; death++) {
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
    steps_go();
    return medsec_credential_save(&credential, scratch_path(&fixture->files, "a.json")) ==
           MEDSEC_OK;
}

static void test_credential_survives_every_step(void **state)
{
    registry_fixture *fixture = *state;
    const char *path = scratch_path(&fixture->files, "a.json");
    medsec_credential expected = registry_fixture_medsec1("a", 7);
    for (steps_death death = KILLED; death < DEATHS; death++) {
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
