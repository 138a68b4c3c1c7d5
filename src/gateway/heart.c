/* SPDX-License-Identifier: Apache-2.0 */
#include "heart.h"

#include "emit.h"
#include "internal.h"
#include "pace.h"

#include <inttypes.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define NO_PACE "pace" /* beside the words of medsec_heart_verdict */

struct medsec__heart {
    medsec_heart_rate rate;
    medsec__pace pace; /* of the seed wire */
    uint64_t reading_ms; /* time of the last reading: UTC; on the seed wire that of the loop */
    uint64_t sample_ms; /* of the last one in which the sensor did not fail */
    uint64_t told_ms; /* time of the loop */
    uint32_t told_rate; /* 0: none */
    const char *told_word; /* NULL: a rate, or nothing yet */
    bool is_new; /* there was a reading since */
    bool has_pace;
};

void medsec__heart_look(medsec_gateway *gateway)
{
    medsec_publisher *publisher = gateway->options.publisher;
    medsec_publisher_stats stats;
    publisher->ops->stats(publisher, &stats);
    atomic_store(&gateway->is_cut, stats.links_up < stats.links);
}

static const medsec_vital *signal_of(const medsec_profile *profile, unsigned *index)
{
    for (*index = 0; *index < profile->count; (*index)++) {
        if (profile->vitals[*index].signal != 0) {
            return &profile->vitals[*index];
        }
    }
    return NULL;
}

static medsec__heart *open_heart(medsec__connection *c, uint8_t signal)
{
    medsec__heart *heart = calloc(1, sizeof *heart);
    if (heart && medsec_heart_rate_open(&heart->rate, (medsec_heart_signal)signal) != MEDSEC_OK) {
        free(heart);
        heart = NULL;
    }
    if (heart) {
        medsec__pace_open(&heart->pace, c->profile->interval_ms);
        heart->told_ms = uv_now(&c->loop->uv);
    }
    c->heart = heart;
    return heart;
}

/* In units of the vital's last decimal: devices of the seed wire may print more or fewer. */
static int32_t scale(medsec_value value, uint8_t decimals)
{
    int64_t scaled = value.mantissa;
    for (unsigned i = value.decimals; i < decimals; i++) {
        scaled *= 10;
    }
    for (unsigned i = decimals; i < value.decimals; i++) {
        scaled /= 10;
    }
    return scaled > INT32_MAX ? INT32_MAX : scaled < INT32_MIN ? INT32_MIN : (int32_t)scaled;
}

/* False: no stream of samples can be made of these readings. */
static bool time_reading(medsec__connection *c, medsec__heart *heart, const medsec_event *event)
{
    if (event->sequenced) {
        heart->reading_ms = event->time_ms;
        return true;
    }
    return medsec__pace_take(&heart->pace, uv_now(&c->loop->uv), &heart->reading_ms);
}

static void push(medsec__heart *heart, const medsec_vital *vital, medsec_value value)
{
    if (value.kind != MEDSEC_VALUE_NONE &&
        medsec_heart_rate_push(&heart->rate, heart->reading_ms, scale(value, vital->decimals)) ==
            MEDSEC_OK) {
        heart->sample_ms = heart->reading_ms;
    }
}

void medsec__heart_take(medsec__connection *c, const medsec_event *event)
{
    unsigned index;
    const medsec_vital *vital = signal_of(c->profile, &index);
    if (!vital || c->loop->gateway->options.no_heart_rate || index >= event->reading->count ||
        c->readings == 0) { /* one reading is no stream, and many devices may be silent after it */
        return;
    }
    medsec__heart *heart = c->heart ? c->heart : open_heart(c, vital->signal);
    if (!heart) {
        return; /* out of memory: the readings go on */
    }
    heart->is_new = true;
    heart->has_pace = time_reading(c, heart, event);
    if (heart->has_pace) {
        push(heart, vital, event->reading->value[index]);
    }
}

/* The word why there is no rate, or NULL. */
static const char *judge(const medsec__heart *heart, uint32_t *rate)
{
    *rate = 0;
    if (!heart->has_pace) {
        return NO_PACE;
    }
    if (heart->reading_ms > heart->sample_ms + MEDSEC_HEART_GAP_MS) {
        return medsec_heart_verdict_word(MEDSEC_HEART_GAP);
    }
    const medsec_heart_verdict verdict = medsec_heart_rate_now(&heart->rate, rate);
    return verdict == MEDSEC_HEART_OK ? NULL : medsec_heart_verdict_word(verdict);
}

/* By the clock of the reading; what comes from the future says as little about now. */
static bool is_of_now(const medsec__connection *c, const medsec__heart *heart)
{
    const uint64_t now_ms = medsec__is_v1(c) ? medsec__emit_now_ms() : uv_now(&c->loop->uv);
    const uint64_t off_ms =
        now_ms > heart->reading_ms ? now_ms - heart->reading_ms : heart->reading_ms - now_ms;
    return off_ms <= MEDSEC__HEART_OLD_MS;
}

/* Another one follows soon, so this one makes room where there is none. */
static void publish(medsec__connection *c, uint32_t rate, const char *word)
{
    char number[16];
    snprintf(number, sizeof number, "%" PRIu32, rate);
    const char *payload = word ? word : number;
    const medsec__outgoing out = {.suffix = word ? MEDSEC_TOPIC_HEART_RATE "/Reason"
                                                 : MEDSEC_TOPIC_HEART_RATE,
                                  .payload = payload,
                                  .len = strlen(payload),
                                  .lane = c->lane,
                                  .qos = medsec__is_v1(c) ? 1 : c->loop->gateway->options.seed_qos,
                                  .droppable = true};
    (void)medsec__emit(c->loop, c->id, &out);
}

void medsec__heart_tell(medsec__connection *c)
{
    medsec__heart *heart = c->heart;
    if (!heart || !heart->is_new) {
        return;
    }
    heart->is_new = false;
    const uint64_t passed_ms = uv_now(&c->loop->uv) - heart->told_ms;
    if (passed_ms < MEDSEC__HEART_LEAST_MS || atomic_load(&c->loop->gateway->is_cut) ||
        !is_of_now(c, heart)) {
        return;
    }
    uint32_t rate;
    const char *word = judge(heart, &rate);
    if (rate != heart->told_rate || word != heart->told_word ||
        passed_ms >= MEDSEC__HEART_MOST_MS) {
        heart->told_ms += passed_ms;
        heart->told_rate = rate;
        heart->told_word = word;
        publish(c, rate, word);
    }
}

void medsec__heart_forget(medsec__connection *c)
{
    if (c->heart) {
        sodium_memzero(c->heart, sizeof *c->heart); /* vitals */
        free(c->heart);
        c->heart = NULL;
    }
}
