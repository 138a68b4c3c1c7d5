/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Another kind of device is another profile: loads the one of a pulse oximeter, reads what such
 * a device sends, and prints the topics and payloads that a gateway would publish.
 */
#include <medsec/medsec.h>

#include <stdio.h>
#include <string.h>

static medsec_status print_messages(const medsec_topic *topic, const medsec_profile *profile,
                                    const medsec_reading *reading)
{
    for (size_t i = 0; i < reading->count; i++) {
        char text[MEDSEC_TOPIC_MAX];
        char payload[MEDSEC_VALUE_TEXT_MAX];
        size_t len = 0;
        medsec_status status =
            medsec_topic_expand(topic, text, sizeof text, &len, "bed-12", profile->vitals[i].topic);

        if (status != MEDSEC_OK) {
            return status;
        }
        size_t payload_len = medsec_value_write(payload, reading->value[i]);
        printf("%.*s %.*s %s\n", (int)len, text, (int)payload_len, payload,
               profile->vitals[i].unit);
    }
    return MEDSEC_OK;
}

static medsec_status map_reading(const medsec_profile *profile, const char *template,
                                 const char *json)
{
    medsec_topic topic;
    medsec_reading reading;
    medsec_status status = medsec_topic_compile(&topic, template, strlen(template));

    if (status == MEDSEC_OK) {
        status = medsec_reading_parse(&reading, profile, json, strlen(json));
    }
    if (status == MEDSEC_OK) {
        status = print_messages(&topic, profile, &reading);
    }
    return status;
}

int main(void)
{
    const char *why = "";
    medsec_profile_set *set = medsec_profile_set_create();

    if (set == NULL) {
        return 1;
    }
    medsec_status status = medsec_profile_set_load(set, "pulse_oximeter.json", &why);
    if (status == MEDSEC_OK) {
        status = map_reading(medsec_profile_set_find(set, "pulse-oximeter"),
                             "ward-7/{device}/{topic}", "{\"SpO2\":\"97.5\",\"Rate\":\"62\"}");
    }
    if (status != MEDSEC_OK) {
        fprintf(stderr, "topic_mapping: %s %s\n", medsec_strerror(status), why);
    }
    medsec_profile_set_destroy(set);
    return status == MEDSEC_OK ? 0 : 1;
}
