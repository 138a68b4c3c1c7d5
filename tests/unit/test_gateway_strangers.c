/* SPDX-License-Identifier: Apache-2.0 */
/* Who may connect, and what those may ask for who have proved nothing yet. */
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
    f->options.identify_timeout_ms = 3000;
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
    for (unsigned i = 0; i < V1_WAIT_MS / 10 && answered(f) < REPEATS + 1; i++) {
        uv_sleep(10);
    }
    assert_int_equal(answered(f), REPEATS + 1);
    assert_true(tenths_since(begin) < 6);
    for (unsigned i = 0; i < REPEATS; i++) {
        close(fds[i]);
    }
    v1_client_connect(f, &replay);
    v1_client_close(&replay);
    v1_client_close(&device);
}

/* Whoever waits in vain for its turn is told so; who left meanwhile costs nothing. */
static void test_turn_that_does_not_come_is_an_end(void **state)
{
    enum { REPEATS = 600 };
    v1_fixture *f = *state;
    v1_client replay;
    uint8_t hello[MEDSEC_HELLO_LEN];
    static int fds[REPEATS];
    v1_raise_descriptors();
    f->options.threads = 1;
    f->options.identify_timeout_ms = 200;
    v1_start(f);
    v1_client_make(f, &replay, 2);
    v1_hello(&replay.device, hello, &replay.secrets, replay.suite, "recorded");
    for (unsigned i = 0; i < REPEATS; i++) {
        v1_client_open(f, &replay);
        fds[i] = replay.fd;
        assert_int_equal(send(fds[i], hello, sizeof hello, MSG_NOSIGNAL), sizeof hello);
    }
    v1_expect_count(f, accepted, REPEATS);
    v1_expect_count(f, connections, 0);
    const medsec_gateway_stats stats = v1_stats(f);
    assert_int_equal(stats.rejected[-MEDSEC_ERR_BUSY] + stats.rejected[-MEDSEC_ERR_TIMEOUT],
                     REPEATS);
    for (unsigned i = 0; i < REPEATS; i++) {
        close(fds[i]);
    }
}

static void wait_answered(const v1_fixture *f, uint64_t count)
{
    for (unsigned i = 0; i < 4 * V1_WAIT_MS / 10 && answered(f) < count; i++) {
        uv_sleep(10);
    }
    assert_int_equal(answered(f), count);
}

/* Whoever queues with one byte of a HELLO queues again for the rest: turns cannot be saved up, and
 * all be taken at once. */
static void test_turn_is_for_what_is_there(void **state)
{
    enum { BEFORE = 300, SLOW = 600 };
    v1_fixture *f = *state;
    v1_client replay;
    uint8_t hello[MEDSEC_HELLO_LEN];
    static int before[BEFORE], slow[SLOW], last[1];
    v1_raise_descriptors();
    f->options.threads = 1;
    f->options.identify_timeout_ms = 4 * V1_WAIT_MS;
    v1_start(f);
    v1_client_make(f, &replay, 2);
    v1_hello(&replay.device, hello, &replay.secrets, replay.suite, "recorded");
    v1_client_flood(f, &replay, slow, SLOW, hello, 0);
    v1_client_flood(f, &replay, before, BEFORE, hello, sizeof hello);
    for (unsigned i = 0; i < SLOW; i++) {
        assert_int_equal(send(slow[i], hello, 1, MSG_NOSIGNAL), 1);
    }
    v1_client_flood(f, &replay, last, 1, hello, sizeof hello);
    wait_answered(f, BEFORE + 1); /* those between had their turn */
    const uint64_t queued = v1_stats(f).queued;
    for (unsigned i = 0; i < SLOW; i++) {
        assert_int_equal(send(slow[i], hello + 1, sizeof hello - 1, MSG_NOSIGNAL),
                         sizeof hello - 1);
    }
    wait_answered(f, BEFORE + 1 + SLOW);
    assert_true(v1_stats(f).queued > queued + SLOW / 6);
    for (unsigned i = 0; i < SLOW; i++) {
        close(slow[i]);
    }
    for (unsigned i = 0; i < BEFORE; i++) {
        close(before[i]);
    }
    close(last[0]);
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
    uv_sleep(1100);
    v1_client late;
    v1_client_make(f, &late, 1);
    v1_client_connect(f, &late);
    for (unsigned i = 0; i < 5; i++) {
        v1_client_close(&c[i]);
    }
    v1_client_close(&late);
}

int main(void)
{
#define CASE(name) cmocka_unit_test_setup_teardown(name, v1_fixture_setup, v1_fixture_teardown)
    const struct CMUnitTest tests[] = {
        CASE(test_recorded_hellos_are_bounded_by_their_work),
        CASE(test_turn_that_does_not_come_is_an_end),
        CASE(test_turn_is_for_what_is_there),
        CASE(test_oldest_half_open_connection_gives_way),
        CASE(test_held_connections_give_way),
        CASE(test_order_of_giving_way_is_that_of_the_last_move),
        CASE(test_source_that_connects_too_often_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
