/* SPDX-License-Identifier: Apache-2.0 */

#include <string.h>

#include "rp2040.h"
#include "xip.h"

/* Functions of the chip's ROM (2.8.3), which know how to write flash. */
static struct {
    void (*connect)(void);
    void (*exit_xip)(void);
    void (*erase)(uint32_t offset, size_t len, uint32_t block_len, uint8_t block_command);
    void (*program)(uint32_t offset, const uint8_t *data, size_t len);
    void (*flush_cache)(void);
    void (*enter_xip)(void);
} rom;

#define BLOCK_LEN 0x10000u
#define BLOCK_COMMAND 0xd8u

/* rp2040.ld: addresses */
extern const uint16_t rom_functions[], rom_lookup[];
extern const uint8_t program_end[];

typedef uintptr_t (*lookup)(uintptr_t functions, uint32_t code);

static uintptr_t rom_function(char first, char second)
{
    const volatile uint16_t *look = rom_lookup, *functions = rom_functions;
    uint32_t code = (uint32_t)(uint8_t)second << 8 | (uint8_t)first;
    return ((lookup)(uintptr_t)*look)(*functions, code);
}

void flash_start(void)
{
    rom.connect = (void (*)(void))rom_function('I', 'F');
    rom.exit_xip = (void (*)(void))rom_function('E', 'X');
    rom.erase = (void (*)(uint32_t, size_t, uint32_t, uint8_t))rom_function('R', 'E');
    rom.program = (void (*)(uint32_t, const uint8_t *, size_t))rom_function('R', 'P');
    rom.flush_cache = (void (*)(void))rom_function('F', 'C');
    rom.enter_xip = (void (*)(void))rom_function('C', 'X');
}

/* Erases a sector, or programs a page. The UART's interrupt is taken meanwhile, and no other. */
static RAM_CODE void change(uint32_t offset, const uint8_t *page)
{
    rom.connect();
    rom.exit_xip();
    if (page) {
        rom.program(offset, page, BOARD_FLASH_PAGE_LEN);
    } else {
        rom.erase(offset, BOARD_FLASH_SECTOR_LEN, BLOCK_LEN, BLOCK_COMMAND);
    }
    rom.flush_cache();
    rom.enter_xip(); /* slowly */
    xip_start();
}

static void change_alone(uint32_t offset, const uint8_t *page)
{
    time_interrupts(false);
    change(offset, page);
    time_interrupts(true);
}

/* Whole units, behind the program, which so cannot overwrite itself. */
static bool allowed(uint32_t offset, size_t len, uint32_t unit)
{
    return offset % unit == 0 && len % unit == 0 && len <= BOARD_FLASH_LEN &&
           offset <= BOARD_FLASH_LEN - len && offset >= (uint32_t)(uintptr_t)program_end - XIP_BASE;
}

static bool erased(const uint8_t *sector)
{
    for (size_t i = 0; i < BOARD_FLASH_SECTOR_LEN; i++) {
        if (sector[i] != 0xff) {
            return false;
        }
    }
    return true;
}

bool flash_erase(void *context, uint32_t offset)
{
    (void)context;
    if (!allowed(offset, BOARD_FLASH_SECTOR_LEN, BOARD_FLASH_SECTOR_LEN)) {
        return false;
    }
    change_alone(offset, NULL);
    return erased((const uint8_t *)(uintptr_t)(XIP_BASE + offset));
}

bool flash_program(void *context, uint32_t offset, const uint8_t *data, size_t len)
{
    (void)context;
    if (!allowed(offset, len, BOARD_FLASH_PAGE_LEN)) {
        return false;
    }
    const uint8_t *flash = (const uint8_t *)(uintptr_t)(XIP_BASE + offset);
    for (size_t at = 0; at < len; at += BOARD_FLASH_PAGE_LEN) {
        change_alone(offset + (uint32_t)at, data + at);
    }
    return memcmp(flash, data, len) == 0;
}
