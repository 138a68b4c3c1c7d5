/* SPDX-License-Identifier: Apache-2.0 */
#include "unit.h"

#include "virtual_board.h"

#include "mpu6050.h"

#include <stdlib.h>

static virtual_board v;
static mpu6050 sensor;
static mpu6050_batch batch;

/* x tells the time in milliseconds, so that it is seen which moment an entry is of. */
static void tell_time(void *context, uint64_t at_us, int32_t mg[3], int32_t *mdegc)
{
    (void)context;
    mg[0] = (int32_t)(at_us / 1000 % 16000);
    mg[1] = -mg[0];
    mg[2] = 1000;
    *mdegc = 36530;
}

static int begin(void **state)
{
    (void)state;
    virtual_board_open(&v);
    v.mpu6050.source = tell_time;
    mpu6050_start(&sensor, &v.table, virtual_board_ms(&v));
    return 0;
}

static uint64_t poll(void)
{
    uint64_t begin_us = v.now_us;
    uint64_t due_ms = mpu6050_poll(&sensor, virtual_board_ms(&v));
    assert_in_range(v.now_us - begin_us, 0, 1000);
    return due_ms;
}

static void pass_ms(uint64_t ms)
{
    virtual_board_pass(&v, ms * 1000);
}

/* Until it measures, or a time in which it should. */
static void wake(void)
{
    for (unsigned i = 0; i < 1200 && poll() != UINT64_MAX; i++) {
        pass_ms(1);
    }
    assert_true(mpu6050_settled(&sensor));
}

static int32_t x(void)
{
    return mpu6050_mg(sensor.last.acceleration[0]);
}

/* From the moment that x tells to that one, either way; x wraps. */
static int distance(uint64_t at_ms)
{
    int ms = abs(x() - (int32_t)(at_ms % 16000));
    return ms < 8000 ? ms : 16000 - ms;
}

/* No entry is made up of two. */
static void expect_whole(void)
{
    assert_true(sensor.known);
    assert_int_equal(mpu6050_mg(sensor.last.acceleration[1]), -x());
    assert_int_equal(mpu6050_mg(sensor.last.acceleration[2]), 1000);
    assert_int_equal(mpu6050_mdegc(sensor.last.temperature), 36530);
}

static void fetch_all(void)
{
    mpu6050_fetch(&sensor, &batch);
    mpu6050_end(&sensor, &batch);
    assert_int_equal(batch.taken, batch.count);
}

static void test_poll_wakes_it(void **state)
{
    (void)state;
    assert_false(mpu6050_settled(&sensor));
    assert_int_equal(poll(), 50);
    assert_false(mpu6050_settled(&sensor));
    pass_ms(20);
    assert_int_equal(poll(), 50);
    pass_ms(30);
    assert_int_equal(poll(), UINT64_MAX);
    assert_true(mpu6050_settled(&sensor));
    fetch_all();
    assert_false(sensor.known); /* nothing of the time in which it woke */
    pass_ms(20);
    fetch_all();
    assert_in_range(batch.count, 1, 2);
    expect_whole();
}

static void test_poll_finds_nobody_until_somebody_comes(void **state)
{
    (void)state;
    v.mpu6050.absent = true;
    assert_int_equal(poll(), 1000);
    assert_true(mpu6050_settled(&sensor));
    fetch_all();
    assert_int_equal(batch.count, 0);
    v.mpu6050.absent = false;
    pass_ms(500);
    assert_int_equal(poll(), 1000);
    pass_ms(500);
    wake();
    pass_ms(20);
    fetch_all();
    expect_whole();
}

static void test_poll_refuses_another_chip(void **state)
{
    (void)state;
    v.mpu6050.reg[0x75] = 0x70; /* an MPU6500: its temperature is another one */
    assert_int_equal(poll(), 1000);
    pass_ms(2000);
    assert_in_range(poll(), 2900, 3100);
}

/* Nearest to the moment that is asked for, whatever its clock does, and also after a long time. */
static void expect_times(int32_t slow_ppm, uint64_t gap_ms)
{
    (void)begin(NULL);
    v.mpu6050.slow_ppm = slow_ppm;
    wake();
    for (unsigned round = 0; round < 50; round++) {
        uint64_t from_ms = virtual_board_ms(&v);
        pass_ms(gap_ms);
        mpu6050_fetch(&sensor, &batch);
        for (uint64_t at_ms = from_ms + 15; at_ms < from_ms + gap_ms; at_ms += 5) {
            assert_true(mpu6050_at(&sensor, &batch, at_ms * 1000));
            expect_whole();
            assert_in_range(distance(at_ms), 0, 12);
        }
        mpu6050_end(&sensor, &batch);
    }
}

static void test_at_gives_the_entry_of_that_time(void **state)
{
    static const int32_t slow_ppm[] = {-50000, -10000, 0, 3000, 50000};
    static const uint64_t gap_ms[] = {20, 50, 137, 350, 1000};
    (void)state;
    for (size_t i = 0; i < sizeof slow_ppm / sizeof slow_ppm[0]; i++) {
        for (size_t j = 0; j < sizeof gap_ms / sizeof gap_ms[0]; j++) {
            expect_times(slow_ppm[i], gap_ms[j]);
        }
    }
}

static void test_at_times_outside_gives_the_first_and_the_last(void **state)
{
    (void)state;
    wake();
    uint64_t from_us = v.now_us;
    pass_ms(100);
    mpu6050_fetch(&sensor, &batch);
    assert_true(batch.count >= 9);
    assert_true(mpu6050_at(&sensor, &batch, 0));
    assert_int_equal(batch.taken, 1);
    assert_true(mpu6050_at(&sensor, &batch, from_us + 1000000));
    assert_int_equal(batch.taken, batch.count);
    assert_in_range(x(), virtual_board_ms(&v) - 15, virtual_board_ms(&v));
}

/* Between two entries the last one holds. */
static void test_at_without_a_new_entry_gives_the_last(void **state)
{
    (void)state;
    wake();
    pass_ms(20);
    fetch_all();
    int32_t before = x();
    mpu6050_fetch(&sensor, &batch);
    assert_int_equal(batch.count, 0);
    assert_true(mpu6050_at(&sensor, &batch, v.now_us));
    assert_int_equal(x(), before);
}

/* Two fetches at the same microsecond, as a board's coarse clock may have it. */
static void test_fetch_twice_at_once_is_no_division_by_zero(void **state)
{
    (void)state;
    wake();
    pass_ms(50);
    mpu6050_fetch(&sensor, &batch);
    batch.from_us = batch.to_us;
    assert_true(mpu6050_at(&sensor, &batch, batch.to_us));
    assert_true(mpu6050_at(&sensor, &batch, batch.to_us - 1));
    assert_true(mpu6050_at(&sensor, &batch, batch.to_us + 1));
}

static void test_fetch_of_what_ran_over_begins_anew(void **state)
{
    (void)state;
    wake();
    pass_ms(1300);
    mpu6050_fetch(&sensor, &batch);
    assert_int_equal(batch.count, 0);
    assert_false(mpu6050_at(&sensor, &batch, v.now_us));
    pass_ms(100);
    mpu6050_fetch(&sensor, &batch);
    assert_in_range(batch.count, 9, 11);
    assert_true(mpu6050_at(&sensor, &batch, batch.from_us));
    expect_whole();
    assert_in_range(x(), virtual_board_ms(&v) - 101, virtual_board_ms(&v) - 80);
}

static void test_fetch_of_nearly_all_it_holds_is_whole(void **state)
{
    (void)state;
    wake();
    pass_ms(1270);
    mpu6050_fetch(&sensor, &batch);
    assert_in_range(batch.count, 125, 127);
    while (batch.taken < batch.count) {
        uint64_t next_us =
            batch.from_us + (batch.to_us - batch.from_us) * batch.taken / batch.count;
        assert_true(mpu6050_at(&sensor, &batch, next_us + 1));
        expect_whole();
    }
}

static void test_fetch_while_an_entry_is_put_in_is_whole(void **state)
{
    (void)state;
    wake();
    pass_ms(50);
    v.mpu6050.midway = true;
    fetch_all();
    assert_false(v.mpu6050.midway);
    assert_in_range(batch.count, 4, 5);
    expect_whole();
}

/* An odd number of bytes: entries do not begin where they should. */
static void test_fetch_of_shifted_entries_begins_anew(void **state)
{
    (void)state;
    for (size_t shift = 1; shift < 8; shift++) {
        (void)begin(NULL);
        wake();
        pass_ms(50);
        v.mpu6050.fifo_begin += shift;
        v.mpu6050.fifo_len -= shift;
        fetch_all();
        assert_false(sensor.known);
        pass_ms(50);
        fetch_all();
        expect_whole();
    }
}

/* Its supply failed for a moment: it answers, and sleeps. */
static void test_fetch_sees_that_it_sleeps(void **state)
{
    (void)state;
    wake();
    pass_ms(50);
    fetch_all();
    chip_mpu6050_power_on(&v.mpu6050, v.now_us);
    for (unsigned i = 0; i < 4; i++) {
        pass_ms(50);
        fetch_all();
    }
    assert_false(sensor.known);
    wake();
    pass_ms(20);
    fetch_all();
    expect_whole();
}

/* Whichever transfer breaks off: nothing wrong comes, and soon something right. */
static void test_any_transfer_that_fails_is_got_over(void **state)
{
    (void)state;
    for (unsigned fail_in = 1; fail_in <= 60; fail_in++) {
        unsigned unknown = 0;
        (void)begin(NULL);
        v.mpu6050.fail_in = fail_in;
        for (unsigned i = 0; i < 60; i++) {
            (void)poll();
            pass_ms(50);
            mpu6050_fetch(&sensor, &batch);
            if (mpu6050_at(&sensor, &batch, v.now_us)) {
                expect_whole();
                assert_in_range(x(), virtual_board_ms(&v) - 40, virtual_board_ms(&v));
            } else {
                unknown++;
            }
            mpu6050_end(&sensor, &batch);
        }
        assert_int_equal(v.mpu6050.fail_in, 0);
        assert_in_range(unknown, 1, 25);
        expect_whole();
    }
}

static void test_mg_is_to_the_nearest(void **state)
{
    (void)state;
    assert_int_equal(mpu6050_mg(0), 0);
    assert_int_equal(mpu6050_mg(1), 0);
    assert_int_equal(mpu6050_mg(-1), 0);
    assert_int_equal(mpu6050_mg(2), 1);
    assert_int_equal(mpu6050_mg(-2), -1);
    assert_int_equal(mpu6050_mg(2048), 1000);
    assert_int_equal(mpu6050_mg(-2048), -1000);
    assert_int_equal(mpu6050_mg(INT16_MAX), 16000);
    assert_int_equal(mpu6050_mg(INT16_MIN), -16000);
}

static void test_mdegc_is_to_the_nearest(void **state)
{
    (void)state;
    assert_int_equal(mpu6050_mdegc(0), 36530);
    assert_int_equal(mpu6050_mdegc(340), 37530);
    assert_int_equal(mpu6050_mdegc(-340), 35530);
    assert_int_equal(mpu6050_mdegc(1), 36533);
    assert_int_equal(mpu6050_mdegc(-1), 36527);
    assert_int_equal(mpu6050_mdegc(-4420), 23530);
}

#define TEST(test) cmocka_unit_test_setup(test, begin)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_poll_wakes_it),
        TEST(test_poll_finds_nobody_until_somebody_comes),
        TEST(test_poll_refuses_another_chip),
        TEST(test_at_gives_the_entry_of_that_time),
        TEST(test_at_times_outside_gives_the_first_and_the_last),
        TEST(test_at_without_a_new_entry_gives_the_last),
        TEST(test_fetch_twice_at_once_is_no_division_by_zero),
        TEST(test_fetch_of_what_ran_over_begins_anew),
        TEST(test_fetch_of_nearly_all_it_holds_is_whole),
        TEST(test_fetch_while_an_entry_is_put_in_is_whole),
        TEST(test_fetch_of_shifted_entries_begins_anew),
        TEST(test_fetch_sees_that_it_sleeps),
        TEST(test_any_transfer_that_fails_is_got_over),
        TEST(test_mg_is_to_the_nearest),
        TEST(test_mdegc_is_to_the_nearest),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
