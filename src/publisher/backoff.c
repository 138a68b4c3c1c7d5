/* SPDX-License-Identifier: Apache-2.0 */
#include "backoff.h"

#include <medsec/publisher.h>
#include <uv.h>

static uint32_t random_below(uint32_t bound)
{
    uint32_t r = 0;
    (void)uv_random(NULL, NULL, &r, sizeof r, 0, NULL);
    return r % bound;
}

uint32_t medsec__backoff_next(medsec__backoff *backoff, uint64_t lasted_ms)
{
    if (backoff->ms == 0 || lasted_ms > MEDSEC_MQTT_BACKOFF_MAX_MS) {
        backoff->ms = MEDSEC_MQTT_BACKOFF_MIN_MS;
    }
    const uint32_t now = backoff->ms;
    backoff->ms = now * 2 < MEDSEC_MQTT_BACKOFF_MAX_MS ? now * 2 : MEDSEC_MQTT_BACKOFF_MAX_MS;
    return now / 2 + random_below(now / 2 + 1);
}
