/* SPDX-License-Identifier: Apache-2.0 */
#ifndef MEDSEC_MESSAGE_H
#define MEDSEC_MESSAGE_H

#include <medsec/profile.h>
#include <medsec/reading.h>

#include <stdbool.h>

/*
 * The messages of medsec/1 (docs/wire.md): a kind, then a CBOR array in the deterministic encoding
 * of RFC 8949 section 4.2.1. What decodes, encodes to the same bytes; everything else is refused
 * whole (ERR_MESSAGE). Nothing here allocates.
 */
typedef enum medsec_kind {
    MEDSEC_KIND_READINGS = 1, /* from the device */
    MEDSEC_KIND_ACK = 2, /* from the gateway */
    MEDSEC_KIND_CONFIG = 3, /* from the gateway */
    MEDSEC_KIND_CONFIG_ACK = 4, /* from the device */
    MEDSEC_KIND_CLOSE = 5 /* from both */
} medsec_kind;

/* Every reading of `boot` up to and including `sequence` is durable. */
typedef struct medsec_ack {
    uint32_t boot;
    uint32_t sequence;
} medsec_ack;

/* Which members of a medsec_config are given. */
#define MEDSEC_CONFIG_SAMPLE_INTERVAL 1u
#define MEDSEC_CONFIG_BATCH_MAX 2u
#define MEDSEC_CONFIG_REPORT_INTERVAL 4u

/* How a device measures and reports. The wire carries any 32-bit numbers; the device refuses what
 * lies outside limits.h (MEDSEC_SAMPLE_INTERVAL_MS_MIN and so on). */
typedef struct medsec_config {
    uint32_t version; /* chosen by whoever commands; the answer repeats it */
    uint32_t given; /* MEDSEC_CONFIG_* */
    uint32_t sample_interval_ms;
    uint32_t batch_max; /* readings in a message */
    uint32_t report_interval_ms; /* a reading waits at most so long for others */
} medsec_config;

typedef enum medsec_config_status {
    MEDSEC_CONFIG_APPLIED = 0,
    MEDSEC_CONFIG_REFUSED = 1 /* a value outside its limits: nothing was applied */
} medsec_config_status;

typedef struct medsec_config_ack {
    uint32_t version;
    uint32_t status; /* medsec_config_status */
} medsec_config_ack;

typedef enum medsec_close_reason {
    MEDSEC_CLOSE_DONE = 0, /* nothing more to say; will not come back by itself */
    MEDSEC_CLOSE_RESTART = 1, /* the sender stops or starts anew: come back after a pause */
    MEDSEC_CLOSE_SUPERSEDED = 2, /* the device has a newer session; come back after a long pause */
    MEDSEC_CLOSE_EXPIRED = 3 /* lifetime or records used up: make a new handshake */
} medsec_close_reason;

/* One of the four short messages. */
typedef struct medsec_control {
    medsec_kind kind;
    union {
        medsec_ack ack;
        medsec_config config;
        medsec_config_ack config_ack;
        uint32_t close_reason; /* any 32-bit number; medsec_close_reason has the known ones */
    } body;
} medsec_control;

typedef enum medsec_time_quality {
    MEDSEC_TIME_UNKNOWN = 0, /* the gateway's time is used */
    MEDSEC_TIME_WELCOME = 1, /* set by the gateway's WELCOME */
    MEDSEC_TIME_OWN = 2 /* the device's own clock */
} medsec_time_quality;

/* A reading as it travels: integers with the profile's decimals. */
typedef struct medsec_sample {
    uint64_t time_ms; /* UTC since 1970, or since start when the time is unknown */
    uint32_t present; /* bit i: value[i] was measured; else the sensor failed */
    int32_t value[MEDSEC_VITALS_MAX];
} medsec_sample;

/* What stands before the rows of a READINGS message. */
typedef struct medsec_readings_head {
    uint32_t boot;
    uint32_t first_sequence; /* of the first row; the rows follow one another */
    uint64_t base_time_ms;
    uint8_t time_quality; /* medsec_time_quality */
    uint16_t profile; /* its id */
} medsec_readings_head;

/* The columns' last values, against which the next row is a difference; 0 while there is none. */
typedef struct medsec_readings_columns {
    uint32_t dt_ms; /* of the last row, from base_time_ms */
    int32_t last[MEDSEC_VITALS_MAX];
} medsec_readings_columns;

/* Writes a READINGS message row by row. */
typedef struct medsec_readings_writer {
    uint8_t *out;
    size_t cap;
    size_t len;
    uint64_t base_time_ms;
    uint16_t rows; /* still to come */
    uint8_t values; /* in a row */
    bool overflow;
    medsec_readings_columns columns;
} medsec_readings_writer;

/* Gives the rows of one that was checked. */
typedef struct medsec_readings_reader {
    medsec_readings_head head;
    const uint8_t *data; /* the caller's message, which must stay as it is */
    size_t len;
    size_t at;
    uint16_t rows; /* in all */
    uint16_t done;
    uint8_t values;
    medsec_readings_columns columns;
} medsec_readings_reader;

MEDSEC_BEGIN_DECLS

/* The kind of a message: its first byte. ERR_MESSAGE: empty, or a kind that is none. */
MEDSEC_API MEDSEC_CHECK medsec_status medsec_message_kind(medsec_kind *kind, const uint8_t *message,
                                                          size_t len);

/* ACK, CONFIG, CONFIG_ACK and CLOSE. ERR_MESSAGE: not exactly one of these; ERR_BUFFER;
 * ERR_ARGUMENT: another kind. */
MEDSEC_API MEDSEC_CHECK medsec_status medsec_control_decode(medsec_control *control,
                                                            const uint8_t *message, size_t len);
MEDSEC_API MEDSEC_CHECK medsec_status medsec_control_encode(uint8_t *out, size_t cap, size_t *len,
                                                            const medsec_control *control);
#define MEDSEC_CONTROL_LEN_MAX 32u /* bytes that are enough for any of the four */

/*
 * Writes a READINGS message of `rows` rows, 1..MEDSEC_BATCH_MAX: begin, then add that many, then
 * end. head->profile is taken from `profile`. ERR_BUFFER is kept and told by `end` too: begin again
 * with fewer rows. ERR_ARGUMENT: no such time_quality, a value that the profile does not have, or a
 * sample before the one before it or before base_time_ms, or more than 32 bits of milliseconds
 * after that; ERR_STATE: more or fewer rows than begun; ERR_LIMIT: no rows or too many, a sequence
 * that runs over 32 bits, a time after year 9999. A sample that is refused leaves no trace.
 */
MEDSEC_API MEDSEC_CHECK medsec_status medsec_readings_begin(medsec_readings_writer *writer,
                                                            uint8_t *out, size_t cap,
                                                            const medsec_profile *profile,
                                                            const medsec_readings_head *head,
                                                            size_t rows);
MEDSEC_API MEDSEC_CHECK medsec_status medsec_readings_add(medsec_readings_writer *writer,
                                                          const medsec_sample *sample);
MEDSEC_API MEDSEC_CHECK medsec_status medsec_readings_end(medsec_readings_writer *writer,
                                                          size_t *len);

/*
 * Checks a whole READINGS message of that profile, every row of it, and stands before its first
 * row. ERR_MESSAGE: wrong shape, another profile, trailing bytes, a longer encoding than needed, a
 * sum that leaves 32 bits, a row before the one before it, a sequence that runs over, a time after
 * year 9999.
 */
MEDSEC_API MEDSEC_CHECK medsec_status medsec_readings_open(medsec_readings_reader *reader,
                                                           const medsec_profile *profile,
                                                           const uint8_t *message, size_t len);

/* The next row and its sequence number; false after the last. */
MEDSEC_API bool medsec_readings_next(medsec_readings_reader *reader, medsec_sample *sample,
                                     uint32_t *sequence);

/* A sample as a reading with decimals, and back. ERR_NUMBER: a value that the profile's decimals
 * cannot hold exactly in 32 bits; ERR_ARGUMENT: not a reading of this profile. "-0.00" becomes 0.
 * A reading has no time: from_reading gives 0. */
MEDSEC_API void medsec_sample_to_reading(medsec_reading *reading, const medsec_profile *profile,
                                         const medsec_sample *sample);
MEDSEC_API MEDSEC_CHECK medsec_status medsec_sample_from_reading(medsec_sample *sample,
                                                                 const medsec_profile *profile,
                                                                 const medsec_reading *reading);

MEDSEC_END_DECLS

#endif
