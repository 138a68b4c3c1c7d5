/* SPDX-License-Identifier: Apache-2.0 */
#include "histogram.h"

#include <math.h>

#define STEPS (1u << HISTOGRAM_STEP_BITS)

/* Below STEPS a bucket for each value; then STEPS buckets for each doubling. */
static uint32_t index_of(uint32_t value)
{
    uint32_t shift = 0;

    while (value >> shift >= 2 * STEPS) {
        shift++;
    }
    return shift * STEPS + (value >> shift);
}

/* The largest value of a bucket. */
static uint32_t largest_of(uint32_t index)
{
    const uint32_t shift = index < 2 * STEPS ? 0 : index / STEPS - 1;

    return (uint32_t)((((uint64_t)index - (uint64_t)shift * STEPS + 1) << shift) - 1);
}

void histogram_add(histogram *h, uint32_t value)
{
    h->bucket[index_of(value)]++;
    h->count++;
    h->max = value > h->max ? value : h->max;
}

uint32_t histogram_quantile(const histogram *h, double share)
{
    const double wanted = ceil(share * (double)h->count);
    uint64_t seen = 0;

    for (uint32_t i = 0; i < HISTOGRAM_BUCKETS && h->count > 0; i++) {
        seen += h->bucket[i];
        if (seen > 0 && (double)seen >= wanted) {
            return largest_of(i) < h->max ? largest_of(i) : h->max;
        }
    }
    return h->max;
}
