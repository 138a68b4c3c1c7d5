/* SPDX-License-Identifier: Apache-2.0 */
#ifndef MEDSEC_TESTS_VIRTUAL_BOARD_H
#define MEDSEC_TESTS_VIRTUAL_BOARD_H

#include "chip_ds18b20.h"
#include "chip_mpu6050.h"
#include "flash_model.h"

#include "board.h"

/*
 * A board whose time passes only when the firmware waits or talks to a chip, and which fails the
 * test when the firmware does what board.h forbids. The ticker runs when its time comes, in the
 * middle of a wait too, and late when interrupts are off then.
 */
typedef struct virtual_board {
    board table; /* what the firmware gets */
    uint64_t now_us; /* all times here count on over restarts */
    uint64_t started_us; /* the firmware's time begins then */

    chip_mpu6050 mpu6050;
    chip_ds18b20 ds18b20;
    uint16_t (*pulse)(void *context, uint64_t at_us); /* as converted; NULL: always 0 */
    void *pulse_context;
    uint16_t chip_level; /* of the converter's temperature channel */

    bool work; /* the slide switch */
    bool led;
    uint8_t (*random)(void *context); /* noise; NULL: a generator that is the same each time */
    void *random_context;
    uint64_t random_state;

    /* The other end of the UART: bytes of it and to it; NULL: nobody. */
    size_t (*uart_read)(void *context, uint8_t *out, size_t cap);
    size_t (*uart_write)(void *context, const uint8_t *data, size_t len);
    void *uart_context;
    /* When the first byte comes after that moment: it ends a sleep. NULL: never. */
    uint64_t (*wakes_us)(void *context, uint64_t after_us);
    uint64_t awake_us; /* since then */
    uint32_t uart_lost;

    flash_model *flash; /* NULL: this test needs none */

    unsigned resets; /* asked for */
    uint64_t fed_us; /* the watchdog; 0: it does not run */

    void (*tick)(void *argument);
    void *tick_argument;
    uint64_t tick_interval_us;
    uint64_t tick_next_us;
    bool locked;
    uint64_t locked_us;
    uint64_t longest_lock_us;
    unsigned slow_us; /* that much longer takes a delay that is locked */
    unsigned interrupted_us; /* and one that is not */
} virtual_board;

/* A board with all its chips, and the switch at work. */
void virtual_board_open(virtual_board *v);
/* As after a reset or a loss of power: no ticker, no watchdog, time from 0. The chips stay as they
 * are. */
void virtual_board_restart(virtual_board *v);

uint64_t virtual_board_ms(const virtual_board *v); /* the firmware's */
/* Time passes, as if the firmware were busy elsewhere. */
void virtual_board_pass(virtual_board *v, uint64_t us);

#endif
