/* SPDX-License-Identifier: Apache-2.0 */
#include "spool_fixture.h"
#include "unit.h"

#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <uv.h>

static medsec_status create(medsec_publisher **spool, const medsec_spool_options *options)
{
    medsec_publisher *memory;
    assert_int_equal(medsec_publisher_memory_create(&memory, 4), MEDSEC_OK);
    return medsec_publisher_spool_create(spool, memory, options);
}

static size_t files_in(const spool_fixture *f)
{
    scratch folder;
    snprintf(folder.folder, sizeof folder.folder, "%s", spool_folder(f));
    return scratch_count(&folder);
}

static void test_create_without_what_it_needs_is_refused(void **state)
{
    spool_fixture *f = *state;
    medsec_publisher *spool;
    medsec_spool_options o = f->options;
    assert_int_equal(medsec_publisher_spool_create(&spool, NULL, &o), MEDSEC_ERR_ARGUMENT);
    assert_int_equal(create(&spool, &o), MEDSEC_ERR_ARGUMENT); /* no folder */
    o.folder = spool_folder(f);
    assert_int_equal(create(NULL, &o), MEDSEC_ERR_ARGUMENT);
    assert_int_equal(create(&spool, NULL), MEDSEC_ERR_ARGUMENT);
    o.key = NULL;
    assert_int_equal(create(&spool, &o), MEDSEC_ERR_ARGUMENT);
    o = f->options;
    o.folder = "/proc/no/such";
    assert_int_equal(create(&spool, &o), MEDSEC_ERR_IO);
    const char *file = scratch_path(&f->files, "file");
    scratch_write(file, "x", 1, 0600);
    o.folder = file;
    assert_int_equal(create(&spool, &o), MEDSEC_ERR_IO);
}

static void test_create_makes_a_folder_for_us_alone(void **state)
{
    spool_fixture *f = *state;
    struct stat info;
    spool_start(f, false);
    assert_int_equal(spool_publish(f, 1, 1, 1), MEDSEC_OK);
    spool_wait_durable(f, 1);
    assert_int_equal(stat(spool_folder(f), &info), 0);
    assert_int_equal(info.st_mode & 0777, 0700);
    assert_int_equal(stat(scratch_path(&f->files, "spool/k0000000000000001"), &info), 0);
    assert_int_equal(info.st_mode & 0777, 0600);
    assert_int_equal(stat(scratch_path(&f->files, "spool/state"), &info), 0);
    assert_int_equal(info.st_mode & 0777, 0600);
}

static void test_create_second_on_a_folder_is_busy(void **state)
{
    spool_fixture *f = *state;
    medsec_publisher *spool;
    spool_start(f, true);
    assert_int_equal(create(&spool, &f->options), MEDSEC_ERR_BUSY);
    assert_int_equal(spool_end(f), MEDSEC_OK);
    assert_int_equal(create(&spool, &f->options), MEDSEC_OK);
    spool->ops->destroy(spool);
}

static void test_create_with_another_key_is_refused(void **state)
{
    spool_fixture *f = *state;
    medsec_publisher *spool;
    spool_start(f, true);
    assert_int_equal(spool_end(f), MEDSEC_OK);
    medsec_spool_options o = f->options;
    o.key = (const uint8_t *)"another key of thirty-two bytes.";
    assert_int_equal(create(&spool, &o), MEDSEC_ERR_CRYPTO);
}

static void test_publish_goes_through_while_linked(void **state)
{
    spool_fixture *f = *state;
    spool_start(f, true);
    spool_wait_direct(f);
    assert_int_equal(f->ups, 1);
    assert_int_equal(spool_publish(f, 1, 7, 77), MEDSEC_OK);
    assert_int_equal(f->durables, 0); /* not before the broker has it */
    assert_int_equal(spool_take(f, NULL), 7);
    assert_int_equal(f->reported[77], 1);
    assert_int_equal(spool_stats(f).spool_stored, 0);
    assert_int_equal(files_in(f), 1); /* its state */
}

static void test_publish_what_cannot_be_kept_is_refused(void **state)
{
    spool_fixture *f = *state;
    static const char payload[MEDSEC_SPOOL_MESSAGE_MAX + 1];
    spool_start(f, true);
    medsec_message m = {
        .topic = "t", .topic_len = 1, .payload = payload, .payload_len = sizeof payload};
    assert_int_equal(f->spool->ops->publish(f->spool, &m), MEDSEC_ERR_LIMIT);
    m.payload_len = 1;
    m.token = UINT64_C(1) << 63;
    assert_int_equal(f->spool->ops->publish(f->spool, &m), MEDSEC_ERR_ARGUMENT);
}

static void test_publish_is_durable_without_a_broker(void **state)
{
    spool_fixture *f = *state;
    spool_start(f, false);
    for (unsigned i = 1; i <= 100; i++) {
        assert_int_equal(spool_publish(f, i % 3, i, i), MEDSEC_OK);
    }
    spool_wait_durable(f, 100);
    assert_int_equal(f->failures, 0);
    const medsec_publisher_stats stats = spool_stats(f);
    assert_true(stats.spooling);
    assert_false(stats.connected);
    assert_in_range(stats.spool_syncs, 1, 100);
}

static void test_link_up_delivers_in_order_and_cleans_up(void **state)
{
    spool_fixture *f = *state;
    spool_start(f, false);
    for (unsigned i = 1; i <= 300; i++) {
        assert_int_equal(i % 4 == 0 ? spool_publish_droppable(f, 5, i, i)
                                    : spool_publish(f, 5, i, i),
                         MEDSEC_OK);
    }
    spool_wait_durable(f, 300);
    medsec_publisher_memory_set_link(f->memory, true);
    for (unsigned i = 1; i <= 300; i++) {
        assert_int_equal(spool_take(f, NULL), i);
    }
    spool_wait_direct(f);
    assert_int_equal(spool_publish(f, 5, 301, 301), MEDSEC_OK);
    assert_int_equal(spool_take(f, NULL), 301);
    assert_int_equal(f->durables, 301); /* each once */
    assert_int_equal(spool_end(f), MEDSEC_OK);
    assert_int_equal(files_in(f), 1);
}

static void test_message_comes_back_as_it_was(void **state)
{
    spool_fixture *f = *state;
    static const char payload[] = {0, 1, (char)0xff};
    const medsec_message sent = {.topic = "a/b",
                                 .topic_len = 3,
                                 .payload = payload,
                                 .payload_len = sizeof payload,
                                 .lane = 0xfedcba98,
                                 .qos = 1,
                                 .retain = true,
                                 .droppable = true};
    const medsec_message plain = {.topic = "c", .topic_len = 1};
    medsec_message got;
    spool_start(f, false);
    assert_int_equal(f->spool->ops->publish(f->spool, &sent), MEDSEC_OK);
    assert_int_equal(f->spool->ops->publish(f->spool, &plain), MEDSEC_OK);
    assert_int_equal(spool_end(f), MEDSEC_OK);
    assert_int_equal(f->downs, 0);
    spool_start(f, true);
    spool_wait_direct(f);
    assert_int_equal(medsec_publisher_memory_take(f->memory, &got), MEDSEC_OK);
    assert_int_equal(got.topic_len, 3);
    assert_memory_equal(got.topic, "a/b", 3);
    assert_int_equal(got.payload_len, 3);
    assert_memory_equal(got.payload, payload, 3);
    assert_int_equal(got.lane, sent.lane);
    assert_int_equal(got.qos, 1);
    assert_true(got.retain && got.droppable);
    assert_int_equal(medsec_publisher_memory_take(f->memory, &got), MEDSEC_OK);
    assert_int_equal(got.payload_len, 0);
    assert_int_equal(got.qos, 0);
    assert_false(got.retain || got.droppable);
}

static void test_link_down_takes_back_what_is_behind(void **state)
{
    spool_fixture *f = *state;
    spool_start(f, true);
    spool_wait_direct(f);
    for (unsigned i = 1; i <= 50; i++) {
        assert_int_equal(spool_publish(f, 5, i, i), MEDSEC_OK);
    }
    medsec_publisher_memory_set_link(f->memory, false);
    for (unsigned i = 51; i <= 100; i++) {
        assert_int_equal(spool_publish(f, 5, i, i), MEDSEC_OK);
    }
    spool_wait_durable(f, 100);
    assert_int_equal(spool_stats(f).spool_messages, 100);
    medsec_publisher_memory_set_link(f->memory, true);
    for (unsigned i = 1; i <= 100; i++) {
        assert_int_equal(spool_take(f, NULL), i);
    }
}

static bool is_empty(const void *f)
{
    return spool_stats(f).spool_messages == 0;
}

static void test_link_lost_during_delivery_repeats_nothing_confirmed(void **state)
{
    spool_fixture *f = *state;
    spool_start(f, false);
    for (unsigned i = 1; i <= 200; i++) {
        assert_int_equal(spool_publish(f, 5, i, i), MEDSEC_OK);
    }
    spool_wait_durable(f, 200);
    medsec_publisher_memory_set_link(f->memory, true);
    for (unsigned i = 1; i <= 70; i++) {
        assert_int_equal(spool_take(f, NULL), i);
    }
    medsec_publisher_memory_set_link(f->memory, false);
    for (unsigned i = 201; i <= 250; i++) {
        assert_int_equal(spool_publish(f, 5, i, i), MEDSEC_OK);
    }
    spool_wait_durable(f, 250);
    medsec_publisher_memory_set_link(f->memory, true);
    for (unsigned i = 71; i <= 250; i++) {
        assert_int_equal(spool_take(f, NULL), i);
    }
    assert_true(spool_wait(is_empty, f));
}

static void test_restart_delivers_what_is_left(void **state)
{
    spool_fixture *f = *state;
    spool_start(f, false);
    for (unsigned i = 1; i <= 100; i++) {
        assert_int_equal(spool_publish(f, 5, i, i), MEDSEC_OK);
    }
    spool_wait_durable(f, 100);
    medsec_publisher_memory_set_link(f->memory, true);
    for (unsigned i = 1; i <= 40; i++) {
        assert_int_equal(spool_take(f, NULL), i);
    }
    assert_int_equal(spool_end(f), MEDSEC_OK);
    spool_start(f, false);
    assert_int_equal(spool_publish(f, 5, 101, 101), MEDSEC_OK);
    medsec_publisher_memory_set_link(f->memory, true);
    for (unsigned i = 41; i <= 101; i++) {
        assert_int_equal(spool_take(f, NULL), i);
    }
}

static void test_stop_keeps_what_was_not_delivered(void **state)
{
    spool_fixture *f = *state;
    spool_start(f, true);
    spool_wait_direct(f);
    for (unsigned i = 1; i <= 10; i++) {
        assert_int_equal(spool_publish(f, 5, i, i), MEDSEC_OK);
    }
    assert_int_equal(spool_take(f, NULL), 1);
    assert_int_equal(spool_end(f), MEDSEC_OK);
    spool_start(f, true);
    for (unsigned i = 2; i <= 10; i++) {
        assert_int_equal(spool_take(f, NULL), i);
    }
}

static void test_broker_without_room_is_relieved_by_the_disk(void **state)
{
    spool_fixture *f = *state;
    f->memory_limit = 16;
    spool_start(f, true);
    spool_wait_direct(f);
    for (unsigned i = 1; i <= 100; i++) {
        assert_int_equal(spool_publish_droppable(f, 5, i, i), MEDSEC_OK);
        assert_false(f->spool->ops->pressed(f->spool, true));
    }
    assert_true(spool_stats(f).spooling);
    for (unsigned i = 1; i <= 100; i++) {
        assert_int_equal(spool_take(f, NULL), i);
    }
    spool_wait_direct(f);
}

static void test_broker_that_takes_nothing_is_away(void **state)
{
    spool_fixture *f = *state;
    f->memory_limit = 4;
    spool_start(f, true);
    spool_wait_direct(f);
    assert_int_equal(spool_publish(f, 5, 1, 1), MEDSEC_OK);
    assert_int_equal(spool_publish(f, 5, 2, 2), MEDSEC_OK);
    assert_true(f->spool->ops->pressed(f->spool, false));
    spool_wait_spooling(f);
    assert_int_equal(spool_publish(f, 5, 3, 3), MEDSEC_OK);
    spool_wait_durable(f, 1);
    assert_int_equal(f->reported[3], 1);
    assert_false(f->spool->ops->pressed(f->spool, false));
    for (unsigned i = 1; i <= 3; i++) {
        assert_int_equal(spool_take(f, NULL), i);
    }
}

#define FIXED(name) \
    cmocka_unit_test_setup_teardown(name, spool_fixture_setup, spool_fixture_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        FIXED(test_create_without_what_it_needs_is_refused),
        FIXED(test_create_makes_a_folder_for_us_alone),
        FIXED(test_create_second_on_a_folder_is_busy),
        FIXED(test_create_with_another_key_is_refused),
        FIXED(test_publish_goes_through_while_linked),
        FIXED(test_publish_what_cannot_be_kept_is_refused),
        FIXED(test_publish_is_durable_without_a_broker),
        FIXED(test_link_up_delivers_in_order_and_cleans_up),
        FIXED(test_message_comes_back_as_it_was),
        FIXED(test_link_down_takes_back_what_is_behind),
        FIXED(test_link_lost_during_delivery_repeats_nothing_confirmed),
        FIXED(test_restart_delivers_what_is_left),
        FIXED(test_stop_keeps_what_was_not_delivered),
        FIXED(test_broker_without_room_is_relieved_by_the_disk),
        FIXED(test_broker_that_takes_nothing_is_away),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
