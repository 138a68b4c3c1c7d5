/* SPDX-License-Identifier: Apache-2.0 */
#include "unit.h"

#include "faults.h"
#include "outbox.h"

#include <ctype.h>
#include <string.h>

#define FRAME 10u

static void add(outbox *box, char fill, size_t len)
{
    char *room = outbox_room(box, FRAME, false);

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

static void test_took_counts_frames_that_ended(void **state)
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

static void test_room_is_bounded_by_frames(void **state)
{
    outbox box;
    (void)state;

    assert_true(outbox_open(&box, 2 * OUTBOX_FRAMES_MAX, FRAME));
    for (unsigned i = 0; i < OUTBOX_FRAMES_MAX; i++) {
        add(&box, 'a', 1);
    }
    assert_null(outbox_room(&box, FRAME, false));
    outbox_close(&box);
}

static void test_replay_is_read_only(void **state)
{
    char recording[] = "recorded";
    outbox box;
    (void)state;

    outbox_replay(&box, recording, 8);
    assert_null(outbox_room(&box, FRAME, false));
    assert_int_equal(outbox_took(&box, 8), 0);
    assert_int_equal(outbox_pending(&box), 0);
    outbox_clear(&box);
    assert_int_equal(outbox_pending(&box), 8);
    outbox_close(&box);
}

static void test_corrupt_keeps_the_form_and_changes_one_digit(void **state)
{
    static const char frame[] = "0123456789abcdef0123456789abcdef+ffffffffffffffff0000000000000000";
    (void)state;

    for (uint64_t seed = 0; seed < 2000; seed++) {
        char copy[sizeof(frame)];
        prng random = {seed};
        unsigned changed = 0;
        memcpy(copy, frame, sizeof(frame));
        fault_corrupt(copy, sizeof(frame) - 1, &random);
        for (size_t i = 0; i < sizeof(frame) - 1; i++) {
            changed += copy[i] != frame[i];
            assert_true(i == 32 ? copy[i] == '+' : isxdigit((unsigned char)copy[i]));
        }
        assert_int_equal(changed, 1);
    }
}

static void test_wrong_key_is_printable_and_another(void **state)
{
    medsec_credential credential = {.key = {'k'}, .iv = {'i'}};
    const medsec_credential before = credential;
    prng random = {1};
    (void)state;

    fault_wrong_key(&credential, &random);
    assert_memory_not_equal(credential.key, before.key, sizeof(before.key));
    assert_memory_not_equal(credential.iv, before.iv, sizeof(before.iv));
    for (size_t i = 0; i < sizeof(credential.key); i++) {
        assert_true(isgraph(credential.key[i]) && isgraph(credential.iv[i]));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_room_ends_when_full),
        cmocka_unit_test(test_room_moves_what_is_left_to_the_front),
        cmocka_unit_test(test_took_counts_frames_that_ended),
        cmocka_unit_test(test_clear_counts_what_is_lost),
        cmocka_unit_test(test_room_is_bounded_by_frames),
        cmocka_unit_test(test_replay_is_read_only),
        cmocka_unit_test(test_corrupt_keeps_the_form_and_changes_one_digit),
        cmocka_unit_test(test_wrong_key_is_printable_and_another),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
