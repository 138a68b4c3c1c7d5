/* SPDX-License-Identifier: Apache-2.0 */
#include "unit.h"

#include "guard.h"
#include "vectors.h"

#include <medsec/seed_frame.h>

#include <stdlib.h>
#include <string.h>

/*
 * Every vector is pushed whole, byte by byte, in two parts at every place, and from a buffer that
 * ends at an inaccessible page. Events are compared as one text.
 */
enum { EVENTS_MAX = 1 << 16 };

typedef struct events {
    char text[EVENTS_MAX];
    size_t len;
} events;

static void add_event(events *log, const char *text, size_t len)
{
    assert_true(log->len + len + 1 < sizeof log->text);
    memcpy(log->text + log->len, text, len);
    log->len += len;
    log->text[log->len++] = '\n';
}

static void add_reading(events *log, const medsec_reading *reading)
{
    char text[1024];
    size_t len = 0;
    assert_int_equal(
        medsec_reading_write_seed(text, sizeof text, &len, &medsec_profile_pico_vitals, reading),
        MEDSEC_OK);
    add_event(log, text, len);
}

static medsec_status push(medsec_seed_decoder *decoder, const uint8_t *data, size_t len,
                          events *log)
{
    medsec_status status = MEDSEC_OK;
    while (len > 0 && status == MEDSEC_OK) {
        size_t used = 0;
        medsec_seed_event event = MEDSEC_SEED_NONE;
        const medsec_reading *reading = NULL;
        medsec_status reason = MEDSEC_OK;
        status = medsec_seed_decoder_push(decoder, data, len, &used, &event, &reading, &reason);
        assert_true(used <= len);
        assert_true(status != MEDSEC_OK || event != MEDSEC_SEED_NONE || used == len);
        data += used;
        len -= used;
        if (event == MEDSEC_SEED_READING) {
            add_reading(log, reading);
        } else if (event == MEDSEC_SEED_BAD_READING) {
            const char *word = medsec_status_word(reason);
            add_event(log, word, strlen(word));
        }
    }
    return status;
}

typedef struct stream {
    const char *key;
    const char *iv;
    const char *wire;
    size_t len;
} stream;

static stream stream_of(const cJSON *vector, const char *member)
{
    const char *wire = vectors_text(vector, member);
    return (stream){vectors_text(vector, "key"), vectors_text(vector, "iv"), wire, strlen(wire)};
}

/* Pushes the first part, then the second; a part of step bytes at a time when step > 0. */
static medsec_status run(const stream *s, size_t split, size_t step, events *log, bool *boundary)
{
    medsec_seed_decoder decoder;
    log->len = 0;
    assert_int_equal(medsec_seed_decoder_open(&decoder, medsec_crypto_openssl(),
                                              &medsec_profile_pico_vitals, (const uint8_t *)s->key,
                                              (const uint8_t *)s->iv),
                     MEDSEC_OK);
    const uint8_t *wire = (const uint8_t *)s->wire;
    medsec_status status = push(&decoder, wire, split, log);
    step = step > 0 ? step : s->len;
    for (size_t at = split; at < s->len && status == MEDSEC_OK; at += step) {
        status = push(&decoder, wire + at, s->len - at < step ? s->len - at : step, log);
    }
    *boundary = medsec_seed_decoder_at_boundary(&decoder);
    medsec_seed_decoder_close(&decoder);
    medsec_seed_decoder_close(&decoder);
    return status;
}

static medsec_status run_every_way(const stream *s, events *log, bool *boundary)
{
    static events other;
    bool other_boundary = false;
    medsec_status status = run(s, 0, 0, log, boundary);
    for (size_t split = 1; split < s->len; split++) {
        assert_int_equal(run(s, split, 0, &other, &other_boundary), status);
        assert_int_equal(other.len, log->len);
        assert_memory_equal(other.text, log->text, log->len);
        assert_int_equal(other_boundary, *boundary);
    }
    stream guarded = *s;
    guarded.wire = guard_copy(s->wire, s->len);
    assert_int_equal(run(&guarded, 0, 1, &other, &other_boundary), status);
    assert_int_equal(other.len, log->len);
    assert_memory_equal(other.text, log->text, log->len);
    guard_free((void *)(uintptr_t)guarded.wire, s->len);
    return status;
}

/* What the decoder ought to make of a plaintext. */
static void add_expected(events *log, const char *json)
{
    medsec_reading reading;
    medsec_status status =
        medsec_reading_parse(&reading, &medsec_profile_pico_vitals, json, strlen(json));
    if (status == MEDSEC_OK) {
        add_reading(log, &reading);
    } else {
        const char *word = medsec_status_word(status);
        add_event(log, word, strlen(word));
    }
}

static void check_frames(const char *name)
{
    static events log;
    static events expected;
    FILE *file = vectors_open(name);
    if (file == NULL) {
        skip();
    }
    size_t count = 0;
    for (cJSON *vector; (vector = vectors_next(file)) != NULL; count++) {
        stream s = stream_of(vector, "wire");
        bool boundary = false;
        expected.len = 0;
        add_expected(&expected, vectors_text(vector, "json"));
        assert_int_equal(run_every_way(&s, &log, &boundary), MEDSEC_OK);
        assert_true(boundary);
        assert_int_equal(log.len, expected.len);
        assert_memory_equal(log.text, expected.text, log.len);
        cJSON_Delete(vector);
    }
    assert_true(count > 100);
    fclose(file);
}

static void test_push_pseudo_frames(void **state)
{
    (void)state;
    check_frames("seed/pseudo.jsonl");
}

static void test_push_pico_frames(void **state)
{
    (void)state;
    check_frames("seed/pico.jsonl");
}

static void check_streams(const char *name)
{
    static events log;
    static events expected;
    FILE *file = vectors_open(name);
    if (file == NULL) {
        skip();
    }
    for (cJSON *vector; (vector = vectors_next(file)) != NULL;) {
        stream s = stream_of(vector, "stream");
        bool boundary = false;
        const cJSON *json;
        expected.len = 0;
        cJSON_ArrayForEach(json, cJSON_GetObjectItem(vector, "jsons"))
        {
            add_expected(&expected, json->valuestring);
        }
        assert_int_equal(run_every_way(&s, &log, &boundary), MEDSEC_OK);
        assert_true(boundary);
        assert_int_equal(log.len, expected.len);
        assert_memory_equal(log.text, expected.text, log.len);
        cJSON_Delete(vector);
    }
    fclose(file);
}

static void test_push_pseudo_streams(void **state)
{
    (void)state;
    check_streams("seed/streams_pseudo.jsonl");
}

static void test_push_pico_streams(void **state)
{
    (void)state;
    check_streams("seed/streams_pico.jsonl");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_push_pseudo_frames),
        cmocka_unit_test(test_push_pico_frames),
        cmocka_unit_test(test_push_pseudo_streams),
        cmocka_unit_test(test_push_pico_streams),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
