/* SPDX-License-Identifier: Apache-2.0 */
#include "virtual_board.h"

#include "unit.h"

enum { BYTE_I2C_NS = 22500, LOCK_MAX_US = 120, WATCHDOG_US = 8000000 };

#define NEVER_US UINT64_MAX

static void run_ticks(virtual_board *v)
{
    while (v->tick != NULL && !v->locked && v->tick_next_us <= v->now_us) {
        v->tick_next_us += v->tick_interval_us;
        v->tick(v->tick_argument);
    }
}

void virtual_board_pass(virtual_board *v, uint64_t us)
{
    uint64_t until_us = v->now_us + us;
    while (v->tick != NULL && !v->locked && v->tick_next_us <= until_us) {
        v->now_us = v->tick_next_us > v->now_us ? v->tick_next_us : v->now_us;
        run_ticks(v);
    }
    v->now_us = until_us;
    assert_true(v->fed_us == 0 || v->now_us - v->fed_us < WATCHDOG_US);
}

static uint64_t now_us(void *context)
{
    const virtual_board *v = context;
    return v->now_us - v->started_us;
}

static void delay_us(void *context, uint32_t us)
{
    virtual_board *v = context;
    assert_in_range(us, 0, 1000);
    virtual_board_pass(v, us + (v->locked ? v->slow_us : v->interrupted_us));
}

static void sleep_until(void *context, uint64_t until_us)
{
    virtual_board *v = context;
    assert_false(v->locked);
    until_us = until_us < NEVER_US - v->started_us ? until_us + v->started_us : NEVER_US;
    if (v->tick != NULL && v->tick_next_us < until_us) {
        until_us = v->tick_next_us;
    }
    uint64_t wakes_us = NEVER_US;
    if (v->wakes_us != NULL) {
        wakes_us = v->wakes_us(v->uart_context, v->awake_us);
    }
    until_us = wakes_us < until_us ? wakes_us : until_us;
    assert_true(until_us != NEVER_US);
    if (until_us > v->now_us) {
        virtual_board_pass(v, until_us - v->now_us);
    }
    v->awake_us = v->now_us;
}

static void tick(void *context, uint32_t interval_us, void (*fn)(void *argument), void *argument)
{
    virtual_board *v = context;
    assert_true(fn == NULL || interval_us >= 1000);
    v->tick = fn;
    v->tick_argument = argument;
    v->tick_interval_us = interval_us;
    v->tick_next_us = v->now_us + interval_us;
}

static void lock(void *context)
{
    virtual_board *v = context;
    assert_false(v->locked);
    v->locked = true;
    v->locked_us = v->now_us;
}

static void unlock(void *context)
{
    virtual_board *v = context;
    uint64_t us = v->now_us - v->locked_us;
    assert_true(v->locked);
    assert_in_range(us, 0, LOCK_MAX_US);
    v->longest_lock_us = us > v->longest_lock_us ? us : v->longest_lock_us;
    v->locked = false;
    run_ticks(v);
}

static size_t uart_read(void *context, uint8_t *out, size_t cap)
{
    virtual_board *v = context;
    return v->uart_read != NULL ? v->uart_read(v->uart_context, out, cap) : 0;
}

static size_t uart_write(void *context, const uint8_t *data, size_t len)
{
    virtual_board *v = context;
    return v->uart_write != NULL ? v->uart_write(v->uart_context, data, len) : len;
}

static uint32_t uart_lost(void *context)
{
    const virtual_board *v = context;
    return v->uart_lost;
}

/* A transfer takes its time; the chip counts at its end. */
static bool is_mpu6050(virtual_board *v, uint8_t address, size_t bytes)
{
    assert_false(v->locked);
    virtual_board_pass(v, (uint64_t)bytes * BYTE_I2C_NS / 1000);
    return address == 0x68;
}

static bool i2c_write(void *context, uint8_t address, const uint8_t *data, size_t len)
{
    virtual_board *v = context;
    return is_mpu6050(v, address, 1 + len) && chip_mpu6050_write(&v->mpu6050, v->now_us, data, len);
}

static bool i2c_read(void *context, uint8_t address, uint8_t reg, uint8_t *out, size_t len)
{
    virtual_board *v = context;
    return is_mpu6050(v, address, 3 + len) &&
           chip_mpu6050_read(&v->mpu6050, v->now_us, reg, out, len);
}

static uint16_t adc_read(void *context, board_adc channel)
{
    virtual_board *v = context;
    if (channel == BOARD_ADC_CHIP) {
        return v->chip_level;
    }
    return v->pulse != NULL ? v->pulse(v->pulse_context, v->now_us) : 0;
}

static void wire_low(void *context, bool low)
{
    virtual_board *v = context;
    chip_ds18b20_drive(&v->ds18b20, v->now_us, low);
}

static bool wire_level(void *context)
{
    const virtual_board *v = context;
    return chip_ds18b20_level(&v->ds18b20, v->now_us);
}

static bool switch_work(void *context)
{
    const virtual_board *v = context;
    return v->work;
}

static void led(void *context, bool on)
{
    virtual_board *v = context;
    v->led = on;
}

/* No code is run from the flash meanwhile, the ticker's neither. */
static void pass_without_ticks(virtual_board *v, uint64_t us)
{
    assert_false(v->locked);
    v->now_us += us;
    while (v->tick != NULL && v->tick_next_us <= v->now_us) {
        v->tick_next_us += v->tick_interval_us;
    }
}

static bool flash_erase(void *context, uint32_t offset)
{
    virtual_board *v = context;
    pass_without_ticks(v, 45000);
    return flash_model_erase(v->flash, offset);
}

static bool flash_program(void *context, uint32_t offset, const uint8_t *data, size_t len)
{
    virtual_board *v = context;
    pass_without_ticks(v, 700 * (len / BOARD_FLASH_PAGE_LEN));
    return flash_model_program(v->flash, offset, data, len);
}

static void noise(void *context, uint8_t *out, size_t len)
{
    virtual_board *v = context;
    for (size_t i = 0; i < len; i++) {
        v->random_state = v->random_state * 6364136223846793005u + 1442695040888963407u;
        uint8_t own = (uint8_t)(v->random_state >> 63);
        out[i] = v->random != NULL ? v->random(v->random_context) : own;
    }
}

static void watchdog(void *context)
{
    virtual_board *v = context;
    v->fed_us = v->now_us;
}

static void reset(void *context)
{
    virtual_board *v = context;
    v->resets++;
}

static const board functions = {
    .now_us = now_us,
    .delay_us = delay_us,
    .sleep = sleep_until,
    .tick = tick,
    .lock = lock,
    .unlock = unlock,
    .uart_read = uart_read,
    .uart_write = uart_write,
    .uart_lost = uart_lost,
    .i2c_write = i2c_write,
    .i2c_read = i2c_read,
    .adc_read = adc_read,
    .wire_low = wire_low,
    .wire_level = wire_level,
    .switch_work = switch_work,
    .led = led,
    .flash_erase = flash_erase,
    .flash_program = flash_program,
    .noise = noise,
    .watchdog = watchdog,
    .reset = reset,
};

void virtual_board_restart(virtual_board *v)
{
    v->tick = NULL;
    v->locked = false;
    v->fed_us = 0;
    v->started_us = v->now_us;
}

void virtual_board_open(virtual_board *v)
{
    *v = (virtual_board){.table = functions, .work = true};
    v->table.context = v;
    v->chip_level = 876; /* 0.706 V: 27 degrees */
    v->ds18b20.temperature_mdegc = 36625;
    chip_ds18b20_power_on(&v->ds18b20);
    chip_mpu6050_power_on(&v->mpu6050, v->now_us);
}

uint64_t virtual_board_ms(const virtual_board *v)
{
    return (v->now_us - v->started_us) / 1000;
}
