/* SPDX-License-Identifier: Apache-2.0 */
/* The gateway and its publisher: pressure, the link to the broker, what is counted, the end. */
#include "unit.h"
#include "v1_gateway_fixture.h"

#include <stdio.h>
#include <string.h>
#include <uv.h>

#define QUIET_MS 100u

static void start_device(const v1_fixture *f, v1_client *c, unsigned number)
{
    v1_client_make(f, c, number);
    v1_client_connect(f, c);
    v1_client_readings(c, 1);
}

/* The seed device's readings cannot be sent again, and it does not wait. */
static void test_only_readings_of_the_seed_wire_are_droppable(void **state)
{
    v1_fixture *f = *state;
    v1_client seed, c;
    v1_seed_add(f);
    v1_start(f);
    v1_client_make(f, &seed, 1);
    v1_client_open(f, &seed);
    v1_seed_readings(&seed, 1);
    assert_false(v1_expect(f, "Pico/dev-4/Profile", "")->droppable);
    assert_false(v1_expect(f, "Pico/dev-4/Status", "")->droppable);
    assert_true(v1_expect(f, "Pico/dev-4/Physiological_Data/Temperature", "")->droppable);
    assert_true(v1_expect(f, "Pico/dev-4/Internal_Server/Port_address", "")->droppable);
    start_device(f, &c, 1);
    assert_false(v1_expect(f, "Pico/dev-1/Status", "")->droppable);
    assert_false(v1_expect(f, "Pico/dev-1/Physiological_Data/Temperature", "")->droppable);
    assert_false(v1_expect(f, "Pico/dev-1/Reading", "")->droppable);
    v1_client_close(&seed);
    v1_client_close(&c);
}

static void test_pressure_that_is_not_the_seed_wires_leaves_it_alone(void **state)
{
    v1_fixture *f = *state;
    v1_client seed, c;
    v1_seed_add(f);
    v1_start(f);
    start_device(f, &c, 1);
    v1_client_make(f, &seed, 1);
    v1_client_open(f, &seed);
    v1_seed_readings(&seed, 1);
    v1_expect_count(f, readings, 2);
    held_press(f->publisher, true);
    v1_client_readings(&c, 1);
    v1_seed_readings(&seed, 1);
    v1_expect_count(f, paused, 2);
    held_press_kept(f->publisher);
    medsec_publisher *p = f->publisher;
    assert_true(p->ops->pressed(p, false));
    held_relieve(f->publisher);
    v1_expect_count(f, readings, 3);
    uv_sleep(QUIET_MS);
    assert_int_equal(v1_stats(f).readings, 3); /* the seed device's, not the other's */
    v1_seed_readings(&seed, 2);
    v1_expect_count(f, readings, 5);
    assert_int_equal(v1_stats(f).paused, 2);
    held_press(f->publisher, false);
    v1_expect_count(f, readings, 6);
    v1_client_close(&seed);
    v1_client_close(&c);
}

/* As a back end does that works in the loop: nobody else wakes it. */
static void test_pressure_that_ends_in_the_loop_itself_is_noticed(void **state)
{
    v1_fixture *f = *state;
    v1_client seed, c;
    f->options.threads = 1;
    v1_seed_add(f);
    v1_start(f);
    start_device(f, &c, 1);
    v1_client_make(f, &seed, 1);
    v1_client_open(f, &seed);
    v1_seed_readings(&seed, 1);
    v1_expect_count(f, readings, 2);
    held_press_kept(f->publisher);
    v1_client_readings(&c, 1);
    v1_expect_count(f, paused, 1);
    held_relieve_inside(f->publisher);
    v1_seed_readings(&seed, 1);
    v1_expect_count(f, readings, 4);
    v1_client_close(&seed);
    v1_client_close(&c);
}

static size_t count_from(v1_fixture *f, size_t from, const char *begin)
{
    size_t n = 0;
    for (size_t i = from; i < held_count(f->publisher); i++) {
        n += strncmp(held_at(f->publisher, i)->text, begin, strlen(begin)) == 0;
    }
    return n;
}

/* A broker that comes back may have forgotten what it retained. */
static void test_link_that_comes_back_announces_again(void **state)
{
    v1_fixture *f = *state;
    v1_client c[2];
    v1_start(f);
    for (unsigned i = 0; i < 2; i++) {
        start_device(f, &c[i], 1 + i);
    }
    for (unsigned i = 0; i < 2; i++) {
        char begin[32];
        f->seen = 0;
        snprintf(begin, sizeof begin, "Pico/dev-%u/Reading", 1 + i);
        v1_expect(f, begin, "");
    }
    held_link(f->publisher, true); /* the first time: nothing was forgotten */
    uv_sleep(QUIET_MS);
    const size_t before = held_count(f->publisher);
    assert_int_equal(count_from(f, 0, "Pico/dev-1/Status"), 1);
    held_link(f->publisher, false);
    uv_sleep(QUIET_MS);
    assert_int_equal(held_count(f->publisher), before);
    held_press(f->publisher, true);
    held_link(f->publisher, true);
    uv_sleep(QUIET_MS);
    assert_int_equal(held_count(f->publisher), before); /* there is no room */
    held_press(f->publisher, false);
    f->seen = before;
    for (unsigned i = 0; i < 2; i++) {
        char begin[32];
        f->seen = before;
        snprintf(begin, sizeof begin, "Pico/dev-%u/Profile", 1 + i);
        v1_expect(f, begin, "\"vitals\":");
        snprintf(begin, sizeof begin, "Pico/dev-%u/Status", 1 + i);
        v1_expect(f, begin,
                  "\"status\":\"online\",\"wire\":\"medsec/1\",\"authenticated\":true,"
                  "\"sessions\":1,\"reason\":\"broker-back\"");
    }
    uv_sleep(2 * QUIET_MS);
    assert_int_equal(held_count(f->publisher), before + 4);
    v1_client_close(&c[0]);
    v1_client_close(&c[1]);
}

static void test_device_that_left_is_not_announced_again(void **state)
{
    v1_fixture *f = *state;
    v1_client c[2];
    v1_start(f);
    held_link(f->publisher, true);
    for (unsigned i = 0; i < 2; i++) {
        start_device(f, &c[i], 1 + i);
    }
    v1_expect_count(f, readings, 2);
    held_press(f->publisher, true);
    held_link(f->publisher, true);
    uv_sleep(QUIET_MS);
    v1_client_close(&c[0]);
    v1_expect(f, "Pico/dev-1/Status", "\"offline\"");
    const size_t before = f->seen;
    held_press(f->publisher, false);
    v1_expect(f, "Pico/dev-2/Status", "\"reason\":\"broker-back\"");
    assert_int_equal(count_from(f, before, "Pico/dev-1/"), 0);
    v1_client_close(&c[1]);
}

/* How many took longer than this bound. */
static uint64_t slower(const medsec_gateway_latency *latency, uint32_t us)
{
    uint64_t n = latency->bucket[MEDSEC_GATEWAY_LATENCIES - 1];
    for (unsigned i = 1; i < MEDSEC_GATEWAY_LATENCIES - 1; i++) {
        n += medsec_gateway_latency_us[i - 1] >= us ? latency->bucket[i] : 0;
    }
    return n;
}

static void test_time_to_be_durable_is_counted(void **state)
{
    v1_fixture *f = *state;
    v1_client c;
    v1_start(f);
    const uint64_t begin = uv_hrtime();
    start_device(f, &c, 1);
    v1_expect(f, "Pico/dev-1/Reading", "");
    uv_sleep(30);
    assert_int_equal(v1_stats(f).durable.count, 0);
    held_report_all(f->publisher);
    v1_client_expect_ack(&c, 0);
    medsec_gateway_latency durable = v1_stats(f).durable;
    assert_int_equal(durable.count, 1);
    assert_int_equal(slower(&durable, 20000), 1);
    assert_true(durable.sum_us >= 30000 && durable.sum_us < (uv_hrtime() - begin) / 1000);
    v1_client_readings(&c, 20);
    v1_expect(f, "Pico/dev-1/Reading", "\"seq\":20,");
    held_report_all(f->publisher);
    v1_client_expect_ack(&c, 20);
    durable = v1_stats(f).durable;
    assert_int_equal(durable.count, 2); /* batches */
    v1_client_readings(&c, 1);
    v1_expect(f, "Pico/dev-1/Reading", "\"seq\":21,");
    held_report(f->publisher, f->seen - 1, MEDSEC_ERR_CLOSED);
    held_report_all(f->publisher);
    v1_client_expect_end(&c, V1_WAIT_MS);
    assert_int_equal(v1_stats(f).durable.count, 2); /* what failed never was */
    v1_client_close(&c);
}

static void test_bounds_of_latencies_ascend(void **state)
{
    (void)state;
    for (unsigned i = 1; i < MEDSEC_GATEWAY_LATENCIES - 1; i++) {
        assert_true(medsec_gateway_latency_us[i - 1] < medsec_gateway_latency_us[i]);
    }
}

static void test_registry_and_proofs_are_counted(void **state)
{
    v1_fixture *f = *state;
    v1_client c, silent;
    v1_start(f);
    assert_int_equal(v1_stats(f).devices, 3);
    const uint64_t generation = v1_stats(f).generation;
    assert_true(generation >= 4); /* init, and three times add */
    v1_client_make(f, &silent, 2);
    v1_client_connect(f, &silent);
    v1_expect_count(f, welcomes, 1);
    assert_int_equal(v1_stats(f).proved, 0);
    start_device(f, &c, 1);
    v1_expect_count(f, readings, 1);
    assert_int_equal(v1_stats(f).welcomes, 2);
    assert_int_equal(v1_stats(f).proved, 1);
    v1_seed_add(f);
    v1_expect_count(f, generation, generation + 1);
    assert_int_equal(v1_stats(f).devices, 4);
    v1_client_close(&c);
    v1_client_close(&silent);
}

/* All send, and are read. */
static void send_of_many(const v1_fixture *f, const v1_client c[], unsigned count)
{
    const uint64_t readings = v1_stats(f).readings + count;
    for (unsigned i = 0; i < count; i++) {
        v1_seed_readings(&c[i], 1);
    }
    v1_expect_count(f, readings, readings);
}

/* A loop asks its publisher before it waits for company; a lone device is served at once. Many
 * connections, since a slow machine reads few times in a second, but of all of them each time. */
static void test_loop_with_much_to_do_rests(void **state)
{
    enum { MANY = 100 };
    v1_fixture *f = *state;
    v1_client c, many[MANY];
    f->options.threads = 1;
    v1_seed_add(f);
    v1_start(f);
    held_automatic(f->publisher);
    start_device(f, &c, 1);
    v1_client_expect_ack(&c, 0);
    uv_sleep(3 * QUIET_MS);
    v1_client_readings(&c, 1);
    v1_client_expect_ack(&c, 1);
    assert_int_equal(held_rests(f->publisher), 0);
    for (unsigned i = 0; i < MANY; i++) {
        v1_client_make(f, &many[i], 1);
        v1_client_open(f, &many[i]);
    }
    const uint64_t end_ns = uv_hrtime() + V1_WAIT_MS * 1000000ull;
    while (held_rests(f->publisher) == 0 && uv_hrtime() < end_ns) {
        send_of_many(f, many, MANY);
    }
    assert_true(held_rests(f->publisher) > 0);
    v1_client_close(&c);
    for (unsigned i = 0; i < MANY; i++) {
        v1_client_close(&many[i]);
    }
}

/* One loop has nobody and is done at once, the other waits for its device, and says that it went.
 * The publisher works in both until then. */
static void test_loops_are_detached_together(void **state)
{
    v1_fixture *f = *state;
    v1_client c;
    v1_start(f);
    start_device(f, &c, 1);
    v1_expect(f, "Pico/dev-1/Reading", "");
    assert_int_equal(medsec_gateway_stop(f->gateway, V1_WAIT_MS), MEDSEC_OK);
    v1_expect(f, "Pico/dev-1/Status {\"status\":\"offline\"", "\"reason\":\"gateway-stop\"");
    assert_int_equal(held_late(f->publisher), 0);
    v1_client_close(&c);
}

int main(void)
{
#define CASE(name) cmocka_unit_test_setup_teardown(name, v1_fixture_setup, v1_fixture_teardown)
    const struct CMUnitTest tests[] = {
        CASE(test_only_readings_of_the_seed_wire_are_droppable),
        CASE(test_pressure_that_is_not_the_seed_wires_leaves_it_alone),
        CASE(test_pressure_that_ends_in_the_loop_itself_is_noticed),
        CASE(test_link_that_comes_back_announces_again),
        CASE(test_device_that_left_is_not_announced_again),
        CASE(test_time_to_be_durable_is_counted),
        CASE(test_bounds_of_latencies_ascend),
        CASE(test_registry_and_proofs_are_counted),
        CASE(test_loop_with_much_to_do_rests),
        CASE(test_loops_are_detached_together),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
