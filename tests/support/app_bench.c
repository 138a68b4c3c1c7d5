/* SPDX-License-Identifier: Apache-2.0 */
#include "app_bench.h"

#include "unit.h"

#include "boot_log.h"
#include "flash_map.h"
#include "page.h"
#include "settings.h"

#include "crypto/bearssl/provider.h"

#include <stdlib.h>
#include <string.h>

#define PICO (&medsec_profile_pico_vitals)
#define UTC_MS 1790000000000u
#define FIRST_BOOT 60000000u
#define HOST "gateway.example"
#define PORT 9998u
#define ARRIVES_US 300000u /* that late is what was said with the device, or never */

/* As long as it may be; what it shows is its own tests' business. */
const uint8_t page_response[PAGE_RESPONSE_MAX] = "HTTP/1.1 200 OK\r\n\r\n";
const size_t page_response_len = sizeof page_response;

enum { PULSE = 1, PULSE_STEPS = 64, PULSE_STEP = 64 };

/* 64 levels far enough from each other, one after the other each millisecond. */
static uint16_t pulse_of_time(void *context, uint64_t at_us)
{
    (void)context;
    return (uint16_t)(at_us / 1000 % PULSE_STEPS * PULSE_STEP);
}

static unsigned time_of_pulse(int32_t millivolts)
{
    return (unsigned)(((int64_t)millivolts * 4095 / 3300 + PULSE_STEP / 2) / PULSE_STEP);
}

static app_bench_boot *boot_of(app_bench *b, const medsec_readings_head *head)
{
    for (size_t i = 0; i < b->boot_count; i++) {
        if (b->boots[i].boot == head->boot) {
            return &b->boots[i];
        }
    }
    assert_true(b->boot_count < APP_BENCH_BOOTS);
    assert_true(b->boot_count == 0 || head->boot > b->boots[b->boot_count - 1].boot);
    app_bench_boot *boot = &b->boots[b->boot_count++];
    *boot = (app_bench_boot){.boot = head->boot, .begin = head->first_sequence};
    boot->next = boot->begin;
    boot->acknowledged = boot->begin;
    boot->sure = boot->begin;
    b->last.present = 0;
    return boot;
}

static void count_nulls(app_bench *b, const medsec_sample *sample)
{
    for (size_t i = 0; i < PICO->count; i++) {
        b->nulls += (sample->present >> i & 1) == 0 ? 1 : 0;
    }
}

/* Its moment, told by the pulse, is the one it claims, as far as the one before it tells. Each
 * connection sets the clock, by a WELCOME that was under way a millisecond more or less. */
static void check_moment(app_bench *b, const medsec_sample *sample)
{
    if ((b->last.present >> PULSE & 1) != 0) {
        uint64_t passed_ms = sample->time_ms - b->last.time_ms;
        unsigned steps =
            time_of_pulse(sample->value[PULSE]) + PULSE_STEPS - time_of_pulse(b->last.value[PULSE]);
        assert_true(sample->time_ms > b->last.time_ms);
        unsigned apart = (unsigned)(passed_ms + PULSE_STEPS - steps % PULSE_STEPS) % PULSE_STEPS;
        assert_true(apart <= 1 || apart == PULSE_STEPS - 1);
        b->shifts += apart != 0 ? 1 : 0;
        assert_true(b->shifts <= b->e.opens);
    }
}

static void take_reading(app_bench *b, app_bench_boot *boot, uint32_t sequence,
                         const medsec_sample *sample)
{
    if (sequence < boot->next) {
        assert_true(sequence >= boot->sure);
        b->again++;
        return;
    }
    assert_true(sequence == boot->next || b->may_drop);
    b->dropped += sequence - boot->next;
    boot->next = sequence;
    check_moment(b, sample);
    count_nulls(b, sample);
    boot->next++;
    b->readings++;
    b->last = *sample;
}

void app_bench_say(app_bench *b, const medsec_control *control)
{
    uint8_t record[MEDSEC_RECORD_LEN_MAX];
    size_t len = v1_gateway_say(&b->gateway, record, control);
    assert_true(len > 0);
    virtual_esp8266_say(&b->e, 0, record, len);
}

/* Of a message: what this connection has not seen may not be acknowledged on it. */
static void acknowledge(app_bench *b, app_bench_boot *boot, uint32_t sequence)
{
    if (b->no_acks) {
        return;
    }
    if (b->v.now_us - boot->acknowledged_us > ARRIVES_US) {
        boot->sure = boot->acknowledged;
    }
    boot->acknowledged = sequence + 1;
    boot->acknowledged_us = b->v.now_us;
    app_bench_say(b, &(medsec_control){.kind = MEDSEC_KIND_ACK,
                                       .body.ack = {.boot = boot->boot, .sequence = sequence}});
}

static void take_readings(app_bench *b, const uint8_t *message, size_t len)
{
    medsec_readings_reader reader;
    medsec_sample sample;
    uint32_t sequence = 0;
    assert_int_equal(medsec_readings_open(&reader, PICO, message, len), MEDSEC_OK);
    app_bench_boot *boot = boot_of(b, &reader.head);
    if (reader.head.first_sequence < boot->acknowledged) { /* it did not arrive */
        boot->acknowledged = reader.head.first_sequence;
    }
    while (medsec_readings_next(&reader, &sample, &sequence)) {
        take_reading(b, boot, sequence, &sample);
    }
    acknowledge(b, boot, sequence);
}

static void take_record(app_bench *b, uint8_t *data, size_t len)
{
    uint8_t *message = NULL;
    size_t message_len = 0;
    medsec_kind kind = MEDSEC_KIND_CLOSE;
    medsec_control control;
    if (!b->in_session) {
        uint8_t welcome[MEDSEC_WELCOME_LEN];
        uint64_t utc_ms = UTC_MS + b->v.now_us / 1000;
        assert_int_equal(v1_gateway_welcome(&b->gateway, data, len, utc_ms, welcome), MEDSEC_OK);
        b->in_session = true;
        b->sessions++;
        virtual_esp8266_say(&b->e, 0, welcome, sizeof welcome);
        return;
    }
    assert_int_equal(v1_gateway_open(&b->gateway, data, len, &kind, &message, &message_len),
                     MEDSEC_OK);
    if (kind == MEDSEC_KIND_READINGS) {
        take_readings(b, message, message_len);
        return;
    }
    assert_int_equal(medsec_control_decode(&control, message, message_len), MEDSEC_OK);
    if (kind == MEDSEC_KIND_CONFIG_ACK) {
        b->config_ack = control.body.config_ack;
    }
}

static void take_answer(app_bench *b, const uint8_t *data, size_t len)
{
    assert_true(b->answer_len + len < sizeof b->answer);
    memcpy(b->answer + b->answer_len, data, len);
    b->answer_len += len;
    b->answer[b->answer_len] = '\0';
}

static void received(void *context, unsigned link, const uint8_t *data, size_t len)
{
    app_bench *b = context;
    if (!b->e.station) {
        take_answer(b, data, len);
        return;
    }
    assert_int_equal(link, 0);
    assert_true(b->in_len + len <= sizeof b->in);
    memcpy(b->in + b->in_len, data, len);
    b->in_len += len;
    while (b->in_len >= MEDSEC_RECORD_HEADER_LEN && !b->silent) {
        medsec_record_header header;
        assert_int_equal(medsec_record_read_header(&header, b->in), MEDSEC_OK);
        size_t whole = MEDSEC_RECORD_HEADER_LEN + (size_t)header.length;
        if (b->in_len < whole) {
            break;
        }
        take_record(b, b->in, whole);
        b->in_len -= whole;
        memmove(b->in, b->in + whole, b->in_len);
    }
}

static void ended(void *context, unsigned link)
{
    app_bench *b = context;
    (void)link;
    b->answered = true;
    b->in_session = false;
    b->in_len = 0;
}

static void opened(void *context, unsigned link)
{
    app_bench *b = context;
    (void)link;
    b->in_session = false;
    b->in_len = 0;
}

static void provision(app_bench *b)
{
    const medsec_boot_record first = {.boot = FIRST_BOOT, .seed = {1, 2, 3}};
    assert_int_equal(medsec_provision_image(b->flash.bytes + FLASH_DATA, medsec_crypto_openssl(),
                                            &b->credential, &first),
                     MEDSEC_OK);
}

void app_bench_settings(const app_bench *b, medsec_setup_settings *settings)
{
    *settings = (medsec_setup_settings){.server = HOST, .port = PORT};
    memcpy(settings->ssid, b->e.ssid, strlen(b->e.ssid));
    memcpy(settings->password, b->e.password, strlen(b->e.password));
}

void app_bench_set_up(app_bench *b)
{
    medsec_setup_settings settings;
    app_bench_settings(b, &settings);
    assert_true(settings_save(&b->v.table, medsec_crypto_bearssl(), &settings));
}

void app_bench_gateway_away(app_bench *b)
{
    b->e.host = NULL;
    virtual_esp8266_hang_up(&b->e, 0);
}

void app_bench_gateway_back(app_bench *b)
{
    b->e.host = HOST;
}

void app_bench_open(app_bench *b)
{
    memset(b, 0, sizeof *b);
    virtual_board_open(&b->v);
    b->v.pulse = pulse_of_time;
    flash_model_open(&b->flash);
    b->v.flash = &b->flash;
    b->v.table.flash = b->flash.bytes;
    virtual_esp8266_open(&b->e, &b->v);
    b->e.peer = (esp8266_peer){b, opened, received, ended};
    b->e.ssid = "home";
    b->e.password = "secret word";
    b->e.port = PORT;
    app_bench_gateway_back(b);
    assert_int_equal(v1_keys_make(&b->keys, 1, MEDSEC_SUITE_A128CBC_HS256), MEDSEC_OK);
    v1_credential(&b->credential, &b->keys);
    b->gateway = (v1_gateway){.keys = &b->keys, .seed = 2};
    provision(b);
}

void app_bench_close(app_bench *b)
{
    flash_model_close(&b->flash);
}

void app_bench_power(app_bench *b)
{
    b->runs = false;
    virtual_board_restart(&b->v);
    virtual_esp8266_restart(&b->e);
    memset(&b->app, 0xa5, sizeof b->app);
}

static void turn(app_bench *b)
{
    if (!b->runs) {
        app_start(&b->app, &b->v.table);
        b->runs = true;
    }
    if (!app_turn(&b->app)) {
        virtual_board_restart(&b->v);
        b->runs = false;
    }
}

void app_bench_run(app_bench *b, uint64_t ms)
{
    uint64_t until_us = b->v.now_us + ms * 1000;
    while (b->v.now_us < until_us) {
        turn(b);
    }
}

void app_bench_readings(app_bench *b, unsigned count, uint64_t ms)
{
    uint64_t until_us = b->v.now_us + ms * 1000;
    unsigned enough = b->readings + count;
    while (b->readings < enough) {
        assert_true(b->v.now_us < until_us);
        turn(b);
    }
}

void app_bench_ask(app_bench *b, const void *request, size_t len)
{
    uint64_t until_us = b->v.now_us + 30000000;
    b->answer_len = 0;
    b->answer[0] = '\0';
    b->answered = false;
    assert_true(virtual_esp8266_visit(&b->e, 0));
    virtual_esp8266_say(&b->e, 0, request, len);
    while (!b->answered && b->v.now_us < until_us) {
        turn(b);
    }
    assert_true(b->answered);
}

/* Counts between the two longest dark times. */
unsigned app_bench_blinks(app_bench *b)
{
    enum { PAUSE_MS = 1000, ROUNDS = 2 };
    unsigned blinks = 0;
    unsigned pauses = 0;
    bool was_on = b->v.led;
    uint64_t until_us = b->v.now_us + 12000000;
    uint64_t dark_us = b->v.now_us;
    while (pauses < ROUNDS && b->v.now_us < until_us) {
        turn(b);
        bool paused = b->v.led && !was_on && b->v.now_us - dark_us > PAUSE_MS * 1000;
        pauses += paused ? 1 : 0;
        blinks += pauses == 1 && b->v.led && !was_on ? 1 : 0;
        dark_us = b->v.led ? b->v.now_us : dark_us;
        was_on = b->v.led;
    }
    return pauses == ROUNDS ? blinks : 0;
}
