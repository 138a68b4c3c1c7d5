/* SPDX-License-Identifier: Apache-2.0 */
#ifndef MEDSEC_TESTS_DEVICE_BENCH_H
#define MEDSEC_TESTS_DEVICE_BENCH_H

#include "v1_gateway.h"

#include <medsec/device.h>

/* A device on the bench: its clock, its memory, and a gateway that does what the test says. */

#define BENCH_START_MS 5000u
#define BENCH_UTC_MS 1790000000000u /* at BENCH_START_MS, by the gateway's clock */
#define BENCH_SLOTS 512u

typedef struct bench {
    v1_keys keys;
    v1_gateway gateway;
    medsec_credential credential;
    medsec_device_options options;
    medsec_device device;
    uint64_t random;
    uint64_t now_ms;
    uint64_t utc_ms; /* of the next WELCOME */
    medsec_step step;
    uint8_t out[MEDSEC_DEVICE_OUT_LEN];
    uint8_t ring[BENCH_SLOTS * MEDSEC_DEVICE_SLOT_LEN(7)];
    /* The last READINGS message that the gateway opened. */
    medsec_readings_head head;
    medsec_sample rows[MEDSEC_BATCH_MAX];
    size_t row_count;
} bench;

/* Options of a device that does not sample by itself; change them before bench_open. */
void bench_init(bench *b, medsec_suite suite);
void bench_open(bench *b);
/* Both of them. */
void bench_begin(bench *b);

void bench_poll(bench *b);
/* Polls, and fails the test when the step is another one. */
void bench_expect(bench *b, medsec_step_type type);

/* A reading that is made of a number, and the values that it has on the wire. */
void bench_reading(medsec_reading *reading, uint32_t number);
int32_t bench_value(uint32_t number, size_t vital);
/* Gives readings to the device, numbered as its sequence is. */
void bench_sample(bench *b, size_t count);

/* From idle with a reading to the session, by all the steps between. */
void bench_connect(bench *b);
void bench_hello(bench *b);
void bench_welcome(bench *b);
void bench_disconnect(bench *b);
/* All that, on a fresh device, up to a READINGS message of three. */
void bench_session(bench *b);

/* Expects SEND of a READINGS message of that many rows from that sequence on. */
void bench_expect_readings(bench *b, uint32_t first, size_t rows);
/* Expects SEND of a control message. */
medsec_control bench_expect_control(bench *b, medsec_kind kind);

/* What the gateway says. */
void bench_say(bench *b, const medsec_control *control);
void bench_ack(bench *b, uint32_t sequence);
/* And that the device closes upon it. */
void bench_expect_fault(bench *b, medsec_status reason);

medsec_device_stats bench_stats(const bench *b);

#endif
