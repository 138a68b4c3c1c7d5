/* SPDX-License-Identifier: Apache-2.0 */
#include "wifi_bench.h"

#include "unit.h"

#include <stdio.h>
#include <string.h>

/* Shortly before 32 bits of milliseconds are over. */
#define BEGIN_MS (UINT32_MAX - 7000ull)

static const char *const names[] = {"NONE",   "UP",   "LEFT", "REFUSED", "OPENED",
                                    "FAILED", "DATA", "SENT", "CLOSED"};

static size_t give(void *context, uint8_t *out, size_t cap)
{
    wifi_bench *bench = context;
    size_t len = cap < bench->read_max ? cap : bench->read_max;
    len = len < bench->said_len ? len : bench->said_len;
    memcpy(out, bench->said, len);
    bench->said_len -= len;
    memmove(bench->said, bench->said + len, bench->said_len);
    return len;
}

static size_t take(void *context, const uint8_t *data, size_t len)
{
    wifi_bench *bench = context;
    bench->taken = bench->taken_ms == bench->now_ms ? bench->taken : 0;
    bench->taken_ms = bench->now_ms;
    size_t left = bench->room > bench->taken ? bench->room - bench->taken : 0;
    size_t count = len < left ? len : left;
    bench->taken += count;
    assert_true(bench->written_len + count < sizeof bench->written);
    memcpy(bench->written + bench->written_len, data, count);
    bench->written_len += count;
    return count;
}

static uint32_t lost(void *context)
{
    return ((const wifi_bench *)context)->lost;
}

/* The filler that each start begins with goes at once, and is forgotten. */
static void write_first_filler(wifi_bench *bench)
{
    size_t room = bench->room;
    bench->room = room < SIZE_MAX - WIFI_SEND_MAX ? room + WIFI_SEND_MAX : SIZE_MAX;
    wifi_bench_turn(bench);
    bench->room = room;
    assert_true(bench->written_len >= WIFI_SEND_MAX);
    for (size_t i = 0; i < WIFI_SEND_MAX; i++) {
        assert_true(bench->written[i] == (i % 16 == 14 ? '\r' : i % 16 == 15 ? '\n' : ' '));
    }
    bench->taken -= WIFI_SEND_MAX;
    bench->written_len -= WIFI_SEND_MAX;
    memmove(bench->written, bench->written + WIFI_SEND_MAX, bench->written_len);
}

void wifi_bench_start(wifi_bench *bench, const wifi_options *options)
{
    bench->board.context = bench;
    bench->board.uart_read = give;
    bench->board.uart_write = take;
    bench->board.uart_lost = lost;
    bench->now_ms = BEGIN_MS;
    bench->data_link = -1;
    wifi_start(&bench->wifi, &bench->board, options);
    write_first_filler(bench);
}

void wifi_bench_begin(wifi_bench *bench, wifi_mode mode, size_t read_max, size_t room)
{
    static const wifi_options station = {
        .mode = WIFI_STATION, .name = "home", .password = "secret word"};
    static const wifi_options point = {
        .mode = WIFI_ACCESS_POINT, .name = "Med_IoT", .password = "", .port = 80};
    memset(bench, 0, sizeof *bench);
    bench->read_max = read_max;
    bench->room = room;
    wifi_bench_start(bench, mode == WIFI_STATION ? &station : &point);
}

static void note(wifi_bench *bench, const char *data, size_t len)
{
    assert_true(bench->events_len + len < sizeof bench->events);
    memcpy(bench->events + bench->events_len, data, len);
    bench->events_len += len;
}

static void end_of_data(wifi_bench *bench)
{
    if (bench->data_link >= 0) {
        note(bench, "\n", 1);
        bench->data_link = -1;
    }
}

static void note_data(wifi_bench *bench, const wifi_event *event)
{
    char head[16];
    if (bench->data_link != event->link) {
        end_of_data(bench);
        note(bench, head, (size_t)snprintf(head, sizeof head, "DATA %d ", event->link));
    }
    note(bench, (const char *)event->data, event->len);
    bench->data_link = event->link;
}

static void note_event(wifi_bench *bench, const wifi_event *event)
{
    char line[32];
    int len;
    if (event->type == WIFI_DATA) {
        note_data(bench, event);
        return;
    }
    end_of_data(bench);
    if (event->type == WIFI_LEFT || event->type == WIFI_REFUSED) {
        len = snprintf(line, sizeof line, "%s %d\n", names[event->type], (int)event->reason);
    } else if (event->type == WIFI_OPENED || event->type == WIFI_CLOSED ||
               event->type == WIFI_SENT) {
        len = snprintf(line, sizeof line, "%s %d\n", names[event->type], event->link);
    } else {
        len = snprintf(line, sizeof line, "%s\n", names[event->type]);
    }
    note(bench, line, (size_t)len);
}

/* As an application does it: until NONE, then again when the driver wants to go on at once. */
void wifi_bench_turn(wifi_bench *bench)
{
    wifi_event event;
    unsigned polls = 0;
    do {
        assert_true(++polls < 40000); /* it wants to go on at once, and nothing comes of it */
        wifi_poll(&bench->wifi, bench->now_ms, &event);
        if (event.type != WIFI_NONE) {
            note_event(bench, &event);
        }
    } while (event.type != WIFI_NONE || wifi_until_ms(&bench->wifi) <= bench->now_ms);
}

void wifi_bench_say_bytes(wifi_bench *bench, const void *data, size_t len)
{
    assert_true(bench->said_len + len <= sizeof bench->said);
    memcpy(bench->said + bench->said_len, data, len);
    bench->said_len += len;
    wifi_bench_wait(bench, 0);
}

void wifi_bench_say(wifi_bench *bench, const char *text)
{
    wifi_bench_say_bytes(bench, text, strlen(text));
}

void wifi_bench_wait(wifi_bench *bench, uint32_t ms)
{
    uint64_t end = bench->now_ms + ms;
    wifi_bench_turn(bench);
    while (wifi_until_ms(&bench->wifi) <= end) {
        bench->now_ms = wifi_until_ms(&bench->wifi);
        wifi_bench_turn(bench);
    }
    bench->now_ms = end;
}

/* What the UART is too narrow for leaves in the milliseconds that follow. */
static void write_all(wifi_bench *bench)
{
    size_t before;
    do {
        before = bench->written_len;
        wifi_bench_wait(bench, 5);
    } while (bench->written_len > before);
}

void wifi_bench_expect(wifi_bench *bench, const char *text)
{
    write_all(bench);
    bench->written[bench->written_len] = '\0';
    assert_string_equal(bench->written, text);
    bench->written_len = 0;
}

void wifi_bench_events(wifi_bench *bench, const char *text)
{
    end_of_data(bench);
    bench->events[bench->events_len] = '\0';
    assert_string_equal(bench->events, text);
    bench->events_len = 0;
}

void wifi_bench_answer(wifi_bench *bench, const char *command, const char *answer)
{
    wifi_bench_expect(bench, command);
    wifi_bench_say(bench, answer);
}

static void set_up(wifi_bench *bench, const char *mode)
{
    wifi_bench_answer(bench, "AT+RST\r\n",
                      "AT+RST\r\r\n\r\nOK\r\n\xfe\x01#\x8cready?\r\n\r\nready\r\n");
    wifi_bench_answer(bench, "ATE0\r\n", "ATE0\r\r\n\r\nOK\r\n");
    wifi_bench_answer(bench, "AT+SYSSTORE=0\r\n", "\r\nERROR\r\n");
    wifi_bench_answer(bench, mode, "\r\nOK\r\n");
    wifi_bench_answer(bench, "AT+CIPMUX=1\r\n", "\r\nOK\r\n");
}

void wifi_bench_set_up_station(wifi_bench *bench)
{
    set_up(bench, "AT+CWMODE_CUR=1\r\n");
}

void wifi_bench_join(wifi_bench *bench)
{
    wifi_bench_answer(bench, "AT+CWJAP_CUR=\"home\",\"secret word\"\r\n",
                      "WIFI DISCONNECT\r\nWIFI CONNECTED\r\nWIFI GOT IP\r\n\r\nOK\r\n");
    wifi_bench_events(bench, "UP\n");
}

void wifi_bench_set_up_access_point(wifi_bench *bench)
{
    set_up(bench, "AT+CWMODE_CUR=2\r\n");
    wifi_bench_answer(bench, "AT+CWSAP_CUR=\"Med_IoT\",\"\",5,0,1\r\n", "\r\nOK\r\n");
    wifi_bench_answer(bench, "AT+CIPAP_CUR=\"192.168.4.1\"\r\n", "\r\nOK\r\n");
    wifi_bench_answer(bench, "AT+CIPSERVER=1,80\r\n", "\r\nOK\r\n");
    wifi_bench_events(bench, "UP\n");
}
