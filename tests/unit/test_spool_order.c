/* SPDX-License-Identifier: Apache-2.0 */
#include "scratch.h"
#include "unit.h"

#include <medsec/publisher.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <uv.h>

/*
 * Whatever becomes of the link, the broker and the gateway: all messages arrive, and those of a
 * lane first arrive in order. Two brokers in memory behind a fan, so that one of them can be away.
 * MEDSEC_SPOOL_RUNS=N asks for N runs instead of the number below.
 */
#define RUNS 20u
#define STEPS 120u
#define LANES 5u
#define MEMBERS 2u
#define TOKENS 16384u
#define PATIENCE_MS 60000u /* for the next message */
#define MEMORY 64u /* messages in a broker: small, so that it is often full */

typedef struct world {
    scratch files;
    medsec_publisher *spool;
    medsec_publisher *memory[MEMBERS];
    bool linked[MEMBERS];
    medsec_publisher_listener listener;
    uint64_t random;
    unsigned run;
    unsigned sent;
    unsigned arrived; /* different ones */
    unsigned highest[LANES];
    bool seen[TOKENS];
    _Atomic uint8_t reported[TOKENS];
} world;

static unsigned chance(world *w, unsigned below)
{
    w->random = w->random * 6364136223846793005u + 1442695040888963407u;
    return (unsigned)(w->random >> 33) % below;
}

static void on_durable(void *context, uint64_t token, medsec_status status)
{
    assert_int_equal(status, MEDSEC_OK);
    atomic_fetch_add(&((world *)context)->reported[token], 1);
}

static void begin(world *w)
{
    static const uint8_t key[MEDSEC_SPOOL_KEY_LEN] = "a key of thirty-two bytes or so";
    const medsec_spool_options options = {.folder = scratch_path(&w->files, "spool"), .key = key};
    medsec_publisher *fan;
    for (unsigned i = 0; i < MEMBERS; i++) {
        assert_int_equal(medsec_publisher_memory_create(&w->memory[i], MEMORY), MEDSEC_OK);
        medsec_publisher_memory_set_link(w->memory[i], w->linked[i]);
    }
    assert_int_equal(medsec_publisher_fan_create(&fan, w->memory, MEMBERS), MEDSEC_OK);
    assert_int_equal(medsec_publisher_spool_create(&w->spool, fan, &options), MEDSEC_OK);
    w->listener = (medsec_publisher_listener){.context = w, .durable = on_durable};
    assert_int_equal(w->spool->ops->start(w->spool, &w->listener), MEDSEC_OK);
}

static void end(world *w)
{
    assert_int_equal(w->spool->ops->stop(w->spool, PATIENCE_MS), MEDSEC_OK);
    w->spool->ops->destroy(w->spool);
}

static void publish(world *w)
{
    for (unsigned count = 1 + chance(w, 20); count > 0; count--) {
        char payload[16];
        const unsigned token = ++w->sent;
        const int len = snprintf(payload, sizeof payload, "%u", token);
        const medsec_message m = {.topic = "t",
                                  .topic_len = 1,
                                  .payload = payload,
                                  .payload_len = (size_t)len,
                                  .token = token,
                                  .lane = chance(w, LANES),
                                  .qos = 1,
                                  .droppable = chance(w, 4) == 0};
        assert_true(token < TOKENS);
        assert_int_equal(w->spool->ops->publish(w->spool, &m), MEDSEC_OK);
    }
}

static void arrive(world *w, const medsec_message *m)
{
    char text[16] = "";
    memcpy(text, m->payload, m->payload_len);
    const unsigned token = (unsigned)strtoul(text, NULL, 10);
    if (w->seen[token]) {
        return;
    }
    if (token < w->highest[m->lane]) {
        fail_msg("run %u: %u after %u in lane %u", w->run, token, w->highest[m->lane],
                 (unsigned)m->lane);
    }
    w->seen[token] = true;
    w->highest[m->lane] = token;
    w->arrived++;
}

static void take(world *w, unsigned most)
{
    medsec_message m;
    medsec_publisher *memory = w->memory[chance(w, MEMBERS)];
    for (unsigned i = 0; i < most && medsec_publisher_memory_take(memory, &m) == MEDSEC_OK; i++) {
        arrive(w, &m);
    }
}

static void change_link(world *w)
{
    const unsigned i = chance(w, MEMBERS);
    w->linked[i] = !w->linked[i];
    medsec_publisher_memory_set_link(w->memory[i], w->linked[i]);
}

static void step(world *w)
{
    switch (chance(w, 16)) {
    case 0:
    case 1:
        change_link(w);
        break;
    case 2:
        end(w);
        begin(w);
        break;
    case 3:
        uv_sleep(chance(w, 5));
        break;
    case 4:
    case 5:
    case 6:
    case 7:
    case 8:
    case 9:
        take(w, 1 + chance(w, 40));
        break;
    default:
        publish(w);
    }
}

static void finish(world *w)
{
    unsigned idle_ms = 0;
    for (unsigned i = 0; i < MEMBERS; i++) {
        w->linked[i] = true;
        medsec_publisher_memory_set_link(w->memory[i], true);
    }
    while (w->arrived < w->sent) {
        const unsigned before = w->arrived;
        take(w, MEMORY);
        idle_ms = w->arrived > before ? 0 : idle_ms + 1;
        if (idle_ms > PATIENCE_MS) {
            fail_msg("run %u: %u of %u arrived", w->run, w->arrived, w->sent);
        }
        uv_sleep(idle_ms > 0);
    }
    end(w);
    for (unsigned token = 1; token <= w->sent; token++) {
        assert_in_range(w->reported[token], 0, 1);
    }
}

static void test_order_holds_whatever_happens(void **state)
{
    (void)state;
    const char *asked = getenv("MEDSEC_SPOOL_RUNS");
    const unsigned runs = asked ? (unsigned)strtoul(asked, NULL, 10) : RUNS;
    for (unsigned run = 1; run <= runs; run++) {
        world *w = calloc(1, sizeof *w);
        assert_non_null(w);
        w->random = run;
        w->run = run;
        scratch_open(&w->files);
        begin(w);
        for (unsigned i = 0; i < STEPS; i++) {
            step(w);
        }
        finish(w);
        scratch_close(&w->files);
        free(w);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_order_holds_whatever_happens),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
