/* SPDX-License-Identifier: Apache-2.0 */
#include "spool_fixture.h"
#include "steps.h"
#include "unit.h"

#include <stdio.h>
#include <string.h>
#include <sys/mman.h>

/*
 * A child uses a spool and dies at its n-th step on the disk, for every n until it gets through; or
 * the disk fails there. Whatever was reported safe must come out, in order within each lane.
 */
#define LANES 3u
#define MESSAGES 40u

/* In memory that a child shares with us. */
typedef struct book {
    _Atomic unsigned safe[MESSAGES + 1]; /* by token; reported OK */
    _Atomic unsigned taken_count;
    unsigned taken[4 * MESSAGES]; /* tokens that the broker got, in order */
} book;

static book *shared;
static spool_fixture *child_of;

static void on_durable(void *context, uint64_t token, medsec_status status)
{
    (void)context;
    atomic_fetch_add(&shared->safe[token], status == MEDSEC_OK ? 1 : 0);
    atomic_fetch_add(&child_of->durables, 1);
}

static unsigned token_of(const medsec_message *m)
{
    unsigned lane, number, token;
    char payload[64] = "";
    memcpy(payload, m->payload, m->payload_len < 63 ? m->payload_len : 63);
    assert_int_equal(sscanf(payload, "%u:%u:%u", &lane, &number, &token), 3);
    assert_int_equal(lane, m->lane);
    return token;
}

static void note_taken(void *context, const medsec_message *m)
{
    (void)context;
    shared->taken[shared->taken_count] = token_of(m);
    atomic_fetch_add(&shared->taken_count, 1);
}

static bool publish(unsigned from, unsigned to)
{
    for (unsigned i = from; i <= to; i++) {
        const bool droppable = i % 5 == 0;
        if ((droppable ? spool_publish_droppable : spool_publish)(child_of, i % LANES, i, i) !=
            MEDSEC_OK) {
            return false;
        }
    }
    return true;
}

static bool has_settled(const void *context)
{
    return atomic_load(&child_of->durables) >= *(const unsigned *)context;
}

static bool publish_and_wait(unsigned from, unsigned to)
{
    return publish(from, to) && spool_wait(has_settled, &to);
}

static bool is_direct(const void *f)
{
    return !spool_stats(f).spooling && spool_stats(f).queued == 0;
}

static bool has_message(const void *f)
{
    medsec_publisher_stats stats;
    medsec_publisher *memory = ((const spool_fixture *)f)->memory;
    memory->ops->stats(memory, &stats);
    return stats.queued > 0;
}

static bool take(unsigned count)
{
    medsec_message m;
    for (unsigned i = 0; i < count; i++) {
        if (!spool_wait(has_message, child_of) ||
            medsec_publisher_memory_take(child_of->memory, &m) != MEDSEC_OK) {
            return false;
        }
        note_taken(NULL, &m);
    }
    return true;
}

/* Away, back, lost on the way, back again, and an orderly end with something left. */
static bool use_spool(void *context)
{
    child_of = context;
    child_of->listener_durable = on_durable;
    steps_go();
    spool_start(child_of, false);
    bool good = publish_and_wait(1, 10) && publish_and_wait(11, 20);
    medsec_publisher_memory_set_link(child_of->memory, true);
    good = good && take(12);
    medsec_publisher_memory_set_link(child_of->memory, false);
    good = good && publish_and_wait(21, 30);
    medsec_publisher_memory_set_link(child_of->memory, true);
    good = good && take(18) && spool_wait(is_direct, child_of) && publish(31, 40);
    return good && take(4) && spool_end(child_of) == MEDSEC_OK;
}

/* First appearances ascend in each lane, and nothing that was safe is missing. */
static void check_book(int number, steps_death death)
{
    unsigned highest[LANES] = {0};
    bool seen[MESSAGES + 1] = {false};
    for (unsigned i = 0; i < shared->taken_count; i++) {
        const unsigned token = shared->taken[i];
        if (!seen[token] && token < highest[token % LANES]) {
            fail_msg("step %d (%d): %u after %u", number, (int)death, token,
                     highest[token % LANES]);
        }
        highest[token % LANES] = seen[token] ? highest[token % LANES] : token;
        seen[token] = true;
    }
    for (unsigned token = 1; token <= MESSAGES; token++) {
        if (shared->safe[token] > 0 && !seen[token]) {
            fail_msg("step %d (%d): %u was safe, and is lost", number, (int)death, token);
        }
    }
}

static void begin(spool_fixture *f)
{
    scratch folder;
    snprintf(folder.folder, sizeof folder.folder, "%s", spool_folder(f));
    scratch_close(&folder);
    memset(shared, 0, sizeof *shared);
}

static void try_every_step(spool_fixture *f, steps_death death)
{
    bool finished = false;
    int number = 0;
    for (; !finished; number++) {
        assert_true(number < 500);
        begin(f);
        const steps_outcome outcome = steps_run(use_spool, f, death, number);
        if (outcome == STEPS_FAILED) {
            fail_msg("step %d: the spool failed", number);
        }
        finished = outcome == STEPS_FINISHED;
        spool_start(f, true);
        (void)spool_drain(f, note_taken, NULL);
        assert_int_equal(spool_end(f), MEDSEC_OK);
        check_book(number, death);
    }
    assert_true(number > 15);
}

static void test_kill_at_every_step(void **state)
{
    try_every_step(*state, KILLED);
}

static void test_kill_in_the_middle_of_every_write(void **state)
{
    try_every_step(*state, TORN);
}

static void test_power_cut_at_every_step(void **state)
{
    try_every_step(*state, POWER_CUT);
}

static int setup(void **state)
{
    shared = mmap(NULL, sizeof *shared, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    assert_true(shared != MAP_FAILED);
    return spool_fixture_setup(state);
}

static int teardown(void **state)
{
    munmap(shared, sizeof *shared);
    return spool_fixture_teardown(state);
}

#define FIXED(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        FIXED(test_kill_at_every_step),
        FIXED(test_kill_in_the_middle_of_every_write),
        FIXED(test_power_cut_at_every_step),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
