/* SPDX-License-Identifier: Apache-2.0 */
#include "paho.h"
#include "backoff.h"
#include "broker_probe.h"
#include "broker_socket.h"
#include "link_log.h"

#include <stdlib.h>

#define MS 1000000ull /* nanoseconds */

/*
 * Waking two threads costs as much as several messages: the first message after silence waits this
 * long for company.
 */
#define LINGER_MS 5u

/* Paho reports the end of an attempt and of a message; one that found no memory for it may not. */
#define CONNECT_MAX_MS 15000u

/* For paho to make its socket: the last of the waits, which double. Together they are nearly as
 * long as an attempt: given up earlier, the next one who asks would find the socket of this one. */
#define SOCKET_WAIT_MS 4096u

static bool time_is_up(const paho *p)
{
    return p->base.stopping && (p->base.queue.count == 0 || uv_hrtime() >= p->deadline);
}

/* Sleeps until something changes, `ns` at most. */
static void sleep_for(paho *p, uint64_t ns)
{
    if (p->base.stopping) {
        uint64_t now = uv_hrtime();
        uint64_t left = p->deadline > now ? p->deadline - now : 0;
        ns = ns < left ? ns : left;
    }
    if (ns > 0) {
        (void)uv_cond_timedwait(&p->changed, &p->base.lock, ns);
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
    if (p->base.stopping) {
        return;
    }
    uv_mutex_unlock(&p->base.lock);
    uv_sleep(LINGER_MS);
    uv_mutex_lock(&p->base.lock);
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
    if (p->base.stopping || (status != MEDSEC_ERR_IO && status != MEDSEC_ERR_CLOSED)) {
        return;
    }
    uv_mutex_unlock(&p->base.lock);
    const bool is_there = medsec__broker_probe(&found, &p->base.options);
    uv_mutex_lock(&p->base.lock);
    if (is_there) {
        p->failure = found;
    }
}

/* The lock is given back meanwhile. */
static void tell_linked(paho *p, bool up)
{
    p->base.linked = up;
    uv_mutex_unlock(&p->base.lock);
    medsec__mqtt_client_tell_linked(&p->base, up);
    uv_mutex_lock(&p->base.lock);
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
    for (uint64_t wait = MS;
         wait <= SOCKET_WAIT_MS * MS && p->link == PAHO_CONNECTING && !time_is_up(p); wait *= 2) {
        sleep_for(p, wait);
        if (medsec__broker_socket_find(&found, p->base.options.url.port)) {
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
    p->fd = p->link == PAHO_UP ? medsec__broker_socket_fd(&found, p->base.options.url.port) : -1;
}

/* One attempt, and if it succeeds, one connection to its end. True: it was up. */
static bool run_link(paho *p)
{
    make_link(p);
    if (p->link != PAHO_UP) {
        return false;
    }
    p->base.counts.connects++;
    p->base.counts.mqtt_version = (uint8_t)p->version;
    medsec__link_log_up(&p->base.options, (uint8_t)p->version);
    medsec__paho_announce(p, p->base.options.online_payload);
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
    uv_mutex_lock(&p->base.lock);
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
        p->base.counts.trouble = p->failure.reason;
        medsec__link_log_down(&p->base.options, &p->failure, was_up, p->base.queue.count, wait_ms);
        back_off(p, wait_ms);
    }
    if (p->link == PAHO_UP) {
        medsec__paho_announce(p, p->base.options.offline_payload);
    }
    medsec__paho_disconnect(p);
    p->base.linked = false;
    uv_mutex_unlock(&p->base.lock);
}

static medsec_status paho_start(medsec_publisher *publisher,
                                const medsec_publisher_listener *listener)
{
    paho *p = (paho *)publisher;
    const medsec_status status = medsec__mqtt_client_start(&p->base, listener);
    if (status == MEDSEC_OK && uv_thread_create(&p->thread, run, p) != 0) {
        p->base.started = false;
        p->base.listener = NULL;
        return MEDSEC_ERR_MEMORY;
    }
    return status;
}

static void on_queued(medsec__mqtt_client *client)
{
    paho *p = (paho *)client;
    if (p->waiting && medsec__paho_must_start(p)) {
        p->waiting = false;
        uv_cond_broadcast(&p->changed);
    }
}

static medsec_status paho_stop(medsec_publisher *publisher, uint32_t timeout_ms)
{
    paho *p = (paho *)publisher;
    if (!p->base.started) {
        return MEDSEC_ERR_STATE;
    }
    uv_mutex_lock(&p->base.lock);
    p->base.stopping = true;
    p->deadline = uv_hrtime() + timeout_ms * MS;
    uv_cond_broadcast(&p->changed);
    uv_mutex_unlock(&p->base.lock);
    uv_thread_join(&p->thread);
    return medsec__mqtt_client_end(&p->base);
}

static void paho_reclaim(medsec_publisher *publisher, medsec_reclaim_fn *take, void *context)
{
    medsec__paho_reclaim((paho *)publisher, take, context);
}

static void paho_destroy(medsec_publisher *publisher)
{
    paho *p = (paho *)publisher;
    if (p->base.started) {
        (void)paho_stop(publisher, 0);
    }
    medsec__mqtt_client_close(&p->base);
    uv_cond_destroy(&p->changed);
    free(p);
}

static const medsec_publisher_ops paho_ops = {.start = paho_start,
                                              .publish = medsec__mqtt_client_publish,
                                              .subscribe = medsec__mqtt_client_subscribe,
                                              .pressed = medsec__mqtt_client_pressed,
                                              .stats = medsec__mqtt_client_stats,
                                              .reclaim = paho_reclaim,
                                              .stop = paho_stop,
                                              .destroy = paho_destroy};

medsec_status medsec_publisher_paho_create(medsec_publisher **publisher,
                                           const medsec_mqtt_options *options)
{
    if (!publisher || !options || options->pin) {
        return MEDSEC_ERR_ARGUMENT;
    }
    paho *p = calloc(1, sizeof *p);
    if (!p || uv_cond_init(&p->changed) != 0) {
        free(p);
        return MEDSEC_ERR_MEMORY;
    }
    p->version = MQTTVERSION_5;
    const medsec_status status = medsec__mqtt_client_open(&p->base, &paho_ops, on_queued, options);
    if (status != MEDSEC_OK) {
        uv_cond_destroy(&p->changed);
        free(p);
        return status;
    }
    *publisher = &p->base.publisher;
    return MEDSEC_OK;
}
