/* SPDX-License-Identifier: Apache-2.0 */
#include "unit.h"

#include "v1_gateway.h"
#include "vitals.h"
#include "wire.h"

#include <stdlib.h>
#include <string.h>
#include <uv.h>

#define RING 50u
#define BOOT 7u
#define UTC_MS 1790000000000u

static settings set;
static histogram latency;
static v1_keys keys;
static v1_gateway gateway;
static wire w;
static uint8_t out[MEDSEC_DEVICE_OUT_LEN];
static medsec_step step;
static pulse_beat beat;
static vitals source;
static uint64_t now_ms;
static uint64_t clock_us;

/* In front of libuv's, by which latency is measured: it goes on as the test says. */
uint64_t uv_hrtime(void)
{
    return clock_us * 1000u;
}

static int begin(void **state)
{
    const wire_setup setup = {.set = &set, .latency = &latency, .boot = BOOT};
    medsec_credential credential;
    (void)state;

    set = (settings){.rate_hz = 20,
                     .batch = 10,
                     .report_ms = 1000,
                     .ring = RING,
                     .wait_ms = 5000,
                     .coalesce = 1};
    latency = (histogram){.count = 0};
    now_ms = 0;
    pulse_beat_init(&beat);
    vitals_init(&source, VITALS_PSEUDO, &beat, 72, 1);
    if (v1_keys_make(&keys, 1, MEDSEC_SUITE_A128CBC_HS256) != MEDSEC_OK) {
        return -1;
    }
    v1_credential(&credential, &keys);
    gateway = (v1_gateway){.keys = &keys, .seed = 2};
    return wire_open(&w, &wire_medsec1_ops, &setup, &credential) == MEDSEC_OK ? 0 : -1;
}

static int end(void **state)
{
    (void)state;
    wire_close(&w);
    return 0;
}

static void say(const medsec_control *control)
{
    uint8_t record[MEDSEC_RECORD_LEN_MAX];
    const size_t len = v1_gateway_say(&gateway, record, control);

    assert_true(len > 0);
    w.ops->receive(&w, now_ms, record, len);
}

static void acknowledge(uint32_t sequence)
{
    say(&(medsec_control){.kind = MEDSEC_KIND_ACK, .body.ack = {BOOT, sequence}});
}

static void answer_hello(void)
{
    uint8_t welcome[MEDSEC_WELCOME_LEN];

    assert_int_equal(v1_gateway_welcome(&gateway, out, step.len, UTC_MS, welcome), MEDSEC_OK);
    w.ops->receive(&w, now_ms, welcome, sizeof(welcome));
}

static void poll_with(size_t cap)
{
    w.ops->poll(&w, now_ms, out, cap, &step);
    if (step.type == MEDSEC_STEP_SAMPLE) {
        w.ops->sample(&w, now_ms, vitals_next(&source, w.ops->step_s(&w, now_ms)));
    }
}

/* Lets time pass, and takes readings, up to a step of that type. */
static void run_to(medsec_step_type type)
{
    do {
        poll_with(sizeof(out));
        if (step.type == MEDSEC_STEP_WAIT && type != MEDSEC_STEP_WAIT) {
            assert_true(step.until_ms < UINT64_MAX);
            now_ms = step.until_ms;
        }
    } while (step.type == MEDSEC_STEP_WAIT ? type != step.type : step.type == MEDSEC_STEP_SAMPLE);
    assert_int_equal(step.type, type);
}

static void connect_session(void)
{
    run_to(MEDSEC_STEP_CONNECT);
    w.ops->connected(&w, now_ms);
    run_to(MEDSEC_STEP_SEND);
    assert_int_equal(step.len, MEDSEC_HELLO_LEN);
    answer_hello();
}

static void expect_message(medsec_kind kind)
{
    medsec_kind found = MEDSEC_KIND_CLOSE;
    uint8_t *message = NULL;
    size_t len = 0;

    run_to(MEDSEC_STEP_SEND);
    assert_int_equal(v1_gateway_open(&gateway, out, step.len, &found, &message, &len), MEDSEC_OK);
    assert_int_equal(found, kind);
}

static wire_counts counts(void)
{
    wire_counts sum = {.sampled = 0};

    w.ops->add_counts(&w, &sum);
    return sum;
}

static void test_readings_go_out_and_are_acknowledged(void **state)
{
    (void)state;
    connect_session();
    assert_int_equal(gateway.boot, BOOT);
    expect_message(MEDSEC_KIND_READINGS);
    assert_int_equal(counts().sampled, 1);
    acknowledge(0);
    expect_message(MEDSEC_KIND_READINGS);
    assert_int_equal(counts().sampled, 11);
    acknowledge(10);
    assert_int_equal(counts().acknowledged, 11);
    assert_int_equal(counts().pending, 0);
    assert_int_equal(counts().sessions, 1);
    assert_int_equal(latency.count, 11);
}

static void test_latency_is_from_sampling_to_acknowledgement(void **state)
{
    (void)state;
    connect_session();
    expect_message(MEDSEC_KIND_READINGS);
    clock_us += 30000;
    expect_message(MEDSEC_KIND_READINGS);
    acknowledge(10);
    assert_int_equal(latency.count, 11);
    assert_int_equal(latency.max, 30000);
    assert_true(histogram_quantile(&latency, 0.5) < 30000); /* ten were measured after the sleep */
}

/* What was pushed out of the ring has no latency, and does not give its time to another. */
static void test_latency_leaves_out_what_was_dropped(void **state)
{
    (void)state;
    run_to(MEDSEC_STEP_CONNECT);
    clock_us += 30000; /* the first reading is that much older than the others */
    while (counts().sampled < RING + 5) {
        poll_with(0);
        now_ms += 10;
    }
    assert_int_equal(counts().dropped, 5);
    w.ops->disconnected(&w, now_ms, 0);
    connect_session();
    for (uint32_t sent = 0; sent < RING; sent += 10) {
        expect_message(MEDSEC_KIND_READINGS);
    }
    acknowledge(RING + 4);
    const wire_counts sum = counts();
    assert_int_equal(sum.acknowledged, sum.sampled - sum.dropped - sum.pending);
    assert_true(sum.acknowledged > 0);
    assert_int_equal(latency.count, sum.acknowledged);
    assert_true(latency.max < 30000);
}

/* The times of those that remain stay with them. */
static void test_latency_follows_the_ring_when_it_drops(void **state)
{
    (void)state;
    run_to(MEDSEC_STEP_CONNECT);
    while (counts().sampled < RING) {
        poll_with(0);
        now_ms += 10;
    }
    clock_us += 30000;
    while (counts().sampled < RING + 5) {
        poll_with(0);
        now_ms += 10;
    }
    w.ops->disconnected(&w, now_ms, 0);
    connect_session();
    expect_message(MEDSEC_KIND_READINGS);
    acknowledge((uint32_t)counts().dropped + 9);
    assert_int_equal(latency.count, 10);
    assert_true(histogram_quantile(&latency, 0) >= 30000);
}

static void test_lost_connection_sends_again(void **state)
{
    (void)state;
    connect_session();
    expect_message(MEDSEC_KIND_READINGS);
    w.ops->disconnected(&w, now_ms, 1);
    connect_session();
    expect_message(MEDSEC_KIND_READINGS);
    assert_true(counts().resent >= 1);
    assert_int_equal(counts().acknowledged, 0);
    assert_int_equal(counts().sessions, 2);
}

static void test_count_ends_it_when_all_is_acknowledged(void **state)
{
    (void)state;
    w.on.medsec1.count = 3;
    connect_session();
    while (counts().sampled < 3) {
        run_to(MEDSEC_STEP_SEND);
        assert_false(w.ops->done(&w));
    }
    run_to(MEDSEC_STEP_WAIT);
    assert_false(w.ops->done(&w));
    w.ops->disconnected(&w, now_ms, 0);
    gateway = (v1_gateway){.keys = &keys, .seed = 3};
    connect_session();
    expect_message(MEDSEC_KIND_READINGS);
    assert_false(w.ops->done(&w));
    acknowledge(2);
    assert_true(w.ops->done(&w));
    expect_message(MEDSEC_KIND_CLOSE);
    run_to(MEDSEC_STEP_CLOSE);
    w.ops->disconnected(&w, now_ms, 0);
    run_to(MEDSEC_STEP_WAIT);
    assert_int_equal(step.until_ms, UINT64_MAX);
    assert_int_equal(counts().sampled, 3);
}

static void expect_to_give_up_at(uint64_t end_ms)
{
    run_to(MEDSEC_STEP_WAIT);
    assert_int_equal(step.until_ms, end_ms);
    assert_false(w.ops->done(&w));
    now_ms = end_ms;
    run_to(MEDSEC_STEP_CLOSE);
    assert_true(w.ops->done(&w));
    assert_true(counts().pending > 0);
    w.ops->disconnected(&w, now_ms, 0);
}

static void test_finish_waits_for_acknowledgements_no_longer_than_asked(void **state)
{
    (void)state;
    connect_session();
    expect_message(MEDSEC_KIND_READINGS);
    w.finishing = true;
    expect_to_give_up_at(now_ms + 5000);
}

static void test_finish_gives_up_without_a_connection(void **state)
{
    (void)state;
    run_to(MEDSEC_STEP_CONNECT);
    w.finishing = true;
    expect_to_give_up_at(now_ms + 5000);
}

static void test_finish_with_nothing_pending_is_done(void **state)
{
    (void)state;
    w.finishing = true;
    assert_true(w.ops->done(&w));
    run_to(MEDSEC_STEP_WAIT);
    assert_int_equal(step.until_ms, UINT64_MAX);
}

/* Late by less than an interval, by two and a half; and after a pause that nothing explains. */
static void test_step_is_on_the_beat(void **state)
{
    (void)state;
    w.on.medsec1.due_ms = 0;
    assert_float_equal(w.ops->step_s(&w, 3), 0, 1e-9);
    assert_float_equal(w.ops->step_s(&w, 53), 0.05, 1e-9);
    const uint64_t due_ms = w.on.medsec1.due_ms = 1000;
    assert_float_equal(w.ops->step_s(&w, due_ms + 50), 0.05, 1e-9);
    assert_float_equal(w.ops->step_s(&w, due_ms + 99), 0.05, 1e-9);
    assert_float_equal(w.ops->step_s(&w, due_ms + 125), 0.1, 1e-9);
    assert_float_equal(w.ops->step_s(&w, due_ms + 30), 0.03, 1e-9);
}

static void test_config_changes_the_pace(void **state)
{
    (void)state;
    connect_session();
    assert_float_equal(w.ops->step_s(&w, w.on.medsec1.due_ms + 50), 0.05, 1e-9);
    expect_message(MEDSEC_KIND_READINGS);
    say(&(medsec_control){.kind = MEDSEC_KIND_CONFIG,
                          .body.config = {.version = 1,
                                          .given = MEDSEC_CONFIG_SAMPLE_INTERVAL,
                                          .sample_interval_ms = 200}});
    assert_float_equal(w.ops->step_s(&w, w.on.medsec1.due_ms + 200), 0.2, 1e-9);
    expect_message(MEDSEC_KIND_CONFIG_ACK);
}

static void test_open_refuses_what_the_device_refuses(void **state)
{
    const wire_setup setup = {.set = &set, .latency = &latency, .boot = BOOT};
    medsec_credential credential;
    wire other;
    (void)state;

    v1_credential(&credential, &keys);
    credential.has_private = false;
    assert_int_equal(wire_open(&other, &wire_medsec1_ops, &setup, &credential),
                     MEDSEC_ERR_ARGUMENT);
    wire_close(&other);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_readings_go_out_and_are_acknowledged, begin, end),
        cmocka_unit_test_setup_teardown(test_latency_is_from_sampling_to_acknowledgement, begin,
                                        end),
        cmocka_unit_test_setup_teardown(test_latency_leaves_out_what_was_dropped, begin, end),
        cmocka_unit_test_setup_teardown(test_latency_follows_the_ring_when_it_drops, begin, end),
        cmocka_unit_test_setup_teardown(test_lost_connection_sends_again, begin, end),
        cmocka_unit_test_setup_teardown(test_count_ends_it_when_all_is_acknowledged, begin, end),
        cmocka_unit_test_setup_teardown(test_finish_waits_for_acknowledgements_no_longer_than_asked,
                                        begin, end),
        cmocka_unit_test_setup_teardown(test_finish_gives_up_without_a_connection, begin, end),
        cmocka_unit_test_setup_teardown(test_finish_with_nothing_pending_is_done, begin, end),
        cmocka_unit_test_setup_teardown(test_step_is_on_the_beat, begin, end),
        cmocka_unit_test_setup_teardown(test_config_changes_the_pace, begin, end),
        cmocka_unit_test_setup_teardown(test_open_refuses_what_the_device_refuses, begin, end),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
