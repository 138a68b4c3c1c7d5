/* SPDX-License-Identifier: Apache-2.0 */
/* Who may connect, and what those may ask for who have proved nothing yet. */
#include "gate.h"
#include "unit.h"
#include "v1_gateway_fixture.h"

#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>
#include <uv.h>

#define QUIET_MS 100u

static void start_device(v1_fixture *f, v1_client *c, unsigned number)
{
    v1_client_make(f, c, number);
    v1_client_connect(f, c);
    v1_client_readings(c, 1);
    v1_expect(f, "Pico/dev-", "\"seq\":0,");
}

static uint64_t cpu_ms(void)
{
    struct timespec t;
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
    return (uint64_t)t.tv_sec * 1000 + (uint64_t)t.tv_nsec / 1000000;
}

typedef struct effort {
    uint64_t wall_ms;
    uint64_t cpu_ms;
} effort;

static effort effort_now(void)
{
    return (effort){uv_hrtime() / 1000000, cpu_ms()};
}

/* Tenths of a core that this process had since then. */
static uint64_t tenths_since(effort begin)
{
    const effort now = effort_now();
    return (now.cpu_ms - begin.cpu_ms) * 10 / (now.wall_ms - begin.wall_ms + 1);
}

static uint64_t answered(const v1_fixture *f)
{
    return v1_stats(f).welcomes + v1_stats(f).rejected[-MEDSEC_ERR_BUSY];
}

static void wait_answered(const v1_fixture *f, uint64_t count)
{
    for (unsigned i = 0; i < V1_WAIT_MS / 10 && answered(f) < count; i++) {
        uv_sleep(10);
    }
    assert_int_equal(answered(f), count);
}

/* A genuine HELLO, recorded: each costs the gateway as much as a device does. All at once they wait
 * their turn, and leave most of the time to those who are connected, on a machine of any speed. */
static void test_recorded_hellos_are_bounded_by_their_work(void **state)
{
    enum { REPEATS = 600 };
    v1_fixture *f = *state;
    v1_client device, replay;
    uint8_t hello[MEDSEC_HELLO_LEN];
    static int fds[REPEATS];
    v1_raise_descriptors();
    f->options.threads = 1;
    f->options.identify_timeout_ms = V1_WAIT_MS;
    v1_start(f);
    start_device(f, &device, 1);
    v1_client_make(f, &replay, 2);
    v1_hello(&replay.device, hello, &replay.secrets, replay.suite, "recorded");
    for (unsigned i = 0; i < REPEATS; i++) {
        v1_client_open(f, &replay);
        fds[i] = replay.fd;
    }
    v1_expect_count(f, accepted, REPEATS + 1);
    const effort begin = effort_now();
    for (unsigned i = 0; i < REPEATS; i++) {
        assert_int_equal(send(fds[i], hello, sizeof hello, MSG_NOSIGNAL), sizeof hello);
    }
    held_report_all(f->publisher);
    v1_client_expect_ack(&device, 0);
    wait_answered(f, REPEATS + 1);
    assert_true(tenths_since(begin) < 6);
    for (unsigned i = 0; i < REPEATS; i++) {
        close(fds[i]);
    }
    v1_client_connect(f, &replay);
    v1_client_close(&replay);
    v1_client_close(&device);
}

/* Whoever waits in vain for its turn is told so. */
static void test_turn_that_does_not_come_is_an_end(void **state)
{
    enum { REPEATS = 600 };
    v1_fixture *f = *state;
    v1_client replay;
    uint8_t hello[MEDSEC_HELLO_LEN];
    static int fds[REPEATS];
    v1_raise_descriptors();
    gate_set_budget(GATE_USED_UP);
    f->options.threads = 1;
    f->options.identify_timeout_ms = 200;
    v1_start(f);
    v1_client_make(f, &replay, 2);
    v1_hello(&replay.device, hello, &replay.secrets, replay.suite, "recorded");
    for (unsigned i = 0; i < REPEATS; i++) {
        v1_client_open(f, &replay);
        fds[i] = replay.fd;
        (void)send(fds[i], hello, sizeof hello, MSG_NOSIGNAL); /* it may come too late already */
    }
    v1_expect_count(f, accepted, REPEATS);
    v1_expect_count(f, connections, 0);
    const medsec_gateway_stats stats = v1_stats(f);
    assert_true(stats.queued > 0);
    assert_int_equal(stats.rejected[-MEDSEC_ERR_BUSY], stats.queued);
    assert_int_equal(stats.rejected[-MEDSEC_ERR_TIMEOUT], REPEATS - stats.queued);
    assert_int_equal(stats.welcomes, 0);
    for (unsigned i = 0; i < REPEATS; i++) {
        close(fds[i]);
    }
}

static void send_all(const int fds[], unsigned count, const uint8_t *data, size_t len)
{
    for (unsigned i = 0; i < count; i++) {
        assert_int_equal(send(fds[i], data, len, MSG_NOSIGNAL), len);
    }
}

/* Nobody has a turn until there is a budget; `hello` is a recorded one of `replay`. */
static void start_without_budget(v1_fixture *f, v1_client *replay, uint8_t hello[MEDSEC_HELLO_LEN])
{
    gate_set_budget(GATE_USED_UP);
    f->options.threads = 1;
    f->options.identify_timeout_ms = 4 * V1_WAIT_MS;
    v1_start(f);
    v1_client_make(f, replay, 2);
    v1_hello(&replay->device, hello, &replay->secrets, replay->suite, "recorded");
}

/* Whoever queues with one byte of a HELLO queues again for the rest: turns cannot be saved up, and
 * all be taken at once. */
static void test_turn_is_for_what_is_there(void **state)
{
    enum { SLOW = 100 };
    v1_fixture *f = *state;
    v1_client replay;
    uint8_t hello[MEDSEC_HELLO_LEN];
    static int slow[SLOW], last[1];
    start_without_budget(f, &replay, hello);
    v1_client_flood(f, &replay, slow, SLOW, hello, 1);
    v1_expect_count(f, queued, SLOW);
    v1_client_flood(f, &replay, last, 1, hello, sizeof hello);
    v1_expect_count(f, queued, SLOW + 1);
    gate_set_budget(GATE_UNLIMITED);
    wait_answered(f, 1); /* those before had their turn */
    gate_set_budget(GATE_USED_UP);
    send_all(slow, SLOW, hello + 1, sizeof hello - 1);
    v1_expect_count(f, queued, 2 * SLOW + 1);
    assert_int_equal(answered(f), 1);
    gate_set_budget(GATE_UNLIMITED);
    wait_answered(f, 1 + SLOW);
    for (unsigned i = 0; i < SLOW; i++) {
        close(slow[i]);
    }
    close(last[0]);
}

/* Its HELLO is not worth an answer any more. */
static void test_who_left_its_turn_costs_nothing(void **state)
{
    enum { LEFT = 20 };
    v1_fixture *f = *state;
    v1_client replay;
    uint8_t hello[MEDSEC_HELLO_LEN];
    static int left[LEFT], stays[1];
    start_without_budget(f, &replay, hello);
    v1_client_flood(f, &replay, left, LEFT, hello, sizeof hello);
    v1_client_flood(f, &replay, stays, 1, hello, sizeof hello);
    v1_expect_count(f, queued, LEFT + 1);
    for (unsigned i = 0; i < LEFT; i++) {
        close(left[i]);
    }
    gate_set_budget(GATE_UNLIMITED);
    v1_expect_count(f, connections, 1);
    v1_expect_count(f, welcomes, 1);
    close(stays[0]);
}

static void test_oldest_half_open_connection_gives_way(void **state)
{
    v1_fixture *f = *state;
    v1_client device, half[6];
    f->options.threads = 1;
    f->options.max_half_open = 4;
    v1_start(f);
    start_device(f, &device, 1);
    for (unsigned i = 0; i < 6; i++) {
        v1_client_make(f, &half[i], 2);
        if (i == 1) {
            v1_client_connect(f, &half[i]); /* a WELCOME makes no device of it */
        } else {
            v1_client_open(f, &half[i]);
        }
        v1_expect_count(f, accepted, i + 2);
    }
    v1_expect_count(f, half_open_evicted, 2);
    v1_client_expect_end(&half[0], V1_WAIT_MS);
    v1_client_expect_end(&half[1], V1_WAIT_MS);
    v1_client_expect_silence(&half[2], QUIET_MS);
    assert_int_equal(v1_stats(f).half_open, 4);
    held_report_all(f->publisher);
    v1_client_expect_ack(&device, 0);
    for (unsigned i = 0; i < 6; i++) {
        v1_client_close(&half[i]);
    }
    v1_expect_count(f, half_open, 0);
    v1_client_close(&device);
}

/* Paused before it was a device: it gives way like any other. */
static void test_held_connections_give_way(void **state)
{
    v1_fixture *f = *state;
    v1_client half[3];
    f->options.threads = 1;
    f->options.max_half_open = 2;
    v1_start(f);
    held_press(f->publisher, true);
    for (unsigned i = 0; i < 3; i++) {
        v1_client_make(f, &half[i], 1);
        v1_client_open(f, &half[i]);
        v1_client_send(&half[i], (const uint8_t *)"\xA1", 1);
        v1_expect_count(f, paused, i + 1);
    }
    v1_expect_count(f, half_open_evicted, 1);
    v1_client_expect_end(&half[0], V1_WAIT_MS);
    assert_int_equal(v1_stats(f).half_open, 2);
    for (unsigned i = 0; i < 3; i++) {
        v1_client_close(&half[i]);
    }
}

/* Whoever said something is younger than who did not. */
static void test_order_of_giving_way_is_that_of_the_last_move(void **state)
{
    v1_fixture *f = *state;
    v1_client half[3];
    f->options.threads = 1;
    f->options.max_half_open = 2;
    v1_start(f);
    held_press(f->publisher, true);
    for (unsigned i = 0; i < 3; i++) {
        v1_client_make(f, &half[i], 1);
        v1_client_open(f, &half[i]);
        v1_expect_count(f, accepted, i + 1);
        if (i == 1) {
            v1_client_send(&half[0], (const uint8_t *)"\xA1", 1);
            v1_expect_count(f, paused, 1);
        }
    }
    v1_client_expect_end(&half[1], V1_WAIT_MS);
    v1_client_expect_silence(&half[0], QUIET_MS);
    for (unsigned i = 0; i < 3; i++) {
        v1_client_close(&half[i]);
    }
}

static void test_source_that_connects_too_often_is_refused(void **state)
{
    v1_fixture *f = *state;
    v1_client c[5];
    gate_stop_time();
    f->options.source_rate = 1;
    f->options.source_burst = 3;
    v1_start(f);
    for (unsigned i = 0; i < 5; i++) {
        v1_client_make(f, &c[i], 1);
        v1_client_open(f, &c[i]);
    }
    v1_expect_count(f, source_limited, 2);
    v1_expect_count(f, accepted, 3);
    assert_int_equal(v1_stats(f).rejected[-MEDSEC_ERR_FLOOD], 2);
    gate_pass_ms(1000);
    v1_client late;
    v1_client_make(f, &late, 1);
    v1_client_connect(f, &late);
    for (unsigned i = 0; i < 5; i++) {
        v1_client_close(&c[i]);
    }
    v1_client_close(&late);
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
        CASE(test_recorded_hellos_are_bounded_by_their_work),
        CASE(test_turn_that_does_not_come_is_an_end),
        CASE(test_turn_is_for_what_is_there),
        CASE(test_who_left_its_turn_costs_nothing),
        CASE(test_oldest_half_open_connection_gives_way),
        CASE(test_held_connections_give_way),
        CASE(test_order_of_giving_way_is_that_of_the_last_move),
        CASE(test_source_that_connects_too_often_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
