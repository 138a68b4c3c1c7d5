/* SPDX-License-Identifier: Apache-2.0 */
#include <medsec/message.h>

#include <string.h>

void medsec_sample_to_reading(medsec_reading *reading, const medsec_profile *profile,
                              const medsec_sample *sample)
{
    memset(reading, 0, sizeof *reading);
    reading->count = profile->count;
    for (size_t i = 0; i < profile->count && i < MEDSEC_VITALS_MAX; i++) {
        if ((sample->present >> i & 1) != 0) {
            reading->value[i] = (medsec_value){.mantissa = sample->value[i],
                                               .decimals = profile->vitals[i].decimals,
                                               .kind = MEDSEC_VALUE_NUMBER};
        }
    }
}

/* The same number with other decimals. */
static medsec_status rescale(int32_t *out, medsec_value value, uint8_t decimals)
{
    int64_t scaled = value.mantissa;
    bool known = value.kind == MEDSEC_VALUE_NUMBER || value.kind == MEDSEC_VALUE_MINUS_ZERO;
    if (!known || value.decimals > MEDSEC_VALUE_DECIMALS_MAX ||
        decimals > MEDSEC_VALUE_DECIMALS_MAX) {
        return MEDSEC_ERR_NUMBER;
    }
    for (; value.decimals < decimals; value.decimals++) {
        scaled *= 10;
    }
    for (; value.decimals > decimals; value.decimals--) {
        if (scaled % 10 != 0) {
            return MEDSEC_ERR_NUMBER;
        }
        scaled /= 10;
    }
    if (scaled < INT32_MIN || scaled > INT32_MAX) {
        return MEDSEC_ERR_NUMBER;
    }
    *out = (int32_t)scaled;
    return MEDSEC_OK;
}

medsec_status medsec_sample_from_reading(medsec_sample *sample, const medsec_profile *profile,
                                         const medsec_reading *reading)
{
    if (sample == NULL || profile == NULL || reading == NULL || reading->count != profile->count ||
        profile->count > MEDSEC_VITALS_MAX) {
        return MEDSEC_ERR_ARGUMENT;
    }
    medsec_sample out = {0};
    for (size_t i = 0; i < profile->count; i++) {
        medsec_value value = reading->value[i];
        if (value.kind == MEDSEC_VALUE_NONE) {
            continue;
        }
        medsec_status status = rescale(&out.value[i], value, profile->vitals[i].decimals);
        if (status != MEDSEC_OK) {
            return status;
        }
        out.present |= 1u << i;
    }
    *sample = out;
    return MEDSEC_OK;
}
