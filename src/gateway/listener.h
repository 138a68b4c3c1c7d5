/* SPDX-License-Identifier: Apache-2.0 */
#ifndef MEDSEC_GATEWAY_LISTENER_H
#define MEDSEC_GATEWAY_LISTENER_H

#include "connection.h"

#define MEDSEC__ACCEPT_BURST 64u /* connections accepted before others are served */
#define MEDSEC__KEEP_ALIVE_S 60 /* first TCP probe of a silent connection */
/* Bytes that a device may leave unread; some 100 acknowledgements on their way fit. */
#define MEDSEC__SEND_BUFFER 65536

/* The listening socket of a loop, bound to gateway->address; a port 0 in it is replaced
 * by the one that was given. ERR_IO. */
MEDSEC_CHECK medsec_status medsec__listener_bind(medsec__loop *loop);
MEDSEC_CHECK medsec_status medsec__listener_start(medsec__loop *loop);
/* Takes the connections that are already there, then listens no more. */
void medsec__listener_stop(medsec__loop *loop);
/* Listens again after a shortage of descriptors. */
void medsec__listener_retry(medsec__loop *loop);

#endif
