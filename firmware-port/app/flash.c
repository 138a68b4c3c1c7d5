/* SPDX-License-Identifier: Apache-2.0 */
#include "flash.h"

#include <string.h>

static bool is_all(const board *board, uint32_t offset, size_t len, uint8_t value)
{
    const uint8_t *at = board->flash + offset;
    for (size_t i = 0; i < len; i++) {
        if (at[i] != value) {
            return false;
        }
    }
    return true;
}

bool flash_is_erased(const board *board, uint32_t offset, size_t len)
{
    return is_all(board, offset, len, 0xff);
}

bool flash_zero_page(const board *board, uint32_t offset)
{
    uint8_t zeros[BOARD_FLASH_PAGE_LEN]; /* in RAM: no flash can be read while it is programmed */
    if (is_all(board, offset, sizeof zeros, 0)) {
        return true;
    }
    memset(zeros, 0, sizeof zeros);
    return board->flash_program(board->context, offset, zeros, sizeof zeros) &&
           is_all(board, offset, sizeof zeros, 0);
}

static bool wipe_sector(const board *board, uint32_t offset)
{
    if (flash_is_erased(board, offset, BOARD_FLASH_SECTOR_LEN)) {
        return true;
    }
    bool zeroed = true;
    for (uint32_t at = 0; at < BOARD_FLASH_SECTOR_LEN; at += BOARD_FLASH_PAGE_LEN) {
        zeroed = flash_zero_page(board, offset + at) && zeroed;
    }
    return board->flash_erase(board->context, offset) && zeroed &&
           flash_is_erased(board, offset, BOARD_FLASH_SECTOR_LEN);
}

bool flash_wipe(const board *board, uint32_t offset, size_t sectors)
{
    bool wiped = true;
    for (size_t i = 0; i < sectors; i++) {
        wiped = wipe_sector(board, offset + (uint32_t)i * BOARD_FLASH_SECTOR_LEN) && wiped;
    }
    return wiped;
}
