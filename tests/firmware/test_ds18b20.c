/* SPDX-License-Identifier: Apache-2.0 */
#include "unit.h"

#include "virtual_board.h"

#include "ds18b20.h"

static virtual_board v;
static ds18b20 sensor;

static int begin(void **state)
{
    (void)state;
    virtual_board_open(&v);
    ds18b20_start(&sensor, &v.table, virtual_board_ms(&v));
    return 0;
}

static int check(void **state)
{
    (void)state;
    assert_int_equal(v.ds18b20.violations, 0);
    return 0;
}

/* One poll, then asleep until the next is due; and that none takes long. */
static void step(uint64_t until_ms)
{
    uint64_t begin_us = v.now_us;
    uint64_t due_ms = ds18b20_poll(&sensor, virtual_board_ms(&v));
    assert_in_range(v.now_us - begin_us, 0, 1000);
    due_ms = due_ms < until_ms ? due_ms : until_ms;
    if (due_ms > virtual_board_ms(&v)) {
        virtual_board_pass(&v, due_ms * 1000 - v.now_us);
    }
}

static void run_until_ms(uint64_t until_ms)
{
    while (virtual_board_ms(&v) < until_ms) {
        step(until_ms);
    }
}

static void expect(int32_t mdegc)
{
    assert_true(sensor.settled);
    assert_true(sensor.known);
    assert_int_equal(sensor.temperature_mdegc, mdegc);
}

static void test_poll_measures_once_a_second(void **state)
{
    (void)state;
    run_until_ms(700);
    assert_false(sensor.settled);
    assert_false(sensor.known);
    run_until_ms(900);
    expect(36625);
    v.ds18b20.temperature_mdegc = 37000;
    run_until_ms(1700);
    expect(36625);
    run_until_ms(1900);
    expect(37000);
}

static void test_poll_before_its_time_does_nothing(void **state)
{
    (void)state;
    run_until_ms(500);
    uint64_t begin_us = v.now_us;
    for (unsigned i = 0; i < 100; i++) {
        (void)ds18b20_poll(&sensor, virtual_board_ms(&v));
    }
    assert_int_equal(v.now_us, begin_us);
}

static void test_poll_gives_what_is_measured(void **state)
{
    static const struct {
        int32_t measured;
        int32_t given; /* sixteenths of a degree, to the nearest thousandth */
    } cases[] = {
        {0, 0},           {62, 0},          {63, 63},         {125, 125},     {25062, 25000},
        {36563, 36563},   {41500, 41500},   {125000, 125000}, {-62, -63},     {-63, -125},
        {-10125, -10125}, {-25063, -25125}, {-55000, -55000}, {84999, 84938}, {85063, 85063},
    };
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        v.ds18b20.temperature_mdegc = cases[i].measured;
        run_until_ms(1000 * i + 900);
        expect(cases[i].given);
    }
}

/* The chip's bits beyond its resolution are not looked at. */
static void test_poll_leaves_undefined_bits_out(void **state)
{
    static const struct {
        uint8_t configuration;
        int32_t given;
    } cases[] = {{0x7f, 36938}, {0x5f, 36875}, {0x3f, 36750}, {0x1f, 36500}};
    (void)state;
    v.ds18b20.temperature_mdegc = 36950;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        v.ds18b20.configuration = cases[i].configuration;
        chip_ds18b20_power_on(&v.ds18b20);
        run_until_ms(1000 * i + 900);
        expect(cases[i].given);
    }
}

static void test_poll_of_nobody_knows_nothing_until_somebody_comes(void **state)
{
    (void)state;
    v.ds18b20.absent = true;
    step(1);
    assert_true(sensor.settled);
    run_until_ms(2500);
    assert_false(sensor.known);
    v.ds18b20.absent = false;
    chip_ds18b20_power_on(&v.ds18b20);
    run_until_ms(4500);
    expect(36625);
    v.ds18b20.absent = true;
    run_until_ms(5900);
    assert_false(sensor.known);
}

static void test_poll_of_a_line_held_low_knows_nothing(void **state)
{
    (void)state;
    run_until_ms(900);
    v.ds18b20.shorted = true;
    run_until_ms(1900);
    assert_false(sensor.known);
    v.ds18b20.shorted = false;
    run_until_ms(3900);
    expect(36625);
}

/* Low from the scratchpad's first bit on: zeros, whose sum is right. */
static void test_poll_of_zeros_knows_nothing(void **state)
{
    (void)state;
    run_until_ms(900);
    run_until_ms(1000 + 760 + 2);
    v.ds18b20.shorted = true;
    run_until_ms(1900);
    assert_true(sensor.settled);
    assert_false(sensor.known);
}

static void test_poll_with_any_bit_flipped_knows_nothing(void **state)
{
    (void)state;
    for (unsigned bit = 1; bit <= 72; bit++) {
        v.ds18b20.flip_in = bit;
        run_until_ms(2000 * bit - 1100);
        assert_int_equal(v.ds18b20.flip_in, 0);
        assert_false(sensor.known);
        run_until_ms(2000 * bit - 100);
        expect(36625);
    }
}

/* The supply fails while it converts: what it then holds is +85 degrees. */
static void test_poll_after_loss_of_power_knows_nothing(void **state)
{
    (void)state;
    run_until_ms(900);
    run_until_ms(1300);
    chip_ds18b20_power_on(&v.ds18b20);
    run_until_ms(1900);
    assert_false(sensor.known);
    run_until_ms(2900);
    expect(36625);
}

/* As during a handshake: it loses time, nothing else. */
static void test_poll_comes_late(void **state)
{
    (void)state;
    for (unsigned i = 0; i < 40; i++) {
        step(0);
        virtual_board_pass(&v, 350000);
    }
    expect(36625);
}

/* What it measures is not looked at before it can be there. */
static void test_poll_that_begins_late_waits_as_long(void **state)
{
    (void)state;
    run_until_ms(950);
    v.ds18b20.temperature_mdegc = 38000;
    virtual_board_pass(&v, 600000);
    run_until_ms(2350);
    expect(38000);
}

/* A handshake takes a third of a second, and may come between any two polls. */
static void test_poll_waits_from_where_the_conversion_begins(void **state)
{
    (void)state;
    for (unsigned held_up = 0; held_up < 4; held_up++) {
        virtual_board_open(&v);
        ds18b20_start(&sensor, &v.table, virtual_board_ms(&v));
        for (unsigned polls = 0; !sensor.settled; polls++) {
            virtual_board_pass(&v, polls == held_up ? 400000 : 0);
            step(5000);
        }
        expect(36625);
    }
}

#define TEST(test) cmocka_unit_test_setup_teardown(test, begin, check)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_poll_measures_once_a_second),
        TEST(test_poll_before_its_time_does_nothing),
        TEST(test_poll_gives_what_is_measured),
        TEST(test_poll_leaves_undefined_bits_out),
        TEST(test_poll_of_nobody_knows_nothing_until_somebody_comes),
        TEST(test_poll_of_a_line_held_low_knows_nothing),
        TEST(test_poll_of_zeros_knows_nothing),
        TEST(test_poll_with_any_bit_flipped_knows_nothing),
        TEST(test_poll_after_loss_of_power_knows_nothing),
        TEST(test_poll_comes_late),
        TEST(test_poll_that_begins_late_waits_as_long),
        TEST(test_poll_waits_from_where_the_conversion_begins),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
