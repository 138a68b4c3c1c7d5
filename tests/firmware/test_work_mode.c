/* SPDX-License-Identifier: Apache-2.0 */
#include "work_mode.h"

#include "fake_wifi.h"
#include "unit.h"
#include "v1_gateway.h"
#include "virtual_board.h"

#include <string.h>

#define PICO (&medsec_profile_pico_vitals)
#define UTC_MS 1790000000000u

enum { BOOT = 7, SECOND_MS = 1000 };

typedef struct bench {
    virtual_board board;
    v1_keys keys;
    v1_gateway gateway;
    medsec_credential credential;
    uint64_t random;
    work_mode work;
    uint32_t next; /* sequence of the reading that the gateway expects */
    uint64_t longest_step_ms; /* between two readings of the last message */
} bench;

static const medsec_setup_settings settings = {
    .server = "gateway.example", .port = 9998, .ssid = "ward 3", .password = "correct horse"};
static bench b;

static medsec_status start(void)
{
    const work_mode_options options = {
        .board = &b.board.table,
        .crypto = medsec_crypto_openssl(),
        .credential = &b.credential,
        .settings = &settings,
        .random = v1_random,
        .random_context = &b.random,
        .boot = BOOT,
    };
    return work_mode_start(&b.work, &options);
}

static int prepare(void **state)
{
    (void)state;
    memset(&b, 0, sizeof b);
    virtual_board_open(&b.board);
    fake_wifi_reset();
    assert_int_equal(v1_keys_make(&b.keys, 1, MEDSEC_SUITE_CHACHAPOLY), MEDSEC_OK);
    v1_credential(&b.credential, &b.keys);
    b.gateway = (v1_gateway){.keys = &b.keys, .seed = 2};
    assert_int_equal(start(), MEDSEC_OK);
    return 0;
}

static int prepare_seed(void **state)
{
    (void)prepare(state);
    memset(&b.credential, 0, sizeof b.credential);
    b.credential.wire = MEDSEC_WIRE_SEED;
    memcpy(b.credential.key, "1234567890123456", sizeof b.credential.key);
    memcpy(b.credential.iv, "AAAAAAAAAAAAAAAA", sizeof b.credential.iv);
    assert_int_equal(start(), MEDSEC_OK);
    return 0;
}

/* As the main loop does, for so long. */
static void run(uint64_t ms)
{
    const board *table = &b.board.table;
    uint64_t end_ms = virtual_board_ms(&b.board) + ms;
    while (virtual_board_ms(&b.board) < end_ms) {
        uint64_t until_ms = work_mode_poll(&b.work);
        table->sleep(table->context, (until_ms < end_ms ? until_ms : end_ms) * 1000);
    }
    (void)work_mode_poll(&b.work);
}

static const fake_link *the_link(void)
{
    return &fake_network.links[0];
}

static void happen(wifi_event_type type)
{
    fake_wifi_push(type, 0);
    (void)work_mode_poll(&b.work);
}

/* Joined, and a reading is there: it connects. */
static void join(void)
{
    happen(WIFI_UP);
    run(2 * SECOND_MS);
    assert_true(fake_network.opening);
}

static void greet(void)
{
    uint8_t welcome[MEDSEC_WELCOME_LEN];
    assert_non_null(the_link()->data);
    assert_int_equal(the_link()->len, MEDSEC_HELLO_LEN);
    assert_int_equal(
        v1_gateway_welcome(&b.gateway, the_link()->data, the_link()->len, UTC_MS, welcome),
        MEDSEC_OK);
    assert_int_equal(b.gateway.boot, BOOT);
    happen(WIFI_SENT);
    fake_wifi_push_data(0, welcome, sizeof welcome);
    (void)work_mode_poll(&b.work);
}

/* The READINGS message that is on its way is the next one; gives how many rows. */
static size_t take_readings(void)
{
    uint8_t record[MEDSEC_RECORD_LEN_MAX];
    uint8_t *message;
    size_t len;
    medsec_kind kind;
    medsec_readings_reader reader;
    medsec_sample sample;
    uint32_t sequence;
    uint64_t last_ms = 0;
    b.longest_step_ms = 0;
    assert_non_null(the_link()->data);
    memcpy(record, the_link()->data, the_link()->len);
    assert_int_equal(v1_gateway_open(&b.gateway, record, the_link()->len, &kind, &message, &len),
                     MEDSEC_OK);
    assert_int_equal(kind, MEDSEC_KIND_READINGS);
    assert_int_equal(medsec_readings_open(&reader, PICO, message, len), MEDSEC_OK);
    while (medsec_readings_next(&reader, &sample, &sequence)) {
        assert_int_equal(sequence, b.next++);
        assert_true(sample.time_ms >= last_ms);
        if (last_ms != 0 && sample.time_ms - last_ms > b.longest_step_ms) {
            b.longest_step_ms = sample.time_ms - last_ms;
        }
        last_ms = sample.time_ms;
    }
    happen(WIFI_SENT);
    return reader.rows;
}

static void say(const medsec_control *control)
{
    uint8_t record[MEDSEC_RECORD_LEN_MAX];
    size_t len = v1_gateway_say(&b.gateway, record, control);
    fake_wifi_push_data(0, record, len);
    (void)work_mode_poll(&b.work);
}

static void acknowledge(void)
{
    say(&(medsec_control){.kind = MEDSEC_KIND_ACK,
                          .body.ack = {.boot = BOOT, .sequence = b.next - 1}});
}

static void begin_session(void)
{
    join();
    happen(WIFI_OPENED);
    greet();
}

static medsec_device_stats stats(void)
{
    medsec_device_stats out;
    medsec_device_get_stats(&b.work.wire.device, &out);
    return out;
}

static void test_start_joins_the_network(void **state)
{
    (void)state;
    assert_int_equal(fake_network.options.mode, WIFI_STATION);
    assert_string_equal(fake_network.options.name, "ward 3");
    assert_string_equal(fake_network.options.password, "correct horse");
    run(5 * SECOND_MS);
    assert_int_equal(fake_network.opens, 0);
    join();
    assert_string_equal(fake_network.host, "gateway.example");
    assert_int_equal(fake_network.port, 9998);
}

static void test_start_refuses_what_is_not_for_it(void **state)
{
    (void)state;
    unsigned starts = fake_network.starts;
    b.credential.has_private = false;
    assert_int_equal(start(), MEDSEC_ERR_ARGUMENT);
    b.credential.has_private = true;
    strcpy(b.credential.profile, "another");
    assert_int_equal(start(), MEDSEC_ERR_ARGUMENT);
    assert_int_equal(fake_network.starts, starts);
}

static void test_session_brings_readings(void **state)
{
    (void)state;
    begin_session();
    size_t rows = 0;
    for (unsigned i = 0; i < 10; i++) {
        if (the_link()->data != NULL) {
            rows += take_readings();
            acknowledge();
        }
        run(SECOND_MS);
    }
    assert_in_range(rows, 180, 240); /* ten seconds, and what waited for the session */
    assert_int_equal(stats().acknowledged, rows);
    assert_int_equal(stats().faults, 0);
    assert_int_equal(stats().resent, 0);
}

/* A handshake, or worse, keeps it from its work: readings have the time of their samples. */
static void test_samples_keep_their_time(void **state)
{
    (void)state;
    begin_session();
    (void)take_readings();
    virtual_board_pass(&b.board, 1500000);
    run(10);
    assert_true(take_readings() >= 20);
    assert_in_range(b.longest_step_ms, 49, 51);
}

/* Nobody asks earlier than it says: not for a byte to be written, nor for the next attempt. */
static void test_poll_tells_when_it_has_work(void **state)
{
    (void)state;
    join();
    happen(WIFI_FAILED);
    fake_network.until_ms = virtual_board_ms(&b.board) + 3;
    assert_true(work_mode_poll(&b.work) <= fake_network.until_ms);
    fake_network.until_ms = UINT64_MAX;
    uint64_t due_ms = b.work.wire.device.deadline_ms;
    while (!fake_network.opening) {
        uint64_t until_ms = work_mode_poll(&b.work);
        assert_true(until_ms <= due_ms || fake_network.opening);
        virtual_board_pass(&b.board, 1000);
    }
}

static void test_session_writes_nothing_before_the_last_is_sent(void **state)
{
    (void)state;
    begin_session();
    const uint8_t *data = the_link()->data;
    size_t len = the_link()->len;
    uint8_t copy[WORK_OUT_LEN];
    memcpy(copy, data, len);
    run(5 * SECOND_MS);
    assert_ptr_equal(the_link()->data, data);
    assert_memory_equal(data, copy, len);
    (void)take_readings();
    run(10);
    assert_true(take_readings() >= 20);
}

static void test_session_that_ends_is_begun_anew(void **state)
{
    (void)state;
    begin_session();
    (void)take_readings();
    run(SECOND_MS);
    assert_non_null(the_link()->data); /* it is being sent */
    happen(WIFI_CLOSED);
    run(SECOND_MS);
    assert_int_equal(fake_network.opens, 2);
    happen(WIFI_OPENED);
    b.next = 0;
    greet();
    assert_true(take_readings() >= 20);
    assert_true(stats().resent > 0);
}

static void test_session_with_a_gateway_that_lies_is_closed(void **state)
{
    (void)state;
    static const uint8_t nonsense[] = "HTTP/1.1 400 Bad Request\r\n\r\n";
    join();
    happen(WIFI_OPENED);
    happen(WIFI_SENT);
    fake_wifi_push_data(0, nonsense, sizeof nonsense);
    (void)work_mode_poll(&b.work);
    assert_true(the_link()->closing);
    run(60 * SECOND_MS);
    assert_int_equal(fake_network.opens, 1); /* not before it is closed */
    fake_wifi_push_data(0, nonsense, sizeof nonsense);
    happen(WIFI_CLOSED);
    run(SECOND_MS);
    assert_int_equal(fake_network.opens, 2);
    assert_int_equal(stats().faults, 1);
}

/* It is gone, and the device does not know that yet. */
static void test_session_that_takes_nothing_more_is_closed_once(void **state)
{
    (void)state;
    begin_session();
    (void)take_readings();
    fake_network.links[0].deaf = true;
    run(60 * SECOND_MS);
    assert_true(the_link()->closing);
    assert_int_equal(fake_network.opens, 1);
    happen(WIFI_CLOSED);
    run(SECOND_MS);
    assert_int_equal(fake_network.opens, 2);
}

/* The module is still at it when the device has given up; then it succeeds. */
static void test_connection_that_comes_too_late_is_closed(void **state)
{
    (void)state;
    join();
    run(2 * MEDSEC_DEVICE_HANDSHAKE_TIMEOUT_MS);
    assert_int_equal(fake_network.opens, 1);
    happen(WIFI_OPENED);
    assert_true(the_link()->closing);
    assert_null(the_link()->data);
    happen(WIFI_CLOSED);
    run(SECOND_MS);
    assert_int_equal(fake_network.opens, 2);
    happen(WIFI_OPENED);
    greet();
    b.next = (uint32_t)stats().dropped; /* the ring ran over meanwhile */
    assert_true(take_readings() > 0);
}

static void test_connection_that_fails_too_late(void **state)
{
    (void)state;
    join();
    run(2 * MEDSEC_DEVICE_HANDSHAKE_TIMEOUT_MS);
    happen(WIFI_FAILED);
    run(SECOND_MS);
    assert_int_equal(fake_network.opens, 2);
    happen(WIFI_OPENED);
    greet();
    b.next = (uint32_t)stats().dropped; /* the ring ran over meanwhile */
    assert_true(take_readings() > 0);
}

static void test_connections_that_fail_are_tried_less_often(void **state)
{
    (void)state;
    uint64_t tried_ms = 0;
    join();
    for (unsigned i = 0; i < 12; i++) {
        unsigned opens = fake_network.opens;
        happen(WIFI_FAILED);
        uint64_t failed_ms = virtual_board_ms(&b.board);
        while (fake_network.opens == opens) {
            run(10);
        }
        tried_ms = virtual_board_ms(&b.board) - failed_ms;
        assert_in_range(tried_ms, i < 3 ? 100 : 500, MEDSEC_DEVICE_BACKOFF_MAX_MS + 10);
    }
    assert_in_range(tried_ms, MEDSEC_DEVICE_BACKOFF_MAX_MS / 2, MEDSEC_DEVICE_BACKOFF_MAX_MS + 10);
}

static void test_network_that_is_away_costs_no_patience(void **state)
{
    (void)state;
    begin_session();
    (void)take_readings();
    happen(WIFI_CLOSED);
    fake_wifi_push_reason(WIFI_LEFT, WIFI_REASON_UNKNOWN);
    run(300 * SECOND_MS);
    assert_int_equal(fake_network.opens, 1);
    happen(WIFI_UP);
    run(SECOND_MS);
    assert_int_equal(fake_network.opens, 2);
    assert_int_equal(stats().pending, WORK_READINGS);
    assert_true(stats().dropped > 5000);
}

static void test_config_changes_the_pace(void **state)
{
    (void)state;
    begin_session();
    (void)take_readings();
    say(&(medsec_control){.kind = MEDSEC_KIND_CONFIG,
                          .body.config = {.version = 3,
                                          .given = MEDSEC_CONFIG_SAMPLE_INTERVAL,
                                          .sample_interval_ms = 500}});
    uint64_t sampled = stats().sampled;
    run(10 * SECOND_MS);
    assert_in_range(stats().sampled - sampled, 19, 21);
}

static void test_led_tells_how_far_it_is(void **state)
{
    (void)state;
    assert_int_equal(work_mode_led(&b.work), LED_CONNECTING);
    static const struct {
        wifi_reason reason;
        led_code code;
    } refused[] = {{WIFI_REASON_PASSWORD, LED_REFUSED},
                   {WIFI_REASON_NOT_FOUND, LED_REFUSED},
                   {WIFI_REASON_TIMEOUT, LED_CONNECTING},
                   {WIFI_REASON_MODULE, LED_NO_MODULE}};
    for (size_t i = 0; i < sizeof refused / sizeof refused[0]; i++) {
        fake_wifi_push_reason(WIFI_REFUSED, refused[i].reason);
        (void)work_mode_poll(&b.work);
        assert_int_equal(work_mode_led(&b.work), refused[i].code);
    }
    join();
    assert_int_equal(work_mode_led(&b.work), LED_CONNECTING);
    happen(WIFI_OPENED);
    assert_int_equal(work_mode_led(&b.work), LED_CONNECTING);
    greet();
    assert_int_equal(work_mode_led(&b.work), LED_WORKING);
    happen(WIFI_CLOSED);
    assert_int_equal(work_mode_led(&b.work), LED_CONNECTING);
    run(SECOND_MS);
    happen(WIFI_OPENED);
    assert_int_equal(work_mode_led(&b.work), LED_CONNECTING);
}

static void test_seed_wire_brings_readings(void **state)
{
    (void)state;
    static medsec_seed_decoder decoder;
    unsigned readings = 0;
    assert_int_equal(medsec_seed_decoder_open(&decoder, medsec_crypto_openssl(), PICO,
                                              b.credential.key, b.credential.iv),
                     MEDSEC_OK);
    join();
    assert_int_equal(work_mode_led(&b.work), LED_CONNECTING);
    happen(WIFI_OPENED);
    assert_int_equal(work_mode_led(&b.work), LED_WORKING);
    for (unsigned i = 0; i < 100; i++) {
        if (the_link()->data != NULL) {
            const uint8_t *at = the_link()->data;
            size_t len = the_link()->len;
            while (len > 0) {
                size_t used;
                medsec_seed_event event;
                const medsec_reading *reading;
                medsec_status reason;
                assert_int_equal(
                    medsec_seed_decoder_push(&decoder, at, len, &used, &event, &reading, &reason),
                    MEDSEC_OK);
                assert_int_equal(event, MEDSEC_SEED_READING);
                assert_int_equal(reading->value[0].mantissa, 36625);
                readings++;
                at += used;
                len -= used;
            }
            happen(WIFI_SENT);
        }
        run(50);
    }
    assert_in_range(readings, 95, 150);
    fake_wifi_push_data(0, "hello", 5); /* nothing is said down this wire */
    happen(WIFI_CLOSED);
    run(SECOND_MS);
    assert_int_equal(fake_network.opens, 2);
    medsec_seed_decoder_close(&decoder);
}

#define CASE(name) cmocka_unit_test_setup(name, prepare)

int main(void)
{
    const struct CMUnitTest tests[] = {
        CASE(test_start_joins_the_network),
        CASE(test_start_refuses_what_is_not_for_it),
        CASE(test_session_brings_readings),
        CASE(test_samples_keep_their_time),
        CASE(test_poll_tells_when_it_has_work),
        CASE(test_session_writes_nothing_before_the_last_is_sent),
        CASE(test_session_that_ends_is_begun_anew),
        CASE(test_session_with_a_gateway_that_lies_is_closed),
        CASE(test_session_that_takes_nothing_more_is_closed_once),
        CASE(test_connection_that_comes_too_late_is_closed),
        CASE(test_connection_that_fails_too_late),
        CASE(test_connections_that_fail_are_tried_less_often),
        CASE(test_network_that_is_away_costs_no_patience),
        CASE(test_config_changes_the_pace),
        CASE(test_led_tells_how_far_it_is),
        cmocka_unit_test_setup(test_seed_wire_brings_readings, prepare_seed),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
