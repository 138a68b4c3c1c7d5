/* SPDX-License-Identifier: Apache-2.0 */
#include "pace.h"

enum {
    KNOWN = MEDSEC__PACE_MEMORY / 2, /* readings that the profile's interval is worth */
    TOGETHER_MAX = 32, /* then the line goes through the last one */
    ASTRAY_US = 1000 * MEDSEC__PACE_ASTRAY_MS,
    EARLY_US = 1000 * MEDSEC__PACE_LOST_MS
};

void medsec__pace_open(medsec__pace *pace, uint32_t interval_ms)
{
    *pace = (medsec__pace){.usual_us = (int64_t)interval_ms * 1000};
}

static void begin(medsec__pace *pace)
{
    pace->time_us = (int64_t)pace->arrived_ms * 1000;
    pace->interval_us = pace->usual_us;
    pace->count = 0;
    pace->is_astray = false;
}

/* Readings that came together count as much as if each had been as far off the line as the last. */
static void follow(medsec__pace *pace, int64_t off_us)
{
    const int64_t k = pace->together < TOGETHER_MAX ? pace->together : TOGETHER_MAX;
    const int64_t n = KNOWN + pace->count;
    if (pace->count == 0) { /* those that came with the first one waited for the last one */
        pace->time_us += off_us;
    } else {
        pace->time_us += off_us * k * 2 * (2 * n - 1) / (n * (n + 1));
        pace->interval_us += off_us * k * 6 / (n * (n + 1));
    }
    pace->count += (uint32_t)k;
    if (pace->count > MEDSEC__PACE_MEMORY - KNOWN) {
        pace->count = MEDSEC__PACE_MEMORY - KNOWN;
    }
    pace->is_astray = false;
    pace->was_lost = pace->was_lost && pace->count < MEDSEC__PACE_TRIAL;
}

static void pass_over(medsec__pace *pace, bool is_early)
{
    if (!pace->is_astray) {
        pace->is_astray = true;
        pace->astray_ms = pace->arrived_ms;
    }
    if (is_early || pace->arrived_ms - pace->astray_ms >= MEDSEC__PACE_LOST_MS) {
        begin(pace);
        pace->was_lost = true;
    }
}

/* Of readings that came together the last one waited least: where is it? */
static void see_arrival(medsec__pace *pace)
{
    const int64_t off_us = (int64_t)pace->arrived_ms * 1000 - pace->time_us;
    if (pace->count == 0 || (off_us <= ASTRAY_US && off_us >= -ASTRAY_US)) {
        follow(pace, off_us);
    } else {
        pass_over(pace, off_us < -EARLY_US);
    }
    pace->together = 0;
}

static bool is_as_usual(const medsec__pace *pace)
{
    const int64_t off_us = pace->interval_us - pace->usual_us;
    const int64_t most_us = pace->usual_us / MEDSEC__PACE_PART;
    return off_us <= most_us && -off_us <= most_us;
}

bool medsec__pace_take(medsec__pace *pace, uint64_t arrived_ms, uint64_t *time_ms)
{
    if (pace->together > 0 && arrived_ms != pace->arrived_ms) {
        see_arrival(pace);
    }
    pace->arrived_ms = arrived_ms;
    if (pace->interval_us == 0) {
        begin(pace);
    } else {
        pace->time_us += pace->interval_us;
    }
    pace->together++;
    *time_ms = pace->time_us > 0 ? (uint64_t)pace->time_us / 1000 : 0;
    return pace->usual_us > 0 && is_as_usual(pace) && !pace->was_lost;
}
