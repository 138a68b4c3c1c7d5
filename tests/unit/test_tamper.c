/* SPDX-License-Identifier: Apache-2.0 */
#include "unit.h"

#include "tamper.h"

#include <string.h>

#define UNIT 10u
#define UNITS_MAX 8u

static settings set;
static tamper t;
static outbox box;
static unsigned changed; /* units of which tamper_pass said so */

static int begin(void **state)
{
    (void)state;
    set = (settings){.coalesce = 1};
    changed = 0;
    tamper_open(&t, &set, &wire_medsec1_ops, 1);
    return outbox_open(&box, UNITS_MAX + TAMPER_UNITS, UNIT) ? 0 : -1;
}

static int end(void **state)
{
    (void)state;
    tamper_close(&t);
    outbox_close(&box);
    return 0;
}

/* Passes units of ten letters each: aaaaaaaaaa, bbbbbbbbbb, ... */
static void pass(unsigned count)
{
    for (unsigned i = 0; i < count; i++) {
        uint8_t *room = outbox_room(&box, TAMPER_UNITS * UNIT, false);
        assert_non_null(room);
        memset(room, 'a' + (int)i, UNIT);
        changed += tamper_pass(&t, &box, room, UNIT) ? 1 : 0;
    }
}

/* The first letter of each unit in the box. */
static void assert_units(const char *letters)
{
    assert_int_equal(box.units, strlen(letters));
    for (uint32_t i = 0, at = 0; i < box.units; at = box.end[i++]) {
        assert_int_equal(box.data[at], letters[i]);
    }
}

static void test_pass_changes_nothing_by_itself(void **state)
{
    (void)state;
    pass(3);
    assert_units("abc");
    assert_memory_equal(box.data, "aaaaaaaaaabbbbbbbbbbcccccccccc", 3 * UNIT);
    assert_int_equal(changed, 0);
}

static void test_pass_drops_every_nth(void **state)
{
    (void)state;
    set.drop_record = 2;
    pass(5);
    assert_units("ace");
    assert_int_equal(changed, 2);
}

static void test_pass_duplicates_every_nth(void **state)
{
    (void)state;
    set.duplicate = 3;
    pass(4);
    assert_units("abccd");
    assert_memory_equal(box.data + 2 * UNIT, "cccccccccccccccccccc", 2 * UNIT);
    assert_int_equal(changed, 1);
}

static void test_pass_reorders_every_nth(void **state)
{
    (void)state;
    set.reorder = 2;
    pass(5);
    assert_units("acbed");
    assert_int_equal(changed, 2);
}

static void test_pass_reorders_pairs_when_it_is_every_one(void **state)
{
    (void)state;
    set.reorder = 1;
    pass(4);
    assert_units("badc");
}

static void test_pass_truncates_every_nth(void **state)
{
    (void)state;
    set.truncate = 2;
    pass(3);
    assert_units("abc");
    assert_in_range(box.end[1] - box.end[0], 1, UNIT - 1);
    assert_int_equal(box.end[2] - box.end[1], UNIT);
    assert_int_equal(changed, 1);
}

static void test_pass_truncates_to_every_shorter_length(void **state)
{
    uint32_t lengths = 0;
    (void)state;

    set.truncate = 1;
    for (unsigned i = 0; i < 500; i++) {
        pass(1);
        lengths |= 1u << box.end[0];
        (void)outbox_clear(&box);
    }
    assert_int_equal(lengths, (1u << UNIT) - 2); /* 1 to 9 bytes */
}

static void test_pass_corrupts_one_bit_of_every_nth(void **state)
{
    unsigned bits = 0;
    (void)state;

    set.corrupt = 2;
    pass(2);
    assert_memory_equal(box.data, "aaaaaaaaaa", UNIT);
    for (size_t i = UNIT; i < 2 * UNIT; i++) {
        for (unsigned x = box.data[i] ^ 'b'; x != 0; x &= x - 1) {
            bits++;
        }
    }
    assert_int_equal(bits, 1);
    assert_int_equal(changed, 1);
}

static void test_pass_fills_with_garbage_and_does_not_count_it(void **state)
{
    (void)state;
    set.garbage = true;
    set.corrupt = 1;
    pass(1);
    assert_int_equal(box.units, 1);
    assert_memory_not_equal(box.data, "aaaaaaaaaa", UNIT);
    assert_int_equal(changed, 0);
}

static void test_pass_corrupts_as_the_wire_does(void **state)
{
    (void)state;
    tamper_open(&t, &set, &wire_seed_ops, 1);
    set.corrupt = 1;
    for (unsigned i = 0; i < 200; i++) {
        memset(box.data, 0, box.cap);
        uint8_t *room = outbox_room(&box, TAMPER_UNITS * UNIT, false);
        memcpy(room, "0123456789", UNIT);
        (void)tamper_pass(&t, &box, room, UNIT);
        assert_int_equal(strspn((const char *)box.data, "0123456789abcdef"), UNIT);
        (void)outbox_clear(&box);
    }
}

static void test_reset_forgets_what_is_held_and_counts_anew(void **state)
{
    (void)state;
    set.reorder = 3;
    pass(2);
    tamper_reset(&t);
    pass(2);
    assert_units("abab");
    (void)outbox_clear(&box);
    tamper_reset(&t);
    pass(3);
    assert_units("ab");
    tamper_reset(&t);
    pass(2);
    assert_units("abab");
    pass(1);
    assert_units("abab");
    pass(1);
    assert_units("ababaa");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_pass_changes_nothing_by_itself, begin, end),
        cmocka_unit_test_setup_teardown(test_pass_drops_every_nth, begin, end),
        cmocka_unit_test_setup_teardown(test_pass_duplicates_every_nth, begin, end),
        cmocka_unit_test_setup_teardown(test_pass_reorders_every_nth, begin, end),
        cmocka_unit_test_setup_teardown(test_pass_reorders_pairs_when_it_is_every_one, begin, end),
        cmocka_unit_test_setup_teardown(test_pass_truncates_every_nth, begin, end),
        cmocka_unit_test_setup_teardown(test_pass_truncates_to_every_shorter_length, begin, end),
        cmocka_unit_test_setup_teardown(test_pass_corrupts_one_bit_of_every_nth, begin, end),
        cmocka_unit_test_setup_teardown(test_pass_fills_with_garbage_and_does_not_count_it, begin,
                                        end),
        cmocka_unit_test_setup_teardown(test_pass_corrupts_as_the_wire_does, begin, end),
        cmocka_unit_test_setup_teardown(test_reset_forgets_what_is_held_and_counts_anew, begin,
                                        end),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
