/* SPDX-License-Identifier: Apache-2.0 */
#include "gateway/budget.h"
#include "unit.h"

#define MS 1000000u

static void test_allows_a_burst_then_a_share_of_the_time(void **state)
{
    (void)state;
    medsec__budget budget = {0};
    uint64_t now = 1000000000u, begin = now, spent = 0;
    unsigned burst = 0;
    while (medsec__budget_allows(&budget, now)) {
        medsec__budget_spend(&budget, 20 * MS);
        burst++;
    }
    assert_int_equal(burst, MEDSEC__BUDGET_BURST_NS / (20 * MS));
    for (; now < begin + 10000u * (uint64_t)MS; now += MS) {
        if (!medsec__budget_allows(&budget, now))
            continue;
        medsec__budget_spend(&budget, 20 * MS);
        spent += 20 * MS;
    }
    assert_in_range(spent, 2400u * (uint64_t)MS, 2600u * (uint64_t)MS);
}

static void test_quiet_time_saves_no_more_than_a_burst(void **state)
{
    (void)state;
    medsec__budget budget = {0};
    assert_true(medsec__budget_allows(&budget, 3600u * 1000u * (uint64_t)MS));
    medsec__budget_spend(&budget, 2 * MEDSEC__BUDGET_BURST_NS);
    assert_false(medsec__budget_allows(&budget, 3600u * 1000u * (uint64_t)MS + MS));
}

static void test_refund_is_no_more_than_the_debt(void **state)
{
    (void)state;
    medsec__budget budget = {0};
    uint64_t now = 3600u * 1000u * (uint64_t)MS;
    assert_true(medsec__budget_allows(&budget, now));
    medsec__budget_spend(&budget, 2 * MEDSEC__BUDGET_BURST_NS);
    medsec__budget_refund(&budget, MEDSEC__BUDGET_BURST_NS + MS);
    assert_true(medsec__budget_allows(&budget, now));
    medsec__budget_refund(&budget, 3 * MEDSEC__BUDGET_BURST_NS);
    assert_int_equal(budget.debt_ns, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_allows_a_burst_then_a_share_of_the_time),
        cmocka_unit_test(test_quiet_time_saves_no_more_than_a_burst),
        cmocka_unit_test(test_refund_is_no_more_than_the_debt),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
