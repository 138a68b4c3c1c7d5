/* SPDX-License-Identifier: Apache-2.0 */
#ifndef FIRMWARE_SENSORS_H
#define FIRMWARE_SENSORS_H

#include "ds18b20.h"
#include "mpu6050.h"

#include <medsec/reading.h>

/*
 * The four sensors, and readings of them in the profile pico-vitals: Temp (DS18B20), PulseSig and
 * TempMcu (ADC), Acel_x/y/z and TempMpu (MPU6050). A sensor that fails is null in the reading, is
 * looked for again each second, and comes back by itself.
 *
 * The ticker takes the pulse signal at each sample's moment, whatever else goes on (a handshake
 * takes a third of a second); the MPU6050 keeps the acceleration of that time in its FIFO. So
 * sensors_next gives every sample in its turn, late perhaps, with its own time.
 */
#define SENSORS_WAITING_MAX 64u /* samples: 3.2 s at 20 Hz; a power of two */

/* What the ticker took, and the acceleration that is found for it later. */
typedef struct sensors_sample {
    uint32_t at_ms; /* the low half of the board's time */
    uint16_t pulse; /* as converted */
    bool moved; /* acceleration is known */
    int16_t acceleration[3];
} sensors_sample;

/* Do not touch members; they are here to give the size. */
typedef struct sensors {
    const board *board;
    uint32_t interval_ms;
    bool ticking;
    /* These three count samples, and wrap. */
    uint32_t begin; /* the next one to be given */
    uint32_t moved; /* the next one to which acceleration is to be found */
    uint32_t end; /* the next one that the ticker writes */
    uint32_t missed;
    sensors_sample waiting[SENSORS_WAITING_MAX];
    uint64_t fetch_ms; /* the FIFO is emptied then, though nobody asks */
    uint64_t chip_ms; /* the chip's temperature is measured then */
    medsec_value chip_temperature;
    ds18b20 thermometer;
    mpu6050 motion;
} sensors;

/* The first sample is taken an interval after every sensor has answered, or failed to: within 0.8 s
 * of polling. */
void sensors_start(sensors *sensors, const board *board, uint32_t interval_ms);
/* Another pace, from now on; samples that wait are kept. */
void sensors_set_interval(sensors *sensors, uint32_t interval_ms);
/* true: one more sample, taken at *at_ms (board time). Ask until false. The first of several takes
 * the FIFO's content with it: 0.2 ms for each 10 ms since the last time. */
bool sensors_next(sensors *sensors, medsec_reading *reading, uint64_t *at_ms);
/* Work that is due beside the samples: conversions, sensors that are to be looked for. Takes 4 ms
 * at most. Gives when to call again, which may be at once. */
uint64_t sensors_poll(sensors *sensors, uint64_t now_ms);
/* Samples that were lost because nobody asked for too long. */
uint32_t sensors_missed(const sensors *sensors);

/* A reading as the seed's device prints it: two decimals for a negative acceleration, so that every
 * frame has the length that servers of that wire know. */
void sensors_print_as_seed(medsec_reading *reading);

#endif
