/* SPDX-License-Identifier: Apache-2.0 */
/* Strangers, and newcomers from where a device proved itself before. */
#include "gate.h"
#include "gateway/turn.h"
#include "unit.h"
#include "v1_gateway_fixture.h"

#include <sys/socket.h>
#include <unistd.h>
#include <uv.h>

#define KNOWN "127.0.0.2"
#define QUIET_MS 100u

/* A device proves itself from there, and leaves. */
static void make_known(v1_fixture *f, const char *source)
{
    v1_client device;
    v1_client_make(f, &device, 1);
    v1_client_come_from(f, &device, source);
    v1_client_connect(f, &device);
    v1_client_readings(&device, 1);
    v1_expect(f, "Pico/dev-1", "\"seq\":0,");
    v1_client_close(&device);
    v1_expect(f, "Pico/dev-1/Status {\"status\":\"offline\"", "");
    v1_expect_count(f, connections, 0);
}

/* Many HELLOs wait, then one frame of a seed device does: not for all of them. The loop is held
 * where it publishes that frame, to see who had a turn before. */
static void expect_turn_among(v1_fixture *f, const char *many, const char *one)
{
    enum { REPEATS = 200 };
    v1_client replay, late;
    uint8_t hello[MEDSEC_HELLO_LEN];
    static int fds[REPEATS];
    f->options.threads = 1;
    f->options.source_rate = f->options.source_burst = 2 * REPEATS;
    f->options.identify_timeout_ms = 4 * V1_WAIT_MS;
    v1_seed_add(f);
    v1_start(f);
    make_known(f, KNOWN);
    gate_set_budget(GATE_USED_UP);
    v1_client_make(f, &replay, 2);
    v1_client_make(f, &late, 1);
    v1_client_come_from(f, &replay, many);
    v1_client_come_from(f, &late, one);
    v1_hello(&replay.device, hello, &replay.secrets, replay.suite, "recorded");
    v1_client_flood(f, &replay, fds, REPEATS, hello, sizeof hello);
    v1_expect_count(f, queued, REPEATS);
    v1_client_open(f, &late);
    v1_seed_readings(&late, 1);
    v1_expect_count(f, queued, REPEATS + 1);
    const uint64_t welcomes = v1_stats(f).welcomes;
    held_block(f->publisher);
    gate_set_budget(GATE_UNLIMITED);
    held_wait_blocked(f->publisher);
    assert_true(v1_stats(f).welcomes - welcomes <= MEDSEC__TURNS_AT_ONCE);
    held_unblock(f->publisher);
    v1_expect_count(f, welcomes, welcomes + REPEATS); /* the others have theirs too */
    v1_client_close(&late);
    for (unsigned i = 0; i < REPEATS; i++) {
        close(fds[i]);
    }
}

static void test_returned_device_is_served_first(void **state)
{
    expect_turn_among(*state, "127.0.0.1", KNOWN);
}

static void test_new_device_has_a_turn_among_returned_ones(void **state)
{
    expect_turn_among(*state, KNOWN, "127.0.0.1");
}

static void test_returned_device_behind_a_balancer_is_served_first(void **state)
{
    v1_fixture *f = *state;
    f->options.proxy_protocol = "127.0.0.1";
    expect_turn_among(f, "192.0.2.1", KNOWN);
}

static void test_new_device_behind_a_balancer_has_a_turn(void **state)
{
    v1_fixture *f = *state;
    f->options.proxy_protocol = "127.0.0.1";
    expect_turn_among(f, KNOWN, "192.0.2.1");
}

static void open_from(v1_fixture *f, v1_client *c, const char *source)
{
    const uint64_t accepted = v1_stats(f).accepted;
    v1_client_make(f, c, 2);
    c->source = source;
    v1_client_open(f, c);
    v1_expect_count(f, accepted, accepted + 1);
}

/* And leave a place to strangers. */
static void test_returned_device_gives_way_last(void **state)
{
    v1_fixture *f = *state;
    v1_client known[5], stranger[5];
    f->options.threads = 1;
    f->options.max_half_open = 4;
    v1_start(f);
    make_known(f, KNOWN);
    open_from(f, &known[0], KNOWN);
    for (unsigned i = 0; i < 5; i++) {
        open_from(f, &stranger[i], NULL);
    }
    v1_client_expect_end(&stranger[0], V1_WAIT_MS);
    v1_client_expect_end(&stranger[1], V1_WAIT_MS);
    v1_client_expect_silence(&known[0], QUIET_MS);
    for (unsigned i = 1; i < 5; i++) {
        open_from(f, &known[i], KNOWN);
    }
    v1_client_expect_end(&known[0], V1_WAIT_MS);
    v1_client_expect_end(&known[1], V1_WAIT_MS);
    v1_client_expect_silence(&stranger[4], QUIET_MS);
    assert_int_equal(v1_stats(f).half_open, 4);
    for (unsigned i = 0; i < 5; i++) {
        v1_client_close(&known[i]);
        v1_client_close(&stranger[i]);
    }
}

/* Neither a HELLO nor a seed stream: both may be a recording. */
static void test_recording_makes_no_address_known(void **state)
{
    v1_fixture *f = *state;
    v1_client c, half[4];
    f->options.threads = 1;
    f->options.max_half_open = 2;
    v1_seed_add(f);
    v1_start(f);
    open_from(f, &c, "127.0.0.3");
    v1_seed_readings(&c, 1);
    v1_expect_count(f, identified, 1);
    v1_client_close(&c);
    v1_client_make(f, &c, 1);
    c.source = "127.0.0.4";
    v1_client_connect(f, &c);
    v1_client_close(&c);
    v1_expect_count(f, connections, 0);
    open_from(f, &half[0], "127.0.0.3");
    open_from(f, &half[1], "127.0.0.4");
    open_from(f, &half[2], NULL);
    open_from(f, &half[3], NULL);
    v1_client_expect_end(&half[0], V1_WAIT_MS);
    v1_client_expect_end(&half[1], V1_WAIT_MS);
    for (unsigned i = 0; i < 4; i++) {
        v1_client_close(&half[i]);
    }
}

/* They are not kept waiting for ever either. */
static void test_turn_of_a_returned_device_that_does_not_come(void **state)
{
    enum { REPEATS = 600 };
    v1_fixture *f = *state;
    v1_client replay;
    uint8_t hello[MEDSEC_HELLO_LEN];
    static int fds[REPEATS];
    v1_raise_descriptors();
    f->options.threads = 1;
    f->options.identify_timeout_ms = 1000;
    v1_start(f);
    make_known(f, KNOWN);
    gate_set_budget(GATE_USED_UP);
    const uint64_t welcomes = v1_stats(f).welcomes;
    v1_client_make(f, &replay, 2);
    replay.source = KNOWN;
    v1_hello(&replay.device, hello, &replay.secrets, replay.suite, "recorded");
    for (unsigned i = 0; i < REPEATS; i++) {
        v1_client_open(f, &replay);
        fds[i] = replay.fd;
        (void)send(fds[i], hello, sizeof hello, MSG_NOSIGNAL); /* some are told to go by then */
    }
    v1_expect_count(f, accepted, REPEATS + 1);
    v1_expect_count(f, connections, 0);
    const medsec_gateway_stats stats = v1_stats(f);
    assert_true(stats.queued > 0);
    assert_int_equal(stats.rejected[-MEDSEC_ERR_BUSY], stats.queued);
    assert_int_equal(stats.rejected[-MEDSEC_ERR_TIMEOUT], REPEATS - stats.queued);
    assert_int_equal(stats.welcomes, welcomes);
    for (unsigned i = 0; i < REPEATS; i++) {
        close(fds[i]);
    }
}

static int teardown(void **state)
{
    gate_reset();
    return v1_fixture_teardown(state);
}

int main(void)
{
#define CASE(name) cmocka_unit_test_setup_teardown(name, v1_fixture_setup, teardown)
    const struct CMUnitTest tests[] = {
        CASE(test_returned_device_is_served_first),
        CASE(test_new_device_has_a_turn_among_returned_ones),
        CASE(test_returned_device_behind_a_balancer_is_served_first),
        CASE(test_new_device_behind_a_balancer_has_a_turn),
        CASE(test_returned_device_gives_way_last),
        CASE(test_recording_makes_no_address_known),
        CASE(test_turn_of_a_returned_device_that_does_not_come),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
