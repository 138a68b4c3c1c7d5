/* SPDX-License-Identifier: Apache-2.0 */
#ifndef MEDSEC_SIM_OUTBOX_H
#define MEDSEC_SIM_OUTBOX_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define OUTBOX_UNITS_MAX 128u

/*
 * The bytes that a device wants to send: whole units, frames or records, bounded. What the peer
 * does not take stays here, and when it is full there is no room for another: no memory grows
 * behind a peer that does not read.
 */
typedef struct outbox {
    uint8_t *data;
    size_t cap;
    size_t at; /* sent up to here */
    size_t len; /* written up to here */
    uint32_t end[OUTBOX_UNITS_MAX]; /* of each unit that is not sent */
    uint32_t units;
} outbox;

/* Room for `units` of the longest kind. False: no memory. */
bool outbox_open(outbox *box, size_t units, size_t unit_max);
void outbox_close(outbox *box);

/* Where the next `len` bytes may be written, or NULL when they might not fit. Moves what is left to
 * the front, unless `pinned`: the kernel reads from it. */
uint8_t *outbox_room(outbox *box, size_t len, bool pinned);
/* What stands there now is a unit. */
void outbox_add(outbox *box, size_t len);

/* `len` bytes went out: how many units ended in them. */
uint32_t outbox_took(outbox *box, size_t len);
/* Forgets what did not go out: how many units. */
uint32_t outbox_clear(outbox *box);

size_t outbox_pending(const outbox *box);

#endif
