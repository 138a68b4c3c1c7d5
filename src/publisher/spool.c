/* SPDX-License-Identifier: Apache-2.0 */
#include "spool.h"

#include <errno.h>
#include <sodium.h>
#include <stdlib.h>
#include <string.h>

#define MS 1000000ull /* nanoseconds */

void medsec__spool_poke(medsec__spool *s)
{
    uv_mutex_lock(&s->lock);
    s->poked = true;
    uv_cond_signal(&s->changed);
    uv_mutex_unlock(&s->lock);
}

void medsec__spool_report(medsec__spool *s, uint64_t token, medsec_status status)
{
    if (s->listener->durable && token != 0) {
        s->listener->durable(s->listener->context, token, status);
    }
}

static void on_durable(void *context, uint64_t token, medsec_status status)
{
    medsec__spool *s = context;
    if (token & MEDSEC__SPOOL_OWN) {
        medsec__spool_confirm(s, token, status);
    } else {
        medsec__spool_report(s, token, status);
    }
}

static void on_relieved(void *context)
{
    medsec__spool *s = context;
    if (!atomic_load(&s->direct)) {
        medsec__spool_poke(s);
    } else if (atomic_exchange(&s->told_pressed, false) && s->listener->relieved) {
        s->listener->relieved(s->listener->context);
    }
}

static void on_linked(void *context, bool up)
{
    medsec__spool *s = context;
    atomic_store(&s->linked, up);
    if (!up) {
        atomic_store(&s->direct, false);
    }
    medsec__spool_poke(s);
    if (s->listener->linked) {
        s->listener->linked(s->listener->context, up);
    }
}

static void on_received(void *context, const char *topic, size_t topic_len, const uint8_t *payload,
                        size_t payload_len)
{
    const medsec_publisher_listener *l = ((medsec__spool *)context)->listener;
    if (l->received) {
        l->received(l->context, topic, topic_len, payload, payload_len);
    }
}

static medsec_status spool_start(medsec_publisher *publisher,
                                 const medsec_publisher_listener *listener)
{
    medsec__spool *s = (medsec__spool *)publisher;
    if (!listener) {
        return MEDSEC_ERR_ARGUMENT;
    }
    if (s->listener) {
        return MEDSEC_ERR_STATE;
    }
    s->listener = listener;
    medsec_status status = s->behind->ops->start(s->behind, &s->own);
    if (status != MEDSEC_OK) {
        return status;
    }
    s->started = uv_thread_create(&s->thread, medsec__spool_run, s) == 0;
    if (!s->started) {
        (void)s->behind->ops->stop(s->behind, 0);
    }
    return s->started ? MEDSEC_OK : MEDSEC_ERR_MEMORY;
}

/* True: the one behind was asked, and said *status. */
static bool publish_through(medsec__spool *s, const medsec_message *message, medsec_status *status)
{
    medsec__spool_stripe *stripe = &s->stripes[message->lane % MEDSEC__SPOOL_STRIPES];
    atomic_fetch_add(&stripe->inside, 1);
    const bool direct = atomic_load(&s->direct);
    if (direct) {
        *status = s->behind->ops->publish(s->behind, message);
    }
    const bool busy = direct && *status == MEDSEC_ERR_BUSY;
    if (busy) {
        atomic_store(&s->direct, false); /* what it has no room for has room on disk */
    }
    atomic_fetch_sub(&stripe->inside, 1);
    if (busy) {
        medsec__spool_poke(s);
    }
    return direct && !busy;
}

/* False: it is direct again. */
static bool publish_ring(medsec__spool *s, const medsec_message *message, medsec_status *status)
{
    bool wake = false;
    uv_mutex_lock(&s->lock);
    const bool direct = atomic_load(&s->direct);
    if (!direct) {
        *status = s->stopping ? MEDSEC_ERR_STATE : medsec__queue_push(&s->ring, message);
        atomic_store(&s->ring_used, s->ring.used);
        wake = s->waiting;
        s->waiting = false;
    }
    uv_mutex_unlock(&s->lock);
    if (wake) {
        uv_cond_signal(&s->changed);
    }
    return !direct;
}

static medsec_status spool_publish(medsec_publisher *publisher, const medsec_message *message)
{
    medsec__spool *s = (medsec__spool *)publisher;
    if (medsec__spool_record_size(message) == 0) {
        return MEDSEC_ERR_LIMIT;
    }
    if (message->token & MEDSEC__SPOOL_OWN) {
        return MEDSEC_ERR_ARGUMENT;
    }
    medsec_status status = MEDSEC_OK;
    while (!publish_through(s, message, &status) && !publish_ring(s, message, &status)) {
    }
    if (status == MEDSEC_ERR_BUSY) {
        atomic_fetch_add(&s->busy, 1);
    }
    return status;
}

static medsec_status spool_subscribe(medsec_publisher *publisher, const char *filter)
{
    medsec_publisher *behind = ((medsec__spool *)publisher)->behind;
    return behind->ops->subscribe ? behind->ops->subscribe(behind, filter) : MEDSEC_OK;
}

bool medsec__spool_is_pressed(medsec__spool *s, bool droppable)
{
    if (atomic_load(&s->direct)) {
        return !droppable && s->behind->ops->pressed(s->behind, false);
    }
    return atomic_load(&s->ring_used) >= s->high_water || (!droppable && atomic_load(&s->full));
}

/* Asked again once it is noted that somebody waits: relief in between would be missed. */
static bool spool_pressed(medsec_publisher *publisher, bool droppable)
{
    medsec__spool *s = (medsec__spool *)publisher;
    if (!medsec__spool_is_pressed(s, droppable)) {
        return false;
    }
    atomic_store(&s->told_pressed, true);
    return medsec__spool_is_pressed(s, droppable);
}

static void spool_stats(medsec_publisher *publisher, medsec_publisher_stats *stats)
{
    medsec__spool *s = (medsec__spool *)publisher;
    s->behind->ops->stats(s->behind, stats);
    uv_mutex_lock(&s->lock);
    const medsec_publisher_stats own = s->shown;
    stats->queued += own.queued + s->ring.count;
    stats->queued_bytes += s->ring.used;
    uv_mutex_unlock(&s->lock);
    stats->busy += atomic_load(&s->busy);
    stats->lost += own.lost;
    stats->spooling = !atomic_load(&s->direct);
    stats->spool_full = own.spool_full;
    stats->spool_failed = own.spool_failed;
    stats->spool_messages = own.spool_messages;
    stats->spool_bytes = own.spool_bytes;
    stats->spool_age_ms = own.spool_age_ms;
    stats->spool_stored = own.spool_stored;
    stats->spool_delivered = own.spool_delivered;
    stats->spool_dropped = own.spool_dropped;
    stats->spool_expired = own.spool_expired;
    stats->spool_syncs = own.spool_syncs;
}

static medsec_status spool_attach(medsec_publisher *publisher, struct uv_loop_s *loop,
                                  uint32_t index, uint32_t count)
{
    medsec_publisher *behind = ((medsec__spool *)publisher)->behind;
    return behind->ops->attach ? behind->ops->attach(behind, loop, index, count) : MEDSEC_OK;
}

static void spool_detach(medsec_publisher *publisher, uint32_t index, uint32_t count)
{
    medsec_publisher *behind = ((medsec__spool *)publisher)->behind;
    if (behind->ops->detach) {
        behind->ops->detach(behind, index, count);
    }
}

static bool spool_hurried(medsec_publisher *publisher, uint32_t index, uint32_t count)
{
    medsec_publisher *behind = ((medsec__spool *)publisher)->behind;
    return behind->ops->hurried && behind->ops->hurried(behind, index, count);
}

/* What the broker does not get in time is for the next run: only a disk that fails loses it. */
static medsec_status spool_stop(medsec_publisher *publisher, uint32_t timeout_ms)
{
    medsec__spool *s = (medsec__spool *)publisher;
    if (!s->started) {
        return MEDSEC_ERR_STATE;
    }
    uv_mutex_lock(&s->lock);
    s->stopping = true;
    s->deadline_ns = uv_hrtime() + timeout_ms * MS;
    s->poked = true;
    uv_cond_signal(&s->changed);
    uv_mutex_unlock(&s->lock);
    uv_thread_join(&s->thread);
    s->started = false;
    const uint64_t now = uv_hrtime();
    (void)s->behind->ops->stop(s->behind,
                               now < s->deadline_ns ? (uint32_t)((s->deadline_ns - now) / MS) : 0);
    const uint64_t before = s->lost;
    medsec__spool_finish(s);
    if (s->lost == before) {
        return MEDSEC_OK;
    }
    medsec_log_write(s->log, MEDSEC_LOG_ERROR, "messages-lost",
                     MEDSEC_LOG_INT("messages", s->lost - before));
    return MEDSEC_ERR_TIMEOUT;
}

static void spool_destroy(medsec_publisher *publisher)
{
    medsec__spool *s = (medsec__spool *)publisher;
    if (s->started) {
        (void)spool_stop(publisher, 0);
    }
    if (s->behind) {
        s->behind->ops->destroy(s->behind);
    }
    medsec__spool_disk_close(&s->disk);
    medsec__queue_close(&s->ring);
    for (size_t i = 0; i < MEDSEC__SPOOL_KINDS; i++) {
        free(s->tokens[i]);
    }
    free(s->slots);
    uv_cond_destroy(&s->changed);
    uv_mutex_destroy(&s->lock);
    free(s);
}

static const medsec_publisher_ops spool_ops = {.start = spool_start,
                                               .publish = spool_publish,
                                               .subscribe = spool_subscribe,
                                               .pressed = spool_pressed,
                                               .stats = spool_stats,
                                               .attach = spool_attach,
                                               .detach = spool_detach,
                                               .hurried = spool_hurried,
                                               .stop = spool_stop,
                                               .destroy = spool_destroy};

static bool allocate(medsec__spool *s, const medsec_spool_options *o)
{
    s->high_water = o->queue_bytes ? o->queue_bytes : MEDSEC_SPOOL_QUEUE_BYTES;
    s->slots = calloc(MEDSEC__SPOOL_WINDOW, sizeof *s->slots);
    bool good = s->slots != NULL;
    for (size_t i = 0; i < MEDSEC__SPOOL_KINDS; i++) {
        s->tokens[i] = calloc(MEDSEC__SPOOL_GROUP_MAX, sizeof *s->tokens[i]);
        good = good && s->tokens[i];
    }
    return good &&
           medsec__queue_open(&s->ring, s->high_water + MEDSEC_MQTT_QUEUE_SLACK) == MEDSEC_OK;
}

static void fill_in(medsec__spool *s, medsec_publisher *behind, const medsec_spool_options *o)
{
    s->base.ops = &spool_ops;
    s->behind = behind;
    s->own = (medsec_publisher_listener){.context = s,
                                         .durable = on_durable,
                                         .relieved = on_relieved,
                                         .linked = on_linked,
                                         .received = on_received};
    s->log = o->log;
    s->returned_end = &s->returned;
}

static void log_found(const medsec__spool *s)
{
    if (s->disk.messages > 0) {
        medsec_log_write(s->log, MEDSEC_LOG_INFO, "spool-found",
                         MEDSEC_LOG_INT("messages", s->disk.messages));
    }
}

static medsec_status create(medsec_publisher **publisher, medsec_publisher *behind,
                            const medsec_spool_options *options)
{
    medsec__spool *s = aligned_alloc(MEDSEC__SPOOL_CACHE_LINE, sizeof *s);
    if (!s) {
        behind->ops->destroy(behind);
        return MEDSEC_ERR_MEMORY;
    }
    memset(s, 0, sizeof *s);
    fill_in(s, behind, options);
    if (uv_mutex_init(&s->lock) != 0 || uv_cond_init(&s->changed) != 0) {
        behind->ops->destroy(behind);
        free(s);
        return MEDSEC_ERR_MEMORY;
    }
    medsec_status status = medsec__spool_disk_open(&s->disk, options);
    if (status == MEDSEC_OK && !allocate(s, options)) {
        status = MEDSEC_ERR_MEMORY;
    }
    if (status != MEDSEC_OK) {
        const int saved = errno;
        spool_destroy(&s->base);
        errno = saved;
        return status;
    }
    s->next = s->disk.highest + 1;
    s->handed = s->disk.marked;
    log_found(s);
    *publisher = &s->base;
    return MEDSEC_OK;
}

medsec_status medsec_publisher_spool_create(medsec_publisher **publisher, medsec_publisher *behind,
                                            const medsec_spool_options *options)
{
    if (!behind) {
        return MEDSEC_ERR_ARGUMENT;
    }
    if (!publisher || !options || !options->folder || !options->key || !behind->ops->reclaim) {
        behind->ops->destroy(behind);
        return MEDSEC_ERR_ARGUMENT;
    }
    return create(publisher, behind, options);
}
