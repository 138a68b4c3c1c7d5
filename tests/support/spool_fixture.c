/* SPDX-License-Identifier: Apache-2.0 */
#include "spool_fixture.h"

#include "unit.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <uv.h>

#define PATIENCE_NS (60u * 1000000000ull)
#define LIMIT 4096u

static const uint8_t key[MEDSEC_SPOOL_KEY_LEN] = "a key of thirty-two bytes or so";

static void on_durable(void *context, uint64_t token, medsec_status status)
{
    spool_fixture *f = context;
    if (token < SPOOL_TOKENS) {
        atomic_fetch_add(&f->reported[token], 1);
    }
    if (status != MEDSEC_OK) {
        atomic_fetch_add(&f->failures, 1);
    }
    atomic_fetch_add(&f->durables, 1);
}

static void on_relieved(void *context)
{
    atomic_fetch_add(&((spool_fixture *)context)->relieved, 1);
}

static void on_linked(void *context, bool up)
{
    spool_fixture *f = context;
    atomic_fetch_add(up ? &f->ups : &f->downs, 1);
}

int spool_fixture_setup(void **state)
{
    spool_fixture *f = calloc(1, sizeof *f);
    assert_non_null(f);
    scratch_open(&f->files);
    f->options = (medsec_spool_options){.folder = NULL, .key = key};
    f->memory_limit = LIMIT;
    *state = f;
    return 0;
}

int spool_fixture_teardown(void **state)
{
    spool_fixture *f = *state;
    if (f->spool) {
        (void)spool_end(f);
    }
    scratch_close(&f->files);
    free(f);
    return 0;
}

const char *spool_folder(const spool_fixture *f)
{
    return scratch_path(&f->files, "spool");
}

void spool_start_with(spool_fixture *f, medsec_publisher *behind)
{
    f->options.folder = spool_folder(f);
    f->listener = (medsec_publisher_listener){.context = f,
                                              .durable = f->listener_durable ? f->listener_durable
                                                                             : on_durable,
                                              .relieved = on_relieved,
                                              .linked = on_linked};
    assert_int_equal(medsec_publisher_spool_create(&f->spool, behind, &f->options), MEDSEC_OK);
    assert_int_equal(f->spool->ops->start(f->spool, &f->listener), MEDSEC_OK);
}

void spool_start(spool_fixture *f, bool linked)
{
    assert_int_equal(medsec_publisher_memory_create(&f->memory, f->memory_limit), MEDSEC_OK);
    medsec_publisher_memory_set_link(f->memory, linked);
    spool_start_with(f, f->memory);
}

medsec_status spool_end(spool_fixture *f)
{
    medsec_status status = f->spool->ops->stop(f->spool, 60000);
    f->spool->ops->destroy(f->spool);
    f->spool = f->memory = NULL;
    return status;
}

static medsec_status publish(const spool_fixture *f, uint32_t lane, unsigned number, uint64_t token,
                             bool droppable)
{
    static char payload[SPOOL_PAYLOAD];
    const int text_len = snprintf(payload, sizeof payload, "%u:%u:%llu", (unsigned)lane, number,
                                  (unsigned long long)token);
    const size_t len = f->payload_len > (size_t)text_len ? f->payload_len : (size_t)text_len;
    const medsec_message m = {.topic = "Pico/d/Reading",
                              .topic_len = 14,
                              .payload = payload,
                              .payload_len = len,
                              .token = token,
                              .lane = lane,
                              .qos = droppable ? 0 : 1,
                              .droppable = droppable};
    return f->spool->ops->publish(f->spool, &m);
}

medsec_status spool_publish(const spool_fixture *f, uint32_t lane, unsigned number, uint64_t token)
{
    return publish(f, lane, number, token, false);
}

medsec_status spool_publish_droppable(const spool_fixture *f, uint32_t lane, unsigned number,
                                      uint64_t token)
{
    return publish(f, lane, number, token, true);
}

medsec_publisher_stats spool_stats(const spool_fixture *f)
{
    medsec_publisher_stats stats;
    f->spool->ops->stats(f->spool, &stats);
    return stats;
}

bool spool_wait(bool (*condition)(const void *), const void *context)
{
    const uint64_t end = uv_hrtime() + PATIENCE_NS;
    while (!condition(context)) {
        if (uv_hrtime() > end) {
            return false;
        }
        uv_sleep(1);
    }
    return true;
}

static bool is_direct(const void *f)
{
    return !spool_stats(f).spooling;
}

static bool is_spooling(const void *f)
{
    return spool_stats(f).spooling;
}

void spool_wait_direct(const spool_fixture *f)
{
    assert_true(spool_wait(is_direct, f));
}

void spool_wait_spooling(const spool_fixture *f)
{
    assert_true(spool_wait(is_spooling, f));
}

typedef struct expected {
    const spool_fixture *f;
    unsigned count;
} expected;

static bool are_durable(const void *context)
{
    const expected *e = context;
    return atomic_load(&e->f->durables) >= e->count;
}

void spool_wait_durable(spool_fixture *f, unsigned count)
{
    const expected e = {f, count};
    assert_true(spool_wait(are_durable, &e));
    assert_int_equal(atomic_load(&f->durables), count);
}

static bool has_one(const void *f)
{
    medsec_publisher_stats stats;
    medsec_publisher *memory = ((const spool_fixture *)f)->memory;
    memory->ops->stats(memory, &stats);
    return stats.queued > 0;
}

void spool_read(const medsec_message *m, unsigned *lane, unsigned *number)
{
    char text[64] = "";
    memcpy(text, m->payload, m->payload_len < sizeof text ? m->payload_len : sizeof text - 1);
    assert_int_equal(sscanf(text, "%u:%u:", lane, number), 2);
    assert_int_equal(m->lane, *lane);
}

unsigned spool_take(const spool_fixture *f, uint32_t *lane)
{
    medsec_message m;
    unsigned of_lane, number;
    assert_true(spool_wait(has_one, f));
    assert_int_equal(medsec_publisher_memory_take(f->memory, &m), MEDSEC_OK);
    spool_read(&m, &of_lane, &number);
    if (lane) {
        *lane = of_lane;
    }
    return number;
}

static bool has_one_or_ends(const void *f)
{
    const medsec_publisher_stats stats = spool_stats(f);
    return has_one(f) || (!stats.spooling && stats.queued == 0);
}

unsigned spool_drain(const spool_fixture *f, void (*each)(void *, const medsec_message *),
                     void *context)
{
    medsec_message m;
    unsigned count = 0;
    for (;;) {
        assert_true(spool_wait(has_one_or_ends, f));
        if (!has_one(f)) {
            return count;
        }
        assert_int_equal(medsec_publisher_memory_take(f->memory, &m), MEDSEC_OK);
        if (each) {
            each(context, &m);
        }
        count++;
    }
}
