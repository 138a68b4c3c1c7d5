/* SPDX-License-Identifier: Apache-2.0 */
#include "link_log.h"

void medsec__link_log_up(const medsec__mqtt_options *options, uint8_t mqtt)
{
    medsec_log_write(options->log, MEDSEC_LOG_INFO, "broker-connected",
                     MEDSEC_LOG_STR("broker", options->url_text),
                     MEDSEC_LOG_STR("mqtt", mqtt == 5 ? "5" : "3.1.1"));
}

void medsec__link_log_down(const medsec__mqtt_options *options, const medsec__link_failure *failure,
                           bool was_up, size_t queued, uint32_t retry_ms)
{
    medsec_log_write(options->log, MEDSEC_LOG_WARN, was_up ? "broker-lost" : "broker-unreachable",
                     MEDSEC_LOG_STR("broker", options->url_text),
                     MEDSEC_LOG_STR("reason", failure->reason ? failure->reason : "not known"),
                     MEDSEC_LOG_STR("hint", failure->hint ? failure->hint : ""),
                     MEDSEC_LOG_INT("queued", queued), MEDSEC_LOG_INT("retry_ms", retry_ms));
}

void medsec__link_log_refused(const medsec__mqtt_options *options, const char *topic,
                              const char *reason)
{
    medsec_log_write(options->log, MEDSEC_LOG_ERROR, "message-refused",
                     MEDSEC_LOG_STR("topic", topic), MEDSEC_LOG_STR("reason", reason),
                     MEDSEC_LOG_STR("hint", "look at the broker's access rules and limits"));
}

void medsec__link_log_unsubscribed(const medsec__mqtt_options *options, const char *filter,
                                   const char *reason)
{
    medsec_log_write(options->log, MEDSEC_LOG_ERROR, "subscription-refused",
                     MEDSEC_LOG_STR("filter", filter), MEDSEC_LOG_STR("reason", reason));
}
