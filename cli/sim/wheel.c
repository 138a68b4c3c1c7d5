/* SPDX-License-Identifier: Apache-2.0 */
#include "wheel.h"

static void on_timer(uv_timer_t *timer);

static void arm(wheel *w, uint64_t at_ms)
{
    const uint64_t now_ms = uv_now(w->timer.loop);

    w->armed_ms = at_ms;
    uv_timer_start(&w->timer, on_timer, at_ms > now_ms ? at_ms - now_ms : 0, 0);
}

static void put(wheel *w, wheel_entry *entry)
{
    const uint64_t slot = entry->until_ms % WHEEL_SLOTS;

    LIST_INSERT_HEAD(&w->slots[slot], entry, link);
    w->occupied[slot / 64] |= (uint64_t)1 << slot % 64;
}

void wheel_set(wheel *w, wheel_entry *entry, uint64_t until_ms)
{
    wheel_clear(entry);
    entry->until_ms = until_ms > w->done_ms ? until_ms : w->done_ms + 1;
    entry->set = true;
    put(w, entry);
    if (entry->until_ms < w->armed_ms) {
        arm(w, entry->until_ms);
    }
}

void wheel_clear(wheel_entry *entry)
{
    if (entry->set) {
        LIST_REMOVE(entry, link);
        entry->set = false;
    }
}

/* Those of a later turn go back to where they were. */
static void serve(wheel *w, uint64_t slot)
{
    struct wheel_slot *entries = &w->slots[slot];
    struct wheel_slot later = LIST_HEAD_INITIALIZER(later);
    wheel_entry *entry = NULL;

    w->occupied[slot / 64] &= ~((uint64_t)1 << slot % 64);
    while ((entry = LIST_FIRST(entries)) != NULL) {
        LIST_REMOVE(entry, link);
        if (entry->until_ms > w->done_ms) {
            LIST_INSERT_HEAD(&later, entry, link);
        } else {
            entry->set = false;
            w->due(entry);
        }
    }
    while ((entry = LIST_FIRST(&later)) != NULL) {
        LIST_REMOVE(entry, link);
        put(w, entry);
    }
}

uint64_t wheel_next(const wheel *w)
{
    for (uint64_t ms = w->done_ms + 1; ms <= w->done_ms + WHEEL_SLOTS;) {
        const uint64_t slot = ms % WHEEL_SLOTS;
        const uint64_t left = w->occupied[slot / 64] >> slot % 64;
        if (left != 0) {
            return ms + (uint64_t)__builtin_ctzll(left);
        }
        ms += 64 - slot % 64;
    }
    return UINT64_MAX;
}

void wheel_pass(wheel *w, uint64_t now_ms)
{
    const uint64_t begin_ms = w->done_ms + 1;

    w->done_ms = now_ms; /* what is set from here on waits for the next time */
    for (uint64_t ms = begin_ms; ms <= now_ms && ms - begin_ms < WHEEL_SLOTS; ms++) {
        const uint64_t slot = ms % WHEEL_SLOTS;
        if ((w->occupied[slot / 64] >> slot % 64 & 1) != 0) {
            serve(w, slot);
        }
    }
}

static void on_timer(uv_timer_t *timer)
{
    wheel *w = timer->data;

    wheel_pass(w, uv_now(timer->loop));
    const uint64_t at_ms = wheel_next(w);
    w->armed_ms = UINT64_MAX;
    if (at_ms != UINT64_MAX) {
        arm(w, at_ms);
    }
}

void wheel_open(wheel *w, uv_loop_t *loop, void (*due)(wheel_entry *entry))
{
    uv_timer_init(loop, &w->timer);
    w->timer.data = w;
    w->due = due;
    w->done_ms = uv_now(loop);
    w->armed_ms = UINT64_MAX;
    for (size_t i = 0; i < WHEEL_SLOTS; i++) {
        LIST_INIT(&w->slots[i]);
    }
}

void wheel_close(wheel *w)
{
    uv_close((uv_handle_t *)&w->timer, NULL);
}
