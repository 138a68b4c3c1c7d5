/* SPDX-License-Identifier: Apache-2.0 */
#include "paho.h"
#include "backoff.h"
#include "broker_probe.h"
#include "broker_socket.h"
#include "link_log.h"
#include "mqtt_message.h"

#include <stdlib.h>
#include <string.h>

#define MS 1000000ull /* nanoseconds */

/*
 * Waking two threads costs as much as several messages: the first message after silence waits this
 * long for company.
 */
#define LINGER_MS 5u

/* Paho reports the end of an attempt and of a message; one that found no memory for it may not. */
#define CONNECT_MAX_MS 15000u

#define SOCKET_WAIT_MS 256u /* for paho to make its socket; the last of the waits, which double */

static bool time_is_up(const paho *p)
{
    return p->stopping && (p->queue.count == 0 || uv_hrtime() >= p->deadline);
}

/* Sleeps until something changes, `ns` at most. */
static void sleep_for(paho *p, uint64_t ns)
{
    if (p->stopping) {
        uint64_t now = uv_hrtime();
        uint64_t left = p->deadline > now ? p->deadline - now : 0;
        ns = ns < left ? ns : left;
    }
    if (ns > 0) {
        (void)uv_cond_timedwait(&p->changed, &p->lock, ns);
    }
}

static void wait_link(paho *p)
{
    const uint64_t end = uv_hrtime() + CONNECT_MAX_MS * MS;
    while (p->link == PAHO_CONNECTING && !time_is_up(p)) {
        if (uv_hrtime() >= end) {
            medsec__paho_give_up(p);
            break;
        }
        sleep_for(p, 1000 * MS);
    }
}

static void back_off(paho *p, uint32_t wait_ms)
{
    uint64_t end = uv_hrtime() + wait_ms * MS;
    while (!time_is_up(p) && uv_hrtime() < end) {
        sleep_for(p, end - uv_hrtime());
    }
}

static void linger(paho *p)
{
    if (p->stopping) {
        return;
    }
    uv_mutex_unlock(&p->lock);
    uv_sleep(LINGER_MS);
    uv_mutex_lock(&p->lock);
}

/* A broker that answers pings, and confirms nothing any more, is as good as none. */
static bool is_stuck(const paho *p, uint64_t *released, uint64_t *since)
{
    if (p->released != *released || p->handed == p->released) {
        *released = p->released;
        *since = uv_hrtime();
    }
    return uv_hrtime() - *since > MEDSEC__UNCONFIRMED_MAX_MS * MS;
}

/*
 * While the link is up this thread only starts what then goes on in paho's: it hands over one
 * message of QoS 0, whose report hands over the others, where they are sent, without waking
 * anybody.
 */
static void serve(paho *p)
{
    uint64_t released = p->released, since = uv_hrtime();
    while (p->link == PAHO_UP && !time_is_up(p)) {
        if (is_stuck(p, &released, &since)) {
            medsec__paho_give_up(p);
            break;
        }
        if (medsec__paho_must_start(p)) {
            linger(p);
            medsec__paho_pump(p, true);
            continue;
        }
        p->waiting = true;
        sleep_for(p, 1000 * MS);
        p->waiting = false;
    }
}

/* Why it failed before CONNACK. The lock is given back meanwhile. */
static void look_closer(paho *p)
{
    medsec__link_failure found;
    const medsec_status status = p->failure.status;
    if (p->stopping || (status != MEDSEC_ERR_IO && status != MEDSEC_ERR_CLOSED)) {
        return;
    }
    uv_mutex_unlock(&p->lock);
    const bool is_there = medsec__broker_probe(&found, &p->options);
    uv_mutex_lock(&p->lock);
    if (is_there) {
        p->failure = found;
    }
}

/* The lock is given back meanwhile. */
static void tell_linked(paho *p, bool up)
{
    const medsec_publisher_listener *l = p->listener;
    uv_mutex_unlock(&p->lock);
    if (l->linked) {
        l->linked(l->context, up);
    }
    uv_mutex_lock(&p->lock);
}

/* Paho makes sockets in the order in which it is asked for connections, and does not show them: who
 * asks waits for his to appear before the next one asks. */
static atomic_flag asking = ATOMIC_FLAG_INIT;

static bool begin_asking(paho *p)
{
    while (!time_is_up(p)) {
        if (!atomic_flag_test_and_set(&asking)) {
            return true;
        }
        sleep_for(p, MS);
    }
    return false;
}

static medsec__broker_socket wait_socket(paho *p)
{
    medsec__broker_socket found = {.fd = -1};
    for (uint64_t wait = MS; wait <= SOCKET_WAIT_MS * MS && p->link == PAHO_CONNECTING; wait *= 2) {
        sleep_for(p, wait);
        if (medsec__broker_socket_find(&found, p->options.url.port)) {
            break;
        }
    }
    return found;
}

static void make_link(paho *p)
{
    if (!begin_asking(p)) {
        return;
    }
    medsec__paho_connect(p);
    const medsec__broker_socket found = wait_socket(p);
    atomic_flag_clear(&asking);
    wait_link(p);
    p->corked = false;
    p->fd = p->link == PAHO_UP ? medsec__broker_socket_fd(&found, p->options.url.port) : -1;
}

/* One attempt, and if it succeeds, one connection to its end. True: it was up. */
static bool run_link(paho *p)
{
    make_link(p);
    if (p->link != PAHO_UP) {
        return false;
    }
    p->counts.connects++;
    medsec__link_log_up(&p->options, (uint8_t)p->version);
    medsec__paho_announce(p, p->options.online_payload);
    medsec__paho_subscribe(p);
    tell_linked(p, true);
    serve(p);
    if (p->link != PAHO_UP) {
        tell_linked(p, false);
    }
    return true;
}

static void run(void *context)
{
    paho *p = context;
    medsec__backoff backoff = {0};
    uv_mutex_lock(&p->lock);
    for (;;) {
        uint64_t begin = uv_hrtime();
        bool was_up = run_link(p);
        if (time_is_up(p)) {
            break;
        }
        if (!was_up) {
            look_closer(p);
        }
        uint64_t lasted_ms = was_up ? (uv_hrtime() - begin) / MS : 0;
        uint32_t wait_ms = medsec__backoff_next(&backoff, lasted_ms);
        p->trouble = p->failure.reason;
        medsec__link_log_down(&p->options, &p->failure, was_up, p->queue.count, wait_ms);
        back_off(p, wait_ms);
    }
    if (p->link == PAHO_UP) {
        medsec__paho_announce(p, p->options.offline_payload);
    }
    medsec__paho_disconnect(p);
    uv_mutex_unlock(&p->lock);
}

static medsec_status paho_start(medsec_publisher *publisher,
                                const medsec_publisher_listener *listener)
{
    paho *p = (paho *)publisher;
    if (!listener) {
        return MEDSEC_ERR_ARGUMENT;
    }
    if (p->started) {
        return MEDSEC_ERR_STATE;
    }
    p->listener = listener;
    if (uv_thread_create(&p->thread, run, p) != 0) {
        return MEDSEC_ERR_MEMORY;
    }
    p->started = true;
    return MEDSEC_OK;
}

static medsec_status paho_publish(medsec_publisher *publisher, const medsec_message *message)
{
    paho *p = (paho *)publisher;
    medsec_status status = medsec__mqtt_message_check(message);
    if (status != MEDSEC_OK) {
        return status;
    }
    uv_mutex_lock(&p->lock);
    status = p->stopping ? MEDSEC_ERR_STATE : medsec__queue_push(&p->queue, message);
    if (status == MEDSEC_ERR_BUSY) {
        p->counts.busy++;
    }
    if (p->queue.used >= p->options.queue_bytes) {
        p->is_pressed = true;
    }
    bool wake = p->waiting && medsec__paho_must_start(p);
    if (wake) {
        p->waiting = false;
    }
    uv_mutex_unlock(&p->lock);
    if (wake) {
        uv_cond_broadcast(&p->changed);
    }
    return status;
}

static medsec_status paho_subscribe(medsec_publisher *publisher, const char *filter)
{
    paho *p = (paho *)publisher;
    if (!filter) {
        return MEDSEC_ERR_ARGUMENT;
    }
    if (p->listener || p->filter) {
        return MEDSEC_ERR_STATE;
    }
    p->filter = strdup(filter);
    return p->filter ? MEDSEC_OK : MEDSEC_ERR_MEMORY;
}

static bool paho_pressed(medsec_publisher *publisher, bool droppable)
{
    (void)droppable;
    return ((paho *)publisher)->is_pressed;
}

static void paho_stats(medsec_publisher *publisher, medsec_publisher_stats *stats)
{
    paho *p = (paho *)publisher;
    uv_mutex_lock(&p->lock);
    *stats = p->counts;
    stats->queued = p->queue.count;
    stats->queued_bytes = p->queue.used;
    stats->links = 1;
    stats->links_up = p->link == PAHO_UP ? 1 : 0;
    stats->connected = p->link == PAHO_UP;
    stats->trouble = stats->connected ? NULL : p->trouble;
    stats->mqtt_version = p->counts.connects > 0 ? (uint8_t)p->version : 0;
    uv_mutex_unlock(&p->lock);
}

static medsec_status paho_stop(medsec_publisher *publisher, uint32_t timeout_ms)
{
    paho *p = (paho *)publisher;
    if (!p->started) {
        return MEDSEC_ERR_STATE;
    }
    uv_mutex_lock(&p->lock);
    p->stopping = true;
    p->deadline = uv_hrtime() + timeout_ms * MS;
    uv_cond_broadcast(&p->changed);
    uv_mutex_unlock(&p->lock);
    uv_thread_join(&p->thread);
    p->started = false;
    return p->queue.count > 0 ? MEDSEC_ERR_TIMEOUT : MEDSEC_OK;
}

static void paho_reclaim(medsec_publisher *publisher, medsec_reclaim_fn *take, void *context)
{
    medsec__paho_reclaim((paho *)publisher, take, context);
}

static void paho_destroy(medsec_publisher *publisher)
{
    paho *p = (paho *)publisher;
    if (p->started) {
        (void)paho_stop(publisher, 0);
    }
    if (p->queue.count > 0) {
        medsec_log_write(p->options.log, MEDSEC_LOG_ERROR, "messages-lost",
                         MEDSEC_LOG_INT("messages", p->queue.count));
    }
    medsec__queue_close(&p->queue);
    uv_cond_destroy(&p->changed);
    uv_mutex_destroy(&p->lock);
    medsec__mqtt_options_free(&p->options);
    free(p->filter);
    free(p);
}

static const medsec_publisher_ops paho_ops = {.start = paho_start,
                                              .publish = paho_publish,
                                              .subscribe = paho_subscribe,
                                              .pressed = paho_pressed,
                                              .stats = paho_stats,
                                              .reclaim = paho_reclaim,
                                              .stop = paho_stop,
                                              .destroy = paho_destroy};

/* What paho cannot do. */
static medsec_status check_options(const medsec__mqtt_options *options)
{
    return options->pin ? MEDSEC_ERR_ARGUMENT : MEDSEC_OK;
}

static medsec_status fill_in(paho *p, const medsec_mqtt_options *options)
{
    medsec_status status = medsec__mqtt_options_copy(&p->options, options);
    if (status == MEDSEC_OK) {
        status = check_options(&p->options);
    }
    if (status == MEDSEC_OK) {
        status = medsec__queue_open(&p->queue, p->options.queue_bytes + MEDSEC_MQTT_QUEUE_SLACK);
    }
    return status;
}

medsec_status medsec_publisher_paho_create(medsec_publisher **publisher,
                                           const medsec_mqtt_options *options)
{
    if (!publisher || !options) {
        return MEDSEC_ERR_ARGUMENT;
    }
    paho *p = calloc(1, sizeof *p);
    if (!p || uv_mutex_init(&p->lock) != 0) {
        free(p);
        return MEDSEC_ERR_MEMORY;
    }
    if (uv_cond_init(&p->changed) != 0) {
        uv_mutex_destroy(&p->lock);
        free(p);
        return MEDSEC_ERR_MEMORY;
    }
    p->base.ops = &paho_ops;
    p->version = MQTTVERSION_5;
    medsec_status status = fill_in(p, options);
    if (status != MEDSEC_OK) {
        paho_destroy(&p->base);
        return status;
    }
    *publisher = &p->base;
    return MEDSEC_OK;
}
