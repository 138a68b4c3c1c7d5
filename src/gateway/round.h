/* SPDX-License-Identifier: Apache-2.0 */
#ifndef MEDSEC_GATEWAY_ROUND_H
#define MEDSEC_GATEWAY_ROUND_H

#include <stdbool.h>
#include <stdint.h>

/*
 * A loop that has much to do does it in rounds, as network cards moderate their interrupts: going
 * to sleep, waking up, and a write to the broker cost as much for one reading as for twenty. While
 * there is little to do nothing waits.
 */
#define MEDSEC__ROUND_NS                                                  \
    5000000u /* from one round to the next; a quarter of the 20 ms that a \
                reading may take, which it meets twice */
#define MEDSEC__ROUND_BUSY 200u /* reads of what devices say, in a second */
#define MEDSEC__ROUND_WINDOW_NS 250000000u /* over which those are counted */

typedef struct medsec__round {
    uint64_t begun_ns; /* the last round */
    uint64_t window_ns; /* when counting began */
    uint32_t reads; /* since then */
    bool is_busy; /* in the window before */
} medsec__round;

/* A round is over. How long to wait before the next one. */
uint64_t medsec__round_end(medsec__round *round, uint64_t now_ns);

/* The next one begins. */
static inline void medsec__round_begin(medsec__round *round, uint64_t now_ns)
{
    round->begun_ns = now_ns;
}

#endif
