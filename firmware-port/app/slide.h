/* SPDX-License-Identifier: Apache-2.0 */
#ifndef FIRMWARE_SLIDE_H
#define FIRMWARE_SLIDE_H

#include "board.h"

/* The slide switch, whose contacts bounce: a position counts when it has lasted. */
#define SLIDE_SETTLE_MS 50u

typedef struct slide {
    const board *board;
    bool work; /* the position that counts; configuration otherwise */
    bool seen; /* the last one looked at */
    uint64_t since_ms; /* it was seen first */
} slide;

/* Takes the position that it finds. */
void slide_start(slide *slide, const board *board, uint64_t now_ms);
/* Looks again; gives when to call again at the latest. */
uint64_t slide_poll(slide *slide, uint64_t now_ms);

#endif
