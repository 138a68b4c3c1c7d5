/* SPDX-License-Identifier: Apache-2.0 */
#include "faults.h"
#include "wire.h"

#include <math.h>
#include <string.h>

#define TEXT_MAX 256u /* bytes of a reading's text; 7 vitals of 12 characters fit */
#define UNIT_MAX MEDSEC_SEED_FRAME_LEN(TEXT_MAX / MEDSEC_AES_BLOCK_LEN + 1) /* bytes */
#define LATE_MS 1000.0 /* what is later than this is skipped, not sent in a burst */

static medsec_status seed_open(wire *w, const wire_setup *setup,
                               const medsec_credential *credential)
{
    wire_seed *seed = &w->on.seed;

    seed->interval_ms = 1000 / setup->set->rate_hz;
    seed->count = setup->set->count;
    seed->retry.random.state = setup->set->seed;
    for (size_t i = 0; credential->device[i] != '\0'; i++) { /* not all wait equally long */
        seed->retry.random.state = seed->retry.random.state * 31 + (uint8_t)credential->device[i];
    }
    memcpy(seed->iv, credential->iv, sizeof seed->iv);
    return medsec_aes_cbc_open(&seed->aes, medsec_crypto_openssl(), MEDSEC_ENCRYPT,
                               credential->key);
}

static bool seed_done(const wire *w)
{
    const wire_seed *seed = &w->on.seed;

    return w->finishing || (seed->count > 0 && seed->made >= seed->count);
}

static medsec_status encode(wire *w, uint8_t *out, size_t cap, size_t *len)
{
    wire_seed *seed = &w->on.seed;
    char text[TEXT_MAX];
    size_t text_len = 0;
    const medsec_status status = medsec_reading_write_seed(
        text, sizeof text, &text_len, &medsec_profile_pico_vitals, &seed->reading);

    if (status != MEDSEC_OK) {
        return status;
    }
    return medsec_seed_frame_encode((char *)out, cap, len, &seed->aes,
                                    w->ops == &wire_seed_chained_ops ? MEDSEC_SEED_CHAINED
                                                                     : MEDSEC_SEED_PER_BLOCK,
                                    seed->iv, text, text_len);
}

/* A reading that finds no room is not kept: the seed's devices keep none. */
static bool give_frame(wire *w, uint8_t *out, size_t cap, medsec_step *step)
{
    wire_seed *seed = &w->on.seed;

    seed->has_reading = false;
    if (cap < UNIT_MAX || encode(w, out, cap, &step->len) != MEDSEC_OK) {
        seed->skipped++;
        return false;
    }
    seed->made++;
    step->type = MEDSEC_STEP_SEND;
    return true;
}

static void skip_late(wire_seed *seed, double now_ms)
{
    if (now_ms - seed->next_ms > LATE_MS) {
        const double late = floor((now_ms - seed->next_ms) / seed->interval_ms);
        seed->skipped += (uint64_t)late;
        seed->next_ms += late * seed->interval_ms;
    }
}

static void give_sample(wire_seed *seed, uint64_t now_ms, medsec_step *step)
{
    skip_late(seed, (double)now_ms);
    if (seed->next_ms <= (double)now_ms) {
        seed->next_ms += seed->interval_ms;
        step->type = MEDSEC_STEP_SAMPLE;
        return;
    }
    step->until_ms = (uint64_t)ceil(seed->next_ms);
}

static void seed_poll(wire *w, uint64_t now_ms, uint8_t *out, size_t cap, medsec_step *step)
{
    wire_seed *seed = &w->on.seed;

    *step = (medsec_step){.type = MEDSEC_STEP_WAIT, .until_ms = UINT64_MAX};
    if (seed->has_reading && give_frame(w, out, cap, step)) {
        return;
    }
    if (seed_done(w)) {
        retry_leave(&seed->retry, step);
    } else if (seed->retry.state == RETRY_CONNECTED) {
        give_sample(seed, now_ms, step);
    } else {
        retry_poll(&seed->retry, now_ms, step);
    }
}

static void seed_sample(wire *w, uint64_t now_ms, const medsec_reading *reading)
{
    (void)now_ms;
    w->on.seed.reading = *reading;
    w->on.seed.has_reading = true;
    w->on.seed.sampled++;
}

static void seed_connected(wire *w, uint64_t now_ms)
{
    retry_connected(&w->on.seed.retry, now_ms);
    w->on.seed.next_ms = (double)now_ms;
}

static void seed_disconnected(wire *w, uint64_t now_ms, uint32_t unsent)
{
    wire_seed *seed = &w->on.seed;

    seed->made -= unsent < seed->made ? unsent : seed->made;
    seed->has_reading = false;
    retry_disconnected(&seed->retry, now_ms);
}

static void seed_written(wire *w, uint32_t units)
{
    w->on.seed.sent += units;
}

static void seed_receive(wire *w, uint64_t now_ms, const uint8_t *data, size_t len)
{
    (void)w; /* the seed wire has no answers */
    (void)now_ms;
    (void)data;
    (void)len;
}

static double seed_step_s(const wire *w, uint64_t now_ms)
{
    (void)now_ms; /* what is late is sent late */
    return w->on.seed.interval_ms / 1000;
}

static void seed_add_counts(const wire *w, wire_counts *sum)
{
    sum->sampled += w->on.seed.sampled;
    sum->skipped += w->on.seed.skipped;
    sum->sent += w->on.seed.sent;
}

static size_t seed_memory(const wire *w)
{
    (void)w;
    return 0;
}

static void seed_close(wire *w)
{
    medsec_aes_cbc_close(&w->on.seed.aes);
}

#define SEED_OPS(word)                                                                            \
    {                                                                                             \
        .name = (word), .unit_max = UNIT_MAX, .queue = 8, .corrupt = fault_corrupt_hex,           \
        .open = seed_open, .poll = seed_poll, .sample = seed_sample, .connected = seed_connected, \
        .disconnected = seed_disconnected, .written = seed_written, .receive = seed_receive,      \
        .done = seed_done, .step_s = seed_step_s, .add_counts = seed_add_counts,                  \
        .memory = seed_memory, .close = seed_close                                                \
    }

const wire_ops wire_seed_ops = SEED_OPS("seed");
const wire_ops wire_seed_chained_ops = SEED_OPS("seed-chained");
