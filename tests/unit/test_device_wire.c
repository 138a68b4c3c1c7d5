/* SPDX-License-Identifier: Apache-2.0 */
/* What a device does with what it hears: test_device.c and test_device_pause.c have the rest. */
#include "unit.h"

#include "device_bench.h"
#include "splits.h"

#include <stdio.h>
#include <string.h>

static bench b;

static medsec_control config_of(uint32_t version, uint32_t given, uint32_t interval_ms,
                                uint32_t batch_max, uint32_t report_ms)
{
    return (medsec_control){.kind = MEDSEC_KIND_CONFIG,
                            .body.config = {.version = version,
                                            .given = given,
                                            .sample_interval_ms = interval_ms,
                                            .batch_max = batch_max,
                                            .report_interval_ms = report_ms}};
}

static void expect_config_ack(uint32_t version, uint32_t status)
{
    medsec_control control = bench_expect_control(&b, MEDSEC_KIND_CONFIG_ACK);
    assert_int_equal(control.body.config_ack.version, version);
    assert_int_equal(control.body.config_ack.status, status);
}

static void test_config_is_applied_whole(void **state)
{
    (void)state;
    medsec_config config;
    bench_session(&b);
    medsec_control wanted = config_of(9, 7, 1000, 255, 0);
    bench_say(&b, &wanted);
    expect_config_ack(9, MEDSEC_CONFIG_APPLIED);
    medsec_device_get_config(&b.device, &config);
    assert_int_equal(config.version, 9);
    assert_int_equal(config.given, 7);
    assert_int_equal(config.sample_interval_ms, 1000);
    assert_int_equal(config.batch_max, 255);
    assert_int_equal(config.report_interval_ms, 0);
    bench_sample(&b, 1);
    bench_expect_readings(&b, 3, 1); /* a report interval of 0 waits for nobody */
}

static void test_config_takes_what_is_given(void **state)
{
    (void)state;
    medsec_config config;
    bench_session(&b);
    for (uint32_t bit = 0; bit < 4; bit++) {
        medsec_control wanted = config_of(bit, bit == 3 ? 0 : 1u << bit, 77, 78, 79);
        bench_say(&b, &wanted);
        expect_config_ack(bit, MEDSEC_CONFIG_APPLIED);
        medsec_device_get_config(&b.device, &config);
        assert_int_equal(config.sample_interval_ms, 77);
        assert_int_equal(config.batch_max, bit > 0 ? 78 : MEDSEC_BATCH_DEFAULT);
        assert_int_equal(config.report_interval_ms,
                         bit > 1 ? 79 : MEDSEC_REPORT_INTERVAL_MS_DEFAULT);
    }
}

static void test_config_outside_limits_is_refused_whole(void **state)
{
    (void)state;
    static const uint32_t wrong[][3] = {
        {0, 5, 5},
        {MEDSEC_SAMPLE_INTERVAL_MS_MAX + 1, 5, 5},
        {5, 0, 5},
        {5, MEDSEC_BATCH_MAX + 1, 5},
        {5, 5, MEDSEC_REPORT_INTERVAL_MS_MAX + 1},
        {UINT32_MAX, UINT32_MAX, UINT32_MAX},
    };
    medsec_config before;
    medsec_config after;
    bench_session(&b);
    medsec_device_get_config(&b.device, &before);
    for (uint32_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
        medsec_control wanted = config_of(i, 7, wrong[i][0], wrong[i][1], wrong[i][2]);
        bench_say(&b, &wanted);
        expect_config_ack(i, MEDSEC_CONFIG_REFUSED);
        medsec_device_get_config(&b.device, &after);
        assert_memory_equal(&before, &after, sizeof before);
    }
    medsec_control last = config_of(1, 7, MEDSEC_SAMPLE_INTERVAL_MS_MAX, MEDSEC_BATCH_MAX,
                                    MEDSEC_REPORT_INTERVAL_MS_MAX);
    bench_say(&b, &last);
    expect_config_ack(1, MEDSEC_CONFIG_APPLIED);
}

static void test_config_of_the_interval_takes_effect_at_once(void **state)
{
    (void)state;
    bench_init(&b, MEDSEC_SUITE_CHACHAPOLY);
    b.options.no_sampling = false;
    b.options.config = (medsec_config){.given = MEDSEC_CONFIG_SAMPLE_INTERVAL,
                                       .sample_interval_ms = MEDSEC_SAMPLE_INTERVAL_MS_MAX};
    bench_open(&b);
    bench_expect(&b, MEDSEC_STEP_SAMPLE);
    bench_sample(&b, 1);
    bench_connect(&b);
    bench_expect_readings(&b, 0, 1);
    medsec_control wanted = config_of(1, MEDSEC_CONFIG_SAMPLE_INTERVAL, 30, 0, 0);
    bench_say(&b, &wanted);
    expect_config_ack(1, MEDSEC_CONFIG_APPLIED);
    bench_expect(&b, MEDSEC_STEP_WAIT);
    assert_int_equal(b.step.until_ms, b.now_ms + 30);
    b.now_ms += 20;
    bench_say(&b, &wanted); /* the same again does not put it off */
    expect_config_ack(1, MEDSEC_CONFIG_APPLIED);
    b.now_ms += 10;
    bench_expect(&b, MEDSEC_STEP_SAMPLE);
}

static void test_config_is_answered_in_order(void **state)
{
    (void)state;
    bench_session(&b);
    for (uint32_t i = 0; i < MEDSEC_DEVICE_ANSWERS_MAX; i++) {
        medsec_control wanted = config_of(i, MEDSEC_CONFIG_BATCH_MAX, 0, i, 0);
        bench_say(&b, &wanted);
    }
    expect_config_ack(0, MEDSEC_CONFIG_REFUSED);
    for (uint32_t i = 1; i < MEDSEC_DEVICE_ANSWERS_MAX; i++) {
        expect_config_ack(i, MEDSEC_CONFIG_APPLIED);
    }
    bench_expect(&b, MEDSEC_STEP_WAIT);
    for (uint32_t i = 0; i <= MEDSEC_DEVICE_ANSWERS_MAX; i++) {
        medsec_control wanted = config_of(i, 0, 0, 0, 0);
        bench_say(&b, &wanted);
    }
    bench_expect_fault(&b, MEDSEC_ERR_LIMIT);
}

static void test_config_is_answered_on_its_connection_only(void **state)
{
    (void)state;
    bench_session(&b);
    medsec_control wanted = config_of(1, 0, 0, 0, 0);
    bench_say(&b, &wanted);
    bench_disconnect(&b);
    bench_connect(&b);
    bench_expect_readings(&b, 0, 3);
    bench_expect(&b, MEDSEC_STEP_WAIT);
}

static void test_ack_of_what_was_not_sent_closes(void **state)
{
    (void)state;
    bench_session(&b);
    bench_ack(&b, 3);
    bench_expect_fault(&b, MEDSEC_ERR_MESSAGE);
    assert_int_equal(bench_stats(&b).pending, 3);

    bench_session(&b);
    bench_say(&b, &(medsec_control){.kind = MEDSEC_KIND_ACK, .body.ack = {.boot = 8}});
    bench_expect_fault(&b, MEDSEC_ERR_MESSAGE);
    assert_int_equal(bench_stats(&b).pending, 3);

    bench_session(&b);
    bench_disconnect(&b);
    bench_connect(&b);
    bench_ack(&b, 0); /* sent on the connection before, not on this one */
    bench_expect_fault(&b, MEDSEC_ERR_MESSAGE);
    assert_int_equal(bench_stats(&b).pending, 3);

    bench_session(&b);
    bench_ack(&b, 1);
    bench_disconnect(&b);
    bench_connect(&b);
    bench_expect_readings(&b, 2, 1);
    bench_ack(&b, 1); /* acknowledged on the connection before */
    bench_expect_fault(&b, MEDSEC_ERR_MESSAGE);
}

static void test_message_that_no_gateway_sends_closes(void **state)
{
    (void)state;
    static const uint8_t messages[][8] = {
        {4, 0x82, 0, 0}, /* CONFIG_ACK */
        {1, 0x86, 7, 0, 0, 1, 1, 0x81}, /* READINGS, or what begins like it */
        {9, 0x81, 0}, /* no kind */
        {2, 0x82, 7, 0, 0}, /* ACK, and a byte */
        {2, 0x83, 7, 0, 0},
        {2, 0x82, 7},
        {2, 0x82, 0x18, 7, 0}, /* a longer encoding than needed */
    };
    static const size_t lens[] = {4, 8, 3, 5, 5, 3, 5};
    for (size_t i = 0; i < sizeof lens / sizeof lens[0]; i++) {
        uint8_t record[MEDSEC_RECORD_LEN_MAX];
        bench_session(&b);
        size_t len = v1_gateway_seal(&b.gateway, record, messages[i], lens[i]);
        medsec_device_receive(&b.device, b.now_ms, record, len);
        bench_expect_fault(&b, MEDSEC_ERR_MESSAGE);
        assert_int_equal(bench_stats(&b).pending, 3);
    }
}

static void expect_no_handshake(void)
{
    static const medsec_handshake none;
    medsec_handshake handshake = b.device.handshake;
    handshake.crypto = NULL;
    assert_memory_equal(&handshake, &none, sizeof none);
}

static void test_keys_are_wiped_when_they_are_done(void **state)
{
    (void)state;
    static const medsec_record no_record;
    static const uint8_t no_input[MEDSEC_DEVICE_INPUT_MAX];
    bench_session(&b);
    expect_no_handshake();
    bench_ack(&b, 7);
    medsec_record record = b.device.to_gateway;
    record.crypto = NULL;
    assert_memory_equal(&record, &no_record, sizeof no_record);
    record = b.device.to_device;
    record.crypto = NULL;
    assert_memory_equal(&record, &no_record, sizeof no_record);
    assert_memory_equal(b.device.input, no_input, sizeof no_input);
    bench_disconnect(&b);
    bench_hello(&b);
    bench_disconnect(&b);
    expect_no_handshake();
}

static medsec_status fail_hmac(uint8_t out[MEDSEC_SHA256_LEN], const uint8_t *key, size_t key_len,
                               const medsec_bytes *parts, size_t count)
{
    (void)out;
    (void)key;
    (void)key_len;
    (void)parts;
    (void)count;
    return MEDSEC_ERR_PROVIDER;
}

static void test_provider_that_fails_closes(void **state)
{
    (void)state;
    const medsec_crypto good = *medsec_crypto_openssl();
    medsec_crypto crypto = good;
    bench_init(&b, MEDSEC_SUITE_A128CBC_HS256);
    b.options.crypto = &crypto;
    bench_open(&b);
    bench_sample(&b, 3);
    bench_expect(&b, MEDSEC_STEP_CONNECT);
    medsec_device_connected(&b.device, b.now_ms);
    crypto.hmac_sha256 = fail_hmac;
    bench_expect_fault(&b, MEDSEC_ERR_PROVIDER); /* no HELLO */
    bench_disconnect(&b);
    crypto = good;
    bench_hello(&b);
    crypto.hmac_sha256 = fail_hmac;
    bench_welcome(&b);
    bench_expect_fault(&b, MEDSEC_ERR_PROVIDER);
    bench_disconnect(&b);
    crypto = good;
    bench_connect(&b);
    crypto.hmac_sha256 = fail_hmac;
    bench_expect_fault(&b, MEDSEC_ERR_PROVIDER); /* no READINGS */
    assert_int_equal(bench_stats(&b).sent, 0);
    assert_int_equal(bench_stats(&b).records, 0);
    bench_disconnect(&b);
    crypto = good;
    bench_connect(&b);
    bench_expect_readings(&b, 0, 3);
    assert_int_equal(bench_stats(&b).resent, 0);
    medsec_device_close(&b.device);
}

/* Streams, in every split. */

typedef struct stream {
    uint8_t data[1024];
    size_t len;
    bool welcomed; /* before it comes */
} stream;

static stream heard;

static void add_control(const medsec_control *control)
{
    uint8_t record[MEDSEC_RECORD_LEN_MAX];
    size_t len = v1_gateway_say(&b.gateway, record, control);
    memcpy(heard.data + heard.len, record, len);
    heard.len += len;
}

static void begin(void *context)
{
    const stream *s = context;
    if (s->welcomed) {
        bench_session(&b);
    } else {
        bench_begin(&b);
        bench_sample(&b, 3);
        bench_hello(&b);
    }
}

static void push(void *context, uint8_t *data, size_t len, trace *log)
{
    (void)context;
    (void)log;
    medsec_device_receive(&b.device, b.now_ms, data, len);
}

/* What came of it: all that can be seen from outside. */
static int end(void *context, trace *log)
{
    (void)context;
    medsec_config config;
    char line[256];
    medsec_device_stats stats = bench_stats(&b);
    medsec_device_get_config(&b.device, &config);
    int len =
        snprintf(line, sizeof line, "acked %u pending %u faults %u sessions %u batch %u %u",
                 (unsigned)stats.acknowledged, (unsigned)stats.pending, (unsigned)stats.faults,
                 (unsigned)stats.sessions, config.batch_max, config.version);
    trace_add(log, line, (size_t)len);
    bench_poll(&b);
    trace_add(log, (const char *)b.out, b.step.len);
    medsec_device_close(&b.device);
    return (int)b.step.type * 100 - (int)stats.last_fault;
}

static const machine MACHINE = {&heard, begin, push, end};

static void make_welcome_stream(void)
{
    heard = (stream){.welcomed = false};
    begin(&heard);
    assert_int_equal(v1_gateway_welcome(&b.gateway, b.out, b.step.len, b.utc_ms, heard.data),
                     MEDSEC_OK);
    heard.len = MEDSEC_WELCOME_LEN;
    medsec_control config = config_of(5, MEDSEC_CONFIG_BATCH_MAX, 0, 33, 0);
    add_control(&config);
}

static void make_data_stream(void)
{
    heard = (stream){.welcomed = true};
    begin(&heard);
    medsec_control control = {.kind = MEDSEC_KIND_ACK, .body.ack = {.boot = 7}};
    add_control(&control);
    control = config_of(5, MEDSEC_CONFIG_BATCH_MAX, 0, 33, 0);
    add_control(&control);
    control = (medsec_control){.kind = MEDSEC_KIND_ACK, .body.ack = {.boot = 7, .sequence = 2}};
    add_control(&control);
}

static void expect_trace(const trace *log, const char *text, medsec_step_type type,
                         medsec_status fault)
{
    assert_int_equal(log->end, (int)type * 100 - (int)fault);
    assert_memory_equal(log->text, text, strlen(text));
}

static void test_receive_is_the_same_at_every_split(void **state)
{
    (void)state;
    static trace log;
    make_welcome_stream();
    run_every_split(&MACHINE, heard.data, heard.len, &log);
    expect_trace(&log, "acked 0 pending 3 faults 0 sessions 1 batch 33 5\n", MEDSEC_STEP_SEND,
                 MEDSEC_OK);
    run_every_truncation(&MACHINE, heard.data, heard.len);
    make_data_stream();
    run_every_split(&MACHINE, heard.data, heard.len, &log);
    expect_trace(&log, "acked 3 pending 0 faults 0 sessions 1 batch 33 5\n", MEDSEC_STEP_SEND,
                 MEDSEC_OK);
    run_every_truncation(&MACHINE, heard.data, heard.len);
}

/* Any bit of a record closes, and nothing of that record was believed. */
static void expect_every_flip_closes(const char *outcome)
{
    static trace log;
    for (size_t bit = 0; bit < 8 * heard.len; bit++) {
        heard.data[bit / 8] ^= (uint8_t)(1u << bit % 8);
        run_whole(&MACHINE, heard.data, heard.len, &log);
        heard.data[bit / 8] ^= (uint8_t)(1u << bit % 8);
        if (log.end / 100 == MEDSEC_STEP_WAIT) {
            /* A length that grew: the rest of the record is awaited. */
            assert_true(bit / 8 % heard.len == 2 || bit / 8 % heard.len == 3);
            continue;
        }
        assert_int_equal(log.end / 100, MEDSEC_STEP_CLOSE);
        assert_memory_equal(log.text, outcome, strlen(outcome));
    }
}

static void test_receive_closes_on_any_flipped_bit(void **state)
{
    (void)state;
    make_welcome_stream();
    heard.len = MEDSEC_WELCOME_LEN;
    expect_every_flip_closes("acked 0 pending 3 faults 1 sessions 0 batch 20 0\n");
    make_data_stream();
    heard.len = MEDSEC_RECORD_HEADER_LEN + 2 * MEDSEC_AES_BLOCK_LEN;
    expect_every_flip_closes("acked 0 pending 3 faults 1 sessions 1 batch 20 0\n");
}

static void expect_closed(const void *data, size_t len, medsec_status reason)
{
    medsec_device_receive(&b.device, b.now_ms, data, len);
    bench_expect_fault(&b, reason);
    assert_int_equal(bench_stats(&b).pending, 3);
    bench_disconnect(&b);
}

static void test_receive_closes_on_what_is_not_due(void **state)
{
    (void)state;
    uint8_t welcome[MEDSEC_WELCOME_LEN];
    uint8_t data[MEDSEC_RECORD_LEN_MAX];
    begin(&(stream){.welcomed = false});
    assert_int_equal(v1_gateway_welcome(&b.gateway, b.out, b.step.len, b.utc_ms, welcome),
                     MEDSEC_OK);
    expect_closed("\xA3\0\0\x20", 4, MEDSEC_ERR_FRAME); /* DATA before the WELCOME */
    bench_hello(&b);
    expect_closed(welcome, sizeof welcome, MEDSEC_ERR_CRYPTO); /* it answers another HELLO */
    bench_hello(&b);
    expect_closed("\xA1\x11\0\x68", 4, MEDSEC_ERR_FRAME); /* its own HELLO */
    bench_hello(&b);
    expect_closed("\xA2\x12\0\x38", 4, MEDSEC_ERR_FRAME); /* another suite */
    bench_hello(&b);
    expect_closed("\xA2\x11\0\x39", 4, MEDSEC_ERR_FRAME);
    bench_hello(&b);
    expect_closed("{\"Temp\":", 8, MEDSEC_ERR_FRAME);
    bench_expect(&b, MEDSEC_STEP_CONNECT);
    medsec_device_connected(&b.device, b.now_ms);
    expect_closed("\xA2\x11\0\x38", 4, MEDSEC_ERR_FRAME); /* before any HELLO */
    bench_connect(&b);
    expect_closed(welcome, sizeof welcome, MEDSEC_ERR_FRAME);
    bench_connect(&b);
    expect_closed("\xA3\0\0\xFD", 4, MEDSEC_ERR_LIMIT);
    bench_connect(&b);
    expect_closed("\xA3\0\x08\x01", 4, MEDSEC_ERR_FRAME);
    bench_connect(&b);
    expect_closed("\xA3\0\0\0", 4, MEDSEC_ERR_FRAME);
    bench_connect(&b);
    medsec_control config = config_of(1, 0, 0, 0, 0);
    size_t len = v1_gateway_say(&b.gateway, data, &config);
    uint8_t again[MEDSEC_DEVICE_INPUT_MAX];
    memcpy(again, data, len);
    medsec_device_receive(&b.device, b.now_ms, data, len);
    expect_closed(again, len, MEDSEC_ERR_CRYPTO); /* the same record twice */
    bench_connect(&b);
    (void)v1_gateway_say(&b.gateway, data, &config);
    len = v1_gateway_say(&b.gateway, data, &config);
    expect_closed(data, len, MEDSEC_ERR_CRYPTO); /* one is missing */
}

static void test_receive_takes_a_record_of_the_longest_length(void **state)
{
    (void)state;
    bench_session(&b);
    memset(heard.data, 0, MEDSEC_DEVICE_INPUT_MAX);
    heard.data[0] = MEDSEC_RECORD_DATA;
    heard.data[3] = MEDSEC_DEVICE_INPUT_MAX - MEDSEC_RECORD_HEADER_LEN;
    medsec_device_receive(&b.device, b.now_ms, heard.data, MEDSEC_DEVICE_INPUT_MAX - 1);
    bench_expect(&b, MEDSEC_STEP_WAIT);
    expect_closed(heard.data, 1, MEDSEC_ERR_CRYPTO);
}

static void test_receive_refuses_a_time_after_year_9999(void **state)
{
    (void)state;
    begin(&(stream){.welcomed = false});
    b.utc_ms = MEDSEC_TIME_MS_MAX + 1;
    bench_welcome(&b);
    bench_expect_fault(&b, MEDSEC_ERR_MESSAGE);
    bench_disconnect(&b);
    bench_hello(&b);
    b.utc_ms = MEDSEC_TIME_MS_MAX;
    bench_welcome(&b);
    bench_expect_readings(&b, 0, 3);
}

static void test_receive_refuses_a_wrong_gateway(void **state)
{
    (void)state;
    v1_keys other;
    begin(&(stream){.welcomed = false});
    uint8_t welcome[MEDSEC_WELCOME_LEN];
    assert_int_equal(v1_keys_make(&other, 99, MEDSEC_SUITE_A128CBC_HS256), MEDSEC_OK);
    b.gateway.keys = &other;
    assert_int_equal(v1_gateway_welcome(&b.gateway, b.out, b.step.len, b.utc_ms, welcome),
                     MEDSEC_ERR_CRYPTO); /* it cannot even read the HELLO */
    other = b.keys;
    other.psk[31] ^= 1;
    assert_int_equal(v1_gateway_welcome(&b.gateway, b.out, b.step.len, b.utc_ms, welcome),
                     MEDSEC_ERR_CRYPTO);
}

static void test_receive_after_the_end_is_ignored(void **state)
{
    (void)state;
    bench_session(&b);
    medsec_control control = {.kind = MEDSEC_KIND_CLOSE, .body.close_reason = MEDSEC_CLOSE_RESTART};
    uint8_t data[2 * MEDSEC_RECORD_LEN_MAX];
    size_t len = v1_gateway_say(&b.gateway, data, &control);
    memset(data + len, 0xFF, 100);
    medsec_device_receive(&b.device, b.now_ms, data, len + 100);
    medsec_device_receive(&b.device, b.now_ms, data, len);
    bench_expect(&b, MEDSEC_STEP_CLOSE);
    medsec_device_receive(&b.device, b.now_ms, data, len);
    bench_expect(&b, MEDSEC_STEP_WAIT);
    medsec_device_connected(&b.device, b.now_ms);
    bench_disconnect(&b);
    medsec_device_receive(&b.device, b.now_ms, data, len);
    medsec_device_disconnected(&b.device, b.now_ms); /* twice is once */
    assert_int_equal(bench_stats(&b).faults, 0);
    bench_connect(&b);
    bench_expect_readings(&b, 0, 3);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_config_is_applied_whole),
        cmocka_unit_test(test_config_takes_what_is_given),
        cmocka_unit_test(test_config_outside_limits_is_refused_whole),
        cmocka_unit_test(test_config_of_the_interval_takes_effect_at_once),
        cmocka_unit_test(test_config_is_answered_in_order),
        cmocka_unit_test(test_config_is_answered_on_its_connection_only),
        cmocka_unit_test(test_ack_of_what_was_not_sent_closes),
        cmocka_unit_test(test_message_that_no_gateway_sends_closes),
        cmocka_unit_test(test_keys_are_wiped_when_they_are_done),
        cmocka_unit_test(test_provider_that_fails_closes),
        cmocka_unit_test(test_receive_is_the_same_at_every_split),
        cmocka_unit_test(test_receive_closes_on_any_flipped_bit),
        cmocka_unit_test(test_receive_closes_on_what_is_not_due),
        cmocka_unit_test(test_receive_takes_a_record_of_the_longest_length),
        cmocka_unit_test(test_receive_refuses_a_time_after_year_9999),
        cmocka_unit_test(test_receive_refuses_a_wrong_gateway),
        cmocka_unit_test(test_receive_after_the_end_is_ignored),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
