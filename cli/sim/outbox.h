/* SPDX-License-Identifier: Apache-2.0 */
#ifndef MEDSEC_SIM_OUTBOX_H
#define MEDSEC_SIM_OUTBOX_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define OUTBOX_FRAMES_MAX 128u

/*
 * The bytes that a device wants to send: whole frames, bounded. What the peer does not take stays
 * here, and when it is full a reading is skipped: no memory grows behind a peer that does not read.
 */
typedef struct outbox {
    char *data;
    size_t cap;
    size_t at; /* sent up to here */
    size_t len; /* written up to here */
    uint32_t end[OUTBOX_FRAMES_MAX]; /* of each frame that is not sent */
    uint32_t frames;
    bool shared; /* data is a recording and belongs to somebody else */
} outbox;

/* Room for `frames` frames of the longest kind. False: no memory. */
bool outbox_open(outbox *box, size_t frames, size_t frame_max);
/* Gives the box a recording to send instead. */
void outbox_replay(outbox *box, char *data, size_t len);
void outbox_close(outbox *box);

/* Where the next frame may be written, or NULL when it might not fit. Moves what is left to the
 * front, unless `pinned`: the kernel reads from it. */
char *outbox_room(outbox *box, size_t frame_max, bool pinned);
void outbox_add(outbox *box, size_t len);

/* `len` bytes went out: how many frames ended in them. */
uint32_t outbox_took(outbox *box, size_t len);
/* Forgets what did not go out: how many frames. */
uint32_t outbox_clear(outbox *box);

size_t outbox_pending(const outbox *box);

#endif
