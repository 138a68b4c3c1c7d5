/* SPDX-License-Identifier: Apache-2.0 */
#include "internal.h"

const uint32_t medsec_gateway_latency_us[] = {500,     1000,    2000,    5000,     10000,
                                              20000,   50000,   100000,  200000,   500000,
                                              1000000, 2000000, 5000000, 10000000, 30000000};

static void add_latencies(medsec_gateway_latency *sum, const medsec__counters *c)
{
    for (unsigned i = 0; i < MEDSEC_GATEWAY_LATENCIES; i++) {
        const uint64_t n = c->latencies[i];
        sum->bucket[i] += n;
        sum->count += n;
    }
    sum->sum_us += c->latency_sum_us;
}

static void add_counters(medsec_gateway_stats *stats, const medsec__counters *c)
{
    stats->accepted += c->accepted;
    stats->connections += c->connections;
    stats->identified += c->identified;
    stats->readings += c->readings;
    stats->messages += c->messages;
    stats->dropped += c->dropped;
    stats->extra_members += c->extra_members;
    stats->paused += c->paused;
    stats->half_open += c->half_open;
    stats->half_open_evicted += c->half_open_evicted;
    stats->queued += c->queued;
    stats->source_limited += c->source_limited;
    stats->welcomes += c->welcomes;
    stats->proved += c->proved;
    stats->duplicates += c->duplicates;
    stats->acknowledged += c->acknowledged;
    stats->superseded += c->superseded;
    stats->commands += c->commands;
    for (unsigned i = 0; i < MEDSEC_GATEWAY_REASONS; i++) {
        stats->rejected[i] += c->rejected[i];
    }
    add_latencies(&stats->durable, c);
}

static uint64_t stalled_ms(const medsec_gateway *gateway)
{
    const uint64_t now_ms = uv_hrtime() / 1000000;
    uint64_t longest = 0;
    for (uint32_t i = 0; i < gateway->options.threads; i++) {
        const uint64_t turned_ms = atomic_load(&gateway->loops[i].turned_ms);
        if (turned_ms != 0 && turned_ms < now_ms && now_ms - turned_ms > longest) {
            longest = now_ms - turned_ms;
        }
    }
    return longest;
}

/* The slowest loop counts. */
static uint64_t reloads(const medsec_gateway *gateway)
{
    uint64_t least = gateway->reloads;
    for (uint32_t i = 0; i < gateway->options.threads; i++) {
        const uint64_t taken = atomic_load(&gateway->loops[i].reloads);
        least = taken < least ? taken : least;
    }
    return least;
}

void medsec_gateway_get_stats(const medsec_gateway *gateway, medsec_gateway_stats *stats)
{
    *stats = (medsec_gateway_stats){.reloads = reloads(gateway),
                                    .promotions = gateway->promoted,
                                    .devices = gateway->devices,
                                    .generation = gateway->generation};
    for (uint32_t i = 0; i < gateway->options.threads; i++) {
        add_counters(stats, &gateway->loops[i].counters);
    }
    stats->stalled_ms = stalled_ms(gateway);
}
