/* SPDX-License-Identifier: Apache-2.0 */
#ifndef MEDSEC_GATEWAY_COUNTERS_H
#define MEDSEC_GATEWAY_COUNTERS_H

#include <medsec/gateway.h>
#include <stdatomic.h>

/* Written by one loop, read by whoever wants statistics. */
typedef struct medsec__counters {
    _Atomic uint64_t accepted;
    _Atomic uint64_t connections;
    _Atomic uint64_t identified;
    _Atomic uint64_t readings;
    _Atomic uint64_t messages;
    _Atomic uint64_t dropped;
    _Atomic uint64_t extra_members;
    _Atomic uint64_t paused;
    _Atomic uint64_t half_open;
    _Atomic uint64_t half_open_evicted;
    _Atomic uint64_t queued;
    _Atomic uint64_t source_limited;
    _Atomic uint64_t welcomes;
    _Atomic uint64_t proved;
    _Atomic uint64_t duplicates;
    _Atomic uint64_t acknowledged;
    _Atomic uint64_t superseded;
    _Atomic uint64_t commands;
    _Atomic uint64_t latencies[MEDSEC_GATEWAY_LATENCIES];
    _Atomic uint64_t latency_sum_us;
    _Atomic uint64_t rejected[MEDSEC_GATEWAY_REASONS];
} medsec__counters;

static inline void medsec__count(_Atomic uint64_t *counter, uint64_t n)
{
    atomic_fetch_add_explicit(counter, n, memory_order_relaxed);
}

static inline void medsec__count_rejected(medsec__counters *counters, medsec_status reason)
{
    medsec__count(&counters->rejected[(unsigned)-(int)reason % MEDSEC_GATEWAY_REASONS], 1);
}

#endif
