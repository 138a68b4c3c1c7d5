/* SPDX-License-Identifier: Apache-2.0 */
#ifndef MEDSEC_GATEWAY_NO_DELAY_H
#define MEDSEC_GATEWAY_NO_DELAY_H

#include <stddef.h>
#include <stdint.h>

/*
 * Sets TCP_NODELAY on the sockets of this process that are connected to this port. Paho neither
 * sets it nor shows its socket, and Nagle's algorithm (RFC 9293 section 3.7.4) holds a small
 * packet back until the one before is acknowledged: 20 to 40 ms when the broker has nothing to say.
 * Returns how many it found.
 */
size_t medsec__no_delay(uint16_t port);

#endif
