/* SPDX-License-Identifier: Apache-2.0 */
#include <medsec/log.h>

#include <poll.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define LINE_CAP 4096u
#define LINE_RESERVE 64u /* for the mark of a cut line and the end of it */
#define TEXT_MAX 256u /* characters of a value; what goes over is cut, with `...` */
#define EVENTS_MAX 64u /* words with a budget of their own; further ones share the last */

typedef struct budget {
    const char *event;
    uint64_t window_ms; /* when this second began */
    uint32_t lines;
    uint32_t suppressed;
} budget;

struct medsec_log {
    FILE *stream;
    int fd; /* of the stream; -1: it has none */
    uint64_t lost; /* lines that found no room, since the last one that did */
    medsec_log_level level;
    medsec_log_format format;
    pthread_mutex_t lock;
    budget budgets[EVENTS_MAX];
};

typedef struct line {
    char text[LINE_CAP];
    size_t len;
} line;

static const char *const level_words[] = {"error", "warn", "info", "debug"};
static const char *const format_words[] = {"text", "json"};

medsec_log *medsec_log_create(FILE *stream, medsec_log_level level, medsec_log_format format)
{
    medsec_log *log = calloc(1, sizeof *log);

    if (log == NULL || pthread_mutex_init(&log->lock, NULL) != 0) {
        free(log);
        return NULL;
    }
    log->stream = stream;
    log->fd = fileno(stream);
    log->level = level;
    log->format = format;
    return log;
}

void medsec_log_destroy(medsec_log *log)
{
    if (log != NULL) {
        pthread_mutex_destroy(&log->lock);
        free(log);
    }
}

static budget *find_budget(medsec_log *log, const char *event)
{
    size_t i = 0;

    while (i < EVENTS_MAX - 1 && log->budgets[i].event != NULL &&
           strcmp(log->budgets[i].event, event) != 0) {
        i++;
    }
    log->budgets[i].event = event;
    return &log->budgets[i];
}

static uint64_t monotonic_ms(void)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * 1000u + (uint64_t)now.tv_nsec / 1000000u;
}

/* False when the line is over the budget; else *suppressed lines went missing before it. */
static bool spend(medsec_log *log, const char *event, uint32_t *suppressed)
{
    budget *b = find_budget(log, event);
    const uint64_t now = monotonic_ms();

    if (b->lines == 0 || now - b->window_ms >= 1000u) {
        b->window_ms = now;
        b->lines = 0;
    }
    if (b->lines >= MEDSEC_LOG_LINES_PER_SECOND) {
        b->suppressed++;
        return false;
    }
    b->lines++;
    *suppressed = b->suppressed;
    b->suppressed = 0;
    return true;
}

/* Text that does not fit is left out as a whole. */
static void put(line *l, const char *text)
{
    const size_t len = strlen(text);

    if (len < LINE_CAP - l->len) {
        memcpy(l->text + l->len, text, len);
        l->len += len;
    }
}

/* Only printable ASCII goes out as it is: no input can end a line, a string or a field. */
static void put_quoted(line *l, const char *text, bool json)
{
    size_t i = 0;

    put(l, "\"");
    for (; i < TEXT_MAX && text[i] != '\0'; i++) {
        const unsigned char c = (unsigned char)text[i];
        char piece[8] = {(char)c, '\0'};
        if (c == '"' || c == '\\') {
            snprintf(piece, sizeof piece, "\\%c", c);
        } else if (c < 0x20 || c > 0x7e) {
            snprintf(piece, sizeof piece, json ? "\\u%04x" : "\\x%02x", c);
        }
        put(l, piece);
    }
    put(l, text[i] != '\0' ? "...\"" : "\"");
}

static bool needs_quotes(const char *text)
{
    size_t i = 0;

    for (; i < TEXT_MAX && text[i] != '\0'; i++) {
        const unsigned char c = (unsigned char)text[i];
        if (c <= 0x20 || c > 0x7e || c == '"' || c == '\\' || c == '=') {
            return true;
        }
    }
    return i == 0 || text[i] != '\0';
}

static void put_field(line *l, const medsec_log_field *field, bool json)
{
    char number[24];

    put(l, json ? ",\"" : " ");
    put(l, field->key);
    put(l, json ? "\":" : "=");
    if (field->text == NULL) {
        snprintf(number, sizeof number, "%lld", (long long)field->number);
        put(l, number);
    } else if (json || needs_quotes(field->text)) {
        put_quoted(l, field->text, json);
    } else {
        put(l, field->text);
    }
}

static void put_count(line *l, const char *key, uint64_t count, bool json)
{
    if (count > 0) {
        put_field(l, &MEDSEC_LOG_INT(key, count), json);
    }
}

static void put_fields(line *l, const medsec_log_field *fields, size_t count, bool json)
{
    for (size_t i = 0; i < count; i++) {
        const size_t before = l->len;
        put_field(l, &fields[i], json);
        if (l->len > LINE_CAP - LINE_RESERVE) {
            l->len = before;
            put_field(l, &MEDSEC_LOG_INT("cut", count - i), json);
            return;
        }
    }
}

static void put_head(line *l, medsec_log_level level, const char *event, bool json)
{
    char time_text[40];
    char head[160];
    struct timespec now;
    struct tm utc;

    clock_gettime(CLOCK_REALTIME, &now);
    gmtime_r(&now.tv_sec, &utc);
    const size_t len = strftime(time_text, sizeof time_text, "%Y-%m-%dT%H:%M:%S", &utc);
    snprintf(time_text + len, sizeof time_text - len, ".%03uZ", (unsigned)(now.tv_nsec / 1000000));
    snprintf(head, sizeof head,
             json ? "{\"time\":\"%s\",\"level\":\"%s\",\"event\":\"%s\"" : "%s %s %s", time_text,
             level_words[level], event);
    put(l, head);
}

/* A pipe or socket that says so takes a line (at most PIPE_BUF) whole, without waiting. */
static bool has_room(const medsec_log *log)
{
    struct pollfd at = {.fd = log->fd, .events = POLLOUT};
    return log->fd < 0 || poll(&at, 1, 0) != 0;
}

static bool write_line(medsec_log *log, const line *l)
{
    const bool written =
        fwrite(l->text, 1, l->len, log->stream) == l->len && fflush(log->stream) == 0;
    clearerr(log->stream);
    return written;
}

void medsec_log_fields(medsec_log *log, medsec_log_level level, const char *event,
                       const medsec_log_field *fields, size_t count)
{
    line l = {.len = 0};
    uint32_t suppressed = 0;

    if (log == NULL || level > log->level) {
        return;
    }
    pthread_mutex_lock(&log->lock);
    if (spend(log, event, &suppressed)) {
        const bool json = log->format == MEDSEC_LOG_JSON;
        put_head(&l, level, event, json);
        put_count(&l, "suppressed", suppressed, json);
        put_count(&l, "lost", log->lost, json);
        put_fields(&l, fields, count, json);
        put(&l, json ? "}\n" : "\n");
        log->lost = has_room(log) && write_line(log, &l) ? 0 : log->lost + suppressed + 1;
    }
    pthread_mutex_unlock(&log->lock);
}

static bool find_word(size_t *index, const char *const *words, size_t count, const char *text)
{
    for (*index = 0; *index < count; *index += 1) {
        if (strcmp(words[*index], text) == 0) {
            return true;
        }
    }
    return false;
}

medsec_status medsec_log_level_parse(medsec_log_level *level, const char *text)
{
    size_t index = 0;

    if (!find_word(&index, level_words, sizeof level_words / sizeof level_words[0], text)) {
        return MEDSEC_ERR_SYNTAX;
    }
    *level = (medsec_log_level)index;
    return MEDSEC_OK;
}

medsec_status medsec_log_format_parse(medsec_log_format *format, const char *text)
{
    size_t index = 0;

    if (!find_word(&index, format_words, sizeof format_words / sizeof format_words[0], text)) {
        return MEDSEC_ERR_SYNTAX;
    }
    *format = (medsec_log_format)index;
    return MEDSEC_OK;
}
