/* SPDX-License-Identifier: Apache-2.0 */
#include "mqtt_message.h"

#define PAYLOAD_MAX 268435455u /* bytes of a packet; MQTT 5.0 section 1.5.5 */

medsec_status medsec__mqtt_message_check(const medsec_message *message)
{
    const char *topic = message->topic;
    if (message->topic_len == 0 || message->topic_len > UINT16_MAX) {
        return MEDSEC_ERR_TOPIC;
    }
    for (size_t i = 0; i < message->topic_len; i++) {
        if (topic[i] < ' ' || topic[i] > '~' || topic[i] == '+' || topic[i] == '#') {
            return MEDSEC_ERR_TOPIC;
        }
    }
    if (message->payload_len > PAYLOAD_MAX - UINT16_MAX) {
        return MEDSEC_ERR_LIMIT;
    }
    return message->qos <= 1 ? MEDSEC_OK : MEDSEC_ERR_ARGUMENT;
}
