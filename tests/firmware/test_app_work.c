/* SPDX-License-Identifier: Apache-2.0 */
/* The whole firmware at work: every reading is with the gateway, whatever happens on the way. */
#include "unit.h"

#include "app_bench.h"

static app_bench b;

static int begin(void **state)
{
    (void)state;
    app_bench_open(&b);
    app_bench_set_up(&b);
    return 0;
}

static int end(void **state)
{
    (void)state;
    app_bench_close(&b);
    return 0;
}

/* In a session, from the moment it is switched on. */
static void go_to_work(void)
{
    app_bench_readings(&b, 100, 20000);
    assert_int_equal(b.sessions, 1);
    assert_int_equal(b.boot_count, 1);
    assert_int_equal(b.boots[0].begin, 0);
}

/* All is well: 20 readings a second, and none comes twice. */
static void expect_calm(void)
{
    unsigned readings = b.readings;
    unsigned again = b.again;
    unsigned sessions = b.sessions;
    app_bench_run(&b, 10000);
    assert_in_range(b.readings - readings, 180, 220);
    assert_int_equal(b.again, again);
    assert_int_equal(b.sessions, sessions);
    assert_int_equal(app_bench_blinks(&b), 1);
}

static void test_app_brings_every_reading(void **state)
{
    (void)state;
    go_to_work();
    expect_calm();
    app_bench_run(&b, 60000);
    assert_int_equal(b.sessions, 1);
    assert_int_equal(b.again, 0);
    assert_int_equal(b.nulls, 0);
    assert_int_equal(b.v.uart_lost, 0);
}

static void test_app_is_connected_in_five_seconds(void **state)
{
    (void)state;
    app_bench_run(&b, 5000);
    assert_int_equal(b.sessions, 1);
    assert_true(b.readings > 40);
}

static void test_app_carries_on_after_the_network_was_away(void **state)
{
    (void)state;
    go_to_work();
    b.e.ssid = NULL;
    virtual_esp8266_drop(&b.e);
    app_bench_run(&b, 4000);
    b.e.ssid = "home";
    app_bench_readings(&b, 100, 20000);
    app_bench_run(&b, 10000);
    expect_calm();
    assert_int_equal(b.boot_count, 1); /* and no number was left out: app_bench looks */
}

static void test_app_keeps_the_newest_while_the_network_is_away_for_long(void **state)
{
    (void)state;
    go_to_work();
    b.e.ssid = NULL;
    virtual_esp8266_drop(&b.e);
    app_bench_run(&b, 60000);
    b.e.ssid = "home";
    b.may_drop = true;
    app_bench_readings(&b, 300, 90000);
    /* A minute and what it took to come back, less what the ring holds. */
    assert_in_range(b.dropped, 60 * 20 - WORK_READINGS, 120 * 20 - WORK_READINGS);
    b.may_drop = false;
    expect_calm();
}

static void test_app_carries_on_after_the_gateway_was_away(void **state)
{
    (void)state;
    go_to_work();
    for (unsigned round = 0; round < 3; round++) {
        app_bench_gateway_away(&b);
        app_bench_run(&b, 5000);
        app_bench_gateway_back(&b);
        app_bench_readings(&b, 100, 30000);
    }
    app_bench_run(&b, 10000);
    expect_calm();
    assert_int_equal(b.boot_count, 1);
}

static void test_app_comes_again_with_what_was_not_acknowledged(void **state)
{
    (void)state;
    go_to_work();
    b.no_acks = true;
    app_bench_run(&b, 3000);
    app_bench_gateway_away(&b);
    b.no_acks = false;
    app_bench_gateway_back(&b);
    app_bench_readings(&b, 100, 20000);
    assert_true(b.again >= 40);
    app_bench_run(&b, 10000);
    expect_calm();
}

static void test_app_leaves_a_gateway_that_says_nothing(void **state)
{
    (void)state;
    b.silent = true;
    app_bench_run(&b, 30000);
    assert_true(b.e.opens > 1);
    assert_int_equal(app_bench_blinks(&b), 2);
    b.silent = false;
    app_bench_run(&b, 90000);
    assert_true(b.sessions >= 1);
    expect_calm();
}

static void test_app_carries_on_after_the_module_started_anew(void **state)
{
    (void)state;
    go_to_work();
    virtual_esp8266_restart(&b.e);
    app_bench_readings(&b, 100, 20000);
    app_bench_run(&b, 10000);
    expect_calm();
    assert_int_equal(b.boot_count, 1);
}

static void test_app_gets_over_a_module_that_hangs(void **state)
{
    (void)state;
    go_to_work();
    b.e.mute = true;
    app_bench_run(&b, 70000);
    assert_int_equal(app_bench_blinks(&b), 6);
    b.e.mute = false;
    app_bench_power(&b);
    app_bench_readings(&b, 100, 30000);
    expect_calm();
}

/* Whenever the supply fails: another boot number, and the network is joined again. */
static void test_app_starts_anew_after_power_was_cut(void **state)
{
    (void)state;
    for (unsigned round = 1; round < 20; round++) {
        app_bench_run(&b, 3000 + 337 * round);
        app_bench_power(&b);
    }
    app_bench_readings(&b, 100, 20000);
    for (size_t i = 1; i < b.boot_count; i++) {
        assert_true(b.boots[i].boot > b.boots[i - 1].boot);
    }
    assert_true(b.boot_count > 10);
    expect_calm();
}

static void test_app_takes_the_pace_that_the_gateway_commands(void **state)
{
    (void)state;
    go_to_work();
    app_bench_say(&b, &(medsec_control){.kind = MEDSEC_KIND_CONFIG,
                                        .body.config = {.version = 7,
                                                        .given = MEDSEC_CONFIG_SAMPLE_INTERVAL,
                                                        .sample_interval_ms = 200}});
    app_bench_run(&b, 3000);
    assert_int_equal(b.config_ack.version, 7);
    assert_int_equal(b.config_ack.status, MEDSEC_CONFIG_APPLIED);
    unsigned readings = b.readings;
    app_bench_run(&b, 20000);
    assert_in_range(b.readings - readings, 90, 110);
}

static void test_app_says_null_for_a_sensor_that_fails(void **state)
{
    (void)state;
    go_to_work();
    b.v.mpu6050.absent = true;
    app_bench_run(&b, 5000);
    assert_in_range(b.nulls, 4 * 60, 4 * 100);
    b.v.mpu6050.absent = false;
    chip_mpu6050_power_on(&b.v.mpu6050, b.v.now_us);
    app_bench_run(&b, 3000);
    b.nulls = 0;
    expect_calm();
    assert_int_equal(b.nulls, 0);
}

static void test_app_shows_why_it_cannot_join(void **state)
{
    (void)state;
    b.e.password = "another word";
    app_bench_run(&b, 10000);
    assert_int_equal(app_bench_blinks(&b), 4);
    b.e.password = "secret word";
    b.e.ssid = "elsewhere";
    app_bench_run(&b, 10000);
    assert_int_equal(app_bench_blinks(&b), 4);
    b.e.ssid = "home";
    app_bench_run(&b, 70000);
    expect_calm();
}

static void test_app_goes_where_the_switch_says(void **state)
{
    (void)state;
    go_to_work();
    b.v.work = false;
    app_bench_run(&b, 5000);
    assert_true(b.e.serves);
    assert_int_equal(app_bench_blinks(&b), 0);
    b.v.work = true;
    app_bench_readings(&b, 100, 20000);
    assert_false(b.e.serves);
    assert_int_equal(b.boot_count, 2);
    expect_calm();
}

/* Saved a moment ago: to work, although the switch still stands at configuration. */
static void test_app_works_with_fresh_settings_whatever_the_switch_says(void **state)
{
    (void)state;
    b.v.work = false;
    go_to_work();
    app_bench_power(&b);
    app_bench_readings(&b, 100, 20000);
    b.v.work = true;
    app_bench_run(&b, 1000);
    b.v.work = false;
    app_bench_run(&b, 5000);
    assert_true(b.e.serves);
}

/* What the module says last comes after the answer that it made the gateway give. */
static void test_app_takes_answers_before_send_ok(void **state)
{
    (void)state;
    b.e.late = true;
    go_to_work();
    expect_calm();
}

#define TEST(test) cmocka_unit_test_setup_teardown(test, begin, end)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_app_brings_every_reading),
        TEST(test_app_is_connected_in_five_seconds),
        TEST(test_app_carries_on_after_the_network_was_away),
        TEST(test_app_keeps_the_newest_while_the_network_is_away_for_long),
        TEST(test_app_carries_on_after_the_gateway_was_away),
        TEST(test_app_comes_again_with_what_was_not_acknowledged),
        TEST(test_app_leaves_a_gateway_that_says_nothing),
        TEST(test_app_carries_on_after_the_module_started_anew),
        TEST(test_app_gets_over_a_module_that_hangs),
        TEST(test_app_starts_anew_after_power_was_cut),
        TEST(test_app_takes_the_pace_that_the_gateway_commands),
        TEST(test_app_says_null_for_a_sensor_that_fails),
        TEST(test_app_shows_why_it_cannot_join),
        TEST(test_app_goes_where_the_switch_says),
        TEST(test_app_works_with_fresh_settings_whatever_the_switch_says),
        TEST(test_app_takes_answers_before_send_ok),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
