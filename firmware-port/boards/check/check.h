/* SPDX-License-Identifier: Apache-2.0 */
#ifndef FIRMWARE_CHECK_H
#define FIRMWARE_CHECK_H

#include "board.h"

/*
 * Tries a board by hand or by a test: a shell over the UART, one line a question, one line an
 * answer, all numbers in hexadecimal. A line with only a new-line is answered with `ok`.
 *
 *     now                       microseconds since start
 *     led 0|1, switch           switch: 1 work, 0 configuration
 *     adc CHANNEL               0 pulse, 1 chip
 *     write ADDRESS BYTE...     I2C; ok or no
 *     read ADDRESS REGISTER N   I2C; N bytes or no
 *     wire                      1-Wire: reset; 1 somebody is there
 *     erase OFFSET, program OFFSET BYTE, flash OFFSET N
 *                               program: a page of BYTE, BYTE + 1, ..., and one
 *                               of BYTE + 1, ...; flash: N bytes of it
 *     noise N                   N bits, a byte each
 *     tick INTERVAL, ticks      the led turns with each; ticks stops it and gives their times
 *     sleep DURATION            how long it was, in microseconds
 *     many N                    N characters, also more than fit the ring
 *     deaf N                    locked for N milliseconds
 *     lost, feed, reset         feed: the watchdog, which begins with that
 *     hang, fault               never come back by themselves
 */
_Noreturn void check_run(const board *board);

#endif
