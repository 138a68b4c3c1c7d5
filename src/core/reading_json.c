/* SPDX-License-Identifier: Apache-2.0 */
#include "json.h"

medsec_status medsec_reading_write_seed(char *out, size_t cap, size_t *len,
                                        const medsec_profile *profile,
                                        const medsec_reading *reading)
{
    if (out == NULL || len == NULL || !medsec__json_fits(profile, reading)) {
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
        medsec__json_string(&writer, profile->vitals[vital].key);
        medsec__json_put(&writer, ":\"");
        medsec__json_value(&writer, value);
        medsec__json_put(&writer, "\"");
    }
    medsec__json_put(&writer, "}");
    return medsec__write_end(&writer, len);
}

medsec_status medsec_reading_write_json(char *out, size_t cap, size_t *len,
                                        const medsec_profile *profile,
                                        const medsec_reading *reading,
                                        const medsec_reading_origin *origin)
{
    if (out == NULL || len == NULL || !medsec__json_fits(profile, reading)) {
        return MEDSEC_ERR_ARGUMENT;
    }
    medsec_status status = medsec__json_check_origin(origin);
    if (status != MEDSEC_OK) {
        return status;
    }
    if (origin->time_ms > MEDSEC_TIME_MS_MAX) {
        return MEDSEC_ERR_ARGUMENT;
    }
    medsec__writer writer = {.out = out, .cap = cap};
    medsec_second second = {0};
    medsec__json_put(&writer, "{");
    medsec__json_member(&writer, "device", origin->device);
    medsec__json_member(&writer, "wire", origin->wire);
    if (origin->sequenced) {
        medsec__json_number(&writer, "boot", origin->boot);
        medsec__json_number(&writer, "seq", origin->sequence);
    }
    medsec__json_put(&writer, "\"time\":");
    medsec__json_time(&writer, &second, origin->time_ms);
    medsec__json_put(&writer, ",");
    medsec__json_member(&writer, "time_source", origin->time_source);
    medsec__json_values(&writer, profile, reading);
    medsec__json_put(&writer, "}");
    return medsec__write_end(&writer, len);
}
