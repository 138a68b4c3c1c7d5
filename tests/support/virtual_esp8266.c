/* SPDX-License-Identifier: Apache-2.0 */
#include "virtual_esp8266.h"

#include "unit.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Microseconds. */
enum { BYTE = 87, ANSWERS = 2000, STARTS = 300000, JOINS = 1500000, OPENS = 40000, SENDS = 15000 };

enum { BOARD_KEEPS = 2048, WRITE_ROOM = 256 };

static uint64_t later(uint64_t a_us, uint64_t b_us)
{
    return a_us > b_us ? a_us : b_us;
}

static void put(virtual_esp8266 *e, uint64_t from_us, const void *data, size_t len)
{
    const uint8_t *bytes = data;
    if (e->mute) {
        return;
    }
    e->said_us = later(e->said_us, from_us);
    for (size_t i = 0; i < len; i++) {
        assert_true(e->queue_end - e->queue_begin < ESP8266_QUEUE_LEN);
        e->said_us += BYTE;
        e->due_us[e->queue_end % ESP8266_QUEUE_LEN] = e->said_us;
        e->queue[e->queue_end % ESP8266_QUEUE_LEN] = bytes[i];
        e->queue_end++;
    }
}

static void words(virtual_esp8266 *e, uint64_t from_us, const char *text)
{
    put(e, from_us, text, strlen(text));
}

/* The end of a command that takes that long. */
static void answer(virtual_esp8266 *e, uint64_t takes_us, const char *text)
{
    e->busy_us = e->heard_us + takes_us;
    words(e, e->busy_us, text);
}

static void tell_closed(virtual_esp8266 *e, unsigned link)
{
    if (e->open[link]) {
        e->open[link] = false;
        e->peer.closed(e->peer.context, link);
    }
}

static void forget(virtual_esp8266 *e)
{
    for (unsigned link = 0; link < ESP8266_LINKS; link++) {
        tell_closed(e, link);
    }
    e->echo = true;
    e->station = false;
    e->joined = false;
    e->serves = false;
    e->line_len = 0;
    e->send_left = 0;
}

static void start(virtual_esp8266 *e, uint64_t from_us)
{
    static const char noise[] = {'\x1b', '\xf2', 'r', 'l', '\0', '\x8c', '\n', '\xff'};
    forget(e);
    put(e, from_us + STARTS / 2, noise, sizeof noise);
    words(e, from_us + STARTS, "\r\nready\r\n");
    e->busy_us = from_us + STARTS;
}

/* What stands in the next pair of quotes, without its backslashes; NULL: there is none. */
static const char *unquote(const char *text, char *out, size_t cap)
{
    size_t len = 0;
    text = strchr(text, '"');
    for (text = text != NULL ? text + 1 : NULL; text != NULL && *text != '"'; text++) {
        text += *text == '\\' ? 1 : 0;
        if (*text == '\0' || len + 1 == cap) {
            return NULL;
        }
        out[len++] = *text;
    }
    out[len] = '\0';
    return text != NULL ? text + 1 : NULL;
}

static void join(virtual_esp8266 *e, const char *arguments)
{
    char ssid[40] = "";
    char password[70] = "";
    const char *rest = unquote(arguments, ssid, sizeof ssid);
    rest = rest != NULL ? unquote(rest, password, sizeof password) : NULL;
    assert_non_null(rest);
    e->joins++;
    if (e->ssid == NULL || strcmp(ssid, e->ssid) != 0) {
        answer(e, JOINS, "+CWJAP:3\r\n\r\nFAIL\r\n");
    } else if (strcmp(password, e->password) != 0) {
        answer(e, JOINS, "+CWJAP:2\r\n\r\nFAIL\r\n");
    } else {
        e->joined = true;
        answer(e, JOINS, "WIFI CONNECTED\r\nWIFI GOT IP\r\n\r\nOK\r\n");
    }
}

static void open_link(virtual_esp8266 *e, const char *arguments)
{
    char host[70] = "";
    const char *rest = unquote(arguments, host, sizeof host); /* "TCP" */
    rest = rest != NULL ? unquote(rest, host, sizeof host) : NULL;
    assert_non_null(rest);
    e->opens++;
    bool there = e->joined && e->host != NULL && strcmp(host, e->host) == 0 &&
                 atoi(rest + 1) == e->port && !e->open[0];
    if (!there) {
        answer(e, OPENS, "ERROR\r\n0,CLOSED\r\n");
        return;
    }
    e->open[0] = true;
    answer(e, OPENS, "0,CONNECT\r\n\r\nOK\r\n");
    e->peer.opened(e->peer.context, 0);
}

static void begin_send(virtual_esp8266 *e, const char *arguments)
{
    char *rest;
    e->send_link = (unsigned)strtoul(arguments, &rest, 10);
    size_t len = strtoul(rest + 1, NULL, 10);
    assert_true(e->send_link < ESP8266_LINKS && len > 0 && len <= sizeof e->send);
    if (!e->open[e->send_link]) {
        answer(e, ANSWERS, "link is not valid\r\n\r\nERROR\r\n");
        return;
    }
    e->send_left = len;
    e->send_len = 0;
    answer(e, ANSWERS, "\r\nOK\r\n> ");
}

static void end_send(virtual_esp8266 *e)
{
    char text[64];
    e->sends++;
    (void)snprintf(text, sizeof text, "\r\nRecv %zu bytes\r\n", e->send_len);
    words(e, e->heard_us + ANSWERS, text);
    e->busy_us = e->heard_us + SENDS;
    if (e->late) {
        e->peer.received(e->peer.context, e->send_link, e->send, e->send_len);
    }
    bool open = e->open[e->send_link]; /* still */
    words(e, e->busy_us, open ? "\r\nSEND OK\r\n" : "\r\nSEND FAIL\r\n");
    if (!e->late && open) {
        e->peer.received(e->peer.context, e->send_link, e->send, e->send_len);
    }
}

static void close_link(virtual_esp8266 *e, unsigned link)
{
    char text[32];
    if (link >= ESP8266_LINKS || !e->open[link]) {
        answer(e, ANSWERS, "UNLINK\r\n\r\nERROR\r\n");
        return;
    }
    (void)snprintf(text, sizeof text, "%u,CLOSED\r\n\r\nOK\r\n", link);
    answer(e, ANSWERS, text);
    tell_closed(e, link);
}

static const char *after(const char *line, const char *start)
{
    size_t len = strlen(start);
    return strncmp(line, start, len) == 0 ? line + len : NULL;
}

static void set_mode(virtual_esp8266 *e, const char *mode)
{
    e->station = strcmp(mode, "1") == 0;
    assert_true(e->station || strcmp(mode, "2") == 0);
    answer(e, ANSWERS, "\r\nOK\r\n");
}

static void serve(virtual_esp8266 *e, const char *arguments)
{
    e->serves = !e->station && strcmp(arguments, "1,80") == 0;
    answer(e, ANSWERS, e->serves ? "\r\nOK\r\n" : "\r\nERROR\r\n");
}

static void carry_out(virtual_esp8266 *e, const char *line)
{
    const char *rest;
    e->commands++;
    if (strcmp(line, "AT+RST") == 0) {
        answer(e, ANSWERS, "\r\nOK\r\n");
        start(e, e->busy_us);
    } else if (strcmp(line, "ATE0") == 0) {
        e->echo = false;
        answer(e, ANSWERS, "\r\nOK\r\n");
    } else if ((rest = after(line, "AT+CWMODE_CUR=")) != NULL) {
        set_mode(e, rest);
    } else if ((rest = after(line, "AT+CWJAP_CUR=")) != NULL && e->station) {
        join(e, rest);
    } else if ((rest = after(line, "AT+CIPSTART=0,")) != NULL) {
        open_link(e, rest);
    } else if ((rest = after(line, "AT+CIPSEND=")) != NULL) {
        begin_send(e, rest);
    } else if ((rest = after(line, "AT+CIPCLOSE=")) != NULL) {
        close_link(e, (unsigned)strtoul(rest, NULL, 10));
    } else if ((rest = after(line, "AT+CIPSERVER=")) != NULL) {
        serve(e, rest);
    } else if (strcmp(line, "AT+CIPMUX=1") == 0 || after(line, "AT+CWSAP_CUR=") != NULL ||
               after(line, "AT+CIPAP_CUR=") != NULL) {
        answer(e, ANSWERS, "\r\nOK\r\n");
    } else {
        answer(e, ANSWERS, "\r\nERROR\r\n");
    }
}

static void take_line(virtual_esp8266 *e)
{
    size_t len = e->line_len;
    e->line_len = 0;
    while (len > 0 && (e->line[len - 1] == '\r' || e->line[len - 1] == '\n')) {
        len--;
    }
    e->line[len] = '\0';
    if (len == 0) {
        return;
    }
    if (e->heard_us < e->busy_us) {
        words(e, e->heard_us, "busy p...\r\n");
        return;
    }
    carry_out(e, e->line);
}

static void take_byte(virtual_esp8266 *e, uint8_t byte)
{
    if (e->send_left > 0) {
        e->send[e->send_len++] = byte;
        if (--e->send_left == 0) {
            end_send(e);
        }
        return;
    }
    if (e->echo) {
        put(e, e->heard_us, &byte, 1);
    }
    assert_true(e->line_len + 1 < sizeof e->line);
    e->line[e->line_len++] = (char)byte;
    if (byte == '\n') {
        take_line(e);
    }
}

static size_t write_uart(void *context, const uint8_t *data, size_t len)
{
    virtual_esp8266 *e = context;
    uint64_t now_us = e->board->now_us;
    e->heard_us = later(e->heard_us, now_us);
    size_t waiting = (size_t)((e->heard_us - now_us) / BYTE);
    size_t room = waiting < WRITE_ROOM ? WRITE_ROOM - waiting : 0;
    len = len < room ? len : room;
    for (size_t i = 0; i < len; i++) {
        e->heard_us += BYTE;
        if (!e->mute) {
            take_byte(e, data[i]);
        }
    }
    return len;
}

/* Of what came since the last look, the board has kept the first 2 KiB. */
static void lose(virtual_esp8266 *e, size_t due)
{
    size_t kept = due - BOARD_KEEPS;
    for (size_t i = BOARD_KEEPS; i-- > 0;) {
        e->queue[(kept + i) % ESP8266_QUEUE_LEN] =
            e->queue[(e->queue_begin + i) % ESP8266_QUEUE_LEN];
        e->due_us[(kept + i) % ESP8266_QUEUE_LEN] = e->board->now_us;
    }
    e->board->uart_lost += (uint32_t)(kept - e->queue_begin);
    e->queue_begin = kept;
}

static size_t read_uart(void *context, uint8_t *out, size_t cap)
{
    virtual_esp8266 *e = context;
    size_t due = e->queue_begin;
    while (due < e->queue_end && e->due_us[due % ESP8266_QUEUE_LEN] <= e->board->now_us) {
        due++;
    }
    if (due - e->queue_begin > BOARD_KEEPS) {
        lose(e, due);
    }
    size_t len = due - e->queue_begin < cap ? due - e->queue_begin : cap;
    for (size_t i = 0; i < len; i++) {
        out[i] = e->queue[e->queue_begin++ % ESP8266_QUEUE_LEN];
    }
    return len;
}

static uint64_t wakes_us(void *context, uint64_t after_us)
{
    const virtual_esp8266 *e = context;
    for (size_t i = e->queue_begin; i < e->queue_end; i++) {
        if (e->due_us[i % ESP8266_QUEUE_LEN] > after_us) {
            return e->due_us[i % ESP8266_QUEUE_LEN];
        }
    }
    return UINT64_MAX;
}

static void nobody_opened(void *context, unsigned link)
{
    (void)context;
    (void)link;
}

static void nobody_received(void *context, unsigned link, const uint8_t *data, size_t len)
{
    (void)context;
    (void)link;
    (void)data;
    (void)len;
}

void virtual_esp8266_open(virtual_esp8266 *e, virtual_board *v)
{
    memset(e, 0, sizeof *e);
    e->board = v;
    e->peer = (esp8266_peer){
        .opened = nobody_opened, .received = nobody_received, .closed = nobody_opened};
    e->echo = true;
    v->uart_context = e;
    v->uart_read = read_uart;
    v->uart_write = write_uart;
    v->wakes_us = wakes_us;
    start(e, v->now_us);
}

void virtual_esp8266_say(virtual_esp8266 *e, unsigned link, const void *data, size_t len)
{
    char head[32];
    assert_true(e->open[link] && len > 0);
    (void)snprintf(head, sizeof head, "\r\n+IPD,%u,%zu:", link, len);
    uint64_t from_us = later(e->board->now_us, e->busy_us) + SENDS;
    words(e, from_us, head);
    put(e, from_us, data, len);
}

void virtual_esp8266_hang_up(virtual_esp8266 *e, unsigned link)
{
    char text[16];
    if (e->open[link]) {
        (void)snprintf(text, sizeof text, "%u,CLOSED\r\n", link);
        words(e, e->board->now_us, text);
        tell_closed(e, link);
    }
}

bool virtual_esp8266_visit(virtual_esp8266 *e, unsigned link)
{
    char text[16];
    if (!e->serves || e->open[link]) {
        return false;
    }
    e->open[link] = true;
    (void)snprintf(text, sizeof text, "%u,CONNECT\r\n", link);
    words(e, e->board->now_us, text);
    return true;
}

void virtual_esp8266_drop(virtual_esp8266 *e)
{
    for (unsigned link = 0; link < ESP8266_LINKS; link++) {
        virtual_esp8266_hang_up(e, link);
    }
    if (e->joined) {
        e->joined = false;
        words(e, e->board->now_us, "WIFI DISCONNECT\r\n");
    }
}

void virtual_esp8266_restart(virtual_esp8266 *e)
{
    e->queue_end = e->queue_begin;
    e->said_us = e->board->now_us;
    start(e, e->board->now_us);
}
