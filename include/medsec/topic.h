/* SPDX-License-Identifier: Apache-2.0 */
#ifndef MEDSEC_TOPIC_H
#define MEDSEC_TOPIC_H

#include <medsec/export.h>
#include <medsec/limits.h>
#include <medsec/status.h>

#include <stddef.h>
#include <stdint.h>

/*
 * Topics come from a template that is compiled and checked once: `Pico/{device}/{topic}`, where
 * {device} is a device id and {topic} a profile's suffix or a name like `Status`. Nothing that a
 * device sends can change the levels of a topic, nor bring in a wildcard (MQTT 5.0 section 4.7).
 */
#define MEDSEC_TOPIC_TEMPLATE_DEFAULT "Pico/{device}/{topic}"

/* What the gateway finds in a signal of the heart; below it `Reason`, while there is no rate. */
#define MEDSEC_TOPIC_HEART_RATE "Physiological_Data/Heart_Rate"

typedef struct medsec_topic {
    char text[MEDSEC_TOPIC_TEMPLATE_MAX];
    struct {
        uint8_t kind; /* literal, device, topic */
        uint8_t start; /* in text */
        uint8_t len;
    } parts[MEDSEC_TOPIC_PARTS_MAX];
    uint8_t count;
} medsec_topic;

MEDSEC_BEGIN_DECLS

/*
 * A template must hold {device} as a whole level and {topic} once each, no `+`, `#`, NUL, control
 * or non-ASCII character, and not begin with `$` or `/`. ERR_TOPIC; ERR_LIMIT: too long.
 */
MEDSEC_API MEDSEC_CHECK medsec_status medsec_topic_compile(medsec_topic *topic, const char *text,
                                                           size_t len);

/*
 * Expands into `out` without NUL. `device` must be a valid id (ERR_DEVICE_ID) and `suffix` pass
 * medsec_topic_suffix_check (ERR_TOPIC). ERR_BUFFER: longer than `cap`. ERR_LIMIT:
 * longer than MEDSEC_TOPIC_MAX.
 */
MEDSEC_API MEDSEC_CHECK medsec_status medsec_topic_expand(const medsec_topic *topic, char *out,
                                                          size_t cap, size_t *len,
                                                          const char *device, const char *suffix);

/*
 * The way back. filter: the MQTT filter of the topics that the template makes of `suffix` and any
 * device, without NUL; errors of expand. match: the device of such a topic, into `device` with
 * NUL; ERR_TOPIC: it is none, or the level of the device holds no device id.
 */
MEDSEC_API MEDSEC_CHECK medsec_status medsec_topic_filter(const medsec_topic *topic, char *out,
                                                          size_t cap, size_t *len,
                                                          const char *suffix);
MEDSEC_API MEDSEC_CHECK medsec_status medsec_topic_match(const medsec_topic *topic,
                                                         char device[MEDSEC_DEVICE_ID_MAX + 1],
                                                         const char *suffix, const char *text,
                                                         size_t len);

/* MEDSEC_OK for 1-64 of A-Z a-z 0-9 _ - . that is neither `.` nor `..`; else ERR_DEVICE_ID. */
MEDSEC_API MEDSEC_CHECK medsec_status medsec_device_id_check(const char *id, size_t len);

/*
 * MEDSEC_OK for what may stand in place of {topic}: one or more printable ASCII characters without
 * `+` and `#`, not begun with `/` or `$` (section 4.7.2); else ERR_TOPIC.
 */
MEDSEC_API MEDSEC_CHECK medsec_status medsec_topic_suffix_check(const char *suffix, size_t len);

MEDSEC_END_DECLS

#endif
