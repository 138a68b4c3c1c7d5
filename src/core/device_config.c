/* SPDX-License-Identifier: Apache-2.0 */
#include "device_parts.h"

void medsec__config_defaults(medsec_config *config)
{
    *config = (medsec_config){
        .given =
            MEDSEC_CONFIG_SAMPLE_INTERVAL | MEDSEC_CONFIG_BATCH_MAX | MEDSEC_CONFIG_REPORT_INTERVAL,
        .sample_interval_ms = MEDSEC_SAMPLE_INTERVAL_MS_DEFAULT,
        .batch_max = MEDSEC_BATCH_DEFAULT,
        .report_interval_ms = MEDSEC_REPORT_INTERVAL_MS_DEFAULT,
    };
}

static bool within_limits(const medsec_config *config)
{
    return config->sample_interval_ms >= MEDSEC_SAMPLE_INTERVAL_MS_MIN &&
           config->sample_interval_ms <= MEDSEC_SAMPLE_INTERVAL_MS_MAX && config->batch_max >= 1 &&
           config->batch_max <= MEDSEC_BATCH_MAX &&
           config->report_interval_ms <= MEDSEC_REPORT_INTERVAL_MS_MAX;
}

bool medsec__config_apply(medsec_config *config, const medsec_config *wanted)
{
    medsec_config next = *config;
    next.version = wanted->version;
    if (wanted->given & MEDSEC_CONFIG_SAMPLE_INTERVAL) {
        next.sample_interval_ms = wanted->sample_interval_ms;
    }
    if (wanted->given & MEDSEC_CONFIG_BATCH_MAX) {
        next.batch_max = wanted->batch_max;
    }
    if (wanted->given & MEDSEC_CONFIG_REPORT_INTERVAL) {
        next.report_interval_ms = wanted->report_interval_ms;
    }
    if (!within_limits(&next)) {
        return false;
    }
    *config = next;
    return true;
}
