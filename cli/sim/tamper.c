/* SPDX-License-Identifier: Apache-2.0 */
#include "tamper.h"

#include "faults.h"

#include <stdlib.h>
#include <string.h>

void tamper_open(tamper *t, const settings *set, const wire_ops *ops, uint64_t seed)
{
    *t = (tamper){.set = set, .ops = ops, .random = {seed}};
}

static void release(tamper *t)
{
    free(t->held);
    t->held = NULL;
    t->held_len = 0;
}

void tamper_reset(tamper *t)
{
    release(t);
    t->units = 0;
}

void tamper_close(tamper *t)
{
    release(t);
}

static bool is_turn(const tamper *t, uint32_t every)
{
    return every > 0 && t->units % every == 0;
}

/* What changes the bytes alone; returns their new number. */
static size_t change(tamper *t, uint8_t *unit, size_t len, bool *changed)
{
    if (t->set->garbage) {
        fault_garbage(unit, len, &t->random);
    } else if (is_turn(t, t->set->corrupt)) {
        t->ops->corrupt(unit, len, &t->random);
        *changed = true;
    }
    if (is_turn(t, t->set->truncate) && len > 1) {
        len = 1 + (size_t)(prng_next(&t->random) % (len - 1));
        *changed = true;
    }
    return len;
}

/* False: there is no memory, and the unit goes out in its place. */
static bool hold(tamper *t, const uint8_t *unit, size_t len)
{
    t->held = malloc(len);
    if (t->held == NULL) {
        return false;
    }
    memcpy(t->held, unit, len);
    t->held_len = len;
    return true;
}

static void add_copy(outbox *box, const uint8_t *unit, size_t len)
{
    uint8_t *room = outbox_room(box, len, true);

    if (room != NULL) {
        memcpy(room, unit, len);
        outbox_add(box, len);
    }
}

bool tamper_pass(tamper *t, outbox *box, uint8_t *room, size_t len)
{
    bool changed = false;

    t->units++;
    len = change(t, room, len, &changed);
    if (is_turn(t, t->set->drop_record)) {
        return true;
    }
    if (is_turn(t, t->set->reorder) && t->held == NULL && hold(t, room, len)) {
        return true;
    }
    outbox_add(box, len);
    if (is_turn(t, t->set->duplicate)) {
        add_copy(box, room, len);
        changed = true;
    }
    if (t->held != NULL) {
        add_copy(box, t->held, t->held_len);
        release(t);
    }
    return changed;
}
