/* SPDX-License-Identifier: Apache-2.0 */
#ifndef FIRMWARE_SENSORS_H
#define FIRMWARE_SENSORS_H

#include "board.h"

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
typedef struct sensors sensors;

void sensors_start(sensors *sensors, const board *board, uint32_t interval_ms);
/* Another pace, from now on; samples that wait are kept. */
void sensors_set_interval(sensors *sensors, uint32_t interval_ms);
/* true: one more sample, taken at *at_ms (board time). Ask until false. */
bool sensors_next(sensors *sensors, medsec_reading *reading, uint64_t *at_ms);
/* Work that is due beside the samples: conversions, sensors that are to be looked for. Takes 7 ms
 * at most. Gives when to call again. */
uint64_t sensors_poll(sensors *sensors, uint64_t now_ms);
/* Samples that were lost because nobody asked for too long. */
uint32_t sensors_missed(const sensors *sensors);

#endif
