/* SPDX-License-Identifier: Apache-2.0 */
#include "unit.h"

#include "outbox.h"

#include <string.h>

#define FRAME 10u

static void add(outbox *box, char fill, size_t len)
{
    uint8_t *room = outbox_room(box, FRAME, false);

    assert_non_null(room);
    memset(room, fill, len);
    outbox_add(box, len);
}

static void test_room_ends_when_full(void **state)
{
    outbox box;
    (void)state;

    assert_true(outbox_open(&box, 3, FRAME));
    for (unsigned i = 0; i < 3; i++) {
        add(&box, 'a', FRAME);
    }
    assert_null(outbox_room(&box, FRAME, false));
    assert_int_equal(outbox_pending(&box), 3 * FRAME);
    assert_int_equal(outbox_took(&box, FRAME), 1);
    assert_null(outbox_room(&box, FRAME, true));
    assert_non_null(outbox_room(&box, FRAME, false));
    outbox_close(&box);
}

static void test_room_moves_what_is_left_to_the_front(void **state)
{
    outbox box;
    (void)state;

    assert_true(outbox_open(&box, 2, FRAME));
    add(&box, 'a', FRAME);
    add(&box, 'b', FRAME);
    assert_int_equal(outbox_took(&box, FRAME + 3), 1);
    assert_non_null(outbox_room(&box, FRAME, false));
    assert_memory_equal(box.data + box.at, "bbbbbbb", 7);
    assert_int_equal(outbox_took(&box, 7), 1);
    outbox_close(&box);
}

static void test_took_counts_units_that_ended(void **state)
{
    outbox box;
    (void)state;

    assert_true(outbox_open(&box, 4, FRAME));
    add(&box, 'a', 4);
    add(&box, 'b', 6);
    add(&box, 'c', 1);
    assert_int_equal(outbox_took(&box, 3), 0);
    assert_int_equal(outbox_took(&box, 7), 2);
    assert_int_equal(outbox_took(&box, 1), 1);
    assert_int_equal(outbox_pending(&box), 0);
    outbox_close(&box);
}

static void test_clear_counts_what_is_lost(void **state)
{
    outbox box;
    (void)state;

    assert_true(outbox_open(&box, 4, FRAME));
    add(&box, 'a', 4);
    add(&box, 'b', 6);
    assert_int_equal(outbox_took(&box, 5), 1);
    assert_int_equal(outbox_clear(&box), 1);
    assert_int_equal(outbox_pending(&box), 0);
    outbox_close(&box);
}

static void test_room_is_bounded_by_units(void **state)
{
    outbox box;
    (void)state;

    assert_true(outbox_open(&box, 2 * OUTBOX_UNITS_MAX, FRAME));
    for (unsigned i = 0; i < OUTBOX_UNITS_MAX; i++) {
        add(&box, 'a', 1);
    }
    assert_null(outbox_room(&box, FRAME, false));
    outbox_close(&box);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_room_ends_when_full),
        cmocka_unit_test(test_room_moves_what_is_left_to_the_front),
        cmocka_unit_test(test_took_counts_units_that_ended),
        cmocka_unit_test(test_clear_counts_what_is_lost),
        cmocka_unit_test(test_room_is_bounded_by_units),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
