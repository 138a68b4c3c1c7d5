/* SPDX-License-Identifier: Apache-2.0 */
#include "unit.h"

#include "seed_wire.h"
#include "splits.h"
#include "vectors.h"

#include <medsec/seed_frame.h>

#include <stdlib.h>
#include <string.h>

#define PICO (&medsec_profile_pico_vitals)

typedef struct stream {
    const char *key;
    const char *iv;
    medsec_seed_decoder decoder;
} stream;

static void begin(void *context)
{
    stream *s = context;
    assert_int_equal(medsec_seed_decoder_open(&s->decoder, medsec_crypto_openssl(), PICO,
                                              (const uint8_t *)s->key, (const uint8_t *)s->iv),
                     MEDSEC_OK);
}

static void add_reading(trace *log, const medsec_reading *reading)
{
    char text[1024];
    size_t len = 0;
    assert_int_equal(medsec_reading_write_seed(text, sizeof text, &len, PICO, reading), MEDSEC_OK);
    trace_add(log, text, len);
}

static void push(void *context, uint8_t *data, size_t len, trace *log)
{
    stream *s = context;
    while (len > 0) {
        size_t used = 0;
        medsec_seed_event event = MEDSEC_SEED_NONE;
        const medsec_reading *reading = NULL;
        medsec_status reason = MEDSEC_OK;
        medsec_status status =
            medsec_seed_decoder_push(&s->decoder, data, len, &used, &event, &reading, &reason);
        assert_true(used <= len);
        if (status != MEDSEC_OK) {
            return;
        }
        assert_true(event != MEDSEC_SEED_NONE || used == len);
        data += used;
        len -= used;
        if (event == MEDSEC_SEED_READING) {
            add_reading(log, reading);
        } else if (event == MEDSEC_SEED_BAD_READING) {
            trace_add_word(log, medsec_status_word(reason));
        }
    }
}

/* The fault; or 1 between frames and 0 inside of one. */
static int end(void *context, trace *log)
{
    stream *s = context;
    size_t used = 0;
    medsec_seed_event event = MEDSEC_SEED_NONE;
    const medsec_reading *reading = NULL;
    medsec_status reason = MEDSEC_OK;
    medsec_status status =
        medsec_seed_decoder_push(&s->decoder, NULL, 0, &used, &event, &reading, &reason);
    bool boundary = medsec_seed_decoder_at_boundary(&s->decoder);
    medsec_seed_decoder_close(&s->decoder);
    medsec_seed_decoder_close(&s->decoder);
    (void)log;
    return status != MEDSEC_OK ? (int)status : boundary;
}

static machine machine_of(stream *s)
{
    return (machine){s, begin, push, end};
}

/* What the decoder ought to make of a plaintext. */
static void add_expected(trace *log, const char *json)
{
    medsec_reading reading;
    medsec_status status = medsec_reading_parse(&reading, PICO, json, strlen(json));
    if (status == MEDSEC_OK) {
        add_reading(log, &reading);
    } else {
        trace_add_word(log, medsec_status_word(status));
    }
}

static void check_vector(const cJSON *vector, const char *wire)
{
    static trace log;
    static trace expected;
    stream s = {.key = vectors_text(vector, "key"), .iv = vectors_text(vector, "iv")};
    machine m = machine_of(&s);
    expected.len = 0;
    expected.end = 1;
    const cJSON *json = cJSON_GetObjectItem(vector, "json");
    if (json != NULL) {
        add_expected(&expected, json->valuestring);
    }
    cJSON_ArrayForEach(json, cJSON_GetObjectItem(vector, "jsons"))
    {
        add_expected(&expected, json->valuestring);
    }
    run_every_split(&m, wire, strlen(wire), &log);
    assert_true(trace_is(&log, &expected));
}

static void check_file(const char *name, const char *member, size_t at_least)
{
    FILE *file = vectors_open(name);
    if (file == NULL) {
        skip();
    }
    /* What memcheck looks for is in every split of some. */
    const size_t every = getenv("MEDSEC_VALGRIND") != NULL ? 4 : 1;
    size_t count = 0;
    for (cJSON *vector; (vector = vectors_next(file)) != NULL; count++) {
        if (count % every == 0) {
            check_vector(vector, vectors_text(vector, member));
        }
        cJSON_Delete(vector);
    }
    fclose(file);
    assert_true(count >= at_least);
}

static void test_push_pseudo_frames(void **state)
{
    (void)state;
    check_file("seed/pseudo.jsonl", "wire", 100);
}

static void test_push_pico_frames(void **state)
{
    (void)state;
    check_file("seed/pico.jsonl", "wire", 100);
}

static void test_push_pseudo_streams(void **state)
{
    (void)state;
    check_file("seed/streams_pseudo.jsonl", "stream", 10);
}

static void test_push_pico_streams(void **state)
{
    (void)state;
    check_file("seed/streams_pico.jsonl", "stream", 10);
}

/* Streams made here. */

static void expect(const seed_wire *w, const char *events, int end_state)
{
    static trace log;
    stream s = {.key = SEED_KEY, .iv = SEED_IV};
    machine m = machine_of(&s);
    run_every_split(&m, w->text, w->len, &log);
    assert_int_equal(log.end, end_state);
    assert_int_equal(log.len, strlen(events));
    assert_memory_equal(log.text, events, log.len);
}

static void test_push_every_truncation(void **state)
{
    (void)state;
    for (int chaining = MEDSEC_SEED_PER_BLOCK; chaining <= MEDSEC_SEED_CHAINED; chaining++) {
        seed_wire w = {.len = 0};
        stream s = {.key = SEED_KEY, .iv = SEED_IV};
        machine m = machine_of(&s);
        seed_wire_add(&w, (medsec_seed_chaining)chaining, SEED_READING);
        seed_wire_add(&w, (medsec_seed_chaining)chaining, SEED_READING);
        run_every_truncation(&m, w.text, w.len);
        w.len--;
        char events[256];
        int len = snprintf(events, sizeof events, "%s\n", SEED_READING);
        assert_true(len > 0);
        expect(&w, events, 0);
    }
}

static void test_push_bad_values_keep_the_stream(void **state)
{
    (void)state;
    seed_wire w = {.len = 0};
    char events[512];
    seed_wire_add(&w, MEDSEC_SEED_CHAINED, "{\"Temp\":\"36.600\",\"Other\":\"1\"}");
    seed_wire_add(&w, MEDSEC_SEED_CHAINED, "{}");
    seed_wire_add(&w, MEDSEC_SEED_CHAINED,
                  "{\"Temp\":\"1234567890\",\"TempMcu\":\"0\",\"PulseSig\":\"0\",\"Acel_x\":\"0\","
                  "\"Acel_y\":\"0\",\"Acel_z\":\"0\",\"TempMpu\":\"0\"}");
    seed_wire_add(&w, MEDSEC_SEED_CHAINED, SEED_READING);
    snprintf(events, sizeof events, "missing-member\nmissing-member\nnumber\n%s\n", SEED_READING);
    expect(&w, events, 1);
}

/* 15 to 17 characters over a block, and fill of 1 to 16. */
static void test_push_every_length(void **state)
{
    (void)state;
    for (int spaces = 0; spaces < 40; spaces++) {
        seed_wire w = {.len = 0};
        char text[256];
        char events[512];
        snprintf(text, sizeof text, "%s%*s", SEED_READING, spaces, "");
        seed_wire_add(&w, MEDSEC_SEED_PER_BLOCK, text);
        seed_wire_add(&w, MEDSEC_SEED_PER_BLOCK, SEED_READING);
        snprintf(events, sizeof events, "%s\n%s\n", SEED_READING, SEED_READING);
        expect(&w, events, 1);
    }
}

static void test_push_fill_inside_of_a_string_is_text(void **state)
{
    (void)state;
    for (int chaining = MEDSEC_SEED_PER_BLOCK; chaining <= MEDSEC_SEED_CHAINED; chaining++) {
        seed_wire w = {.len = 0};
        char text[256];
        char events[256];
        snprintf(text, sizeof text, "{\"note\":\"abcdef&%s%s", "&&&&&&&&&&&&&&&&&&&&&&&&&&&&&\",",
                 &SEED_READING[1]);
        seed_wire_add(&w, (medsec_seed_chaining)chaining, text);
        snprintf(events, sizeof events, "%s\n", SEED_READING);
        expect(&w, events, 1);
    }
}

/* Frames of one block never tell the chaining; the first longer one does. */
static void test_push_one_block_frames_stay_undecided(void **state)
{
    (void)state;
    seed_wire w = {.len = 0};
    char events[256];
    seed_wire_add(&w, MEDSEC_SEED_CHAINED, "{\"Temp\":\"1\"}");
    seed_wire_add(&w, MEDSEC_SEED_CHAINED, "{\"Temp\":\"2\"}");
    seed_wire_add(&w, MEDSEC_SEED_CHAINED, SEED_READING);
    snprintf(events, sizeof events, "missing-member\nmissing-member\n%s\n", SEED_READING);
    expect(&w, events, 1);
}

static void test_push_chaining_stays(void **state)
{
    (void)state;
    seed_wire w = {.len = 0};
    char events[256];
    seed_wire_add(&w, MEDSEC_SEED_CHAINED, SEED_READING);
    seed_wire_add(&w, MEDSEC_SEED_PER_BLOCK, SEED_READING);
    snprintf(events, sizeof events, "%s\n", SEED_READING);
    expect(&w, events, MEDSEC_ERR_CRYPTO);
}

static void test_push_foreign_frame(void **state)
{
    (void)state;
    seed_wire w = {.len = 0};
    char events[256];
    seed_wire_add(&w, MEDSEC_SEED_PER_BLOCK, SEED_READING);
    seed_wire_frame(&w, MEDSEC_SEED_PER_BLOCK, "another device's", SEED_READING,
                    strlen(SEED_READING));
    snprintf(events, sizeof events, "%s\n", SEED_READING);
    expect(&w, events, MEDSEC_ERR_CRYPTO);
}

static void test_push_text_that_is_no_reading(void **state)
{
    static const struct {
        const char *text;
        medsec_status reason;
    } cases[] = {
        {"{\"Temp\":\"36.600\",\"Temp\":\"36.600\"}", MEDSEC_ERR_DUPLICATE},
        {"{\"Temp\":\"36.600\",\"TempMcu\":\"NaN\"}", MEDSEC_ERR_SYNTAX},
        {"{\"Temp\":\"36.600\",\"TempMcu\":\"1e999\"}", MEDSEC_ERR_SYNTAX},
        {"{\"Temp\":\"36.600\",\"TempMcu\":\"\"}", MEDSEC_ERR_SYNTAX},
        {"{\"Temp\":\"36.600\",\"TempMcu\":\"1\n\"}", MEDSEC_ERR_SYNTAX},
        {"{\"Temp\":\"36.600\",\"TempMcu\":\"1\001\"}", MEDSEC_ERR_CRYPTO},
        {"{\"Temp\":\"36.600\",\"TempMcu\":\"1\",}", MEDSEC_ERR_SYNTAX},
        {"{\"Temp\":\"36.600\",\"TempMcu\":1}", MEDSEC_ERR_SYNTAX},
        {"{\"Temp\":\"36.600\",\"a name of more than the characters allowed\":1}",
         MEDSEC_ERR_LIMIT},
        {"{\"Temp\":\"36.600\"}}", MEDSEC_ERR_SYNTAX},
    };
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        for (int chaining = MEDSEC_SEED_PER_BLOCK; chaining <= MEDSEC_SEED_CHAINED; chaining++) {
            seed_wire w = {.len = 0};
            seed_wire_add(&w, (medsec_seed_chaining)chaining, cases[i].text);
            expect(&w, "", cases[i].reason);
        }
    }
}

static void test_push_malformed_frames(void **state)
{
    static const struct {
        size_t at;
        char c;
    } cases[] = {
        {0, '+'},   {0, 'g'},   {0, ' '},   {1, '\n'},     {16, '+'},   {31, '\0'},
        {32, '0'},  {32, '-'},  {32, '\r'}, {33, '+'},     {64, '+'},   {65, 'a'},
        {262, 'x'}, {263, '+'}, {263, '&'}, {263, '\xff'}, {264, '\n'}, {295, '0'},
    };
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        seed_wire w = {.len = 0};
        char events[256] = "";
        seed_wire_add(&w, MEDSEC_SEED_PER_BLOCK, SEED_READING);
        assert_int_equal(w.len, 263);
        seed_wire_add(&w, MEDSEC_SEED_PER_BLOCK, SEED_READING);
        w.text[cases[i].at] = cases[i].c;
        if (cases[i].at >= 263) {
            snprintf(events, sizeof events, "%s\n", SEED_READING);
        }
        expect(&w, events, MEDSEC_ERR_FRAME);
    }
}

static void test_push_block_limit(void **state)
{
    static char text[MEDSEC_SEED_BLOCKS_MAX * 16];
    (void)state;
    char events[256];
    snprintf(events, sizeof events, "%s\n", SEED_READING);
    memset(text, ' ', sizeof text);
    memcpy(text, SEED_READING, strlen(SEED_READING));
    seed_wire w = {.len = 0};
    seed_wire_frame(&w, MEDSEC_SEED_CHAINED, SEED_KEY, text, sizeof text - 1);
    assert_int_equal(w.len, MEDSEC_SEED_FRAME_LEN(MEDSEC_SEED_BLOCKS_MAX));
    expect(&w, events, 1);

    /* The 65th block has to be refused at its '+'. */
    w.len = 0;
    for (size_t i = 0; i < MEDSEC_SEED_BLOCKS_MAX; i++) {
        seed_wire_block(&w, SEED_KEY, "                ");
        w.text[w.len++] = '+';
    }
    expect(&w, "", MEDSEC_ERR_LIMIT);
    w.len--;
    expect(&w, "", 0);
}

static void test_push_after_a_fault(void **state)
{
    (void)state;
    seed_wire w = {.len = 0};
    stream s = {.key = SEED_KEY, .iv = SEED_IV};
    static trace log;
    seed_wire_add(&w, MEDSEC_SEED_PER_BLOCK, SEED_READING);
    begin(&s);
    log.len = 0;
    uint8_t bad = 'x';
    push(&s, &bad, 1, &log);
    push(&s, (uint8_t *)w.text, w.len, &log);
    assert_int_equal(log.len, 0);
    assert_int_equal(end(&s, &log), MEDSEC_ERR_FRAME);
}

static void test_open_arguments(void **state)
{
    (void)state;
    medsec_seed_decoder decoder;
    const uint8_t *key = (const uint8_t *)SEED_KEY;
    const uint8_t *iv = (const uint8_t *)SEED_IV;
    const medsec_crypto *crypto = medsec_crypto_openssl();
    assert_int_equal(medsec_seed_decoder_open(NULL, crypto, PICO, key, iv), MEDSEC_ERR_ARGUMENT);
    assert_int_equal(medsec_seed_decoder_open(&decoder, NULL, PICO, key, iv), MEDSEC_ERR_ARGUMENT);
    assert_int_equal(medsec_seed_decoder_open(&decoder, crypto, NULL, key, iv),
                     MEDSEC_ERR_ARGUMENT);
    assert_int_equal(medsec_seed_decoder_open(&decoder, crypto, PICO, NULL, iv),
                     MEDSEC_ERR_ARGUMENT);
    assert_int_equal(medsec_seed_decoder_open(&decoder, crypto, PICO, key, NULL),
                     MEDSEC_ERR_ARGUMENT);
    memset(&decoder, 0, sizeof decoder);
    medsec_seed_decoder_close(&decoder);
}

static void test_text_begins_reading(void **state)
{
    static const struct {
        const char *text;
        bool begins;
    } cases[] = {
        {"{\"Temp\":\"36.600\"", true},   {"{\"Temp\":\"-0.500\"", true},
        {"  {\t\"PulseSig\":\"", true},   {"{\"unknown\":true,", true},
        {"{\"Temp\":\"NaN\",\"T", false}, {"{\"Temp\":36.600,\"", false},
        {"xxxxxxxxxxxxxxxx", false},      {"[\"Temp\":\"36.600\"", false},
        {"{&&&&&&&&&&&&&&&", false},      {"{}&&&&&&&&&&&&&&", false},
        {"&&&&&&&&&&&&&&&&", false},      {"{\"Temp\":\"1\"}&&&&", false},
    };
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        assert_int_equal(strlen(cases[i].text), 16);
        assert_int_equal(medsec_seed_text_begins_reading(PICO, (const uint8_t *)cases[i].text),
                         cases[i].begins);
    }
}

static void test_text_begins_reading_of_one_block(void **state)
{
    static const medsec_vital vital = {"Rate", "Rate", "/min", "", 0, 300, 0, 0};
    static const medsec_profile profile = {2, 1, "rate", &vital, NULL, 0};
    (void)state;
    assert_int_equal(medsec_profile_check(&profile), MEDSEC_OK);
    assert_true(medsec_seed_text_begins_reading(&profile, (const uint8_t *)"{\"Rate\":\"72\"}&&&"));
    assert_true(medsec_seed_text_begins_reading(&profile, (const uint8_t *)"{\"Rate\":\"72.00\"}"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_push_pseudo_frames),
        cmocka_unit_test(test_push_pico_frames),
        cmocka_unit_test(test_push_pseudo_streams),
        cmocka_unit_test(test_push_pico_streams),
        cmocka_unit_test(test_push_every_truncation),
        cmocka_unit_test(test_push_bad_values_keep_the_stream),
        cmocka_unit_test(test_push_every_length),
        cmocka_unit_test(test_push_fill_inside_of_a_string_is_text),
        cmocka_unit_test(test_push_one_block_frames_stay_undecided),
        cmocka_unit_test(test_push_chaining_stays),
        cmocka_unit_test(test_push_foreign_frame),
        cmocka_unit_test(test_push_text_that_is_no_reading),
        cmocka_unit_test(test_push_malformed_frames),
        cmocka_unit_test(test_push_block_limit),
        cmocka_unit_test(test_push_after_a_fault),
        cmocka_unit_test(test_open_arguments),
        cmocka_unit_test(test_text_begins_reading),
        cmocka_unit_test(test_text_begins_reading_of_one_block),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
