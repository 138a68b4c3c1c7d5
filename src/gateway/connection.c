/* SPDX-License-Identifier: Apache-2.0 */
#include "acknowledge.h"
#include "announce.h"
#include "command.h"
#include "events.h"
#include "heart.h"
#include "internal.h"
#include "origin.h"
#include "turn.h"

#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

static medsec_log *log_of(const medsec__connection *c)
{
    return c->loop->gateway->options.log;
}

void medsec__connection_log(const medsec__connection *c, medsec_log_level level, const char *event,
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
    if (!c->identified) {
        TAILQ_REMOVE(&c->loop->half_open[c->is_known], c, half_open_link);
        TAILQ_INSERT_TAIL(&c->loop->half_open[c->is_known], c, half_open_link);
    }
}

static void leave_half_open(medsec__connection *c)
{
    medsec__loop *loop = c->loop;
    TAILQ_REMOVE(&loop->half_open[c->is_known], c, half_open_link);
    loop->half_open_known -= c->is_known;
    atomic_fetch_sub_explicit(&loop->counters.half_open, 1, memory_order_relaxed);
}

void medsec__connection_prove(medsec__connection *c)
{
    leave_half_open(c);
    c->identified = true;
    medsec__count(&c->loop->counters.identified, 1);
}

/* The block comes from the loop, which keeps it for the next record that is not whole. */
static bool take_block(medsec__connection *c)
{
    medsec__loop *loop = c->loop;
    medsec__block *block = loop->blocks;
    if (block) {
        loop->blocks = block->next;
    } else {
        block = malloc(sizeof *block);
    }
    c->partial = block ? block->bytes : NULL;
    return block != NULL;
}

static void give_block_back(medsec__connection *c)
{
    if (c->partial) {
        medsec__block *block = (medsec__block *)(void *)c->partial;
        block->next = c->loop->blocks;
        c->loop->blocks = block;
    }
    c->partial = NULL;
    c->partial_len = 0;
}

/* False: the connection is closed. */
static bool keep_partial(medsec__connection *c, const uint8_t *data, size_t len)
{
    if (len == 0) {
        give_block_back(c);
        return true;
    }
    if (len > MEDSEC_RECORD_LEN_MAX) {
        medsec__connection_reject(c, MEDSEC_ERR_LIMIT);
        return false;
    }
    if (!c->partial && !take_block(c)) {
        medsec__connection_reject(c, MEDSEC_ERR_MEMORY);
        return false;
    }
    memcpy(c->partial, data, len);
    c->partial_len = (uint16_t)len;
    return true;
}

/* From the list of its device first: nobody leaves mail for it then. */
static void finish(medsec__connection *c, const char *why)
{
    medsec__loop *loop = c->loop;
    if (c->identified) {
        medsec__presence_leave(loop->gateway->presence, c, why);
        medsec__command_purge(c);
        atomic_fetch_sub_explicit(&loop->counters.identified, 1, memory_order_relaxed);
    } else {
        leave_half_open(c);
    }
    medsec__acknowledge_forget(c);
    medsec__announce_forget(c);
    medsec__heart_forget(c);
    give_block_back(c);
    medsec__origin_forget(c);
    TAILQ_REMOVE(&loop->places[c->place], c, link);
    atomic_fetch_sub_explicit(&loop->counters.connections, 1, memory_order_relaxed);
    atomic_fetch_sub(&loop->gateway->connections, 1);
    medsec_session_close(&c->session);
    uv_close((uv_handle_t *)&c->tcp, on_closed);
}

void medsec__connection_close(medsec__connection *c, const char *why)
{
    medsec__connection_log(c, c->identified ? MEDSEC_LOG_INFO : MEDSEC_LOG_DEBUG, "disconnected",
                           why);
    finish(c, why);
}

void medsec__connection_reject(medsec__connection *c, medsec_status reason)
{
    medsec__count_rejected(&c->loop->counters, reason);
    medsec__connection_log(c, MEDSEC_LOG_WARN, "rejected", medsec_status_word(reason));
    finish(c, medsec_status_word(reason));
}

/* Not uv_try_write(): that may raise SIGPIPE in a program that embeds the gateway. */
bool medsec__connection_send(medsec__connection *c, const uint8_t *data, size_t len)
{
    uv_os_fd_t fd;
    if (uv_fileno((const uv_handle_t *)&c->tcp, &fd) == 0 &&
        send(fd, data, len, MSG_NOSIGNAL | MSG_DONTWAIT) == (ssize_t)len) {
        return true;
    }
    medsec__connection_reject(c, MEDSEC_ERR_IO);
    return false;
}

static const char *word_of(medsec_close_reason reason)
{
    return reason == MEDSEC_CLOSE_SUPERSEDED ? "superseded" : "gateway-stop";
}

/* Best effort: the end of the stream says as much. */
static void say_close(medsec__connection *c, medsec_close_reason reason)
{
    uint8_t out[MEDSEC_SESSION_OUT_LEN];
    size_t len = 0;
    uv_os_fd_t fd;
    if (medsec_session_goodbye(&c->session, out, &len, reason) == MEDSEC_OK &&
        uv_fileno((const uv_handle_t *)&c->tcp, &fd) == 0) {
        (void)send(fd, out, len, MSG_NOSIGNAL | MSG_DONTWAIT);
    }
}

void medsec__connection_goodbye(medsec__connection *c, medsec_close_reason reason)
{
    say_close(c, reason);
    medsec__connection_close(c, word_of(reason));
}

static void on_alloc(uv_handle_t *handle, size_t suggested, uv_buf_t *buffer);
static void on_read(uv_stream_t *stream, ssize_t n, const uv_buf_t *buffer);

/* Closed at once, what the device sent meanwhile would make the system reset the connection, and
 * take the last acknowledgement out of the device's hands. */
void medsec__connection_part(medsec__connection *c)
{
    uv_os_fd_t fd;
    say_close(c, (medsec_close_reason)c->close_reason);
    c->course = MEDSEC__LEFT;
    medsec__connection_move(c, MEDSEC__WAITING);
    if (uv_fileno((const uv_handle_t *)&c->tcp, &fd) != 0 || shutdown(fd, SHUT_WR) != 0 ||
        uv_read_start((uv_stream_t *)&c->tcp, on_alloc, on_read) != 0) {
        medsec__connection_close(c, word_of((medsec_close_reason)c->close_reason));
    }
}

void medsec__connection_leave(medsec__connection *c, medsec_close_reason reason)
{
    (void)uv_read_stop((uv_stream_t *)&c->tcp);
    c->course = MEDSEC__LEAVES;
    c->close_reason = (uint8_t)reason;
    medsec__connection_move(c, MEDSEC__LIVE);
    if (TAILQ_EMPTY(&c->batches)) {
        medsec__connection_part(c);
    }
}

static void end_of_stream(medsec__connection *c)
{
    if (c->course == MEDSEC__LEFT) {
        medsec__connection_close(c, word_of((medsec_close_reason)c->close_reason));
        return;
    }
    if (c->partial_len > 0 || !medsec_session_at_boundary(&c->session)) {
        medsec__count_rejected(&c->loop->counters, MEDSEC_ERR_CLOSED);
        medsec__connection_log(c, MEDSEC_LOG_WARN, "closed-mid-frame", "closed");
    }
    medsec__connection_close(c, c->loop->draining ? "gateway-stop" : "closed");
}

/* A device of the seed wire cannot send again what it does not get rid of. */
bool medsec__connection_pressed(const medsec__connection *c)
{
    medsec_publisher *publisher = c->loop->gateway->options.publisher;
    return publisher->ops->pressed(publisher, !medsec__is_v1(c));
}

/* Without a buffer libuv does not read: what the device sends stays in the socket, and slows it. */
static void on_alloc(uv_handle_t *handle, size_t suggested, uv_buf_t *buffer)
{
    (void)suggested;
    medsec__connection *c = handle->data;
    medsec__loop *loop = c->loop;
    bool waits = c->header || (c->course != MEDSEC__LEFT &&
                               (medsec__connection_pressed(c) || medsec__turn_must_wait(c)));
    *buffer = uv_buf_init((char *)loop->buffer + MEDSEC_RECORD_LEN_MAX,
                          waits ? 0 : MEDSEC_GATEWAY_READ_BUFFER);
}

static void pause_reading(medsec__connection *c)
{
    (void)uv_read_stop((uv_stream_t *)&c->tcp);
    medsec__count(&c->loop->counters.paused, 1);
    medsec__connection_move(c, c->identified ? MEDSEC__PAUSED : MEDSEC__HELD);
    /* The relief may have come between the look and the list. */
    if (!medsec__connection_pressed(c)) {
        medsec__connection_resume(c);
    }
}

void medsec__connection_resume(medsec__connection *c)
{
    medsec__connection_move(c, c->identified ? MEDSEC__LIVE : MEDSEC__WAITING);
    (void)uv_read_start((uv_stream_t *)&c->tcp, on_alloc, on_read);
}

/* What was kept is put in front of what came. */
static void take_bytes(medsec__connection *c, uint8_t *data, size_t len)
{
    data -= c->partial_len;
    len += c->partial_len;
    if (c->partial_len > 0) {
        memcpy(data, c->partial, c->partial_len);
    }
    c->heard = false;
    if (!medsec__events_take(c, &data, &len) || !keep_partial(c, data, len)) {
        return;
    }
    if (c->heard) { /* strangers shall not make a device wait for the next round */
        c->loop->round.reads++;
        medsec__connection_move(c, MEDSEC__LIVE);
    }
}

static void on_read(uv_stream_t *stream, ssize_t n, const uv_buf_t *buffer)
{
    medsec__connection *c = stream->data;
    if (c->header) {
        medsec__origin_read(c);
        return;
    }
    if (n == UV_ENOBUFS && medsec__turn_must_wait(c)) {
        medsec__turn_wait(c);
        return;
    }
    if (n == UV_ENOBUFS) {
        pause_reading(c);
        return;
    }
    if (n < 0) {
        end_of_stream(c);
        return;
    }
    if (n > 0 && c->course != MEDSEC__LEFT) {
        c->has_turn = false; /* one byte of a HELLO would else keep it for later */
        c->loop->quiet = false;
        take_bytes(c, (uint8_t *)buffer->base, (size_t)n);
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

static void enter_half_open(medsec__connection *c)
{
    medsec__loop *loop = c->loop;
    c->is_known = !c->header && medsec__admission_knows(loop->gateway->admission, &c->peer);
    TAILQ_INSERT_TAIL(&loop->half_open[c->is_known], c, half_open_link);
    loop->half_open_known += c->is_known;
    medsec__count(&loop->counters.half_open, 1);
}

void medsec__connection_set_peer(medsec__connection *c, const medsec__address *peer)
{
    leave_half_open(c);
    c->peer = *peer;
    enter_half_open(c);
}

void medsec__connection_open(medsec__loop *loop, int fd, const medsec__address *peer)
{
    medsec__connection *c = calloc(1, sizeof *c);
    if (!c || !medsec__origin_expect(loop->gateway, c, peer)) {
        free(c);
        medsec__count_rejected(&loop->counters, MEDSEC_ERR_MEMORY);
        atomic_fetch_sub(&loop->gateway->connections, 1);
        close(fd);
        return;
    }
    c->loop = loop;
    c->peer = *peer;
    c->since_ms = uv_now(&loop->uv);
    TAILQ_INIT(&c->batches);
    medsec_session_open(&c->session, medsec_crypto_openssl(), &loop->owner, c);
    c->place = c->header ? MEDSEC__HEADER : MEDSEC__WAITING;
    TAILQ_INSERT_TAIL(&loop->places[c->place], c, link);
    medsec__count(&loop->counters.connections, 1);
    enter_half_open(c);
    if (!attach(c, fd)) {
        close(fd);
        medsec__connection_reject(c, MEDSEC_ERR_IO);
        return;
    }
    (void)uv_read_start((uv_stream_t *)&c->tcp, on_alloc, on_read);
}

/* Those from known addresses last; but they shall not keep a new device from coming. */
static medsec__connection *next_to_give_way(const medsec__loop *loop, uint64_t allowed)
{
    const medsec__connection *stranger = TAILQ_FIRST(&loop->half_open[false]);
    const bool known = !stranger || loop->half_open_known * MEDSEC__TURNS_CYCLE >
                                        allowed * (MEDSEC__TURNS_CYCLE - 1);
    return TAILQ_FIRST(&loop->half_open[known]);
}

bool medsec__connection_evict(medsec__loop *loop, uint64_t allowed)
{
    medsec__connection *c;
    bool evicted = false;
    while (loop->counters.half_open > allowed && (c = next_to_give_way(loop, allowed))) {
        medsec__count(&loop->counters.half_open_evicted, 1);
        medsec__connection_close(c, "half-open");
        evicted = true;
    }
    return evicted;
}
