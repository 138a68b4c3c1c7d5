/* SPDX-License-Identifier: Apache-2.0 */
#ifndef FIRMWARE_ONEWIRE_H
#define FIRMWARE_ONEWIRE_H

#include "board.h"

/*
 * The master of a 1-Wire bus at standard speed (Maxim, application note 126), by the board's two
 * functions. Interrupts are off within a slot only, where a microsecond counts, and never for more
 * than 75 us; between two slots the bus may rest for as long as it likes.
 */

/* Reset and presence, 1 ms. false: nobody answers, or the line is held low. */
bool onewire_reset(const board *board);
/* Eight slots, lowest bit first, 0.6 ms. */
void onewire_write(const board *board, uint8_t byte);
uint8_t onewire_read(const board *board);
/* Of all bytes and the sum that follows them: 0 when they are right. x^8 + x^5 + x^4 + 1. */
uint8_t onewire_crc(const uint8_t *data, size_t len);

#endif
