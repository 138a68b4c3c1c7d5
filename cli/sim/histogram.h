/* SPDX-License-Identifier: Apache-2.0 */
#ifndef MEDSEC_SIM_HISTOGRAM_H
#define MEDSEC_SIM_HISTOGRAM_H

#include <stdint.h>

/* How often each value came, in steps of a thirty-second of the value: 3 % is exact enough. */
#define HISTOGRAM_STEP_BITS 5u
#define HISTOGRAM_BUCKETS ((33u - HISTOGRAM_STEP_BITS) << HISTOGRAM_STEP_BITS)

typedef struct histogram {
    uint64_t bucket[HISTOGRAM_BUCKETS];
    uint64_t count;
    uint32_t max;
} histogram;

void histogram_add(histogram *h, uint32_t value);

/* The least value that `share` (0..1) of all do not exceed, up to its step; 0 when there is none.
 */
uint32_t histogram_quantile(const histogram *h, double share);

#endif
