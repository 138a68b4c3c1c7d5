/* SPDX-License-Identifier: Apache-2.0 */
#include "held_publisher.h"

#include "unit.h"

#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <uv.h>

#define WAIT_MS 60000u

typedef struct held {
    medsec_publisher base;
    const medsec_publisher_listener *_Atomic listener;
    char filter[256];
    uv_mutex_t lock;
    size_t count;
    medsec_status refuse;
    bool automatic;
    atomic_bool pressed;
    atomic_bool kept_only; /* that pressure */
    atomic_bool relieves_inside;
    atomic_uint attached;
    atomic_uint detached;
    atomic_size_t late;
    atomic_size_t rests;
    atomic_bool blocked;
    atomic_uint waiting; /* for the end of that */
    held_message messages[HELD_MAX];
} held;

static medsec_status held_start(medsec_publisher *publisher,
                                const medsec_publisher_listener *listener)
{
    ((held *)publisher)->listener = listener;
    return MEDSEC_OK;
}

static void keep(held *h, const medsec_message *m)
{
    held_message *kept = &h->messages[h->count];
    assert_true(h->count < HELD_MAX);
    *kept = (held_message){.token = m->token, .qos = m->qos, .droppable = m->droppable};
    snprintf(kept->text, sizeof kept->text, "%.*s %.*s", (int)m->topic_len, m->topic,
             (int)m->payload_len, (const char *)m->payload);
    h->count++;
}

static medsec_status held_publish(medsec_publisher *publisher, const medsec_message *message)
{
    held *h = (held *)publisher;
    h->late += h->detached > 0;
    h->waiting++;
    while (h->blocked) {
        uv_sleep(1);
    }
    h->waiting--;
    uv_mutex_lock(&h->lock);
    medsec_status status = h->refuse;
    bool automatic = h->automatic;
    if (status == MEDSEC_OK && !automatic) {
        keep(h, message);
    }
    uv_mutex_unlock(&h->lock);
    const medsec_publisher_listener *l = h->listener;
    if (status == MEDSEC_OK && automatic && message->token != 0) {
        l->durable(l->context, message->token, MEDSEC_OK);
    }
    if (atomic_exchange(&h->relieves_inside, false)) {
        held_press(publisher, false);
    }
    return status;
}

static medsec_status held_subscribe(medsec_publisher *publisher, const char *filter)
{
    snprintf(((held *)publisher)->filter, sizeof((held *)publisher)->filter, "%s", filter);
    return MEDSEC_OK;
}

static bool held_pressed(medsec_publisher *publisher, bool droppable)
{
    const held *h = (const held *)publisher;
    return h->pressed && !(droppable && h->kept_only);
}

static medsec_status held_attach(medsec_publisher *publisher, struct uv_loop_s *loop,
                                 uint32_t index, uint32_t count)
{
    (void)loop;
    assert_true(index < count);
    ((held *)publisher)->attached++;
    return MEDSEC_OK;
}

static void held_detach(medsec_publisher *publisher, uint32_t index, uint32_t count)
{
    (void)index;
    (void)count;
    ((held *)publisher)->detached++;
}

static void held_stats(medsec_publisher *publisher, medsec_publisher_stats *stats)
{
    held *h = (held *)publisher;
    size_t queued = 0;
    uv_mutex_lock(&h->lock);
    const size_t count = h->count;
    for (size_t i = 0; i < count; i++) {
        queued += !h->messages[i].reported;
    }
    uv_mutex_unlock(&h->lock);
    *stats = (medsec_publisher_stats){
        .published = count, .queued = queued, .links = 1, .links_up = 1, .connected = true};
}

/* It keeps what it has. */
static void held_reclaim(medsec_publisher *publisher, medsec_reclaim_fn *take, void *context)
{
    (void)publisher;
    (void)take;
    (void)context;
}

static bool held_hurried(medsec_publisher *publisher, uint32_t index, uint32_t count)
{
    assert_true(index < count);
    ((held *)publisher)->rests++;
    return false;
}

/* What was not durable never will be. */
static medsec_status held_stop(medsec_publisher *publisher, uint32_t timeout_ms)
{
    (void)timeout_ms;
    const held *h = (const held *)publisher;
    assert_int_equal(h->detached, h->attached);
    size_t count = held_count(publisher);
    for (size_t i = 0; i < count; i++) {
        held_report(publisher, i, MEDSEC_ERR_CLOSED);
    }
    return MEDSEC_OK;
}

static void held_destroy(medsec_publisher *publisher)
{
    uv_mutex_destroy(&((held *)publisher)->lock);
    free(publisher);
}

static const medsec_publisher_ops held_ops = {.start = held_start,
                                              .publish = held_publish,
                                              .subscribe = held_subscribe,
                                              .pressed = held_pressed,
                                              .stats = held_stats,
                                              .attach = held_attach,
                                              .detach = held_detach,
                                              .reclaim = held_reclaim,
                                              .hurried = held_hurried,
                                              .stop = held_stop,
                                              .destroy = held_destroy};

medsec_publisher *held_create(void)
{
    held *h = calloc(1, sizeof *h);
    assert_non_null(h);
    h->base.ops = &held_ops;
    assert_int_equal(uv_mutex_init(&h->lock), 0);
    return &h->base;
}

size_t held_count(medsec_publisher *publisher)
{
    held *h = (held *)publisher;
    uv_mutex_lock(&h->lock);
    size_t count = h->count;
    uv_mutex_unlock(&h->lock);
    return count;
}

static bool wait_for(medsec_publisher *publisher, size_t number)
{
    for (unsigned i = 0; i < WAIT_MS && held_count(publisher) <= number; i++) {
        uv_sleep(1);
    }
    return held_count(publisher) > number;
}

const held_message *held_at(medsec_publisher *publisher, size_t number)
{
    assert_true(wait_for(publisher, number));
    return &((held *)publisher)->messages[number];
}

const held_message *held_find(medsec_publisher *publisher, size_t *from, const char *begin,
                              const char *part)
{
    for (; wait_for(publisher, *from); (*from)++) {
        const held_message *m = held_at(publisher, *from);
        if (strncmp(m->text, begin, strlen(begin)) == 0 && strstr(m->text, part)) {
            (*from)++;
            return m;
        }
    }
    fail_msg("no message `%s ... %s`", begin, part);
    return NULL;
}

void held_report(medsec_publisher *publisher, size_t number, medsec_status status)
{
    held *h = (held *)publisher;
    const medsec_publisher_listener *l = h->listener;
    uv_mutex_lock(&h->lock);
    held_message *m = &h->messages[number];
    bool due = m->token != 0 && !m->reported;
    m->reported = true;
    uv_mutex_unlock(&h->lock);
    if (due) {
        l->durable(l->context, m->token, status);
    }
}

size_t held_report_all(medsec_publisher *publisher)
{
    size_t count = held_count(publisher), reported = 0;
    for (size_t i = 0; i < count; i++) {
        reported += !((held *)publisher)->messages[i].reported;
        held_report(publisher, i, MEDSEC_OK);
    }
    return reported;
}

void held_automatic(medsec_publisher *publisher)
{
    held *h = (held *)publisher;
    uv_mutex_lock(&h->lock);
    h->automatic = true;
    uv_mutex_unlock(&h->lock);
}

void held_refuse(medsec_publisher *publisher, medsec_status status)
{
    held *h = (held *)publisher;
    uv_mutex_lock(&h->lock);
    h->refuse = status;
    uv_mutex_unlock(&h->lock);
}

void held_block(medsec_publisher *publisher)
{
    ((held *)publisher)->blocked = true;
}

void held_wait_blocked(medsec_publisher *publisher)
{
    for (unsigned i = 0; i < WAIT_MS && ((held *)publisher)->waiting == 0; i++) {
        uv_sleep(1);
    }
    assert_int_not_equal(((held *)publisher)->waiting, 0);
}

void held_unblock(medsec_publisher *publisher)
{
    ((held *)publisher)->blocked = false;
}

void held_press(medsec_publisher *publisher, bool pressed)
{
    held *h = (held *)publisher;
    h->pressed = pressed;
    h->kept_only = false;
    if (!pressed) {
        held_relieve(publisher);
    }
}

void held_relieve(medsec_publisher *publisher)
{
    const medsec_publisher_listener *l = ((held *)publisher)->listener;
    l->relieved(l->context);
}

void held_relieve_inside(medsec_publisher *publisher)
{
    ((held *)publisher)->relieves_inside = true;
}

void held_press_kept(medsec_publisher *publisher)
{
    held *h = (held *)publisher;
    h->kept_only = true;
    h->pressed = true;
}

void held_link(medsec_publisher *publisher, bool up)
{
    const medsec_publisher_listener *l = ((held *)publisher)->listener;
    l->linked(l->context, up);
}

size_t held_rests(medsec_publisher *publisher)
{
    return ((held *)publisher)->rests;
}

size_t held_late(medsec_publisher *publisher)
{
    return ((held *)publisher)->late;
}

void held_deliver(medsec_publisher *publisher, const char *topic, const void *payload, size_t len)
{
    const medsec_publisher_listener *l = ((held *)publisher)->listener;
    l->received(l->context, topic, strlen(topic), payload, len);
}

const char *held_filter(medsec_publisher *publisher)
{
    return ((held *)publisher)->filter;
}
