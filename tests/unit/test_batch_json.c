/* SPDX-License-Identifier: Apache-2.0 */
#include "unit.h"

#include <medsec/reading.h>
#include <stdio.h>
#include <string.h>

#define PICO (&medsec_profile_pico_vitals)
#define NOON 1795176000000u /* 2026-11-20T12:00:00Z */

static const medsec_reading_origin SEQUENCED = {
    .device = "bed-7", .wire = "medsec/1", .time_source = "device", .sequenced = true, .boot = 7};

static medsec_reading reading_of(int32_t temperature)
{
    medsec_reading reading = {.count = 7};
    for (size_t i = 0; i < 7; i++) {
        reading.value[i] = (medsec_value){-5, 1, MEDSEC_VALUE_NUMBER};
    }
    reading.value[0] = (medsec_value){temperature, 3, MEDSEC_VALUE_NUMBER};
    return reading;
}

static const char VALUES[] = ",\"PulseSig\":-0.5,\"Acel_x\":-0.5,\"Acel_y\":-0.5,\"Acel_z\":-0.5,"
                             "\"TempMcu\":-0.5,\"TempMpu\":-0.5}";

/* Two readings, the second one with an implausible temperature, over the turn of a second. */
static medsec_status write_two(char *out, size_t cap, size_t *len)
{
    const medsec_reading first = reading_of(36600), second = reading_of(200000);
    medsec_batch_writer batch;
    medsec_status status = medsec_batch_begin(&batch, out, cap, PICO, &SEQUENCED);
    if (status == MEDSEC_OK) {
        status = medsec_batch_add(&batch, &first, NOON + 950, 1020);
    }
    if (status == MEDSEC_OK) {
        status = medsec_batch_add(&batch, &second, NOON + 1000, 1021);
    }
    return status == MEDSEC_OK ? medsec_batch_end(&batch, len) : status;
}

static void test_batch_is_one_object(void **state)
{
    char out[1024], want[1024];
    size_t len = 0;
    (void)state;
    snprintf(
        want, sizeof want,
        "{\"device\":\"bed-7\",\"wire\":\"medsec/1\",\"boot\":7,\"time_source\":\"device\","
        "\"readings\":[{\"seq\":1020,\"time\":\"2026-11-20T12:00:00.950Z\",\"values\":{"
        "\"Temp\":36.600%s},{\"seq\":1021,\"time\":"
        "\"2026-11-20T12:00:01.000Z\",\"values\":{\"Temp\":200.000%s,\"suspect\":[\"Temp\"]}]}",
        VALUES, VALUES);
    assert_int_equal(write_two(out, sizeof out, &len), MEDSEC_OK);
    assert_int_equal(len, strlen(want));
    assert_memory_equal(out, want, len);
    for (size_t cap = 0; cap < len; cap++) {
        assert_int_equal(write_two(out, cap, &len), MEDSEC_ERR_BUFFER);
    }
    memset(out, '?', sizeof out);
    assert_int_equal(write_two(out, strlen(want), &len), MEDSEC_OK);
    assert_int_equal(out[len], '?');
}

static void test_batch_of_the_seed_wire_has_no_numbers(void **state)
{
    const medsec_reading_origin origin = {
        .device = "bed-7", .wire = "seed", .time_source = "gateway", .boot = 7};
    const medsec_reading reading = reading_of(36600);
    medsec_batch_writer batch;
    char out[1024], want[1024];
    size_t len = 0;
    (void)state;
    snprintf(want, sizeof want,
             "{\"device\":\"bed-7\",\"wire\":\"seed\",\"time_source\":\"gateway\",\"readings\":["
             "{\"time\":\"1970-01-01T00:00:00.000Z\",\"values\":{\"Temp\":36.600%s}]}",
             VALUES);
    assert_int_equal(medsec_batch_begin(&batch, out, sizeof out, PICO, &origin), MEDSEC_OK);
    assert_int_equal(medsec_batch_add(&batch, &reading, 0, 4), MEDSEC_OK);
    assert_int_equal(medsec_batch_end(&batch, &len), MEDSEC_OK);
    assert_int_equal(len, strlen(want));
    assert_memory_equal(out, want, len);
}

/* Whatever is too much leaves what was there before, and the end of it still fits. */
static void test_add_without_room_keeps_what_was_there(void **state)
{
    const medsec_reading reading = reading_of(36600);
    medsec_batch_writer batch;
    char whole[4096], out[4096];
    size_t whole_len = 0, len = 0;
    (void)state;
    for (size_t cap = 100; cap < 1000; cap++) {
        uint32_t count = 0;
        assert_int_equal(medsec_batch_begin(&batch, out, cap, PICO, &SEQUENCED), MEDSEC_OK);
        while (medsec_batch_add(&batch, &reading, NOON + count, count) == MEDSEC_OK) {
            count++;
        }
        assert_int_equal(batch.count, count);
        if (count == 0) {
            assert_int_equal(medsec_batch_end(&batch, &len), MEDSEC_ERR_STATE);
            continue;
        }
        assert_int_equal(medsec_batch_end(&batch, &len), MEDSEC_OK);
        assert_true(len <= cap);
        assert_int_equal(medsec_batch_begin(&batch, whole, sizeof whole, PICO, &SEQUENCED),
                         MEDSEC_OK);
        for (uint32_t i = 0; i < count; i++) {
            assert_int_equal(medsec_batch_add(&batch, &reading, NOON + i, i), MEDSEC_OK);
        }
        assert_int_equal(medsec_batch_end(&batch, &whole_len), MEDSEC_OK);
        assert_int_equal(len, whole_len);
        assert_memory_equal(out, whole, len);
    }
}

/* The same second is written once; another one, earlier or later, anew. */
static void test_times_are_each_their_own(void **state)
{
    static const uint64_t times[] = {0, 999, 1000, 0, NOON + 999, NOON + 1000, MEDSEC_TIME_MS_MAX};
    static const char *const texts[] = {"1970-01-01T00:00:00.000Z", "1970-01-01T00:00:00.999Z",
                                        "1970-01-01T00:00:01.000Z", "1970-01-01T00:00:00.000Z",
                                        "2026-11-20T12:00:00.999Z", "2026-11-20T12:00:01.000Z",
                                        "9999-12-31T23:59:59.999Z"};
    const medsec_reading reading = reading_of(36600);
    medsec_batch_writer batch;
    char out[2048] = "";
    size_t len = 0;
    (void)state;
    assert_int_equal(medsec_batch_begin(&batch, out, sizeof out - 1, PICO, &SEQUENCED), MEDSEC_OK);
    for (uint32_t i = 0; i < sizeof times / sizeof *times; i++) {
        assert_int_equal(medsec_batch_add(&batch, &reading, times[i], i), MEDSEC_OK);
    }
    assert_int_equal(medsec_batch_end(&batch, &len), MEDSEC_OK);
    const char *at = out;
    for (size_t i = 0; i < sizeof times / sizeof *times; i++) {
        at = strstr(at, "\"time\":\"");
        assert_non_null(at);
        at += 8;
        assert_memory_equal(at, texts[i], strlen(texts[i]));
    }
}

static void test_bad_arguments_are_refused(void **state)
{
    medsec_reading reading = reading_of(36600);
    medsec_reading_origin origin = SEQUENCED;
    medsec_batch_writer batch;
    char out[1024];
    size_t len = 0;
    (void)state;
    assert_int_equal(medsec_batch_begin(NULL, out, 1024, PICO, &origin), MEDSEC_ERR_ARGUMENT);
    assert_int_equal(medsec_batch_begin(&batch, NULL, 1024, PICO, &origin), MEDSEC_ERR_ARGUMENT);
    assert_int_equal(medsec_batch_begin(&batch, out, 1024, NULL, &origin), MEDSEC_ERR_ARGUMENT);
    assert_int_equal(medsec_batch_begin(&batch, out, 1024, PICO, NULL), MEDSEC_ERR_ARGUMENT);
    origin.time_source = NULL;
    assert_int_equal(medsec_batch_begin(&batch, out, 1024, PICO, &origin), MEDSEC_ERR_ARGUMENT);
    origin = SEQUENCED;
    origin.device = "a\"b";
    assert_int_equal(medsec_batch_begin(&batch, out, 1024, PICO, &origin), MEDSEC_ERR_DEVICE_ID);
    assert_int_equal(medsec_batch_begin(&batch, out, 1024, PICO, &SEQUENCED), MEDSEC_OK);
    assert_int_equal(medsec_batch_add(NULL, &reading, 0, 0), MEDSEC_ERR_ARGUMENT);
    assert_int_equal(medsec_batch_add(&batch, NULL, 0, 0), MEDSEC_ERR_ARGUMENT);
    assert_int_equal(medsec_batch_add(&batch, &reading, MEDSEC_TIME_MS_MAX + 1, 0),
                     MEDSEC_ERR_ARGUMENT);
    reading.count = 6;
    assert_int_equal(medsec_batch_add(&batch, &reading, 0, 0), MEDSEC_ERR_ARGUMENT);
    assert_int_equal(medsec_batch_end(&batch, &len), MEDSEC_ERR_STATE);
    assert_int_equal(medsec_batch_end(&batch, NULL), MEDSEC_ERR_ARGUMENT);
    assert_int_equal(medsec_batch_end(NULL, &len), MEDSEC_ERR_ARGUMENT);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_batch_is_one_object),
        cmocka_unit_test(test_batch_of_the_seed_wire_has_no_numbers),
        cmocka_unit_test(test_add_without_room_keeps_what_was_there),
        cmocka_unit_test(test_times_are_each_their_own),
        cmocka_unit_test(test_bad_arguments_are_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
