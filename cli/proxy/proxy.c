/* SPDX-License-Identifier: Apache-2.0 */
#include "broker.h"
#include "process.h"
#include "settings.h"
#include "tool.h"
#include "unlock.h"

#include <errno.h>
#include <medsec/gateway.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

/* All that is made on the way up, to be given back on the way down. */
typedef struct proxy {
    const settings *settings;
    char name[MEDSEC_DEVICE_ID_MAX + 1];
    medsec_topic topic;
    uint32_t publish;
    medsec_log *log;
    medsec_profile_set *profiles;
    medsec_registry *registry;
    medsec_publisher *publisher;
    medsec_gateway *gateway;
    sigset_t signals;
} proxy;

static int choose_name(proxy *p)
{
    const char *name = p->settings->name;
    char host[MEDSEC_DEVICE_ID_MAX + 1] = "";
    if (name == NULL) {
        (void)gethostname(host, sizeof host - 1);
        name = host;
    }
    if (medsec_device_id_check(name, strlen(name)) != MEDSEC_OK) {
        tool_error("--name must be 1-64 of A-Z a-z 0-9 _ - .");
        return EXIT_USAGE;
    }
    snprintf(p->name, sizeof p->name, "%s", name);
    return EXIT_DONE;
}

static int choose_publish(proxy *p)
{
    const option_list *list = &p->settings->publish;
    for (size_t i = 0; i < list->count; i++) {
        if (strcmp(list->item[i], "fields") == 0) {
            p->publish |= MEDSEC_PUBLISH_FIELDS;
        } else if (strcmp(list->item[i], "reading") == 0) {
            p->publish |= MEDSEC_PUBLISH_READING;
        } else if (strcmp(list->item[i], "batch") == 0) {
            p->publish |= MEDSEC_PUBLISH_BATCH;
        } else {
            tool_error("--publish takes `fields`, `reading` and `batch`");
            return EXIT_USAGE;
        }
    }
    return EXIT_DONE;
}

static int choose_topic(proxy *p)
{
    const char *text = p->settings->topic_template;
    if (medsec_topic_compile(&p->topic, text, strlen(text)) == MEDSEC_OK) {
        return EXIT_DONE;
    }
    tool_error(
        "--topic-template needs {device} as a level of its own and {topic}, and no wildcard");
    return EXIT_USAGE;
}

static int check_settings(proxy *p)
{
    int code = choose_name(p);
    if (code == EXIT_DONE) {
        code = choose_publish(p);
    }
    return code == EXIT_DONE ? choose_topic(p) : code;
}

static int open_log(proxy *p)
{
    p->log = medsec_log_create(stderr, (medsec_log_level)p->settings->log_level,
                               (medsec_log_format)p->settings->log_format);
    return p->log != NULL ? EXIT_DONE : EXIT_FAILED;
}

static int load_profiles(proxy *p)
{
    const option_list *files = &p->settings->profiles;
    p->profiles = medsec_profile_set_create();
    for (size_t i = 0; p->profiles != NULL && i < files->count; i++) {
        const char *why = NULL;
        const medsec_status status = medsec_profile_set_load(p->profiles, files->item[i], &why);
        if (status != MEDSEC_OK) {
            tool_error("%s: %s", files->item[i], why != NULL ? why : medsec_strerror(status));
            return EXIT_CONFIG;
        }
    }
    return p->profiles != NULL ? EXIT_DONE : EXIT_FAILED;
}

/* For writing, so that rotations can be completed; else all the same for reading. */
static medsec_status open_either_way(proxy *p, const medsec_registry_unlock *key)
{
    const char *path = p->settings->registry;
    char actor[MEDSEC_ACTOR_MAX + 1];
    snprintf(actor, sizeof actor, "gateway %.56s", p->name);
    if (access(path, W_OK) == 0 &&
        medsec_registry_open(&p->registry, path, key, MEDSEC_REGISTRY_WRITE, actor) == MEDSEC_OK) {
        return MEDSEC_OK;
    }
    const medsec_status status =
        medsec_registry_open(&p->registry, path, key, MEDSEC_REGISTRY_READ, NULL);
    if (status == MEDSEC_OK) {
        medsec_log_write(p->log, MEDSEC_LOG_WARN, "registry-read-only",
                         MEDSEC_LOG_STR("hint", "rotations of secrets will stay pending"));
    }
    return status;
}

static int open_registry(proxy *p)
{
    const settings *s = p->settings;
    const unlock_options how = {s->registry, s->key_file, s->passphrase_file};
    unlock by = {0};
    int code = unlock_begin(&by, &how, false);
    if (code == EXIT_DONE) {
        errno = 0;
        const medsec_status status = open_either_way(p, &by.key);
        code = status == MEDSEC_OK ? EXIT_DONE : unlock_failed(&by, &how, status);
    }
    unlock_end(&by);
    return code;
}

static int create_publisher(proxy *p)
{
    const broker_context context = {p->settings, p->name, p->registry, p->log};
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
                                            .max_connections = s->max_connections,
                                            .max_half_open = s->max_half_open,
                                            .source_rate = s->source_rate,
                                            .source_burst = s->source_burst,
                                            .identify_timeout_ms = s->identify_timeout_ms,
                                            .idle_timeout_ms = s->idle_timeout_ms};
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
    process_notify("READY=1");
    return EXIT_DONE;
}

static int bring_up(proxy *p)
{
    static int (*const steps[])(proxy *) = {check_settings, open_log,         load_profiles,
                                            open_registry,  create_publisher, create_gateway,
                                            start_gateway};
    int code = EXIT_DONE;
    for (size_t i = 0; code == EXIT_DONE && i < sizeof steps / sizeof *steps; i++) {
        code = steps[i](p);
    }
    return code;
}

static void serve(const proxy *p)
{
    while (process_wait_signal(&p->signals) == SIGHUP) {
        process_notify_reloading();
        medsec_gateway_reload(p->gateway);
        process_notify("READY=1");
    }
}

static int stop(proxy *p)
{
    process_notify("STOPPING=1");
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
                     MEDSEC_LOG_INT("lost", sent.lost + stats.dropped));
    return tool_exit_code(status);
}

static void tear_down(proxy *p)
{
    medsec_gateway_destroy(p->gateway);
    if (p->publisher != NULL) {
        p->publisher->ops->destroy(p->publisher);
    }
    medsec_registry_close(p->registry);
    medsec_profile_set_destroy(p->profiles);
    medsec_log_destroy(p->log);
}

int proxy_run(const void *values, char **operands, size_t count)
{
    static proxy p;
    (void)operands;
    (void)count;

    p.settings = values;
    process_prepare();
    process_block_signals(&p.signals);
    int code = bring_up(&p);
    if (code == EXIT_DONE) {
        serve(&p);
        code = stop(&p);
    }
    tear_down(&p);
    return code;
}
