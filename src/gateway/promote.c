/* SPDX-License-Identifier: Apache-2.0 */
#include "internal.h"

#include <stdlib.h>
#include <string.h>

void medsec__promote_ask(const medsec__connection *c)
{
    medsec_gateway *gateway = c->loop->gateway;
    medsec__promotion *p = calloc(1, sizeof *p);
    if (!p) {
        return; /* the device's next connection asks again */
    }
    p->generation = c->generation[0];
    memcpy(p->id, c->id, sizeof p->id);
    uv_mutex_lock(&gateway->watch_lock);
    STAILQ_INSERT_TAIL(&gateway->promotions, p, link);
    uv_cond_signal(&gateway->watch_changed);
    uv_mutex_unlock(&gateway->watch_lock);
}

static medsec__promotion *take(medsec_gateway *gateway)
{
    uv_mutex_lock(&gateway->watch_lock);
    medsec__promotion *p = STAILQ_FIRST(&gateway->promotions);
    if (p) {
        STAILQ_REMOVE_HEAD(&gateway->promotions, link);
    }
    uv_mutex_unlock(&gateway->watch_lock);
    return p;
}

static bool promote(medsec_gateway *gateway, const medsec__promotion *p)
{
    const medsec_gateway_options *o = &gateway->options;
    medsec_status status = medsec_registry_promote(o->registry, p->id, p->generation);
    if (status == MEDSEC_OK) {
        medsec__count(&gateway->promoted, 1);
        medsec_log_write(o->log, MEDSEC_LOG_INFO, "rotation-completed",
                         MEDSEC_LOG_STR("device", p->id),
                         MEDSEC_LOG_INT("generation", p->generation));
        return true;
    }
    /* ERR_STATE of a registry open for writing: another gateway was faster, or a newer rotation. */
    medsec_log_write(o->log, MEDSEC_LOG_WARN, "rotation-stays-pending",
                     MEDSEC_LOG_STR("device", p->id),
                     MEDSEC_LOG_STR("reason", medsec_status_word(status)));
    return false;
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
        changed = promote(gateway, p) || changed;
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
