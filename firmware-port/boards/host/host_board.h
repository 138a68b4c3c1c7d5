/* SPDX-License-Identifier: Apache-2.0 */
#ifndef FIRMWARE_HOST_BOARD_H
#define FIRMWARE_HOST_BOARD_H

#include "chip_ds18b20.h"
#include "chip_mpu6050.h"
#include "flash_file.h"
#include "pulse.h"

#include <signal.h>

/*
 * A board for Linux: a file for the flash, a socket for the serial line to an emulated ESP8266, and
 * models of the sensor chips. Its clock is the system's, but it is looked at only while the
 * firmware sleeps or reads the serial line, and in between goes on by what the firmware waits: so a
 * slot of 1-Wire is as long as it should be, and no sensor is asked too late, however busy the
 * machine is.
 */
typedef struct host_board {
    board table; /* what the firmware gets */
    flash_file flash;
    int serial; /* connected */
    bool gone; /* the other end of it has closed */
    volatile sig_atomic_t *work; /* the slide switch */
    uint64_t zero_us; /* of the system's clock */
    uint64_t now_us;
    chip_mpu6050 mpu6050;
    chip_ds18b20 ds18b20;
    pulse_beat beat;
    pulse_source pulse;
    uint64_t pulse_us; /* of the last sample */
    void (*tick)(void *argument);
    void *tick_argument;
    uint64_t tick_interval_us;
    uint64_t tick_next_us;
} host_board;

/* `flash` and `serial` are open; they stay the caller's. */
void host_board_open(host_board *host, flash_file flash, int serial, volatile sig_atomic_t *work);
/* As the chip after a reset; time and sensors go on. */
void host_board_restart(host_board *host);

#endif
