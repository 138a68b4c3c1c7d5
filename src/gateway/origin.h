/* SPDX-License-Identifier: Apache-2.0 */
#ifndef MEDSEC_GATEWAY_ORIGIN_H
#define MEDSEC_GATEWAY_ORIGIN_H

#include "connection.h"

/*
 * Where a connection comes from. A load balancer says in front of each whose it is; until then the
 * connection is nobody's: its own limits, logs and turns begin when that is known. The header is
 * taken out of the socket and nothing behind it, so that what a device says waits for its turn as
 * that of any other.
 */
MEDSEC_CHECK medsec_status medsec__origin_prepare(medsec_gateway *gateway);
bool medsec__origin_is_balancer(const medsec_gateway *gateway, const medsec__address *peer);

/* Expects a header if that peer is a balancer. False: out of memory. */
bool medsec__origin_expect(const medsec_gateway *gateway, medsec__connection *connection,
                           const medsec__address *peer);
/* There is something to read. */
void medsec__origin_read(medsec__connection *connection);
void medsec__origin_refuse(medsec__connection *connection, medsec_status reason);
uint32_t medsec__origin_timeout_ms(const medsec_gateway_options *options);
void medsec__origin_forget(medsec__connection *connection);

#endif
