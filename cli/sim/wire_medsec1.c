/* SPDX-License-Identifier: Apache-2.0 */
#include "faults.h"
#include "wire.h"

#include <math.h>
#include <sodium.h>
#include <sys/mman.h>
#include <uv.h>

static uint32_t now_us(void)
{
    return (uint32_t)(uv_hrtime() / 1000u);
}

static void random_bytes(void *context, uint8_t *out, size_t len)
{
    (void)context;
    randombytes_buf(out, len);
}

static medsec_config config_of(const settings *set)
{
    return (medsec_config){.given = MEDSEC_CONFIG_SAMPLE_INTERVAL | MEDSEC_CONFIG_BATCH_MAX |
                                    MEDSEC_CONFIG_REPORT_INTERVAL,
                           .sample_interval_ms = (uint32_t)lround(1000 / set->rate_hz),
                           .batch_max = set->batch,
                           .report_interval_ms = set->report_ms};
}

static size_t ring_len(const wire_medsec1 *m)
{
    return (size_t)m->slots * MEDSEC_DEVICE_SLOT_LEN(medsec_profile_pico_vitals.count);
}

static size_t medsec1_memory(const wire *w)
{
    return ring_len(&w->on.medsec1) + w->on.medsec1.slots * sizeof(uint32_t);
}

static void medsec1_close(wire *w)
{
    medsec_device_close(&w->on.medsec1.core);
    munmap(w->on.medsec1.ring, medsec1_memory(w));
}

/* Pages of its own: thousands of rings that stay almost empty take almost no memory. */
static bool map_ring(wire *w)
{
    wire_medsec1 *m = &w->on.medsec1;
    void *memory =
        mmap(NULL, medsec1_memory(w), PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

    if (memory == MAP_FAILED) {
        return false;
    }
    m->ring = memory;
    m->times = (uint32_t *)(void *)(m->ring + ring_len(m)); /* a slot is whole times long */
    return true;
}

static medsec_status medsec1_open(wire *w, const wire_setup *setup,
                                  const medsec_credential *credential)
{
    wire_medsec1 *m = &w->on.medsec1;

    m->slots = setup->set->ring;
    m->latency = setup->latency;
    m->count = setup->set->count;
    m->wait_ms = setup->set->wait_ms;
    if (!map_ring(w)) {
        return MEDSEC_ERR_MEMORY;
    }
    const medsec_device_options options = {.crypto = medsec_crypto_openssl(),
                                           .profile = &medsec_profile_pico_vitals,
                                           .credential = credential,
                                           .random = random_bytes,
                                           .boot = setup->boot,
                                           .ring = m->ring,
                                           .ring_len = ring_len(m),
                                           .config = config_of(setup->set)};
    const medsec_status status = medsec_device_open(&m->core, &options, 0);
    if (status != MEDSEC_OK) {
        munmap(m->ring, medsec1_memory(w));
    }
    return status;
}

static uint32_t take_oldest(wire_medsec1 *m)
{
    const uint32_t time_us = m->times[m->oldest];

    m->oldest = (m->oldest + 1) % m->slots;
    m->used--;
    return time_us;
}

/* Readings leave the ring from its old end: acknowledged, or pushed out by a new one. */
static void follow_ring(wire_medsec1 *m)
{
    medsec_device_stats stats;

    medsec_device_get_stats(&m->core, &stats);
    if (m->acknowledged == stats.acknowledged && m->dropped == stats.dropped) {
        return;
    }
    const uint32_t now = now_us();
    for (; m->acknowledged < stats.acknowledged && m->used > 0; m->acknowledged++) {
        histogram_add(m->latency, now - take_oldest(m));
    }
    for (; m->dropped < stats.dropped && m->used > 0; m->dropped++) {
        (void)take_oldest(m);
    }
}

static bool medsec1_done(const wire *w)
{
    medsec_device_stats stats;

    medsec_device_get_stats(&w->on.medsec1.core, &stats);
    return w->finishing && (stats.pending == 0 || w->on.medsec1.gave_up);
}

/* The end does not wait for ever. True: CLOSE, instead of what the device wants. */
static bool give_up(wire_medsec1 *m, uint64_t now_ms)
{
    if (m->give_up_ms == 0) {
        m->give_up_ms = now_ms + m->wait_ms;
    }
    m->gave_up = now_ms >= m->give_up_ms;
    return m->gave_up;
}

static void medsec1_poll(wire *w, uint64_t now_ms, uint8_t *out, size_t cap, medsec_step *step)
{
    wire_medsec1 *m = &w->on.medsec1;

    if (w->finishing) {
        medsec_device_finish(&m->core);
        if (!medsec1_done(w) && give_up(m, now_ms)) {
            *step = (medsec_step){.type = MEDSEC_STEP_CLOSE};
            return;
        }
    }
    medsec_device_poll(&m->core, now_ms, out, cap, step);
    if (step->type == MEDSEC_STEP_WAIT && w->finishing && !medsec1_done(w) &&
        m->give_up_ms < step->until_ms) {
        step->until_ms = m->give_up_ms;
    }
}

/* A device samples on the beat of its clock, however late this process comes to it. */
static uint64_t due_ms(const wire_medsec1 *m, uint64_t now_ms)
{
    medsec_config config;

    medsec_device_get_config(&m->core, &config);
    const uint64_t passed_ms = now_ms - m->due_ms;
    return m->due_ms > 0 && passed_ms < config.sample_interval_ms
               ? now_ms
               : now_ms - passed_ms % config.sample_interval_ms; /* the first beat is at 0 */
}

static void medsec1_sample(wire *w, uint64_t now_ms, const medsec_reading *reading)
{
    wire_medsec1 *m = &w->on.medsec1;
    medsec_device_stats stats;

    m->due_ms = due_ms(m, now_ms);
    if (medsec_device_sample(&m->core, m->due_ms, reading) != MEDSEC_OK) {
        m->refused++;
        return;
    }
    follow_ring(m);
    m->times[(m->oldest + m->used) % m->slots] = now_us();
    m->used++;
    medsec_device_get_stats(&m->core, &stats);
    if (m->count > 0 && stats.sampled >= m->count) {
        w->finishing = true;
    }
}

static void medsec1_connected(wire *w, uint64_t now_ms)
{
    medsec_device_connected(&w->on.medsec1.core, now_ms);
}

static void medsec1_disconnected(wire *w, uint64_t now_ms, uint32_t unsent)
{
    (void)unsent; /* it sends again what is not acknowledged */
    medsec_device_disconnected(&w->on.medsec1.core, now_ms);
}

static void medsec1_written(wire *w, uint32_t units)
{
    (void)w; /* an acknowledgement counts, not this */
    (void)units;
}

static void medsec1_receive(wire *w, uint64_t now_ms, const uint8_t *data, size_t len)
{
    medsec_device_receive(&w->on.medsec1.core, now_ms, data, len);
    follow_ring(&w->on.medsec1);
}

static double medsec1_step_s(const wire *w, uint64_t now_ms)
{
    const wire_medsec1 *m = &w->on.medsec1;

    return (double)(due_ms(m, now_ms) - m->due_ms) / 1000;
}

static void medsec1_add_counts(const wire *w, wire_counts *sum)
{
    medsec_device_stats stats;

    medsec_device_get_stats(&w->on.medsec1.core, &stats);
    sum->sampled += stats.sampled;
    sum->skipped += stats.missed + w->on.medsec1.refused;
    sum->sent += stats.sent;
    sum->resent += stats.resent;
    sum->acknowledged += stats.acknowledged;
    sum->dropped += stats.dropped;
    sum->pending += stats.pending;
    sum->sessions += stats.sessions;
    sum->faults += stats.faults;
}

const wire_ops wire_medsec1_ops = {.name = "medsec/1",
                                   .unit_max = MEDSEC_DEVICE_OUT_LEN,
                                   .queue = 0,
                                   .greets = true,
                                   .acknowledges = true,
                                   .corrupt = fault_corrupt,
                                   .open = medsec1_open,
                                   .poll = medsec1_poll,
                                   .sample = medsec1_sample,
                                   .connected = medsec1_connected,
                                   .disconnected = medsec1_disconnected,
                                   .written = medsec1_written,
                                   .receive = medsec1_receive,
                                   .done = medsec1_done,
                                   .step_s = medsec1_step_s,
                                   .add_counts = medsec1_add_counts,
                                   .memory = medsec1_memory,
                                   .close = medsec1_close};
