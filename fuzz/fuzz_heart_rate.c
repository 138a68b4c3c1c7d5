/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Heart rate, of any samples at any times: beats lie between the first sample and the last, rise
 * and are no closer than a heart can beat; a rate is in its range, and there is one exactly when
 * the verdict says so; two that are given the same agree, however often one is asked.
 */
#include <medsec/heart_rate.h>

#include <stdlib.h>
#include <string.h>

enum { ITEM = 3, CLOSEST_MS = 150, RUN = 40 };

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

typedef struct stream {
    medsec_heart_rate asked; /* after each sample */
    medsec_heart_rate silent;
    uint64_t now_ms;
    uint64_t newest_ms; /* sample */
    uint64_t oldest_ms; /* UINT64_MAX: none yet */
    uint64_t beat_ms; /* the last one, 0: none */
    int32_t value;
} stream;

static void check(bool good)
{
    if (!good) {
        abort();
    }
}

static void check_beats(stream *in)
{
    uint64_t beat_ms;
    while (medsec_heart_rate_beat(&in->asked, &beat_ms)) {
        check(beat_ms >= in->oldest_ms && beat_ms <= in->newest_ms);
        check(in->beat_ms == 0 || beat_ms >= in->beat_ms + CLOSEST_MS);
        in->beat_ms = beat_ms;
    }
}

static void check_rate(const medsec_heart_rate *heart)
{
    uint32_t rate = UINT32_MAX;
    medsec_heart_verdict verdict = medsec_heart_rate_now(heart, &rate);
    check(verdict <= MEDSEC_HEART_SLOW);
    check((verdict == MEDSEC_HEART_OK) == (rate > 0) && rate <= MEDSEC_HEART_RATE_MAX);
}

static void push(stream *in)
{
    medsec_status status = medsec_heart_rate_push(&in->asked, in->now_ms, in->value);
    check(medsec_heart_rate_push(&in->silent, in->now_ms, in->value) == status);
    check((status == MEDSEC_OK) == (in->now_ms <= MEDSEC_TIME_MS_MAX));
    if (status != MEDSEC_OK) {
        in->now_ms = MEDSEC_TIME_MS_MAX;
        return;
    }
    bool anew = in->newest_ms > in->now_ms + MEDSEC_HEART_LATE_MS;
    if (anew || in->oldest_ms == UINT64_MAX) {
        in->beat_ms = 0;
        in->oldest_ms = in->now_ms;
        in->newest_ms = in->now_ms;
    }
    in->newest_ms = in->now_ms > in->newest_ms ? in->now_ms : in->newest_ms;
    check_beats(in);
    check_rate(&in->asked);
}

/* How time goes on: mostly evenly, as in a signal that is one; else in all sizes, both ways. */
static void step_time(stream *in, uint8_t control, uint8_t by)
{
    switch (control & 7) {
    case 0:
        in->now_ms += (uint64_t)by << (control >> 3);
        break;
    case 1:
        in->now_ms -= (uint64_t)by << (control >> 4);
        break;
    case 2:
        in->now_ms += by;
        break;
    default:
        in->now_ms += in->asked.signal == MEDSEC_HEART_ECG ? 8 : 50;
    }
}

static void step_value(stream *in, uint8_t control, uint8_t by)
{
    uint32_t value = (uint32_t)in->value;
    if ((control & 0x80) != 0) {
        value = (uint32_t)by << (control >> 2 & 0x18);
    } else {
        value += (uint32_t)((int32_t)by - 128) * (control >> 3);
    }
    memcpy(&in->value, &value, sizeof in->value);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    stream in;
    memset(&in, 0, sizeof in);
    if (size < 2) {
        return 0;
    }
    medsec_heart_signal signal = data[0] & 1 ? MEDSEC_HEART_ECG : MEDSEC_HEART_PULSE;
    check(medsec_heart_rate_open(&in.asked, signal) == MEDSEC_OK);
    in.silent = in.asked;
    in.now_ms = (uint64_t)data[1] << (data[0] >> 2 & 0x1f);
    in.oldest_ms = UINT64_MAX;
    for (size_t at = 2; at + ITEM <= size; at += ITEM) {
        step_time(&in, data[at], data[at + 1]);
        step_value(&in, data[at], data[at + 2]);
        /* One item may be a stretch: a fuzzer need not write out seconds of silence. */
        for (unsigned i = 0; i < (data[at + 1] == UINT8_MAX ? RUN : 1); i++) {
            push(&in);
            in.now_ms += i + 1 < RUN && data[at + 1] == UINT8_MAX ? 8 : 0;
        }
    }
    in.asked.waiting = 0;
    in.silent.waiting = 0;
    check(memcmp(&in.asked, &in.silent, sizeof in.asked) == 0);
    return 0;
}
