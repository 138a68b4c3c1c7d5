/* SPDX-License-Identifier: Apache-2.0 */
#include "drain.h"

#include "internal.h"
#include "listener.h"

#include <sys/socket.h>

static void close_all(medsec__loop *loop)
{
    for (unsigned i = 0; i < MEDSEC__PLACES; i++) {
        while (!TAILQ_EMPTY(&loop->places[i])) {
            medsec__connection_goodbye(TAILQ_FIRST(&loop->places[i]), MEDSEC_CLOSE_RESTART);
        }
    }
}

static bool is_empty(const medsec__loop *loop)
{
    for (unsigned i = 0; i < MEDSEC__PLACES; i++) {
        if (!TAILQ_EMPTY(&loop->places[i])) {
            return false;
        }
    }
    return true;
}

/* Somebody waits for an acknowledgement, or to close. */
static bool is_any_leaving(const medsec__loop *loop)
{
    const medsec__connection *c;
    TAILQ_FOREACH(c, &loop->places[MEDSEC__LIVE], link)
    {
        if (c->course == MEDSEC__LEAVES) {
            return true;
        }
    }
    TAILQ_FOREACH(c, &loop->places[MEDSEC__WAITING], link)
    {
        if (c->course == MEDSEC__LEFT) {
            return true;
        }
    }
    return false;
}

static void drain(medsec__loop *loop)
{
    medsec__loop_hear(loop); /* nobody is woken any more */
    if (medsec__loop_is_any_paused(loop) && medsec__loop_resume(loop)) {
        loop->quiet = false;
    }
    bool done = (loop->quiet && !is_any_leaving(loop)) || is_empty(loop) ||
                ++loop->drain_looks >= MEDSEC__DRAIN_LOOKS;
    loop->quiet = true;
    if (done) {
        close_all(loop);
        loop->drained = true;
        atomic_fetch_sub(&loop->gateway->undrained, 1);
        uv_timer_set_repeat(&loop->tick, MEDSEC__DRAIN_WAIT_MS);
    }
}

/* A loop that publishes may need what the publisher has in another one: all go together. */
static void on_tick(uv_timer_t *timer)
{
    medsec__loop *loop = timer->data;
    atomic_store(&loop->turned_ms, uv_now(&loop->uv));
    if (!loop->drained) {
        drain(loop);
        return;
    }
    medsec__loop_hear(loop);
    if (atomic_load(&loop->gateway->undrained) > 0) {
        return;
    }
    medsec__loop_detach(loop);
    uv_close((uv_handle_t *)&loop->tick, NULL);
    uv_close((uv_handle_t *)&loop->before_wait, NULL);
    uv_close((uv_handle_t *)&loop->announce, NULL);
    uv_close((uv_handle_t *)&loop->turn, NULL);
    uv_close((uv_handle_t *)&loop->wake, NULL);
}

/* A seed device that is told the end of the stream stops sending, and closes in its turn; another
 * one keeps what is not acknowledged, so that nothing more needs to be read from it. */
static void say_end(medsec__connection *c)
{
    uv_os_fd_t fd;
    if (medsec__is_v1(c)) {
        medsec__connection_leave(c, MEDSEC_CLOSE_RESTART);
    } else if (uv_fileno((uv_handle_t *)&c->tcp, &fd) == 0) {
        (void)shutdown(fd, SHUT_WR);
    }
}

static void say_end_to_all(medsec__loop *loop)
{
    struct medsec__connections all = TAILQ_HEAD_INITIALIZER(all);
    for (unsigned i = 0; i < MEDSEC__PLACES; i++) {
        TAILQ_CONCAT(&all, &loop->places[i], link);
        while (!TAILQ_EMPTY(&all)) {
            medsec__connection *c = TAILQ_FIRST(&all);
            TAILQ_REMOVE(&all, c, link);
            TAILQ_INSERT_TAIL(&loop->places[i], c, link);
            if (c->course == MEDSEC__STAYS) {
                say_end(c);
            }
        }
    }
}

void medsec__drain_begin(medsec__loop *loop)
{
    if (loop->draining) {
        return;
    }
    medsec__listener_stop(loop);
    loop->draining = true;
    loop->quiet = false;
    uv_update_time(&loop->uv);
    (void)uv_timer_stop(&loop->announce);
    say_end_to_all(loop);
    (void)uv_timer_start(&loop->tick, on_tick, MEDSEC__DRAIN_QUIET_MS, MEDSEC__DRAIN_QUIET_MS);
}
