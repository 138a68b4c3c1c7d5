/* SPDX-License-Identifier: Apache-2.0 */
#ifndef MEDSEC_SIM_LINK_H
#define MEDSEC_SIM_LINK_H

#include "device.h"

/* The connection of a device, from the attempt to the end, and what happens to it on the way. */
void link_connect(device *d);
/* Ends it at once. */
void link_drop(device *d);
/* The other side has ended it, or a write failed. */
void link_peer_closed(device *d);

/* Cuts it, if there is one; the device will come back. */
bool link_cut(device *d);
/* world->dark has changed: an outage begins or ends. */
void link_weather(device *d);

#endif
