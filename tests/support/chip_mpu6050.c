/* SPDX-License-Identifier: Apache-2.0 */
#include "chip_mpu6050.h"

#include <string.h>

enum reg {
    SMPLRT_DIV = 0x19,
    CONFIG = 0x1a,
    ACCEL_CONFIG = 0x1c,
    FIFO_EN = 0x23,
    INT_STATUS = 0x3a,
    ACCEL_XOUT_H = 0x3b,
    USER_CTRL = 0x6a,
    PWR_MGMT_1 = 0x6b,
    PWR_MGMT_2 = 0x6c,
    FIFO_COUNT_H = 0x72,
    FIFO_R_W = 0x74,
    WHO_AM_I = 0x75
};

enum { DEVICE_RESET = 0x80, SLEEP = 0x40, CLKSEL = 0x07, GYROSCOPES_REST = 0x07 };
enum { USER_FIFO_EN = 0x40, USER_FIFO_RESET = 0x04 };
enum { TEMP_FIFO_EN = 0x80, ACCEL_FIFO_EN = 0x08 };
enum { FIFO_OFLOW_INT = 0x10 };

#define WAKES_US 30000u

static void at_rest(void *context, uint64_t at_us, int32_t mg[3], int32_t *mdegc)
{
    (void)context;
    (void)at_us;
    mg[0] = 0;
    mg[1] = 0;
    mg[2] = 1000;
    *mdegc = 25000;
}

void chip_mpu6050_power_on(chip_mpu6050 *chip, uint64_t now_us)
{
    memset(chip->reg, 0, sizeof chip->reg);
    chip->reg[PWR_MGMT_1] = SLEEP;
    chip->reg[WHO_AM_I] = 0x68;
    chip->fifo_len = 0;
    chip->next_us = now_us;
    if (chip->source == NULL) {
        chip->source = at_rest;
    }
}

/* It needs a clock: that of a gyroscope only while it runs. */
static bool is_awake(const chip_mpu6050 *chip)
{
    bool own_clock = (chip->reg[PWR_MGMT_1] & CLKSEL) == 0;
    bool rests = (chip->reg[PWR_MGMT_2] & GYROSCOPES_REST) == GYROSCOPES_REST;
    return (chip->reg[PWR_MGMT_1] & SLEEP) == 0 && (own_clock || !rests);
}

static uint64_t period_us(const chip_mpu6050 *chip)
{
    unsigned filter = chip->reg[CONFIG] & 7u;
    uint64_t base_us = filter == 0 || filter == 7 ? 125 : 1000;
    uint64_t ideal_us = base_us * (chip->reg[SMPLRT_DIV] + 1u);
    return (uint64_t)((int64_t)ideal_us * (1000000 + chip->slow_ppm) / 1000000);
}

static void put(uint8_t *bytes, int64_t value)
{
    value = value > INT16_MAX ? INT16_MAX : value;
    value = value < INT16_MIN ? INT16_MIN : value;
    bytes[0] = (uint8_t)((uint16_t)value >> 8);
    bytes[1] = (uint8_t)value;
}

static int64_t rounded(int64_t numerator, int64_t denominator)
{
    return (numerator + (numerator < 0 ? -denominator : denominator) / 2) / denominator;
}

static void measure(chip_mpu6050 *chip, uint64_t at_us)
{
    int32_t mg[3];
    int32_t mdegc;
    unsigned range = chip->reg[ACCEL_CONFIG] >> 3 & 3u;
    bool settled = at_us >= chip->awake_us + WAKES_US;
    chip->source(chip->context, at_us, mg, &mdegc);
    for (size_t axis = 0; axis < 3; axis++) {
        put(&chip->reg[ACCEL_XOUT_H + 2 * axis],
            settled ? rounded((int64_t)mg[axis] * (16384 >> range), 1000) : 0);
    }
    put(&chip->reg[ACCEL_XOUT_H + 6], rounded((int64_t)(mdegc - 36530) * 340, 1000));
}

static void push(chip_mpu6050 *chip, const uint8_t *bytes, size_t len)
{
    for (size_t i = 0; i < len; i++) {
        if (chip->fifo_len == CHIP_MPU6050_FIFO_LEN) {
            chip->fifo_begin = (chip->fifo_begin + 1) % CHIP_MPU6050_FIFO_LEN;
            chip->fifo_len--;
            chip->reg[INT_STATUS] |= FIFO_OFLOW_INT;
        }
        chip->fifo[(chip->fifo_begin + chip->fifo_len) % CHIP_MPU6050_FIFO_LEN] = bytes[i];
        chip->fifo_len++;
    }
}

static uint8_t pop(chip_mpu6050 *chip)
{
    if (chip->fifo_len > 0) {
        chip->fifo_last = chip->fifo[chip->fifo_begin];
        chip->fifo_begin = (chip->fifo_begin + 1) % CHIP_MPU6050_FIFO_LEN;
        chip->fifo_len--;
    }
    return chip->fifo_last;
}

static void catch_up(chip_mpu6050 *chip, uint64_t now_us)
{
    while (is_awake(chip) && chip->next_us <= now_us) {
        measure(chip, chip->next_us);
        if ((chip->reg[USER_CTRL] & USER_FIFO_EN) != 0) {
            /* In the order of the registers. */
            push(chip, &chip->reg[ACCEL_XOUT_H], (chip->reg[FIFO_EN] & ACCEL_FIFO_EN) != 0 ? 6 : 0);
            push(chip, &chip->reg[ACCEL_XOUT_H + 6],
                 (chip->reg[FIFO_EN] & TEMP_FIFO_EN) != 0 ? 2 : 0);
        }
        chip->next_us += period_us(chip);
    }
}

static void write_register(chip_mpu6050 *chip, uint64_t now_us, uint8_t reg, uint8_t value)
{
    bool was_awake = is_awake(chip);
    if (reg == PWR_MGMT_1 && (value & DEVICE_RESET) != 0) {
        chip_mpu6050_power_on(chip, now_us);
        return;
    }
    if (reg == USER_CTRL && (value & USER_FIFO_RESET) != 0) {
        chip->fifo_len = (value & USER_FIFO_EN) == 0 ? 0 : chip->fifo_len;
        value &= (uint8_t)~USER_FIFO_RESET;
    }
    chip->reg[reg] = value;
    if (!was_awake && is_awake(chip)) {
        chip->awake_us = now_us;
        chip->next_us = now_us + period_us(chip);
    }
}

static uint8_t read_register(chip_mpu6050 *chip, uint8_t reg)
{
    if (reg == FIFO_R_W) {
        return pop(chip);
    }
    if (reg == FIFO_COUNT_H) { /* both bytes are kept from here on */
        size_t count = chip->fifo_len + (chip->midway ? 3 : 0);
        chip->midway = false;
        chip->reg[FIFO_COUNT_H] = (uint8_t)(count >> 8);
        chip->reg[FIFO_COUNT_H + 1] = (uint8_t)count;
    }
    uint8_t value = chip->reg[reg];
    if (reg == INT_STATUS) {
        chip->reg[INT_STATUS] = 0;
    }
    return value;
}

/* How many of `len` bytes get through. */
static size_t part_of(chip_mpu6050 *chip, size_t len)
{
    if (chip->absent) {
        return 0;
    }
    if (chip->fail_in > 0 && --chip->fail_in == 0) {
        return len / 2;
    }
    return len;
}

bool chip_mpu6050_write(chip_mpu6050 *chip, uint64_t now_us, const uint8_t *data, size_t len)
{
    size_t part = part_of(chip, len);
    catch_up(chip, now_us);
    for (size_t i = 1; i < part; i++) {
        write_register(chip, now_us, (uint8_t)((data[0] + i - 1) % sizeof chip->reg), data[i]);
    }
    return part == len;
}

bool chip_mpu6050_read(chip_mpu6050 *chip, uint64_t now_us, uint8_t reg, uint8_t *out, size_t len)
{
    size_t part = part_of(chip, len);
    catch_up(chip, now_us);
    for (size_t i = 0; i < part; i++) {
        out[i] = read_register(chip, reg);
        reg = reg == FIFO_R_W ? reg : (uint8_t)((reg + 1u) % sizeof chip->reg);
    }
    return part == len;
}
