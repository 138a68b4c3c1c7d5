/* SPDX-License-Identifier: Apache-2.0 */
#include "messages.h"

#include <medsec/medsec.h>

#include <stdio.h>
#include <string.h>

#define PICO (&medsec_profile_pico_vitals)
#define START_MS 1795000000000u /* a time of thirteen digits, as today's are */

static const char *const words[] = {"fields", "reading", "batch"};

bool messages_style(message_style *style, const char *word)
{
    for (unsigned i = 0; i < sizeof words / sizeof words[0]; i++) {
        if (strcmp(word, words[i]) == 0) {
            *style = (message_style)i;
            return true;
        }
    }
    return false;
}

unsigned messages_readings(message_style style)
{
    return style == STYLE_BATCH ? MESSAGES_BATCH : 1;
}

/* As the simulator's: temperatures that stand still, a pulse that moves, a tilt. */
static medsec_reading measure(uint32_t sequence)
{
    static const int32_t still[] = {36600, 0, 20, -310, 980, 23700, 23400};
    medsec_reading reading = {.count = PICO->count};

    for (unsigned i = 0; i < PICO->count; i++) {
        reading.value[i] = (medsec_value){still[i], 3, MEDSEC_VALUE_NUMBER};
    }
    reading.value[1].mantissa = 1000 + (int32_t)(sequence * 37 % 1000);
    return reading;
}

static int write_fields(const char *id, uint32_t sequence, message_fn *take, void *context)
{
    const medsec_reading reading = measure(sequence);
    int failed = 0;

    for (unsigned i = 0; i < PICO->count; i++) {
        char topic[MEDSEC_TOPIC_MAX], value[MEDSEC_VALUE_TEXT_MAX];
        snprintf(topic, sizeof topic, "Pico/%s/%s", id, PICO->vitals[i].topic);
        const size_t len = medsec_value_write(value, reading.value[i]);
        failed += take(context, topic, value, len) != 0;
    }
    return failed;
}

static medsec_reading_origin origin_of(const char *id, uint32_t sequence)
{
    return (medsec_reading_origin){.device = id,
                                   .wire = "medsec/1",
                                   .time_ms = START_MS + 50u * (uint64_t)sequence,
                                   .time_source = "device",
                                   .sequenced = true,
                                   .boot = 1,
                                   .sequence = sequence};
}

static int write_reading(const char *id, uint32_t sequence, message_fn *take, void *context)
{
    char topic[MEDSEC_TOPIC_MAX], json[MEDSEC_READING_JSON_MAX];
    const medsec_reading reading = measure(sequence);
    const medsec_reading_origin origin = origin_of(id, sequence);
    size_t len = 0;

    snprintf(topic, sizeof topic, "Pico/%s/Reading", id);
    return medsec_reading_write_json(json, sizeof json, &len, PICO, &reading, &origin) !=
               MEDSEC_OK ||
           take(context, topic, json, len) != 0;
}

static medsec_status write_readings(char *out, size_t cap, size_t *len, const char *id,
                                    uint32_t sequence)
{
    const medsec_reading_origin origin = origin_of(id, sequence);
    medsec_batch_writer batch;
    medsec_status status = medsec_batch_begin(&batch, out, cap, PICO, &origin);

    for (uint32_t i = sequence; i < sequence + MESSAGES_BATCH && status == MEDSEC_OK; i++) {
        const medsec_reading reading = measure(i);
        status = medsec_batch_add(&batch, &reading, origin_of(id, i).time_ms, i);
    }
    return status == MEDSEC_OK ? medsec_batch_end(&batch, len) : status;
}

static int write_batch(const char *id, uint32_t sequence, message_fn *take, void *context)
{
    char topic[MEDSEC_TOPIC_MAX], json[MESSAGES_BATCH * MEDSEC_READING_JSON_MAX];
    size_t len = 0;

    snprintf(topic, sizeof topic, "Pico/%s/Readings", id);
    return write_readings(json, sizeof json, &len, id, sequence) != MEDSEC_OK ||
           take(context, topic, json, len) != 0;
}

int messages_write(message_style style, unsigned device, uint32_t sequence, message_fn *take,
                   void *context)
{
    static int (*const writers[])(const char *, uint32_t, message_fn *,
                                  void *) = {write_fields, write_reading, write_batch};
    char id[MEDSEC_DEVICE_ID_MAX + 1];

    snprintf(id, sizeof id, "bench-%04u", device % 10000);
    return writers[style](id, sequence, take, context);
}
