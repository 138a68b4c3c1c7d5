/* SPDX-License-Identifier: Apache-2.0 */
#include "device_bench.h"

#include "unit.h"

#include <string.h>

#define PICO (&medsec_profile_pico_vitals)

void bench_init(bench *b, medsec_suite suite)
{
    memset(b, 0, sizeof *b);
    assert_int_equal(v1_keys_make(&b->keys, 1, suite), MEDSEC_OK);
    v1_credential(&b->credential, &b->keys);
    b->gateway = (v1_gateway){.keys = &b->keys, .seed = 2};
    b->random = 3;
    b->now_ms = BENCH_START_MS;
    b->utc_ms = BENCH_UTC_MS;
    b->options = (medsec_device_options){
        .crypto = medsec_crypto_openssl(),
        .profile = PICO,
        .credential = &b->credential,
        .random = v1_random,
        .random_context = &b->random,
        .boot = 7,
        .features = 0x01020304,
        .ring = b->ring,
        .ring_len = sizeof b->ring,
        .no_sampling = true,
    };
}

void bench_open(bench *b)
{
    assert_int_equal(medsec_device_open(&b->device, &b->options, b->now_ms), MEDSEC_OK);
}

void bench_begin(bench *b)
{
    bench_init(b, MEDSEC_SUITE_A128CBC_HS256);
    bench_open(b);
}

void bench_poll(bench *b)
{
    medsec_device_poll(&b->device, b->now_ms, b->out, sizeof b->out, &b->step);
    assert_true(b->step.type == MEDSEC_STEP_SEND ? b->step.len > 0 : b->step.len == 0);
    assert_true(b->step.type != MEDSEC_STEP_WAIT || b->step.until_ms > b->now_ms);
}

void bench_expect(bench *b, medsec_step_type type)
{
    bench_poll(b);
    assert_int_equal(b->step.type, type);
}

int32_t bench_value(uint32_t number, size_t vital)
{
    return (int32_t)(number * 7 + vital * 1000) * (vital % 2 == 0 ? 1 : -1);
}

void bench_reading(medsec_reading *reading, uint32_t number)
{
    memset(reading, 0, sizeof *reading);
    reading->count = PICO->count;
    for (size_t i = 0; i < PICO->count; i++) {
        reading->value[i] = (medsec_value){.mantissa = bench_value(number, i),
                                           .decimals = PICO->vitals[i].decimals,
                                           .kind = MEDSEC_VALUE_NUMBER};
    }
}

void bench_sample(bench *b, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        medsec_reading reading;
        bench_reading(&reading, (uint32_t)bench_stats(b).sampled);
        assert_int_equal(medsec_device_sample(&b->device, b->now_ms, &reading), MEDSEC_OK);
    }
}

void bench_hello(bench *b)
{
    bench_expect(b, MEDSEC_STEP_CONNECT);
    medsec_device_connected(&b->device, b->now_ms);
    bench_expect(b, MEDSEC_STEP_SEND);
    assert_int_equal(b->step.len, MEDSEC_HELLO_LEN);
}

void bench_welcome(bench *b)
{
    uint8_t welcome[MEDSEC_WELCOME_LEN];
    assert_int_equal(v1_gateway_welcome(&b->gateway, b->out, b->step.len, b->utc_ms, welcome),
                     MEDSEC_OK);
    medsec_device_receive(&b->device, b->now_ms, welcome, sizeof welcome);
}

void bench_connect(bench *b)
{
    bench_hello(b);
    bench_welcome(b);
}

void bench_disconnect(bench *b)
{
    medsec_device_disconnected(&b->device, b->now_ms);
    b->now_ms += MEDSEC_DEVICE_BACKOFF_MAX_MS;
    b->utc_ms += MEDSEC_DEVICE_BACKOFF_MAX_MS;
}

static medsec_kind open_record(bench *b, uint8_t **message, size_t *len)
{
    medsec_kind kind = MEDSEC_KIND_CLOSE;
    bench_expect(b, MEDSEC_STEP_SEND);
    assert_int_equal(v1_gateway_open(&b->gateway, b->out, b->step.len, &kind, message, len),
                     MEDSEC_OK);
    return kind;
}

void bench_expect_readings(bench *b, uint32_t first, size_t rows)
{
    uint8_t *message = NULL;
    size_t len = 0;
    uint32_t sequence = 0;
    medsec_readings_reader reader;
    assert_int_equal(open_record(b, &message, &len), MEDSEC_KIND_READINGS);
    assert_int_equal(medsec_readings_open(&reader, PICO, message, len), MEDSEC_OK);
    b->head = reader.head;
    b->row_count = 0;
    while (medsec_readings_next(&reader, &b->rows[b->row_count], &sequence)) {
        assert_int_equal(sequence, first + b->row_count);
        for (size_t i = 0; i < PICO->count; i++) {
            assert_int_equal(b->rows[b->row_count].value[i], bench_value(sequence, i));
        }
        b->row_count++;
    }
    assert_int_equal(b->row_count, rows);
    assert_int_equal(b->head.boot, 7);
    assert_int_equal(b->head.profile, PICO->id);
}

void bench_session(bench *b)
{
    bench_begin(b);
    bench_sample(b, 3);
    bench_connect(b);
    bench_expect_readings(b, 0, 3);
}

medsec_control bench_expect_control(bench *b, medsec_kind kind)
{
    medsec_control control;
    uint8_t *message = NULL;
    size_t len = 0;
    assert_int_equal(open_record(b, &message, &len), kind);
    assert_int_equal(medsec_control_decode(&control, message, len), MEDSEC_OK);
    return control;
}

void bench_say(bench *b, const medsec_control *control)
{
    uint8_t record[MEDSEC_RECORD_LEN_MAX];
    size_t len = v1_gateway_say(&b->gateway, record, control);
    assert_true(len > 0);
    medsec_device_receive(&b->device, b->now_ms, record, len);
}

void bench_ack(bench *b, uint32_t sequence)
{
    bench_say(b, &(medsec_control){.kind = MEDSEC_KIND_ACK,
                                   .body.ack = {.boot = 7, .sequence = sequence}});
}

void bench_expect_fault(bench *b, medsec_status reason)
{
    bench_expect(b, MEDSEC_STEP_CLOSE);
    assert_int_equal(bench_stats(b).last_fault, reason);
    assert_true(bench_stats(b).faults > 0);
    bench_expect(b, MEDSEC_STEP_WAIT);
}

medsec_device_stats bench_stats(const bench *b)
{
    medsec_device_stats stats;
    medsec_device_get_stats(&b->device, &stats);
    return stats;
}
