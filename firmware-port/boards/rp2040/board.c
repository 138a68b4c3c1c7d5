/* SPDX-License-Identifier: Apache-2.0 */

#include "rp2040.h"

static void lock(void *context)
{
    (void)context;
    __asm__ volatile("cpsid i" ::: "memory");
}

static void unlock(void *context)
{
    (void)context;
    __asm__ volatile("cpsie i" ::: "memory");
}

static void reset(void *context)
{
    (void)context;
    chip_reset();
}

/* In RAM, as all is that a slot of 1-Wire needs (rp2040.ld). */
static board table = {
    .now_us = time_now_us,
    .delay_us = time_delay_us,
    .sleep = time_sleep,
    .tick = time_tick,
    .lock = lock,
    .unlock = unlock,
    .uart_read = uart_read,
    .uart_write = uart_write,
    .uart_lost = uart_lost,
    .i2c_write = i2c_write,
    .i2c_read = i2c_read,
    .adc_read = adc_read,
    .wire_low = pin_wire_low,
    .wire_level = pin_wire_level,
    .switch_work = pin_switch_work,
    .led = pin_led,
    .flash = (const uint8_t *)XIP_BASE,
    .flash_erase = flash_erase,
    .flash_program = flash_program,
    .noise = chip_noise,
    .watchdog = chip_watchdog,
    .reset = reset,
};

const board *board_rp2040(void)
{
    pins_start();
    time_start();
    uart_start();
    i2c_start();
    adc_start();
    flash_start();
    return &table;
}
