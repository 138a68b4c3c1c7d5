/* SPDX-License-Identifier: Apache-2.0 */
/* From a device's readings to its acknowledgement, and how that may fail. */
#include "gate.h"
#include "heap.h"
#include "unit.h"
#include "v1_gateway_fixture.h"

#include <sched.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <uv.h>

#define QUIET_MS 100u
#define LARGE 150u /* readings that just go into one record */

static void start_device(v1_fixture *f, v1_client *c)
{
    v1_start(f);
    v1_client_make(f, c, 1);
    v1_client_connect(f, c);
}

static void test_reading_is_published_then_acknowledged(void **state)
{
    v1_fixture *f = *state;
    v1_client c;
    v1_start(f);
    for (unsigned number = 1; number <= 2; number++) {
        char begin[64];
        v1_client_make(f, &c, number);
        v1_client_connect(f, &c);
        v1_client_readings(&c, 3);
        snprintf(begin, sizeof begin, "Pico/dev-%u/Status", number);
        const held_message *m = v1_expect(
            f, begin,
            "{\"status\":\"online\",\"wire\":\"medsec/1\",\"authenticated\":true,\"sessions\":1");
        assert_int_equal(m->token, 0);
        snprintf(begin, sizeof begin, "Pico/dev-%u/Physiological_Data/Temperature 0.000", number);
        m = v1_expect(f, begin, "");
        assert_int_equal(m->qos, 1);
        assert_int_not_equal(m->token, 0);
        uint64_t token = m->token;
        snprintf(begin, sizeof begin, "Pico/dev-%u/Internal_Server/Port_address", number);
        assert_int_equal(v1_expect(f, begin, "")->token, token);
        snprintf(begin, sizeof begin, "Pico/dev-%u/Reading {\"device\"", number);
        for (unsigned i = 0; i < 3; i++) {
            char part[128];
            snprintf(part, sizeof part,
                     "\"boot\":7,\"seq\":%u,\"time\":\"2026-11-21T12:00:00.%03uZ\","
                     "\"time_source\":\"device\"",
                     i, 50 * i);
            m = v1_expect(f, begin, part);
            assert_int_equal(m->token, token);
            assert_int_equal(m->qos, 1);
        }
        v1_client_expect_silence(&c, QUIET_MS);
        size_t last = f->seen - 1;
        for (size_t i = 0; i < last; i++) {
            held_report(f->publisher, i, MEDSEC_OK);
        }
        v1_client_expect_silence(&c, QUIET_MS);
        held_report(f->publisher, last, MEDSEC_OK);
        v1_client_expect_ack(&c, 2);
        v1_expect_count(f, acknowledged, 3 * number);
        v1_client_close(&c);
        snprintf(begin, sizeof begin, "Pico/dev-%u/Status {\"status\":\"offline\"", number);
        v1_expect(f, begin, "\"reason\":\"closed\"");
    }
    assert_int_equal(v1_stats(f).welcomes, 2);
}

static void test_publish_chooses_what_is_awaited(void **state)
{
    v1_fixture *f = *state;
    v1_client c;
    f->options.publish = MEDSEC_PUBLISH_READING;
    start_device(f, &c);
    v1_client_readings(&c, 1);
    v1_expect(f, "Pico/dev-1/Profile", "");
    v1_expect(f, "Pico/dev-1/Status", "");
    held_at(f->publisher, f->seen);
    uv_sleep(QUIET_MS);
    assert_int_equal(held_count(f->publisher), f->seen + 1);
    v1_expect(f, "Pico/dev-1/Reading", "");
    assert_int_equal(held_report_all(f->publisher), 3);
    v1_client_expect_ack(&c, 0);
    v1_client_close(&c);
}

static void test_batch_is_one_message(void **state)
{
    v1_fixture *f = *state;
    v1_client c;
    f->options.publish = MEDSEC_PUBLISH_BATCH;
    start_device(f, &c);
    for (unsigned first = 0; first < 40; first += 20) {
        char part[64];
        v1_client_readings(&c, 20);
        snprintf(part, sizeof part, "\"readings\":[{\"seq\":%u,\"time\":", first);
        const held_message *m =
            v1_expect(f,
                      "Pico/dev-1/Readings {\"device\":\"dev-1\",\"wire\":\"medsec/1\",\"boot\":7,"
                      "\"time_source\":\"device\",",
                      part);
        assert_int_equal(m->qos, 1);
        assert_int_not_equal(m->token, 0);
        v1_client_expect_silence(&c, QUIET_MS);
        held_report_all(f->publisher);
        v1_client_expect_ack(&c, first + 19);
    }
    assert_int_equal(held_count(f->publisher), 4); /* with Profile and Status */
    assert_int_equal(v1_stats(f).messages, 4);
    v1_client_close(&c);
}

/* More readings than fit into one message on `Readings`: the values never change. */
static size_t same_again(v1_client *c, uint8_t record[MEDSEC_RECORD_LEN_MAX], size_t rows)
{
    const medsec_readings_head head = {.boot = 7, .base_time_ms = 5, .time_quality = 1};
    const medsec_profile *profile = &medsec_profile_pico_vitals;
    const medsec_sample sample = {.time_ms = 5, .present = (1u << profile->count) - 1};
    uint8_t message[MEDSEC_MESSAGE_MAX];
    medsec_readings_writer writer;
    size_t len = 0;
    assert_int_equal(medsec_readings_begin(&writer, message, sizeof message, profile, &head, rows),
                     MEDSEC_OK);
    for (size_t i = 0; i < rows; i++) {
        assert_int_equal(medsec_readings_add(&writer, &sample), MEDSEC_OK);
    }
    assert_int_equal(medsec_readings_end(&writer, &len), MEDSEC_OK);
    return v1_seal(&c->device, record, message, len);
}

static void test_batch_that_is_too_long_is_cut(void **state)
{
    enum { ROWS = 215 };
    v1_fixture *f = *state;
    v1_client c;
    uint8_t record[MEDSEC_RECORD_LEN_MAX];
    unsigned next = 0;
    f->options.publish = MEDSEC_PUBLISH_BATCH;
    start_device(f, &c);
    v1_client_send(&c, record, same_again(&c, record, ROWS));
    uint64_t token = v1_expect(f, "Pico/dev-1/Readings", "[{\"seq\":0,")->token;
    const held_message *m = v1_expect(f, "Pico/dev-1/Readings", "\"boot\":7,");
    assert_int_equal(m->token, token);
    const char *first = strstr(m->text, "[{\"seq\":");
    assert_non_null(first);
    assert_int_equal(sscanf(first, "[{\"seq\":%u,", &next), 1);
    assert_true(next > 100 && next < ROWS);
    assert_int_equal(v1_stats(f).readings, ROWS);
    held_report(f->publisher, f->seen - 2, MEDSEC_OK);
    v1_client_expect_silence(&c, QUIET_MS);
    held_report(f->publisher, f->seen - 1, MEDSEC_OK);
    v1_client_expect_ack(&c, ROWS - 1);
    assert_int_equal(v1_stats(f).messages, 4);
    v1_client_close(&c);
}

static size_t null_temperature(v1_client *c, uint8_t record[MEDSEC_RECORD_LEN_MAX])
{
    const medsec_readings_head head = {.boot = 7, .base_time_ms = 5, .time_quality = 0};
    const medsec_profile *profile = &medsec_profile_pico_vitals;
    const medsec_sample sample = {.time_ms = 5, .present = (1u << profile->count) - 2};
    uint8_t message[MEDSEC_MESSAGE_MAX];
    medsec_readings_writer writer;
    size_t len = 0;
    assert_int_equal(medsec_readings_begin(&writer, message, sizeof message, profile, &head, 1),
                     MEDSEC_OK);
    assert_int_equal(medsec_readings_add(&writer, &sample), MEDSEC_OK);
    assert_int_equal(medsec_readings_end(&writer, &len), MEDSEC_OK);
    return v1_seal(&c->device, record, message, len);
}

static void test_failed_sensor_has_no_topic_and_unknown_time_is_the_gateways(void **state)
{
    v1_fixture *f = *state;
    v1_client c;
    uint8_t record[MEDSEC_RECORD_LEN_MAX];
    start_device(f, &c);
    v1_client_send(&c, record, null_temperature(&c, record));
    v1_expect(f, "Pico/dev-1/Status", "");
    v1_expect(f, "Pico/dev-1/Reading", "\"time_source\":\"gateway\",\"values\":{\"Temp\":null,");
    for (size_t i = 0; i < f->seen; i++) {
        assert_null(strstr(held_at(f->publisher, i)->text, "Physiological_Data/Temperature null"));
    }
    held_report_all(f->publisher);
    v1_client_expect_ack(&c, 0);
    v1_client_close(&c);
}

/* Where the messages of a batch begin, in a row of records of one reading each. */
static size_t first_of(v1_fixture *f, unsigned sequence)
{
    char part[32];
    snprintf(part, sizeof part, "\"seq\":%u,", sequence);
    v1_expect(f, "Pico/dev-1/Reading", part);
    return f->seen;
}

static void report_range(const v1_fixture *f, size_t from, size_t to, medsec_status status)
{
    for (size_t i = from; i < to; i++) {
        held_report(f->publisher, i, status);
    }
}

static void test_batches_that_finish_out_of_order_are_acknowledged_in_order(void **state)
{
    v1_fixture *f = *state;
    v1_client c;
    size_t ends[4];
    start_device(f, &c);
    for (unsigned i = 0; i < 4; i++) {
        v1_client_readings(&c, 1);
        ends[i] = first_of(f, i);
    }
    report_range(f, ends[1], ends[2], MEDSEC_OK);
    report_range(f, ends[0], ends[1], MEDSEC_OK);
    v1_client_expect_silence(&c, QUIET_MS);
    assert_int_equal(v1_stats(f).acknowledged, 0);
    report_range(f, 0, ends[0], MEDSEC_OK);
    v1_client_expect_ack(&c, 2);
    v1_client_expect_silence(&c, QUIET_MS);
    report_range(f, ends[2], ends[3], MEDSEC_OK);
    v1_client_expect_ack(&c, 3);
    v1_expect_count(f, acknowledged, 4);
    v1_client_close(&c);
}

static void test_failed_message_closes_without_acknowledging(void **state)
{
    v1_fixture *f = *state;
    v1_client c;
    size_t ends[3];
    start_device(f, &c);
    for (unsigned i = 0; i < 3; i++) {
        v1_client_readings(&c, 1);
        ends[i] = first_of(f, i);
    }
    held_report(f->publisher, ends[0], MEDSEC_ERR_CLOSED);
    report_range(f, ends[0], ends[2], MEDSEC_OK);
    v1_client_expect_silence(&c, QUIET_MS);
    report_range(f, 0, ends[0], MEDSEC_OK);
    v1_client_expect_ack(&c, 0);
    v1_client_expect_end(&c, V1_WAIT_MS);
    v1_expect(f, "Pico/dev-1/Status {\"status\":\"offline\"", "\"reason\":\"not-durable\"");
    v1_expect_count(f, acknowledged, 1);
    v1_client_close(&c);
}

static void test_message_that_the_publisher_refuses_is_not_acknowledged(void **state)
{
    v1_fixture *f = *state;
    v1_client c;
    start_device(f, &c);
    v1_client_readings(&c, 1);
    first_of(f, 0);
    held_report_all(f->publisher);
    v1_client_expect_ack(&c, 0);
    held_refuse(f->publisher, MEDSEC_ERR_BUSY);
    v1_client_readings(&c, 2);
    v1_client_expect_end(&c, V1_WAIT_MS);
    assert_true(v1_stats(f).dropped > 0);
    v1_expect_count(f, acknowledged, 1);
    v1_client_close(&c);
}

static void test_acknowledged_reading_that_comes_again_is_left_out(void **state)
{
    v1_fixture *f = *state;
    v1_client c;
    start_device(f, &c);
    v1_client_readings(&c, 5);
    first_of(f, 4);
    held_report_all(f->publisher);
    v1_client_expect_ack(&c, 4);
    size_t before = held_count(f->publisher);
    c.next = 2;
    v1_client_readings(&c, 3);
    v1_client_expect_ack(&c, 4);
    assert_int_equal(held_count(f->publisher), before);
    assert_int_equal(v1_stats(f).duplicates, 3);
    c.next = 3;
    v1_client_readings(&c, 3);
    first_of(f, 5);
    held_report_all(f->publisher);
    v1_client_expect_ack(&c, 5);
    assert_int_equal(v1_stats(f).duplicates, 5);
    assert_int_equal(v1_stats(f).readings, 6);
    v1_client_close(&c);
}

static void test_what_was_not_acknowledged_is_taken_again_on_the_next_connection(void **state)
{
    v1_fixture *f = *state;
    v1_client c;
    start_device(f, &c);
    v1_client_readings(&c, 2);
    first_of(f, 1);
    v1_client_close(&c);
    v1_expect(f, "Pico/dev-1/Status {\"status\":\"offline\"", "");
    size_t late = f->seen;
    c.next = 0;
    v1_client_connect(f, &c);
    v1_client_readings(&c, 2);
    first_of(f, 1);
    report_range(f, 0, late, MEDSEC_OK); /* of the connection that is gone */
    v1_client_expect_silence(&c, QUIET_MS);
    held_report_all(f->publisher);
    v1_client_expect_ack(&c, 1);
    v1_expect_count(f, acknowledged, 2);
    v1_client_close(&c);
}

/* Not even the first octet of a whole record is lost or taken twice, wherever the stream is cut. */
static void test_records_in_any_pieces_are_read(void **state)
{
    static uint8_t stream[4 * MEDSEC_RECORD_LEN_MAX];
    v1_fixture *f = *state;
    v1_client c;
    uint64_t readings = 0;
    f->options.threads = 1;
    v1_start(f);
    held_automatic(f->publisher);
    v1_client_make(f, &c, 1);
    size_t len = 1;
    for (size_t cut = 0; cut <= len; cut++) {
        c.next = 0;
        v1_client_connect(f, &c);
        len = v1_client_seal(&c, stream, 2);
        len += v1_client_seal(&c, stream + len, 1);
        len += v1_client_seal(&c, stream + len, 3);
        v1_client_send(&c, stream, cut);
        uv_sleep(1);
        v1_client_send(&c, stream + cut, len - cut);
        medsec_control control;
        do {
            assert_true(v1_client_hear(&c, &control, V1_WAIT_MS));
        } while (control.body.ack.sequence < 5);
        readings += 6;
        assert_int_equal(v1_stats(f).readings, readings);
        v1_client_close(&c);
    }
    c.next = 0;
    v1_client_connect(f, &c);
    len = v1_client_seal(&c, stream, LARGE);
    len += v1_client_seal(&c, stream + len, 1);
    for (size_t i = 0; i < len; i++) {
        v1_client_send(&c, stream + i, 1);
    }
    medsec_control control;
    do {
        assert_true(v1_client_hear(&c, &control, V1_WAIT_MS));
    } while (control.body.ack.sequence < LARGE);
    v1_client_close(&c);
}

static void test_end_within_a_record_is_counted(void **state)
{
    v1_fixture *f = *state;
    v1_client c;
    uint8_t record[MEDSEC_RECORD_LEN_MAX];
    start_device(f, &c);
    v1_client_readings(&c, 1);
    size_t len = v1_client_seal(&c, record, 1);
    v1_client_send(&c, record, len - 1);
    shutdown(c.fd, SHUT_WR);
    v1_client_expect_end(&c, V1_WAIT_MS);
    v1_expect_count(f, rejected[-MEDSEC_ERR_CLOSED], 1);
    assert_int_equal(v1_stats(f).readings, 1);
    v1_client_close(&c);
}

static void test_changed_record_closes_and_publishes_nothing(void **state)
{
    v1_fixture *f = *state;
    v1_client c;
    uint8_t record[MEDSEC_RECORD_LEN_MAX];
    start_device(f, &c);
    v1_client_readings(&c, 1);
    first_of(f, 0);
    size_t before = held_count(f->publisher);
    size_t len = v1_client_seal(&c, record, 1);
    record[len / 2] ^= 1;
    v1_client_send(&c, record, len);
    v1_client_expect_end(&c, V1_WAIT_MS);
    v1_expect_count(f, rejected[-MEDSEC_ERR_CRYPTO], 1);
    v1_expect(f, "Pico/dev-1/Status {\"status\":\"offline\"", "\"reason\":\"crypto\"");
    assert_int_equal(held_count(f->publisher), before + 1);
    held_report_all(f->publisher); /* of nobody any more */
    uv_sleep(QUIET_MS);
    assert_int_equal(v1_stats(f).acknowledged, 0);
    v1_client_close(&c);
}

/* After the first ones no reading costs memory from the heap, whole or in pieces. */
static void test_readings_take_nothing_from_the_heap(void **state)
{
    static uint8_t record[MEDSEC_RECORD_LEN_MAX];
    v1_fixture *f = *state;
    v1_client c[2];
    size_t before = 0;
    f->options.threads = 1;
    v1_start(f);
    held_automatic(f->publisher);
    for (unsigned i = 0; i < 2; i++) {
        v1_client_make(f, &c[i], i + 1);
        v1_client_connect(f, &c[i]);
    }
    for (unsigned round = 0; round < 200; round++) {
        if (round == 50) {
            before = heap_allocations();
        }
        for (unsigned i = 0; i < 2; i++) {
            size_t len = v1_client_seal(&c[i], record, 20);
            v1_client_send(&c[i], record, len / 2);
            uv_sleep(1);
            v1_client_send(&c[i], record + len / 2, len - len / 2);
            v1_client_expect_ack(&c[i], c[i].next - 1);
        }
    }
    assert_int_equal(heap_allocations(), before);
    v1_expect_count(f, acknowledged, 2 * 200 * 20);
    v1_client_close(&c[0]);
    v1_client_close(&c[1]);
}

/* It sends, and never reads what it is told. */
static void test_device_that_takes_no_acknowledgement_is_closed(void **state)
{
    v1_fixture *f = *state;
    v1_client c;
    v1_start(f);
    held_automatic(f->publisher);
    v1_client_make(f, &c, 2);
    c.receive_buffer = 4096;
    v1_client_connect(f, &c);
    uint8_t record[MEDSEC_RECORD_LEN_MAX];
    for (unsigned i = 1; i < 100000 && v1_stats(f).rejected[-MEDSEC_ERR_IO] == 0; i++) {
        size_t len = v1_client_seal(&c, record, 1);
        if (send(c.fd, record, len, MSG_NOSIGNAL) != (ssize_t)len) {
            break;
        }
        while (v1_stats(f).acknowledged < i && v1_stats(f).rejected[-MEDSEC_ERR_IO] == 0) {
            sched_yield();
        }
    }
    v1_expect_count(f, rejected[-MEDSEC_ERR_IO], 1);
    v1_expect_count(f, connections, 0);
    v1_client_close(&c);
}

static void test_pressure_stops_reading_until_it_is_over(void **state)
{
    v1_fixture *f = *state;
    v1_client c, d;
    v1_start(f);
    v1_client_make(f, &c, 1);
    v1_client_make(f, &d, 2);
    v1_client_connect(f, &c);
    v1_client_readings(&c, 1);
    first_of(f, 0);
    v1_client_connect(f, &d); /* no first record yet */
    held_press(f->publisher, true);
    v1_client_readings(&c, 1);
    v1_client_readings(&d, 1);
    v1_expect_count(f, paused, 2);
    uv_sleep(QUIET_MS);
    assert_int_equal(v1_stats(f).readings, 1);
    held_report_all(f->publisher);
    v1_client_expect_ack(&c, 0); /* all the same */
    const size_t before = f->seen;
    held_press(f->publisher, false);
    v1_expect(f, "Pico/dev-1/Reading", "");
    f->seen = before;
    v1_expect(f, "Pico/dev-2/Reading", "");
    v1_expect_count(f, readings, 3);
    held_report_all(f->publisher);
    v1_client_expect_ack(&c, 1);
    v1_client_expect_ack(&d, 0);
    v1_client_close(&c);
    v1_client_close(&d);
}

typedef struct later {
    v1_fixture *fixture;
    const v1_client *idle; /* is told to go as soon as the gateway stops */
    bool reports;
} later;

static void report_later(void *context)
{
    const later *l = context;
    v1_client_expect_end(l->idle, V1_WAIT_MS);
    uv_sleep(QUIET_MS);
    if (l->reports) {
        held_report_all(l->fixture->publisher);
    }
}

/* An hour passes, and then there is room for what was not read. */
static void relieve_later(void *context)
{
    const later *l = context;
    v1_client_expect_end(l->idle, V1_WAIT_MS);
    gate_pass_ms(3600000);
    uv_sleep(QUIET_MS);
    held_press(l->fixture->publisher, false);
}

static void stop_with_a_batch_under_way(v1_fixture *f, bool reports)
{
    v1_client c, idle;
    uv_thread_t thread;
    later l = {f, &idle, reports};
    start_device(f, &c);
    v1_client_readings(&c, 3);
    first_of(f, 2);
    v1_client_make(f, &idle, 2);
    v1_client_connect(f, &idle);
    assert_int_equal(uv_thread_create(&thread, report_later, &l), 0);
    uint64_t begin = uv_hrtime();
    assert_int_equal(medsec_gateway_stop(f->gateway, V1_WAIT_MS), MEDSEC_OK);
    assert_true(uv_hrtime() - begin < V1_WAIT_MS / 2 * 1000000ull);
    uv_thread_join(&thread);
    if (reports) {
        v1_client_expect_ack(&c, 2);
    }
    v1_client_expect_close(&c, MEDSEC_CLOSE_RESTART);
    assert_int_equal(v1_stats(f).acknowledged, reports ? 3 : 0);
    assert_int_equal(v1_stats(f).connections, 0);
    v1_expect(f, "Pico/dev-1/Status {\"status\":\"offline\"", "\"reason\":\"gateway-stop\"");
    v1_client_close(&c);
    v1_client_close(&idle);
}

static void test_stop_waits_for_acknowledgements(void **state)
{
    stop_with_a_batch_under_way(*state, true);
}

static void test_stop_does_not_wait_for_ever(void **state)
{
    stop_with_a_batch_under_way(*state, false);
}

/* It shall read the last acknowledgement although it was sending when the gateway stopped. */
static void test_stop_does_not_reset_a_device_that_sends(void **state)
{
    v1_fixture *f = *state;
    v1_client c, idle;
    uv_thread_t thread;
    later l = {f, &idle, true};
    start_device(f, &c);
    v1_client_make(f, &idle, 2);
    v1_client_connect(f, &idle);
    v1_client_readings(&c, 3);
    first_of(f, 2);
    held_press(f->publisher, true); /* what comes now stays unread */
    v1_client_readings(&c, 3);
    v1_expect_count(f, paused, 1);
    assert_int_equal(uv_thread_create(&thread, report_later, &l), 0);
    assert_int_equal(medsec_gateway_stop(f->gateway, V1_WAIT_MS), MEDSEC_OK);
    uv_thread_join(&thread);
    v1_client_expect_ack(&c, 2);
    v1_client_expect_close(&c, MEDSEC_CLOSE_RESTART);
    assert_int_equal(v1_stats(f).readings, 3);
    v1_client_close(&c);
    v1_client_close(&idle);
}

/* All has time to be read, also on a machine that stood still meanwhile. */
static void test_stop_that_was_held_up_takes_what_has_arrived(void **state)
{
    v1_fixture *f = *state;
    v1_client c, idle;
    uv_thread_t thread;
    later l = {f, &idle, false};
    f->options.threads = 1;
    v1_seed_add(f);
    v1_start(f);
    v1_client_make(f, &idle, 2);
    v1_client_connect(f, &idle);
    v1_client_make(f, &c, 1);
    v1_client_open(f, &c);
    v1_seed_readings(&c, 1);
    v1_expect_count(f, readings, 1);
    held_press(f->publisher, true);
    v1_seed_readings(&c, 1);
    v1_expect_count(f, paused, 1);
    gate_stop_time();
    assert_int_equal(uv_thread_create(&thread, relieve_later, &l), 0);
    assert_int_equal(medsec_gateway_stop(f->gateway, V1_WAIT_MS), MEDSEC_OK);
    uv_thread_join(&thread);
    assert_int_equal(v1_stats(f).readings, 2);
    v1_client_close(&c);
    v1_client_close(&idle);
}

static int teardown(void **state)
{
    gate_reset();
    return v1_fixture_teardown(state);
}

int main(void)
{
#define CASE(name) cmocka_unit_test_setup_teardown(name, v1_fixture_setup, teardown)
    const struct CMUnitTest tests[] = {
        CASE(test_reading_is_published_then_acknowledged),
        CASE(test_publish_chooses_what_is_awaited),
        CASE(test_batch_is_one_message),
        CASE(test_batch_that_is_too_long_is_cut),
        CASE(test_failed_sensor_has_no_topic_and_unknown_time_is_the_gateways),
        CASE(test_batches_that_finish_out_of_order_are_acknowledged_in_order),
        CASE(test_failed_message_closes_without_acknowledging),
        CASE(test_message_that_the_publisher_refuses_is_not_acknowledged),
        CASE(test_acknowledged_reading_that_comes_again_is_left_out),
        CASE(test_what_was_not_acknowledged_is_taken_again_on_the_next_connection),
        CASE(test_records_in_any_pieces_are_read),
        CASE(test_end_within_a_record_is_counted),
        CASE(test_changed_record_closes_and_publishes_nothing),
        CASE(test_readings_take_nothing_from_the_heap),
        CASE(test_device_that_takes_no_acknowledgement_is_closed),
        CASE(test_pressure_stops_reading_until_it_is_over),
        CASE(test_stop_waits_for_acknowledgements),
        CASE(test_stop_does_not_wait_for_ever),
        CASE(test_stop_does_not_reset_a_device_that_sends),
        CASE(test_stop_that_was_held_up_takes_what_has_arrived),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
