/* SPDX-License-Identifier: Apache-2.0 */
#ifndef MEDSEC_SIM_WHEEL_H
#define MEDSEC_SIM_WHEEL_H

#include <uv.h>

#include <stdbool.h>
#include <stdint.h>
#include <sys/queue.h>

/*
 * Thousands of times at which something is due, to the millisecond of the loop's clock: a hashed
 * timing wheel (G. Varghese, T. Lauck, "Hashed and hierarchical timing wheels", SOSP 1987, scheme
 * 6) behind one timer of the loop. Setting one takes the same few steps however many there are,
 * where the loop's heap of timers costs a third of what a simulated device does.
 */
#define WHEEL_SLOTS 4096u /* milliseconds in a turn; what is due later is passed by until then */

typedef struct wheel_entry {
    LIST_ENTRY(wheel_entry) link;
    uint64_t until_ms;
    bool set;
} wheel_entry;

LIST_HEAD(wheel_slot, wheel_entry);

typedef struct wheel {
    uv_timer_t timer;
    void (*due)(wheel_entry *entry); /* it is not set then; may set or clear any */
    uint64_t done_ms; /* what was due until here has been */
    uint64_t armed_ms; /* when the timer fires; UINT64_MAX: never */
    struct wheel_slot slots[WHEEL_SLOTS];
    uint64_t occupied[WHEEL_SLOTS / 64]; /* a bit a slot, which may be out of date if it is 1 */
} wheel;

void wheel_open(wheel *w, uv_loop_t *loop, void (*due)(wheel_entry *entry));
/* Nothing is due any more. */
void wheel_close(wheel *w);

/* Due once, at `until_ms`, or as soon as the loop comes round to it if that is past. */
void wheel_set(wheel *w, wheel_entry *entry, uint64_t until_ms);
void wheel_clear(wheel_entry *entry);

/* For its timer, and for tests: all that is due until now; when to look again, UINT64_MAX: never.
 */
void wheel_pass(wheel *w, uint64_t now_ms);
uint64_t wheel_next(const wheel *w);

#endif
