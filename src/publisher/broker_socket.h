/* SPDX-License-Identifier: Apache-2.0 */
#ifndef MEDSEC_PUBLISHER_BROKER_SOCKET_H
#define MEDSEC_PUBLISHER_BROKER_SOCKET_H

#include <stdbool.h>
#include <stdint.h>

/*
 * The socket that paho does not show. Two things have to be done with it. Nagle's algorithm
 * (RFC 9293 section 3.7.4) would hold a small packet back for 20 to 40 ms when the broker has
 * nothing to say. And paho makes one system call a message: in a cork they become one packet, and
 * wake the broker once; that saves a third of the gateway's time.
 */

/* The youngest socket of this process that is connected to `port`, told by TCP_NODELAY, which this
 * sets. -1: none; all works without. */
int medsec__broker_socket(uint16_t port);

/* Holds small packets back, or lets them go. The system lets them go after 200 ms anyway. */
void medsec__broker_cork(int fd, bool on);

#endif
