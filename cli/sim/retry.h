/* SPDX-License-Identifier: Apache-2.0 */
#ifndef MEDSEC_SIM_RETRY_H
#define MEDSEC_SIM_RETRY_H

#include "prng.h"

#include <medsec/device.h>

/* When a device that has no rule of its own connects: at once, then after growing pauses. */
typedef enum retry_state {
    RETRY_APART, /* not before until_ms */
    RETRY_CONNECTING,
    RETRY_CONNECTED,
    RETRY_LEAVING /* CLOSE was given */
} retry_state;

typedef struct retry {
    retry_state state;
    prng random;
    uint32_t attempts; /* since the last connection that lasted */
    uint64_t connected_ms;
    uint64_t until_ms;
} retry;

/* While not connected: CONNECT when it is time, else WAIT. */
void retry_poll(retry *r, uint64_t now_ms, medsec_step *step);
/* While connected: CLOSE, once. */
void retry_leave(retry *r, medsec_step *step);
void retry_connected(retry *r, uint64_t now_ms);
void retry_disconnected(retry *r, uint64_t now_ms);

#endif
