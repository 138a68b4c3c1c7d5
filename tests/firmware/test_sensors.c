/* SPDX-License-Identifier: Apache-2.0 */
#include "unit.h"

#include "virtual_board.h"

#include "sensors.h"

#include <stdlib.h>
#include <string.h>

enum { TEMP, PULSE, X, Y, Z, TEMP_MCU, TEMP_MPU };

#define INTERVAL_MS 50u
#define SETTLE_MAX_MS 850u

static virtual_board v;
static sensors s;
static medsec_reading reading;
static uint64_t at_ms;

/* Pulse and x tell the time, so that it is seen which moment a reading is of. */
static uint16_t pulse_of_time(void *context, uint64_t at_us)
{
    (void)context;
    return (uint16_t)(at_us / 1000 % 4096);
}

static void motion_of_time(void *context, uint64_t at_us, int32_t mg[3], int32_t *mdegc)
{
    (void)context;
    mg[0] = (int32_t)(at_us / 1000 % 16000);
    mg[1] = -500;
    mg[2] = 981;
    *mdegc = 23530;
}

static int begin(void **state)
{
    (void)state;
    virtual_board_open(&v);
    v.pulse = pulse_of_time;
    v.mpu6050.source = motion_of_time;
    sensors_start(&s, &v.table, INTERVAL_MS);
    return 0;
}

static int check(void **state)
{
    (void)state;
    assert_int_equal(v.ds18b20.violations, 0);
    return 0;
}

/* Polls as the main loop does, asleep in between, until that time or the next sample. */
static bool next_until(uint64_t until_ms)
{
    for (;;) {
        if (sensors_next(&s, &reading, &at_ms)) {
            return true;
        }
        uint64_t now_ms = virtual_board_ms(&v);
        if (now_ms >= until_ms) {
            return false;
        }
        uint64_t due_ms = sensors_poll(&s, now_ms);
        v.table.sleep(&v, (due_ms < until_ms ? due_ms : until_ms) * 1000);
    }
}

static unsigned count_until(uint64_t until_ms)
{
    unsigned count = 0;
    while (next_until(until_ms)) {
        count++;
    }
    return count;
}

static void expect_next(void)
{
    assert_true(next_until(virtual_board_ms(&v) + 3000));
}

static int32_t value_of(unsigned vital)
{
    assert_int_equal(reading.value[vital].kind, MEDSEC_VALUE_NUMBER);
    assert_int_equal(reading.value[vital].decimals, 3);
    return reading.value[vital].mantissa;
}

static bool is_null(unsigned vital)
{
    return reading.value[vital].kind == MEDSEC_VALUE_NONE;
}

static bool is_null_motion(void)
{
    return is_null(X) && is_null(Y) && is_null(Z) && is_null(TEMP_MPU);
}

static void expect_motion(void)
{
    int ms = abs(value_of(X) - (int32_t)(at_ms % 16000));
    assert_in_range(ms < 8000 ? ms : 16000 - ms, 0, 12);
    assert_int_equal(value_of(Y), -500);
    assert_int_equal(value_of(Z), 981);
    assert_int_equal(value_of(TEMP_MPU), 23530);
}

/* Volts of the moment that it claims. */
static void expect_pulse(void)
{
    assert_int_equal(value_of(PULSE), (int32_t)((at_ms % 4096 * 3300 + 2047) / 4095));
}

static void expect_all(void)
{
    assert_int_equal(reading.count, medsec_profile_pico_vitals.count);
    assert_int_equal(value_of(TEMP), 36625);
    assert_in_range(value_of(TEMP_MCU), 26900, 27100);
    expect_pulse();
    expect_motion();
}

static void test_next_gives_whole_readings_from_the_first_on(void **state)
{
    (void)state;
    expect_next();
    assert_in_range(at_ms, 750, SETTLE_MAX_MS);
    for (unsigned i = 0; i < 200; i++) {
        uint64_t before_ms = at_ms;
        expect_all();
        expect_next();
        assert_int_equal(at_ms, before_ms + INTERVAL_MS);
    }
    assert_int_equal(sensors_missed(&s), 0);
}

static void test_next_without_sensors_begins_at_once(void **state)
{
    (void)state;
    v.mpu6050.absent = true;
    v.ds18b20.absent = true;
    expect_next();
    assert_in_range(at_ms, INTERVAL_MS, INTERVAL_MS + 10);
    assert_true(is_null(TEMP));
    assert_true(is_null_motion());
    expect_pulse();
    assert_in_range(value_of(TEMP_MCU), 26900, 27100);
}

static void test_next_waits_for_the_motion_to_begin(void **state)
{
    (void)state;
    v.ds18b20.absent = true;
    sensors_set_interval(&s, 20);
    assert_int_equal(sensors_poll(&s, virtual_board_ms(&v)), 50); /* the MPU6050 is awake then */
    expect_next();
    expect_motion();
}

/* A handshake: nothing is asked for a third of a second. */
static void test_next_after_a_pause_gives_each_sample_with_its_time(void **state)
{
    (void)state;
    expect_next();
    for (unsigned round = 0; round < 20; round++) {
        uint64_t before_ms = at_ms;
        virtual_board_pass(&v, 350000);
        for (unsigned i = 1; i <= 7; i++) {
            assert_true(sensors_next(&s, &reading, &at_ms));
            assert_int_equal(at_ms, before_ms + (uint64_t)i * INTERVAL_MS);
            expect_all();
        }
    }
    assert_int_equal(sensors_missed(&s), 0);
}

static void test_next_after_too_long_counts_what_was_lost(void **state)
{
    (void)state;
    expect_next();
    virtual_board_pass(&v, 5000000);
    unsigned count = 0;
    while (sensors_next(&s, &reading, &at_ms)) {
        expect_pulse();
        count++;
    }
    assert_int_equal(count, SENSORS_WAITING_MAX);
    assert_int_equal(sensors_missed(&s), 100 - SENSORS_WAITING_MAX);
    assert_true(is_null(X)); /* the FIFO ran over */
    expect_next();
    expect_next();
    expect_all();
}

/* An interrupt while the samples before it are given. */
static void test_next_while_the_ticker_runs_loses_nothing(void **state)
{
    (void)state;
    sensors_set_interval(&s, 1);
    expect_next();
    uint64_t first_ms = at_ms;
    for (unsigned i = 1; i < 5000; i++) {
        expect_next();
        expect_pulse();
        assert_int_equal(at_ms, first_ms + i);
    }
    assert_int_equal(sensors_missed(&s), 0);
}

static void test_next_gives_the_last_motion_between_two_of_it(void **state)
{
    (void)state;
    sensors_set_interval(&s, 2);
    for (unsigned i = 0; i < 2000; i++) {
        expect_next();
        if (!is_null(X)) {
            expect_motion();
        }
    }
    expect_all();
}

static void test_set_interval_keeps_what_waits(void **state)
{
    (void)state;
    expect_next();
    uint64_t before_ms = at_ms;
    virtual_board_pass(&v, 160000);
    sensors_set_interval(&s, 200);
    for (unsigned i = 1; i <= 3; i++) {
        expect_next();
        assert_int_equal(at_ms, before_ms + (uint64_t)i * INTERVAL_MS);
    }
    before_ms = virtual_board_ms(&v);
    assert_int_equal(count_until(before_ms + 2000), 10);
    expect_all();
}

static void test_set_interval_to_the_same_does_not_shift_it(void **state)
{
    (void)state;
    expect_next();
    uint64_t before_ms = at_ms;
    virtual_board_pass(&v, 20000);
    sensors_set_interval(&s, INTERVAL_MS);
    expect_next();
    assert_int_equal(at_ms, before_ms + INTERVAL_MS);
}

static void test_set_interval_does_not_hasten_the_first(void **state)
{
    (void)state;
    sensors_set_interval(&s, 10);
    expect_next();
    expect_all();
}

static void test_an_interval_longer_than_the_fifo_has_every_motion(void **state)
{
    (void)state;
    sensors_set_interval(&s, 1290);
    for (unsigned i = 0; i < 20; i++) {
        expect_next();
        expect_all();
    }
}

static void test_an_interval_of_an_hour_has_fresh_values(void **state)
{
    (void)state;
    sensors_set_interval(&s, 3600000);
    assert_false(next_until(3590000));
    v.ds18b20.temperature_mdegc = 39000;
    assert_true(next_until(3602000));
    assert_int_equal(value_of(TEMP), 39000);
    expect_pulse();
    expect_motion();
}

static void test_time_beyond_32_bits_is_whole(void **state)
{
    (void)state;
    v.now_us = (uint64_t)UINT32_MAX * 1000 - 3000000;
    chip_mpu6050_power_on(&v.mpu6050, v.now_us);
    sensors_start(&s, &v.table, INTERVAL_MS);
    uint64_t last_ms = 0;
    for (unsigned i = 0; i < 100; i++) {
        expect_next();
        assert_true(last_ms == 0 || at_ms == last_ms + INTERVAL_MS);
        expect_all();
        last_ms = at_ms;
    }
    assert_true(at_ms > UINT32_MAX);
}

static void test_a_sensor_that_fails_is_null_and_comes_back(void **state)
{
    (void)state;
    expect_next();
    v.mpu6050.absent = true;
    v.ds18b20.absent = true;
    (void)count_until(virtual_board_ms(&v) + 2000);
    assert_true(is_null(TEMP));
    assert_true(is_null_motion());
    expect_pulse();
    v.mpu6050.absent = false;
    v.ds18b20.absent = false;
    chip_mpu6050_power_on(&v.mpu6050, v.now_us);
    chip_ds18b20_power_on(&v.ds18b20);
    (void)count_until(virtual_board_ms(&v) + 2000);
    expect_all();
}

static void test_a_chip_level_that_is_no_temperature_is_null(void **state)
{
    static const uint16_t wrong[] = {0, 400, 1100, 4095};
    (void)state;
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
        v.chip_level = wrong[i];
        (void)count_until(virtual_board_ms(&v) + 1100);
        assert_true(is_null(TEMP_MCU));
    }
}

static void test_chip_temperature_falls_with_the_level(void **state)
{
    /* Computed from the data sheet's formula. */
    static const struct {
        uint16_t level;
        int32_t mdegc;
    } cases[] = {{876, 27038}, {843, 42491}, {900, 15800}, {960, -12295}, {700, 109451}};
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        v.chip_level = cases[i].level;
        (void)count_until(virtual_board_ms(&v) + 1100);
        assert_in_range(abs(value_of(TEMP_MCU) - cases[i].mdegc), 0, 2);
    }
}

static uint16_t level;

static uint16_t pulse_of_level(void *context, uint64_t at_us)
{
    (void)context;
    (void)at_us;
    return level;
}

static void test_pulse_is_in_millivolts(void **state)
{
    static const struct {
        uint16_t level;
        int32_t mv;
    } cases[] = {{0, 0}, {1, 1}, {2178, 1755}, {2048, 1650}, {4094, 3299}, {4095, 3300}};
    (void)state;
    v.pulse = pulse_of_level;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        level = cases[i].level;
        (void)count_until(virtual_board_ms(&v) + 1100);
        assert_int_equal(value_of(PULSE), cases[i].mv);
    }
}

static void test_poll_takes_four_milliseconds_at_most(void **state)
{
    (void)state;
    for (unsigned i = 0; i < 3000; i++) {
        uint64_t begin_us = v.now_us;
        uint64_t due_ms = sensors_poll(&s, virtual_board_ms(&v));
        assert_in_range(v.now_us - begin_us, 0, 4000);
        while (sensors_next(&s, &reading, &at_ms)) {
        }
        if (due_ms * 1000 > v.now_us) {
            virtual_board_pass(&v, due_ms * 1000 - v.now_us);
        }
    }
}

static void print(char text[256], int32_t x_mg, int32_t y_mg, int32_t z_mg)
{
    size_t len;
    const int32_t mantissa[] = {36600, 1755, x_mg, y_mg, z_mg, 23700, 23400};
    reading = (medsec_reading){.count = 7};
    for (size_t i = 0; i < 7; i++) {
        reading.value[i] = (medsec_value){mantissa[i], 3, MEDSEC_VALUE_NUMBER};
    }
    sensors_print_as_seed(&reading);
    assert_int_equal(
        medsec_reading_write_seed(text, 255, &len, &medsec_profile_pico_vitals, &reading),
        MEDSEC_OK);
    text[len] = '\0';
}

static void test_print_as_seed_is_as_the_seed_prints(void **state)
{
    char text[256];
    (void)state;
    print(text, 0, -500, 0);
    assert_string_equal(text, "{\"Temp\":\"36.600\",\"TempMcu\":\"23.700\",\"PulseSig\":\"1.755\","
                              "\"Acel_x\":\"0.000\",\"Acel_y\":\"-0.50\",\"Acel_z\":\"0.000\","
                              "\"TempMpu\":\"23.400\"}");
    print(text, -4, -5, -9994);
    assert_non_null(strstr(text, "\"Acel_x\":\"-0.00\",\"Acel_y\":\"-0.01\",\"Acel_z\":\"-9.99\""));
    print(text, -9999, 9999, -1);
    assert_in_range(strlen(text), 100, 127);
}

static void test_print_as_seed_leaves_null_alone(void **state)
{
    (void)state;
    reading = (medsec_reading){.count = 7};
    sensors_print_as_seed(&reading);
    assert_true(is_null_motion());
}

#define TEST(test) cmocka_unit_test_setup_teardown(test, begin, check)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_next_gives_whole_readings_from_the_first_on),
        TEST(test_next_without_sensors_begins_at_once),
        TEST(test_next_waits_for_the_motion_to_begin),
        TEST(test_next_after_a_pause_gives_each_sample_with_its_time),
        TEST(test_next_after_too_long_counts_what_was_lost),
        TEST(test_next_while_the_ticker_runs_loses_nothing),
        TEST(test_next_gives_the_last_motion_between_two_of_it),
        TEST(test_set_interval_keeps_what_waits),
        TEST(test_set_interval_to_the_same_does_not_shift_it),
        TEST(test_set_interval_does_not_hasten_the_first),
        TEST(test_an_interval_longer_than_the_fifo_has_every_motion),
        TEST(test_an_interval_of_an_hour_has_fresh_values),
        TEST(test_time_beyond_32_bits_is_whole),
        TEST(test_a_sensor_that_fails_is_null_and_comes_back),
        TEST(test_a_chip_level_that_is_no_temperature_is_null),
        TEST(test_chip_temperature_falls_with_the_level),
        TEST(test_pulse_is_in_millivolts),
        TEST(test_poll_takes_four_milliseconds_at_most),
        cmocka_unit_test(test_print_as_seed_is_as_the_seed_prints),
        cmocka_unit_test(test_print_as_seed_leaves_null_alone),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
