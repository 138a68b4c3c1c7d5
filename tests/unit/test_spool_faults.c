/* SPDX-License-Identifier: Apache-2.0 */
#include "spool_fixture.h"
#include "steps.h"
#include "unit.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static bool has_failed(const void *f)
{
    return spool_stats(f).spool_failed;
}

static void publish(const spool_fixture *f, unsigned from, unsigned to)
{
    for (unsigned i = from; i <= to; i++) {
        assert_int_equal((i % 3 ? spool_publish : spool_publish_droppable)(f, 1, i, i), MEDSEC_OK);
    }
}

/* In order; some may come twice. */
static void take_all(const spool_fixture *f, unsigned to)
{
    unsigned next = 1;
    while (next <= to) {
        const unsigned number = spool_take(f, NULL);
        assert_true(number <= next);
        next += number == next;
    }
}

/* The disk fails at its n-th step and is mended: what waits is safe then, and not before. */
static void fail_and_mend(spool_fixture *f, int error, int left)
{
    spool_start(f, false);
    f->durables = 0;
    publish(f, 1, 6);
    spool_wait_durable(f, 6);
    steps_fail(error, left);
    publish(f, 7, 12);
    assert_true(spool_wait(has_failed, f));
    /* A group takes two steps; from the third message on four, since that goes into another file.
     */
    assert_in_range(f->durables, 6, left < 2 ? 6 : 8);
    steps_fail(0, 0);
    spool_wait_durable(f, 12);
    assert_int_equal(f->failures, 0);
    assert_int_equal(spool_end(f), MEDSEC_OK);
    spool_start(f, true);
    take_all(f, 12);
    spool_wait_direct(f);
    assert_int_equal(spool_end(f), MEDSEC_OK);
}

static void test_disk_full_then_not(void **state)
{
    for (int left = 0; left < 4; left++) {
        fail_and_mend(*state, ENOSPC, left);
    }
}

static void test_disk_fails_then_not(void **state)
{
    fail_and_mend(*state, EIO, 2);
    fail_and_mend(*state, EIO, 3);
}

/* Numbers for what comes back are not without end: a failing disk is tried each second for hours.
 */
static void test_disk_that_fails_uses_up_no_numbers(void **state)
{
    spool_fixture *f = *state;
    struct stat info;
    spool_start(f, true);
    spool_wait_direct(f);
    publish(f, 1, 12); /* 1 and 2 are kept, 3 is droppable */
    steps_fail(EIO, 3);
    medsec_publisher_memory_set_link(f->memory, false);
    assert_true(spool_wait(has_failed, f));
    steps_fail(0, 0);
    spool_wait_durable(f, 12);
    assert_int_equal(spool_end(f), MEDSEC_OK);
    assert_int_equal(stat(scratch_path(&f->files, "spool/k0000000000000002"), &info), 0);
    assert_int_equal(stat(scratch_path(&f->files, "spool/d0000000000000004"), &info), 0);
    spool_start(f, true);
    take_all(f, 12);
    spool_wait_direct(f);
}

static bool is_relieved(const void *f)
{
    return ((const spool_fixture *)f)->relieved > 0;
}

static void test_disk_that_fails_makes_devices_wait(void **state)
{
    spool_fixture *f = *state;
    unsigned sent = 0;
    f->options.queue_bytes = 65536;
    f->payload_len = 4096;
    spool_start(f, false);
    steps_fail(EROFS, 0);
    while (!f->spool->ops->pressed(f->spool, false)) {
        sent++;
        assert_int_equal(spool_publish(f, 1, sent, sent), MEDSEC_OK);
        assert_true(sent < 1000);
    }
    assert_true(f->spool->ops->pressed(f->spool, true));
    assert_int_equal(f->durables, 0);
    steps_fail(0, 0);
    spool_wait_durable(f, sent);
    assert_true(spool_wait(is_relieved, f));
}

static void test_memory_goes_to_the_broker_past_a_disk_that_fails(void **state)
{
    spool_fixture *f = *state;
    spool_start(f, false);
    publish(f, 1, 6);
    spool_wait_durable(f, 6);
    steps_fail(EIO, 0);
    publish(f, 7, 12);
    assert_true(spool_wait(has_failed, f));
    medsec_publisher_memory_set_link(f->memory, true);
    take_all(f, 12);
    spool_wait_direct(f);
    assert_false(spool_stats(f).spool_failed);
    steps_fail(0, 0);
}

static void test_stop_says_what_a_disk_that_fails_loses(void **state)
{
    spool_fixture *f = *state;
    spool_start(f, false);
    steps_fail(EIO, 0);
    publish(f, 1, 2);
    assert_int_equal(f->spool->ops->stop(f->spool, 10), MEDSEC_ERR_TIMEOUT);
    assert_int_equal(spool_stats(f).lost, 2);
    steps_fail(0, 0);
    f->spool->ops->destroy(f->spool);
    f->spool = NULL;
}

/* Three groups in one segment, and where its bytes are. */
static const char *make_three_groups(spool_fixture *f)
{
    spool_start(f, false);
    for (unsigned i = 1; i <= 3; i++) {
        assert_int_equal(spool_publish(f, 1, i, i), MEDSEC_OK);
        spool_wait_durable(f, i);
    }
    assert_int_equal(spool_end(f), MEDSEC_OK);
    return scratch_path(&f->files, "spool/k0000000000000001");
}

typedef struct lost {
    const spool_fixture *f;
    uint64_t count;
} lost;

static bool has_lost(const void *context)
{
    const lost *l = context;
    return spool_stats(l->f).lost == l->count;
}

static void wait_lost(const spool_fixture *f, uint64_t count)
{
    const lost l = {f, count};
    assert_true(spool_wait(has_lost, &l));
}

static void test_damage_costs_the_block_that_it_is_in(void **state)
{
    spool_fixture *f = *state;
    size_t len;
    const char *path = make_three_groups(f);
    char *bytes = scratch_read(path, &len);
    bytes[64 + (len - 64) / 2] ^= 1;
    scratch_write(path, bytes, len, 0600);
    free(bytes);
    spool_start(f, true);
    assert_int_equal(spool_take(f, NULL), 1);
    assert_int_equal(spool_take(f, NULL), 3);
    spool_wait_direct(f);
    wait_lost(f, 1);
}

static void test_torn_tail_costs_nothing_that_was_safe(void **state)
{
    spool_fixture *f = *state;
    size_t len;
    const char *path = make_three_groups(f);
    char *bytes = scratch_read(path, &len);
    scratch_write(path, bytes, len - 1, 0600);
    free(bytes);
    spool_start(f, true);
    assert_int_equal(spool_take(f, NULL), 1);
    assert_int_equal(spool_take(f, NULL), 2);
    spool_wait_direct(f);
    assert_int_equal(spool_stats(f).lost, 0);
}

static void test_foreign_segment_is_set_aside(void **state)
{
    spool_fixture *f = *state;
    size_t len;
    struct stat info;
    char *bytes = scratch_read(make_three_groups(f), &len);
    scratch_write(scratch_path(&f->files, "spool/k0000000000000077"), bytes, len, 0600);
    free(bytes);
    spool_start(f, true);
    for (unsigned i = 1; i <= 3; i++) {
        assert_int_equal(spool_take(f, NULL), i);
    }
    spool_wait_direct(f);
    assert_int_equal(stat(scratch_path(&f->files, "spool/damaged-k0000000000000077"), &info), 0);
}

static void test_file_that_somebody_removed_stops_nothing(void **state)
{
    spool_fixture *f = *state;
    spool_start(f, false);
    publish(f, 1, 4); /* 3 in a segment of its own */
    spool_wait_durable(f, 4);
    assert_int_equal(remove(scratch_path(&f->files, "spool/k0000000000000001")), 0);
    medsec_publisher_memory_set_link(f->memory, true);
    assert_int_equal(spool_take(f, NULL), 3);
    spool_wait_direct(f);
    wait_lost(f, 3);
}

static bool has_lost_some(const void *f)
{
    return spool_stats(f).lost > 0;
}

static void test_file_that_became_shorter_stops_nothing(void **state)
{
    spool_fixture *f = *state;
    struct stat info;
    const char *path = scratch_path(&f->files, "spool/k0000000000000001");
    spool_start(f, false);
    for (unsigned i = 1; i <= 3; i++) {
        assert_int_equal(spool_publish(f, 1, i, i), MEDSEC_OK);
        spool_wait_durable(f, i);
    }
    assert_int_equal(stat(path, &info), 0);
    assert_int_equal(truncate(path, info.st_size - 1), 0);
    medsec_publisher_memory_set_link(f->memory, true);
    assert_int_equal(spool_take(f, NULL), 1);
    assert_int_equal(spool_take(f, NULL), 2);
    spool_wait_direct(f);
    assert_true(spool_wait(has_lost_some, f));
}

static int setup(void **state)
{
    steps_fail(0, 0);
    return spool_fixture_setup(state);
}

#define FIXED(name) cmocka_unit_test_setup_teardown(name, setup, spool_fixture_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        FIXED(test_disk_full_then_not),
        FIXED(test_disk_fails_then_not),
        FIXED(test_disk_that_fails_uses_up_no_numbers),
        FIXED(test_disk_that_fails_makes_devices_wait),
        FIXED(test_memory_goes_to_the_broker_past_a_disk_that_fails),
        FIXED(test_stop_says_what_a_disk_that_fails_loses),
        FIXED(test_damage_costs_the_block_that_it_is_in),
        FIXED(test_torn_tail_costs_nothing_that_was_safe),
        FIXED(test_foreign_segment_is_set_aside),
        FIXED(test_file_that_somebody_removed_stops_nothing),
        FIXED(test_file_that_became_shorter_stops_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
