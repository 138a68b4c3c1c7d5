/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the spool costs a message: while it only lets through, from publish() to the disk (CPU time
 * of all threads, and time until the last is safe), and from the disk to a broker that takes all.
 * usage: bench_spool FOLDER (made, and to be removed).
 */
#include "meter.h"

#include <medsec/publisher.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdio.h>
#include <uv.h>

#define DIRECT 2000000u
#define SPOOLED 200000u
#define PAYLOAD 300u /* bytes; a reading as JSON */

/* A broker that takes all at once. */
typedef struct sink {
    medsec_publisher base;
    const medsec_publisher_listener *listener;
    _Atomic uint64_t taken;
} sink;

static medsec_status sink_start(medsec_publisher *p, const medsec_publisher_listener *listener)
{
    ((sink *)p)->listener = listener;
    return MEDSEC_OK;
}

static medsec_status sink_publish(medsec_publisher *p, const medsec_message *m)
{
    sink *s = (sink *)p;
    atomic_fetch_add(&s->taken, 1);
    if (m->token != 0) {
        s->listener->durable(s->listener->context, m->token, MEDSEC_OK);
    }
    return MEDSEC_OK;
}

static bool sink_pressed(medsec_publisher *p, bool droppable)
{
    (void)p;
    (void)droppable;
    return false;
}

static void sink_stats(medsec_publisher *p, medsec_publisher_stats *stats)
{
    *stats = (medsec_publisher_stats){.published = atomic_load(&((sink *)p)->taken)};
}

static void sink_reclaim(medsec_publisher *p, medsec_reclaim_fn *take, void *context)
{
    (void)p;
    (void)take;
    (void)context;
}

static medsec_status sink_stop(medsec_publisher *p, uint32_t timeout_ms)
{
    (void)p;
    (void)timeout_ms;
    return MEDSEC_OK;
}

static void sink_destroy(medsec_publisher *p)
{
    (void)p;
}

static const medsec_publisher_ops sink_ops = {.start = sink_start,
                                              .publish = sink_publish,
                                              .pressed = sink_pressed,
                                              .stats = sink_stats,
                                              .reclaim = sink_reclaim,
                                              .stop = sink_stop,
                                              .destroy = sink_destroy};

static void on_durable(void *context, uint64_t token, medsec_status status)
{
    (void)token;
    (void)status;
    atomic_fetch_add((_Atomic uint64_t *)context, 1);
}

static double publish(medsec_publisher *p, uint32_t count)
{
    static char payload[PAYLOAD];
    medsec_message m = {.topic = "Pico/iot_med_dev_01/Reading",
                        .topic_len = 27,
                        .payload = payload,
                        .payload_len = sizeof payload,
                        .token = 1,
                        .qos = 1};
    uint32_t failed = 0;
    const uint64_t begin = uv_hrtime();
    for (uint32_t i = 0; i < count; i++) {
        m.lane = i % 50;
        failed += p->ops->publish(p, &m) != MEDSEC_OK;
        while (i % 64 == 0 && p->ops->pressed(p, false)) {
            uv_sleep(1);
        }
    }
    return failed == 0 ? (double)(uv_hrtime() - begin) / count : -1;
}

static medsec_publisher_stats wait_until(medsec_publisher *p, bool spooling, uint64_t messages)
{
    medsec_publisher_stats stats;
    do {
        uv_sleep(1);
        p->ops->stats(p, &stats);
    } while (stats.spooling != spooling || stats.spool_messages != messages);
    return stats;
}

static void run(medsec_publisher *p, sink *broker, _Atomic uint64_t *durable)
{
    const double bare = publish(&broker->base, DIRECT);
    const double direct = publish(p, DIRECT);
    broker->listener->linked(broker->listener->context, false);
    double cpu = meter_cpu_us(0);
    uint64_t begin = uv_hrtime();
    (void)publish(p, SPOOLED);
    const medsec_publisher_stats stats = wait_until(p, true, SPOOLED);
    const double store_cpu = (meter_cpu_us(0) - cpu) / SPOOLED;
    const double store_s = (double)(uv_hrtime() - begin) / 1e9;
    cpu = meter_cpu_us(0);
    begin = uv_hrtime();
    broker->listener->linked(broker->listener->context, true);
    (void)wait_until(p, false, 0);
    printf("{\"bench\":\"spool\",\"direct_ns\":%.0f,\"store_cpu_us\":%.2f,\"store_per_s\":%.0f,"
           "\"messages_per_sync\":%.0f,\"bytes\":%.0f,\"deliver_cpu_us\":%.2f,"
           "\"deliver_per_s\":%.0f,\"durable\":%llu}\n",
           direct - bare, store_cpu, SPOOLED / store_s,
           (double)stats.spool_stored / (double)stats.spool_syncs,
           (double)stats.spool_bytes / SPOOLED, (meter_cpu_us(0) - cpu) / SPOOLED,
           SPOOLED / ((double)(uv_hrtime() - begin) / 1e9),
           (unsigned long long)atomic_load(durable));
}

int main(int argc, char **argv)
{
    static const uint8_t key[MEDSEC_SPOOL_KEY_LEN] = "a key of thirty-two bytes or so";
    static _Atomic uint64_t durable;
    static sink broker = {.base = {&sink_ops}};
    const medsec_spool_options options = {.folder = argc == 2 ? argv[1] : NULL, .key = key};
    const medsec_publisher_listener listener = {.context = &durable, .durable = on_durable};
    medsec_publisher *p;
    if (argc != 2) {
        fprintf(stderr, "usage: bench_spool FOLDER\n");
        return 2;
    }
    if (medsec_publisher_spool_create(&p, &broker.base, &options) != MEDSEC_OK ||
        p->ops->start(p, &listener) != MEDSEC_OK) {
        return 1;
    }
    broker.listener->linked(broker.listener->context, true);
    (void)wait_until(p, false, 0);
    run(p, &broker, &durable);
    medsec_status status = p->ops->stop(p, 1000);
    p->ops->destroy(p);
    return status == MEDSEC_OK ? 0 : 1;
}
