/* SPDX-License-Identifier: Apache-2.0 */
#include <medsec/profile_file.h>

#include <cJSON.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void require(int condition)
{
    if (!condition) {
        abort();
    }
}

/* The name of an accepted profile, which the set does not list. */
static char *name_in(const uint8_t *data, size_t size)
{
    cJSON *json = cJSON_ParseWithLength((const char *)data, size);
    const char *name = cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(json, "name"));
    require(name != NULL);
    char *copy = strdup(name);
    cJSON_Delete(json);
    return copy;
}

/* Invariant: what is accepted passes the check, and its JSON is accepted again as the same. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static char json[MEDSEC_PROFILE_JSON_MAX];
    medsec_profile_set *set = medsec_profile_set_create();
    medsec_profile_set *other = medsec_profile_set_create();
    const char *why = NULL;
    size_t len = 0;

    require(set != NULL && other != NULL);
    if (medsec_profile_set_add(set, (const char *)data, size, &why) == MEDSEC_OK) {
        char *name = name_in(data, size);
        const medsec_profile *profile = medsec_profile_set_find(set, name);
        require(profile != NULL && medsec_profile_check(profile) == MEDSEC_OK);
        require(medsec_profile_write_json(json, sizeof(json), &len, profile) == MEDSEC_OK);
        require(medsec_profile_set_add(other, json, len, &why) == MEDSEC_OK);
        const medsec_profile *again = medsec_profile_set_find(other, name);
        require(again != NULL && again->count == profile->count && again->id == profile->id);
        require(again->interval_ms == profile->interval_ms);
        for (size_t i = 0; i < profile->count; i++) {
            require(again->vitals[i].min == profile->vitals[i].min);
            require(again->vitals[i].max == profile->vitals[i].max);
            require(again->vitals[i].signal == profile->vitals[i].signal);
            require(strcmp(again->vitals[i].topic, profile->vitals[i].topic) == 0);
        }
        free(name);
    } else {
        require(why != NULL);
    }
    medsec_profile_set_destroy(set);
    medsec_profile_set_destroy(other);
    return 0;
}
