/* SPDX-License-Identifier: Apache-2.0 */
#ifndef MEDSEC_SIM_SENDER_H
#define MEDSEC_SIM_SENDER_H

#include "device.h"

/* From a reading to the socket: makes frames, and writes the outbox in the pieces and at the pace
 * that the faults ask for. A device that drains ends its stream when the outbox is empty. */
void sender_begin(device *d);
void sender_reading(device *d);
void sender_flush(device *d);

/* What device.c does when a write fails or the stream has ended. */
void device_peer_closed(device *d);
void device_drop(device *d);

#endif
