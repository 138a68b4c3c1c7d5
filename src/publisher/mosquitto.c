/* SPDX-License-Identifier: Apache-2.0 */
#include "mosquitto_parts.h"

#include <mqtt_protocol.h>
#include <stdlib.h>

static medsec_status mosq_start(medsec_publisher *publisher,
                                const medsec_publisher_listener *listener)
{
    return medsec__mqtt_client_start((medsec__mqtt_client *)publisher, listener);
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

/* The loop may come by meanwhile, and hands over nothing. */
static void mosq_reclaim(medsec_publisher *publisher, medsec_reclaim_fn *take, void *context)
{
    mosq *p = (mosq *)publisher;
    medsec__mqtt_report r = {.relieved = false};
    uv_mutex_lock(&p->base.lock);
    if (!p->base.linked && !p->reclaiming) {
        p->reclaiming = true;
        medsec__mqtt_client_give_back(&p->base, take, context);
        p->reclaiming = false;
        medsec__mqtt_client_relieve(&p->base, &r);
        if (p->base.linked && p->attached) {
            p->is_due = true; /* the loop may have found nothing to send meanwhile */
            (void)uv_async_send(&p->wake);
        }
    }
    uv_mutex_unlock(&p->base.lock);
    medsec__mqtt_client_tell(&p->base, &r);
}

static medsec_status mosq_stop(medsec_publisher *publisher, uint32_t timeout_ms)
{
    mosq *p = (mosq *)publisher;
    if (!p->base.started) {
        return MEDSEC_ERR_STATE;
    }
    uv_mutex_lock(&p->base.lock);
    p->base.stopping = true;
    uv_mutex_unlock(&p->base.lock);
    medsec__mosq_drain(p, timeout_ms);
    return medsec__mqtt_client_end(&p->base);
}

static void mosq_destroy(medsec_publisher *publisher)
{
    mosq *p = (mosq *)publisher;
    if (p->base.started) {
        (void)mosq_stop(publisher, 0);
    }
    medsec__mqtt_client_close(&p->base);
    medsec__mosq_close_direct(p);
    free(p);
}

static const medsec_publisher_ops mosq_ops = {.start = mosq_start,
                                              .publish = medsec__mqtt_client_publish,
                                              .subscribe = medsec__mqtt_client_subscribe,
                                              .pressed = medsec__mqtt_client_pressed,
                                              .stats = medsec__mqtt_client_stats,
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

medsec_status medsec_publisher_mosquitto_create(medsec_publisher **publisher,
                                                const medsec_mqtt_options *options)
{
    static uv_once_t once = UV_ONCE_INIT;
    if (!publisher || !options) {
        return MEDSEC_ERR_ARGUMENT;
    }
    uv_once(&once, open_library);
    mosq *p = calloc(1, sizeof *p);
    if (!p || !medsec__mosq_open_direct(p)) {
        free(p);
        return MEDSEC_ERR_MEMORY;
    }
    p->version = MQTT_PROTOCOL_V5;
    p->is_due = true;
    const medsec_status status =
        medsec__mqtt_client_open(&p->base, &mosq_ops, medsec__mosq_call, options);
    if (status != MEDSEC_OK) {
        medsec__mosq_close_direct(p);
        free(p);
        return status;
    }
    *publisher = &p->base.publisher;
    return MEDSEC_OK;
}
