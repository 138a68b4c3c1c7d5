/* SPDX-License-Identifier: Apache-2.0 */
#ifndef MEDSEC_SIM_TROUBLE_H
#define MEDSEC_SIM_TROUBLE_H

#include "device.h"

/* What befalls many devices at one moment: reconnect storms, and a network that is lost. */
typedef struct trouble {
    uv_timer_t storm;
    uv_timer_t outage;
    world *world;
    device *devices;
    uint32_t size;
    uint32_t storm_size; /* devices that drop */
    uint32_t storm_ms; /* from one storm to the next; 0: none */
    uint32_t outage_ms; /* how long one lasts */
    uint32_t every_ms; /* from one outage to the next; 0: none */
    uint32_t next; /* device that the next storm begins with */
} trouble;

/* `A@S`: an amount, and every how many seconds, both more than 0 and at most 10^6. False: not that.
 */
bool trouble_parse(double *amount, uint32_t *every_ms, const char *text);

/* Reads --storm and --outage; an exit code, after saying why. */
int trouble_load(trouble *t, const settings *set);

void trouble_start(trouble *t, world *w, device *devices, uint32_t size);
/* No more of it, and the network is there: the run is to end in good order. */
void trouble_end(trouble *t);
/* Closes the timers. */
void trouble_stop(trouble *t);

#endif
