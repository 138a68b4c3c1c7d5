/* SPDX-License-Identifier: Apache-2.0 */
#include "unit.h"

#include "vitals.h"
#include "wire.h"

#include <string.h>

static settings set;
static wire w;
static uint8_t out[1024];
static medsec_step step;
static pulse_beat beat;
static vitals source;

static int begin(void **state)
{
    static histogram latency;
    const wire_setup setup = {.set = &set, .latency = &latency};
    medsec_credential credential = {.wire = MEDSEC_WIRE_SEED};
    (void)state;

    memcpy(credential.device, "dev", 4);
    memcpy(credential.key, "1234567890123456", 16);
    memcpy(credential.iv, "AAAAAAAAAAAAAAAA", 16);
    set = (settings){.rate_hz = 20, .count = 3, .coalesce = 1};
    pulse_beat_init(&beat);
    vitals_init(&source, VITALS_PSEUDO, &beat, 72, 1);
    return wire_open(&w, &wire_seed_ops, &setup, &credential) == MEDSEC_OK ? 0 : -1;
}

static int end(void **state)
{
    (void)state;
    wire_close(&w);
    return 0;
}

static void expect(uint64_t now_ms, size_t cap, medsec_step_type type)
{
    w.ops->poll(&w, now_ms, cap > 0 ? out : NULL, cap, &step);
    assert_int_equal(step.type, type);
}

static void connect_at(uint64_t now_ms)
{
    expect(now_ms, 0, MEDSEC_STEP_CONNECT);
    expect(now_ms, 0, MEDSEC_STEP_WAIT);
    w.ops->connected(&w, now_ms);
}

static void expect_frame(uint64_t now_ms)
{
    expect(now_ms, sizeof(out), MEDSEC_STEP_SAMPLE);
    w.ops->sample(&w, now_ms, vitals_next(&source, w.ops->step_s(&w, now_ms)));
    expect(now_ms, sizeof(out), MEDSEC_STEP_SEND);
    assert_int_equal(step.len, MEDSEC_SEED_FRAME_LEN(8));
}

static wire_counts counts(void)
{
    wire_counts sum = {.sampled = 0};

    w.ops->add_counts(&w, &sum);
    return sum;
}

static void test_poll_sends_at_its_pace_until_the_count(void **state)
{
    (void)state;
    connect_at(10);
    expect_frame(10);
    expect(10, sizeof(out), MEDSEC_STEP_WAIT);
    assert_int_equal(step.until_ms, 60);
    expect_frame(61); /* late, and the next is not later for it */
    expect(61, sizeof(out), MEDSEC_STEP_WAIT);
    assert_int_equal(step.until_ms, 110);
    assert_false(w.ops->done(&w));
    expect_frame(110);
    assert_true(w.ops->done(&w));
    expect(110, sizeof(out), MEDSEC_STEP_CLOSE);
    expect(110, sizeof(out), MEDSEC_STEP_WAIT);
}

static void test_poll_makes_again_what_was_lost_unsent(void **state)
{
    (void)state;
    connect_at(0);
    for (uint64_t i = 0; i < 3; i++) {
        expect_frame(i * 50);
    }
    w.ops->written(&w, 1);
    w.ops->disconnected(&w, 200, 2);
    assert_false(w.ops->done(&w));
    expect(200, 0, MEDSEC_STEP_WAIT);
    assert_in_range(step.until_ms, 200 + 125, 200 + 250);
    connect_at(step.until_ms);
    expect_frame(1000);
    expect_frame(1050);
    assert_true(w.ops->done(&w));
    w.ops->written(&w, 2);
    assert_int_equal(counts().sent, 3);
    assert_int_equal(counts().sampled, 5);
}

static void test_poll_skips_a_reading_without_room(void **state)
{
    (void)state;
    connect_at(0);
    expect(0, 0, MEDSEC_STEP_SAMPLE);
    w.ops->sample(&w, 0, vitals_next(&source, 0.05));
    expect(0, 0, MEDSEC_STEP_WAIT);
    assert_int_equal(counts().skipped, 1);
    expect_frame(50);
}

static void test_poll_skips_what_is_more_than_a_second_late(void **state)
{
    (void)state;
    connect_at(0);
    expect_frame(1000);
    assert_int_equal(counts().skipped, 0);
    expect(2051, sizeof(out), MEDSEC_STEP_SAMPLE);
    assert_int_equal(counts().skipped, 40);
    w.ops->sample(&w, 2051, vitals_next(&source, 0.05));
    expect(2051, sizeof(out), MEDSEC_STEP_SEND);
    expect(2051, sizeof(out), MEDSEC_STEP_WAIT);
    assert_int_equal(step.until_ms, 2100);
}

static void test_finish_closes_at_once(void **state)
{
    (void)state;
    connect_at(0);
    w.finishing = true;
    assert_true(w.ops->done(&w));
    expect(0, sizeof(out), MEDSEC_STEP_CLOSE);
}

static void test_find_goes_by_choice_and_credential(void **state)
{
    const medsec_credential seed = {.wire = MEDSEC_WIRE_SEED};
    const medsec_credential medsec1 = {.wire = MEDSEC_WIRE_MEDSEC1};
    (void)state;

    assert_ptr_equal(wire_find(WIRE_AUTO, &seed), &wire_seed_ops);
    assert_ptr_equal(wire_find(WIRE_AUTO, &medsec1), &wire_medsec1_ops);
    assert_ptr_equal(wire_find(WIRE_SEED, &seed), &wire_seed_ops);
    assert_null(wire_find(WIRE_SEED, &medsec1));
    assert_ptr_equal(wire_find(WIRE_SEED_CHAINED, &seed), &wire_seed_chained_ops);
    assert_null(wire_find(WIRE_SEED_CHAINED, &medsec1));
    assert_null(wire_find(WIRE_MEDSEC1, &seed));
    assert_ptr_equal(wire_find(WIRE_MEDSEC1, &medsec1), &wire_medsec1_ops);
}

static void test_replay_sends_all_and_closes(void **state)
{
    static char recording[10000];
    const wire_setup setup = {.set = &set, .replay = recording, .replay_len = sizeof(recording)};
    static uint8_t room[4096];
    size_t sent = 0;
    wire replay;
    (void)state;

    for (size_t i = 0; i < sizeof(recording); i++) {
        recording[i] = (char)(i * 7);
    }
    assert_int_equal(wire_open(&replay, &wire_replay_ops, &setup, NULL), MEDSEC_OK);
    replay.ops->poll(&replay, 0, NULL, 0, &step);
    assert_int_equal(step.type, MEDSEC_STEP_CONNECT);
    replay.ops->connected(&replay, 0);
    while (sent < sizeof(recording)) {
        assert_false(replay.ops->done(&replay));
        replay.ops->poll(&replay, 0, NULL, 0, &step);
        assert_int_equal(step.type, MEDSEC_STEP_WAIT);
        replay.ops->poll(&replay, 0, room, sizeof(room), &step);
        assert_int_equal(step.type, MEDSEC_STEP_SEND);
        assert_memory_equal(room, recording + sent, step.len);
        sent += step.len;
    }
    assert_true(replay.ops->done(&replay));
    replay.ops->poll(&replay, 0, room, sizeof(room), &step);
    assert_int_equal(step.type, MEDSEC_STEP_CLOSE);
    wire_close(&replay);
}

static void test_replay_ends_with_its_connection(void **state)
{
    const wire_setup setup = {.set = &set, .replay = "recorded", .replay_len = 8};
    wire replay;
    (void)state;

    assert_int_equal(wire_open(&replay, &wire_replay_ops, &setup, NULL), MEDSEC_OK);
    replay.ops->poll(&replay, 0, NULL, 0, &step);
    replay.ops->disconnected(&replay, 0, 0);
    assert_false(replay.ops->done(&replay)); /* it was refused, and comes again */
    replay.ops->poll(&replay, 1000, NULL, 0, &step);
    assert_int_equal(step.type, MEDSEC_STEP_CONNECT);
    replay.ops->connected(&replay, 1000);
    replay.ops->disconnected(&replay, 1000, 0);
    assert_true(replay.ops->done(&replay));
    wire_close(&replay);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_poll_sends_at_its_pace_until_the_count, begin, end),
        cmocka_unit_test_setup_teardown(test_poll_makes_again_what_was_lost_unsent, begin, end),
        cmocka_unit_test_setup_teardown(test_poll_skips_a_reading_without_room, begin, end),
        cmocka_unit_test_setup_teardown(test_poll_skips_what_is_more_than_a_second_late, begin,
                                        end),
        cmocka_unit_test_setup_teardown(test_finish_closes_at_once, begin, end),
        cmocka_unit_test(test_find_goes_by_choice_and_credential),
        cmocka_unit_test(test_replay_sends_all_and_closes),
        cmocka_unit_test(test_replay_ends_with_its_connection),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
