/* SPDX-License-Identifier: Apache-2.0 */
#include "heart_rate_parts.h"

#include <string.h>

enum {
    BEATS = 8, /* heights and intervals of which the median is taken */
    NOISE_PART = 8, /* gaps between beats that the noise goes back */
    THRESHOLD_PARTS = 16,
    /* The sum over a step of one unit, in a millisecond of a cell: 16 slopes of twice 256. */
    STEP = 16 * 2 * 256
};

/* The mean of the two in the middle, or of the one; `values` are sorted. */
static int64_t median(int64_t *values, uint32_t count)
{
    for (uint32_t i = 1; i < count; i++) {
        int64_t value = values[i];
        uint32_t at = i;
        for (; at > 0 && values[at - 1] > value; at--) {
            values[at] = values[at - 1];
        }
        values[at] = value;
    }
    return (values[(count - 1) / 2] + values[count / 2]) / 2;
}

int64_t medsec__heart_height(const medsec_heart_rate *heart)
{
    int64_t heights[BEATS];
    memcpy(heights, heart->heights, sizeof heights);
    return median(heights, BEATS);
}

uint32_t medsec__heart_interval_at(const medsec_heart_rate *heart, uint32_t back)
{
    uint32_t last = heart->beat + 2 * MEDSEC_HEART_BEATS - 1 - back;
    return heart->beats[last % MEDSEC_HEART_BEATS] - heart->beats[(last - 1) % MEDSEC_HEART_BEATS];
}

uint32_t medsec__heart_interval(const medsec_heart_rate *heart, uint32_t count)
{
    int64_t intervals[MEDSEC_HEART_BEATS];
    for (uint32_t i = 0; i < count; i++) {
        intervals[i] = medsec__heart_interval_at(heart, i);
    }
    return (uint32_t)median(intervals, count);
}

void medsec__heart_learn(medsec_heart_rate *heart, medsec_heart_verdict reason)
{
    heart->reason = (uint8_t)reason;
    heart->learning = 1;
    heart->since_ms = (uint32_t)heart->cell_ms;
    heart->peaks = 0;
    heart->peak = 0;
    heart->second = 0;
    heart->run = 0;
}

static void add_beat(medsec_heart_rate *heart, uint32_t time_ms, int64_t height)
{
    heart->heights[heart->height] = height;
    heart->height = (uint8_t)((heart->height + 1u) % BEATS);
    heart->beats[heart->beat] = time_ms;
    heart->beat = (uint8_t)((heart->beat + 1u) % MEDSEC_HEART_BEATS);
    heart->since_ms = time_ms;
    heart->second = 0;
    if (heart->run < MEDSEC_HEART_BEATS) {
        heart->run++;
    }
    if (heart->waiting < MEDSEC_HEART_BEATS) {
        heart->waiting++;
    }
}

static int64_t threshold(const medsec_heart_rate *heart)
{
    int64_t over = medsec__heart_height(heart) - heart->noise;
    return heart->noise + over * medsec__heart_band_of(heart)->threshold / THRESHOLD_PARTS;
}

static bool is_twave(const medsec_heart_rate *heart, uint32_t time_ms, int64_t height)
{
    return heart->run > 0 && time_ms - heart->since_ms < medsec__heart_band_of(heart)->twave_ms &&
           height < heart->heights[(heart->height + BEATS - 1) % BEATS] / 2;
}

static void judge_peak(medsec_heart_rate *heart, uint32_t time_ms, int64_t height)
{
    if (is_twave(heart, time_ms, height)) {
        return;
    }
    if (height > threshold(heart)) {
        heart->noise += (heart->second - heart->noise) / NOISE_PART;
        add_beat(heart, time_ms, height);
    } else if (height > heart->second) {
        heart->second = height;
        heart->second_ms = time_ms;
    }
}

/*
 * The second highest peak stands for a beat, for the highest may be motion; but not when it is so
 * much lower that it may be the T wave of the only beat there was.
 */
static int64_t learned_height(const medsec_heart_rate *heart)
{
    int64_t highest = 0;
    int64_t second = 0;
    for (uint32_t i = 0; i < heart->peaks; i++) {
        if (heart->heights[i] > highest) {
            second = highest;
            highest = heart->heights[i];
        } else if (heart->heights[i] > second) {
            second = heart->heights[i];
        }
    }
    return second > highest / 2 ? second : highest / 2;
}

static bool is_flat(const medsec_heart_rate *heart, int64_t height)
{
    int64_t cell_ms = medsec__heart_band_of(heart)->cell_ms;
    return height <= STEP * (int64_t)MEDSEC_HEART_FLAT_STEP * cell_ms;
}

static void end_learning(medsec_heart_rate *heart)
{
    int64_t heights[MEDSEC_HEART_PEAKS];
    int64_t usual = learned_height(heart);
    uint32_t count = heart->peaks;
    if (is_flat(heart, usual)) {
        medsec__heart_learn(heart, MEDSEC_HEART_FLAT);
        return;
    }
    if (heart->reason == MEDSEC_HEART_FLAT) {
        heart->reason = MEDSEC_HEART_STARTING;
    }
    memcpy(heights, heart->heights, sizeof heights);
    for (uint32_t i = 0; i < BEATS; i++) {
        heart->heights[i] = usual;
    }
    heart->noise = usual / NOISE_PART;
    heart->learning = 0;
    heart->since_ms = (uint32_t)heart->cell_ms;
    for (uint32_t i = 0; i < count; i++) {
        judge_peak(heart, heart->peak_ms[i], heights[i]);
    }
}

/* The top of the parabola through the peak and its neighbours, never before the first sample. */
static uint32_t peak_time(const medsec_heart_rate *heart)
{
    const medsec__heart_band *band = medsec__heart_band_of(heart);
    int64_t cell_ms = band->cell_ms;
    int64_t bend = 2 * heart->peak - heart->before - heart->after;
    int64_t back_ms = band->delay_ms + heart->age * cell_ms;
    if (bend > 0) {
        back_ms -= (heart->after - heart->before) * cell_ms / (2 * bend);
    }
    int64_t since_begin_ms = (int64_t)(heart->cell_ms - heart->begin_ms);
    return (uint32_t)heart->cell_ms -
           (uint32_t)(back_ms < since_begin_ms ? back_ms : since_begin_ms);
}

static void end_peak(medsec_heart_rate *heart)
{
    uint32_t time_ms = peak_time(heart);
    int64_t height = heart->peak;
    heart->peak = 0;
    if (!heart->learning) {
        judge_peak(heart, time_ms, height);
    } else {
        heart->peak_ms[heart->peaks] = time_ms;
        heart->heights[heart->peaks++] = height;
    }
}

/* A beat that is due and was not seen: was there one that is half as high as it should be? */
static void look_back(medsec_heart_rate *heart)
{
    const medsec__heart_band *band = medsec__heart_band_of(heart);
    if (heart->run <= BEATS || heart->second * 2 <= threshold(heart)) {
        return;
    }
    uint32_t usual_ms = medsec__heart_interval(heart, BEATS);
    uint32_t quiet_ms = (uint32_t)heart->cell_ms - band->delay_ms - heart->since_ms;
    if (quiet_ms > usual_ms * 5 / 3 && heart->second_ms - heart->since_ms >= usual_ms / 2) {
        add_beat(heart, heart->second_ms, heart->second);
    }
}

static void follow(medsec_heart_rate *heart, int64_t sum)
{
    if (sum > heart->last_sum && sum > heart->peak) {
        heart->peak = sum;
        heart->before = heart->last_sum;
        heart->after = sum;
        heart->age = 0;
    } else if (heart->peak > 0) { /* which ends before its age is out of range */
        heart->age++;
        heart->after = heart->age == 1 ? sum : heart->after;
    }
    heart->last_sum = sum;
}

void medsec__heart_sum(medsec_heart_rate *heart, int64_t sum)
{
    follow(heart, sum);
    if (heart->peak > 0 && heart->age >= medsec__heart_band_of(heart)->hold) {
        end_peak(heart);
    }
    uint32_t since_ms = (uint32_t)heart->cell_ms - heart->since_ms;
    if (heart->learning) {
        if (since_ms >= MEDSEC_HEART_LEARN_MS || heart->peaks == MEDSEC_HEART_PEAKS) {
            end_learning(heart);
        }
        return;
    }
    look_back(heart);
    if (since_ms > MEDSEC_HEART_PAUSE_MS) {
        medsec__heart_learn(heart,
                            is_flat(heart, heart->second) ? MEDSEC_HEART_FLAT : MEDSEC_HEART_NOISY);
    }
}
