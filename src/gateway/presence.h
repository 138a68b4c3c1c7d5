/* SPDX-License-Identifier: Apache-2.0 */
#ifndef MEDSEC_GATEWAY_PRESENCE_H
#define MEDSEC_GATEWAY_PRESENCE_H

#include "connection.h"

typedef struct medsec__presence medsec__presence;

/* Counts the sessions of a device over all loops, and publishes its status in order.
 * Its lock is held while a session gets mail. */
MEDSEC_CHECK medsec_status medsec__presence_create(medsec__presence **presence);
void medsec__presence_destroy(medsec__presence *presence);
/* On medsec/1 the older sessions of the device are told to end. False: out of memory. */
bool medsec__presence_enter(medsec__presence *presence, medsec__connection *connection);
/* Its status again, if it is the device's newest session. */
void medsec__presence_announce(medsec__presence *presence, medsec__connection *connection);
void medsec__presence_leave(medsec__presence *presence, medsec__connection *connection,
                            const char *why);
/* To the newest session of the device. ERR_NOT_FOUND: it is not here; ERR_BUSY; ERR_FLOOD: too
 * many, which is not even answered. */
MEDSEC_CHECK medsec_status medsec__presence_command(medsec__presence *presence, const char *id,
                                                    const uint8_t *payload, size_t len);

#endif
