/* SPDX-License-Identifier: Apache-2.0 */
#include "spool.h"

#include <sched.h>

#define MS 1000000ull /* nanoseconds */
#define ROUND 256u /* messages passed on; then the disk is looked after */
/* A broker that takes nothing for so long is away, whatever its connection says. */
#define SLOW_NS (2000u * MS)
#define EXPIRE_NS (1000u * MS)
#define LINGER_MS 2u /* the first message after silence waits for company: a sync is dear */

/* How long to sleep when nothing can be done. */
#define WAIT_DIRECT_MS 500u
#define WAIT_CONFIRM_MS 50u /* direct, with deliveries not confirmed */
#define WAIT_LINKED_MS 5u
#define WAIT_AWAY_MS 100u

/* From now on there is something behind that is not on disk. Numbers that were reserved before and
 * not used are good as long as none above them was. */
static void let_through(medsec__spool *s)
{
    const bool reserved =
        s->next == s->reserved_end && s->reserved_end - s->reserved >= MEDSEC__SPOOL_RESERVE / 2;
    if (!s->went_through && !reserved) {
        s->reserved = s->next;
        s->next += MEDSEC__SPOOL_RESERVE;
        s->reserved_end = s->next;
    }
    s->went_through = true;
}

/* Nobody is inside the publisher behind who saw `direct` before it turned false. */
static void wait_until_outside(medsec__spool *s)
{
    for (unsigned i = 0; i < MEDSEC__SPOOL_STRIPES; i++) {
        while (atomic_load(&s->stripes[i].inside) > 0) {
            sched_yield();
        }
    }
}

static void log_begin(const medsec__spool *s)
{
    medsec_log_write(
        s->log, MEDSEC_LOG_WARN, "spool-begin",
        MEDSEC_LOG_STR("reason", atomic_load(&s->linked) ? "broker-slow" : "broker-away"));
}

static void log_end(medsec__spool *s)
{
    if (s->stored == s->stored_before && s->delivered == s->delivered_before) {
        return;
    }
    s->stored_before = s->stored;
    s->delivered_before = s->delivered;
    medsec_log_write(s->log, MEDSEC_LOG_INFO, "spool-end", MEDSEC_LOG_INT("stored", s->stored),
                     MEDSEC_LOG_INT("delivered", s->delivered),
                     MEDSEC_LOG_INT("dropped", s->disk.dropped),
                     MEDSEC_LOG_INT("expired", s->disk.expired));
}

static void look_behind(medsec__spool *s)
{
    medsec_publisher_stats stats;
    s->behind->ops->stats(s->behind, &stats);
    s->behind_queued = stats.queued;
    if (stats.queued == 0) {
        s->went_through = false;
    }
    if (!s->behind->ops->pressed(s->behind, false) || stats.published != s->behind_published) {
        s->slow_since_ns = uv_hrtime();
    }
    s->behind_published = stats.published;
}

/* While direct: a broker that hangs, without its connection being lost. */
static void watch(medsec__spool *s)
{
    const bool through = s->went_through;
    look_behind(s);
    s->went_through = through;
    if (uv_hrtime() - s->slow_since_ns > SLOW_NS) {
        atomic_store(&s->direct, false);
    }
}

/* Direct again, unless a message or a loss of the link came in between. */
static bool go_direct(medsec__spool *s)
{
    uv_mutex_lock(&s->lock);
    bool empty = s->ring.count == 0 && !s->returned;
    if (empty) {
        atomic_store(&s->direct, true);
    }
    uv_mutex_unlock(&s->lock);
    if (!atomic_load(&s->linked) || atomic_load(&s->resend)) {
        atomic_store(&s->direct, false);
    }
    const bool direct = atomic_load(&s->direct);
    if (!direct) { /* somebody may have seen it all the same: who is behind is looked at next */
        wait_until_outside(s);
    }
    return direct;
}

/* With nothing left on disk, what is in memory need not go there. True: there was some. */
static bool pass_on(medsec__spool *s)
{
    if (!atomic_load(&s->linked) || !medsec__spool_all_handed(s)) {
        return false;
    }
    let_through(s);
    medsec_message m;
    for (unsigned count = 0; count < ROUND; count++) {
        if (s->behind->ops->pressed(s->behind, false)) {
            return count > 0;
        }
        if (!medsec__spool_first(s, &m)) {
            break;
        }
        medsec_status status = s->behind->ops->publish(s->behind, &m);
        if (status == MEDSEC_ERR_BUSY || status == MEDSEC_ERR_MEMORY ||
            status == MEDSEC_ERR_STATE) {
            return count > 0;
        }
        medsec__spool_drop_first(s);
        if (status != MEDSEC_OK) {
            medsec__spool_report(s, m.token, status);
        }
    }
    if (go_direct(s)) {
        s->was_direct = true;
        s->crowded = false;
        s->retry_ns = 0;
        s->slow_since_ns = uv_hrtime();
        log_end(s);
    }
    return true;
}

static void leave_direct(medsec__spool *s)
{
    s->was_direct = false;
    wait_until_outside(s);
    log_begin(s);
}

/* One turn. True: something was done, so there may be more. */
static bool turn(medsec__spool *s)
{
    if (s->was_direct && atomic_load(&s->direct)) {
        watch(s);
        return !atomic_load(&s->direct);
    }
    if (s->was_direct) {
        leave_direct(s);
    }
    if (!atomic_load(&s->linked)) {
        medsec__spool_take_back(s);
    }
    look_behind(s);
    bool busy = medsec__spool_deliver(s);
    if (pass_on(s)) {
        return !s->was_direct;
    }
    return medsec__spool_store(s, false) || busy;
}

static void expire(medsec__spool *s)
{
    const uint64_t now = uv_hrtime();
    if (now - s->expired_ns >= EXPIRE_NS) {
        s->expired_ns = now;
        medsec__spool_disk_expire(&s->disk);
    }
}

static void show(medsec__spool *s)
{
    const medsec__spool_disk *disk = &s->disk;
    const bool full = s->crowded || medsec__spool_disk_full(disk);
    atomic_store(&s->full, full);
    uint64_t in_memory = 0;
    for (const medsec__spool_returned *r = s->returned; r; r = r->next) {
        in_memory++;
    }
    uv_mutex_lock(&s->lock);
    s->shown = (medsec_publisher_stats){.queued = in_memory,
                                        .lost = s->lost + disk->damaged,
                                        .spool_full = full,
                                        .spool_failed = s->retry_ns != 0,
                                        .spool_messages = disk->messages,
                                        .spool_bytes = disk->streams[MEDSEC__SPOOL_KEPT].bytes +
                                                       disk->streams[MEDSEC__SPOOL_DROPPABLE].bytes,
                                        .spool_age_ms = medsec__spool_disk_age_ms(disk),
                                        .spool_stored = s->stored,
                                        .spool_delivered = s->delivered,
                                        .spool_dropped = disk->dropped,
                                        .spool_expired = disk->expired,
                                        .spool_syncs = disk->syncs};
    uv_mutex_unlock(&s->lock);
}

static void relieve(medsec__spool *s)
{
    if (atomic_load(&s->told_pressed) && !medsec__spool_is_pressed(s, false)) {
        atomic_store(&s->told_pressed, false);
        if (s->listener->relieved) {
            s->listener->relieved(s->listener->context);
        }
    }
}

static uint64_t wait_ms(const medsec__spool *s)
{
    if (s->was_direct) {
        return atomic_load(&s->head) < atomic_load(&s->tail) ? WAIT_CONFIRM_MS : WAIT_DIRECT_MS;
    }
    return atomic_load(&s->linked) ? WAIT_LINKED_MS : WAIT_AWAY_MS;
}

/* Sleeps until something is to be done; a message in the ring is, unless it must wait. */
static void rest(medsec__spool *s)
{
    const bool blocked = s->retry_ns != 0 || s->crowded || s->was_direct;
    bool came = false;
    uv_mutex_lock(&s->lock);
    if (!s->poked && (blocked || s->ring.count == 0)) {
        s->waiting = !blocked;
        (void)uv_cond_timedwait(&s->changed, &s->lock, wait_ms(s) * MS);
        came = !s->waiting && !blocked && !s->stopping;
        s->waiting = false;
    }
    s->poked = false;
    uv_mutex_unlock(&s->lock);
    if (came) {
        uv_sleep(LINGER_MS);
    }
}

static bool is_over(medsec__spool *s)
{
    uv_mutex_lock(&s->lock);
    const bool over =
        s->stopping && ((s->ring.count == 0 && !s->returned) || uv_hrtime() >= s->deadline_ns);
    uv_mutex_unlock(&s->lock);
    return over;
}

void medsec__spool_run(void *context)
{
    medsec__spool *s = context;
    while (!is_over(s)) {
        const bool more = turn(s);
        medsec__spool_retire(s, atomic_load(&s->direct));
        expire(s);
        show(s);
        relieve(s);
        if (!more) {
            rest(s);
        }
    }
}

void medsec__spool_finish(medsec__spool *s)
{
    atomic_store(&s->direct, false);
    wait_until_outside(s);
    medsec__spool_retire(s, false);
    medsec__spool_take_back(s);
    s->retry_ns = 0;
    while (medsec__spool_store(s, true)) {
    }
    medsec_message m;
    while (medsec__spool_first(s, &m)) {
        medsec__spool_drop_first(s);
        s->lost++;
    }
    medsec__spool_retire(s, true);
    show(s);
}
