/* SPDX-License-Identifier: Apache-2.0 */
#include "listener.h"

#include "internal.h"
#include "origin.h"

#include <errno.h>
#include <fcntl.h>
#include <netinet/tcp.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

/* Accepted sockets inherit these, which saves four calls a connection. */
static bool set_options(int fd, int family)
{
    const int on = 1, off = 0, idle = MEDSEC__KEEP_ALIVE_S, unread = MEDSEC__SEND_BUFFER;
    if (family == AF_INET6) {
        (void)setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &off, sizeof off);
    }
    return setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on) == 0 &&
           setsockopt(fd, SOL_SOCKET, SO_REUSEPORT, &on, sizeof on) == 0 &&
           setsockopt(fd, SOL_SOCKET, SO_KEEPALIVE, &on, sizeof on) == 0 &&
           setsockopt(fd, SOL_SOCKET, SO_SNDBUF, &unread, sizeof unread) == 0 &&
           setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on) == 0 &&
           setsockopt(fd, IPPROTO_TCP, TCP_KEEPIDLE, &idle, sizeof idle) == 0;
}

static bool bind_and_listen(int fd, medsec__address *address)
{
    socklen_t len = medsec__address_len(address);
    return set_options(fd, address->any.sa_family) && bind(fd, &address->any, len) == 0 &&
           getsockname(fd, &address->any, &len) == 0 && listen(fd, SOMAXCONN) == 0;
}

medsec_status medsec__listener_bind(medsec__loop *loop)
{
    medsec__address *address = &loop->gateway->address;
    loop->reserve_fd = open("/dev/null", O_RDONLY | O_CLOEXEC);
    loop->listen_fd =
        socket(address->any.sa_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, IPPROTO_TCP);
    if (loop->listen_fd >= 0 && bind_and_listen(loop->listen_fd, address)) {
        return MEDSEC_OK;
    }
    medsec_log_write(loop->gateway->options.log, MEDSEC_LOG_ERROR, "listen-failed",
                     MEDSEC_LOG_STR("address", loop->gateway->options.listen),
                     MEDSEC_LOG_STR("error", strerror(errno)));
    return MEDSEC_ERR_IO;
}

static void refuse(medsec__loop *loop, medsec_status reason, const char *why)
{
    medsec__count_rejected(&loop->counters, reason);
    medsec_log_write(loop->gateway->options.log, MEDSEC_LOG_WARN, "connection-refused",
                     MEDSEC_LOG_STR("reason", why));
}

static void pause_listening(medsec__loop *loop)
{
    (void)uv_poll_stop(&loop->listener);
}

/* No descriptor is left: the reserved one lets the connection in, to be closed at once. (accept
 * looks for a descriptor first: whether somebody waits is known only now.) Counted when the reserve
 * is back: until then another loop may find a descriptor free. */
static void shed(medsec__loop *loop)
{
    if (loop->reserve_fd >= 0) {
        close(loop->reserve_fd);
    }
    int fd = accept4(loop->listen_fd, NULL, NULL, SOCK_CLOEXEC);
    int error = errno;
    if (fd >= 0) {
        close(fd);
    }
    loop->reserve_fd = open("/dev/null", O_RDONLY | O_CLOEXEC);
    if (fd >= 0) {
        refuse(loop, MEDSEC_ERR_LIMIT, "descriptors");
    } else if (error != EAGAIN) {
        pause_listening(loop);
    }
}

/* Where all places are taken, whoever has proved nothing for longest gives way. */
static bool find_place(medsec__loop *loop)
{
    medsec_gateway *gateway = loop->gateway;
    const uint64_t half_open = loop->counters.half_open;
    if (atomic_fetch_add(&gateway->connections, 1) < gateway->options.max_connections) {
        return true;
    }
    bool found = half_open > 0 && medsec__connection_evict(loop, half_open - 1);
    if (!found) {
        atomic_fetch_sub(&gateway->connections, 1);
    }
    return found;
}

static void take(medsec__loop *loop, int fd, const medsec__address *peer)
{
    medsec_gateway *gateway = loop->gateway;
    if (!medsec__origin_is_balancer(gateway, peer) &&
        !medsec__admission_allows(gateway->admission, peer, uv_hrtime())) {
        close(fd);
        medsec__count(&loop->counters.source_limited, 1);
        refuse(loop, MEDSEC_ERR_FLOOD, "source-rate");
        return;
    }
    if (!find_place(loop)) {
        close(fd);
        refuse(loop, MEDSEC_ERR_LIMIT, "max-connections");
        return;
    }
    medsec__count(&loop->counters.accepted, 1);
    medsec__connection_open(loop, fd, peer);
    (void)medsec__connection_evict(loop, gateway->half_open_share);
}

/* False: there is nothing more to accept now. */
static bool accept_one(medsec__loop *loop)
{
    medsec__address peer;
    socklen_t len = sizeof peer;
    int fd = accept4(loop->listen_fd, &peer.any, &len, SOCK_NONBLOCK | SOCK_CLOEXEC);
    if (fd >= 0) {
        take(loop, fd, &peer);
        return true;
    }
    switch (errno) {
    case EAGAIN:
        return false;
    case EMFILE:
    case ENFILE:
        shed(loop);
        return false;
    case ENOBUFS:
    case ENOMEM:
        pause_listening(loop);
        return false;
    default: /* that connection ended before it was accepted */
        return true;
    }
}

static void on_acceptable(uv_poll_t *handle, int status, int events)
{
    (void)status;
    (void)events;
    medsec__loop *loop = handle->data;
    for (unsigned i = 0; i < MEDSEC__ACCEPT_BURST && accept_one(loop); i++) {
    }
}

void medsec__listener_retry(medsec__loop *loop)
{
    if (loop->reserve_fd < 0) {
        loop->reserve_fd = open("/dev/null", O_RDONLY | O_CLOEXEC);
    }
    if (!uv_is_active((uv_handle_t *)&loop->listener)) {
        (void)uv_poll_start(&loop->listener, UV_READABLE, on_acceptable);
    }
}

medsec_status medsec__listener_start(medsec__loop *loop)
{
    loop->listener.data = loop;
    return uv_poll_start(&loop->listener, UV_READABLE, on_acceptable) == 0 ? MEDSEC_OK
                                                                           : MEDSEC_ERR_IO;
}

void medsec__listener_stop(medsec__loop *loop)
{
    /* What had connected by now; under a flood there would be no end. */
    for (unsigned i = 0; i < SOMAXCONN && accept_one(loop); i++) {
    }
    uv_close((uv_handle_t *)&loop->listener, NULL);
    close(loop->listen_fd);
    loop->listen_fd = -1;
}
