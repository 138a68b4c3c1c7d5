/* SPDX-License-Identifier: Apache-2.0 */
#include "mpu6050.h"

#define ADDRESS 0x68u
#define IDENTITY 0x68u
#define LOOK_EVERY_MS 1000u
#define WAKING_MS 50u /* 30 until it measures, and the filter's delay */
#define FIFO_LEN 1024u
#define SILENT_US 100000u /* ten entries that should be there: it lost its supply and sleeps */

enum state { UNKNOWN, ABSENT, WAKING, RUNNING };

enum reg {
    SMPLRT_DIV = 0x19,
    FIFO_EN = 0x23,
    USER_CTRL = 0x6a,
    PWR_MGMT_1 = 0x6b,
    FIFO_COUNT_H = 0x72,
    FIFO_R_W = 0x74,
    WHO_AM_I = 0x75
};

/*
 * Written one after the other to registers that follow each other: each row is a register and what
 * goes there.
 *   PWR_MGMT_1, 2       awake, internal oscillator (the others need a gyroscope); gyroscopes rest
 *   SMPLRT_DIV          1 kHz / 10
 *   CONFIG              low-pass filter of 21 Hz
 *   GYRO_, ACCEL_CONFIG 16 g, as far as the profile goes: a bit is 0.5 mg, the noise 2 mg
 *   FIFO_EN             temperature and acceleration: 8 bytes, of which a full FIFO holds a whole
 *                       number
 */
static const uint8_t power[] = {PWR_MGMT_1, 0x00, 0x07};
static const uint8_t measuring[] = {SMPLRT_DIV, 9, 0x04, 0x00, 0x18};
static const uint8_t kept[] = {FIFO_EN, 0x88};
/* The FIFO must be off while it is emptied. */
static const uint8_t fifo_empty[] = {USER_CTRL, 0x04};
static const uint8_t fifo_on[] = {USER_CTRL, 0x40};

static bool write_registers(const mpu6050 *sensor, const uint8_t *data, size_t len)
{
    return sensor->board->i2c_write(sensor->board->context, ADDRESS, data, len);
}

static bool read_registers(const mpu6050 *sensor, uint8_t first, uint8_t *out, size_t len)
{
    return sensor->board->i2c_read(sensor->board->context, ADDRESS, first, out, len);
}

static bool wake(const mpu6050 *sensor)
{
    uint8_t identity = 0;
    return read_registers(sensor, WHO_AM_I, &identity, 1) && identity == IDENTITY &&
           write_registers(sensor, power, sizeof power) &&
           write_registers(sensor, measuring, sizeof measuring) &&
           write_registers(sensor, kept, sizeof kept);
}

static bool begin_fifo(mpu6050 *sensor)
{
    sensor->known = false;
    sensor->fetched_us = sensor->board->now_us(sensor->board->context);
    return write_registers(sensor, fifo_empty, sizeof fifo_empty) &&
           write_registers(sensor, fifo_on, sizeof fifo_on);
}

static void lose(mpu6050 *sensor)
{
    sensor->state = ABSENT;
    sensor->known = false;
}

void mpu6050_start(mpu6050 *sensor, const board *board, uint64_t now_ms)
{
    *sensor = (mpu6050){.board = board, .due_ms = now_ms};
}

uint64_t mpu6050_poll(mpu6050 *sensor, uint64_t now_ms)
{
    if (sensor->state == RUNNING) {
        return UINT64_MAX;
    }
    if (now_ms < sensor->due_ms) {
        return sensor->due_ms;
    }
    if (sensor->state == WAKING && begin_fifo(sensor)) {
        sensor->state = RUNNING;
        return UINT64_MAX;
    }
    if (sensor->state != WAKING && wake(sensor)) {
        sensor->state = WAKING;
        sensor->due_ms = now_ms + WAKING_MS;
        return sensor->due_ms;
    }
    lose(sensor);
    sensor->due_ms = now_ms + LOOK_EVERY_MS;
    return sensor->due_ms;
}

bool mpu6050_settled(const mpu6050 *sensor)
{
    return sensor->state == RUNNING || sensor->state == ABSENT;
}

static bool read_count(const mpu6050 *sensor, unsigned *count)
{
    uint8_t bytes[2];
    if (!read_registers(sensor, FIFO_COUNT_H, bytes, sizeof bytes)) {
        return false;
    }
    *count = (unsigned)bytes[0] << 8 | bytes[1];
    return true;
}

/* The second look is for a count in the middle of an entry that was just being put in. */
static bool count_entries(const mpu6050 *sensor, unsigned *count)
{
    return read_count(sensor, count) &&
           (*count % MPU6050_ENTRY_LEN == 0 || read_count(sensor, count));
}

/* What is in a FIFO that was full, or whose entries no longer begin where they should, is nothing
 * to be read. */
static bool is_spoilt(unsigned count)
{
    return count >= FIFO_LEN || count % MPU6050_ENTRY_LEN != 0;
}

void mpu6050_fetch(mpu6050 *sensor, mpu6050_batch *batch)
{
    uint64_t now_us = sensor->board->now_us(sensor->board->context);
    unsigned count = 0;
    *batch = (mpu6050_batch){.from_us = sensor->fetched_us, .to_us = now_us};
    if (sensor->state != RUNNING) {
        return;
    }
    bool answers = count_entries(sensor, &count);
    bool silent = count == 0 && now_us - sensor->fetched_us > SILENT_US;
    if (!answers || silent || (is_spoilt(count) && !begin_fifo(sensor))) {
        lose(sensor);
    } else if (count > 0 && !is_spoilt(count)) {
        batch->count = count / MPU6050_ENTRY_LEN;
        sensor->fetched_us = now_us;
    }
}

static int16_t load(const uint8_t bytes[2])
{
    return (int16_t)(bytes[0] << 8 | bytes[1]);
}

static bool read_chunk(mpu6050 *sensor, mpu6050_batch *batch)
{
    uint32_t left = batch->count - batch->taken;
    uint32_t entries = left < MPU6050_CHUNK ? left : MPU6050_CHUNK;
    if (!read_registers(sensor, FIFO_R_W, batch->chunk, entries * MPU6050_ENTRY_LEN)) {
        batch->count = batch->taken;
        lose(sensor);
        return false;
    }
    return true;
}

static bool take(mpu6050 *sensor, mpu6050_batch *batch)
{
    if (batch->taken % MPU6050_CHUNK == 0 && !read_chunk(sensor, batch)) {
        return false;
    }
    const uint8_t *entry = batch->chunk + batch->taken % MPU6050_CHUNK * MPU6050_ENTRY_LEN;
    for (size_t axis = 0; axis < 3; axis++) {
        sensor->last.acceleration[axis] = load(entry + 2 * axis);
    }
    sensor->last.temperature = load(entry + 6);
    sensor->known = true;
    batch->taken++;
    return true;
}

/* How many of the entries are not after that time, one at least. */
static uint32_t entries_until(const mpu6050_batch *batch, uint64_t at_us)
{
    if (at_us >= batch->to_us) {
        return batch->count;
    }
    if (at_us <= batch->from_us) {
        return 1;
    }
    uint64_t span_us = batch->to_us - batch->from_us;
    return (uint32_t)((at_us - batch->from_us) * batch->count / span_us) + 1;
}

bool mpu6050_at(mpu6050 *sensor, mpu6050_batch *batch, uint64_t at_us)
{
    uint32_t until = entries_until(batch, at_us);
    while (batch->taken < batch->count && batch->taken < until && take(sensor, batch)) {
    }
    return sensor->known;
}

void mpu6050_end(mpu6050 *sensor, mpu6050_batch *batch)
{
    while (batch->taken < batch->count && take(sensor, batch)) {
    }
}

/* raw / 2048 * 1000, to the nearest. */
int32_t mpu6050_mg(int16_t raw)
{
    return (raw * 125 + (raw < 0 ? -128 : 128)) / 256;
}

int32_t mpu6050_mdegc(int16_t raw)
{
    return (raw * 1000 + (raw < 0 ? -170 : 170)) / 340 + 36530;
}
