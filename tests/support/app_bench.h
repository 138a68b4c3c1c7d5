/* SPDX-License-Identifier: Apache-2.0 */
#ifndef MEDSEC_TESTS_APP_BENCH_H
#define MEDSEC_TESTS_APP_BENCH_H

#include "flash_model.h"
#include "v1_gateway.h"
#include "virtual_esp8266.h"

#include "app.h"

/*
 * The whole firmware in virtual time: a provisioned device with its settings, its network, and a
 * gateway that keeps account of every reading. Readings tell when they were taken (in PulseSig), so
 * that one that is lost, doubled, or given another's time is seen.
 */
#define APP_BENCH_BOOTS 64u

/* What the gateway has of one start of the device. */
typedef struct app_bench_boot {
    uint32_t boot;
    uint32_t begin; /* the first sequence number that came */
    uint32_t next; /* all below, from `begin`, have come */
    uint32_t acknowledged; /* all below, likewise */
    uint32_t sure; /* all below, likewise, so long ago that the device knows it */
    uint64_t acknowledged_us; /* when `acknowledged` was said */
} app_bench_boot;

typedef struct app_bench {
    virtual_board v;
    virtual_esp8266 e;
    flash_model flash;
    app app;
    bool runs;

    v1_keys keys;
    medsec_credential credential;
    v1_gateway gateway;
    uint8_t in[2 * MEDSEC_RECORD_LEN_MAX]; /* what came and is no record yet */
    size_t in_len;
    bool in_session;
    bool silent; /* it takes everything, and says nothing */
    bool no_acks;

    unsigned sessions;
    unsigned readings; /* that came for the first time */
    unsigned again; /* that came again */
    bool may_drop; /* the device may have dropped what it could not keep */
    unsigned dropped;
    unsigned nulls; /* values */
    app_bench_boot boots[APP_BENCH_BOOTS];
    size_t boot_count;
    medsec_sample last;
    unsigned shifts; /* of its time against the pulse */
    medsec_config_ack config_ack;

    char answer[16384]; /* of the device's web server, and a NUL */
    size_t answer_len;
    bool answered; /* to its end */
} app_bench;

/* Provisioned, everything there, switched off. */
void app_bench_open(app_bench *b);
void app_bench_close(app_bench *b);
/* Settings are stored as the setup page has them stored; that network is there. */
void app_bench_set_up(app_bench *b);
/* The same, as somebody fills them in. */
void app_bench_settings(const app_bench *b, medsec_setup_settings *settings);

/* The firmware runs for so long, through resets. */
void app_bench_run(app_bench *b, uint64_t ms);
/* Until the gateway has that many readings more, at most `ms`. */
void app_bench_readings(app_bench *b, unsigned count, uint64_t ms);
/* Power off and on. */
void app_bench_power(app_bench *b);

/* The gateway ends: connections break, nobody listens until it is back. */
void app_bench_gateway_away(app_bench *b);
void app_bench_gateway_back(app_bench *b);
void app_bench_say(app_bench *b, const medsec_control *control);

/* Somebody who joined the access point asks the web server, and waits for the end of the answer. */
void app_bench_ask(app_bench *b, const void *request, size_t len);

/* How often the LED blinks between two pauses; 0: evenly on and off. Takes 5 s. */
unsigned app_bench_blinks(app_bench *b);

#endif
