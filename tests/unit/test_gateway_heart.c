/* SPDX-License-Identifier: Apache-2.0 */
/* The heart rate on its topic: what is said, when, and when nothing is. */
#include "gate.h"
#include "heart_bench.h"
#include "unit.h"
#include "v1_gateway_fixture.h"

#include <math.h>
#include <medsec/message.h>
#include <stdio.h>
#include <string.h>

#define PICO (&medsec_profile_pico_vitals)
#define PULSE 1u /* its place in the profile */
#define RATE "Pico/dev-1/Physiological_Data/Heart_Rate"
#define STEP_MS 50u
#define SEEN_MS 1100u /* after the last word the next one may come */
#define PACE_MS 100u

typedef int32_t signal_fn(uint64_t time_ms);

static int32_t beating(uint64_t time_ms) /* 75 a minute */
{
    const double phase_s = remainder((double)time_ms / 1000, 0.8);
    return (int32_t)(heart_bench_pulse(phase_s - 0.8, 0.8) + heart_bench_pulse(phase_s, 0.8) +
                     heart_bench_pulse(phase_s + 0.8, 0.8));
}

static int32_t flat(uint64_t time_ms)
{
    return (int32_t)(1500 + time_ms % 2);
}

static int32_t noisy(uint64_t time_ms) /* the mixer of SplitMix64 */
{
    uint64_t z = (time_ms / STEP_MS) * 0x9e3779b97f4a7c15u;
    z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9u;
    return (int32_t)((z ^ z >> 27) * 0x94d049bb133111ebu >> 54);
}

#define FAILED INT32_MIN
static int32_t failed(uint64_t time_ms)
{
    (void)time_ms;
    return FAILED;
}

/* A message of readings, the last of them taken at `end_ms`. */
static void send_readings(v1_client *c, signal_fn *signal, uint64_t end_ms, size_t rows)
{
    uint8_t message[MEDSEC_MESSAGE_MAX];
    uint8_t record[MEDSEC_RECORD_LEN_MAX];
    size_t len = 0;
    medsec_readings_writer writer;
    const medsec_readings_head head = {.boot = 7,
                                       .first_sequence = c->next,
                                       .base_time_ms = end_ms - (rows - 1) * STEP_MS,
                                       .time_quality = MEDSEC_TIME_WELCOME};
    assert_int_equal(medsec_readings_begin(&writer, message, sizeof message, PICO, &head, rows),
                     MEDSEC_OK);
    for (size_t i = 0; i < rows; i++) {
        medsec_sample sample = {.time_ms = head.base_time_ms + i * STEP_MS,
                                .present = (1u << PICO->count) - 1};
        sample.value[PULSE] = signal(sample.time_ms);
        if (sample.value[PULSE] == FAILED) {
            sample.present &= ~(1u << PULSE);
        }
        assert_int_equal(medsec_readings_add(&writer, &sample), MEDSEC_OK);
    }
    assert_int_equal(medsec_readings_end(&writer, &len), MEDSEC_OK);
    c->next += (uint32_t)rows;
    v1_client_send(c, record, v1_seal(&c->device, record, message, len));
}

/* The same, and waits until they were taken. */
static void send_taken(const v1_fixture *f, v1_client *c, signal_fn *signal, uint64_t end_ms,
                       size_t rows)
{
    const uint64_t readings = v1_stats(f).readings + rows;
    send_readings(c, signal, end_ms, rows);
    v1_expect_count(f, readings, readings);
}

/* `count` readings up to `end_ms`, in messages of 20. */
static void send_stream(const v1_fixture *f, v1_client *c, signal_fn *signal, uint64_t end_ms,
                        size_t count)
{
    const uint64_t readings = v1_stats(f).readings + count;
    for (size_t left = count; left > 0; left -= 20) {
        send_readings(c, signal, end_ms - (left - 20) * STEP_MS, 20);
    }
    v1_expect_count(f, readings, readings);
}

/* Time passes when the test says so. */
static void begin(v1_fixture *f, v1_client *c)
{
    v1_start(f);
    gate_stop_time();
    v1_client_make(f, c, 1);
    v1_client_connect(f, c);
}

static size_t count_words(v1_fixture *f)
{
    size_t n = 0;
    for (size_t i = 0; i < held_count(f->publisher); i++) {
        n += strncmp(held_at(f->publisher, i)->text, RATE, strlen(RATE)) == 0;
    }
    return n;
}

/* Twenty seconds of a signal, then one until it may be said what became of them. */
static uint64_t send_and_wait(v1_fixture *f, v1_client *c, signal_fn *signal)
{
    const uint64_t now_ms = gate_utc_ms();
    send_stream(f, c, signal, now_ms - 500, 400);
    gate_pass_ms(SEEN_MS);
    send_taken(f, c, signal, now_ms - 500 + 4 * STEP_MS, 4);
    return now_ms - 500 + 4 * STEP_MS;
}

static void test_rate_is_published(void **state)
{
    v1_fixture *f = *state;
    v1_client c;
    begin(f, &c);
    (void)send_and_wait(f, &c, beating);
    const held_message *said = v1_expect(f, RATE " ", "75");
    assert_string_equal(said->text, RATE " 75");
    assert_int_equal(said->qos, 1);
    assert_true(said->droppable);
    assert_true(said->token == 0); /* no acknowledgement waits for it */
    assert_int_equal(count_words(f), 1);
    v1_client_close(&c);
}

static void expect_reason(v1_fixture *f, signal_fn *signal, const char *said)
{
    v1_client c;
    begin(f, &c);
    (void)send_and_wait(f, &c, signal);
    assert_string_equal(v1_expect(f, RATE, "")->text, said);
    assert_int_equal(count_words(f), 1);
    v1_client_close(&c);
}

static void test_reason_of_a_flat_signal(void **state)
{
    expect_reason(*state, flat, RATE "/Reason flat");
}

static void test_reason_of_noise(void **state)
{
    expect_reason(*state, noisy, RATE "/Reason noisy");
}

static void test_reason_of_a_sensor_that_failed(void **state)
{
    expect_reason(*state, failed, RATE "/Reason gap");
}

/* Another word a second after the last one, and not when the next sample comes. */
static void test_reason_when_the_sensor_fails(void **state)
{
    v1_fixture *f = *state;
    v1_client c;
    begin(f, &c);
    uint64_t end_ms = send_and_wait(f, &c, beating);
    (void)v1_expect(f, RATE " ", "75");
    const uint64_t from_ms = gate_utc_ms();
    while (count_words(f) < 2) {
        assert_true(gate_utc_ms() < from_ms + 3000);
        end_ms += 8 * STEP_MS;
        gate_pass_ms(PACE_MS);
        send_taken(f, &c, failed, end_ms, 8);
    }
    assert_in_range(gate_utc_ms() - from_ms, 1000, 1000 + 2 * PACE_MS);
    assert_string_equal(v1_expect(f, RATE, "")->text, RATE "/Reason gap");
    v1_client_close(&c);
}

/* Again while nothing changes. */
static void test_rate_is_said_again(void **state)
{
    v1_fixture *f = *state;
    v1_client c;
    begin(f, &c);
    uint64_t end_ms = send_and_wait(f, &c, beating);
    (void)v1_expect(f, RATE " ", "75");
    const uint64_t from_ms = gate_utc_ms();
    while (count_words(f) < 2) {
        assert_true(gate_utc_ms() < from_ms + 6000);
        gate_pass_ms(STEP_MS);
        end_ms += STEP_MS;
        send_taken(f, &c, beating, end_ms, 1);
    }
    assert_in_range(gate_utc_ms() - from_ms, 4000, 4000 + 2 * STEP_MS);
    assert_string_equal(v1_expect(f, RATE, "")->text, RATE " 75");
    v1_client_close(&c);
}

/* What was kept through an outage, and a clock that is wrong. */
static void test_nothing_of_readings_that_are_not_of_now(void **state)
{
    v1_fixture *f = *state;
    v1_client c;
    begin(f, &c);
    uint64_t now_ms = gate_utc_ms();
    send_stream(f, &c, beating, now_ms - 11000, 200);
    gate_pass_ms(SEEN_MS);
    send_readings(&c, beating, now_ms - 10500, 10);
    send_readings(&c, beating, now_ms + 15000, 10);
    v1_expect_count(f, readings, 220);
    assert_int_equal(count_words(f), 0);
    send_readings(&c, beating, now_ms + 15050, 1); /* of a device that is asked again */
    v1_expect_count(f, readings, 221);
    assert_int_equal(count_words(f), 0);
    v1_client_close(&c);
}

static void test_late_readings_lead_to_the_rate_of_now(void **state)
{
    v1_fixture *f = *state;
    v1_client c;
    begin(f, &c);
    const uint64_t now_ms = gate_utc_ms();
    send_stream(f, &c, beating, now_ms - 12000, 200);
    gate_pass_ms(SEEN_MS);
    send_stream(f, &c, beating, now_ms - 12000 + 220 * STEP_MS, 220);
    assert_string_equal(v1_expect(f, RATE, "")->text, RATE " 75");
    v1_client_close(&c);
}

/* It would be said when the broker is back, and be of another time then. */
static void test_nothing_while_the_broker_is_away(void **state)
{
    v1_fixture *f = *state;
    v1_client c;
    begin(f, &c);
    held_link(f->publisher, true);
    held_link(f->publisher, false);
    uint64_t end_ms = send_and_wait(f, &c, beating);
    v1_expect_count(f, readings, 404);
    assert_int_equal(count_words(f), 0);
    held_link(f->publisher, true);
    send_readings(&c, beating, end_ms + STEP_MS, 1);
    assert_string_equal(v1_expect(f, RATE, "")->text, RATE " 75");
    v1_client_close(&c);
}

static void test_none_when_it_is_not_wanted(void **state)
{
    v1_fixture *f = *state;
    v1_client c;
    f->options.no_heart_rate = true;
    begin(f, &c);
    (void)send_and_wait(f, &c, beating);
    v1_expect_count(f, readings, 404);
    assert_int_equal(count_words(f), 0);
    v1_client_close(&c);
}

/* Readings of the seed wire that do not come as the profile says have no time. */
static void test_reason_of_another_pace(void **state)
{
    v1_fixture *f = *state;
    v1_client seed;
    v1_seed_add(f);
    f->options.seed_qos = 0;
    v1_start(f);
    v1_client_make(f, &seed, 1);
    v1_client_open(f, &seed);
    gate_stop_time();
    for (unsigned i = 1; i <= 12; i++) {
        v1_seed_readings(&seed, 30);
        v1_expect_count(f, readings, 30 * i);
        gate_pass_ms(PACE_MS);
    }
    const held_message *said = v1_expect(f, "Pico/dev-4/Physiological_Data/Heart_Rate", "");
    assert_string_equal(said->text, "Pico/dev-4/Physiological_Data/Heart_Rate/Reason pace");
    assert_int_equal(said->qos, 0);
    assert_true(said->droppable);
    v1_client_close(&seed);
}

static int teardown(void **state)
{
    gate_reset();
    return v1_fixture_teardown(state);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, v1_fixture_setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_rate_is_published),
        TEST(test_reason_of_a_flat_signal),
        TEST(test_reason_of_noise),
        TEST(test_reason_of_a_sensor_that_failed),
        TEST(test_reason_when_the_sensor_fails),
        TEST(test_rate_is_said_again),
        TEST(test_nothing_of_readings_that_are_not_of_now),
        TEST(test_late_readings_lead_to_the_rate_of_now),
        TEST(test_nothing_while_the_broker_is_away),
        TEST(test_none_when_it_is_not_wanted),
        TEST(test_reason_of_another_pace),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
