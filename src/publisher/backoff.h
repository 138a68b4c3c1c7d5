/* SPDX-License-Identifier: Apache-2.0 */
#ifndef MEDSEC_PUBLISHER_BACKOFF_H
#define MEDSEC_PUBLISHER_BACKOFF_H

#include <stdint.h>

/* How long to wait before the next attempt to reach the broker: doubles from
 * MEDSEC_MQTT_BACKOFF_MIN_MS to _MAX_MS. All zero to begin with. */
typedef struct medsec__backoff {
    uint32_t ms;
} medsec__backoff;

/* Half of it sure, half of it chance: gateways that lost a broker together do not come back so.
 * `lasted_ms`: how long the connection was up; one that is thrown out at once (two of one name,
 * say) does not come back at once. */
uint32_t medsec__backoff_next(medsec__backoff *backoff, uint64_t lasted_ms);

#endif
