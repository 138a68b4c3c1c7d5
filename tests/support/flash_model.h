/* SPDX-License-Identifier: Apache-2.0 */
#ifndef MEDSEC_TESTS_FLASH_MODEL_H
#define MEDSEC_TESTS_FLASH_MODEL_H

#include "board.h"

/*
 * A flash memory that follows its data sheet: sectors are erased to ones, programming only makes
 * zeros of them. Power fails at any operation, and leaves it in one of the ways below; after that
 * nothing changes any more, and all operations fail, until power is back.
 */
typedef enum flash_tear {
    TEAR_NOTHING, /* none of the operation was done */
    TEAR_HALF, /* the first half of its bytes */
    TEAR_BITS, /* some bits of all its bytes */
    TEAR_ALL, /* the whole of it, but nobody was told */
    TEARS
} flash_tear;

typedef struct flash_model {
    uint8_t *bytes;
    unsigned steps; /* sectors erased and pages programmed */
    unsigned erased; /* the sectors of them */
    unsigned cut_at; /* power fails at that step, counted from 1; 0: never */
    flash_tear tear;
    bool dead; /* it has failed */
    bool worn; /* nothing can be programmed any more: it says so */
    bool lies; /* the same, and it says otherwise */
    bool keeps; /* nothing is erased any more, and it says otherwise */
    uint64_t random;
} flash_model;

/* Erased; of the whole of a board's flash. */
void flash_model_open(flash_model *model);
void flash_model_close(flash_model *model);
/* All erased again, as new. */
void flash_model_renew(flash_model *model);
/* Power comes back; `cut_at` counts from here. */
void flash_model_power(flash_model *model, unsigned cut_at, flash_tear tear);
/* A board of this flash and nothing else. */
void flash_model_board(flash_model *model, board *table);

/* As the board's functions; `context` is the model. */
bool flash_model_erase(void *context, uint32_t offset);
bool flash_model_program(void *context, uint32_t offset, const uint8_t *data, size_t len);

/* Whether these bytes are anywhere in the part that holds data. */
bool flash_model_holds(const flash_model *model, const void *bytes, size_t len);
/* Whether all of that part is erased. */
bool flash_model_is_empty(const flash_model *model);

#endif
