/* SPDX-License-Identifier: Apache-2.0 */
#include "unit.h"

#include <medsec/message.h>

#include <string.h>

#define PICO (&medsec_profile_pico_vitals)

static medsec_reading reading_of(medsec_value first)
{
    medsec_reading reading = {.count = 7, .extra = 2};
    reading.value[0] = first;
    return reading;
}

static void expect_from(int32_t mantissa, uint8_t decimals, int32_t expected)
{
    const medsec_reading reading = reading_of(
        (medsec_value){.mantissa = mantissa, .decimals = decimals, .kind = MEDSEC_VALUE_NUMBER});
    medsec_sample sample;
    memset(&sample, 0x5a, sizeof sample);
    assert_int_equal(medsec_sample_from_reading(&sample, PICO, &reading), MEDSEC_OK);
    assert_int_equal(sample.present, 1);
    assert_int_equal(sample.value[0], expected);
    assert_int_equal(sample.value[1], 0);
    assert_int_equal(sample.time_ms, 0);
}

static void expect_none(medsec_value value, medsec_status expected)
{
    const medsec_reading reading = reading_of(value);
    medsec_sample sample = {.time_ms = 5};
    assert_int_equal(medsec_sample_from_reading(&sample, PICO, &reading), expected);
    assert_int_equal(sample.time_ms, 5);
}

static void expect_no_number(int32_t mantissa, uint8_t decimals)
{
    expect_none(
        (medsec_value){.mantissa = mantissa, .decimals = decimals, .kind = MEDSEC_VALUE_NUMBER},
        MEDSEC_ERR_NUMBER);
}

static void test_from_reading_other_decimals(void **state)
{
    (void)state;
    expect_from(36600, 3, 36600);
    expect_from(366, 1, 36600);
    expect_from(-50, 2, -500);
    expect_from(37, 0, 37000);
    expect_from(36600000, 6, 36600);
    expect_from(-1000, 6, -1);
    expect_from(0, 6, 0);
    expect_from(2147483, 0, 2147483000);
    expect_from(-2147483, 0, -2147483000);
    expect_from(INT32_MAX, 3, INT32_MAX);
    expect_from(INT32_MIN, 3, INT32_MIN);
    expect_no_number(36600001, 6);
    expect_no_number(-1, 4);
    expect_no_number(2147484, 0);
    expect_no_number(-2147484, 0);
    expect_no_number(INT32_MAX, 0);
    expect_no_number(1, 7);
    expect_no_number(1000000, 7);
    expect_no_number(0, 255);
}

static void test_from_reading_kinds(void **state)
{
    (void)state;
    medsec_sample sample = {0};
    medsec_reading reading =
        reading_of((medsec_value){.decimals = 2, .kind = MEDSEC_VALUE_MINUS_ZERO});
    assert_int_equal(medsec_sample_from_reading(&sample, PICO, &reading), MEDSEC_OK);
    assert_int_equal(sample.present, 1);
    assert_int_equal(sample.value[0], 0);
    expect_none((medsec_value){.kind = 3}, MEDSEC_ERR_NUMBER);
    reading.count = 6;
    assert_int_equal(medsec_sample_from_reading(&sample, PICO, &reading), MEDSEC_ERR_ARGUMENT);
    medsec_profile wide = *PICO;
    wide.count = MEDSEC_VITALS_MAX + 1;
    reading.count = MEDSEC_VITALS_MAX + 1;
    assert_int_equal(medsec_sample_from_reading(&sample, &wide, &reading), MEDSEC_ERR_ARGUMENT);
    assert_int_equal(medsec_sample_from_reading(NULL, PICO, &reading), MEDSEC_ERR_ARGUMENT);
    assert_int_equal(medsec_sample_from_reading(&sample, NULL, &reading), MEDSEC_ERR_ARGUMENT);
    assert_int_equal(medsec_sample_from_reading(&sample, PICO, NULL), MEDSEC_ERR_ARGUMENT);
}

/* Each vital with the decimals of its own; which ones failed, in all combinations. */
static void test_there_and_back(void **state)
{
    (void)state;
    static const medsec_vital vitals[] = {
        {.key = "a", .decimals = 0}, {.key = "b", .decimals = 6}, {.key = "c", .decimals = 2}};
    const medsec_profile profile = {.id = 9, .count = 3, .name = "three", .vitals = vitals};
    for (uint32_t present = 0; present < 8; present++) {
        medsec_sample sample = {.present = present, .value = {INT32_MIN, INT32_MAX, -5}};
        medsec_sample again;
        medsec_reading reading;
        memset(&reading, 0x5a, sizeof reading);
        medsec_sample_to_reading(&reading, &profile, &sample);
        assert_int_equal(reading.count, 3);
        assert_int_equal(reading.extra, 0);
        for (size_t i = 0; i < 3; i++) {
            bool there = (present >> i & 1) != 0;
            assert_int_equal(reading.value[i].kind,
                             there ? MEDSEC_VALUE_NUMBER : MEDSEC_VALUE_NONE);
            assert_int_equal(reading.value[i].decimals, there ? vitals[i].decimals : 0);
            assert_int_equal(reading.value[i].mantissa, there ? sample.value[i] : 0);
        }
        assert_int_equal(medsec_sample_from_reading(&again, &profile, &reading), MEDSEC_OK);
        assert_int_equal(again.present, present);
        for (size_t i = 0; i < 3; i++) {
            assert_int_equal(again.value[i], (present >> i & 1) != 0 ? sample.value[i] : 0);
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_from_reading_other_decimals),
        cmocka_unit_test(test_from_reading_kinds),
        cmocka_unit_test(test_there_and_back),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
