/* SPDX-License-Identifier: Apache-2.0 */
#include "unit.h"

#include "vitals.h"

#include <medsec/message.h>
#include <medsec/record.h>

#define PICO (&medsec_profile_pico_vitals)

/* What the wire may cost: whole records of the seven vitals, sealed. */
enum { BATCH = 20, BATCH_MAX_LEN = 320, ONE_MAX_LEN = 90, READING_MAX_LEN = 16 };
enum { RATE_HZ = 20, PULSE = 1, BATCHES = 3000 };

/* A device on the wrist of somebody who sits: a pulse wave, the rest with the noise of its sensors.
 */
typedef struct wrist {
    pulse_beat beat;
    vitals vitals;
    prng noise;
    uint64_t time_ms;
    uint32_t sequence;
} wrist;

static void wrist_init(wrist *w, uint32_t sequence)
{
    pulse_beat_init(&w->beat);
    vitals_init(&w->vitals, VITALS_PSEUDO, &w->beat, 72, 1);
    w->noise = (prng){0};
    w->time_ms = 1795176000000;
    w->sequence = sequence;
}

/* Of about 5 milli-units, as a sum of four even ones. */
static int32_t sensor_noise(prng *random)
{
    int32_t sum = 0;
    for (int i = 0; i < 4; i++) {
        sum += (int32_t)(prng_next(random) % 9) - 4;
    }
    return sum;
}

static medsec_sample next_sample(wrist *w)
{
    medsec_sample sample;
    assert_int_equal(
        medsec_sample_from_reading(&sample, PICO, vitals_next(&w->vitals, 1.0 / RATE_HZ)),
        MEDSEC_OK);
    sample.value[4] = 1000; /* gravity */
    for (size_t i = 0; i < PICO->count; i++) {
        sample.value[i] += i == PULSE ? 0 : sensor_noise(&w->noise);
    }
    sample.time_ms = w->time_ms;
    w->time_ms += 1000 / RATE_HZ;
    w->sequence++;
    return sample;
}

/* Bytes on the wire of the next `rows` readings. */
static size_t next_record(wrist *w, medsec_record *record, size_t rows)
{
    uint8_t message[MEDSEC_MESSAGE_MAX];
    uint8_t sealed[MEDSEC_RECORD_LEN_MAX];
    size_t len = 0;
    medsec_readings_writer writer;
    const medsec_readings_head head = {.boot = 70000,
                                       .first_sequence = w->sequence,
                                       .base_time_ms = w->time_ms,
                                       .time_quality = 1};
    assert_int_equal(medsec_readings_begin(&writer, message, sizeof message, PICO, &head, rows),
                     MEDSEC_OK);
    for (size_t i = 0; i < rows; i++) {
        const medsec_sample sample = next_sample(w);
        assert_int_equal(medsec_readings_add(&writer, &sample), MEDSEC_OK);
    }
    assert_int_equal(medsec_readings_end(&writer, &len), MEDSEC_OK);
    assert_int_equal(medsec_record_seal(record, sealed, sizeof sealed, &len, message, len),
                     MEDSEC_OK);
    return len;
}

static void expect_at_most(medsec_suite suite, size_t rows, size_t each, size_t limit)
{
    static const uint8_t key[MEDSEC_CHACHAPOLY_KEY_LEN];
    static wrist w;
    medsec_record record;
    size_t sum = 0;
    size_t largest = 0;
    wrist_init(&w, 100000);
    assert_int_equal(medsec_record_open(&record, medsec_crypto_openssl(), suite, key), MEDSEC_OK);
    for (int i = 0; i < BATCHES; i++) {
        size_t len = next_record(&w, &record, rows);
        sum += len;
        largest = len > largest ? len : largest;
    }
    medsec_record_close(&record);
    print_message("%s: %zu at once: %zu bytes on average, %zu at most\n", medsec_suite_name(suite),
                  rows, sum / BATCHES, largest);
    assert_true(largest <= limit);
    assert_true(sum <= BATCHES * rows * each);
}

static void test_batch_of_20(void **state)
{
    (void)state;
    expect_at_most(MEDSEC_SUITE_A128CBC_HS256, BATCH, READING_MAX_LEN, BATCH_MAX_LEN);
    expect_at_most(MEDSEC_SUITE_CHACHAPOLY, BATCH, READING_MAX_LEN, BATCH_MAX_LEN);
}

static void test_one_alone(void **state)
{
    (void)state;
    expect_at_most(MEDSEC_SUITE_A128CBC_HS256, 1, ONE_MAX_LEN, ONE_MAX_LEN);
    expect_at_most(MEDSEC_SUITE_CHACHAPOLY, 1, ONE_MAX_LEN, ONE_MAX_LEN);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_batch_of_20),
        cmocka_unit_test(test_one_alone),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
