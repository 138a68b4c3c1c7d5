/* SPDX-License-Identifier: Apache-2.0 */
#include "round.h"

static void count(medsec__round *round, uint64_t now_ns)
{
    const uint64_t ns = now_ns - round->window_ns;
    if (ns < MEDSEC__ROUND_WINDOW_NS) {
        return;
    }
    round->is_busy = (uint64_t)round->reads * 1000000000u > MEDSEC__ROUND_BUSY * ns;
    round->reads = 0;
    round->window_ns = now_ns;
}

uint64_t medsec__round_end(medsec__round *round, uint64_t now_ns)
{
    count(round, now_ns);
    const uint64_t ns = now_ns - round->begun_ns;
    return round->is_busy && ns < MEDSEC__ROUND_NS ? MEDSEC__ROUND_NS - ns : 0;
}
