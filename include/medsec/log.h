/* SPDX-License-Identifier: Apache-2.0 */
#ifndef MEDSEC_LOG_H
#define MEDSEC_LOG_H

#include <medsec/export.h>
#include <medsec/status.h>

#include <stdint.h>
#include <stdio.h>

/*
 * Structured log: one line an event, `time level event key=value ...` or a JSON object. An event is
 * a fixed word; what varies is in fields, escaped, so that no input can forge a line. A log may be
 * shared by threads. Each event word has a budget of lines a second; what goes over it is
 * counted and reported as `suppressed=N` with the next line of that event.
 *
 * Nobody waits for who reads the log: a line for which a pipe or socket has no room, or that cannot
 * be written, is given up, and counted as `lost=N` in the next line that goes out.
 */
typedef enum medsec_log_level {
    MEDSEC_LOG_ERROR = 0,
    MEDSEC_LOG_WARN = 1,
    MEDSEC_LOG_INFO = 2,
    MEDSEC_LOG_DEBUG = 3
} medsec_log_level;

typedef enum medsec_log_format { MEDSEC_LOG_TEXT = 0, MEDSEC_LOG_JSON = 1 } medsec_log_format;

typedef struct medsec_log medsec_log;

/* One field: a text or a number. Build them with the macros below. */
typedef struct medsec_log_field {
    const char *key;
    const char *text; /* NULL: the number counts */
    int64_t number;
} medsec_log_field;

#define MEDSEC_LOG_STR(k, v) ((medsec_log_field){.key = (k), .text = (v)})
#define MEDSEC_LOG_INT(k, v) ((medsec_log_field){.key = (k), .number = (int64_t)(v)})

/* medsec_log_write(log, MEDSEC_LOG_INFO, "connected", MEDSEC_LOG_STR("device", id)); */
#define medsec_log_write(log, level, event, ...)                                        \
    medsec_log_fields((log), (level), (event), (const medsec_log_field[]){__VA_ARGS__}, \
                      sizeof((const medsec_log_field[]){__VA_ARGS__}) / sizeof(medsec_log_field))

#define MEDSEC_LOG_LINES_PER_SECOND 20u /* of one event word; beyond it lines are counted */

MEDSEC_BEGIN_DECLS

/* Logs to `stream`, which stays the caller's. NULL when out of memory. */
MEDSEC_API medsec_log *medsec_log_create(FILE *stream, medsec_log_level level,
                                         medsec_log_format format);
MEDSEC_API void medsec_log_destroy(medsec_log *log);

/* `log` may be NULL: then nothing is written. `event` must be a string literal. */
MEDSEC_API void medsec_log_fields(medsec_log *log, medsec_log_level level, const char *event,
                                  const medsec_log_field *fields, size_t count);

/* ERR_SYNTAX: not one of error, warn, info, debug / text, json. */
MEDSEC_API MEDSEC_CHECK medsec_status medsec_log_level_parse(medsec_log_level *level,
                                                             const char *text);
MEDSEC_API MEDSEC_CHECK medsec_status medsec_log_format_parse(medsec_log_format *format,
                                                              const char *text);

MEDSEC_END_DECLS

#endif
