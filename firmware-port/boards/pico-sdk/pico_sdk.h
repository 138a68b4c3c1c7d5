/* SPDX-License-Identifier: Apache-2.0 */
#ifndef FIRMWARE_PICO_SDK_H
#define FIRMWARE_PICO_SDK_H

#include "board.h"

#include "../pico.h"

/* The Pico over Raspberry Pi's SDK, for who wants its libraries or its debugging. The table, with
 * everything started; once. */
const board *board_pico_sdk(void);

/* Its parts; the SDK has the better names. */
void serial_start(void);
size_t serial_read(void *context, uint8_t *out, size_t cap);
size_t serial_write(void *context, const uint8_t *data, size_t len);
uint32_t serial_lost(void *context);

void bus_start(void);
bool bus_write(void *context, uint8_t address, const uint8_t *data, size_t len);
bool bus_read(void *context, uint8_t address, uint8_t reg, uint8_t *out, size_t len);

bool store_erase(void *context, uint32_t offset);
bool store_program(void *context, uint32_t offset, const uint8_t *data, size_t len);

#endif
