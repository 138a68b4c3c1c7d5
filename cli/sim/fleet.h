/* SPDX-License-Identifier: Apache-2.0 */
#ifndef MEDSEC_SIM_FLEET_H
#define MEDSEC_SIM_FLEET_H

#include "device.h"
#include "menu.h"
#include "trouble.h"

/* All devices of a run on one loop. They begin one after another, and keep that distance. */
typedef struct fleet {
    world world; /* first, so that a world is its fleet */
    uv_loop_t loop;
    uv_timer_t ramp;
    uv_timer_t duration;
    uv_timer_t patience;
    uv_timer_t progress;
    uv_signal_t interrupt;
    uv_signal_t terminate;
    menu menu;
    trouble trouble;
    device *devices;
    char *replay; /* NULL: none */
    uint32_t size;
    uint32_t started;
    uint32_t ended;
    uint64_t begin_ns;
    uint64_t shown; /* readings sent when progress was last shown */
    uint64_t elapsed_ns;
    bool stopping;
    bool interrupted; /* by a signal */
} fleet;

/* The readings of all devices. */
void fleet_count(const fleet *f, wire_counts *sum);
/* Whether some device's readings are acknowledged: they are waited for, and have a latency. */
bool fleet_acknowledges(const fleet *f);

/* Runs to the end; prints the summary. Returns an exit code. */
int fleet_run(fleet *f);

#endif
