/* SPDX-License-Identifier: Apache-2.0 */
#ifndef FIRMWARE_MPU6050_H
#define FIRMWARE_MPU6050_H

#include "board.h"

/*
 * An MPU6050 at address 0x68 (InvenSense, RM-MPU-6000A-00 revision 4.2): acceleration and its own
 * temperature 100 times a second, into its FIFO, which holds 1.27 s of them. The gyroscopes rest.
 *
 * Its clock is its own and may be wrong by some percent. So what is fetched at a time is taken to
 * lie evenly between the fetch before it and this one, and no error adds up.
 */
typedef struct mpu6050_motion {
    int16_t acceleration[3]; /* 1/2048 g: x, y, z */
    int16_t temperature; /* 1/340 degree from 36.53 */
} mpu6050_motion;

typedef struct mpu6050 {
    const board *board;
    uint64_t due_ms; /* of the state: look for it, let it wake */
    uint64_t fetched_us; /* what was taken before that is known */
    uint8_t state;
    bool known; /* `last` holds */
    mpu6050_motion last; /* what was taken last */
} mpu6050;

#define MPU6050_CHUNK 8u /* entries read at a time, in 1.6 ms */
#define MPU6050_ENTRY_LEN 8u

/* What lay in the FIFO at one moment, oldest first. */
typedef struct mpu6050_batch {
    uint64_t from_us;
    uint64_t to_us;
    uint32_t count;
    uint32_t taken; /* entries given by mpu6050_at */
    uint8_t chunk[MPU6050_CHUNK * MPU6050_ENTRY_LEN];
} mpu6050_batch;

void mpu6050_start(mpu6050 *sensor, const board *board, uint64_t now_ms);
/* Looks for it each second while it is not there; when to call again. Takes 1 ms. */
uint64_t mpu6050_poll(mpu6050 *sensor, uint64_t now_ms);
/* It measures, or was looked for in vain. */
bool mpu6050_settled(const mpu6050 *sensor);

/* Asks what lies in the FIFO. Nothing, when it does not measure, or ran over. */
void mpu6050_fetch(mpu6050 *sensor, mpu6050_batch *batch);
/* Makes `last` what it was at that time; false: it is not known. Times of one batch must not go
 * back. */
bool mpu6050_at(mpu6050 *sensor, mpu6050_batch *batch, uint64_t at_us);
/* Takes the rest out of the FIFO. */
void mpu6050_end(mpu6050 *sensor, mpu6050_batch *batch);

int32_t mpu6050_mg(int16_t raw); /* thousandths of standard gravity */
int32_t mpu6050_mdegc(int16_t raw);

#endif
