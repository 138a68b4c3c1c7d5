/* SPDX-License-Identifier: Apache-2.0 */
#ifndef MEDSEC_SIM_FLEET_H
#define MEDSEC_SIM_FLEET_H

#include "device.h"
#include "menu.h"

/*
 * All devices of a run on one loop and one clock: reading number k of the run belongs to device
 * k modulo their count and is due k / (rate * devices) seconds after the start.
 */
typedef struct fleet {
    world world; /* first, so that a world is its fleet */
    uv_loop_t loop;
    uv_timer_t tick;
    uv_timer_t duration;
    uv_timer_t patience;
    uv_timer_t progress;
    uv_signal_t interrupt;
    uv_signal_t terminate;
    menu menu;
    device *devices;
    uint32_t size;
    uint32_t started;
    uint32_t ended;
    uint64_t begin_ns;
    uint64_t next; /* number of the next reading */
    uint64_t shown; /* readings sent when progress was last shown */
    uint64_t elapsed_ns;
    bool interrupted; /* by a signal */
} fleet;

/* Runs to the end; prints the summary. Returns an exit code. */
int fleet_run(fleet *f);

#endif
