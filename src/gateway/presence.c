/* SPDX-License-Identifier: Apache-2.0 */
#include "internal.h"

#include <stdlib.h>
#include <string.h>

#define BUCKETS 8192u /* by the connection's lane, a hash of the device's id */

typedef struct device {
    struct device *next;
    uint32_t live;
    char id[MEDSEC_DEVICE_ID_MAX + 1];
} device;

struct medsec__presence {
    uv_mutex_t lock; /* held while a status is published too: the last one is the true one */
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
static device **find(medsec__presence *p, const medsec__connection *c)
{
    device **link = &p->buckets[c->lane % BUCKETS];
    while (*link && strcmp((*link)->id, c->id) != 0) {
        link = &(*link)->next;
    }
    return link;
}

static device *find_or_add(medsec__presence *p, const medsec__connection *c)
{
    device **link = find(p, c);
    if (!*link) {
        *link = calloc(1, sizeof **link);
        if (*link) {
            memcpy((*link)->id, c->id, sizeof c->id);
        }
    }
    return *link;
}

static void enter(device *d, medsec__connection *c)
{
    if (d->live++ == 0) {
        medsec__emit_profile(c);
    } else {
        medsec_log_write(c->loop->gateway->options.log, MEDSEC_LOG_WARN, "second-session",
                         MEDSEC_LOG_STR("device", d->id), MEDSEC_LOG_INT("sessions", d->live));
    }
    medsec__emit_status(c, d->live, "connected");
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
    device **link = find(p, c), *d = *link;
    if (d) {
        medsec__emit_status(c, --d->live, why);
        if (d->live == 0) {
            *link = d->next;
            free(d);
        }
    }
    uv_mutex_unlock(&p->lock);
}
