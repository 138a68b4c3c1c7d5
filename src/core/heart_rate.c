/* SPDX-License-Identifier: Apache-2.0 */
#include "heart_rate_parts.h"

#include <string.h>

enum {
    FRACTION = 256, /* parts of a unit that a value on a cell's edge has */
    HALF = MEDSEC_HEART_CELLS / 2,
    SLOW_MAX = 2 * MEDSEC__HEART_SLOW
};

_Static_assert(sizeof(medsec_heart_rate) <= 512, "a device holds one beside everything else");

/*
 * The difference of two means of four cells has its middle at 0.37 / (4 cells): 11.6 Hz for an
 * ECG, where a QRS complex has most of what sets it apart, 3.9 Hz for the rise of a pulse wave.
 */
const medsec__heart_band *medsec__heart_band_of(const medsec_heart_rate *heart)
{
    static const medsec__heart_band ecg = {8, 72, 25, 360, 5, 12, 25};
    static const medsec__heart_band pulse = {24, 144, 75, 0, 6, 6, 8};
    return heart->signal == MEDSEC_HEART_ECG ? &ecg : &pulse;
}

static void forget(medsec_heart_rate *heart, uint8_t signal)
{
    memset(heart, 0, sizeof *heart);
    heart->signal = signal;
    heart->reason = MEDSEC_HEART_STARTING;
}

medsec_status medsec_heart_rate_open(medsec_heart_rate *heart, medsec_heart_signal signal)
{
    if (heart == NULL || (signal != MEDSEC_HEART_ECG && signal != MEDSEC_HEART_PULSE)) {
        return MEDSEC_ERR_ARGUMENT;
    }
    forget(heart, (uint8_t)signal);
    return MEDSEC_OK;
}

/* The first sample, or the first after a gap. */
static void begin(medsec_heart_rate *heart, uint64_t time_ms, int32_t value)
{
    heart->begin_ms = time_ms;
    heart->last_ms = time_ms;
    heart->last_value = value;
    heart->cell_ms = time_ms + medsec__heart_band_of(heart)->cell_ms;
    heart->area = 0;
    heart->filled = 0;
    heart->sum = 0;
    heart->last_sum = 0;
    heart->level = 0;
    memset(heart->slopes, 0, sizeof heart->slopes);
    medsec__heart_learn(heart, heart->started ? MEDSEC_HEART_GAP : MEDSEC_HEART_STARTING);
    heart->started = 1;
}

static void add_slope(medsec_heart_rate *heart, int64_t slope)
{
    const medsec__heart_band *band = medsec__heart_band_of(heart);
    if (slope < 0) {
        slope = heart->signal == MEDSEC_HEART_ECG ? -slope : 0;
    }
    heart->sum += slope - heart->slopes[heart->slope];
    heart->slopes[heart->slope] = slope;
    heart->slope = (uint8_t)((heart->slope + 1u) % band->window);
    heart->level += heart->sum - heart->level / MEDSEC__HEART_LEVEL;
    medsec__heart_sum(heart, heart->sum);
}

static void end_cell(medsec_heart_rate *heart)
{
    heart->cells[heart->cell] = heart->area;
    heart->cell = (uint8_t)((heart->cell + 1u) % MEDSEC_HEART_CELLS);
    heart->area = 0;
    if (heart->filled < MEDSEC_HEART_CELLS) {
        heart->filled++;
    }
    if (heart->filled == MEDSEC_HEART_CELLS) {
        int64_t slope = 0;
        for (unsigned i = 0; i < HALF; i++) {
            slope -= heart->cells[(heart->cell + i) % MEDSEC_HEART_CELLS];
            slope += heart->cells[(heart->cell + HALF + i) % MEDSEC_HEART_CELLS];
        }
        add_slope(heart, slope);
    }
    heart->cell_ms += medsec__heart_band_of(heart)->cell_ms;
}

/* Twice the area under the straight line from the last sample to this one, cell by cell. */
static void draw_line(medsec_heart_rate *heart, uint64_t time_ms, int32_t value)
{
    int64_t length = (int64_t)(time_ms - heart->last_ms);
    int64_t rise = ((int64_t)value - heart->last_value) * FRACTION;
    int64_t first = (int64_t)heart->last_value * FRACTION;
    int64_t left = first;
    uint64_t left_ms = heart->last_ms;
    while (heart->cell_ms <= time_ms) {
        int64_t edge = first + rise * (int64_t)(heart->cell_ms - heart->last_ms) / length;
        heart->area += (left + edge) * (int64_t)(heart->cell_ms - left_ms);
        left = edge;
        left_ms = heart->cell_ms;
        end_cell(heart);
    }
    heart->area += (left + first + rise) * (int64_t)(time_ms - left_ms);
    heart->last_ms = time_ms;
    heart->last_value = value;
}

static void count_slow(medsec_heart_rate *heart, uint64_t interval_ms)
{
    if (interval_ms <= medsec__heart_band_of(heart)->slow_ms) {
        if (heart->slow > 0) {
            heart->slow--;
        }
    } else if (heart->slow < SLOW_MAX) {
        heart->slow++;
    }
}

medsec_status medsec_heart_rate_push(medsec_heart_rate *heart, uint64_t time_ms, int32_t value)
{
    if (heart == NULL || time_ms > MEDSEC_TIME_MS_MAX) {
        return MEDSEC_ERR_ARGUMENT;
    }
    if (heart->started && heart->last_ms > time_ms + MEDSEC_HEART_LATE_MS) {
        forget(heart, heart->signal);
    }
    if (!heart->started) {
        begin(heart, time_ms, value);
    } else if (time_ms > heart->last_ms) {
        uint64_t interval_ms = time_ms - heart->last_ms;
        count_slow(heart, interval_ms);
        if (interval_ms > MEDSEC_HEART_GAP_MS) {
            begin(heart, time_ms, value);
        } else {
            draw_line(heart, time_ms, value);
        }
    }
    return MEDSEC_OK;
}

bool medsec_heart_rate_beat(medsec_heart_rate *heart, uint64_t *time_ms)
{
    if (heart->waiting == 0) {
        return false;
    }
    uint32_t at = (heart->beat + MEDSEC_HEART_BEATS - heart->waiting) % MEDSEC_HEART_BEATS;
    heart->waiting--;
    *time_ms = heart->last_ms - (uint32_t)((uint32_t)heart->last_ms - heart->beats[at]);
    return true;
}
