/* SPDX-License-Identifier: Apache-2.0 */
#include <medsec/profile_file.h>
#include <medsec/value.h>

#include <cJSON.h>
#include <stdbool.h>
#include <string.h>

static bool add_bound(cJSON *json, const char *name, int32_t bound, uint8_t decimals)
{
    char text[MEDSEC_VALUE_TEXT_MAX + 1];
    const medsec_value value = {bound, decimals, MEDSEC_VALUE_NUMBER};
    text[medsec_value_write(text, value)] = '\0';
    return cJSON_AddRawToObject(json, name, text) != NULL;
}

static bool add_vital(cJSON *vitals, const medsec_vital *vital)
{
    cJSON *json = cJSON_CreateObject();
    if (!cJSON_AddItemToArray(vitals, json)) {
        cJSON_Delete(json);
        return false;
    }
    return cJSON_AddStringToObject(json, "key", vital->key) != NULL &&
           cJSON_AddStringToObject(json, "topic", vital->topic) != NULL &&
           cJSON_AddStringToObject(json, "unit", vital->unit) != NULL &&
           cJSON_AddStringToObject(json, "code", vital->code) != NULL &&
           cJSON_AddNumberToObject(json, "decimals", vital->decimals) != NULL &&
           add_bound(json, "min", vital->min, vital->decimals) &&
           add_bound(json, "max", vital->max, vital->decimals) &&
           (vital->signal == 0 ||
            cJSON_AddStringToObject(json, "signal", medsec_heart_signal_word(vital->signal)) !=
                NULL);
}

static bool add_profile(cJSON *json, const medsec_profile *profile)
{
    cJSON *vitals = NULL;
    bool good = cJSON_AddStringToObject(json, "format", MEDSEC_PROFILE_FORMAT) != NULL &&
                cJSON_AddNumberToObject(json, "id", profile->id) != NULL &&
                cJSON_AddStringToObject(json, "name", profile->name) != NULL &&
                (profile->interval_ms == 0 ||
                 cJSON_AddNumberToObject(json, "interval_ms", profile->interval_ms) != NULL) &&
                (vitals = cJSON_AddArrayToObject(json, "vitals")) != NULL;
    for (size_t i = 0; good && i < profile->count; i++) {
        good = add_vital(vitals, &profile->vitals[i]);
    }
    return good;
}

medsec_status medsec_profile_write_json(char *out, size_t cap, size_t *len,
                                        const medsec_profile *profile)
{
    if (out == NULL || len == NULL || profile == NULL) {
        return MEDSEC_ERR_ARGUMENT;
    }
    cJSON *json = cJSON_CreateObject();
    char *text = add_profile(json, profile) ? cJSON_PrintUnformatted(json) : NULL;
    cJSON_Delete(json);
    if (text == NULL) {
        return MEDSEC_ERR_MEMORY;
    }
    size_t needed = strlen(text);
    medsec_status status = needed <= cap ? MEDSEC_OK : MEDSEC_ERR_BUFFER;
    if (status == MEDSEC_OK) {
        memcpy(out, text, needed);
        *len = needed;
    }
    cJSON_free(text);
    return status;
}
