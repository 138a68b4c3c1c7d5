/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the ESP8266 says, whole and in pieces, to the parser and to the driver: both give the same
 * events. The driver's events make sense in their order whatever the module says, it never goes in
 * circles, and does not look at what was to be sent after it has given that back.
 *
 * Input: a byte for mode and size of the pieces, then what the module says. In there 0xfd is the
 * right answer to the last command (a fuzzer would not find it), 0xfe and a byte let time go by.
 */
#include "wifi.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { INPUT_MAX = 1 << 13, TRACE_MAX = 1 << 18, ANSWER = 0xfd, TIME = 0xfe, TICK_MS = 300 };

typedef struct trace {
    uint8_t text[TRACE_MAX];
    size_t len;
    int data_link; /* DATA of this link came last; -1: did not */
} trace;

typedef struct module {
    board board;
    wifi wifi;
    trace *log;
    uint64_t now_ms;
    const uint8_t *said;
    size_t said_len;
    size_t read_max;
    char line[16]; /* the beginning of what the driver wrote last */
    size_t line_len;
    uint8_t *sending[WIFI_LINKS]; /* freed when the driver gives it back */
    bool open[WIFI_LINKS];
    bool up;
    unsigned opening;
} module;

static void check(bool good)
{
    if (!good) {
        abort();
    }
}

static void note(trace *log, const void *data, size_t len)
{
    check(log->len + len <= sizeof log->text);
    memcpy(log->text + log->len, data, len);
    log->len += len;
}

/* Pieces of data are joined: they may be cut anywhere. */
static void note_event(trace *log, int type, int link, const uint8_t *data, size_t len)
{
    const uint8_t head[] = {0xff, (uint8_t)type, (uint8_t)link};
    if (data == NULL || log->data_link != link) {
        note(log, head, sizeof head);
    }
    if (data != NULL) {
        note(log, data, len);
    }
    log->data_link = data == NULL ? -1 : link;
}

static bool same(const trace *a, const trace *b)
{
    return a->len == b->len && memcmp(a->text, b->text, a->len) == 0;
}

static void parse(trace *log, const uint8_t *data, size_t len, size_t step)
{
    at_parser parser;
    at_parser_init(&parser);
    log->len = 0;
    log->data_link = -1;
    while (len > 0) {
        size_t piece = len < step ? len : step;
        at_event event;
        size_t used = at_parser_push(&parser, data, piece, &event);
        check(used <= piece && (event.type == AT_NONE ? used == piece : used > 0));
        check(event.link < AT_LINKS);
        if (event.type == AT_DATA) {
            check(event.len > 0 && event.data + event.len == data + used);
        }
        if (event.type != AT_NONE) {
            note_event(log, (int)event.type, event.link + event.code, event.data, event.len);
        }
        data += used;
        len -= used;
    }
    const uint8_t in_data = at_parser_in_data(&parser);
    note(log, &in_data, 1);
}

static size_t uart_read(void *context, uint8_t *out, size_t cap)
{
    module *m = context;
    size_t len = cap < m->read_max ? cap : m->read_max;
    len = len < m->said_len ? len : m->said_len;
    if (len > 0) {
        memcpy(out, m->said, len);
        m->said += len;
        m->said_len -= len;
    }
    return len;
}

static size_t uart_write(void *context, const uint8_t *data, size_t len)
{
    module *m = context;
    size_t count = len < 100 ? len : 100;
    note(m->log, data, count);
    m->line_len = count < sizeof m->line ? count : sizeof m->line;
    memcpy(m->line, data, m->line_len);
    return count;
}

static uint32_t uart_lost(void *context)
{
    (void)context;
    return 0;
}

static void give_back(module *m, uint8_t link)
{
    free(m->sending[link]);
    m->sending[link] = NULL;
}

static void send(module *m, uint8_t link, uint8_t len)
{
    size_t count = 1 + 16u * len;
    uint8_t *data = malloc(count);
    check(data != NULL);
    memset(data, 'p', count);
    if (wifi_send(&m->wifi, link, data, count)) {
        check(m->open[link] && m->sending[link] == NULL);
        m->sending[link] = data;
    } else {
        free(data);
    }
}

/* What it does must not depend on where the data were cut. */
static void take_data(module *m, const wifi_event *event)
{
    check(m->open[event->link] && event->len > 0);
    for (size_t i = 0; i < event->len; i++) {
        if (event->data[i] == 'c') {
            wifi_close(&m->wifi, event->link);
        } else {
            send(m, event->link, event->data[i]);
        }
    }
}

static void nothing_is_open(const module *m)
{
    for (size_t i = 0; i < WIFI_LINKS; i++) {
        check(!m->open[i] && m->sending[i] == NULL);
    }
    check(m->opening == 0);
}

static void take_link(module *m, const wifi_event *event)
{
    uint8_t link = event->link;
    check(link < WIFI_LINKS && m->open[link] == (event->type != WIFI_OPENED));
    switch (event->type) {
    case WIFI_OPENED:
        m->open[link] = true;
        m->opening = 0;
        send(m, link, link);
        break;
    case WIFI_DATA:
        take_data(m, event);
        break;
    case WIFI_SENT:
        check(m->sending[link] != NULL);
        give_back(m, link);
        break;
    default:
        m->open[link] = false;
        give_back(m, link);
        break;
    }
}

static void begin_to_open(module *m)
{
    if (m->wifi.options.mode == WIFI_STATION) {
        wifi_open(&m->wifi, "h", 1);
        m->opening = 1;
    }
}

static void take_event(module *m, const wifi_event *event)
{
    switch (event->type) {
    case WIFI_UP:
        check(!m->up);
        m->up = true;
        begin_to_open(m);
        break;
    case WIFI_LEFT:
        check(m->up);
        nothing_is_open(m);
        m->up = false;
        break;
    case WIFI_REFUSED:
        check(!m->up);
        nothing_is_open(m);
        break;
    case WIFI_FAILED:
        check(m->opening == 1);
        m->opening = 0;
        break;
    default:
        take_link(m, event);
        break;
    }
}

static void turn(module *m)
{
    wifi_event event;
    unsigned polls = 0;
    do {
        check(++polls < 100000);
        wifi_poll(&m->wifi, m->now_ms, &event);
        if (event.type != WIFI_NONE) {
            note_event(m->log, (int)event.type, event.link, event.data, event.len);
            take_event(m, &event);
        }
    } while (event.type != WIFI_NONE || wifi_until_ms(&m->wifi) <= m->now_ms);
}

static void say(module *m, const void *data, size_t len)
{
    m->said = data;
    m->said_len = len;
    turn(m);
    check(m->said_len == 0);
}

static void pass(module *m, uint64_t end_ms)
{
    if (m->up && m->opening == 0 && !m->open[0]) {
        begin_to_open(m);
    }
    turn(m);
    while (wifi_until_ms(&m->wifi) <= end_ms) {
        m->now_ms = wifi_until_ms(&m->wifi);
        turn(m);
    }
    m->now_ms = end_ms;
}

static bool line_is(const module *m, const char *begin)
{
    size_t len = strlen(begin);
    return m->line_len >= len && memcmp(m->line, begin, len) == 0;
}

static void answer(module *m)
{
    static const struct {
        const char *command;
        const char *answer;
    } rows[] = {{"AT+RST", "\r\nready\r\n"},
                {"AT+SYS", "ERROR\r\n"},
                {"AT+CIPSTART", "0,CONNECT\r\nOK\r\n"},
                {"AT+CIPSEND", "OK\r\n> "},
                {"AT", "OK\r\n"},
                {"", "\r\nSEND OK\r\n"}};
    size_t row = 0;
    while (!line_is(m, rows[row].command)) {
        row++;
    }
    say(m, rows[row].answer, strlen(rows[row].answer));
}

static void drive(trace *log, wifi_mode mode, const uint8_t *data, size_t len, size_t read_max)
{
    module it = {.log = log, .read_max = read_max};
    module *m = &it;
    const wifi_options options = {.mode = mode, .name = "n", .password = "", .port = 80};
    m->board = (board){
        .context = m, .uart_read = uart_read, .uart_write = uart_write, .uart_lost = uart_lost};
    log->len = 0;
    log->data_link = -1;
    wifi_start(&m->wifi, &m->board, &options);
    turn(m);
    while (len > 0) {
        size_t used = 0;
        while (used < len && data[used] < ANSWER) {
            used++;
        }
        say(m, data, used);
        if (used < len && data[used] == ANSWER) {
            answer(m);
        } else if (used + 1 < len && data[used] == TIME) {
            used++;
            pass(m, m->now_ms + (uint64_t)data[used] * TICK_MS);
        }
        used += used < len ? 1 : 0;
        data += used;
        len -= used;
    }
    for (uint8_t i = 0; i < WIFI_LINKS; i++) {
        give_back(m, i);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static trace whole;
    static trace pieces;
    if (size < 1 || size > INPUT_MAX) {
        return 0;
    }
    wifi_mode mode = (data[0] & 1) != 0 ? WIFI_STATION : WIFI_ACCESS_POINT;
    size_t step = 1 + (data[0] >> 1) % 64u;
    parse(&whole, data + 1, size - 1, INPUT_MAX);
    parse(&pieces, data + 1, size - 1, step);
    check(same(&whole, &pieces));
    drive(&whole, mode, data + 1, size - 1, INPUT_MAX);
    drive(&pieces, mode, data + 1, size - 1, step);
    check(same(&whole, &pieces));
    return 0;
}
