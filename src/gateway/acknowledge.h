/* SPDX-License-Identifier: Apache-2.0 */
#ifndef MEDSEC_GATEWAY_ACKNOWLEDGE_H
#define MEDSEC_GATEWAY_ACKNOWLEDGE_H

#include "connection.h"

/* From readings to the acknowledgement. `context` is the gateway. */
void medsec__acknowledge_durable(void *context, uint64_t token, medsec_status status);
/* A batch for the message that is being reported, unless there is one. False: out of memory. */
bool medsec__acknowledge_begin(medsec__connection *connection);
/* The message is reported whole. */
void medsec__acknowledge_end(medsec__connection *connection, uint32_t boot, uint32_t sequence);
/* Acknowledges what has become durable. */
void medsec__acknowledge_run(medsec__loop *loop);
/* The connection is finished: its batches are nobody's. */
void medsec__acknowledge_forget(medsec__connection *connection);

#endif
