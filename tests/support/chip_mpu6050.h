/* SPDX-License-Identifier: Apache-2.0 */
#ifndef MEDSEC_TESTS_CHIP_MPU6050_H
#define MEDSEC_TESTS_CHIP_MPU6050_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*
 * An MPU6050 by its register map (RM-MPU-6000A-00 revision 4.2), without time of its own: each call
 * says what time it is, and the chip catches up. As strict as the document is: acceleration is
 * nothing until 30 ms after it woke, a FIFO is emptied only while it is off, what runs over loses
 * its oldest bytes.
 */
#define CHIP_MPU6050_FIFO_LEN 1024u

typedef struct chip_mpu6050 {
    /* What it measures at that moment: thousandths of g, and of a degree. */
    void (*source)(void *context, uint64_t at_us, int32_t mg[3], int32_t *mdegc);
    void *context;
    int32_t slow_ppm; /* error of its clock */
    bool absent; /* does not answer */
    bool midway; /* the next count is taken while an entry is put in */
    unsigned fail_in; /* the transfer after so many more breaks off half-way; 0: none */

    uint8_t reg[128];
    uint8_t fifo[CHIP_MPU6050_FIFO_LEN];
    size_t fifo_begin;
    size_t fifo_len;
    uint8_t fifo_last; /* what an empty one gives */
    uint64_t awake_us;
    uint64_t next_us; /* sample */
} chip_mpu6050;

/* As it is when its supply comes, at rest, 1 g upright and 25 degrees; faults stay as they are. */
void chip_mpu6050_power_on(chip_mpu6050 *chip, uint64_t now_us);
/* As the board's i2c_write and i2c_read. */
bool chip_mpu6050_write(chip_mpu6050 *chip, uint64_t now_us, const uint8_t *data, size_t len);
bool chip_mpu6050_read(chip_mpu6050 *chip, uint64_t now_us, uint8_t reg, uint8_t *out, size_t len);

#endif
