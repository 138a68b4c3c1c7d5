/* SPDX-License-Identifier: Apache-2.0 */

#include <string.h>

#include <hardware/flash.h>
#include <hardware/irq.h>
#include <hardware/structs/nvic.h>

#include "pico_sdk.h"

static bool allowed(uint32_t offset, size_t len, uint32_t unit)
{
    extern char __flash_binary_end;
    return offset % unit == 0 && len % unit == 0 && len <= BOARD_FLASH_LEN &&
           offset <= BOARD_FLASH_LEN - len && offset >= (uintptr_t)&__flash_binary_end - XIP_BASE;
}

/* Only the UART's interrupt may come while flash is written. */
static uint32_t interrupts_alone(void)
{
    uint32_t before = nvic_hw->iser;
    nvic_hw->icer = before & ~(1u << UART0_IRQ);
    return before;
}

bool store_erase(void *context, uint32_t offset)
{
    (void)context;
    if (!allowed(offset, BOARD_FLASH_SECTOR_LEN, BOARD_FLASH_SECTOR_LEN)) {
        return false;
    }
    uint32_t before = interrupts_alone();
    flash_range_erase(offset, BOARD_FLASH_SECTOR_LEN);
    nvic_hw->iser = before;
    const uint8_t *flash = (const uint8_t *)(XIP_BASE + offset);
    size_t i = 0;
    while (i < BOARD_FLASH_SECTOR_LEN && flash[i] == 0xff) {
        i++;
    }
    return i == BOARD_FLASH_SECTOR_LEN;
}

bool store_program(void *context, uint32_t offset, const uint8_t *data, size_t len)
{
    (void)context;
    if (!allowed(offset, len, BOARD_FLASH_PAGE_LEN)) {
        return false;
    }
    for (size_t at = 0; at < len; at += BOARD_FLASH_PAGE_LEN) {
        uint32_t before = interrupts_alone();
        flash_range_program(offset + (uint32_t)at, data + at, BOARD_FLASH_PAGE_LEN);
        nvic_hw->iser = before;
    }
    return memcmp((const uint8_t *)(XIP_BASE + offset), data, len) == 0;
}
