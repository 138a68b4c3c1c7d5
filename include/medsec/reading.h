/* SPDX-License-Identifier: Apache-2.0 */
#ifndef MEDSEC_READING_H
#define MEDSEC_READING_H

#include <medsec/profile.h>
#include <medsec/value.h>

/* One set of values, measured at one moment; value[i] belongs to profile->vitals[i]. */
typedef struct medsec_reading {
    medsec_value value[MEDSEC_VITALS_MAX];
    uint8_t count;
    uint8_t extra; /* members that the profile does not know: ignored, counted */
} medsec_reading;

/*
 * Seed JSON in: one flat object whose members are strings that hold plain decimals, in any order,
 * with JSON white space between tokens (RFC 8259), ASCII only. Resumable: any split gives the same.
 *
 * Faults of form end the parse at once. A number with too many digits (ERR_NUMBER) is well-formed
 * text, so it is remembered and reported when the object is complete.
 */
typedef struct medsec_reading_parser {
    const medsec_profile *profile;
    medsec_reading reading;
    uint32_t seen; /* bit i: vital i was given */
    medsec_value_parser value; /* of the member being read */
    char text[MEDSEC_VITAL_KEY_MAX]; /* its name; or an unquoted value that is ignored */
    uint8_t text_len;
    uint8_t vital; /* it is, or MEDSEC_VITALS_MAX for an unknown one */
    uint8_t state;
    bool too_long; /* some value had too many digits */
    int16_t fault; /* medsec_status, sticky */
} medsec_reading_parser;

MEDSEC_BEGIN_DECLS

/* Begins a reading. The profile must outlive the parser, and have passed medsec_profile_check. */
MEDSEC_API void medsec_reading_parser_init(medsec_reading_parser *parser,
                                           const medsec_profile *profile);

/*
 * Takes the next characters. MEDSEC_OK: well-formed so far. ERR_SYNTAX, ERR_DUPLICATE, ERR_LIMIT
 * (a name too long, too many unknown members): not a reading, and it stays so. An unknown member
 * may hold any string, number, true, false or null.
 * White space may follow the object, nothing else.
 */
MEDSEC_API MEDSEC_CHECK medsec_status medsec_reading_parser_push(medsec_reading_parser *parser,
                                                                 const char *text, size_t len);

/*
 * What the text so far is. MEDSEC_OK: a whole reading, in parser->reading. ERR_STATE: the
 * object is not closed yet. ERR_MISSING: a vital was not given. ERR_NUMBER: too many digits. Or the
 * fault that push returned.
 */
MEDSEC_API MEDSEC_CHECK medsec_status
medsec_reading_parser_result(const medsec_reading_parser *parser);

/* A whole text at once; the errors of push and result (ERR_SYNTAX when it is not closed). */
MEDSEC_API MEDSEC_CHECK medsec_status medsec_reading_parse(medsec_reading *reading,
                                                           const medsec_profile *profile,
                                                           const char *text, size_t len);

/*
 * Seed JSON out, as the device prints it: `{"Temp":"36.600",...}`, vitals in the profile's
 * seed_order. No NUL; `*len` is what was written. ERR_BUFFER; ERR_MISSING: the seed wire has no
 * null; ERR_ARGUMENT: not a reading of this profile.
 */
MEDSEC_API MEDSEC_CHECK medsec_status medsec_reading_write_seed(char *out, size_t cap, size_t *len,
                                                                const medsec_profile *profile,
                                                                const medsec_reading *reading);

/* What goes with a reading into the JSON object of the topic `Reading`. */
typedef struct medsec_reading_origin {
    const char *device; /* id, checked by medsec_device_id_check */
    const char *wire; /* "seed", "medsec/1" */
    uint64_t time_ms; /* UTC, since 1970 */
    const char *time_source; /* "gateway", "device" */
    bool sequenced; /* medsec/1: `boot` and `sequence` are there */
    uint32_t boot;
    uint32_t sequence;
} medsec_reading_origin;

/*
 * `{"device":"..","wire":"seed","time":"2026-11-20T12:00:00.050Z","time_source":"gateway",
 * "values":{"Temp":36.600,...},"suspect":["Temp"]}`, with `"boot":7,"seq":1020` before the time
 * when it is sequenced: values are numbers as measured, null when the sensor failed; `suspect`
 * names those outside the profile's range, only when there are any. ERR_DEVICE_ID; ERR_BUFFER;
 * ERR_ARGUMENT: not a reading of this profile, or a time after year 9999.
 */
MEDSEC_API MEDSEC_CHECK medsec_status
medsec_reading_write_json(char *out, size_t cap, size_t *len, const medsec_profile *profile,
                          const medsec_reading *reading, const medsec_reading_origin *origin);

/* Bytes that are always enough for medsec_reading_write_json. */
#define MEDSEC_READING_JSON_MAX 1536u

/* A second as text, so that readings of one second share the work. */
typedef struct medsec_second {
    uint64_t number; /* since 1970 */
    bool is_set;
    char text[19]; /* "2026-11-20T12:00:00" */
} medsec_second;

/* Several readings of one device in one JSON object, for the topic `Readings`. */
typedef struct medsec_batch_writer {
    const medsec_profile *profile;
    char *out;
    size_t cap;
    size_t len;
    uint32_t count; /* readings so far */
    bool sequenced;
    medsec_second second;
} medsec_batch_writer;

/*
 * `{"device":"..","wire":"medsec/1","boot":7,"time_source":"device","readings":[{"seq":1020,
 * "time":"2026-11-20T12:00:00.050Z","values":{"Temp":36.600,...},"suspect":["Temp"]},...]}`; `boot`
 * and `seq` only when the origin is sequenced. Its time and sequence are not looked at.
 * ERR_DEVICE_ID; ERR_BUFFER; ERR_ARGUMENT.
 */
MEDSEC_API MEDSEC_CHECK medsec_status medsec_batch_begin(medsec_batch_writer *batch, char *out,
                                                         size_t cap, const medsec_profile *profile,
                                                         const medsec_reading_origin *origin);

/* One more. ERR_BUFFER: it does not fit any more; what was there before is still good.
 * ERR_ARGUMENT: not a reading of the profile, or a time after year 9999. */
MEDSEC_API MEDSEC_CHECK medsec_status medsec_batch_add(medsec_batch_writer *batch,
                                                       const medsec_reading *reading,
                                                       uint64_t time_ms, uint32_t sequence);

/* The object is whole, `*len` bytes without NUL. ERR_STATE: there is no reading in it. */
MEDSEC_API MEDSEC_CHECK medsec_status medsec_batch_end(medsec_batch_writer *batch, size_t *len);

MEDSEC_END_DECLS

#endif
