/* SPDX-License-Identifier: Apache-2.0 */
#include "internal.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static medsec_log *log_of(const medsec__connection *c)
{
    return c->loop->gateway->options.log;
}

static void log_peer(const medsec__connection *c, medsec_log_level level, const char *event,
                     const char *why)
{
    char peer[MEDSEC__ADDRESS_TEXT_MAX];
    medsec__address_text(peer, &c->peer);
    const medsec_log_field fields[] = {MEDSEC_LOG_STR("reason", why), MEDSEC_LOG_STR("peer", peer),
                                       MEDSEC_LOG_STR("device", c->id)};
    medsec_log_fields(log_of(c), level, event, fields, c->identified ? 3 : 2);
}

static void on_closed(uv_handle_t *handle)
{
    free(handle->data);
}

void medsec__connection_move(medsec__connection *c, medsec__place place)
{
    TAILQ_REMOVE(&c->loop->places[c->place], c, link);
    c->place = (uint8_t)place;
    c->since_ms = uv_now(&c->loop->uv);
    TAILQ_INSERT_TAIL(&c->loop->places[place], c, link);
}

static void finish(medsec__connection *c, const char *why)
{
    medsec__loop *loop = c->loop;
    if (c->identified) {
        medsec__presence_leave(loop->gateway->presence, c, why);
        atomic_fetch_sub_explicit(&loop->counters.identified, 1, memory_order_relaxed);
    }
    TAILQ_REMOVE(&loop->places[c->place], c, link);
    atomic_fetch_sub_explicit(&loop->counters.connections, 1, memory_order_relaxed);
    atomic_fetch_sub(&loop->gateway->connections, 1);
    medsec_session_close(&c->session);
    uv_close((uv_handle_t *)&c->tcp, on_closed);
}

void medsec__connection_close(medsec__connection *c, const char *why)
{
    log_peer(c, c->identified ? MEDSEC_LOG_INFO : MEDSEC_LOG_DEBUG, "disconnected", why);
    finish(c, why);
}

void medsec__connection_reject(medsec__connection *c, medsec_status reason)
{
    medsec__count_rejected(&c->loop->counters, reason);
    log_peer(c, MEDSEC_LOG_WARN, "rejected", medsec_status_word(reason));
    finish(c, medsec_status_word(reason));
}

static bool take_identified(medsec__connection *c)
{
    medsec__loop *loop = c->loop;
    if (!medsec__presence_enter(loop->gateway->presence, c)) {
        return false;
    }
    c->identified = true;
    medsec__count(&loop->counters.identified, 1);
    medsec__identify_remember(c);
    log_peer(c, MEDSEC_LOG_INFO, "identified", "first-reading");
    return true;
}

static void take_reading(medsec__connection *c, const medsec_reading *reading)
{
    medsec__counters *counters = &c->loop->counters;
    medsec__count(&counters->readings, 1);
    if (reading->extra > 0) {
        medsec__count(&counters->extra_members, reading->extra);
    }
    medsec__emit_reading(c, reading);
    c->readings++;
}

/* False: the connection is closed. */
static bool consume(medsec__connection *c, uint8_t *data, size_t len)
{
    medsec_event event;
    do {
        size_t used = 0;
        medsec_session_push(&c->session, data, len, &used, &event);
        data += used;
        len -= used;
        switch (event.type) {
        case MEDSEC_EVENT_NONE:
            break;
        case MEDSEC_EVENT_IDENTIFIED:
            if (take_identified(c)) {
                break;
            }
            medsec__connection_reject(c, MEDSEC_ERR_MEMORY);
            return false;
        case MEDSEC_EVENT_READING:
            take_reading(c, event.reading);
            break;
        case MEDSEC_EVENT_REJECTED:
        default:
            medsec__connection_reject(c, event.reason);
            return false;
        }
    } while (event.type != MEDSEC_EVENT_NONE);
    return true;
}

static void end_of_stream(medsec__connection *c)
{
    if (!medsec_session_at_boundary(&c->session)) {
        medsec__count_rejected(&c->loop->counters, MEDSEC_ERR_CLOSED);
        log_peer(c, MEDSEC_LOG_WARN, "closed-mid-frame", "closed");
    }
    medsec__connection_close(c, c->loop->draining ? "gateway-stop" : "closed");
}

bool medsec__connection_pressed(const medsec__loop *loop)
{
    medsec_publisher *publisher = loop->gateway->options.publisher;
    return publisher->ops->pressed(publisher);
}

/* Without a buffer libuv does not read: what the device sends stays in the socket, and slows it. */
static void on_alloc(uv_handle_t *handle, size_t suggested, uv_buf_t *buffer)
{
    (void)suggested;
    medsec__loop *loop = ((medsec__connection *)handle->data)->loop;
    bool pressed = medsec__connection_pressed(loop);
    *buffer = uv_buf_init((char *)loop->buffer, pressed ? 0 : sizeof loop->buffer);
}

static void on_read(uv_stream_t *stream, ssize_t n, const uv_buf_t *buffer);

static void pause_reading(medsec__connection *c)
{
    (void)uv_read_stop((uv_stream_t *)&c->tcp);
    medsec__count(&c->loop->counters.paused, 1);
    medsec__connection_move(c, MEDSEC__PAUSED);
    /* The relief may have come between the look and the list. */
    if (!medsec__connection_pressed(c->loop)) {
        medsec__connection_resume(c);
    }
}

void medsec__connection_resume(medsec__connection *c)
{
    medsec__connection_move(c, c->identified ? MEDSEC__LIVE : MEDSEC__WAITING);
    (void)uv_read_start((uv_stream_t *)&c->tcp, on_alloc, on_read);
}

static void on_read(uv_stream_t *stream, ssize_t n, const uv_buf_t *buffer)
{
    medsec__connection *c = stream->data;
    if (n == UV_ENOBUFS) {
        pause_reading(c);
        return;
    }
    if (n < 0) {
        end_of_stream(c);
        return;
    }
    if (n == 0) {
        return;
    }
    c->loop->quiet = false;
    uint64_t before = c->readings;
    if (consume(c, (uint8_t *)buffer->base, (size_t)n) && c->readings > before) {
        medsec__connection_move(c, MEDSEC__LIVE);
    }
}

static bool attach(medsec__connection *c, int fd)
{
    if (uv_tcp_init(&c->loop->uv, &c->tcp) != 0) {
        return false;
    }
    c->tcp.data = c;
    return uv_tcp_open(&c->tcp, fd) == 0;
}

void medsec__connection_open(medsec__loop *loop, int fd, const medsec__address *peer)
{
    medsec__connection *c = calloc(1, sizeof *c);
    if (!c) {
        medsec__count_rejected(&loop->counters, MEDSEC_ERR_MEMORY);
        atomic_fetch_sub(&loop->gateway->connections, 1);
        close(fd);
        return;
    }
    c->loop = loop;
    c->peer = *peer;
    c->since_ms = uv_now(&loop->uv);
    medsec_session_open(&c->session, medsec_crypto_openssl(), &loop->owner, c);
    TAILQ_INSERT_TAIL(&loop->places[MEDSEC__WAITING], c, link);
    medsec__count(&loop->counters.connections, 1);
    if (!attach(c, fd)) {
        close(fd);
        medsec__connection_reject(c, MEDSEC_ERR_IO);
        return;
    }
    (void)uv_read_start((uv_stream_t *)&c->tcp, on_alloc, on_read);
}
