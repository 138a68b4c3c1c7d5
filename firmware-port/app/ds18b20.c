/* SPDX-License-Identifier: Apache-2.0 */
#include "ds18b20.h"

#define EVERY_MS 1000u
#define CONVERSION_MS 760u /* 750 at most, with 12 bits */

enum command { SKIP_ROM = 0xcc, CONVERT = 0x44, READ_SCRATCHPAD = 0xbe };

/* One poll each. RECEIVE is as many polls as the scratchpad has bytes. */
enum step {
    CONVERT_RESET,
    CONVERT_SKIP,
    CONVERT_BEGIN,
    READ_RESET,
    READ_SKIP,
    READ_BEGIN,
    RECEIVE
};

enum { LOW_BYTE = 0, HIGH_BYTE = 1, CONFIGURATION = 4 };

/* It powers up with +85 degrees in its scratchpad: not a measurement, and no patient's. */
#define POWER_ON_RAW 0x0550

void ds18b20_start(ds18b20 *sensor, const board *board, uint64_t now_ms)
{
    *sensor = (ds18b20){.board = board, .began_ms = now_ms};
}

/* Zeros have the right sum too: that is a line held low, and no configuration. */
static bool is_whole(const ds18b20 *sensor)
{
    return (sensor->scratchpad[CONFIGURATION] & 0x9f) == 0x1f &&
           onewire_crc(sensor->scratchpad, sizeof sensor->scratchpad) == 0;
}

/* 1/16 degree a bit; with fewer bits than 12 the last ones say nothing. */
static int32_t raw_value(const ds18b20 *sensor)
{
    unsigned unused = 3u - (sensor->scratchpad[CONFIGURATION] >> 5 & 3u);
    unsigned low = sensor->scratchpad[LOW_BYTE] & (0xffu << unused);
    return (int16_t)((unsigned)sensor->scratchpad[HIGH_BYTE] << 8 | low);
}

static int32_t to_mdegc(int32_t raw)
{
    return (raw * 125 + (raw < 0 ? -1 : 1)) / 2;
}

/* The round is over, with a temperature or without; the next one begins a second after this one. */
static uint64_t finish(ds18b20 *sensor, bool whole)
{
    int32_t raw = raw_value(sensor);
    sensor->known = whole && raw != POWER_ON_RAW;
    sensor->temperature_mdegc = to_mdegc(raw);
    sensor->settled = true;
    sensor->step = CONVERT_RESET;
    sensor->began_ms += EVERY_MS;
    return sensor->began_ms;
}

static uint64_t reset(ds18b20 *sensor, uint64_t now_ms)
{
    if (!onewire_reset(sensor->board)) {
        return finish(sensor, false);
    }
    sensor->step++;
    return now_ms;
}

static uint64_t command(ds18b20 *sensor, uint8_t byte, uint64_t now_ms)
{
    onewire_write(sensor->board, byte);
    sensor->step++;
    return now_ms;
}

static uint64_t receive(ds18b20 *sensor, uint64_t now_ms)
{
    size_t index = sensor->step - (size_t)RECEIVE;
    sensor->scratchpad[index] = onewire_read(sensor->board);
    if (index + 1 < sizeof sensor->scratchpad) {
        sensor->step++;
        return now_ms;
    }
    return finish(sensor, is_whole(sensor));
}

uint64_t ds18b20_poll(ds18b20 *sensor, uint64_t now_ms)
{
    uint64_t due_ms = sensor->began_ms;
    if (sensor->step == READ_RESET) {
        due_ms = sensor->converts_ms + CONVERSION_MS;
    }
    if (now_ms < due_ms) {
        return due_ms;
    }
    switch (sensor->step) {
    case CONVERT_RESET:
        sensor->began_ms = now_ms;
        return reset(sensor, now_ms);
    case READ_RESET:
        return reset(sensor, now_ms);
    case CONVERT_SKIP:
    case READ_SKIP:
        return command(sensor, SKIP_ROM, now_ms);
    case CONVERT_BEGIN: /* other work may have come between the round's beginning and this */
        sensor->converts_ms = now_ms;
        return command(sensor, CONVERT, now_ms);
    case READ_BEGIN:
        return command(sensor, READ_SCRATCHPAD, now_ms);
    default:
        return receive(sensor, now_ms);
    }
}
