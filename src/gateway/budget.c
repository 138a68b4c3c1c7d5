/* SPDX-License-Identifier: Apache-2.0 */
#include "budget.h"

#include <time.h>

bool medsec__budget_allows(medsec__budget *budget, uint64_t now_ns)
{
    uint64_t paid = (now_ns - budget->at_ns) / MEDSEC__BUDGET_SHARE;
    budget->debt_ns = budget->debt_ns > paid ? budget->debt_ns - paid : 0;
    budget->at_ns = now_ns;
    return budget->debt_ns < MEDSEC__BUDGET_BURST_NS;
}

uint64_t medsec__budget_clock(void)
{
    struct timespec t;
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
    return (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
}

void medsec__budget_spend(medsec__budget *budget, uint64_t spent_ns)
{
    budget->debt_ns += spent_ns;
}

void medsec__budget_refund(medsec__budget *budget, uint64_t spent_ns)
{
    budget->debt_ns = budget->debt_ns > spent_ns ? budget->debt_ns - spent_ns : 0;
}
