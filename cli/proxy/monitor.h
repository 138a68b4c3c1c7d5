/* SPDX-License-Identifier: Apache-2.0 */
#ifndef MEDSEC_PROXY_MONITOR_H
#define MEDSEC_PROXY_MONITOR_H

#include <medsec/gateway.h>

#include <stdint.h>

/*
 * An HTTP server for those who watch the gateway, in a thread of its own:
 *   /metrics  what it counts, as OpenMetrics text
 *   /healthz  200 while all loops turn; else 503: restart it
 *   /readyz   200 while readings can be brought to safety; else 503 and the reason: send devices
 *             to another gateway
 */
typedef struct monitor monitor;

typedef enum monitor_state { MONITOR_STARTING, MONITOR_SERVING, MONITOR_STOPPING } monitor_state;

#define MONITOR_STALL_MS 10000u /* a loop that did not turn for so long hangs */

/* Listens on `address`, ADDR:PORT. Gateway and publisher must outlive it. ERR_ARGUMENT: not an
 * address; ERR_IO: not to be had; ERR_MEMORY. */
MEDSEC_CHECK medsec_status monitor_open(monitor **m, const char *address,
                                        const medsec_gateway *gateway, medsec_publisher *publisher);
/* The port in use. */
uint16_t monitor_port(const monitor *m);
void monitor_set(monitor *m, monitor_state state); /* NULL is fine, here and below */
void monitor_close(monitor *m);

/* True while no loop has hung for `stall_ms`. */
bool monitor_is_healthy(const medsec_gateway *gateway, uint64_t stall_ms);

#endif
