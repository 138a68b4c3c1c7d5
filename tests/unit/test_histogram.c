/* SPDX-License-Identifier: Apache-2.0 */
#include "unit.h"

#include "histogram.h"

static histogram h;

static int begin(void **state)
{
    (void)state;
    h = (histogram){.count = 0};
    return 0;
}

static void test_quantile_of_nothing_is_0(void **state)
{
    (void)state;
    assert_int_equal(histogram_quantile(&h, 0.5), 0);
    assert_int_equal(h.max, 0);
}

static void test_quantile_of_small_values_is_exact(void **state)
{
    (void)state;
    for (uint32_t value = 1; value <= 50; value++) {
        histogram_add(&h, value);
    }
    assert_int_equal(histogram_quantile(&h, 0), 1);
    assert_int_equal(histogram_quantile(&h, 0.5), 25);
    assert_int_equal(histogram_quantile(&h, 0.9), 45);
    assert_int_equal(histogram_quantile(&h, 0.91), 46);
    assert_int_equal(histogram_quantile(&h, 1), 50);
    assert_int_equal(h.count, 50);
}

/* A value alone between a smaller and a larger one: what its bucket says of it. */
static uint32_t as_kept(uint32_t value)
{
    h = (histogram){.count = 0};
    histogram_add(&h, 0);
    histogram_add(&h, value);
    histogram_add(&h, UINT32_MAX);
    return histogram_quantile(&h, 0.5);
}

static void test_quantile_is_never_below_and_at_most_a_thirty_second_above(void **state)
{
    (void)state;
    for (uint32_t shift = 0; shift < 32; shift++) {
        for (uint32_t part = 0; part < 64; part++) {
            const uint32_t value = (1u << shift) + (uint32_t)(((uint64_t)part << shift) / 64);
            assert_in_range(as_kept(value), value, (uint64_t)value + value / 32);
        }
    }
    assert_int_equal(as_kept(UINT32_MAX), UINT32_MAX);
}

static void test_quantile_does_not_exceed_the_largest(void **state)
{
    (void)state;
    histogram_add(&h, 1000001);
    histogram_add(&h, 1000002);
    assert_int_equal(histogram_quantile(&h, 0.99), 1000002);
    assert_int_equal(h.max, 1000002);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(test_quantile_of_nothing_is_0, begin),
        cmocka_unit_test_setup(test_quantile_of_small_values_is_exact, begin),
        cmocka_unit_test_setup(test_quantile_is_never_below_and_at_most_a_thirty_second_above,
                               begin),
        cmocka_unit_test_setup(test_quantile_does_not_exceed_the_largest, begin),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
