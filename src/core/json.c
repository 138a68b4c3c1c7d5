/* SPDX-License-Identifier: Apache-2.0 */
#include "json.h"

#include "text.h"

#include <medsec/topic.h>

static const uint64_t DAY_S = 86400;

void medsec__json_string(medsec__writer *writer, const char *text)
{
    medsec__json_put(writer, "\"");
    medsec__write_text(writer, text);
    medsec__json_put(writer, "\"");
}

void medsec__json_member(medsec__writer *writer, const char *name, const char *value)
{
    medsec__json_string(writer, name);
    medsec__json_put(writer, ":");
    medsec__json_string(writer, value);
    medsec__json_put(writer, ",");
}

void medsec__json_number(medsec__writer *writer, const char *name, uint32_t number)
{
    medsec__json_string(writer, name);
    medsec__json_put(writer, ":");
    medsec__write_number(writer, number, 1);
    medsec__json_put(writer, ",");
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
    medsec__json_put(writer, "-");
    medsec__write_number(writer, month, 2);
    medsec__json_put(writer, "-");
    medsec__write_number(writer, day_of_year - (153 * march_month + 2) / 5 + 1, 2);
}

static void write_second(medsec_second *cache, uint64_t second)
{
    medsec__writer writer = {.out = cache->text, .cap = sizeof cache->text};
    uint64_t of_day = second % DAY_S;
    write_date(&writer, second / DAY_S);
    medsec__json_put(&writer, "T");
    medsec__write_number(&writer, of_day / 3600, 2);
    medsec__json_put(&writer, ":");
    medsec__write_number(&writer, of_day / 60 % 60, 2);
    medsec__json_put(&writer, ":");
    medsec__write_number(&writer, of_day % 60, 2);
    cache->number = second;
    cache->is_set = true;
}

void medsec__json_time(medsec__writer *writer, medsec_second *cache, uint64_t time_ms)
{
    const uint64_t second = time_ms / 1000;
    const uint32_t ms = (uint32_t)(time_ms - second * 1000);
    if (!cache->is_set || cache->number != second) {
        write_second(cache, second);
    }
    char text[] = "\"2026-11-20T12:00:00.000Z\"";
    memcpy(text + 1, cache->text, sizeof cache->text);
    text[21] = (char)('0' + ms / 100);
    text[22] = (char)('0' + ms / 10 % 10);
    text[23] = (char)('0' + ms % 10);
    medsec__write(writer, text, sizeof text - 1);
}

void medsec__json_value(medsec__writer *writer, medsec_value value)
{
    char text[MEDSEC_VALUE_TEXT_MAX];
    medsec__write(writer, text, medsec_value_write(text, value));
}

/* `before`, "key":value: put together first, as there are many of them. */
static void write_vital(medsec__writer *writer, char before, const char *key, medsec_value value)
{
    char text[MEDSEC_VITAL_KEY_MAX + MEDSEC_VALUE_TEXT_MAX + 4];
    size_t len = 0;
    text[len++] = before;
    text[len++] = '"';
    for (; *key != '\0' && len < MEDSEC_VITAL_KEY_MAX + 2; key++) {
        text[len++] = *key;
    }
    text[len++] = '"';
    text[len++] = ':';
    len += medsec_value_write(text + len, value);
    medsec__write(writer, text, len);
}

static bool is_suspect(const medsec_vital *vital, medsec_value value)
{
    return !medsec_value_within(value, vital->min, vital->max, vital->decimals);
}

static void write_suspects(medsec__writer *writer, const medsec_profile *profile, uint32_t suspects)
{
    bool first = true;
    for (size_t i = 0; i < profile->count; i++) {
        if ((suspects >> i & 1) == 0) {
            continue;
        }
        medsec__write_text(writer, first ? ",\"suspect\":[" : ",");
        medsec__json_string(writer, profile->vitals[i].key);
        first = false;
    }
    medsec__json_put(writer, "]");
}

void medsec__json_values(medsec__writer *writer, const medsec_profile *profile,
                         const medsec_reading *reading)
{
    uint32_t suspects = 0;
    medsec__json_put(writer, "\"values\":");
    for (size_t i = 0; i < profile->count; i++) {
        const medsec_vital *vital = &profile->vitals[i];
        write_vital(writer, i == 0 ? '{' : ',', vital->key, reading->value[i]);
        suspects |= (uint32_t)is_suspect(vital, reading->value[i]) << i;
    }
    medsec__json_put(writer, "}");
    if (suspects != 0) {
        write_suspects(writer, profile, suspects);
    }
}

bool medsec__json_fits(const medsec_profile *profile, const medsec_reading *reading)
{
    return profile != NULL && reading != NULL && reading->count == profile->count &&
           profile->count <= MEDSEC_VITALS_MAX;
}

medsec_status medsec__json_check_origin(const medsec_reading_origin *origin)
{
    if (origin == NULL || origin->device == NULL || origin->wire == NULL ||
        origin->time_source == NULL) {
        return MEDSEC_ERR_ARGUMENT;
    }
    size_t id_len = medsec__length(origin->device, MEDSEC_DEVICE_ID_MAX + 1);
    return medsec_device_id_check(origin->device, id_len);
}
