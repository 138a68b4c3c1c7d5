/* SPDX-License-Identifier: Apache-2.0 */
#include "mosquitto_parts.h"

#include <stdlib.h>

#define SECOND_MS 1000u
#define GOODBYE_MS 500u /* for the last packets to leave */

/* What woke the loop is done when it waits the next time. */
static void on_wake(uv_async_t *async)
{
    (void)async;
}

static void before_wait(uv_prepare_t *prepare)
{
    mosq *p = prepare->data;
    if (p->is_due) {
        medsec__mosq_flush(p);
    }
}

void medsec__mosq_call(medsec__mqtt_client *client)
{
    mosq *p = (mosq *)client;
    const uv_thread_t here = uv_thread_self(), home = p->home;
    if (p->is_due || !p->attached) {
        return;
    }
    p->is_due = true;
    if (!uv_thread_equal(&here, &home)) {
        (void)uv_async_send(&p->wake);
    }
}

static void on_work(uv_work_t *work)
{
    medsec__mosq_dial(work->data);
}

/* Detached meanwhile: nobody wants it any more. */
static void drop(mosq *p)
{
    if (p->dial.handle) {
        mosquitto_destroy(p->dial.handle);
    }
    medsec__tls_destroy(p->dial.tls);
    p->state = MOSQ_AWAY;
}

static void on_dialled(uv_work_t *work, int status)
{
    mosq *p = work->data;
    (void)status; /* cancelled: nothing was made */
    p->is_working = false;
    if (p->loop) {
        medsec__mosq_greet(p);
    } else {
        drop(p);
    }
}

static void dial(mosq *p)
{
    p->dial = (mosq_dial){.attempt = p->attempt,
                          .unanswered = p->unanswered,
                          .version = p->version,
                          .failure = medsec__status_failure(MEDSEC_ERR_MEMORY)};
    p->state = MOSQ_DIALLING;
    p->is_working = uv_queue_work(p->loop, &p->work, on_work, on_dialled) == 0;
    if (!p->is_working) {
        medsec__mosq_greet(p);
    }
}

static void on_retry(uv_timer_t *timer)
{
    mosq *p = timer->data;
    p->home = uv_thread_self();
    if (p->state == MOSQ_AWAY) {
        dial(p);
    } else {
        medsec__mosq_go_on(p);
    }
}

void medsec__mosq_retry(mosq *p, uint32_t wait_ms)
{
    (void)uv_timer_start(&p->retry, on_retry, wait_ms, 0);
}

static void on_second(uv_timer_t *timer)
{
    medsec__mosq_tick(timer->data);
}

static void on_poll(uv_poll_t *poll, int status, int events)
{
    medsec__mosq_turn(poll->data, events, status < 0);
}

static void free_poll(uv_handle_t *handle)
{
    free(handle);
}

static bool open_poll(mosq *p)
{
    uv_poll_t *poll = calloc(1, sizeof *poll);
    if (!poll || uv_poll_init(p->loop, poll, mosquitto_socket(p->handle)) != 0) {
        free(poll);
        return false;
    }
    poll->data = p;
    p->poll = poll;
    p->polled = 0;
    return true;
}

bool medsec__mosq_watch(mosq *p, int events)
{
    if (!p->poll && !open_poll(p)) {
        return false;
    }
    if (events == p->polled) {
        return true;
    }
    p->polled = events;
    return uv_poll_start(p->poll, events, on_poll) == 0;
}

void medsec__mosq_unwatch(mosq *p)
{
    if (p->poll) {
        uv_close((uv_handle_t *)p->poll, free_poll);
        p->poll = NULL;
    }
}

medsec_status medsec__mosq_attach(mosq *p, uv_loop_t *loop)
{
    if (uv_async_init(loop, &p->wake, on_wake) != 0) {
        return MEDSEC_ERR_MEMORY;
    }
    (void)uv_prepare_init(loop, &p->flush);
    (void)uv_prepare_start(&p->flush, before_wait);
    (void)uv_timer_init(loop, &p->retry);
    (void)uv_timer_init(loop, &p->second);
    p->wake.data = p->flush.data = p->retry.data = p->second.data = p->work.data = p;
    p->loop = loop;
    (void)uv_timer_start(&p->second, on_second, SECOND_MS, SECOND_MS);
    medsec__mosq_retry(p, 0);
    uv_mutex_lock(&p->base.lock);
    p->attached = true;
    uv_mutex_unlock(&p->base.lock);
    return MEDSEC_OK;
}

void medsec__mosq_detach(mosq *p)
{
    uv_mutex_lock(&p->base.lock);
    p->attached = false;
    p->is_due = true;
    uv_mutex_unlock(&p->base.lock);
    if (p->is_working) {
        (void)uv_cancel((uv_req_t *)&p->work);
    }
    medsec__mosq_unwatch(p);
    uv_close((uv_handle_t *)&p->wake, NULL);
    uv_close((uv_handle_t *)&p->flush, NULL);
    uv_close((uv_handle_t *)&p->retry, NULL);
    uv_close((uv_handle_t *)&p->second, NULL);
    p->loop = NULL;
}

static void on_deadline(uv_timer_t *timer)
{
    mosq *p = timer->data;
    if (p->overdue) {
        uv_stop(p->loop);
        return;
    }
    p->overdue = true;
    (void)uv_timer_start(timer, on_deadline, GOODBYE_MS, 0);
    medsec__mosq_progress(p);
}

void medsec__mosq_progress(mosq *p)
{
    if (!p->draining) {
        return;
    }
    uv_mutex_lock(&p->base.lock);
    const bool empty = p->base.queue.count == 0;
    uv_mutex_unlock(&p->base.lock);
    if ((empty || p->overdue) && !medsec__mosq_say_goodbye(p)) {
        medsec__mosq_hang_up(p); /* before the loop looks at a socket that is closed */
        uv_stop(p->loop);
    }
}

static void run(mosq *p, uv_loop_t *loop, uint32_t timeout_ms)
{
    p->draining = true;
    p->deadline.data = p;
    (void)uv_timer_init(loop, &p->deadline);
    (void)uv_timer_start(&p->deadline, on_deadline, timeout_ms, 0);
    (void)uv_run(loop, UV_RUN_DEFAULT);
    p->draining = false;
    medsec__mosq_hang_up(p);
    medsec__mosq_detach(p);
    uv_close((uv_handle_t *)&p->deadline, NULL);
    (void)uv_run(loop, UV_RUN_DEFAULT);
}

/* Where no loop is to be had, out of descriptors say, what is queued stays; so it does where there
 * is no time to connect, since a look-up in the DNS ends when it ends. */
void medsec__mosq_drain(mosq *p, uint32_t timeout_ms)
{
    uv_loop_t loop;
    const bool useless = timeout_ms == 0 && p->state == MOSQ_AWAY;
    if (!useless && uv_loop_init(&loop) == 0) {
        if (medsec__mosq_attach(p, &loop) == MEDSEC_OK) {
            run(p, &loop, timeout_ms);
        }
        (void)uv_loop_close(&loop);
    }
    medsec__mosq_hang_up(p);
}
