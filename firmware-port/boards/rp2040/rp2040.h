/* SPDX-License-Identifier: Apache-2.0 */
#ifndef FIRMWARE_RP2040_H
#define FIRMWARE_RP2040_H

#include "board.h"

#include "../pico.h"
#include "registers.h"

/*
 * The Pico on bare metal. start.c brings the chip up and calls main(); board.c puts the table
 * together from the files below. All that runs while flash cannot be read is in RAM: the handlers
 * of start.c and uart.c, and flash.c's innermost function. So is what a slot of 1-Wire needs.
 */
#define RAM_CODE __attribute__((section(".ram_code"), noinline, long_call))

#define CLOCK_SYS 125000000u /* Hz; the UART has it too */

/* The table, with everything started. Once. */
const board *board_rp2040(void);

/* Crystal, PLLs: system 125 MHz, ADC 48 MHz, timer 1 MHz. */
void clocks_start(void);
/* Blocks of RESETS_RESET from their reset state on; they need their clocks. */
void blocks_start(uint32_t blocks);

/* `function`: IO_UART... of registers.h; `pad`: PADS_... */
void pin_start(uint32_t pin, uint32_t function, uint32_t pad);
void pins_start(void);
void pin_low(uint32_t pin, bool low); /* open drain */
bool pin_level(uint32_t pin);
RAM_CODE void pin_wire_low(void *context, bool low);
RAM_CODE bool pin_wire_level(void *context);
bool pin_switch_work(void *context);
void pin_led(void *context, bool on);

uint64_t time_now_us(void *context);
RAM_CODE void time_delay_us(void *context, uint32_t us);
void time_sleep(void *context, uint64_t until_us);
void time_tick(void *context, uint32_t interval_us, void (*fn)(void *argument), void *argument);
void time_start(void);
void time_interrupts(bool on); /* of the ticker and of sleep */
void time_on_tick(void);
void time_on_wake(void);

void uart_start(void);
size_t uart_read(void *context, uint8_t *out, size_t cap);
size_t uart_write(void *context, const uint8_t *data, size_t len);
uint32_t uart_lost(void *context);
RAM_CODE void uart_on_interrupt(void);

void i2c_start(void);
bool i2c_write(void *context, uint8_t address, const uint8_t *data, size_t len);
bool i2c_read(void *context, uint8_t address, uint8_t reg, uint8_t *out, size_t len);

void adc_start(void);
uint16_t adc_read(void *context, board_adc channel);

void flash_start(void);
bool flash_erase(void *context, uint32_t offset);
bool flash_program(void *context, uint32_t offset, const uint8_t *data, size_t len);

void chip_noise(void *context, uint8_t *out, size_t len);
void chip_watchdog(void *context);
RAM_CODE _Noreturn void chip_reset(void);

/* Interrupts off, and back to what they were: for what is called with and without the lock. */
ALWAYS_INLINE uint32_t interrupts_off(void)
{
    uint32_t before;
    __asm__ volatile("mrs %0, primask\n\tcpsid i" : "=r"(before)::"memory");
    return before;
}

ALWAYS_INLINE void interrupts_restore(uint32_t before)
{
    __asm__ volatile("msr primask, %0" ::"r"(before) : "memory");
}

#endif
