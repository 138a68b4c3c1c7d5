/* SPDX-License-Identifier: Apache-2.0 */
#ifndef FIRMWARE_HOST_FLASH_FILE_H
#define FIRMWARE_HOST_FLASH_FILE_H

#include "board.h"

/* A file in the place of the flash memory: what was programmed is there after a kill. */
typedef struct flash_file {
    uint8_t *bytes; /* BOARD_FLASH_LEN of them */
} flash_file;

/* Makes an erased one when there is none. false: errno says why. */
bool flash_file_open(flash_file *flash, const char *path);
void flash_file_close(flash_file *flash);

bool flash_file_erase(flash_file *flash, uint32_t offset);
bool flash_file_program(flash_file *flash, uint32_t offset, const uint8_t *data, size_t len);

/* As if a UF2 file were dropped onto the chip's USB drive. false: not such a file, or not for this
 * chip; what was before the fault is in the flash then. */
bool flash_file_drop(flash_file *flash, const char *uf2_path);

#endif
