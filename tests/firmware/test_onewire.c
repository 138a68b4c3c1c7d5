/* SPDX-License-Identifier: Apache-2.0 */
#include "unit.h"

#include "virtual_board.h"

#include "onewire.h"

static virtual_board v;

static int open_board(void **state)
{
    (void)state;
    virtual_board_open(&v);
    return 0;
}

static int check_board(void **state)
{
    (void)state;
    assert_int_equal(v.ds18b20.violations, 0);
    assert_false(v.locked);
    assert_true(v.longest_lock_us <= 75);
    return 0;
}

static void test_reset_is_answered(void **state)
{
    (void)state;
    assert_true(onewire_reset(&v.table));
    assert_in_range(v.now_us, 960, 1000);
}

static void test_reset_by_nobody_is_not_answered(void **state)
{
    (void)state;
    v.ds18b20.absent = true;
    assert_false(onewire_reset(&v.table));
}

static void test_reset_of_a_line_held_low_is_not_answered(void **state)
{
    (void)state;
    v.ds18b20.shorted = true;
    assert_false(onewire_reset(&v.table));
}

static void read_scratchpad(uint8_t out[9])
{
    assert_true(onewire_reset(&v.table));
    onewire_write(&v.table, 0xcc);
    onewire_write(&v.table, 0xbe);
    for (size_t i = 0; i < 9; i++) {
        out[i] = onewire_read(&v.table);
    }
}

/* However late each delay ends within what the board promises, and whatever comes between slots. */
static void test_read_is_right_with_every_delay(void **state)
{
    (void)state;
    for (v.slow_us = 0; v.slow_us <= 2; v.slow_us++) {
        for (v.interrupted_us = 0; v.interrupted_us <= 600; v.interrupted_us += 60) {
            uint8_t data[9];
            read_scratchpad(data);
            assert_memory_equal(data, v.ds18b20.scratchpad, sizeof data);
        }
    }
}

static void test_read_without_a_command_gives_ones(void **state)
{
    (void)state;
    assert_int_equal(onewire_read(&v.table), 0xff);
}

static void test_write_takes_its_time(void **state)
{
    (void)state;
    assert_true(onewire_reset(&v.table));
    uint64_t begin_us = v.now_us;
    onewire_write(&v.table, 0xcc);
    assert_in_range(v.now_us - begin_us, 8 * 61, 600);
}

/* Maxim, application note 27: the number of a DS1990 and its sum. */
static void test_crc_is_that_of_the_application_note(void **state)
{
    static const uint8_t number[] = {0x02, 0x1c, 0xb8, 0x01, 0x00, 0x00, 0x00, 0xa2};
    (void)state;
    assert_int_equal(onewire_crc(number, 7), 0xa2);
    assert_int_equal(onewire_crc(number, 8), 0);
    assert_int_equal(onewire_crc(number, 0), 0);
}

static void test_crc_sees_every_flipped_bit(void **state)
{
    uint8_t number[] = {0x02, 0x1c, 0xb8, 0x01, 0x00, 0x00, 0x00, 0xa2};
    (void)state;
    for (size_t bit = 0; bit < 8 * sizeof number; bit++) {
        number[bit / 8] ^= (uint8_t)(1u << bit % 8);
        assert_int_not_equal(onewire_crc(number, sizeof number), 0);
        number[bit / 8] ^= (uint8_t)(1u << bit % 8);
    }
}

#define ON_BOARD(test) cmocka_unit_test_setup_teardown(test, open_board, check_board)

int main(void)
{
    const struct CMUnitTest tests[] = {
        ON_BOARD(test_reset_is_answered),
        ON_BOARD(test_reset_by_nobody_is_not_answered),
        ON_BOARD(test_reset_of_a_line_held_low_is_not_answered),
        ON_BOARD(test_read_is_right_with_every_delay),
        ON_BOARD(test_read_without_a_command_gives_ones),
        ON_BOARD(test_write_takes_its_time),
        cmocka_unit_test(test_crc_is_that_of_the_application_note),
        cmocka_unit_test(test_crc_sees_every_flipped_bit),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
