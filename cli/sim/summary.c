/* SPDX-License-Identifier: Apache-2.0 */
#include "summary.h"

#include <inttypes.h>
#include <string.h>

static double elapsed_s(const fleet *f)
{
    return (double)f->elapsed_ns / 1e9;
}

static double quantile_ms(const fleet *f, double share)
{
    return histogram_quantile(&f->world.latency, share) / 1000.0;
}

static double recovery_s(const fleet *f, double share)
{
    return histogram_quantile(&f->world.recovery, share) / 1000.0;
}

static size_t memory_per_device(const fleet *f)
{
    size_t sum = 0;

    for (uint32_t i = 0; i < f->size; i++) {
        sum += device_memory(&f->devices[i]);
    }
    return f->size > 0 ? sum / f->size : 0;
}

static const char *wire_name(const fleet *f)
{
    const char *name = f->devices[0].wire.ops->name;

    for (uint32_t i = 1; i < f->size; i++) {
        if (strcmp(f->devices[i].wire.ops->name, name) != 0) {
            return "mixed";
        }
    }
    return name;
}

static void print_acknowledged(FILE *out, const fleet *f, const wire_counts *sum)
{
    fprintf(out,
            "acknowledged %" PRIu64 " of %" PRIu64 " readings, %" PRIu64 " unacknowledged, %" PRIu64
            " dropped, %" PRIu64 " sent again; %" PRIu64 " sessions, %" PRIu64
            " faults; latency p50 %.1f p90 %.1f p99 %.1f max %.1f ms; %zu bytes a device\n",
            sum->acknowledged, sum->sampled, sum->pending, sum->dropped, sum->resent, sum->sessions,
            sum->faults, quantile_ms(f, 0.5), quantile_ms(f, 0.9), quantile_ms(f, 0.99),
            f->world.latency.max / 1000.0, memory_per_device(f));
}

void summary_print_text(FILE *out, const fleet *f)
{
    const counters *count = &f->world.count;
    wire_counts sum;

    fleet_count(f, &sum);
    fprintf(out,
            "sent %" PRIu64 " readings, %" PRIu64 " bytes in %.1f s; %u of %u devices connected, "
            "%u refused, %u closed by the gateway, %u reconnects, %" PRIu64 " skipped\n",
            sum.sent, count->bytes, elapsed_s(f), count->connected, f->size, count->refused,
            count->closed, count->connections - count->connected, sum.skipped);
    if (fleet_acknowledges(f)) {
        print_acknowledged(out, f, &sum);
    }
    if (count->cut > 0) {
        fprintf(out, "of %u cuts %" PRIu64 " were mended, p50 %.1f p99 %.1f max %.1f s later\n",
                count->cut, f->world.recovery.count, recovery_s(f, 0.5), recovery_s(f, 0.99),
                f->world.recovery.max / 1000.0);
    }
}

static void print_connections(FILE *out, const fleet *f)
{
    const counters *count = &f->world.count;

    fprintf(out, ",\"bytes\":%" PRIu64 ",\"received\":%" PRIu64 ",\"corrupted\":%" PRIu64,
            count->bytes, count->received, count->corrupted);
    fprintf(out, ",\"connected\":%u,\"connections\":%u,\"reconnects\":%u", count->connected,
            count->connections, count->connections - count->connected);
    fprintf(out, ",\"refused\":%u,\"closed\":%u,\"cut\":%u,\"memory_per_device\":%zu",
            count->refused, count->closed, count->cut, memory_per_device(f));
}

static void print_readings(FILE *out, const fleet *f)
{
    wire_counts sum;

    fleet_count(f, &sum);
    fprintf(out, ",\"sampled\":%" PRIu64 ",\"sent\":%" PRIu64 ",\"skipped\":%" PRIu64, sum.sampled,
            sum.sent, sum.skipped);
    fprintf(out,
            ",\"acknowledged\":%" PRIu64 ",\"unacknowledged\":%" PRIu64 ",\"dropped\":%" PRIu64
            ",\"resent\":%" PRIu64,
            sum.acknowledged, sum.pending, sum.dropped, sum.resent);
    fprintf(out, ",\"boot\":%u,\"sessions\":%" PRIu64 ",\"faults\":%" PRIu64, f->world.setup.boot,
            sum.sessions, sum.faults);
}

static void print_latency(FILE *out, const fleet *f)
{
    if (f->world.latency.count == 0) {
        fprintf(out, ",\"latency\":null,\"latency_reason\":\"%s\"",
                fleet_acknowledges(f) ? "nothing was acknowledged"
                                      : "the seed wire has no acknowledgement");
        return;
    }
    fprintf(out,
            ",\"latency\":{\"count\":%" PRIu64
            ",\"p50\":%.3f,\"p90\":%.3f,\"p99\":%.3f,\"max\":%.3f},\"latency_reason\":null",
            f->world.latency.count, quantile_ms(f, 0.5), quantile_ms(f, 0.9), quantile_ms(f, 0.99),
            f->world.latency.max / 1000.0);
}

static void print_recovery(FILE *out, const fleet *f)
{
    fprintf(out,
            ",\"recovery\":{\"count\":%" PRIu64
            ",\"p50\":%.3f,\"p99\":%.3f,\"max\":%.3f},\"away\":%u",
            f->world.recovery.count, recovery_s(f, 0.5), recovery_s(f, 0.99),
            f->world.recovery.max / 1000.0, f->world.away);
}

void summary_print_json(FILE *out, const fleet *f)
{
    fprintf(out, "{\"wire\":\"%s\",\"devices\":%u,\"rate_hz\":%.10g,\"elapsed_s\":%.3f",
            wire_name(f), f->size, f->world.set->rate_hz, elapsed_s(f));
    print_connections(out, f);
    print_readings(out, f);
    print_latency(out, f);
    print_recovery(out, f);
    fputs("}\n", out);
}
