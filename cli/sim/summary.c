/* SPDX-License-Identifier: Apache-2.0 */
#include "summary.h"

#include <inttypes.h>

static double elapsed_s(const fleet *f)
{
    return (double)f->elapsed_ns / 1e9;
}

void summary_print_text(FILE *out, const fleet *f)
{
    const counters *count = &f->world.count;

    fprintf(out,
            "sent %" PRIu64 " readings, %" PRIu64 " bytes in %.1f s; %u of %u devices connected, "
            "%u refused, %u closed by the gateway, %u reconnects, %" PRIu64 " skipped\n",
            count->sent, count->bytes, elapsed_s(f), count->connected, f->size, count->refused,
            count->closed, count->connections - count->connected, count->skipped);
}

void summary_print_json(FILE *out, const fleet *f)
{
    const counters *count = &f->world.count;
    const settings *set = f->world.set;

    fprintf(out, "{\"wire\":\"%s\",\"devices\":%u,\"rate_hz\":%.10g,\"elapsed_s\":%.3f",
            set->wire == WIRE_SEED_CHAINED ? "seed-chained" : "seed", f->size, set->rate_hz,
            elapsed_s(f));
    fprintf(out,
            ",\"sent\":%" PRIu64 ",\"bytes\":%" PRIu64 ",\"skipped\":%" PRIu64
            ",\"corrupted\":%" PRIu64,
            count->sent, count->bytes, count->skipped, count->corrupted);
    fprintf(out, ",\"connected\":%u,\"connections\":%u,\"reconnects\":%u", count->connected,
            count->connections, count->connections - count->connected);
    fprintf(out, ",\"refused\":%u,\"closed\":%u", count->refused, count->closed);
    fprintf(out,
            ",\"latency\":null,\"latency_reason\":\"the seed wire has no acknowledgement\"}\n");
}
