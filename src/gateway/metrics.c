/* SPDX-License-Identifier: Apache-2.0 */
#include "core/writer.h"

#include <medsec/metrics.h>
#include <medsec/version.h>

/* OpenMetrics 1.0: a counter's sample is its family's name and `_total`. */
typedef enum family_type { COUNTER, GAUGE } family_type;

typedef enum member_type { WHOLE, NARROW, BYTE, TRUTH, MILLISECONDS } member_type;

typedef struct family {
    const char *name; /* after PREFIX */
    family_type type;
    member_type member;
    size_t offset; /* of the member in its struct */
    const char *help;
} family;

#define PREFIX "medsec_"
#define GATEWAY(member) offsetof(medsec_gateway_stats, member)
#define PUBLISHER(member) offsetof(medsec_publisher_stats, member)

static const family of_gateway[] = {
    {"connections_accepted", COUNTER, WHOLE, GATEWAY(accepted), "Connections accepted."},
    {"connections", GAUGE, WHOLE, GATEWAY(connections), "Connections that are open."},
    {"connections_half_open", GAUGE, WHOLE, GATEWAY(half_open),
     "Open connections that have not proved to be a device yet."},
    {"connections_evicted", COUNTER, WHOLE, GATEWAY(half_open_evicted),
     "Half-open connections that gave way to newer ones."},
    {"connections_queued", COUNTER, WHOLE, GATEWAY(queued),
     "New connections that had to wait until there was time for a handshake."},
    {"connections_limited", COUNTER, WHOLE, GATEWAY(source_limited),
     "Connections refused because their address connects too often."},
    {"devices_connected", GAUGE, WHOLE, GATEWAY(identified), "Devices that are connected."},
    {"handshakes_answered", COUNTER, WHOLE, GATEWAY(welcomes), "Handshakes answered."},
    {"handshakes_proved", COUNTER, WHOLE, GATEWAY(proved),
     "Handshakes after which the device used its keys."},
    {"sessions_superseded", COUNTER, WHOLE, GATEWAY(superseded),
     "Sessions ended by a newer one of the same device."},
    {"readings", COUNTER, WHOLE, GATEWAY(readings), "Readings received from devices."},
    {"readings_duplicate", COUNTER, WHOLE, GATEWAY(duplicates),
     "Readings left out because they had been acknowledged before."},
    {"readings_acknowledged", COUNTER, WHOLE, GATEWAY(acknowledged),
     "Readings covered by acknowledgements sent."},
    {"extra_members", COUNTER, WHOLE, GATEWAY(extra_members),
     "Values in readings that the device's profile does not name."},
    {"messages", COUNTER, WHOLE, GATEWAY(messages), "Messages handed to the publisher."},
    {"messages_dropped", COUNTER, WHOLE, GATEWAY(dropped),
     "Messages that the publisher did not take."},
    {"pauses", COUNTER, WHOLE, GATEWAY(paused),
     "Times that a connection was not read from because too much waited for the broker."},
    {"commands", COUNTER, WHOLE, GATEWAY(commands), "Commands sent down to devices."},
    {"rotations_completed", COUNTER, WHOLE, GATEWAY(promotions), "Rotations of secrets completed."},
    {"loop_stall_seconds", GAUGE, MILLISECONDS, GATEWAY(stalled_ms),
     "Time since the slowest event loop last turned."},
    {"registry_reloads", COUNTER, WHOLE, GATEWAY(reloads),
     "Times that a registry read anew came into force."},
    {"registry_devices", GAUGE, WHOLE, GATEWAY(devices), "Devices in the registry."},
    {"registry_generation", GAUGE, WHOLE, GATEWAY(generation),
     "Number of the last change of the registry that is in use."},
};

static const family of_publisher[] = {
    {"broker_connected", GAUGE, TRUTH, PUBLISHER(connected),
     "1 while all connections to the broker are up."},
    {"broker_links", GAUGE, NARROW, PUBLISHER(links), "Connections to the broker that are wanted."},
    {"broker_links_up", GAUGE, NARROW, PUBLISHER(links_up),
     "Connections to the broker that are up."},
    {"broker_mqtt_version", GAUGE, BYTE, PUBLISHER(mqtt_version),
     "Version of MQTT spoken: 5, 4 for 3.1.1, 0 before the first connection."},
    {"broker_connects", COUNTER, WHOLE, PUBLISHER(connects), "Connections made to the broker."},
    {"broker_published", COUNTER, WHOLE, PUBLISHER(published),
     "Messages that the broker acknowledged (QoS 1) or that were written to it (QoS 0)."},
    {"broker_refused", COUNTER, WHOLE, PUBLISHER(refused),
     "Messages that the broker refused for good."},
    {"queue_busy", COUNTER, WHOLE, PUBLISHER(busy),
     "Messages not taken because the queue is full."},
    {"queue_lost", COUNTER, WHOLE, PUBLISHER(lost), "Messages taken and then given up."},
    {"queue_messages", GAUGE, WHOLE, PUBLISHER(queued), "Messages that wait in memory."},
    {"queue_bytes", GAUGE, WHOLE, PUBLISHER(queued_bytes), "Bytes that wait in memory."},
    {"spool_active", GAUGE, TRUTH, PUBLISHER(spooling), "1 while messages go to the disk."},
    {"spool_full", GAUGE, TRUTH, PUBLISHER(spool_full), "1 while the spool has no more room."},
    {"spool_failed", GAUGE, TRUTH, PUBLISHER(spool_failed),
     "1 while the disk does not take what is spooled."},
    {"spool_messages", GAUGE, WHOLE, PUBLISHER(spool_messages), "Messages on the disk."},
    {"spool_bytes", GAUGE, WHOLE, PUBLISHER(spool_bytes), "Bytes on the disk."},
    {"spool_age_seconds", GAUGE, MILLISECONDS, PUBLISHER(spool_age_ms),
     "Age of the oldest message on the disk."},
    {"spool_stored", COUNTER, WHOLE, PUBLISHER(spool_stored), "Messages written to the disk."},
    {"spool_delivered", COUNTER, WHOLE, PUBLISHER(spool_delivered),
     "Messages brought from the disk to the broker."},
    {"spool_dropped", COUNTER, WHOLE, PUBLISHER(spool_dropped),
     "Messages thrown away in a full spool to make room."},
    {"spool_expired", COUNTER, WHOLE, PUBLISHER(spool_expired),
     "Messages thrown away because they waited too long."},
    {"spool_syncs", COUNTER, WHOLE, PUBLISHER(spool_syncs),
     "Groups of messages made safe together."},
};

static void write_head(medsec__writer *w, const char *name, const char *type, const char *help)
{
    const char *const words[] = {
        "# TYPE " PREFIX, name, " ", type, "\n# HELP " PREFIX, name, " ", help, "\n"};
    for (size_t i = 0; i < sizeof words / sizeof *words; i++) {
        medsec__write_text(w, words[i]);
    }
}

static void write_end_of_sample(medsec__writer *w, uint64_t value)
{
    medsec__write_text(w, " ");
    medsec__write_number(w, value, 1);
    medsec__write_text(w, "\n");
}

static void write_decimal(medsec__writer *w, uint64_t value, uint64_t unit, size_t digits)
{
    medsec__write_number(w, value / unit, 1);
    medsec__write_text(w, ".");
    medsec__write_number(w, value % unit, digits);
}

static uint64_t member_of(const void *stats, const family *f)
{
    const uint8_t *at = (const uint8_t *)stats + f->offset;
    switch (f->member) {
    case WHOLE:
    case MILLISECONDS:
        return *(const uint64_t *)(const void *)at;
    case NARROW:
        return *(const uint32_t *)(const void *)at;
    case TRUTH:
        return *(const bool *)at;
    case BYTE:
    default:
        return *at;
    }
}

static void write_families(medsec__writer *w, const family *families, size_t count,
                           const void *stats)
{
    for (size_t i = 0; i < count; i++) {
        const family *f = &families[i];
        const bool counter = f->type == COUNTER;
        write_head(w, f->name, counter ? "counter" : "gauge", f->help);
        medsec__write_text(w, PREFIX);
        medsec__write_text(w, f->name);
        medsec__write_text(w, counter ? "_total" : "");
        if (f->member == MILLISECONDS) {
            medsec__write_text(w, " ");
            write_decimal(w, member_of(stats, f), 1000, 3);
            medsec__write_text(w, "\n");
        } else {
            write_end_of_sample(w, member_of(stats, f));
        }
    }
}

static void write_build(medsec__writer *w)
{
    write_head(w, "build", "info", "What runs.");
    medsec__write_text(w, PREFIX "build_info{version=\"" MEDSEC_VERSION_STRING "\"} 1\n");
}

/* Every reason, also those that did not occur: a rate needs a zero to begin with. */
static void write_rejected(medsec__writer *w, const medsec_gateway_stats *stats)
{
    static const medsec_status reasons[] = {
#define REASON(name, number, word, sentence) MEDSEC_##name,
        MEDSEC_STATUS_MAP(REASON)
#undef REASON
    };
    write_head(w, "rejected", "counter", "Inputs that closed their connection, by reason.");
    for (size_t i = 1; i < sizeof reasons / sizeof *reasons; i++) {
        medsec__write_text(w, PREFIX "rejected_total{reason=\"");
        medsec__write_text(w, medsec_status_word(reasons[i]));
        medsec__write_text(w, "\"}");
        write_end_of_sample(w, stats->rejected[-(int)reasons[i]]);
    }
}

/* A bound as it is written canonically: without zeros at the end but one after the point. */
static void write_bound(medsec__writer *w, uint32_t bound_us)
{
    uint64_t value = bound_us;
    uint64_t unit = 1000000;
    size_t digits = 6;
    while (digits > 1 && value % 10 == 0) {
        value /= 10;
        unit /= 10;
        digits--;
    }
    write_decimal(w, value, unit, digits);
}

/* Buckets are cumulative here. Their sum is the count: the gateway counts on while it is asked. */
static void write_latency(medsec__writer *w, const medsec_gateway_latency *latency)
{
    uint64_t count = 0;
    write_head(w, "durable_seconds", "histogram",
               "Time from the arrival of a batch to its last message being safe.");
    for (size_t i = 0; i < MEDSEC_GATEWAY_LATENCIES; i++) {
        count += latency->bucket[i];
        medsec__write_text(w, PREFIX "durable_seconds_bucket{le=\"");
        if (i + 1 < MEDSEC_GATEWAY_LATENCIES) {
            write_bound(w, medsec_gateway_latency_us[i]);
        } else {
            medsec__write_text(w, "+Inf");
        }
        medsec__write_text(w, "\"}");
        write_end_of_sample(w, count);
    }
    medsec__write_text(w, PREFIX "durable_seconds_count");
    write_end_of_sample(w, count);
    medsec__write_text(w, PREFIX "durable_seconds_sum ");
    write_decimal(w, latency->sum_us, 1000000, 6);
    medsec__write_text(w, "\n");
}

medsec_status medsec_metrics_write(char *out, size_t cap, size_t *len,
                                   const medsec_gateway_stats *gateway,
                                   const medsec_publisher_stats *publisher)
{
    if (!out || !len || !gateway) {
        return MEDSEC_ERR_ARGUMENT;
    }
    medsec__writer w = {.out = out, .cap = cap};
    write_build(&w);
    write_families(&w, of_gateway, sizeof of_gateway / sizeof *of_gateway, gateway);
    write_rejected(&w, gateway);
    write_latency(&w, &gateway->durable);
    if (publisher) {
        write_families(&w, of_publisher, sizeof of_publisher / sizeof *of_publisher, publisher);
    }
    medsec__write_text(&w, "# EOF\n");
    return medsec__write_end(&w, len);
}
