/* SPDX-License-Identifier: Apache-2.0 */
#include "spool.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define RETRY_NS 1000000000u /* a disk that failed */

static bool keep(medsec__spool *s, const medsec_message *m)
{
    medsec__spool_returned *r = malloc(sizeof *r + m->topic_len + m->payload_len);
    if (!r) {
        return false;
    }
    *r = (medsec__spool_returned){.message = *m};
    memcpy(r->text, m->topic, m->topic_len);
    if (m->payload_len > 0) {
        memcpy(r->text + m->topic_len, m->payload, m->payload_len);
    }
    r->message.topic = r->text;
    r->message.payload = r->text + m->topic_len;
    *s->returned_end = r;
    s->returned_end = &r->next;
    return true;
}

/* What came from the disk is there still. */
static bool take(void *context, const medsec_message *message)
{
    medsec__spool *s = context;
    if (message->token & MEDSEC__SPOOL_OWN) {
        medsec__spool_unsend(s, message->token);
        return true;
    }
    return keep(s, message);
}

void medsec__spool_take_back(medsec__spool *s)
{
    s->behind->ops->reclaim(s->behind, take, s);
}

bool medsec__spool_first(medsec__spool *s, medsec_message *message)
{
    if (s->returned) {
        *message = s->returned->message;
        return true;
    }
    uv_mutex_lock(&s->lock);
    medsec__queue_rewind(&s->ring);
    bool any = medsec__queue_next(&s->ring, message);
    uv_mutex_unlock(&s->lock);
    return any;
}

static void drop_returned(medsec__spool *s)
{
    medsec__spool_returned *r = s->returned;
    s->returned = r->next;
    if (!s->returned) {
        s->returned_end = &s->returned;
    }
    free(r);
}

/* Gives up the oldest in the ring; the others are all to be handed out. */
static void release(medsec__spool *s, size_t count)
{
    uv_mutex_lock(&s->lock);
    while (count > 0 && medsec__queue_release(&s->ring)) {
        count--;
    }
    medsec__queue_rewind(&s->ring);
    atomic_store(&s->ring_used, s->ring.used);
    uv_mutex_unlock(&s->lock);
}

void medsec__spool_drop_first(medsec__spool *s)
{
    if (s->returned) {
        drop_returned(s);
    } else {
        release(s, 1);
    }
}

/* False: the group is full. */
static bool add(medsec__spool *s, uint64_t *sequence, const medsec_message *m)
{
    if (!medsec__spool_disk_add(&s->disk, *sequence, m)) {
        return false;
    }
    (*sequence)++;
    if (m->token != 0) {
        const medsec__spool_kind kind = m->droppable ? MEDSEC__SPOOL_DROPPABLE : MEDSEC__SPOOL_KEPT;
        s->tokens[kind][s->token_count[kind]++] = m->token;
    }
    return true;
}

static size_t gather_returned(medsec__spool *s)
{
    size_t count = 0;
    for (const medsec__spool_returned *r = s->returned; r && add(s, &s->reserved, &r->message);
         r = r->next) {
        count++;
    }
    return count;
}

/* The messages stay in the ring until they are safe. */
static size_t gather_ring(medsec__spool *s)
{
    medsec_message m;
    size_t count = 0;
    bool more = true;
    while (more) {
        uv_mutex_lock(&s->lock);
        more = medsec__queue_next(&s->ring, &m);
        uv_mutex_unlock(&s->lock);
        more = more && add(s, &s->next, &m);
        count += more;
    }
    return count;
}

static void report(medsec__spool *s, medsec__spool_kind kind, medsec_status status)
{
    for (uint32_t i = 0; i < s->token_count[kind]; i++) {
        medsec__spool_report(s, s->tokens[kind][i], status);
    }
}

static void stored(medsec__spool *s, bool returned, size_t count, bool dropped)
{
    if (returned) {
        for (size_t i = 0; i < count; i++) {
            drop_returned(s);
        }
    } else {
        release(s, count);
    }
    s->stored += count;
    s->crowded = false;
    s->retry_ns = 0;
    report(s, MEDSEC__SPOOL_KEPT, MEDSEC_OK);
    report(s, MEDSEC__SPOOL_DROPPABLE, dropped ? MEDSEC_ERR_BUSY : MEDSEC_OK);
}

static void failed(medsec__spool *s, medsec_status status)
{
    s->crowded = status == MEDSEC_ERR_BUSY;
    if (!s->crowded) {
        medsec_log_write(s->log, MEDSEC_LOG_ERROR, "spool-failed",
                         MEDSEC_LOG_STR("reason", strerror(errno)),
                         MEDSEC_LOG_STR("hint", "devices wait until the disk takes messages again, "
                                                "or the broker does"));
        s->retry_ns = uv_hrtime() + RETRY_NS;
    }
}

bool medsec__spool_store(medsec__spool *s, bool force)
{
    if (s->retry_ns > uv_hrtime()) {
        return false;
    }
    const bool returned = s->returned != NULL;
    const uint64_t reserved = s->reserved;
    medsec__spool_disk_begin(&s->disk);
    memset(s->token_count, 0, sizeof s->token_count);
    release(s, 0);
    const size_t count = returned ? gather_returned(s) : gather_ring(s);
    if (count == 0) {
        s->crowded = false;
        return false;
    }
    bool dropped;
    medsec_status status = medsec__spool_disk_commit(&s->disk, force || returned, &dropped);
    if (status == MEDSEC_OK) {
        stored(s, returned, count, dropped);
        return true;
    }
    if (returned) { /* of the numbers only the one that names a file is used up */
        s->reserved = reserved + 1;
    }
    failed(s, status);
    return false;
}
