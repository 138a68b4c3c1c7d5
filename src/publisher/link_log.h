/* SPDX-License-Identifier: Apache-2.0 */
#ifndef MEDSEC_PUBLISHER_LINK_LOG_H
#define MEDSEC_PUBLISHER_LINK_LOG_H

#include "link_failure.h"
#include "mqtt_options.h"

/* What is logged of the connection to the broker, whoever keeps it. `mqtt`: 5, or 4 for 3.1.1. */
void medsec__link_log_up(const medsec__mqtt_options *options, uint8_t mqtt);
void medsec__link_log_down(const medsec__mqtt_options *options, const medsec__link_failure *failure,
                           bool was_up, size_t queued, uint32_t retry_ms);
/* The broker does not want a message, or a subscription. */
void medsec__link_log_refused(const medsec__mqtt_options *options, const char *topic,
                              const char *reason);
void medsec__link_log_unsubscribed(const medsec__mqtt_options *options, const char *filter,
                                   const char *reason);

#endif
