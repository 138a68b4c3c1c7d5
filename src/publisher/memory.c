/* SPDX-License-Identifier: Apache-2.0 */
#include <medsec/publisher.h>

#include <stdlib.h>
#include <string.h>
#include <uv.h>

/* A message and its bytes in one piece of memory. */
typedef struct stored {
    medsec_message message;
    char text[];
} stored;

typedef struct memory {
    medsec_publisher base;
    const medsec_publisher_listener *listener;
    uv_mutex_t lock;
    stored **ring;
    stored *taken; /* what the last take gave out */
    bool subscribed;
    bool down; /* the broker connection that it plays */
    bool stopped;
    size_t limit;
    size_t first;
    size_t count;
    uint64_t delivered;
    uint64_t busy;
} memory;

static bool is_pressed(const memory *m)
{
    return m->count >= (m->limit + 1) / 2;
}

static void set_listener(memory *m, const medsec_publisher_listener *listener)
{
    uv_mutex_lock(&m->lock);
    m->listener = listener;
    uv_mutex_unlock(&m->lock);
}

static medsec_status memory_start(medsec_publisher *publisher,
                                  const medsec_publisher_listener *listener)
{
    memory *m = (memory *)publisher;
    set_listener(m, listener);
    if (listener->linked && !m->down) {
        listener->linked(listener->context, true);
    }
    return MEDSEC_OK;
}

/* There is no broker to choose by the filter: whoever delivers does. */
static medsec_status memory_subscribe(medsec_publisher *publisher, const char *filter)
{
    memory *m = (memory *)publisher;
    if (!filter) {
        return MEDSEC_ERR_ARGUMENT;
    }
    if (m->listener || m->subscribed) {
        return MEDSEC_ERR_STATE;
    }
    m->subscribed = true;
    return MEDSEC_OK;
}

static stored *store(const medsec_message *message)
{
    stored *s = malloc(sizeof *s + message->topic_len + message->payload_len + 1);
    if (!s) {
        return NULL;
    }
    s->message = *message;
    memcpy(s->text, message->topic, message->topic_len);
    s->text[message->topic_len] = '\0';
    s->message.topic = s->text;
    char *payload = s->text + message->topic_len + 1;
    if (message->payload_len > 0) {
        memcpy(payload, message->payload, message->payload_len);
    }
    s->message.payload = payload;
    return s;
}

static medsec_status memory_publish(medsec_publisher *publisher, const medsec_message *message)
{
    memory *m = (memory *)publisher;
    stored *s = store(message);
    if (!s) {
        return MEDSEC_ERR_MEMORY;
    }
    uv_mutex_lock(&m->lock);
    bool full = m->count == m->limit;
    if (full) {
        m->busy++;
    } else {
        m->ring[(m->first + m->count++) % m->limit] = s;
    }
    uv_mutex_unlock(&m->lock);
    if (full) {
        free(s);
    }
    return full ? MEDSEC_ERR_BUSY : MEDSEC_OK;
}

static bool memory_pressed(medsec_publisher *publisher, bool droppable)
{
    (void)droppable;
    memory *m = (memory *)publisher;
    uv_mutex_lock(&m->lock);
    bool pressed = is_pressed(m);
    uv_mutex_unlock(&m->lock);
    return pressed;
}

static void memory_stats(medsec_publisher *publisher, medsec_publisher_stats *stats)
{
    memory *m = (memory *)publisher;
    uv_mutex_lock(&m->lock);
    *stats = (medsec_publisher_stats){.published = m->delivered,
                                      .busy = m->busy,
                                      .connects = 1,
                                      .queued = m->count,
                                      .links = 1,
                                      .links_up = m->down ? 0 : 1,
                                      .connected = !m->down};
    uv_mutex_unlock(&m->lock);
}

/* The ring without its oldest message. */
static void drop_oldest(memory *m)
{
    m->first = (m->first + 1) % m->limit;
    m->count--;
}

static void memory_reclaim(medsec_publisher *publisher, medsec_reclaim_fn *take, void *context)
{
    memory *m = (memory *)publisher;
    uv_mutex_lock(&m->lock);
    while ((m->down || m->stopped) && m->count > 0 && take(context, &m->ring[m->first]->message)) {
        free(m->ring[m->first]);
        drop_oldest(m);
    }
    uv_mutex_unlock(&m->lock);
}

/* What is kept stays there to be taken; nobody is told any more. */
static medsec_status memory_stop(medsec_publisher *publisher, uint32_t timeout_ms)
{
    (void)timeout_ms;
    memory *m = (memory *)publisher;
    set_listener(m, NULL);
    m->stopped = true;
    return MEDSEC_OK;
}

static void memory_destroy(medsec_publisher *publisher)
{
    memory *m = (memory *)publisher;
    for (size_t i = 0; i < m->count; i++) {
        free(m->ring[(m->first + i) % m->limit]);
    }
    free(m->taken);
    free(m->ring);
    uv_mutex_destroy(&m->lock);
    free(m);
}

static const medsec_publisher_ops memory_ops = {.start = memory_start,
                                                .publish = memory_publish,
                                                .subscribe = memory_subscribe,
                                                .pressed = memory_pressed,
                                                .stats = memory_stats,
                                                .reclaim = memory_reclaim,
                                                .stop = memory_stop,
                                                .destroy = memory_destroy};

medsec_status medsec_publisher_memory_create(medsec_publisher **publisher, size_t limit)
{
    if (!publisher || limit == 0) {
        return MEDSEC_ERR_ARGUMENT;
    }
    memory *m = calloc(1, sizeof *m);
    stored **ring = calloc(limit, sizeof *ring);
    if (!m || !ring || uv_mutex_init(&m->lock) != 0) {
        free(ring);
        free(m);
        return MEDSEC_ERR_MEMORY;
    }
    m->base.ops = &memory_ops;
    m->ring = ring;
    m->limit = limit;
    *publisher = &m->base;
    return MEDSEC_OK;
}

/* Takes the oldest out; true when that ended the pressure. */
static bool take_oldest(memory *m)
{
    bool pressed = is_pressed(m);
    free(m->taken);
    m->taken = m->ring[m->first];
    drop_oldest(m);
    m->delivered++;
    return pressed && !is_pressed(m);
}

medsec_status medsec_publisher_memory_take(medsec_publisher *publisher, medsec_message *message)
{
    if (!publisher || !message) {
        return MEDSEC_ERR_ARGUMENT;
    }
    memory *m = (memory *)publisher;
    uv_mutex_lock(&m->lock);
    bool empty = m->count == 0 || m->down;
    bool relieved = !empty && take_oldest(m);
    if (!empty) {
        *message = m->taken->message;
    }
    const medsec_publisher_listener *listener = m->listener;
    uv_mutex_unlock(&m->lock);
    if (empty) {
        return MEDSEC_ERR_NOT_FOUND;
    }
    if (listener && listener->durable && message->token != 0) {
        listener->durable(listener->context, message->token, MEDSEC_OK);
    }
    if (listener && listener->relieved && relieved) {
        listener->relieved(listener->context);
    }
    return MEDSEC_OK;
}

void medsec_publisher_memory_set_link(medsec_publisher *publisher, bool up)
{
    memory *m = (memory *)publisher;
    uv_mutex_lock(&m->lock);
    m->down = !up;
    const medsec_publisher_listener *listener = m->listener;
    uv_mutex_unlock(&m->lock);
    if (listener && listener->linked) {
        listener->linked(listener->context, up);
    }
}

void medsec_publisher_memory_deliver(medsec_publisher *publisher, const char *topic,
                                     const uint8_t *payload, size_t payload_len)
{
    memory *m = (memory *)publisher;
    uv_mutex_lock(&m->lock);
    const medsec_publisher_listener *listener = m->subscribed ? m->listener : NULL;
    uv_mutex_unlock(&m->lock);
    if (listener && listener->received) {
        listener->received(listener->context, topic, strlen(topic), payload, payload_len);
    }
}
