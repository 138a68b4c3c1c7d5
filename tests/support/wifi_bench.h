/* SPDX-License-Identifier: Apache-2.0 */
#ifndef MEDSEC_TESTS_WIFI_BENCH_H
#define MEDSEC_TESTS_WIFI_BENCH_H

#include "wifi.h"

/*
 * The driver of the ESP8266 with a module that a test plays line by line: what the driver writes
 * is looked at with wifi_bench_expect, what the module says is given with wifi_bench_say. Events
 * become text, one a line: `UP`, `OPENED 1`, `DATA 1 hello`, `REFUSED 2` (the reason), pieces of
 * DATA joined.
 */
typedef struct wifi_bench {
    board board;
    wifi wifi;
    uint64_t now_ms;
    uint32_t lost;
    size_t read_max; /* bytes of one uart_read */
    size_t room; /* bytes that the UART takes in one millisecond */
    size_t taken; /* of those, in this one */
    uint64_t taken_ms;
    char said[16384]; /* by the module, not yet read */
    size_t said_len;
    char written[16384]; /* by the driver, not yet expected */
    size_t written_len;
    char events[16384];
    size_t events_len;
    int data_link; /* the last event was DATA of this link; -1: it was not */
} wifi_bench;

void wifi_bench_begin(wifi_bench *bench, wifi_mode mode, size_t read_max, size_t room);
void wifi_bench_start(wifi_bench *bench, const wifi_options *options);

/* The module says it, and the driver takes it: all that follows at once has happened then. */
void wifi_bench_say(wifi_bench *bench, const char *text);
void wifi_bench_say_bytes(wifi_bench *bench, const void *data, size_t len);
/* The clock goes on, from one moment that the driver asks for to the next one. */
void wifi_bench_wait(wifi_bench *bench, uint32_t ms);
/* Polls until nothing more comes. */
void wifi_bench_turn(wifi_bench *bench);

/* Exactly that was written since the last call; it is forgotten then. */
void wifi_bench_expect(wifi_bench *bench, const char *text);
/* Exactly these events came since the last call. */
void wifi_bench_events(wifi_bench *bench, const char *text);
/* A command is expected, and answered. */
void wifi_bench_answer(wifi_bench *bench, const char *command, const char *answer);

/* A module of Non-OS AT up to the join, or to the open server. */
void wifi_bench_set_up_station(wifi_bench *bench);
void wifi_bench_join(wifi_bench *bench);
void wifi_bench_set_up_access_point(wifi_bench *bench);

#endif
