/* SPDX-License-Identifier: Apache-2.0 */
#ifndef MEDSEC_CORE_HEART_RATE_PARTS_H
#define MEDSEC_CORE_HEART_RATE_PARTS_H

#include <medsec/heart_rate.h>

enum {
    MEDSEC__HEART_LEVEL = 256, /* cells that the mean level goes back: 2 s of an ECG */
    MEDSEC__HEART_SLOW = 4 /* samples too far apart in a row: that is the sampling */
};

/* What differs between signals. */
typedef struct medsec__heart_band {
    uint32_t cell_ms;
    uint32_t delay_ms; /* from the middle of a beat to the highest sum */
    uint32_t slow_ms; /* samples further apart, four times, are too slow */
    uint32_t twave_ms; /* a peak that follows sooner and is lower is the beat's T wave */
    int64_t threshold; /* in 16ths of the way from noise to beats */
    uint8_t window; /* slopes in a sum */
    uint8_t hold; /* cells without a higher sum make a peak */
} medsec__heart_band;

const medsec__heart_band *medsec__heart_band_of(const medsec_heart_rate *heart);

/* From the next cell on nothing is known of heights and intervals. */
void medsec__heart_learn(medsec_heart_rate *heart, medsec_heart_verdict reason);

/* The sum as of the end of the cell at `cell_ms`. */
void medsec__heart_sum(medsec_heart_rate *heart, int64_t sum);

/* The median of the heights of the last eight beats. */
int64_t medsec__heart_height(const medsec_heart_rate *heart);

/* The median of the last `count` intervals, at most 15; there are as many. */
uint32_t medsec__heart_interval(const medsec_heart_rate *heart, uint32_t count);

/* The interval that ended `back` beats ago. */
uint32_t medsec__heart_interval_at(const medsec_heart_rate *heart, uint32_t back);

#endif
