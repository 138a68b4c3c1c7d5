/* SPDX-License-Identifier: Apache-2.0 */
#include "mosquitto_parts.h"
#include "mqtt_message.h"

#include <mqtt_protocol.h>
#include <stdlib.h>
#include <string.h>

static medsec_status mosq_start(medsec_publisher *publisher,
                                const medsec_publisher_listener *listener)
{
    mosq *p = (mosq *)publisher;
    if (!listener) {
        return MEDSEC_ERR_ARGUMENT;
    }
    if (p->listener) {
        return MEDSEC_ERR_STATE;
    }
    p->listener = listener;
    p->started = true;
    return MEDSEC_OK;
}

static medsec_status mosq_attach(medsec_publisher *publisher, struct uv_loop_s *loop,
                                 uint32_t index, uint32_t count)
{
    (void)count;
    return index == 0 ? medsec__mosq_attach((mosq *)publisher, loop) : MEDSEC_OK;
}

static void mosq_detach(medsec_publisher *publisher, uint32_t index, uint32_t count)
{
    (void)count;
    if (index == 0) {
        medsec__mosq_detach((mosq *)publisher);
    }
}

static bool mosq_hurried(medsec_publisher *publisher, uint32_t index, uint32_t count)
{
    const mosq *p = (const mosq *)publisher;
    (void)count;
    return index == 0 && p->state == MOSQ_UP && p->is_due && p->in_flight >= p->window;
}

static medsec_status mosq_publish(medsec_publisher *publisher, const medsec_message *message)
{
    mosq *p = (mosq *)publisher;
    medsec_status status = medsec__mqtt_message_check(message);
    if (status != MEDSEC_OK) {
        return status;
    }
    uv_mutex_lock(&p->lock);
    status = p->stopping ? MEDSEC_ERR_STATE : medsec__queue_push(&p->queue, message);
    if (status == MEDSEC_OK) {
        medsec__mosq_call(p);
    } else if (status == MEDSEC_ERR_BUSY) {
        p->counts.busy++;
    }
    if (p->queue.used >= p->options.queue_bytes) {
        p->is_pressed = true;
    }
    uv_mutex_unlock(&p->lock);
    return status;
}

static medsec_status mosq_subscribe(medsec_publisher *publisher, const char *filter)
{
    mosq *p = (mosq *)publisher;
    if (!filter) {
        return MEDSEC_ERR_ARGUMENT;
    }
    if (p->listener || p->filter) {
        return MEDSEC_ERR_STATE;
    }
    p->filter = strdup(filter);
    return p->filter ? MEDSEC_OK : MEDSEC_ERR_MEMORY;
}

static bool mosq_pressed(medsec_publisher *publisher, bool droppable)
{
    (void)droppable;
    return ((mosq *)publisher)->is_pressed;
}

static void mosq_stats(medsec_publisher *publisher, medsec_publisher_stats *stats)
{
    mosq *p = (mosq *)publisher;
    uv_mutex_lock(&p->lock);
    *stats = p->counts;
    stats->queued = p->queue.count;
    stats->queued_bytes = p->queue.used;
    stats->links = 1;
    stats->links_up = p->linked ? 1 : 0;
    stats->connected = p->linked;
    uv_mutex_unlock(&p->lock);
}

/* Without the lock while somebody takes one: the loop may come by, and hands over nothing. */
static void take_back(mosq *p, medsec_reclaim_fn *take, void *context)
{
    medsec_message m;
    bool taken = true;
    while (taken && medsec__queue_next(&p->queue, &m)) {
        uv_mutex_unlock(&p->lock);
        taken = take(context, &m);
        uv_mutex_lock(&p->lock);
        if (taken) {
            (void)medsec__queue_release(&p->queue);
        }
    }
    medsec__queue_rewind(&p->queue);
}

static void mosq_reclaim(medsec_publisher *publisher, medsec_reclaim_fn *take, void *context)
{
    mosq *p = (mosq *)publisher;
    bool relieved = false;
    uv_mutex_lock(&p->lock);
    if (!p->linked && !p->reclaiming) {
        p->reclaiming = true;
        take_back(p, take, context);
        p->reclaiming = false;
        relieved = medsec__mosq_relieve(p);
        if (p->linked && p->attached) {
            (void)uv_async_send(&p->wake);
        }
    }
    uv_mutex_unlock(&p->lock);
    if (relieved && p->started && p->listener->relieved) {
        p->listener->relieved(p->listener->context);
    }
}

static medsec_status mosq_stop(medsec_publisher *publisher, uint32_t timeout_ms)
{
    mosq *p = (mosq *)publisher;
    if (!p->started) {
        return MEDSEC_ERR_STATE;
    }
    uv_mutex_lock(&p->lock);
    p->stopping = true;
    uv_mutex_unlock(&p->lock);
    medsec__mosq_drain(p, timeout_ms);
    p->started = false;
    return p->queue.count > 0 ? MEDSEC_ERR_TIMEOUT : MEDSEC_OK;
}

static void mosq_destroy(medsec_publisher *publisher)
{
    mosq *p = (mosq *)publisher;
    if (p->started) {
        (void)mosq_stop(publisher, 0);
    }
    if (p->queue.count > 0) {
        medsec_log_write(p->options.log, MEDSEC_LOG_ERROR, "messages-lost",
                         MEDSEC_LOG_INT("messages", p->queue.count));
    }
    medsec__mosq_close_direct(p);
    medsec__queue_close(&p->queue);
    uv_mutex_destroy(&p->lock);
    medsec__mqtt_options_free(&p->options);
    free(p->filter);
    free(p);
}

static const medsec_publisher_ops mosq_ops = {.start = mosq_start,
                                              .publish = mosq_publish,
                                              .subscribe = mosq_subscribe,
                                              .pressed = mosq_pressed,
                                              .stats = mosq_stats,
                                              .attach = mosq_attach,
                                              .detach = mosq_detach,
                                              .hurried = mosq_hurried,
                                              .reclaim = mosq_reclaim,
                                              .stop = mosq_stop,
                                              .destroy = mosq_destroy};

static void open_library(void)
{
    (void)mosquitto_lib_init();
}

static medsec_status fill_in(mosq *p, const medsec_mqtt_options *options)
{
    medsec_status status = medsec__mqtt_options_copy(&p->options, options);
    if (status != MEDSEC_OK) {
        return status;
    }
    p->base.ops = &mosq_ops;
    p->version = MQTT_PROTOCOL_V5;
    p->is_due = true;
    status = medsec__queue_open(&p->queue, p->options.queue_bytes + MEDSEC_MQTT_QUEUE_SLACK);
    if (status == MEDSEC_OK && !medsec__mosq_open_direct(p)) {
        medsec__queue_close(&p->queue);
        status = MEDSEC_ERR_MEMORY;
    }
    if (status != MEDSEC_OK) {
        medsec__mqtt_options_free(&p->options);
    }
    return status;
}

medsec_status medsec_publisher_mosquitto_create(medsec_publisher **publisher,
                                                const medsec_mqtt_options *options)
{
    static uv_once_t once = UV_ONCE_INIT;
    if (!publisher || !options) {
        return MEDSEC_ERR_ARGUMENT;
    }
    uv_once(&once, open_library);
    mosq *p = calloc(1, sizeof *p);
    if (!p || uv_mutex_init(&p->lock) != 0) {
        free(p);
        return MEDSEC_ERR_MEMORY;
    }
    const medsec_status status = fill_in(p, options);
    if (status != MEDSEC_OK) {
        uv_mutex_destroy(&p->lock);
        free(p);
        return status;
    }
    *publisher = &p->base;
    return MEDSEC_OK;
}
