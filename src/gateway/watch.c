/* SPDX-License-Identifier: Apache-2.0 */
#include "internal.h"

medsec_directory *medsec__watch_directory(medsec_gateway *gateway)
{
    uv_mutex_lock(&gateway->directory_lock);
    medsec_directory *directory = medsec_directory_ref(gateway->directory);
    uv_mutex_unlock(&gateway->directory_lock);
    return directory;
}

static void replace(medsec_gateway *gateway, medsec_directory *directory)
{
    uv_mutex_lock(&gateway->directory_lock);
    medsec_directory *old = gateway->directory;
    gateway->directory = directory;
    uv_mutex_unlock(&gateway->directory_lock);
    medsec_directory_unref(old);
}

static medsec_status load(medsec_gateway *gateway, size_t *skipped)
{
    const medsec_gateway_options *o = &gateway->options;
    medsec_directory *directory = NULL;
    medsec_status status = medsec_directory_load(&directory, o->registry, o->profiles, skipped);
    if (status != MEDSEC_OK) {
        medsec_log_write(o->log, MEDSEC_LOG_ERROR, "registry-unreadable",
                         MEDSEC_LOG_STR("reason", medsec_status_word(status)),
                         MEDSEC_LOG_STR("error", medsec_registry_error(o->registry)));
        return status;
    }
    atomic_store(&gateway->devices, medsec_directory_count(directory));
    atomic_store(&gateway->generation, medsec_directory_last_change(directory));
    replace(gateway, directory);
    return MEDSEC_OK;
}

/* Whoever reads this may count on it: a connection made from now on meets the new directory. */
static void log_loaded(medsec_gateway *gateway, size_t skipped)
{
    medsec_log *log = gateway->options.log;
    medsec_directory *directory = medsec__watch_directory(gateway);
    medsec_log_write(log, MEDSEC_LOG_INFO, "registry-loaded",
                     MEDSEC_LOG_INT("devices", medsec_directory_count(directory)));
    if (!medsec_directory_locked(directory)) {
        medsec_log_write(log, MEDSEC_LOG_WARN, "secrets-not-locked",
                         MEDSEC_LOG_STR("hint", "raise RLIMIT_MEMLOCK"));
    }
    medsec_directory_unref(directory);
    if (skipped > 0) {
        medsec_log_write(log, MEDSEC_LOG_WARN, "devices-skipped",
                         MEDSEC_LOG_INT("devices", skipped));
    }
}

medsec_status medsec__watch_load(medsec_gateway *gateway)
{
    size_t skipped = 0;
    medsec_status status = load(gateway, &skipped);
    if (status == MEDSEC_OK) {
        log_loaded(gateway, skipped);
    }
    return status;
}

static void tell_loops(medsec_gateway *gateway)
{
    medsec__count(&gateway->reloads, 1);
    for (uint32_t i = 0; i < gateway->options.threads; i++) {
        atomic_store(&gateway->loops[i].told_directory, true);
        (void)uv_async_send(&gateway->loops[i].wake);
    }
}

/* False: to be tried again. Until then the directory of before goes on. */
static bool look(medsec_gateway *gateway, bool must)
{
    if (!medsec_registry_changed(gateway->options.registry) && !must) {
        return true;
    }
    size_t skipped = 0;
    if (load(gateway, &skipped) != MEDSEC_OK) {
        return false;
    }
    tell_loops(gateway);
    log_loaded(gateway, skipped);
    return true;
}

void medsec__watch_run(void *context)
{
    medsec_gateway *gateway = context;
    bool fresh = true;
    uv_mutex_lock(&gateway->watch_lock);
    while (!gateway->watch_stop) {
        if (!gateway->watch_now &&
            (gateway->promotions_pause || STAILQ_EMPTY(&gateway->promotions))) {
            (void)uv_cond_timedwait(&gateway->watch_changed, &gateway->watch_lock,
                                    MEDSEC_GATEWAY_RELOAD_MS * 1000000ull);
        }
        if (gateway->watch_stop) {
            break;
        }
        bool must = gateway->watch_now || !fresh;
        gateway->watch_now = false;
        gateway->promotions_pause = false;
        uv_mutex_unlock(&gateway->watch_lock);
        /* The own change is not seen as one. */
        must = medsec__promote_run(gateway) || must;
        fresh = look(gateway, must);
        uv_mutex_lock(&gateway->watch_lock);
    }
    uv_mutex_unlock(&gateway->watch_lock);
}
