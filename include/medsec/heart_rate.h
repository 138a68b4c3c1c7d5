/* SPDX-License-Identifier: Apache-2.0 */
#ifndef MEDSEC_HEART_RATE_H
#define MEDSEC_HEART_RATE_H

#include <medsec/limits.h>
#include <medsec/status.h>

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*
 * Heart beats in a stream of samples, and their rate, in integers. A beat is told once, with its
 * time, from what came before: at most MEDSEC_HEART_DELAY_MS after it happened; one that was so
 * small that it was looked for again, after 5/3 of the usual interval; and those of the first
 * MEDSEC_HEART_LEARN_MS at the end of these. Nothing that was told is taken back.
 *
 * After Pan and Tompkins, A Real-Time QRS Detection Algorithm, IEEE Trans. Biomed. Eng. 32 (1985),
 * with rectified slopes and medians as in Hamilton, Open Source ECG Analysis, Computers in
 * Cardiology 29 (2002): slopes in the band of a beat are summed up over its length; a threshold
 * lies between the heights of beats and of what is between beats. Of a pulse wave only rising
 * slopes count, as in Zong et al., An Open-source Algorithm to Detect Onset of Arterial Blood
 * Pressure Pulses, Computers in Cardiology 30 (2003). Not a medical device: it raises no alarm.
 */
#define MEDSEC_HEART_LEARN_MS 3000u /* holds two beats of a slow heart */
#define MEDSEC_HEART_DELAY_MS 400u /* of an ECG 300 ms, at the least sampling */
#define MEDSEC_HEART_PAUSE_MS 3500u /* without a beat: the rate ends, learning begins anew */
#define MEDSEC_HEART_GAP_MS 250u /* between two samples; less is bridged by a straight line */
#define MEDSEC_HEART_LATE_MS 10000u /* a sample older than this says that the clock was set */
#define MEDSEC_HEART_RATE_MAX 300u /* per minute: 200 ms from beat to beat */
#define MEDSEC_HEART_FLAT_STEP 4u /* units: what no step exceeds is no signal */

#define MEDSEC_HEART_CELLS 8u /* of which a slope is taken: the mean of four less that of four */
#define MEDSEC_HEART_WINDOW 12u /* slopes that are summed up, at most */
#define MEDSEC_HEART_PEAKS 12u /* seen while learning, at most */
#define MEDSEC_HEART_BEATS 16u /* remembered */

typedef enum medsec_heart_signal {
    MEDSEC_HEART_ECG = 1, /* samples 2-20 ms apart; either polarity */
    MEDSEC_HEART_PULSE = 2 /* optical or pressure wave: samples 2-50 ms apart */
} medsec_heart_signal;

typedef enum medsec_heart_verdict {
    MEDSEC_HEART_OK = 0,
    MEDSEC_HEART_STARTING = 1, /* too few beats yet: eight intervals and six seconds, or 15 */
    MEDSEC_HEART_FLAT = 2, /* no step of more than MEDSEC_HEART_FLAT_STEP units: no sensor */
    /*
     * An ECG's beats do not stand out; or pulses do not come as evenly as a heart's do at rest or
     * at work: an interval is more than 1/12 off the median, or several heights more than twice.
     */
    MEDSEC_HEART_NOISY = 3,
    MEDSEC_HEART_GAP = 4, /* samples were missing, and there are too few beats since */
    MEDSEC_HEART_SLOW = 5 /* samples are too far apart for this signal */
} medsec_heart_verdict;

/* A cell is 8 ms of an ECG, 24 ms of a pulse wave, whatever the sampling is. */
typedef struct medsec_heart_rate {
    uint64_t begin_ms; /* time of the first sample since a gap */
    uint64_t last_ms;
    uint64_t cell_ms; /* end of the cell that is being filled */
    int64_t area; /* of it, until now */
    int64_t cells[MEDSEC_HEART_CELLS]; /* rings: the oldest is where the next is put */
    int64_t slopes[MEDSEC_HEART_WINDOW];
    int64_t sum; /* of slopes */
    int64_t level; /* 256 times the mean of sums */
    int64_t heights[MEDSEC_HEART_PEAKS]; /* while learning: of peaks; then of the last 8 beats */
    int64_t noise; /* mean height of the highest peaks between beats */
    int64_t peak; /* height of the peak that may still be topped, 0: none */
    int64_t last_sum;
    int64_t before; /* sums beside it: where between two cells it is */
    int64_t after;
    int64_t second; /* height of the highest peak since the last beat */
    uint32_t second_ms; /* times modulo 2^32 */
    uint32_t since_ms; /* last beat, or end of learning */
    uint32_t beats[MEDSEC_HEART_BEATS]; /* a ring of times */
    uint32_t peak_ms[MEDSEC_HEART_PEAKS]; /* while learning: times of peaks */
    int32_t last_value;
    uint8_t signal; /* medsec_heart_signal */
    uint8_t reason; /* medsec_heart_verdict while there is no rate */
    uint8_t started;
    uint8_t learning;
    uint8_t cell; /* place in rings */
    uint8_t slope;
    uint8_t height;
    uint8_t beat;
    uint8_t filled; /* cells since the beginning, up to MEDSEC_HEART_CELLS */
    uint8_t age; /* cells since the peak */
    uint8_t peaks; /* while learning */
    uint8_t run; /* beats since learning */
    uint8_t waiting; /* beats that were not fetched */
    uint8_t slow; /* rises with samples that are far apart */
} medsec_heart_rate;

MEDSEC_BEGIN_DECLS

/* Begins a stream. ERR_ARGUMENT: no such signal. */
MEDSEC_API MEDSEC_CHECK medsec_status medsec_heart_rate_open(medsec_heart_rate *heart,
                                                             medsec_heart_signal signal);

/*
 * Takes a sample in any unit. A time that was there, or is up to MEDSEC_HEART_LATE_MS old, is
 * ignored; an older one begins the stream anew, and beats that were not fetched are gone.
 * ERR_ARGUMENT: a time above MEDSEC_TIME_MS_MAX.
 */
MEDSEC_API MEDSEC_CHECK medsec_status medsec_heart_rate_push(medsec_heart_rate *heart,
                                                             uint64_t time_ms, int32_t value);

/*
 * The next beat that was not fetched; false when there is none. Times rise, but where a stream
 * begins anew. Of an ECG it is the middle of the QRS complex, of a pulse wave that of its rise. To
 * be called until false after each sample: of more than MEDSEC_HEART_BEATS the oldest go.
 */
MEDSEC_API bool medsec_heart_rate_beat(medsec_heart_rate *heart, uint64_t *time_ms);

/*
 * The rate as of the last sample, the mean of about six seconds, 1-300; 0 when the verdict is not
 * MEDSEC_HEART_OK. Whoever gets no samples any more has no rate either: that is for the caller to
 * see, who has a clock.
 */
MEDSEC_API medsec_heart_verdict medsec_heart_rate_now(const medsec_heart_rate *heart,
                                                      uint32_t *per_minute);

/* The word for a signal, for profiles ("pulse"), and for a verdict, for logs and topics ("noisy");
 * never NULL. */
MEDSEC_API const char *medsec_heart_signal_word(medsec_heart_signal signal);
MEDSEC_API const char *medsec_heart_verdict_word(medsec_heart_verdict verdict);

MEDSEC_END_DECLS

#endif
