/* SPDX-License-Identifier: Apache-2.0 */
#include "acknowledge.h"
#include "announce.h"
#include "command.h"
#include "drain.h"
#include "emit.h"
#include "identify.h"
#include "internal.h"
#include "listener.h"
#include "origin.h"
#include "turn.h"

#include <errno.h>
#include <sodium.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#define TICK_MIN_MS 10u
#define TICK_MAX_MS 1000u

static void expire_one(medsec__connection *c, medsec__place place)
{
    if (place == MEDSEC__HEADER) {
        medsec__origin_refuse(c, MEDSEC_ERR_TIMEOUT);
    } else if (place == MEDSEC__QUEUED || place == MEDSEC__RETURNED) {
        medsec__connection_reject(c, MEDSEC_ERR_BUSY);
    } else if (place == MEDSEC__WAITING && c->course == MEDSEC__STAYS) {
        medsec__connection_reject(c, MEDSEC_ERR_TIMEOUT);
    } else {
        medsec__connection_close(c, "idle-timeout");
    }
}

/* Closes those of a list that did nothing for too long; the list is in the order of time. */
static void expire(medsec__loop *loop, medsec__place place, uint32_t timeout_ms)
{
    uint64_t now = uv_now(&loop->uv);
    medsec__connection *c;
    while ((c = TAILQ_FIRST(&loop->places[place])) && now - c->since_ms >= timeout_ms) {
        expire_one(c, place);
    }
}

/* True when all that the peer sent was read, and no more will come. */
static bool peer_is_gone(const medsec__connection *c)
{
    uv_os_fd_t fd;
    char byte;
    if (uv_fileno((const uv_handle_t *)&c->tcp, &fd) != 0) {
        return true;
    }
    ssize_t n = recv(fd, &byte, 1, MSG_PEEK | MSG_DONTWAIT);
    return n == 0 || (n < 0 && errno != EAGAIN && errno != EINTR);
}

/* Where reading is stopped libuv does not see the end of a stream: those who left would hold their
 * places for as long as the broker is away. */
static void expire_paused(medsec__loop *loop, medsec__place place)
{
    medsec__connection *next;
    for (medsec__connection *c = TAILQ_FIRST(&loop->places[place]); c; c = next) {
        next = TAILQ_NEXT(c, link);
        if (peer_is_gone(c)) {
            medsec__connection_close(c, "closed");
        }
    }
}

/* Reads on from those who waited longest, as many as `room` says; gives what is left of it. */
static unsigned resume_list(medsec__loop *loop, medsec__place place, const bool pressed[2],
                            unsigned room)
{
    medsec__connection *next;
    for (medsec__connection *c = TAILQ_FIRST(&loop->places[place]); c && room > 0; c = next) {
        next = TAILQ_NEXT(c, link);
        if (!pressed[!medsec__is_v1(c)]) {
            medsec__connection_resume(c);
            room--;
        }
    }
    return room;
}

bool medsec__loop_resume(medsec__loop *loop)
{
    medsec_publisher *publisher = loop->gateway->options.publisher;
    const bool pressed[2] = {publisher->ops->pressed(publisher, false),
                             publisher->ops->pressed(publisher, true)};
    unsigned room = pressed[0] && pressed[1] ? 0 : MEDSEC__RESUMED_AT_ONCE;
    room = resume_list(loop, MEDSEC__PAUSED, pressed, room);
    return resume_list(loop, MEDSEC__HELD, pressed, room) < MEDSEC__RESUMED_AT_ONCE;
}

bool medsec__loop_is_any_paused(const medsec__loop *loop)
{
    return !TAILQ_EMPTY(&loop->places[MEDSEC__PAUSED]) || !TAILQ_EMPTY(&loop->places[MEDSEC__HELD]);
}

void medsec__loop_hear(medsec__loop *loop)
{
    medsec__acknowledge_run(loop);
    medsec__command_run(loop);
}

medsec_status medsec__loop_attach(medsec__loop *loop)
{
    medsec_publisher *publisher = loop->gateway->options.publisher;
    medsec_status status = MEDSEC_OK;
    if (publisher->ops->attach) {
        status = publisher->ops->attach(publisher, &loop->uv, loop->ledger.number,
                                        loop->gateway->options.threads);
    }
    loop->attached = status == MEDSEC_OK;
    return status;
}

void medsec__loop_detach(medsec__loop *loop)
{
    medsec_publisher *publisher = loop->gateway->options.publisher;
    if (loop->attached && publisher->ops->detach) {
        publisher->ops->detach(publisher, loop->ledger.number, loop->gateway->options.threads);
    }
    loop->attached = false;
}

static void on_tick(uv_timer_t *timer)
{
    medsec__loop *loop = timer->data;
    const medsec_gateway_options *o = &loop->gateway->options;
    atomic_store(&loop->turned_ms, uv_now(&loop->uv));
    expire(loop, MEDSEC__HEADER, medsec__origin_timeout_ms(o));
    expire(loop, MEDSEC__WAITING, o->identify_timeout_ms);
    expire(loop, MEDSEC__QUEUED, o->identify_timeout_ms);
    expire(loop, MEDSEC__RETURNED, o->identify_timeout_ms);
    expire_paused(loop, MEDSEC__QUEUED);
    expire_paused(loop, MEDSEC__RETURNED);
    expire(loop, MEDSEC__LIVE, o->idle_timeout_ms);
    expire_paused(loop, MEDSEC__PAUSED);
    expire_paused(loop, MEDSEC__HELD);
    medsec__listener_retry(loop);
}

static uint64_t tick_ms(const medsec_gateway_options *o)
{
    uint32_t shorter =
        o->identify_timeout_ms < o->idle_timeout_ms ? o->identify_timeout_ms : o->idle_timeout_ms;
    uint32_t ms = shorter / 8;
    return ms < TICK_MIN_MS ? TICK_MIN_MS : ms > TICK_MAX_MS ? TICK_MAX_MS : ms;
}

/* The others in the next round. */
static void hear_relieved(medsec__loop *loop)
{
    if (medsec__loop_resume(loop) && medsec__loop_is_any_paused(loop)) {
        atomic_store(&loop->told_relieved, true);
        (void)uv_async_send(&loop->wake);
    }
}

/* What a publisher tells from its own thread, or from this one. */
static void hear_publisher(medsec__loop *loop)
{
    if (atomic_exchange(&loop->told_relieved, false)) {
        hear_relieved(loop);
    }
    if (atomic_exchange(&loop->told_linked, false)) {
        medsec__announce_again(loop);
    }
    medsec__loop_hear(loop);
}

/* The directory may be newer than the count, never older. */
static void hear_directory(medsec__loop *loop)
{
    if (atomic_exchange(&loop->told_directory, false)) {
        const uint64_t reloads = loop->gateway->reloads;
        medsec__identify_renew(loop);
        atomic_store(&loop->reloads, reloads);
    }
}

static void on_wake(uv_async_t *async)
{
    medsec__loop *loop = async->data;
    hear_directory(loop);
    hear_publisher(loop);
    if (atomic_load(&loop->told_stop)) {
        medsec__drain_begin(loop);
    }
}

static bool is_hurried(const medsec__loop *loop)
{
    medsec_publisher *publisher = loop->gateway->options.publisher;
    return loop->draining ||
           (publisher->ops->hurried && publisher->ops->hurried(publisher, loop->ledger.number,
                                                               loop->gateway->options.threads));
}

static void rest(medsec__loop *loop)
{
    const uint64_t now_ns = uv_hrtime(), pause_ns = medsec__round_end(&loop->round, now_ns);
    if (pause_ns == 0 || is_hurried(loop)) {
        medsec__round_begin(&loop->round, now_ns);
        return;
    }
    const struct timespec pause = {.tv_nsec = (long)pause_ns};
    (void)nanosleep(&pause, NULL);
    medsec__round_begin(&loop->round, now_ns + pause_ns);
    uv_update_time(&loop->uv);
}

static void before_wait(uv_prepare_t *prepare)
{
    medsec__loop *loop = prepare->data;
    if (loop->is_stirred) {
        const uint64_t before = loop->counters.messages;
        loop->is_stirred = false;
        hear_publisher(loop);
        if (loop->counters.messages != before) {
            /* A publisher in this loop has had its turn, and has another one after the wait. */
            (void)uv_async_send(&loop->wake);
        }
    }
    rest(loop);
}

static medsec_status open_handles(medsec__loop *loop)
{
    const uint64_t tick = tick_ms(&loop->gateway->options);
    loop->wake.data = loop;
    loop->tick.data = loop;
    if (uv_async_init(&loop->uv, &loop->wake, on_wake) != 0 ||
        medsec__announce_open(loop) != MEDSEC_OK || medsec__turn_open(loop) != MEDSEC_OK) {
        return MEDSEC_ERR_MEMORY;
    }
    loop->before_wait.data = loop;
    (void)uv_prepare_init(&loop->uv, &loop->before_wait);
    (void)uv_prepare_start(&loop->before_wait, before_wait);
    (void)uv_timer_init(&loop->uv, &loop->tick);
    if (uv_timer_start(&loop->tick, on_tick, tick, tick) != 0 ||
        uv_poll_init(&loop->uv, &loop->listener, loop->listen_fd) != 0) {
        return MEDSEC_ERR_MEMORY;
    }
    return medsec__listener_start(loop);
}

static void fill_random(void *context, uint8_t *out, size_t len)
{
    (void)context;
    randombytes_buf(out, len);
}

static uint64_t utc_ms(void *context)
{
    (void)context;
    return medsec__emit_now_ms();
}

static uint64_t steady_ms(void *context)
{
    const medsec__connection *c = context;
    return uv_now(&c->loop->uv);
}

medsec_status medsec__loop_open(medsec__loop *loop)
{
    static const uint8_t no_key[MEDSEC_AES128_KEY_LEN];
    for (unsigned i = 0; i < MEDSEC__PLACES; i++) {
        TAILQ_INIT(&loop->places[i]);
    }
    TAILQ_INIT(&loop->half_open[false]);
    TAILQ_INIT(&loop->half_open[true]);
    TAILQ_INIT(&loop->due);
    medsec_status status = medsec__mailbox_open(&loop->mailbox);
    if (status != MEDSEC_OK) {
        return status;
    }
    status = medsec_aes_cbc_open(&loop->scratch, medsec_crypto_openssl(), MEDSEC_DECRYPT, no_key);
    if (status != MEDSEC_OK) {
        medsec__mailbox_close(&loop->mailbox);
        return status;
    }
    if (uv_loop_init(&loop->uv) != 0) {
        medsec__mailbox_close(&loop->mailbox);
        medsec_aes_cbc_close(&loop->scratch);
        return MEDSEC_ERR_MEMORY;
    }
    loop->uv.data = loop;
    loop->owner = (medsec_session_owner){.identify = medsec__identify,
                                         .find = medsec__identify_public,
                                         .random = fill_random,
                                         .utc_ms = utc_ms,
                                         .steady_ms = steady_ms};
    medsec__identify_use(loop, medsec__watch_directory(loop->gateway));
    status = open_handles(loop);
    if (status != MEDSEC_OK) {
        medsec__loop_abandon(loop);
    }
    return status;
}

static _Thread_local const medsec__loop *own; /* that this thread runs */

bool medsec__loop_is_own(const medsec__loop *loop)
{
    return loop == own;
}

static void run(void *context)
{
    medsec__loop *loop = context;
    own = loop;
    atomic_store(&loop->turned_ms, uv_hrtime() / 1000000);
    (void)uv_run(&loop->uv, UV_RUN_DEFAULT);
    atomic_store(&loop->turned_ms, 0);
}

medsec_status medsec__loop_run(medsec__loop *loop)
{
    return uv_thread_create(&loop->thread, run, loop) == 0 ? MEDSEC_OK : MEDSEC_ERR_MEMORY;
}

static void close_handle(uv_handle_t *handle, void *context)
{
    (void)context;
    if (!uv_is_closing(handle)) {
        uv_close(handle, NULL);
    }
}

void medsec__loop_abandon(medsec__loop *loop)
{
    medsec__loop_detach(loop);
    uv_walk(&loop->uv, close_handle, NULL);
    (void)uv_run(&loop->uv, UV_RUN_DEFAULT);
    medsec__loop_close(loop);
}

static void free_blocks(medsec__loop *loop)
{
    medsec__block *next;
    for (medsec__block *block = loop->blocks; block; block = next) {
        next = block->next;
        free(block);
    }
    loop->blocks = NULL;
}

void medsec__loop_close(medsec__loop *loop)
{
    (void)uv_loop_close(&loop->uv);
    medsec__mailbox_close(&loop->mailbox);
    free_blocks(loop);
    sodium_memzero(loop->buffer, sizeof loop->buffer); /* vitals, as those */
    sodium_memzero(loop->batch_text, sizeof loop->batch_text);
    medsec_aes_cbc_close(&loop->scratch);
    medsec_directory_unref(loop->directory);
    loop->directory = NULL;
}
