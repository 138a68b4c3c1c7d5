/* SPDX-License-Identifier: Apache-2.0 */
#ifndef MEDSEC_SIM_TAMPER_H
#define MEDSEC_SIM_TAMPER_H

#include "outbox.h"
#include "wire.h"

/*
 * What an attacker on the path does to the units of one device, between the device and its socket.
 * Each option says N: it acts on every N-th unit of a connection; on medsec/1 the first is a HELLO.
 */
typedef struct tamper {
    const settings *set;
    const wire_ops *ops;
    prng random;
    uint64_t units; /* on this connection */
    uint8_t *held; /* one that is to come after the next */
    size_t held_len;
} tamper;

#define TAMPER_UNITS 3u /* places in the outbox that one unit may take */

void tamper_open(tamper *t, const settings *set, const wire_ops *ops, uint64_t seed);
void tamper_close(tamper *t);

/* Puts the unit of `len` bytes, which stands at `room`, into the box as it is to go out. True: not
 * as it was given. */
bool tamper_pass(tamper *t, outbox *box, uint8_t *room, size_t len);

/* The connection has ended. */
void tamper_reset(tamper *t);

#endif
