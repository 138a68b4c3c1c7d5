/* SPDX-License-Identifier: Apache-2.0 */

#include <hardware/adc.h>
#include <hardware/gpio.h>
#include <hardware/structs/rosc.h>
#include <hardware/sync.h>
#include <hardware/timer.h>
#include <hardware/watchdog.h>
#include <pico/time.h>

#include "pico_sdk.h"

#define WATCHDOG_MS 8000u

static struct {
    int alarm;
    void (*fn)(void *argument);
    void *argument;
    uint32_t interval_us;
    uint64_t due_us;
} ticker;

static uint32_t locked; /* interrupts before the lock */

static uint64_t now_us(void *context)
{
    (void)context;
    return time_us_64();
}

static void delay_us(void *context, uint32_t us)
{
    (void)context;
    busy_wait_us_32(us + 1); /* which waits for so many edges of the clock: up to 1 us less */
}

static void sleep_until_us(void *context, uint64_t until_us)
{
    (void)context;
    /* Not further than the SDK's clock reaches. */
    uint64_t far = time_us_64() + 1000000u;
    (void)best_effort_wfe_or_timeout(from_us_since_boot(until_us < far ? until_us : far));
}

static void arm(void)
{
    if (hardware_alarm_set_target((unsigned)ticker.alarm, from_us_since_boot(ticker.due_us))) {
        hardware_alarm_force_irq((unsigned)ticker.alarm); /* it is over already */
    }
}

/* The SDK's repeating timers would do all at once that was missed while flash was written. */
static void on_tick(unsigned alarm)
{
    (void)alarm;
    if (ticker.fn) {
        ticker.fn(ticker.argument);
        do {
            ticker.due_us += ticker.interval_us;
        } while (ticker.due_us <= time_us_64());
        arm();
    }
}

static void tick(void *context, uint32_t interval_us, void (*fn)(void *argument), void *argument)
{
    (void)context;
    uint32_t before = save_and_disable_interrupts();
    hardware_alarm_cancel((unsigned)ticker.alarm);
    ticker.fn = fn;
    ticker.argument = argument;
    ticker.interval_us = interval_us;
    ticker.due_us = time_us_64() + interval_us;
    if (fn) {
        arm();
    }
    restore_interrupts(before);
}

static void tick_start(void)
{
    ticker.alarm = hardware_alarm_claim_unused(true);
    hardware_alarm_set_callback((unsigned)ticker.alarm, on_tick);
}

static void lock(void *context)
{
    (void)context;
    locked = save_and_disable_interrupts();
}

static void unlock(void *context)
{
    (void)context;
    restore_interrupts(locked);
}

static uint16_t adc_take(void *context, board_adc channel)
{
    (void)context;
    uint32_t before = save_and_disable_interrupts();
    adc_select_input(channel == BOARD_ADC_PULSE ? 0 : 4);
    uint16_t result = adc_read();
    restore_interrupts(before);
    return result;
}

static void wire_low(void *context, bool low)
{
    (void)context;
    gpio_set_dir(PIN_WIRE, low);
}

static bool wire_level(void *context)
{
    (void)context;
    return gpio_get(PIN_WIRE);
}

static bool switch_work(void *context)
{
    (void)context;
    return gpio_get(PIN_SWITCH);
}

static void led(void *context, bool on)
{
    (void)context;
    gpio_put(PIN_LED, on);
}

static void noise(void *context, uint8_t *out, size_t len)
{
    (void)context;
    for (size_t i = 0; i < len; i++) {
        busy_wait_us_32(2);
        out[i] = (uint8_t)(rosc_hw->randombit & 1u);
    }
}

static void watchdog(void *context)
{
    (void)context;
    static bool begun;
    if (begun) {
        watchdog_update();
    } else {
        watchdog_enable(WATCHDOG_MS, true);
        begun = true;
    }
}

static void reset(void *context)
{
    (void)context;
    watchdog_reboot(0, 0, 0);
    for (;;) {
        tight_loop_contents();
    }
}

void isr_hardfault(void);

/* The SDK's own waits for a debugger. */
void isr_hardfault(void)
{
    watchdog_hw->scratch[0] = PICO_FAULT_MARK | 3u;
    reset(NULL);
}

static void pins_start(void)
{
    gpio_init_mask(1u << PIN_WIRE | 1u << PIN_SWITCH | 1u << PIN_LED);
    gpio_pull_up(PIN_WIRE);
    gpio_pull_up(PIN_SWITCH);
    gpio_set_dir(PIN_LED, true);
}

static const board table = {
    .now_us = now_us,
    .delay_us = delay_us,
    .sleep = sleep_until_us,
    .tick = tick,
    .lock = lock,
    .unlock = unlock,
    .uart_read = serial_read,
    .uart_write = serial_write,
    .uart_lost = serial_lost,
    .i2c_write = bus_write,
    .i2c_read = bus_read,
    .adc_read = adc_take,
    .wire_low = wire_low,
    .wire_level = wire_level,
    .switch_work = switch_work,
    .led = led,
    .flash = (const uint8_t *)XIP_BASE,
    .flash_erase = store_erase,
    .flash_program = store_program,
    .noise = noise,
    .watchdog = watchdog,
    .reset = reset,
};

const board *board_pico_sdk(void)
{
    pins_start();
    tick_start();
    serial_start();
    bus_start();
    adc_init();
    adc_gpio_init(PIN_PULSE);
    adc_set_temp_sensor_enabled(true);
    return &table;
}
