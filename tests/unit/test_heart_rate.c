/* SPDX-License-Identifier: Apache-2.0 */
#include "unit.h"

#include "heart_bench.h"
#include "vectors.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { FOUND_MS = 150, SAMPLES_MAX = 36000, BEATS_MAX = 600 };

typedef struct record {
    double hz;
    size_t samples;
    double sample[SAMPLES_MAX];
    size_t beats;
    double beat_ms[BEATS_MAX];
} record;

static record tape;
static heart_bench bench;
static heart_bench other;

static size_t read_numbers(double *out, size_t cap, const cJSON *list, double scale)
{
    size_t count = 0;
    const cJSON *item;
    cJSON_ArrayForEach(item, list)
    {
        assert_true(count < cap);
        out[count++] = item->valuedouble * scale;
    }
    return count;
}

static void read_record(const char *name)
{
    FILE *file = vectors_open(name);
    if (file == NULL) {
        skip();
    }
    char *text = vectors_read(file, &(size_t){0});
    cJSON *json = cJSON_Parse(text);
    tape.hz = cJSON_GetObjectItem(json, "fs_hz")->valuedouble;
    tape.samples = read_numbers(tape.sample, SAMPLES_MAX, cJSON_GetObjectItem(json, "samples"), 1);
    tape.beats = read_numbers(tape.beat_ms, BEATS_MAX, cJSON_GetObjectItem(json, "beats_s"), 1000);
    cJSON_Delete(json);
    free(text);
    fclose(file);
    assert_true(tape.samples == SAMPLES_MAX && tape.beats > 300);
}

static double sample_at(double at_ms)
{
    double place = at_ms * tape.hz / 1000;
    size_t left = (size_t)place;
    if (left + 1 >= tape.samples) {
        return tape.sample[tape.samples - 1];
    }
    return tape.sample[left] + (tape.sample[left + 1] - tape.sample[left]) * (place - (double)left);
}

/* The record as an instrument gives it that samples at `hz` and tells whole milliseconds. */
static void play(heart_bench *to, double hz, double until_ms, uint64_t shift_ms, double scale)
{
    heart_bench_open(to, MEDSEC_HEART_ECG);
    for (size_t i = 0; (double)i * 1000 / hz < until_ms; i++) {
        double at_ms = floor((double)i * 1000 / hz);
        heart_bench_push(to, (uint64_t)at_ms + shift_ms, scale * round(sample_at(at_ms)));
    }
}

static double length_ms(void)
{
    return (double)tape.samples * 1000 / tape.hz;
}

/* Each annotation and each beat counts once, the nearest in order. */
static size_t count_found(void)
{
    size_t found = 0;
    size_t beat = 0;
    for (size_t i = 0; i < tape.beats && beat < bench.count;) {
        double off_ms = (double)bench.beats[beat] - tape.beat_ms[i];
        if (fabs(off_ms) <= FOUND_MS) {
            found++;
            beat++;
            i++;
        } else if (off_ms > 0) {
            i++;
        } else {
            beat++;
        }
    }
    return found;
}

static void check_record(const char *name, double per_cent)
{
    static const double rates[] = {60, 120, 250, 360, 500};
    read_record(name);
    for (size_t i = 0; i < sizeof rates / sizeof rates[0]; i++) {
        play(&bench, rates[i], length_ms(), 0, 1);
        double found = 100 * (double)count_found();
        double sensitivity = found / (double)tape.beats;
        double predictivity = found / (double)bench.count;
        printf("%s %3.0f Hz: Se %.2f +P %.2f, rate %u-%u, longest %u ms\n", name, rates[i],
               sensitivity, predictivity, bench.least, bench.most, (unsigned)bench.longest_ms);
        assert_true(sensitivity >= per_cent && predictivity >= per_cent);
        assert_true((double)bench.verdicts[MEDSEC_HEART_OK] > 0.95 * length_ms() * rates[i] / 1000);
    }
}

static void test_record_100(void **state)
{
    (void)state;
    check_record("ecg/mitdb_100.json", 99);
    assert_true(bench.least >= 70 && bench.most <= 79);
    assert_true(bench.longest_ms <= 300); /* none of its beats has to be looked for again */
}

static void test_record_103(void **state)
{
    (void)state;
    check_record("ecg/mitdb_103.json", 99);
    assert_true(bench.least >= 66 && bench.most <= 79);
}

static void test_record_119(void **state)
{
    (void)state;
    check_record("ecg/mitdb_119.json", 99);
    assert_true(bench.least >= 58 && bench.most <= 72);
}

static void test_record_208(void **state)
{
    (void)state;
    check_record("ecg/mitdb_208.json", 95);
    assert_true(bench.least >= 85 && bench.most <= 130);
}

/* What was told until a moment is the same when nothing comes after it. */
static void test_push_does_not_see_the_future(void **state)
{
    (void)state;
    read_record("ecg/mitdb_208.json");
    static const double cuts_ms[] = {500, 2999, 3011, 7777, 20150, 33333};
    for (size_t i = 0; i < sizeof cuts_ms / sizeof cuts_ms[0]; i++) {
        play(&other, 120, cuts_ms[i], 0, 1);
        /* The other future: the electrode falls off in the middle of a beat. */
        heart_bench_open(&bench, MEDSEC_HEART_ECG);
        size_t told = SIZE_MAX;
        for (size_t at = 0; at < 4800; at++) {
            double at_ms = floor((double)at * 1000 / 120);
            if ((double)at * 1000 / 120 >= cuts_ms[i] && told == SIZE_MAX) {
                told = bench.count;
                assert_memory_equal(&bench.heart, &other.heart, sizeof bench.heart);
            }
            heart_bench_push(&bench, (uint64_t)at_ms,
                             told == SIZE_MAX ? round(sample_at(at_ms)) : 1e9);
        }
        assert_int_equal(told, other.count);
        assert_memory_equal(bench.beats, other.beats, told * sizeof bench.beats[0]);
    }
}

static void check_same_beats(uint64_t shift_ms, uint64_t within_ms)
{
    assert_int_equal(other.count, bench.count);
    for (size_t i = 0; i < bench.count; i++) {
        int64_t off_ms = (int64_t)(other.beats[i] - shift_ms - bench.beats[i]);
        assert_true((uint64_t)llabs(off_ms) <= within_ms);
    }
    assert_memory_equal(other.verdicts, bench.verdicts, sizeof bench.verdicts);
    assert_int_equal(other.rate, bench.rate);
}

/* Any time, also where 32 bits end; any amplitude from 1/1000 of the largest; upside down. */
static void test_push_shifted_and_scaled(void **state)
{
    (void)state;
    read_record("ecg/mitdb_119.json");
    play(&bench, 120, 60000, 0, 1);
    assert_true(bench.count > 50);
    static const uint64_t shifts_ms[] = {1, 13, 0x100000000 - 30000, 1795000000123};
    for (size_t i = 0; i < sizeof shifts_ms / sizeof shifts_ms[0]; i++) {
        play(&other, 120, 60000, shifts_ms[i], 1);
        check_same_beats(shifts_ms[i], 0);
    }
    static const double scales[] = {-1, 7, 500000, -500000};
    for (size_t i = 0; i < sizeof scales / sizeof scales[0]; i++) {
        play(&other, 120, 60000, 0, scales[i]);
        check_same_beats(0, 1);
    }
    play(&other, 120, 60000, 0, 0.05); /* about 100 units from top to bottom */
    assert_int_equal(other.count, bench.count);
}

static void push_ecg(uint64_t from_ms, uint64_t to_ms, uint64_t step_ms, double interval_s)
{
    for (uint64_t now_ms = from_ms; now_ms < to_ms; now_ms += step_ms) {
        double phase_s = remainder((double)now_ms / 1000, interval_s);
        heart_bench_push(&bench, now_ms,
                         heart_bench_ecg(phase_s) + heart_bench_ecg(phase_s + interval_s) +
                             heart_bench_ecg(phase_s - interval_s));
    }
}

static void test_now_of_many_rates(void **state)
{
    (void)state;
    for (uint32_t rate = 25; rate <= 240; rate += rate / 5) {
        heart_bench_open(&bench, MEDSEC_HEART_ECG);
        push_ecg(0, 40000, 4, 60.0 / rate);
        assert_int_equal(bench.rate, rate);
        assert_in_range(bench.least, rate - 1, rate);
        assert_in_range(bench.most, rate, rate + 1);
    }
}

static void test_now_after_a_gap(void **state)
{
    (void)state;
    heart_bench_open(&bench, MEDSEC_HEART_ECG);
    push_ecg(0, 20000, 8, 1);
    assert_int_equal(bench.verdict, MEDSEC_HEART_OK);
    assert_int_equal(bench.verdicts[MEDSEC_HEART_GAP], 0);
    push_ecg(20240, 25000, 8, 1); /* 248 ms: bridged */
    assert_int_equal(bench.verdict, MEDSEC_HEART_OK);
    push_ecg(25244, 25300, 8, 1); /* 252 ms */
    assert_int_equal(bench.verdict, MEDSEC_HEART_GAP);
    heart_bench_reset(&bench);
    push_ecg(25300, 40000, 8, 1);
    assert_int_equal(bench.verdict, MEDSEC_HEART_OK);
    assert_int_equal(bench.rate, 60);
    assert_int_equal(bench.verdicts[MEDSEC_HEART_OK] + bench.verdicts[MEDSEC_HEART_GAP],
                     (40000 - 25300 + 7) / 8);
    assert_in_range(bench.count, 38, 40);
}

static void test_push_late_and_twice(void **state)
{
    (void)state;
    heart_bench_open(&other, MEDSEC_HEART_ECG);
    heart_bench_open(&bench, MEDSEC_HEART_ECG);
    push_ecg(0, 30000, 8, 0.8);
    for (uint64_t now_ms = 0; now_ms < 30000; now_ms += 8) {
        double phase_s = remainder((double)now_ms / 1000, 0.8);
        double value = heart_bench_ecg(phase_s) + heart_bench_ecg(phase_s + 0.8) +
                       heart_bench_ecg(phase_s - 0.8);
        uint64_t late_ms = now_ms < 9999 ? now_ms : now_ms % 2 ? 5 : 9999;
        heart_bench_push(&other, now_ms, value);
        assert_int_equal(medsec_heart_rate_push(&other.heart, now_ms, 100000), MEDSEC_OK);
        assert_int_equal(medsec_heart_rate_push(&other.heart, now_ms - late_ms, -100000),
                         now_ms >= late_ms ? MEDSEC_OK : MEDSEC_ERR_ARGUMENT);
    }
    check_same_beats(0, 0);
    assert_memory_equal(&bench.heart, &other.heart, sizeof bench.heart);
}

static void test_push_clock_set_back(void **state)
{
    (void)state;
    heart_bench_open(&bench, MEDSEC_HEART_ECG);
    push_ecg(100000, 120000, 8, 1);
    bench.count = 0;
    heart_bench_push(&bench, 120000 - 8 - MEDSEC_HEART_LATE_MS, 0);
    assert_int_equal(bench.verdict, MEDSEC_HEART_OK); /* late */
    heart_bench_push(&bench, 120000 - 9 - MEDSEC_HEART_LATE_MS, 0);
    assert_int_equal(bench.verdict, MEDSEC_HEART_STARTING);
    push_ecg(109992, 125000, 8, 1);
    assert_int_equal(bench.rate, 60);
    assert_in_range(bench.beats[0], 110990, 111010);
}

/* Flat is what has no steps; a pause of the heart ends the rate; it comes back by itself. */
static void test_now_flat(void **state)
{
    (void)state;
    heart_bench_open(&bench, MEDSEC_HEART_ECG);
    for (uint64_t now_ms = 0; now_ms < 20000; now_ms += 4) {
        heart_bench_push(&bench, now_ms, (double)(now_ms / 600 % 2) * 4);
        assert_int_equal(bench.verdict, now_ms < 3008 ? MEDSEC_HEART_STARTING : MEDSEC_HEART_FLAT);
    }
    assert_int_equal(bench.count, 0);
    push_ecg(20000, 26500, 4, 1);
    assert_int_equal(bench.verdict, MEDSEC_HEART_STARTING);
    push_ecg(26500, 40000, 4, 1);
    assert_int_equal(bench.rate, 60);
    heart_bench_reset(&bench);
    for (uint64_t now_ms = 40000; now_ms < 60000; now_ms += 4) {
        heart_bench_push(&bench, now_ms, 0);
    }
    assert_int_equal(bench.verdict, MEDSEC_HEART_FLAT);
    assert_true(bench.verdicts[MEDSEC_HEART_OK] * 4 <= MEDSEC_HEART_PAUSE_MS);
    assert_int_equal(bench.verdicts[MEDSEC_HEART_NOISY], 0);
}

static void test_now_noise(void **state)
{
    (void)state;
    for (int colour = 0; colour < 3; colour++) {
        heart_bench_open(&bench, MEDSEC_HEART_ECG);
        double value = 0;
        for (uint64_t now_ms = 0; now_ms < 120000; now_ms += 8) {
            static const double keep[] = {0, 0.8, 1};
            value = keep[colour] * value + heart_bench_noise(&bench, 300);
            heart_bench_push(&bench, now_ms, value);
        }
        assert_int_equal(bench.verdict, MEDSEC_HEART_NOISY);
        assert_int_equal(bench.verdicts[MEDSEC_HEART_OK], 0);
    }
}

static void test_now_slow(void **state)
{
    (void)state;
    static const uint64_t steps_ms[] = {26, 50, 250, 1000, 60000};
    for (size_t i = 0; i < sizeof steps_ms / sizeof steps_ms[0]; i++) {
        heart_bench_open(&bench, MEDSEC_HEART_ECG);
        push_ecg(0, 200 * steps_ms[i], steps_ms[i], 1);
        assert_int_equal(bench.verdict, MEDSEC_HEART_SLOW);
        assert_int_equal(bench.verdicts[MEDSEC_HEART_OK], 0);
    }
    heart_bench_open(&bench, MEDSEC_HEART_ECG);
    push_ecg(0, 20000, 20, 1);
    assert_int_equal(bench.rate, 60);
    push_ecg(20000, 20300, 50, 1); /* a stretch of it */
    assert_int_equal(bench.verdict, MEDSEC_HEART_SLOW);
    push_ecg(20300, 21000, 20, 1);
    assert_int_equal(bench.verdict, MEDSEC_HEART_OK);
}

/* A jump is one beat at most; the largest ones that there are overflow nothing. */
static void test_push_extremes(void **state)
{
    (void)state;
    heart_bench_open(&bench, MEDSEC_HEART_ECG);
    push_ecg(0, 20000, 8, 1);
    size_t before = bench.count;
    for (uint64_t now_ms = 20000; now_ms < 30000; now_ms += 8) {
        double phase_s = remainder((double)now_ms / 1000, 1);
        heart_bench_push(&bench, now_ms, 30000 + heart_bench_ecg(phase_s));
    }
    assert_in_range(bench.count - before, 10, 12);
    assert_int_equal(bench.verdict, MEDSEC_HEART_OK);
    for (int signal = MEDSEC_HEART_ECG; signal <= MEDSEC_HEART_PULSE; signal++) {
        heart_bench_open(&bench, (medsec_heart_signal)signal);
        for (uint64_t now_ms = 0; now_ms < 40000; now_ms += 10) {
            heart_bench_push(&bench, now_ms, now_ms / 500 % 2 ? INT32_MAX : INT32_MIN);
        }
        assert_in_range(bench.rate, 60, 120);
    }
}

static void test_open_and_push_wrong_arguments(void **state)
{
    (void)state;
    medsec_heart_rate heart;
    assert_int_equal(medsec_heart_rate_open(&heart, (medsec_heart_signal)0), MEDSEC_ERR_ARGUMENT);
    assert_int_equal(medsec_heart_rate_open(&heart, (medsec_heart_signal)3), MEDSEC_ERR_ARGUMENT);
    assert_int_equal(medsec_heart_rate_open(NULL, MEDSEC_HEART_ECG), MEDSEC_ERR_ARGUMENT);
    assert_int_equal(medsec_heart_rate_open(&heart, MEDSEC_HEART_ECG), MEDSEC_OK);
    assert_int_equal(medsec_heart_rate_push(NULL, 0, 0), MEDSEC_ERR_ARGUMENT);
    assert_int_equal(medsec_heart_rate_push(&heart, MEDSEC_TIME_MS_MAX + 1, 0),
                     MEDSEC_ERR_ARGUMENT);
    assert_int_equal(medsec_heart_rate_push(&heart, MEDSEC_TIME_MS_MAX, 0), MEDSEC_OK);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_record_100),
        cmocka_unit_test(test_record_103),
        cmocka_unit_test(test_record_119),
        cmocka_unit_test(test_record_208),
        cmocka_unit_test(test_push_does_not_see_the_future),
        cmocka_unit_test(test_push_shifted_and_scaled),
        cmocka_unit_test(test_now_of_many_rates),
        cmocka_unit_test(test_now_after_a_gap),
        cmocka_unit_test(test_push_late_and_twice),
        cmocka_unit_test(test_push_clock_set_back),
        cmocka_unit_test(test_now_flat),
        cmocka_unit_test(test_now_noise),
        cmocka_unit_test(test_now_slow),
        cmocka_unit_test(test_push_extremes),
        cmocka_unit_test(test_open_and_push_wrong_arguments),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
