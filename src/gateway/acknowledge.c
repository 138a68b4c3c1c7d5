/* SPDX-License-Identifier: Apache-2.0 */
#include "acknowledge.h"

#include "internal.h"

void medsec__acknowledge_durable(void *context, uint64_t token, medsec_status status)
{
    medsec_gateway *gateway = context;
    const uint8_t number = medsec__ledger_of(token);
    if (number >= gateway->options.threads) {
        return;
    }
    medsec__loop *loop = &gateway->loops[number];
    if (medsec__ledger_report(&loop->ledger, token, status)) {
        medsec__loop_wake(loop);
    }
}

bool medsec__acknowledge_begin(medsec__connection *c)
{
    if (!c->filling) {
        c->filling = medsec__ledger_begin(&c->loop->ledger, c);
        if (c->filling) {
            c->filling->begun_ns = uv_hrtime();
            TAILQ_INSERT_TAIL(&c->batches, c->filling, link);
        }
    }
    return c->filling != NULL;
}

static void fill_up(medsec__connection *c)
{
    medsec__batch *batch = c->filling;
    c->filling = NULL;
    if (medsec__ledger_settle(&c->loop->ledger, batch, MEDSEC_OK)) {
        medsec__loop_wake(c->loop);
    }
}

void medsec__acknowledge_end(medsec__connection *c, uint32_t boot, uint32_t sequence)
{
    c->filling->boot = boot;
    c->filling->sequence = sequence;
    fill_up(c);
}

/* What was published stays published; the device will send it again. */
void medsec__acknowledge_forget(medsec__connection *c)
{
    if (c->filling) {
        fill_up(c);
    }
    medsec__batch *batch;
    while ((batch = TAILQ_FIRST(&c->batches))) {
        TAILQ_REMOVE(&c->batches, batch, link);
        batch->owner = NULL;
        if (batch->done) {
            medsec__ledger_free(&c->loop->ledger, batch);
        }
    }
    if (c->is_due) {
        TAILQ_REMOVE(&c->loop->due, c, due_link);
        c->is_due = false;
    }
}

/* The oldest batches of one boot that are durable, as one. */
static void take_durable(medsec__connection *c, medsec__batch *sum)
{
    medsec__batch *batch = TAILQ_FIRST(&c->batches);
    *sum = (medsec__batch){.boot = batch->boot};
    while (batch && batch->done && !batch->failed && batch->boot == sum->boot) {
        sum->sequence = batch->sequence;
        sum->readings += batch->readings;
        TAILQ_REMOVE(&c->batches, batch, link);
        medsec__ledger_free(&c->loop->ledger, batch);
        batch = TAILQ_FIRST(&c->batches);
    }
}

/* False: the connection is closed. */
static bool send_ack(medsec__connection *c, const medsec__batch *sum)
{
    uint8_t out[MEDSEC_SESSION_OUT_LEN];
    size_t len = 0;
    medsec_status status = medsec_session_ack(&c->session, out, &len, sum->boot, sum->sequence);
    if (status != MEDSEC_OK) {
        medsec__connection_reject(c, status);
        return false;
    }
    if (!medsec__connection_send(c, out, len)) {
        return false;
    }
    medsec__count(&c->loop->counters.acknowledged, sum->readings);
    return true;
}

/* Batches may finish in any order; acknowledged is what no older one stands before. */
static void acknowledge(medsec__connection *c)
{
    medsec__batch *first, sum;
    while ((first = TAILQ_FIRST(&c->batches)) && first->done) {
        if (first->failed) {
            medsec__connection_close(c, "not-durable");
            return;
        }
        take_durable(c, &sum);
        if (!send_ack(c, &sum)) {
            return;
        }
    }
    if (c->course == MEDSEC__LEAVES && !first) {
        medsec__connection_part(c);
    }
}

static void count_latency(medsec__counters *counters, uint64_t us)
{
    unsigned i = 0;
    while (i < MEDSEC_GATEWAY_LATENCIES - 1 && us > medsec_gateway_latency_us[i]) {
        i++;
    }
    medsec__count(&counters->latencies[i], 1);
    medsec__count(&counters->latency_sum_us, us);
}

static void see(medsec__loop *loop, medsec__batch *batch, uint64_t now_ns)
{
    medsec__connection *c = batch->owner;
    batch->done = true;
    if (batch->readings > 0 && !batch->failed) {
        count_latency(&loop->counters, (now_ns - batch->begun_ns) / 1000);
    }
    if (!c) {
        medsec__ledger_free(&loop->ledger, batch);
    } else if (!c->is_due) {
        c->is_due = true;
        TAILQ_INSERT_TAIL(&loop->due, c, due_link);
    }
}

void medsec__acknowledge_run(medsec__loop *loop)
{
    medsec__batch *next, *b = medsec__ledger_take(&loop->ledger);
    const uint64_t now_ns = b ? uv_hrtime() : 0;
    for (; b; b = next) {
        next = b->next_finished;
        see(loop, b, now_ns);
    }
    medsec__connection *c;
    while ((c = TAILQ_FIRST(&loop->due))) {
        TAILQ_REMOVE(&loop->due, c, due_link);
        c->is_due = false;
        acknowledge(c);
    }
}
