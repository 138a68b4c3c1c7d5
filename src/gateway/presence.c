/* SPDX-License-Identifier: Apache-2.0 */
#include "announce.h"
#include "command.h"
#include "identify.h"
#include "internal.h"

#include <stdlib.h>
#include <string.h>

#define BUCKETS 8192u /* by the connection's lane, a hash of the device's id */

LIST_HEAD(sessions, medsec__connection);

typedef struct device {
    struct device *next;
    struct sessions sessions; /* newest first */
    uint32_t live;
    uint64_t commands_full_ns; /* when its bucket of commands will be full */
    char id[MEDSEC_DEVICE_ID_MAX + 1];
} device;

struct medsec__presence {
    /* Held while a status is published too: the last one is the true one. And while a session gets
     * mail: whoever is still linked here is there to read it. */
    uv_mutex_t lock;
    device *buckets[BUCKETS];
};

medsec_status medsec__presence_create(medsec__presence **presence)
{
    medsec__presence *p = calloc(1, sizeof *p);
    if (!p || uv_mutex_init(&p->lock) != 0) {
        free(p);
        return MEDSEC_ERR_MEMORY;
    }
    *presence = p;
    return MEDSEC_OK;
}

void medsec__presence_destroy(medsec__presence *p)
{
    if (!p) {
        return;
    }
    for (unsigned i = 0; i < BUCKETS; i++) {
        device *next;
        for (device *d = p->buckets[i]; d; d = next) {
            next = d->next;
            free(d);
        }
    }
    uv_mutex_destroy(&p->lock);
    free(p);
}

/* Where the device is linked, or would be. */
static device **find(medsec__presence *p, uint32_t lane, const char *id)
{
    device **link = &p->buckets[lane % BUCKETS];
    while (*link && strcmp((*link)->id, id) != 0) {
        link = &(*link)->next;
    }
    return link;
}

static device *find_or_add(medsec__presence *p, const medsec__connection *c)
{
    device **link = find(p, c->lane, c->id);
    if (!*link) {
        *link = calloc(1, sizeof **link);
        if (*link) {
            memcpy((*link)->id, c->id, sizeof c->id);
        }
    }
    return *link;
}

/* Out of memory one stays, and is ended by its idle time. */
static void supersede_all(device *d)
{
    medsec__connection *older;
    LIST_FOREACH(older, &d->sessions, session_link)
    {
        if (!older->superseded) {
            older->superseded = medsec__mailbox_supersede(older);
        }
    }
}

static void enter(device *d, medsec__connection *c)
{
    if (d->live++ == 0) {
        medsec__announce_profile(c);
    } else {
        medsec_log_write(c->loop->gateway->options.log, MEDSEC_LOG_WARN, "second-session",
                         MEDSEC_LOG_STR("device", d->id), MEDSEC_LOG_INT("sessions", d->live));
    }
    if (medsec__is_v1(c)) {
        supersede_all(d);
    }
    LIST_INSERT_HEAD(&d->sessions, c, session_link);
    medsec__announce_status(c, d->live, "connected");
}

bool medsec__presence_enter(medsec__presence *p, medsec__connection *c)
{
    uv_mutex_lock(&p->lock);
    device *d = find_or_add(p, c);
    if (d) {
        enter(d, c);
    }
    uv_mutex_unlock(&p->lock);
    return d != NULL;
}

void medsec__presence_leave(medsec__presence *p, medsec__connection *c, const char *why)
{
    uv_mutex_lock(&p->lock);
    device **link = find(p, c->lane, c->id), *d = *link;
    if (d) {
        LIST_REMOVE(c, session_link);
        medsec__announce_status(c, --d->live, why);
        if (d->live == 0) {
            *link = d->next;
            free(d);
        }
    }
    uv_mutex_unlock(&p->lock);
}

void medsec__presence_announce(medsec__presence *p, medsec__connection *c)
{
    uv_mutex_lock(&p->lock);
    const device *d = *find(p, c->lane, c->id);
    if (d && LIST_FIRST(&d->sessions) == c) {
        medsec__announce_profile(c);
        medsec__announce_status(c, d->live, "broker-back");
    }
    uv_mutex_unlock(&p->lock);
}

/* Commands share the way to the broker with readings: each is answered there. */
static bool allows_command(device *d)
{
    const uint64_t token_ns = 1000000000u / MEDSEC__COMMANDS_PER_S;
    return medsec__bucket_take(&d->commands_full_ns, uv_hrtime(), token_ns,
                               MEDSEC__COMMANDS_BURST * token_ns);
}

medsec_status medsec__presence_command(medsec__presence *p, const char *id, const uint8_t *payload,
                                       size_t len)
{
    medsec_status status = MEDSEC_ERR_NOT_FOUND;
    uv_mutex_lock(&p->lock);
    device *d = *find(p, medsec__identify_lane(id), id);
    if (d && !allows_command(d)) {
        status = MEDSEC_ERR_FLOOD;
    } else if (d) {
        medsec__connection *newest = LIST_FIRST(&d->sessions);
        status = medsec__mailbox_command(newest, payload, len) ? MEDSEC_OK : MEDSEC_ERR_BUSY;
    }
    uv_mutex_unlock(&p->lock);
    return status;
}
