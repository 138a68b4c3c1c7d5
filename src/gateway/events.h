/* SPDX-License-Identifier: Apache-2.0 */
#ifndef MEDSEC_GATEWAY_EVENTS_H
#define MEDSEC_GATEWAY_EVENTS_H

#include "connection.h"

/* What a device says. Of `*data` what is left belongs to a record that is not whole.
 * False: the connection is closed. */
bool medsec__events_take(medsec__connection *connection, uint8_t **data, size_t *len);

#endif
