/* SPDX-License-Identifier: Apache-2.0 */
#include "origin.h"

#include "internal.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/socket.h>

enum { AT_ONCE = 256 }; /* bytes; all of a usual header */

medsec_status medsec_gateway_check_proxy_protocol(const char *networks)
{
    medsec__networks parsed;
    return networks ? medsec__networks_parse(&parsed, networks) : MEDSEC_ERR_ARGUMENT;
}

medsec_status medsec__origin_prepare(medsec_gateway *gateway)
{
    const char *networks = gateway->options.proxy_protocol;
    return networks ? medsec__networks_parse(&gateway->balancers, networks) : MEDSEC_OK;
}

bool medsec__origin_is_balancer(const medsec_gateway *gateway, const medsec__address *peer)
{
    return medsec__networks_hold(&gateway->balancers, peer);
}

bool medsec__origin_expect(const medsec_gateway *gateway, medsec__connection *c,
                           const medsec__address *peer)
{
    const bool wanted = medsec__origin_is_balancer(gateway, peer);
    c->header = wanted ? calloc(1, sizeof *c->header) : NULL;
    return !wanted || c->header;
}

uint32_t medsec__origin_timeout_ms(const medsec_gateway_options *o)
{
    return o->identify_timeout_ms < MEDSEC_GATEWAY_HEADER_TIMEOUT_MS
               ? o->identify_timeout_ms
               : MEDSEC_GATEWAY_HEADER_TIMEOUT_MS;
}

void medsec__origin_forget(medsec__connection *c)
{
    free(c->header);
    c->header = NULL;
}

void medsec__origin_refuse(medsec__connection *c, medsec_status reason)
{
    medsec__count_rejected(&c->loop->counters, reason);
    medsec__connection_log(c, MEDSEC_LOG_WARN, "proxy-header-bad", medsec_status_word(reason));
    medsec__connection_close(c, medsec_status_word(reason));
}

/* A balancer that only looks whether somebody listens has said nothing, which is no fault. */
static void take_end(medsec__connection *c)
{
    if (c->header->len > 0) {
        medsec__origin_refuse(c, MEDSEC_ERR_CLOSED);
    } else {
        medsec__connection_close(c, "closed");
    }
}

/* From here on the connection is like one that came straight from there. */
static void take_peer(medsec__connection *c, const medsec__address *peer)
{
    medsec__origin_forget(c);
    medsec__connection_set_peer(c, peer);
    medsec__connection_move(c, MEDSEC__WAITING);
}

static void take_device(medsec__connection *c)
{
    const medsec__address source = c->header->source;
    take_peer(c, &source);
    if (!medsec__admission_allows(c->loop->gateway->admission, &source, uv_hrtime())) {
        medsec__count(&c->loop->counters.source_limited, 1);
        medsec__count_rejected(&c->loop->counters, MEDSEC_ERR_FLOOD);
        medsec__connection_log(c, MEDSEC_LOG_WARN, "connection-refused", "source-rate");
        medsec__connection_close(c, "source-rate");
    }
}

static void take(medsec__connection *c, medsec__proxy_event event)
{
    const medsec__address sender = c->peer;
    switch (event) {
    case MEDSEC__PROXY_MORE:
        return;
    case MEDSEC__PROXY_DEVICE:
        take_device(c);
        return;
    case MEDSEC__PROXY_SENDER: /* what the balancer does for itself is not limited */
        take_peer(c, &sender);
        return;
    case MEDSEC__PROXY_BAD:
    default:
        medsec__origin_refuse(c, MEDSEC_ERR_SYNTAX);
    }
}

void medsec__origin_read(medsec__connection *c)
{
    uint8_t bytes[AT_ONCE];
    uv_os_fd_t fd;
    medsec__proxy_event event = MEDSEC__PROXY_BAD;
    ssize_t n = -1;
    errno = 0;
    if (uv_fileno((const uv_handle_t *)&c->tcp, &fd) == 0) {
        n = recv(fd, bytes, sizeof bytes, MSG_PEEK | MSG_DONTWAIT);
    }
    if (n < 0 && (errno == EAGAIN || errno == EINTR)) {
        return;
    }
    if (n <= 0) {
        take_end(c);
        return;
    }
    c->loop->quiet = false;
    const size_t used = medsec__proxy_header_push(c->header, bytes, (size_t)n, &event);
    (void)recv(fd, bytes, used, MSG_DONTWAIT); /* they are there */
    take(c, event);
}
