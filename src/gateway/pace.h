/* SPDX-License-Identifier: Apache-2.0 */
#ifndef MEDSEC_GATEWAY_PACE_H
#define MEDSEC_GATEWAY_PACE_H

#include <stdbool.h>
#include <stdint.h>

/*
 * When readings were taken that carry no time, by when they come: a network delays them, and
 * brings several at once, but a device takes them evenly. A line through their arrivals, of which
 * the last ones count (a growing-memory, then fading alpha-beta filter: E. Brookner, Tracking and
 * Kalman Filtering Made Easy, 1998), gives each its time.
 *
 * What a device could not send, and sends later as fast as the network lets it, looks like a faster
 * pace: a heart rate of that would be wrong. So the line must rise as the profile says.
 */
#define MEDSEC__PACE_MEMORY 256u /* readings the line goes back: 13 s at 20 Hz */
#define MEDSEC__PACE_ASTRAY_MS 150u /* from the line: does not count */
#define MEDSEC__PACE_LOST_MS 1000u /* nothing but such arrivals for so long, or one so early */
#define MEDSEC__PACE_TRIAL 60u /* readings of a new line before it is believed */
#define MEDSEC__PACE_PART 10u /* of the profile's interval, that the line's may be off */

typedef struct medsec__pace {
    int64_t time_us; /* of the last reading */
    int64_t interval_us; /* by the line */
    int64_t usual_us; /* by the profile */
    uint64_t arrived_ms; /* the last reading */
    uint64_t astray_ms; /* when the first one came that does not count, of those at the end */
    uint32_t together; /* readings that arrived then */
    uint32_t count; /* readings that the line was drawn from, up to half of the memory */
    bool is_astray;
    bool was_lost; /* and not yet found */
} medsec__pace;

void medsec__pace_open(medsec__pace *pace, uint32_t interval_ms);

/*
 * A reading came, by a clock that nobody sets: its time, by the same clock. False: readings do not
 * come as the profile says, or a new line begins with this one.
 */
bool medsec__pace_take(medsec__pace *pace, uint64_t arrived_ms, uint64_t *time_ms);

#endif
