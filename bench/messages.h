/* SPDX-License-Identifier: Apache-2.0 */
#ifndef MEDSEC_BENCH_MESSAGES_H
#define MEDSEC_BENCH_MESSAGES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* What the gateway publishes for readings, made by whoever is compared with it. */
typedef enum message_style {
    STYLE_FIELDS, /* a topic for each vital */
    STYLE_READING, /* one JSON object */
    STYLE_BATCH /* one JSON object for MESSAGES_BATCH readings */
} message_style;

#define MESSAGES_BATCH 20u

/* Takes one message; returns 0, or something else for a failure. */
typedef int message_fn(void *context, const char *topic, const char *payload, size_t len);

/* "fields", "reading", "batch" */
bool messages_style(message_style *style, const char *word);

/* Readings that go into one call of messages_write. */
unsigned messages_readings(message_style style);

/* Hands over the messages of the readings from `sequence` on of device number `device`; returns the
 * number of failures. */
int messages_write(message_style style, unsigned device, uint32_t sequence, message_fn *take,
                   void *context);

#endif
