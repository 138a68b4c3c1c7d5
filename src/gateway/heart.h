/* SPDX-License-Identifier: Apache-2.0 */
#ifndef MEDSEC_GATEWAY_HEART_H
#define MEDSEC_GATEWAY_HEART_H

#include "connection.h"

/*
 * The heart rate of a device that measures a signal of it, for whoever wants a number and no curve:
 * published beside the readings, and no part of what is acknowledged.
 */
#define MEDSEC__HEART_LEAST_MS 1000u /* from one publication to the next */
#define MEDSEC__HEART_MOST_MS 4000u /* the same, while nothing changes and readings come */
#define MEDSEC__HEART_OLD_MS 10000u /* readings older than this say nothing about now */

/* Before listening: whether the broker is there. */
void medsec__heart_look(medsec_gateway *gateway);
/* A reading. */
void medsec__heart_take(medsec__connection *connection, const medsec_event *event);
/* All readings of a message, or of what was read, were taken: publishes what is due. */
void medsec__heart_tell(medsec__connection *connection);
void medsec__heart_forget(medsec__connection *connection);

#endif
