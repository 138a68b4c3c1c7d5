/* SPDX-License-Identifier: Apache-2.0 */
#include "probe.h"

#include "tool.h"

#include <arpa/inet.h>
#include <errno.h>
#include <sys/socket.h>
#include <unistd.h>
#include <uv.h>

#define LINK_MS 10000u /* to be let in: DNS, TCP, TLS, MQTT */
#define LOOK_MS 10u
#define GOODBYE_MS 1000u

typedef struct link_probe {
    medsec_publisher *publisher;
    medsec_publisher_stats stats;
    uint64_t end_ms;
} link_probe;

static void on_look(uv_timer_t *timer)
{
    link_probe *probe = timer->data;
    probe->publisher->ops->stats(probe->publisher, &probe->stats);
    if (probe->stats.connected || probe->stats.trouble != NULL ||
        uv_now(timer->loop) >= probe->end_ms) {
        uv_stop(timer->loop);
    }
}

/* For a publisher that works in its user's loops. */
static medsec_status attach(medsec_publisher *publisher, uv_loop_t *loop)
{
    return publisher->ops->attach != NULL ? publisher->ops->attach(publisher, loop, 0, 1)
                                          : MEDSEC_OK;
}

static void wait_for_link(link_probe *probe, uv_loop_t *loop)
{
    uv_timer_t timer = {.data = probe};
    (void)uv_timer_init(loop, &timer);
    probe->end_ms = uv_now(loop) + LINK_MS;
    if (attach(probe->publisher, loop) == MEDSEC_OK) {
        (void)uv_timer_start(&timer, on_look, 0, LOOK_MS);
        (void)uv_run(loop, UV_RUN_DEFAULT);
        if (probe->publisher->ops->detach != NULL) {
            probe->publisher->ops->detach(probe->publisher, 0, 1);
        }
    }
    uv_close((uv_handle_t *)&timer, NULL);
    (void)uv_run(loop, UV_RUN_DEFAULT);
}

bool probe_broker(medsec_publisher *publisher, const char **why)
{
    static const medsec_publisher_listener deaf = {.context = NULL};
    link_probe probe = {.publisher = publisher};
    uv_loop_t loop;
    if (uv_loop_init(&loop) != 0) {
        return false;
    }
    if (publisher->ops->start(publisher, &deaf) == MEDSEC_OK) {
        wait_for_link(&probe, &loop);
        (void)publisher->ops->stop(publisher, GOODBYE_MS);
    }
    (void)uv_loop_close(&loop);
    *why = probe.stats.trouble;
    return probe.stats.connected;
}

static int bind_to(const struct sockaddr_storage *address)
{
    const int on = 1;
    const int fd = socket(address->ss_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (fd < 0) {
        return errno;
    }
    (void)setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
    (void)setsockopt(fd, SOL_SOCKET, SO_REUSEPORT, &on, sizeof on); /* as gateways do */
    const bool bound = bind(fd, (const struct sockaddr *)address, sizeof *address) == 0;
    const int error = bound ? 0 : errno;
    close(fd);
    return error;
}

static bool is_numeric(const char *address)
{
    struct in6_addr any;
    char host[INET6_ADDRSTRLEN];
    uint16_t port = 0;
    return address_split(host, sizeof host, &port, address) == MEDSEC_OK &&
           inet_pton(address[0] == '[' ? AF_INET6 : AF_INET, host, &any) == 1;
}

probe_result probe_listen(const char *address, bool numeric)
{
    struct sockaddr_storage at;
    if ((numeric && !is_numeric(address)) || address_resolve(&at, address) != MEDSEC_OK) {
        return PROBE_NO_ADDRESS;
    }
    errno = bind_to(&at);
    return errno == 0 ? PROBE_FREE : errno == EADDRINUSE ? PROBE_IN_USE : PROBE_NOT_OURS;
}
