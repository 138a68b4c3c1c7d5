/* SPDX-License-Identifier: Apache-2.0 */
#include "proxy.h"

#include "broker.h"
#include "check.h"
#include "process.h"
#include "tool.h"

static int create_publisher(proxy *p)
{
    const broker_context context = {p->settings, p->name, p->registry, p->log, false};
    return broker_create(&p->publisher, &context);
}

static int create_gateway(proxy *p)
{
    const settings *s = p->settings;
    const medsec_gateway_options options = {.listen = s->listen,
                                            .registry = p->registry,
                                            .profiles = p->profiles,
                                            .publisher = p->publisher,
                                            .log = p->log,
                                            .topic = &p->topic,
                                            .threads = s->threads,
                                            .publish = p->publish,
                                            .seed_qos = (uint8_t)s->seed_qos,
                                            .no_heart_rate = s->no_heart_rate,
                                            .max_connections = s->max_connections,
                                            .max_half_open = s->max_half_open,
                                            .source_rate = s->source_rate,
                                            .source_burst = s->source_burst,
                                            .identify_timeout_ms = s->identify_timeout_ms,
                                            .idle_timeout_ms = s->idle_timeout_ms,
                                            .proxy_protocol = s->proxy_protocol};
    const medsec_status status = medsec_gateway_create(&p->gateway, &options);
    if (status == MEDSEC_OK) {
        return EXIT_DONE;
    }
    if (status == MEDSEC_ERR_ARGUMENT) {
        tool_error("--listen must be an IP address and a port: 0.0.0.0:9998, [::]:9998");
        return EXIT_NETWORK;
    }
    tool_error("%s: %s", s->registry, medsec_registry_error(p->registry));
    return EXIT_CONFIG;
}

/* Before devices are let in: what is wrong with the address ends the start. */
static int open_monitor(proxy *p)
{
    const char *address = p->settings->metrics;
    if (address == NULL) {
        return EXIT_DONE;
    }
    const medsec_status status = monitor_open(&p->monitor, address, p->gateway, p->publisher);
    if (status != MEDSEC_OK) {
        tool_error(status == MEDSEC_ERR_ARGUMENT
                       ? "--metrics must be an address and a port: 127.0.0.1:9999"
                       : "cannot serve metrics on %s",
                   address);
        return EXIT_NETWORK;
    }
    medsec_log_write(p->log, MEDSEC_LOG_INFO, "monitoring", MEDSEC_LOG_STR("address", address),
                     MEDSEC_LOG_INT("port", monitor_port(p->monitor)));
    return EXIT_DONE;
}

static int start_gateway(proxy *p)
{
    const medsec_status status = medsec_gateway_start(p->gateway);
    if (status != MEDSEC_OK) {
        tool_error("cannot listen on %s", p->settings->listen);
        return EXIT_NETWORK;
    }
    medsec_log_write(
        p->log, MEDSEC_LOG_INFO, "listening", MEDSEC_LOG_STR("address", p->settings->listen),
        MEDSEC_LOG_INT("port", medsec_gateway_port(p->gateway)), MEDSEC_LOG_STR("name", p->name));
    monitor_set(p->monitor, MONITOR_SERVING);
    process_notify("READY=1");
    return EXIT_DONE;
}

static int bring_up(proxy *p)
{
    static int (*const steps[])(proxy *) = {setup_settings, setup_log,      setup_privileges,
                                            setup_profiles, setup_registry, create_publisher,
                                            create_gateway, open_monitor,   start_gateway};
    int code = EXIT_DONE;
    for (size_t i = 0; code == EXIT_DONE && i < sizeof steps / sizeof *steps; i++) {
        code = steps[i](p);
    }
    return code;
}

static void serve(const proxy *p)
{
    const uint32_t watchdog_ms = process_watchdog_ms();
    int number;
    while ((number = process_wait_signal(&p->signals, watchdog_ms)) == SIGHUP || number == 0) {
        if (number == SIGHUP) {
            process_notify_reloading();
            medsec_gateway_reload(p->gateway);
            process_notify("READY=1");
        } else if (monitor_is_healthy(p->gateway, MONITOR_STALL_MS)) {
            process_notify("WATCHDOG=1");
        }
    }
}

static int stop(proxy *p)
{
    process_notify("STOPPING=1");
    monitor_set(p->monitor, MONITOR_STOPPING);
    medsec_log_write(p->log, MEDSEC_LOG_INFO, "stopping", MEDSEC_LOG_STR("name", p->name));
    const medsec_status status = medsec_gateway_stop(p->gateway, MEDSEC_GATEWAY_STOP_MS);
    medsec_gateway_stats stats;
    medsec_publisher_stats sent;
    medsec_gateway_get_stats(p->gateway, &stats);
    p->publisher->ops->stats(p->publisher, &sent);
    medsec_log_write(p->log, MEDSEC_LOG_INFO, "stopped", MEDSEC_LOG_INT("readings", stats.readings),
                     MEDSEC_LOG_INT("acknowledged", stats.acknowledged),
                     MEDSEC_LOG_INT("messages", stats.messages),
                     MEDSEC_LOG_INT("published", sent.published),
                     MEDSEC_LOG_INT("lost", sent.lost + sent.queued + stats.dropped));
    return tool_exit_code(status);
}

static void tear_down(proxy *p)
{
    monitor_close(p->monitor);
    medsec_gateway_destroy(p->gateway);
    if (p->publisher != NULL) {
        p->publisher->ops->destroy(p->publisher);
    }
    setup_undo(p);
}

int proxy_run(const void *values, char **operands, size_t count)
{
    static proxy p;
    (void)operands;
    (void)count;

    p.settings = values;
    process_prepare(p.settings->max_connections);
    process_block_signals(&p.signals);
    if (p.settings->check) {
        const int wrong = check_run(&p);
        tear_down(&p);
        return wrong;
    }
    int code = bring_up(&p);
    if (code == EXIT_DONE) {
        serve(&p);
        code = stop(&p);
    }
    tear_down(&p);
    return code;
}
