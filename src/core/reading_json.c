/* SPDX-License-Identifier: Apache-2.0 */
#include <medsec/reading.h>

#include "text.h"
#include "writer.h"

#include <medsec/topic.h>

static const uint64_t DAY_MS = 86400000;

static void write_string(medsec__writer *writer, const char *text)
{
    medsec__write(writer, "\"", 1);
    medsec__write_text(writer, text);
    medsec__write(writer, "\"", 1);
}

static void write_member(medsec__writer *writer, const char *name, const char *value)
{
    write_string(writer, name);
    medsec__write(writer, ":", 1);
    write_string(writer, value);
    medsec__write(writer, ",", 1);
}

static void write_sequence(medsec__writer *writer, const medsec_reading_origin *origin)
{
    medsec__write_text(writer, "\"boot\":");
    medsec__write_number(writer, origin->boot, 1);
    medsec__write_text(writer, ",\"seq\":");
    medsec__write_number(writer, origin->sequence, 1);
    medsec__write(writer, ",", 1);
}

static void write_value(medsec__writer *writer, medsec_value value)
{
    char text[MEDSEC_VALUE_TEXT_MAX];
    medsec__write(writer, text, medsec_value_write(text, value));
}

static bool fits(const medsec_profile *profile, const medsec_reading *reading)
{
    return profile != NULL && reading != NULL && reading->count == profile->count &&
           profile->count <= MEDSEC_VITALS_MAX;
}

medsec_status medsec_reading_write_seed(char *out, size_t cap, size_t *len,
                                        const medsec_profile *profile,
                                        const medsec_reading *reading)
{
    if (out == NULL || len == NULL || !fits(profile, reading)) {
        return MEDSEC_ERR_ARGUMENT;
    }
    medsec__writer writer = {.out = out, .cap = cap};
    for (size_t i = 0; i < profile->count; i++) {
        size_t vital = profile->seed_order == NULL ? i : profile->seed_order[i];
        medsec_value value = reading->value[vital];
        if (value.kind == MEDSEC_VALUE_NONE) {
            return MEDSEC_ERR_MISSING;
        }
        medsec__write(&writer, i == 0 ? "{" : ",", 1);
        write_string(&writer, profile->vitals[vital].key);
        medsec__write(&writer, ":\"", 2);
        write_value(&writer, value);
        medsec__write(&writer, "\"", 1);
    }
    medsec__write(&writer, "}", 1);
    return medsec__write_end(&writer, len);
}

/*
 * Proleptic Gregorian date from days since 1970-01-01. Years are counted from March, so that the
 * leap day is the last of its year; 719468 days lie between 0000-03-01 and 1970-01-01.
 */
static void write_date(medsec__writer *writer, uint64_t days)
{
    uint64_t shifted = days + 719468;
    uint64_t era = shifted / 146097;
    uint64_t day_of_era = shifted % 146097;
    uint64_t year_of_era =
        (day_of_era - day_of_era / 1460 + day_of_era / 36524 - day_of_era / 146096) / 365;
    uint64_t day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    uint64_t march_month = (5 * day_of_year + 2) / 153;
    uint64_t month = march_month < 10 ? march_month + 3 : march_month - 9;
    medsec__write_number(writer, era * 400 + year_of_era + (month <= 2 ? 1 : 0), 4);
    medsec__write(writer, "-", 1);
    medsec__write_number(writer, month, 2);
    medsec__write(writer, "-", 1);
    medsec__write_number(writer, day_of_year - (153 * march_month + 2) / 5 + 1, 2);
}

/* RFC 3339, in UTC. */
static void write_time(medsec__writer *writer, uint64_t time_ms)
{
    uint64_t of_day = time_ms % DAY_MS;
    write_date(writer, time_ms / DAY_MS);
    medsec__write(writer, "T", 1);
    medsec__write_number(writer, of_day / 3600000, 2);
    medsec__write(writer, ":", 1);
    medsec__write_number(writer, of_day / 60000 % 60, 2);
    medsec__write(writer, ":", 1);
    medsec__write_number(writer, of_day / 1000 % 60, 2);
    medsec__write(writer, ".", 1);
    medsec__write_number(writer, of_day % 1000, 3);
    medsec__write(writer, "Z", 1);
}

static void write_values(medsec__writer *writer, const medsec_profile *profile,
                         const medsec_reading *reading)
{
    medsec__write_text(writer, "\"values\":");
    for (size_t i = 0; i < profile->count; i++) {
        medsec__write(writer, i == 0 ? "{" : ",", 1);
        write_string(writer, profile->vitals[i].key);
        medsec__write(writer, ":", 1);
        write_value(writer, reading->value[i]);
    }
    medsec__write(writer, "}", 1);
}

static void write_suspects(medsec__writer *writer, const medsec_profile *profile,
                           const medsec_reading *reading)
{
    bool first = true;
    for (size_t i = 0; i < profile->count; i++) {
        const medsec_vital *vital = &profile->vitals[i];
        if (medsec_value_within(reading->value[i], vital->min, vital->max, vital->decimals)) {
            continue;
        }
        medsec__write_text(writer, first ? ",\"suspect\":[" : ",");
        write_string(writer, vital->key);
        first = false;
    }
    if (!first) {
        medsec__write(writer, "]", 1);
    }
}

medsec_status medsec_reading_write_json(char *out, size_t cap, size_t *len,
                                        const medsec_profile *profile,
                                        const medsec_reading *reading,
                                        const medsec_reading_origin *origin)
{
    if (out == NULL || len == NULL || !fits(profile, reading) || origin == NULL ||
        origin->device == NULL || origin->wire == NULL || origin->time_source == NULL ||
        origin->time_ms > MEDSEC_TIME_MS_MAX) {
        return MEDSEC_ERR_ARGUMENT;
    }
    size_t id_len = medsec__length(origin->device, MEDSEC_DEVICE_ID_MAX + 1);
    medsec_status status = medsec_device_id_check(origin->device, id_len);
    if (status != MEDSEC_OK) {
        return status;
    }
    medsec__writer writer = {.out = out, .cap = cap};
    medsec__write(&writer, "{", 1);
    write_member(&writer, "device", origin->device);
    write_member(&writer, "wire", origin->wire);
    if (origin->sequenced) {
        write_sequence(&writer, origin);
    }
    medsec__write_text(&writer, "\"time\":\"");
    write_time(&writer, origin->time_ms);
    medsec__write_text(&writer, "\",");
    write_member(&writer, "time_source", origin->time_source);
    write_values(&writer, profile, reading);
    write_suspects(&writer, profile, reading);
    medsec__write(&writer, "}", 1);
    return medsec__write_end(&writer, len);
}
