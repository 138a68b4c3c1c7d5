/* SPDX-License-Identifier: Apache-2.0 */
#include "held_publisher.h"
#include "spool_fixture.h"
#include "unit.h"

#include <string.h>
#include <uv.h>

/* The spool in front of a broker that answers when, and as, the test says. */
typedef struct waited {
    medsec_publisher *held;
    size_t count;
} waited;

static bool has_come(const void *context)
{
    const waited *w = context;
    return held_count(w->held) >= w->count;
}

static void wait_count(medsec_publisher *held, size_t count)
{
    const waited w = {held, count};
    assert_true(spool_wait(has_come, &w));
    assert_int_equal(held_count(held), count);
}

/* Messages 1 to `count` on disk, then the link up. */
static void deliver(spool_fixture *f, medsec_publisher *held, unsigned count)
{
    spool_start_with(f, held);
    for (unsigned i = 1; i <= count; i++) {
        assert_int_equal(spool_publish(f, 1, i, i), MEDSEC_OK);
    }
    spool_wait_durable(f, count);
    held_link(held, true);
}

static void test_refused_message_is_kept_and_waits(void **state)
{
    spool_fixture *f = *state;
    medsec_publisher *held = held_create();
    deliver(f, held, 3);
    wait_count(held, 3);
    held_report(held, 0, MEDSEC_OK);
    held_report(held, 1, MEDSEC_ERR_REFUSED);
    held_report(held, 2, MEDSEC_OK);
    spool_wait_spooling(f);
    assert_int_equal(spool_publish(f, 1, 4, 4), MEDSEC_OK);
    spool_wait_durable(f, 4); /* by the disk */
    assert_int_equal(held_count(held), 3);
    assert_int_equal(spool_end(f), MEDSEC_OK);
    spool_start(f, true);
    for (unsigned i = 2; i <= 4; i++) {
        assert_int_equal(spool_take(f, NULL), i);
    }
}

static bool has_lost_one(const void *f)
{
    return spool_stats(f).lost == 1;
}

/* No other time will be better, and what is behind it shall not wait for ever. */
static void test_message_too_large_for_the_broker_is_lost_and_said(void **state)
{
    spool_fixture *f = *state;
    medsec_publisher *held = held_create();
    deliver(f, held, 3);
    wait_count(held, 3);
    held_report(held, 0, MEDSEC_OK);
    held_report(held, 1, MEDSEC_ERR_LIMIT);
    held_report(held, 2, MEDSEC_OK);
    spool_wait_direct(f);
    wait_count(held, 3);
    assert_true(spool_wait(has_lost_one, f));
    assert_int_equal(spool_end(f), MEDSEC_OK);
    spool_start(f, true);
    spool_wait_direct(f);
    assert_int_equal(spool_stats(f).queued, 0);
}

static void test_message_given_up_behind_is_tried_again(void **state)
{
    spool_fixture *f = *state;
    medsec_publisher *held = held_create();
    deliver(f, held, 3);
    wait_count(held, 3);
    held_report(held, 1, MEDSEC_OK);
    held_report(held, 2, MEDSEC_OK);
    const uint64_t begin = uv_hrtime();
    held_report(held, 0, MEDSEC_ERR_CLOSED);
    wait_count(held, 4); /* that one, and no other */
    assert_true(uv_hrtime() - begin > 900000000u);
    assert_string_equal(held_at(held, 3)->text, held_at(held, 0)->text);
    held_report(held, 3, MEDSEC_OK);
    spool_wait_direct(f);
    assert_int_equal(f->durables, 3);
}

#define WINDOW 8192u /* messages without an answer: then no others are handed over */

static bool are_three_settled(const void *f)
{
    return spool_stats(f).spool_delivered == 3;
}

/* The older ones are confirmed just when it goes back to one: they are not sent again. */
static void test_confirmed_while_going_back(void **state)
{
    spool_fixture *f = *state;
    medsec_publisher *held = held_create();
    deliver(f, held, 9000);
    wait_count(held, WINDOW);
    held_press(held, true);
    held_report(held, 5, MEDSEC_ERR_CLOSED);
    uv_sleep(1200); /* longer than it waits; shorter would test less, not fail */
    for (size_t i = 0; i < 3; i++) {
        held_report(held, i, MEDSEC_OK);
    }
    assert_true(spool_wait(are_three_settled, f));
    held_press(held, false);
    wait_count(held, WINDOW + 4); /* that one, and for each confirmed one another */
    assert_string_equal(held_at(held, WINDOW)->text, held_at(held, 5)->text);
    assert_non_null(strstr(held_at(held, WINDOW + 1)->text, "1:8193:"));
}

static bool is_empty(const void *f)
{
    return spool_stats(f).spool_messages == 0;
}

static void test_deliveries_without_an_answer_are_bounded(void **state)
{
    spool_fixture *f = *state;
    medsec_publisher *held = held_create();
    deliver(f, held, 9000);
    wait_count(held, WINDOW);
    assert_int_equal(spool_stats(f).spool_messages, 9000);
    (void)held_report_all(held);
    wait_count(held, 9000);
    (void)held_report_all(held);
    assert_true(spool_wait(is_empty, f));
    assert_int_equal(spool_stats(f).spool_delivered, 9000);
}

/* A message that went through and is not confirmed: what is stored after it comes after it. */
static void test_disk_waits_for_what_went_through(void **state)
{
    spool_fixture *f = *state;
    medsec_publisher *held = held_create();
    spool_start_with(f, held);
    held_link(held, true);
    spool_wait_direct(f);
    assert_int_equal(spool_publish(f, 1, 1, 1), MEDSEC_OK);
    wait_count(held, 1);
    held_link(held, false);
    assert_int_equal(spool_publish(f, 1, 2, 2), MEDSEC_OK);
    spool_wait_durable(f, 1);
    held_link(held, true);
    assert_int_equal(spool_publish(f, 1, 3, 3), MEDSEC_OK);
    spool_wait_durable(f, 2);
    assert_int_equal(held_count(held), 1);
    held_report(held, 0, MEDSEC_OK);
    wait_count(held, 3);
}

static void on_received(void *context, const char *topic, size_t topic_len, const uint8_t *payload,
                        size_t payload_len)
{
    spool_fixture *f = context;
    assert_int_equal(topic_len, 1);
    assert_int_equal(payload_len, 2);
    assert_memory_equal(topic, "t", 1);
    assert_memory_equal(payload, "pp", 2);
    atomic_fetch_add(&f->relieved, 100);
}

static void test_the_rest_goes_through(void **state)
{
    spool_fixture *f = *state;
    medsec_publisher *held = held_create();
    spool_start_with(f, held);
    assert_int_equal(f->spool->ops->subscribe(f->spool, "a/+"), MEDSEC_OK);
    assert_string_equal(held_filter(held), "a/+");
    f->listener.received = on_received;
    held_deliver(held, "t", "pp", 2);
    assert_int_equal(f->relieved, 100);
    assert_int_equal(f->spool->ops->attach(f->spool, NULL, 0, 1), MEDSEC_OK);
    f->spool->ops->detach(f->spool, 0, 1); /* or the end of it fails */
    held_link(held, true);
    spool_wait_direct(f);
    held_press(held, true);
    assert_true(f->spool->ops->pressed(f->spool, false));
    assert_false(f->spool->ops->pressed(f->spool, true));
    held_press(held, false);
    held_relieve(held);
    assert_int_equal(f->relieved, 101);
    assert_int_equal(f->ups, 1);
    held_link(held, false);
    assert_int_equal(f->downs, 1);
}

#define FIXED(name) \
    cmocka_unit_test_setup_teardown(name, spool_fixture_setup, spool_fixture_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        FIXED(test_refused_message_is_kept_and_waits),
        FIXED(test_message_too_large_for_the_broker_is_lost_and_said),
        FIXED(test_message_given_up_behind_is_tried_again),
        FIXED(test_confirmed_while_going_back),
        FIXED(test_deliveries_without_an_answer_are_bounded),
        FIXED(test_disk_waits_for_what_went_through),
        FIXED(test_the_rest_goes_through),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
