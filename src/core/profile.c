/* SPDX-License-Identifier: Apache-2.0 */
#include <medsec/profile.h>

#include "text.h"

#include <medsec/topic.h>

/* design/wire-v1.md section 5 and design/wire-seed.md. */
static const medsec_vital pico_vitals[] = {
    {"Temp", "Physiological_Data/Temperature", "Cel", "LOINC 8310-5, MDC 150364", -55000, 125000, 3,
     0},
    {"PulseSig", "Physiological_Data/Pulse_Signal", "V", "MDC 131328", -10000, 10000, 3,
     MEDSEC_HEART_PULSE},
    {"Acel_x", "Physiological_Data/Accelerometer/x", "[g]", "LOINC 80493-0", -16000, 16000, 3, 0},
    {"Acel_y", "Physiological_Data/Accelerometer/y", "[g]", "LOINC 80493-0", -16000, 16000, 3, 0},
    {"Acel_z", "Physiological_Data/Accelerometer/z", "[g]", "LOINC 80493-0", -16000, 16000, 3, 0},
    {"TempMcu", "Internal_Device_Data/Temperature/MCU", "Cel", "", -55000, 125000, 3, 0},
    {"TempMpu", "Internal_Device_Data/Temperature/MPU", "Cel", "", -55000, 125000, 3, 0},
};

static const uint8_t pico_seed_order[] = {0, 5, 1, 2, 3, 4, 6};

const medsec_profile medsec_profile_pico_vitals = {
    .id = 1,
    .count = sizeof pico_vitals / sizeof pico_vitals[0],
    .name = "pico-vitals",
    .vitals = pico_vitals,
    .seed_order = pico_seed_order,
    .interval_ms = 50,
};

static medsec_status check_text(const char *text, size_t min, size_t max)
{
    if (text == NULL) {
        return MEDSEC_ERR_ARGUMENT;
    }
    size_t len = medsec__length(text, max + 1);
    if (len < min || len > max) {
        return MEDSEC_ERR_LIMIT;
    }
    return medsec__span(text, len, MEDSEC__PLAIN) == len ? MEDSEC_OK : MEDSEC_ERR_SYNTAX;
}

static medsec_status check_name(const char *name)
{
    medsec_status status = check_text(name, 1, MEDSEC_PROFILE_NAME_MAX);
    for (size_t i = 0; status == MEDSEC_OK && name[i] != '\0'; i++) {
        bool letter = name[i] >= 'a' && name[i] <= 'z';
        if (!letter && !medsec__is_digit(name[i]) && name[i] != '-') {
            status = MEDSEC_ERR_SYNTAX;
        }
    }
    return status;
}

/* What the gateway itself publishes under a device. */
static bool is_reserved(const char *topic)
{
    static const char *const reserved[] = {"Status",          "Profile",    "Reading",
                                           "Readings",        "Ip_address", "Port_address",
                                           "Internal_Server", "Command"};
    size_t level = 0;
    while (level < MEDSEC_VITAL_TOPIC_MAX && topic[level] != '\0' && topic[level] != '/') {
        level++;
    }
    for (size_t i = 0; i < sizeof reserved / sizeof reserved[0]; i++) {
        if (medsec__text_is(reserved[i], topic, level)) {
            return true;
        }
    }
    return false;
}

static bool is_heart_rate(const char *topic, size_t len)
{
    const size_t end = sizeof MEDSEC_TOPIC_HEART_RATE - 1;
    return len >= end && medsec__text_is(MEDSEC_TOPIC_HEART_RATE, topic, end) &&
           (len == end || topic[end] == '/');
}

static medsec_status check_topic(const char *topic)
{
    if (topic == NULL) {
        return MEDSEC_ERR_ARGUMENT;
    }
    size_t len = medsec__length(topic, MEDSEC_VITAL_TOPIC_MAX + 1);
    if (len > MEDSEC_VITAL_TOPIC_MAX) {
        return MEDSEC_ERR_LIMIT;
    }
    bool taken = is_reserved(topic) || is_heart_rate(topic, len);
    return taken ? MEDSEC_ERR_TOPIC : medsec_topic_suffix_check(topic, len);
}

static medsec_status check_vital(const medsec_vital *vital)
{
    medsec_status status = check_text(vital->key, 1, MEDSEC_VITAL_KEY_MAX);
    if (status == MEDSEC_OK) {
        status = check_text(vital->unit, 0, MEDSEC_VITAL_UNIT_MAX);
    }
    if (status == MEDSEC_OK) {
        status = check_text(vital->code, 0, MEDSEC_VITAL_CODE_MAX);
    }
    if (status == MEDSEC_OK) {
        status = check_topic(vital->topic);
    }
    if (status != MEDSEC_OK) {
        return status;
    }
    bool numbers = vital->min <= vital->max && vital->decimals <= MEDSEC_VALUE_DECIMALS_MAX &&
                   vital->signal <= MEDSEC_HEART_PULSE;
    return numbers ? MEDSEC_OK : MEDSEC_ERR_NUMBER;
}

static bool same_text(const char *a, const char *b)
{
    return medsec__text_is(a, b, medsec__length(b, MEDSEC_VITAL_TOPIC_MAX));
}

static bool is_new(const medsec_profile *profile, size_t index)
{
    const medsec_vital *vital = &profile->vitals[index];
    for (size_t i = 0; i < index; i++) {
        if (same_text(profile->vitals[i].key, vital->key) ||
            same_text(profile->vitals[i].topic, vital->topic) ||
            (profile->vitals[i].signal != 0 && vital->signal != 0)) {
            return false;
        }
    }
    return true;
}

static bool is_permutation(const uint8_t *order, size_t count)
{
    uint32_t seen = 0;
    for (size_t i = 0; i < count; i++) {
        if (order[i] >= count || (seen & 1u << order[i]) != 0) {
            return false;
        }
        seen |= 1u << order[i];
    }
    return true;
}

medsec_status medsec_profile_check(const medsec_profile *profile)
{
    if (profile == NULL || profile->vitals == NULL) {
        return MEDSEC_ERR_ARGUMENT;
    }
    medsec_status status = check_name(profile->name);
    if (status != MEDSEC_OK) {
        return status;
    }
    if (profile->count == 0 || profile->count > MEDSEC_VITALS_MAX) {
        return MEDSEC_ERR_LIMIT;
    }
    for (size_t i = 0; i < profile->count; i++) {
        status = check_vital(&profile->vitals[i]);
        if (status != MEDSEC_OK) {
            return status;
        }
        if (!is_new(profile, i)) {
            return MEDSEC_ERR_DUPLICATE;
        }
    }
    bool ordered =
        profile->seed_order == NULL || is_permutation(profile->seed_order, profile->count);
    return ordered ? MEDSEC_OK : MEDSEC_ERR_DUPLICATE;
}
