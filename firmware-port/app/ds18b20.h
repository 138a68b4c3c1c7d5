/* SPDX-License-Identifier: Apache-2.0 */
#ifndef FIRMWARE_DS18B20_H
#define FIRMWARE_DS18B20_H

#include "onewire.h"

/*
 * One DS18B20 alone on its bus, with a supply of its own (Maxim, DS18B20 data sheet, 19-7487 rev.
 * 6). It measures once a second; what a poll does is a reset or a byte, so that none takes more
 * than 1 ms.
 */
typedef struct ds18b20 {
    const board *board;
    uint64_t began_ms; /* this second's round */
    uint64_t converts_ms; /* from when on the chip does, in it */
    uint8_t step;
    uint8_t scratchpad[9];
    bool settled; /* at least one round is over */
    bool known; /* the last one gave temperature_mdegc; false: no answer, or not a right one */
    int32_t temperature_mdegc;
} ds18b20;

void ds18b20_start(ds18b20 *sensor, const board *board, uint64_t now_ms);
/* Does what is due; when to call again, which may be at once. */
uint64_t ds18b20_poll(ds18b20 *sensor, uint64_t now_ms);

#endif
