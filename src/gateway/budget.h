/* SPDX-License-Identifier: Apache-2.0 */
#ifndef MEDSEC_GATEWAY_BUDGET_H
#define MEDSEC_GATEWAY_BUDGET_H

#include <stdbool.h>
#include <stdint.h>

/*
 * Time that a loop may spend on strangers. Trying a first block against 100 000 keys takes 20 ms, a
 * HELLO that was recorded 0.2 ms, and a stranger needs no key to ask for either.
 */
#define MEDSEC__BUDGET_SHARE 4u /* one part in so many of the loop's time */
#define MEDSEC__BUDGET_BURST_NS 20000000u /* at once, after a quiet time */

typedef struct medsec__budget {
    uint64_t debt_ns;
    uint64_t at_ns; /* when debt_ns was right */
} medsec__budget;

/* False: the budget is used up for now. */
bool medsec__budget_allows(medsec__budget *budget, uint64_t now_ns);

/* The thread's CPU time: what others take of the machine meanwhile is not the stranger's. */
uint64_t medsec__budget_clock(void);

/* Books what looking for a device took. */
void medsec__budget_spend(medsec__budget *budget, uint64_t spent_ns);

/* It was no stranger. */
void medsec__budget_refund(medsec__budget *budget, uint64_t spent_ns);

#endif
