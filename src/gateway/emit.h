/* SPDX-License-Identifier: Apache-2.0 */
#ifndef MEDSEC_GATEWAY_EMIT_H
#define MEDSEC_GATEWAY_EMIT_H

#include "connection.h"

/* What is published: a message of a device. */
typedef struct medsec__outgoing {
    const char *suffix; /* of the topic */
    const char *payload;
    size_t len;
    uint64_t token;
    uint32_t lane;
    uint8_t qos;
    bool retain;
    bool droppable;
} medsec__outgoing;

void medsec__emit_reading(medsec__connection *connection, const medsec_event *event);
/* The readings since the last time, as one message, when such are published. */
void medsec__emit_batch(medsec__connection *connection);
uint64_t medsec__emit_now_ms(void);
/* Publishes and counts; what the publisher does not take is logged too. */
medsec_status medsec__emit(medsec__loop *loop, const char *id, const medsec__outgoing *out);

#endif
