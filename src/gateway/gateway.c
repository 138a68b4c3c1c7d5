/* SPDX-License-Identifier: Apache-2.0 */
#include "acknowledge.h"
#include "command.h"
#include "emit.h"
#include "heart.h"
#include "internal.h"
#include "listener.h"
#include "origin.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

void medsec__loop_wake(medsec__loop *loop)
{
    medsec_gateway *gateway = loop->gateway;
    if (medsec__loop_is_own(loop)) {
        loop->is_stirred = true;
        return;
    }
    uv_mutex_lock(&gateway->wake_lock);
    if (gateway->awake) {
        (void)uv_async_send(&loop->wake);
    }
    uv_mutex_unlock(&gateway->wake_lock);
}

static void wake_all(medsec_gateway *gateway)
{
    for (uint32_t i = 0; i < gateway->options.threads; i++) {
        medsec__loop_wake(&gateway->loops[i]);
    }
}

static void on_relieved(void *context)
{
    medsec_gateway *gateway = context;
    for (uint32_t i = 0; i < gateway->options.threads; i++) {
        atomic_store(&gateway->loops[i].told_relieved, true);
    }
    wake_all(gateway);
}

/* Not the first time: what was said until then is still on its way. */
static void on_linked(void *context, bool up)
{
    medsec_gateway *gateway = context;
    atomic_store(&gateway->is_cut, !up);
    if (!up || !atomic_exchange(&gateway->was_linked, true)) {
        return;
    }
    for (uint32_t i = 0; i < gateway->options.threads; i++) {
        atomic_store(&gateway->loops[i].told_linked, true);
    }
    wake_all(gateway);
}

static uint32_t or_default(uint32_t value, uint32_t otherwise)
{
    return value ? value : otherwise;
}

static void fill_in(medsec_gateway_options *o)
{
    o->threads = or_default(o->threads, uv_available_parallelism());
    o->max_connections = or_default(o->max_connections, MEDSEC_GATEWAY_CONNECTIONS);
    o->max_half_open = or_default(o->max_half_open, MEDSEC_GATEWAY_HALF_OPEN);
    o->source_rate = or_default(o->source_rate, MEDSEC_GATEWAY_SOURCE_RATE);
    o->source_burst = or_default(o->source_burst, MEDSEC_GATEWAY_SOURCE_BURST);
    o->identify_timeout_ms = or_default(o->identify_timeout_ms, MEDSEC_GATEWAY_IDENTIFY_TIMEOUT_MS);
    o->idle_timeout_ms = or_default(o->idle_timeout_ms, MEDSEC_GATEWAY_IDLE_TIMEOUT_MS);
}

static medsec_status check(const medsec_gateway_options *o)
{
    const uint32_t known = MEDSEC_PUBLISH_FIELDS | MEDSEC_PUBLISH_READING | MEDSEC_PUBLISH_BATCH;
    if (o->threads > MEDSEC__THREADS_MAX || !o->registry || !o->profiles || !o->publisher ||
        (o->publish & ~known) || o->seed_qos > 1) {
        return MEDSEC_ERR_ARGUMENT;
    }
    return MEDSEC_OK;
}

static medsec_status compile_topic(medsec_gateway *gateway)
{
    static const char usual[] = MEDSEC_TOPIC_TEMPLATE_DEFAULT;
    if (!gateway->options.topic) {
        return medsec_topic_compile(&gateway->topic, usual, sizeof usual - 1);
    }
    gateway->topic = *gateway->options.topic;
    return MEDSEC_OK;
}

static bool make_locks(medsec_gateway *gateway)
{
    return uv_mutex_init(&gateway->directory_lock) == 0 &&
           uv_mutex_init(&gateway->wake_lock) == 0 && uv_mutex_init(&gateway->watch_lock) == 0 &&
           uv_cond_init(&gateway->watch_changed) == 0;
}

/* Ledgers outlive the loops: the publisher reports until it stops. */
static medsec_status make_loops(medsec_gateway *gateway)
{
    const uint32_t threads = gateway->options.threads;
    gateway->half_open_share = (gateway->options.max_half_open + threads - 1) / threads;
    gateway->loops = calloc(threads, sizeof *gateway->loops);
    for (uint32_t i = 0; gateway->loops && i < threads; i++) {
        gateway->loops[i].gateway = gateway;
        medsec__ledger_open(&gateway->loops[i].ledger, (uint8_t)i);
    }
    return gateway->loops ? MEDSEC_OK : MEDSEC_ERR_MEMORY;
}

static medsec_status prepare(medsec_gateway *gateway)
{
    medsec_status status = medsec__address_parse(&gateway->address, gateway->options.listen);
    if (status == MEDSEC_OK) {
        status = medsec__origin_prepare(gateway);
    }
    if (status == MEDSEC_OK) {
        status = compile_topic(gateway);
    }
    if (status == MEDSEC_OK) {
        status = medsec__presence_create(&gateway->presence);
    }
    if (status == MEDSEC_OK) {
        status = medsec__admission_create(&gateway->admission, gateway->options.source_rate,
                                          gateway->options.source_burst);
    }
    if (status == MEDSEC_OK) {
        status = make_loops(gateway);
    }
    if (status != MEDSEC_OK) {
        return status;
    }
    (void)medsec_registry_changed(gateway->options.registry);
    return medsec__watch_load(gateway);
}

medsec_status medsec_gateway_create(medsec_gateway **gateway, const medsec_gateway_options *options)
{
    if (!gateway || !options || check(options) != MEDSEC_OK) {
        return MEDSEC_ERR_ARGUMENT;
    }
    medsec_gateway *g = calloc(1, sizeof *g);
    if (!g || !make_locks(g)) {
        free(g);
        return MEDSEC_ERR_MEMORY;
    }
    g->options = *options;
    fill_in(&g->options);
    STAILQ_INIT(&g->promotions);
    g->config_version = (uint32_t)(medsec__emit_now_ms() / 1000);
    g->listener = (medsec_publisher_listener){.context = g,
                                              .durable = medsec__acknowledge_durable,
                                              .relieved = on_relieved,
                                              .linked = on_linked,
                                              .received = medsec__command_received};
    medsec_status status = prepare(g);
    if (status != MEDSEC_OK) {
        medsec_gateway_destroy(g);
        return status;
    }
    *gateway = g;
    return MEDSEC_OK;
}

static void close_sockets(medsec_gateway *gateway)
{
    for (uint32_t i = 0; i < gateway->options.threads; i++) {
        medsec__loop *loop = &gateway->loops[i];
        if (loop->listen_fd >= 0) {
            close(loop->listen_fd);
        }
        if (loop->reserve_fd >= 0) {
            close(loop->reserve_fd);
        }
    }
}

/* The first socket may be given a port; the others share it. */
static medsec_status bind_sockets(medsec_gateway *gateway)
{
    for (uint32_t i = 0; i < gateway->options.threads; i++) {
        gateway->loops[i].listen_fd = gateway->loops[i].reserve_fd = -1;
    }
    for (uint32_t i = 0; i < gateway->options.threads; i++) {
        medsec_status status = medsec__listener_bind(&gateway->loops[i]);
        if (status != MEDSEC_OK) {
            close_sockets(gateway);
            return status;
        }
    }
    return MEDSEC_OK;
}

static medsec_status open_loops(medsec_gateway *gateway)
{
    for (uint32_t i = 0; i < gateway->options.threads; i++) {
        medsec_status status = medsec__loop_open(&gateway->loops[i]);
        while (status != MEDSEC_OK && i > 0) {
            medsec__loop_abandon(&gateway->loops[--i]);
        }
        if (status != MEDSEC_OK) {
            return status;
        }
    }
    return MEDSEC_OK;
}

static void set_awake(medsec_gateway *gateway, bool awake)
{
    uv_mutex_lock(&gateway->wake_lock);
    gateway->awake = awake;
    uv_mutex_unlock(&gateway->wake_lock);
}

/* The publisher may still report: the handles that would be woken are about to close. */
static void end_threads(medsec_gateway *gateway, uint32_t running)
{
    set_awake(gateway, false);
    atomic_store(&gateway->undrained, running);
    for (uint32_t i = 0; i < running; i++) {
        atomic_store(&gateway->loops[i].told_stop, true);
        (void)uv_async_send(&gateway->loops[i].wake);
    }
    for (uint32_t i = 0; i < running; i++) {
        uv_thread_join(&gateway->loops[i].thread);
    }
}

static medsec_status run_threads(medsec_gateway *gateway)
{
    for (uint32_t i = 0; i < gateway->options.threads; i++) {
        medsec_status status = medsec__loop_run(&gateway->loops[i]);
        if (status != MEDSEC_OK) {
            end_threads(gateway, i);
            return status;
        }
    }
    if (uv_thread_create(&gateway->watcher, medsec__watch_run, gateway) == 0) {
        return MEDSEC_OK;
    }
    end_threads(gateway, gateway->options.threads);
    return MEDSEC_ERR_MEMORY;
}

static void close_loops(medsec_gateway *gateway)
{
    for (uint32_t i = 0; i < gateway->options.threads; i++) {
        medsec__loop_close(&gateway->loops[i]);
    }
    close_sockets(gateway);
}

static void abandon_loops(medsec_gateway *gateway)
{
    for (uint32_t i = 0; i < gateway->options.threads; i++) {
        medsec__loop_abandon(&gateway->loops[i]);
    }
    close_sockets(gateway);
}

static medsec_status subscribe(medsec_gateway *gateway)
{
    medsec_publisher *publisher = gateway->options.publisher;
    char filter[MEDSEC_TOPIC_MAX + 1];
    size_t len = 0;
    if (!publisher->ops->subscribe) {
        return MEDSEC_OK;
    }
    medsec_status status =
        medsec_topic_filter(&gateway->topic, filter, MEDSEC_TOPIC_MAX, &len, MEDSEC__COMMAND_TOPIC);
    if (status != MEDSEC_OK) {
        return status;
    }
    filter[len] = '\0';
    return publisher->ops->subscribe(publisher, filter);
}

static medsec_status attach_loops(medsec_gateway *gateway)
{
    medsec_status status = MEDSEC_OK;
    for (uint32_t i = 0; status == MEDSEC_OK && i < gateway->options.threads; i++) {
        status = medsec__loop_attach(&gateway->loops[i]);
    }
    return status;
}

static medsec_status start_publisher(medsec_gateway *gateway)
{
    medsec_publisher *publisher = gateway->options.publisher;
    medsec_status status = subscribe(gateway);
    if (status == MEDSEC_OK) {
        medsec__heart_look(gateway);
        status = publisher->ops->start(publisher, &gateway->listener);
    }
    if (status != MEDSEC_OK) {
        abandon_loops(gateway);
        return status;
    }
    status = attach_loops(gateway);
    if (status != MEDSEC_OK) {
        abandon_loops(gateway);
        (void)publisher->ops->stop(publisher, 0);
        return status;
    }
    set_awake(gateway, true);
    status = run_threads(gateway);
    if (status != MEDSEC_OK) {
        close_loops(gateway);
        (void)publisher->ops->stop(publisher, 0);
    }
    return status;
}

medsec_status medsec_gateway_start(medsec_gateway *gateway)
{
    if (!gateway) {
        return MEDSEC_ERR_ARGUMENT;
    }
    if (gateway->started || gateway->watch_stop) {
        return MEDSEC_ERR_STATE;
    }
    medsec_status status = bind_sockets(gateway);
    if (status != MEDSEC_OK) {
        return status;
    }
    status = open_loops(gateway);
    if (status != MEDSEC_OK) {
        close_sockets(gateway);
        return status;
    }
    status = start_publisher(gateway);
    gateway->started = status == MEDSEC_OK;
    return status;
}

uint16_t medsec_gateway_port(const medsec_gateway *gateway)
{
    return medsec__address_port(&gateway->address);
}

void medsec_gateway_reload(medsec_gateway *gateway)
{
    uv_mutex_lock(&gateway->watch_lock);
    gateway->watch_now = true;
    uv_cond_signal(&gateway->watch_changed);
    uv_mutex_unlock(&gateway->watch_lock);
}

static void stop_watch(medsec_gateway *gateway)
{
    uv_mutex_lock(&gateway->watch_lock);
    gateway->watch_stop = true;
    uv_cond_signal(&gateway->watch_changed);
    uv_mutex_unlock(&gateway->watch_lock);
    uv_thread_join(&gateway->watcher);
}

medsec_status medsec_gateway_stop(medsec_gateway *gateway, uint32_t timeout_ms)
{
    if (!gateway) {
        return MEDSEC_ERR_ARGUMENT;
    }
    if (!gateway->started) {
        return MEDSEC_ERR_STATE;
    }
    uint64_t begin = uv_hrtime();
    stop_watch(gateway);
    end_threads(gateway, gateway->options.threads);
    close_loops(gateway);
    gateway->started = false;
    uint64_t spent_ms = (uv_hrtime() - begin) / 1000000;
    uint32_t left_ms = spent_ms < timeout_ms ? timeout_ms - (uint32_t)spent_ms : 0;
    medsec_publisher *publisher = gateway->options.publisher;
    return publisher->ops->stop(publisher, left_ms);
}

void medsec_gateway_destroy(medsec_gateway *gateway)
{
    if (!gateway) {
        return;
    }
    medsec_status status = gateway->started ? medsec_gateway_stop(gateway, 0) : MEDSEC_OK;
    (void)status; /* whoever wants to know calls stop */
    for (uint32_t i = 0; gateway->loops && i < gateway->options.threads; i++) {
        medsec__ledger_close(&gateway->loops[i].ledger);
    }
    medsec__promote_abandon(gateway);
    medsec__presence_destroy(gateway->presence);
    medsec__admission_destroy(gateway->admission);
    medsec_directory_unref(gateway->directory);
    free(gateway->loops);
    uv_cond_destroy(&gateway->watch_changed);
    uv_mutex_destroy(&gateway->watch_lock);
    uv_mutex_destroy(&gateway->wake_lock);
    uv_mutex_destroy(&gateway->directory_lock);
    free(gateway);
}
