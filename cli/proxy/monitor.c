/* SPDX-License-Identifier: Apache-2.0 */
#include "monitor.h"

#include "tool.h"

#include <medsec/metrics.h>
#include <microhttpd.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define CONNECTIONS 16u
#define CONNECTION_MEMORY 4096u /* bytes: the head of a request */
#define TIMEOUT_S 5u /* of a connection that does nothing */
#define TEXT_TYPE "text/plain; charset=utf-8"

struct monitor {
    struct MHD_Daemon *daemon;
    const medsec_gateway *gateway;
    medsec_publisher *publisher;
    _Atomic monitor_state state;
    char text[MEDSEC_METRICS_MAX]; /* of the server's one thread */
};

typedef struct answer {
    unsigned status;
    const char *type;
    const char *text;
    size_t len;
} answer;

static answer plain(unsigned status, const char *text)
{
    return (answer){status, TEXT_TYPE, text, strlen(text)};
}

static answer metrics(monitor *m)
{
    medsec_gateway_stats gateway;
    medsec_publisher_stats publisher = {0};
    size_t len = 0;
    medsec_gateway_get_stats(m->gateway, &gateway);
    m->publisher->ops->stats(m->publisher, &publisher);
    if (medsec_metrics_write(m->text, sizeof m->text, &len, &gateway, &publisher) != MEDSEC_OK) {
        return plain(MHD_HTTP_INTERNAL_SERVER_ERROR, "the metrics are too long\n");
    }
    return (answer){MHD_HTTP_OK, MEDSEC_METRICS_TYPE, m->text, len};
}

bool monitor_is_healthy(const medsec_gateway *gateway, uint64_t stall_ms)
{
    medsec_gateway_stats stats;
    medsec_gateway_get_stats(gateway, &stats);
    return stats.stalled_ms < stall_ms;
}

static answer health(monitor *m)
{
    if (!monitor_is_healthy(m->gateway, MONITOR_STALL_MS)) {
        return plain(MHD_HTTP_SERVICE_UNAVAILABLE, "a loop hangs\n");
    }
    return plain(MHD_HTTP_OK, "ok\n");
}

/* Why new devices had better go elsewhere; NULL: they need not. */
static const char *obstacle(monitor_state state, const medsec_publisher_stats *s)
{
    if (state != MONITOR_SERVING) {
        return state == MONITOR_STARTING ? "starting" : "stopping";
    }
    if (s->spool_full) {
        return "the spool is full";
    }
    if (s->connected || (s->spooling && !s->spool_failed)) {
        return NULL;
    }
    return s->spool_failed ? "the broker is away, and the spool's disk fails"
                           : "the broker is away";
}

static answer readiness(monitor *m)
{
    medsec_publisher_stats stats = {0};
    m->publisher->ops->stats(m->publisher, &stats);
    const char *const why = obstacle(atomic_load(&m->state), &stats);
    const char *const text = why != NULL       ? why
                             : stats.connected ? "ok"
                                               : "ok: the broker is away, spooling";
    const char *const trouble = stats.trouble;
    (void)snprintf(m->text, sizeof m->text, "%s%s%s\n", text, trouble != NULL ? ": " : "",
                   trouble != NULL ? trouble : "");
    return plain(why == NULL ? MHD_HTTP_OK : MHD_HTTP_SERVICE_UNAVAILABLE, m->text);
}

static const struct page {
    const char *path;
    answer (*make)(monitor *m);
} pages[] = {{"/metrics", metrics}, {"/healthz", health}, {"/readyz", readiness}};

static answer find_answer(monitor *m, const char *path, const char *method)
{
    for (size_t i = 0; i < sizeof pages / sizeof *pages; i++) {
        if (strcmp(path, pages[i].path) == 0) {
            const bool reads = strcmp(method, MHD_HTTP_METHOD_GET) == 0 ||
                               strcmp(method, MHD_HTTP_METHOD_HEAD) == 0;
            return reads ? pages[i].make(m)
                         : plain(MHD_HTTP_METHOD_NOT_ALLOWED, "GET and HEAD only\n");
        }
    }
    return plain(MHD_HTTP_NOT_FOUND, "there are /metrics, /healthz and /readyz\n");
}

/* NOLINTNEXTLINE(bugprone-easily-swappable-parameters): the signature is libmicrohttpd's */
static enum MHD_Result on_request(void *context, struct MHD_Connection *connection,
                                  const char *path, const char *method, const char *version,
                                  const char *data, size_t *data_len, void **request)
{
    (void)version;
    (void)data;
    (void)data_len;
    (void)request;
    const answer a = find_answer(context, path, method);
    /* Queued as soon as the head is there: what a body says is not waited for. */
    struct MHD_Response *response =
        MHD_create_response_from_buffer(a.len, (void *)a.text, MHD_RESPMEM_MUST_COPY);
    if (response == NULL) {
        return MHD_NO;
    }
    enum MHD_Result result =
        MHD_add_response_header(response, MHD_HTTP_HEADER_CONTENT_TYPE, a.type);
    if (result == MHD_YES) {
        (void)MHD_add_response_header(response, MHD_HTTP_HEADER_CACHE_CONTROL, "no-store");
        result = MHD_queue_response(connection, a.status, response);
    }
    MHD_destroy_response(response);
    return result;
}

static bool listen_on(monitor *m, const struct sockaddr_storage *address)
{
    const unsigned v6 = address->ss_family == AF_INET6 ? MHD_USE_IPv6 : 0;
    m->daemon = MHD_start_daemon(
        MHD_USE_EPOLL_INTERNAL_THREAD | v6, 0, NULL, NULL, on_request, m, MHD_OPTION_SOCK_ADDR,
        (const struct sockaddr *)address, MHD_OPTION_CONNECTION_LIMIT, CONNECTIONS,
        MHD_OPTION_CONNECTION_TIMEOUT, TIMEOUT_S, MHD_OPTION_CONNECTION_MEMORY_LIMIT,
        (size_t)CONNECTION_MEMORY, MHD_OPTION_END);
    return m->daemon != NULL;
}

medsec_status monitor_open(monitor **m, const char *address, const medsec_gateway *gateway,
                           medsec_publisher *publisher)
{
    struct sockaddr_storage at;
    if (address_resolve(&at, address) != MEDSEC_OK) {
        return MEDSEC_ERR_ARGUMENT;
    }
    monitor *made = calloc(1, sizeof *made);
    if (made == NULL) {
        return MEDSEC_ERR_MEMORY;
    }
    made->gateway = gateway;
    made->publisher = publisher;
    if (!listen_on(made, &at)) {
        free(made);
        return MEDSEC_ERR_IO;
    }
    *m = made;
    return MEDSEC_OK;
}

uint16_t monitor_port(const monitor *m)
{
    const union MHD_DaemonInfo *info = MHD_get_daemon_info(m->daemon, MHD_DAEMON_INFO_BIND_PORT);
    return info != NULL ? info->port : 0;
}

void monitor_set(monitor *m, monitor_state state)
{
    if (m != NULL) {
        atomic_store(&m->state, state);
    }
}

void monitor_close(monitor *m)
{
    if (m != NULL) {
        MHD_stop_daemon(m->daemon);
        free(m);
    }
}
