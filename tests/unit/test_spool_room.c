/* SPDX-License-Identifier: Apache-2.0 */
#include "spool_fixture.h"
#include "unit.h"

#include <string.h>
#include <uv.h>

#define BYTES (2u * 1024u * 1024u)
#define PAYLOAD 16384u

static void limit_room(spool_fixture *f)
{
    f->options.bytes = BYTES;
    f->payload_len = PAYLOAD;
}

/* What arrived: how many, and whether they ascend. */
typedef struct arrived {
    unsigned first;
    unsigned last;
    unsigned count;
    bool ascending;
} arrived;

static void note(void *context, const medsec_message *m)
{
    arrived *a = context;
    unsigned lane, number;
    spool_read(m, &lane, &number);
    a->ascending = a->count == 0 || (a->ascending && number > a->last);
    a->first = a->count == 0 ? number : a->first;
    a->last = number;
    a->count++;
}

static arrived drain(const spool_fixture *f)
{
    arrived a = {0};
    medsec_publisher_memory_set_link(f->memory, true);
    (void)spool_drain(f, note, &a);
    return a;
}

static void test_droppable_the_oldest_go(void **state)
{
    spool_fixture *f = *state;
    limit_room(f);
    spool_start(f, false);
    for (unsigned i = 1; i <= 400; i++) {
        assert_int_equal(spool_publish_droppable(f, 1, i, i), MEDSEC_OK);
        assert_false(spool_stats(f).spool_full);
    }
    spool_wait_durable(f, 400);
    const medsec_publisher_stats stats = spool_stats(f);
    assert_in_range(stats.spool_bytes, BYTES / 2, BYTES);
    assert_in_range(stats.spool_dropped, 200, 399);
    const arrived a = drain(f);
    assert_true(a.ascending);
    assert_int_equal(a.last, 400);
    assert_int_equal(a.count, 400 - stats.spool_dropped);
    assert_int_equal(a.first, 400 - a.count + 1);
}

static void test_droppable_make_room_for_kept(void **state)
{
    spool_fixture *f = *state;
    limit_room(f);
    spool_start(f, false);
    for (unsigned i = 1; i <= 100; i++) {
        assert_int_equal(spool_publish_droppable(f, 1, i, i), MEDSEC_OK);
    }
    spool_wait_durable(f, 100);
    for (unsigned i = 101; i <= 200; i++) {
        assert_int_equal(spool_publish(f, 1, i, i), MEDSEC_OK);
    }
    spool_wait_durable(f, 200);
    assert_int_equal(f->failures, 0);
    const uint64_t dropped = spool_stats(f).spool_dropped;
    assert_in_range(dropped, 60, 100);
    const arrived a = drain(f);
    assert_true(a.ascending);
    assert_int_equal(a.count, 200 - dropped);
}

static bool is_full(const void *f)
{
    return spool_stats(f).spool_full;
}

static bool has_room(const void *f)
{
    return !spool_stats(f).spool_full;
}

static bool is_relieved(const void *f)
{
    return ((const spool_fixture *)f)->relieved > 0;
}

/* Those who can wait do; those who cannot are still taken; what was accepted is not lost. */
static void test_full_of_kept_presses_until_there_is_room(void **state)
{
    spool_fixture *f = *state;
    unsigned sent = 0;
    limit_room(f);
    spool_start(f, false);
    for (unsigned i = 1; i <= 96; i++) { /* three quarters, as a payload is */
        sent++;
        assert_int_equal(spool_publish(f, 1, sent, sent), MEDSEC_OK);
    }
    assert_true(spool_wait(is_full, f));
    assert_true(f->spool->ops->pressed(f->spool, false));
    assert_false(f->spool->ops->pressed(f->spool, true));
    for (unsigned i = 1; i <= 100; i++) { /* what was already read, and more than there is room */
        sent++;
        assert_int_equal(spool_publish(f, 1, sent, sent), MEDSEC_OK);
    }
    assert_int_equal(f->relieved, 0);
    const arrived a = drain(f);
    assert_true(a.ascending);
    assert_int_equal(a.count, sent);
    assert_true(spool_wait(is_relieved, f));
    assert_false(f->spool->ops->pressed(f->spool, false));
    assert_true(spool_wait(has_room, f)); /* figures follow */
    assert_int_equal(f->failures, 0);
}

static void test_full_of_kept_drops_what_cannot_wait(void **state)
{
    spool_fixture *f = *state;
    unsigned sent = 0;
    limit_room(f);
    spool_start(f, false);
    while (sent < 127) { /* to the brim */
        sent++;
        assert_int_equal(spool_publish(f, 1, sent, sent), MEDSEC_OK);
    }
    spool_wait_durable(f, sent);
    for (unsigned i = 1; i <= 3; i++) {
        assert_int_equal(spool_publish_droppable(f, 1, sent + i, sent + i), MEDSEC_OK);
    }
    spool_wait_durable(f, sent + 3);
    assert_int_equal(f->failures, 3); /* told that it never will be safe */
    assert_int_equal(spool_stats(f).spool_dropped, 3);
    assert_int_equal(drain(f).count, sent);
}

static bool has_expired(const void *f)
{
    return spool_stats(f).spool_expired == 10 && spool_stats(f).spool_messages == 0;
}

static void test_old_messages_are_thrown_away(void **state)
{
    spool_fixture *f = *state;
    f->options.age_s = 1;
    spool_start(f, false);
    for (unsigned i = 1; i <= 10; i++) {
        assert_int_equal((i % 2 ? spool_publish : spool_publish_droppable)(f, 1, i, i), MEDSEC_OK);
    }
    spool_wait_durable(f, 10);
    assert_true(spool_wait(has_expired, f));
    assert_int_equal(spool_end(f), MEDSEC_OK);
    f->options.age_s = 3600;
    spool_start(f, false);
    assert_int_equal(spool_publish(f, 1, 11, 11), MEDSEC_OK);
    const arrived a = drain(f);
    assert_int_equal(a.count, 1);
    assert_int_equal(a.first, 11);
}

#define FIXED(name) \
    cmocka_unit_test_setup_teardown(name, spool_fixture_setup, spool_fixture_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        FIXED(test_droppable_the_oldest_go),
        FIXED(test_droppable_make_room_for_kept),
        FIXED(test_full_of_kept_presses_until_there_is_room),
        FIXED(test_full_of_kept_drops_what_cannot_wait),
        FIXED(test_old_messages_are_thrown_away),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
