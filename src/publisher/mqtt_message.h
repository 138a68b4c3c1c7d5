/* SPDX-License-Identifier: Apache-2.0 */
#ifndef MEDSEC_PUBLISHER_MQTT_MESSAGE_H
#define MEDSEC_PUBLISHER_MQTT_MESSAGE_H

#include <medsec/publisher.h>

/* Whether MQTT can carry it: client libraries say so when it is too late to tell who sent it.
 * ERR_TOPIC, ERR_LIMIT, ERR_ARGUMENT. */
MEDSEC_CHECK medsec_status medsec__mqtt_message_check(const medsec_message *message);

#endif
