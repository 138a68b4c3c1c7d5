/* SPDX-License-Identifier: Apache-2.0 */
#ifndef MEDSEC_PUBLISHER_BROKER_ADDRESS_H
#define MEDSEC_PUBLISHER_BROKER_ADDRESS_H

#include "host/address.h"
#include "mqtt_options.h"

#define MEDSEC__BROKER_HOST_MAX 80u /* an IPv6 address, the interface, NUL */

/* Loopback, link-local, private (RFC 1918, RFC 4193): nobody else hears what is said there. */
bool medsec__address_is_private(const medsec__address *address);

/* False for an address that is given as a number and is not private; of a name the address is
 * looked at when it is resolved. */
bool medsec__broker_may_be_clear(const char *host);

/*
 * The address to connect to, as a number: what was checked is what is connected to, whatever the
 * name says a moment later. Of several addresses that may be used `attempt` takes turns. Waits for
 * the resolver. ERR_NOT_FOUND: no such host; ERR_CLEAR_TEXT: none that is private, without TLS.
 */
MEDSEC_CHECK medsec_status medsec__broker_resolve(char host[MEDSEC__BROKER_HOST_MAX],
                                                  const medsec__mqtt_options *options,
                                                  uint32_t attempt);

#endif
