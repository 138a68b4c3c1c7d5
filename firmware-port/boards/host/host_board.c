/* SPDX-License-Identifier: Apache-2.0 */
#include "host_board.h"

#include <errno.h>
#include <poll.h>
#include <string.h>
#include <sys/random.h>
#include <sys/socket.h>
#include <time.h>

/* Beyond what the firmware waited for: a machine that keeps it from running for longer slows its
 * clock down, as if no time had passed. */
#define LATE_MAX_US 50000u

/* Of this program alone: whoever sits at it rests. */
#define PULSE_OFFSET_V 0.5
#define HEART_RATE_BPM 72.0
enum { CHIP_LEVEL = 876, LEVEL_MAX = 4095, UART_ROOM = 256, BYTE_I2C_NS = 22500 };

static uint64_t system_us(void)
{
    struct timespec now;
    (void)clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * 1000000u + (uint64_t)now.tv_nsec / 1000u;
}

/* The ticker runs late here, but each time at its own moment. */
static void run_ticks(host_board *host, uint64_t until_us)
{
    while (host->tick != NULL && host->tick_next_us <= until_us) {
        if (host->tick_next_us > host->now_us) {
            host->now_us = host->tick_next_us;
        }
        host->tick_next_us += host->tick_interval_us;
        host->tick(host->tick_argument);
    }
}

static void look_at_clock(host_board *host, uint64_t awaited_us)
{
    uint64_t until_us = system_us() - host->zero_us;
    uint64_t due_us = awaited_us > host->now_us ? awaited_us : host->now_us;
    if (until_us > due_us && until_us - due_us > LATE_MAX_US) {
        host->zero_us += until_us - due_us - LATE_MAX_US;
        until_us = due_us + LATE_MAX_US;
    }
    run_ticks(host, until_us);
    if (until_us > host->now_us) {
        host->now_us = until_us;
    }
}

static uint64_t now_us(void *context)
{
    const host_board *host = context;
    return host->now_us;
}

static void delay_us(void *context, uint32_t us)
{
    host_board *host = context;
    host->now_us += us;
}

static void sleep_until(void *context, uint64_t until_us)
{
    host_board *host = context;
    struct pollfd serial = {.fd = host->serial, .events = POLLIN};
    look_at_clock(host, 0);
    if (host->tick != NULL && host->tick_next_us < until_us) {
        until_us = host->tick_next_us;
    }
    if (until_us > host->now_us && !host->gone) {
        uint64_t us = until_us - host->now_us;
        const struct timespec left = {.tv_sec = (time_t)(us / 1000000u),
                                      .tv_nsec = (long)(us % 1000000u) * 1000};
        (void)ppoll(&serial, 1, &left, NULL);
        look_at_clock(host, until_us);
    }
}

static void tick(void *context, uint32_t interval_us, void (*fn)(void *argument), void *argument)
{
    host_board *host = context;
    host->tick = fn;
    host->tick_argument = argument;
    host->tick_interval_us = interval_us;
    host->tick_next_us = host->now_us + interval_us;
}

/* The ticker runs in sleep and uart_read only. */
static void lock(void *context)
{
    (void)context;
}

static size_t uart_read(void *context, uint8_t *out, size_t cap)
{
    host_board *host = context;
    look_at_clock(host, 0);
    if (cap == 0 || host->gone) {
        return 0;
    }
    ssize_t len = recv(host->serial, out, cap, MSG_DONTWAIT);
    host->gone = len == 0 || (len < 0 && errno != EAGAIN && errno != EINTR);
    return len > 0 ? (size_t)len : 0;
}

static size_t uart_write(void *context, const uint8_t *data, size_t len)
{
    const host_board *host = context;
    ssize_t sent =
        send(host->serial, data, len < UART_ROOM ? len : UART_ROOM, MSG_DONTWAIT | MSG_NOSIGNAL);
    return sent > 0 ? (size_t)sent : 0;
}

static uint32_t uart_lost(void *context)
{
    (void)context;
    return 0;
}

static void transfer(host_board *host, size_t bytes)
{
    host->now_us += (uint64_t)bytes * BYTE_I2C_NS / 1000u;
}

static bool i2c_write(void *context, uint8_t address, const uint8_t *data, size_t len)
{
    host_board *host = context;
    transfer(host, 1 + len);
    return address == 0x68 && chip_mpu6050_write(&host->mpu6050, host->now_us, data, len);
}

static bool i2c_read(void *context, uint8_t address, uint8_t reg, uint8_t *out, size_t len)
{
    host_board *host = context;
    transfer(host, 3 + len);
    return address == 0x68 && chip_mpu6050_read(&host->mpu6050, host->now_us, reg, out, len);
}

static uint16_t pulse_level(host_board *host)
{
    double step_s = (double)(host->now_us - host->pulse_us) / 1e6;
    double level = (pulse_source_next(&host->pulse, step_s) + PULSE_OFFSET_V) / 3.3 * LEVEL_MAX;
    host->pulse_us = host->now_us;
    return level < 0 ? 0 : (uint16_t)(level > LEVEL_MAX ? LEVEL_MAX : level);
}

static uint16_t adc_read(void *context, board_adc channel)
{
    return channel == BOARD_ADC_PULSE ? pulse_level(context) : CHIP_LEVEL;
}

static void wire_low(void *context, bool low)
{
    host_board *host = context;
    chip_ds18b20_drive(&host->ds18b20, host->now_us, low);
}

static bool wire_level(void *context)
{
    const host_board *host = context;
    return chip_ds18b20_level(&host->ds18b20, host->now_us);
}

static bool switch_work(void *context)
{
    const host_board *host = context;
    return *host->work != 0;
}

static void led(void *context, bool on)
{
    (void)context;
    (void)on;
}

static bool flash_erase(void *context, uint32_t offset)
{
    host_board *host = context;
    return flash_file_erase(&host->flash, offset);
}

static bool flash_program(void *context, uint32_t offset, const uint8_t *data, size_t len)
{
    host_board *host = context;
    return flash_file_program(&host->flash, offset, data, len);
}

static void noise(void *context, uint8_t *out, size_t len)
{
    (void)context;
    if (getrandom(out, len, 0) < 0) {
        memset(out, 0, len); /* a dead source, which the firmware must bear */
    }
}

/* Nobody is watched here. */
static void watchdog(void *context)
{
    (void)context;
}

/* Whoever drives the firmware starts it anew. */
static void reset(void *context)
{
    (void)context;
}

static const board functions = {
    .now_us = now_us,
    .delay_us = delay_us,
    .sleep = sleep_until,
    .tick = tick,
    .lock = lock,
    .unlock = lock,
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

void host_board_restart(host_board *host)
{
    host->tick = NULL;
    look_at_clock(host, 0);
}

void host_board_open(host_board *host, flash_file flash, int serial, volatile sig_atomic_t *work)
{
    memset(host, 0, sizeof *host);
    host->table = functions;
    host->table.context = host;
    host->table.flash = flash.bytes;
    host->flash = flash;
    host->serial = serial;
    host->work = work;
    host->zero_us = system_us();
    pulse_beat_init(&host->beat);
    pulse_source_init(&host->pulse, &host->beat, HEART_RATE_BPM, 1);
    host->ds18b20.temperature_mdegc = 36625;
    chip_ds18b20_power_on(&host->ds18b20);
    chip_mpu6050_power_on(&host->mpu6050, host->now_us);
    host_board_restart(host);
}
