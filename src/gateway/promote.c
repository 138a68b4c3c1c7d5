/* SPDX-License-Identifier: Apache-2.0 */
#include "internal.h"

#include <stdlib.h>
#include <string.h>

/* False: too many wait. */
static bool put(medsec_gateway *gateway, medsec__promotion *p)
{
    uv_mutex_lock(&gateway->watch_lock);
    bool room = gateway->promotions_waiting < MEDSEC__PROMOTIONS_WAITING;
    if (room) {
        gateway->promotions_waiting++;
        STAILQ_INSERT_TAIL(&gateway->promotions, p, link);
        uv_cond_signal(&gateway->watch_changed);
    }
    uv_mutex_unlock(&gateway->watch_lock);
    return room;
}

/* Left out for want of memory, the device's next connection asks again. */
void medsec__promote_ask(const medsec__connection *c)
{
    medsec__promotion *p = calloc(1, sizeof *p);
    if (!p) {
        return;
    }
    p->generation = c->generation[0];
    memcpy(p->id, c->id, sizeof p->id);
    if (!put(c->loop->gateway, p)) {
        free(p);
    }
}

static medsec__promotion *take(medsec_gateway *gateway)
{
    uv_mutex_lock(&gateway->watch_lock);
    medsec__promotion *p = STAILQ_FIRST(&gateway->promotions);
    if (p) {
        STAILQ_REMOVE_HEAD(&gateway->promotions, link);
        gateway->promotions_waiting--;
    }
    uv_mutex_unlock(&gateway->watch_lock);
    return p;
}

/* The session may last a day, and the old secrets would be good for as long. */
static void put_back(medsec_gateway *gateway, medsec__promotion *p)
{
    uv_mutex_lock(&gateway->watch_lock);
    gateway->promotions_waiting++;
    gateway->promotions_pause = true;
    STAILQ_INSERT_HEAD(&gateway->promotions, p, link);
    uv_mutex_unlock(&gateway->watch_lock);
}

static void log_pending(const medsec_gateway *gateway, medsec__promotion *p, medsec_status status)
{
    if (!p->is_logged) {
        medsec_log_write(gateway->options.log, MEDSEC_LOG_WARN, "rotation-stays-pending",
                         MEDSEC_LOG_STR("device", p->id),
                         MEDSEC_LOG_INT("generation", p->generation),
                         MEDSEC_LOG_STR("reason", medsec_status_word(status)));
    }
    p->is_logged = true;
}

static medsec_status promote(medsec_gateway *gateway, medsec__promotion *p)
{
    const medsec_gateway_options *o = &gateway->options;
    medsec_status status = medsec_registry_promote(o->registry, p->id, p->generation);
    if (status == MEDSEC_OK) {
        medsec__count(&gateway->promoted, 1);
        medsec_log_write(o->log, MEDSEC_LOG_INFO, "rotation-completed",
                         MEDSEC_LOG_STR("device", p->id),
                         MEDSEC_LOG_INT("generation", p->generation));
    } else {
        /* ERR_STATE of a registry open for writing: another gateway was faster, or a newer
         * rotation. */
        log_pending(gateway, p, status);
    }
    return status;
}

/* Somebody else writes, or the disk is full. */
static bool may_work_later(medsec_status status)
{
    return status == MEDSEC_ERR_BUSY || status == MEDSEC_ERR_IO || status == MEDSEC_ERR_MEMORY;
}

/* Each is a change of its own, written to disk: no more at a time than lets a revocation be seen
 * within its second. */
bool medsec__promote_run(medsec_gateway *gateway)
{
    bool changed = false;
    for (unsigned i = 0; i < MEDSEC__PROMOTIONS_AT_ONCE; i++) {
        medsec__promotion *p = take(gateway);
        if (!p) {
            break;
        }
        medsec_status status = promote(gateway, p);
        if (may_work_later(status)) {
            put_back(gateway, p);
            break;
        }
        changed = changed || status == MEDSEC_OK;
        free(p);
    }
    return changed;
}

void medsec__promote_abandon(medsec_gateway *gateway)
{
    medsec__promotion *p;
    while ((p = STAILQ_FIRST(&gateway->promotions))) {
        STAILQ_REMOVE_HEAD(&gateway->promotions, link);
        free(p);
    }
}
