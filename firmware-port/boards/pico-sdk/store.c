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

static bool program_page(uint32_t offset, const uint8_t *data)
{
    uint8_t page[BOARD_FLASH_PAGE_LEN]; /* `data` may lie in flash */
    memcpy(page, data, sizeof page);
    uint32_t before = interrupts_alone();
    flash_range_program(offset, page, sizeof page);
    nvic_hw->iser = before;
    return memcmp((const uint8_t *)(XIP_BASE + offset), page, sizeof page) == 0;
}

bool store_program(void *context, uint32_t offset, const uint8_t *data, size_t len)
{
    (void)context;
    bool done = allowed(offset, len, BOARD_FLASH_PAGE_LEN);
    for (size_t at = 0; done && at < len; at += BOARD_FLASH_PAGE_LEN) {
        done = program_page(offset + (uint32_t)at, data + at);
    }
    return done;
}
