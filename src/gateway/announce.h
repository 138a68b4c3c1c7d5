/* SPDX-License-Identifier: Apache-2.0 */
#ifndef MEDSEC_GATEWAY_ANNOUNCE_H
#define MEDSEC_GATEWAY_ANNOUNCE_H

#include "connection.h"

/* 19 000 devices on two loops are announced again within half a minute. */
#define MEDSEC__ANNOUNCE_MS 100u
#define MEDSEC__ANNOUNCE_AT_ONCE 40u

/* What is published about a device. */
void medsec__announce_profile(medsec__connection *connection);
/* `live` sessions of the device are left. */
void medsec__announce_status(medsec__connection *connection, uint32_t live, const char *why);
/* What became of a command; `version` NULL: it has none. */
void medsec__announce_result(medsec__loop *loop, const char *id, const uint32_t *version,
                             const char *status, const char *why);
/* The broker may have forgotten what it retained: profile and status of all who are here are
 * published again, some at a time. */
MEDSEC_CHECK medsec_status medsec__announce_open(medsec__loop *loop);
void medsec__announce_again(medsec__loop *loop);
void medsec__announce_forget(medsec__connection *connection);

#endif
