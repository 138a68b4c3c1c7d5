/* SPDX-License-Identifier: Apache-2.0 */
#include "unit.h"

#include "../../firmware-port/libc/divide.c"

/* Every power of two, and its neighbours, by every other; some that are neither. */
enum { NUMBERS = 64 * 3 };

static uint64_t number(unsigned i)
{
    return ((uint64_t)1 << i / 3) + i % 3 - 1;
}

static void check_unsigned(uint64_t a, uint64_t b)
{
    uint64_t rest = 0;
    if (b == 0) {
        return;
    }
    assert_int_equal(divide_64(a, b, &rest), a / b);
    assert_int_equal(rest, a % b);
    const uint32_t x = (uint32_t)a;
    const uint32_t y = (uint32_t)b;
    if (y != 0) {
        assert_int_equal(divide_32(x, y), (uint64_t)(x % y) << 32 | x / y);
    }
}

static void check_signed(int64_t a, int64_t b)
{
    int64_t rest = 0;
    if (b == 0 || (a == INT64_MIN && b == -1)) {
        return;
    }
    assert_int_equal(divide_signed_64(a, b, &rest), a / b);
    assert_int_equal(rest, a % b);
    const int32_t x = (int32_t)a;
    const int32_t y = (int32_t)b;
    if (y != 0 && !(x == INT32_MIN && y == -1)) {
        assert_int_equal(divide_signed_32(x, y), (uint64_t)(x % y) << 32 | (uint32_t)(x / y));
    }
}

static void check(uint64_t a, uint64_t b)
{
    check_unsigned(a, b);
    check_unsigned(0 - a, b);
    check_unsigned(a, 0 - b);
    check_signed((int64_t)a, (int64_t)b);
    check_signed((int64_t)(0 - a), (int64_t)b);
    check_signed((int64_t)a, (int64_t)(0 - b));
    check_signed((int64_t)(0 - a), (int64_t)(0 - b));
}

static void test_divide_powers_of_two_and_their_neighbours(void **state)
{
    (void)state;
    for (unsigned i = 0; i < NUMBERS; i++) {
        for (unsigned k = 0; k < NUMBERS; k++) {
            check(number(i), number(k));
        }
    }
}

static void test_divide_any_numbers(void **state)
{
    (void)state;
    uint64_t a = 1;
    for (unsigned i = 0; i < 20000; i++) {
        a = a * 6364136223846793005u + 1442695040888963407u;
        uint64_t b = a ^ a >> 29;
        check(a >> i % 61, b >> i % 59);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_divide_powers_of_two_and_their_neighbours),
        cmocka_unit_test(test_divide_any_numbers),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
