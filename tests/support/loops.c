/* SPDX-License-Identifier: Apache-2.0 */
#include "loops.h"

#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <uv.h>

typedef struct one {
    loops *all;
    uv_loop_t uv;
    uv_thread_t thread;
    uv_async_t wake;
    uv_sem_t done;
    atomic_bool stop;
    void (*_Atomic task)(void *context);
    void *context;
} one;

struct loops {
    medsec_publisher *publisher;
    uint32_t count;
    loops *next;
    one loops[LOOPS_MAX];
};

/* Loops are not closed before the process ends: libuv ends their descriptors where ThreadSanitizer
 * does not see it, and takes the same number in another thread for a race. */
static loops *ended;

static void must(int rc)
{
    if (rc != 0) {
        fprintf(stderr, "libuv: %s\n", uv_strerror(rc));
        abort();
    }
}

static void on_wake(uv_async_t *async)
{
    one *o = async->data;
    const medsec_publisher *p = o->all->publisher;
    void (*task)(void *context) = atomic_exchange(&o->task, NULL);
    if (task) {
        task(o->context);
        uv_sem_post(&o->done);
    }
    if (atomic_load(&o->stop)) {
        if (p->ops->detach)
            p->ops->detach(o->all->publisher, (uint32_t)(o - o->all->loops), o->all->count);
        uv_close((uv_handle_t *)async, NULL);
    }
}

static void run(void *context)
{
    one *o = context;
    (void)uv_run(&o->uv, UV_RUN_DEFAULT);
}

static void open_one(loops *all, uint32_t i)
{
    one *o = &all->loops[i];
    const medsec_publisher *p = all->publisher;
    o->all = all;
    must(uv_loop_init(&o->uv));
    must(uv_sem_init(&o->done, 0));
    must(uv_async_init(&o->uv, &o->wake, on_wake));
    o->wake.data = o;
    if (p->ops->attach && p->ops->attach(all->publisher, &o->uv, i, all->count) != MEDSEC_OK)
        abort();
}

loops *loops_start(medsec_publisher *publisher, uint32_t count)
{
    loops *all = calloc(1, sizeof *all);
    if (!all)
        abort();
    all->publisher = publisher;
    all->count = count;
    for (uint32_t i = 0; i < count; i++)
        open_one(all, i);
    for (uint32_t i = 0; i < count; i++)
        must(uv_thread_create(&all->loops[i].thread, run, &all->loops[i]));
    return all;
}

void loops_run(loops *all, uint32_t index, void (*task)(void *context), void *context)
{
    one *o = &all->loops[index];
    o->context = context;
    atomic_store(&o->task, task);
    must(uv_async_send(&o->wake));
    uv_sem_wait(&o->done);
}

static void refuse_handle(uv_handle_t *handle, void *context)
{
    (void)handle;
    (void)context;
    must(UV_EBUSY);
}

void loops_stop(loops *all)
{
    for (uint32_t i = 0; i < all->count; i++) {
        atomic_store(&all->loops[i].stop, true);
        must(uv_async_send(&all->loops[i].wake));
    }
    for (uint32_t i = 0; i < all->count; i++) {
        must(uv_thread_join(&all->loops[i].thread));
        uv_walk(&all->loops[i].uv, refuse_handle, NULL);
        uv_sem_destroy(&all->loops[i].done);
    }
    all->next = ended;
    ended = all;
}
