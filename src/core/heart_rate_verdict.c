/* SPDX-License-Identifier: Apache-2.0 */
#include "heart_rate_parts.h"

enum {
    HEIGHTS = 8, /* that are known */
    INTERVALS_MIN = 8,
    SPAN_MS = 6000,
    MINUTE_MS = 60000,
    STEADY_PART = 12, /* of the usual interval; breathing gives and takes less */
    ODD_HEIGHTS = 1, /* of HEIGHTS */
    CONTRAST_PARTS = 8,
    CONTRAST = 19 /* of them: beats over mean level; noise of any colour reaches 16 */
};

/* Of the last intervals those that make up the time that a rate is the mean of; 0: too few. */
static uint32_t count_intervals(const medsec_heart_rate *heart)
{
    uint32_t span_ms = 0;
    uint32_t count = 0;
    while (count + 1 < heart->run && (count < INTERVALS_MIN || span_ms < SPAN_MS)) {
        span_ms += medsec__heart_interval_at(heart, count);
        count++;
    }
    bool enough = count >= INTERVALS_MIN && (span_ms >= SPAN_MS || count == MEDSEC_HEART_BEATS - 1);
    return enough ? count : 0;
}

static bool stands_out(const medsec_heart_rate *heart)
{
    int64_t level = heart->level / MEDSEC__HEART_LEVEL;
    return medsec__heart_height(heart) * CONTRAST_PARTS >= level * CONTRAST;
}

static bool is_near(uint32_t interval_ms, uint32_t usual_ms)
{
    uint32_t off_ms = interval_ms > usual_ms ? interval_ms - usual_ms : usual_ms - interval_ms;
    return off_ms <= usual_ms / STEADY_PART;
}

/* Motion comes at any time and in any size. */
static bool is_steady(const medsec_heart_rate *heart, uint32_t count)
{
    uint32_t usual_ms = medsec__heart_interval(heart, count);
    int64_t usual = medsec__heart_height(heart);
    uint32_t odd = 0;
    for (uint32_t i = 0; i < count; i++) {
        if (!is_near(medsec__heart_interval_at(heart, i), usual_ms)) {
            return false;
        }
    }
    for (uint32_t i = 0; i < HEIGHTS; i++) {
        odd += heart->heights[i] * 2 < usual || heart->heights[i] > usual * 2 ? 1 : 0;
    }
    return odd <= ODD_HEIGHTS;
}

static uint32_t mean_rate(const medsec_heart_rate *heart, uint32_t count)
{
    uint32_t sum_ms = 0;
    for (uint32_t i = 0; i < count; i++) {
        sum_ms += medsec__heart_interval_at(heart, i);
    }
    return sum_ms > 0 ? (count * MINUTE_MS + sum_ms / 2) / sum_ms : 0;
}

medsec_heart_verdict medsec_heart_rate_now(const medsec_heart_rate *heart, uint32_t *per_minute)
{
    *per_minute = 0;
    if (heart->slow >= MEDSEC__HEART_SLOW) {
        return MEDSEC_HEART_SLOW;
    }
    uint32_t count = count_intervals(heart);
    if (count == 0) {
        return (medsec_heart_verdict)heart->reason;
    }
    bool good = heart->signal == MEDSEC_HEART_ECG ? stands_out(heart) : is_steady(heart, count);
    if (!good) {
        return MEDSEC_HEART_NOISY;
    }
    *per_minute = mean_rate(heart, count);
    return MEDSEC_HEART_OK;
}

const char *medsec_heart_signal_word(medsec_heart_signal signal)
{
    return signal == MEDSEC_HEART_ECG ? "ecg" : signal == MEDSEC_HEART_PULSE ? "pulse" : "unknown";
}

const char *medsec_heart_verdict_word(medsec_heart_verdict verdict)
{
    static const char *const words[] = {"ok", "starting", "flat", "noisy", "gap", "slow"};
    size_t at = (size_t)verdict;
    return at < sizeof words / sizeof words[0] ? words[at] : "unknown";
}
