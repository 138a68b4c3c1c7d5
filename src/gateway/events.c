/* SPDX-License-Identifier: Apache-2.0 */
#include "events.h"

#include "acknowledge.h"
#include "command.h"
#include "emit.h"
#include "heart.h"
#include "identify.h"
#include "internal.h"

/* Which of the secrets that were tried it was. */
static void note_secret(medsec__connection *c, uint8_t psk)
{
    bool pending = (c->pending >> psk & 1) != 0;
    c->generation[0] = c->generation[psk % 2];
    c->generations = 1;
    c->pending = pending;
    if (pending) {
        medsec__promote_ask(c);
    }
}

/* False: out of memory. */
static bool take_identified(medsec__connection *c, const medsec_event *event)
{
    if (!medsec__presence_enter(c->loop->gateway->presence, c)) {
        return false;
    }
    medsec__connection_prove(c);
    if (medsec__is_v1(c)) { /* a seed stream that was recorded proves nothing */
        medsec__admission_remember(c->loop->gateway->admission, &c->peer);
        medsec__count(&c->loop->counters.proved, 1);
        note_secret(c, event->psk);
    } else {
        medsec__identify_remember(c);
    }
    medsec__budget_refund(&c->loop->budget, c->searched_ns);
    medsec__connection_log(c, MEDSEC_LOG_INFO, "identified", "first-reading");
    return true;
}

/* False: out of memory. */
static bool take_reading(medsec__connection *c, const medsec_event *event)
{
    medsec__counters *counters = &c->loop->counters;
    if (event->sequenced && !medsec__acknowledge_begin(c)) {
        return false;
    }
    medsec__count(&counters->readings, 1);
    if (event->reading->extra > 0) {
        medsec__count(&counters->extra_members, event->reading->extra);
    }
    medsec__emit_reading(c, event);
    medsec__heart_take(c, event);
    c->readings++;
    if (c->filling) {
        c->filling->readings++;
    }
    return true;
}

/* False: out of memory. */
static bool take_end(medsec__connection *c, const medsec_event *event)
{
    if (!medsec__acknowledge_begin(c)) {
        return false;
    }
    medsec__count(&c->loop->counters.duplicates, event->skipped);
    medsec__acknowledge_end(c, event->boot, event->sequence);
    return true;
}

static bool or_reject(medsec__connection *c, bool done)
{
    if (!done) {
        medsec__emit_batch(c);
        medsec__connection_reject(c, MEDSEC_ERR_MEMORY);
    }
    return done;
}

/* False: the connection is closed. */
static bool take(medsec__connection *c, const medsec_event *event)
{
    c->heard =
        c->heard || (event->type != MEDSEC_EVENT_NONE && event->type != MEDSEC_EVENT_WELCOME);
    if (event->type != MEDSEC_EVENT_READING) {
        medsec__emit_batch(c); /* which ends with a message, or with what was read */
        medsec__heart_tell(c);
    }
    switch (event->type) {
    case MEDSEC_EVENT_NONE:
        return true;
    case MEDSEC_EVENT_IDENTIFIED:
        return or_reject(c, take_identified(c, event));
    case MEDSEC_EVENT_READING:
        return or_reject(c, take_reading(c, event));
    case MEDSEC_EVENT_WELCOME:
        medsec__count(&c->loop->counters.welcomes, 1);
        return medsec__connection_send(c, event->output, event->output_len);
    case MEDSEC_EVENT_ACK_DUE:
        return or_reject(c, take_end(c, event));
    case MEDSEC_EVENT_CONFIG_RESULT:
        medsec__command_result(c, &event->config);
        return true;
    case MEDSEC_EVENT_CLOSED:
        medsec__connection_close(c, "closed");
        return false;
    case MEDSEC_EVENT_REJECTED:
    default:
        medsec__connection_reject(c, event->reason);
        return false;
    }
}

static bool is_hello(const medsec__connection *c, const uint8_t *data, size_t len)
{
    return !c->identified && c->searched_ns == 0 && len >= MEDSEC_HELLO_LEN &&
           data[0] == MEDSEC_RECORD_HELLO;
}

/* A HELLO costs up to six X25519 operations, and whoever recorded it nothing: it is charged as the
 * search for a seed device is. */
static void push(medsec__connection *c, uint8_t *data, size_t len, size_t *used,
                 medsec_event *event)
{
    const bool hello = is_hello(c, data, len);
    const uint64_t begin = hello ? medsec__budget_clock() : 0;
    medsec_session_push(&c->session, data, len, used, event);
    if (hello) {
        c->searched_ns = medsec__budget_clock() - begin;
        medsec__budget_spend(&c->loop->budget, c->searched_ns);
    }
}

bool medsec__events_take(medsec__connection *c, uint8_t **data, size_t *len)
{
    medsec_event event;
    do {
        size_t used = 0;
        push(c, *data, *len, &used, &event);
        *data += used;
        *len -= used;
        if (!take(c, &event)) {
            return false;
        }
    } while (event.type != MEDSEC_EVENT_NONE);
    return true;
}
