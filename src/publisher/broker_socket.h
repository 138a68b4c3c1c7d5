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
 *
 * Neither library makes its sockets close-on-exec: a program that a gateway's process starts would
 * keep the connection, and the kernel would go on telling of it after we have closed it.
 */

typedef struct medsec__broker_socket {
    int fd; /* -1: none; all works without */
    uint64_t cookie; /* numbers of descriptors are used again, these are not */
} medsec__broker_socket;

/* The socket of this process that was just made towards `port`, connected or not yet: one that does
 * not have TCP_NODELAY, which this sets; and keeps it private. False: there is none. */
bool medsec__broker_socket_find(medsec__broker_socket *found, uint16_t port);

/* Its descriptor, if it is still the same socket and connected to `port`; else -1. */
int medsec__broker_socket_fd(const medsec__broker_socket *found, uint16_t port);

/* Nobody who is started from here gets it. */
void medsec__broker_keep_private(int fd);

/* Holds small packets back, or lets them go. The system lets them go after 200 ms anyway. */
void medsec__broker_cork(int fd, bool on);

#endif
