/* SPDX-License-Identifier: Apache-2.0 */
#ifndef MEDSEC_SIM_SENDER_H
#define MEDSEC_SIM_SENDER_H

#include "device.h"

/* From the outbox to the socket, in the pieces and at the pace that the faults ask for. A device
 * that is ENDING ends its stream when the outbox is empty. */
void sender_begin(device *d);
void sender_flush(device *d);
void sender_stop(device *d);

#endif
