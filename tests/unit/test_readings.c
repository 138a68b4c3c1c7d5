/* SPDX-License-Identifier: Apache-2.0 */
#include "unit.h"

#include "guard.h"

#include <medsec/message.h>

#include <string.h>

#define PICO (&medsec_profile_pico_vitals)
#define EXPECT_REFUSED(...) \
    expect_refused((const uint8_t[]){__VA_ARGS__}, sizeof((const uint8_t[]){__VA_ARGS__}))
#define EXPECT_TAKEN(...) \
    expect_taken((const uint8_t[]){__VA_ARGS__}, sizeof((const uint8_t[]){__VA_ARGS__}))

enum { ROOM = 32768, ROWS_MAX = MEDSEC_BATCH_MAX };

/* Two values a row, so that a message can be read by eye. */
static const medsec_vital pair_vitals[] = {{.key = "a"}, {.key = "b"}};
static const medsec_profile pair = {.id = 2, .count = 2, .name = "pair", .vitals = pair_vitals};

typedef struct batch {
    medsec_readings_head head;
    size_t rows;
    medsec_sample sample[ROWS_MAX];
} batch;

static medsec_status encode(uint8_t *out, size_t cap, size_t *len, const medsec_profile *profile,
                            const batch *in)
{
    medsec_readings_writer writer;
    medsec_status status = medsec_readings_begin(&writer, out, cap, profile, &in->head, in->rows);
    for (size_t i = 0; i < in->rows && status == MEDSEC_OK; i++) {
        status = medsec_readings_add(&writer, &in->sample[i]);
    }
    medsec_status end = medsec_readings_end(&writer, len);
    assert_int_equal(end, status);
    return status;
}

/* Against an inaccessible page; what is refused leaves the reader as it was. */
static medsec_status decode(batch *out, const medsec_profile *profile, const uint8_t *message,
                            size_t len)
{
    uint8_t *end = guard_end(ROOM);
    medsec_readings_reader reader;
    medsec_readings_reader before;
    memset(&reader, 0x5a, sizeof reader);
    before = reader;
    memcpy(end - len, message, len);
    medsec_status status = medsec_readings_open(&reader, profile, end - len, len);
    if (status == MEDSEC_OK) {
        medsec_sample sample;
        uint32_t sequence = 0;
        out->head = reader.head;
        for (out->rows = 0; medsec_readings_next(&reader, &sample, &sequence); out->rows++) {
            assert_int_equal(sequence, out->head.first_sequence + out->rows);
            out->sample[out->rows] = sample;
        }
        assert_false(medsec_readings_next(&reader, &sample, &sequence));
        assert_int_equal(out->rows, reader.rows);
    } else {
        assert_int_equal(status, MEDSEC_ERR_MESSAGE);
        assert_memory_equal(&reader, &before, sizeof before);
    }
    guard_free(end, ROOM);
    return status;
}

static void expect_refused(const uint8_t *message, size_t len)
{
    static batch out;
    assert_int_equal(decode(&out, &pair, message, len), MEDSEC_ERR_MESSAGE);
}

/* The one encoding of what it says; false when it is refused. */
static bool is_canonical(const medsec_profile *profile, const uint8_t *message, size_t len)
{
    static batch found;
    static uint8_t again[ROOM];
    size_t again_len = 0;
    if (decode(&found, profile, message, len) != MEDSEC_OK) {
        return false;
    }
    assert_int_equal(encode(again, sizeof again, &again_len, profile, &found), MEDSEC_OK);
    assert_int_equal(again_len, len);
    assert_memory_equal(again, message, len);
    return true;
}

static void expect_taken(const uint8_t *message, size_t len)
{
    assert_true(is_canonical(&pair, message, len));
}

static void expect_equal(const batch *a, const batch *b, size_t values)
{
    assert_int_equal(a->head.boot, b->head.boot);
    assert_int_equal(a->head.first_sequence, b->head.first_sequence);
    assert_int_equal(a->head.base_time_ms, b->head.base_time_ms);
    assert_int_equal(a->head.time_quality, b->head.time_quality);
    assert_int_equal(a->rows, b->rows);
    for (size_t row = 0; row < a->rows; row++) {
        assert_int_equal(a->sample[row].time_ms, b->sample[row].time_ms);
        assert_int_equal(a->sample[row].present, b->sample[row].present);
        for (size_t i = 0; i < values; i++) {
            bool there = (a->sample[row].present >> i & 1) != 0;
            assert_int_equal(a->sample[row].value[i], there ? b->sample[row].value[i] : 0);
        }
    }
}

static void expect_there_and_back(const medsec_profile *profile, const batch *in)
{
    static uint8_t message[ROOM];
    static batch out;
    size_t len = 0;
    assert_int_equal(encode(message, sizeof message, &len, profile, in), MEDSEC_OK);
    assert_int_equal(decode(&out, profile, message, len), MEDSEC_OK);
    assert_int_equal(out.head.profile, profile->id);
    expect_equal(&out, in, profile->count);
}

static uint32_t next_random(uint32_t *state)
{
    *state ^= *state << 13;
    *state ^= *state >> 17;
    *state ^= *state << 5;
    return *state;
}

/* Rows that wander, with sensors that fail now and then; `wild` uses all of 32 bits. */
static void make_batch(batch *out, const medsec_profile *profile, size_t rows, bool wild,
                       uint32_t seed)
{
    uint32_t random = seed * 2654435761u + 1;
    memset(out, 0, sizeof *out);
    out->head = (medsec_readings_head){.boot = next_random(&random) >> seed % 32,
                                       .first_sequence = next_random(&random) >> (8 + seed % 24),
                                       .base_time_ms = 1763640000000 + seed,
                                       .time_quality = (uint8_t)(seed % 3)};
    out->rows = rows;
    uint64_t time_ms = out->head.base_time_ms;
    for (size_t row = 0; row < rows; row++) {
        medsec_sample *sample = &out->sample[row];
        time_ms += next_random(&random) >> (wild ? 12 : 26);
        sample->time_ms = time_ms;
        sample->present = next_random(&random) | next_random(&random) | next_random(&random);
        sample->present &= (1u << profile->count) - 1;
        for (size_t i = 0; i < profile->count; i++) {
            int32_t value = (int32_t)next_random(&random);
            sample->value[i] = wild ? value : (int32_t)(i * 1000) - value % 40;
        }
    }
}

/* By hand, from the table in the description of the wire. */
static const uint8_t HAND[] = {
    1,    0x86, /* READINGS, six items */
    7,    0x19, 0x03, 0xfc, /* boot 7, sequence 1020 */
    0x18, 100,  2,    2, /* since 100 ms, own clock, profile 2 */
    0x84, /* four rows */
    0x83, 5,    0x18, 24,   0x20, /* 105 ms: 24, -1 */
    0x83, 0,    0x20, 0xf6, /* 105 ms: 23, null */
    0x83, 1,    0xf6, 0x24, /* 106 ms: null, -6 */
    0x83, 0x18, 50,   0,    0x38, 29, /* 156 ms: 23, -36 */
};

static void test_open_by_hand(void **state)
{
    (void)state;
    static batch out;
    static const batch expected = {
        .head = {7, 1020, 100, MEDSEC_TIME_OWN, 2},
        .rows = 4,
        .sample = {{105, 3, {24, -1}}, {105, 1, {23}}, {106, 2, {0, -6}}, {156, 3, {23, -36}}}};
    assert_int_equal(decode(&out, &pair, HAND, sizeof HAND), MEDSEC_OK);
    assert_int_equal(out.head.profile, 2);
    expect_equal(&out, &expected, 2);
    assert_true(is_canonical(&pair, HAND, sizeof HAND));
}

static void test_there_and_back(void **state)
{
    (void)state;
    static batch in;
    for (uint32_t seed = 0; seed < 300; seed++) {
        make_batch(&in, PICO, 1 + seed % ROWS_MAX, seed % 2 == 1, seed);
        expect_there_and_back(PICO, &in);
        make_batch(&in, &pair, 1 + seed % ROWS_MAX, seed % 2 == 0, seed);
        expect_there_and_back(&pair, &in);
    }
}

static void test_there_and_back_widest(void **state)
{
    (void)state;
    static medsec_vital vitals[MEDSEC_VITALS_MAX];
    const medsec_profile wide = {.id = 65535, .count = MEDSEC_VITALS_MAX, .vitals = vitals};
    static batch in;
    make_batch(&in, &wide, ROWS_MAX, true, 5);
    in.head.boot = UINT32_MAX;
    in.head.first_sequence = UINT32_MAX - (ROWS_MAX - 1);
    for (size_t i = 0; i < ROWS_MAX; i++) {
        for (size_t v = 0; v < MEDSEC_VITALS_MAX; v++) {
            in.sample[i].value[v] = i % 2 == 0 ? INT32_MIN : INT32_MAX;
        }
    }
    expect_there_and_back(&wide, &in);
}

static void test_open_every_truncation_and_one_byte_more(void **state)
{
    (void)state;
    uint8_t longer[sizeof HAND + 1];
    memcpy(longer, HAND, sizeof HAND);
    for (size_t len = 0; len < sizeof HAND; len++) {
        expect_refused(HAND, len);
    }
    for (unsigned byte = 0; byte < 256; byte++) {
        longer[sizeof HAND] = (uint8_t)byte;
        expect_refused(longer, sizeof longer);
    }
}

static void change_every_byte(const medsec_profile *profile, uint8_t *message, size_t len)
{
    unsigned taken = 0;
    unsigned refused = 0;
    for (size_t at = 0; at < len; at++) {
        const uint8_t was = message[at];
        for (unsigned byte = 0; byte < 256; byte++) {
            message[at] = (uint8_t)byte;
            is_canonical(profile, message, len) ? taken++ : refused++;
        }
        message[at] = was;
    }
    assert_true(taken > 500 && refused > 500);
}

static void test_open_every_changed_byte(void **state)
{
    (void)state;
    static batch in;
    static uint8_t message[ROOM];
    size_t len = sizeof HAND;
    memcpy(message, HAND, len);
    change_every_byte(&pair, message, len);
    for (uint32_t seed = 0; seed < 4; seed++) {
        make_batch(&in, PICO, 4, seed % 2 == 1, seed);
        assert_int_equal(encode(message, sizeof message, &len, PICO, &in), MEDSEC_OK);
        change_every_byte(PICO, message, len);
    }
}

/* A head with one row of nulls; then what may not be. */
static void test_open_heads(void **state)
{
    (void)state;
    EXPECT_TAKEN(1, 0x86, 0, 0, 0, 0, 2, 0x81, 0x83, 0, 0xf6, 0xf6);
    EXPECT_REFUSED(2, 0x86, 0, 0, 0, 0, 2, 0x81, 0x83, 0, 0xf6, 0xf6);
    EXPECT_REFUSED(1, 0x85, 0, 0, 0, 0, 2, 0x81, 0x83, 0, 0xf6, 0xf6);
    EXPECT_REFUSED(1, 0x87, 0, 0, 0, 0, 2, 0x81, 0x83, 0, 0xf6, 0xf6, 0);
    EXPECT_REFUSED(1, 0x9f, 0, 0, 0, 0, 2, 0x81, 0x83, 0, 0xf6, 0xf6, 0xff);
    EXPECT_REFUSED(1, 0x86, 0, 0, 0, 0, 2, 0x9f, 0x83, 0, 0xf6, 0xf6, 0xff);
    EXPECT_REFUSED(1, 0x86, 0, 0, 0, 0, 2, 0x98, 1, 0x83, 0, 0xf6, 0xf6);
    EXPECT_REFUSED(1, 0x86, 0, 0, 0, 0, 2, 0x80); /* no rows */
    EXPECT_REFUSED(1, 0x86, 0, 0, 0, 0, 2, 0x82, 0x83, 0, 0xf6, 0xf6); /* says two */
    EXPECT_REFUSED(1, 0x86, 0, 0, 0, 0, 1, 0x81, 0x83, 0, 0xf6, 0xf6); /* another profile */
    EXPECT_REFUSED(1, 0x86, 0, 0, 0, 0, 0x1a, 0, 1, 0, 2, 0x81, 0x83, 0, 0xf6, 0xf6);
    EXPECT_TAKEN(1, 0x86, 0, 0, 0, 2, 2, 0x81, 0x83, 0, 0xf6, 0xf6);
    EXPECT_REFUSED(1, 0x86, 0, 0, 0, 3, 2, 0x81, 0x83, 0, 0xf6, 0xf6); /* no such quality */
    EXPECT_REFUSED(1, 0x86, 0, 0, 0, 0x19, 1, 0, 2, 0x81, 0x83, 0, 0xf6, 0xf6);
    EXPECT_REFUSED(1, 0x86, 0x20, 0, 0, 0, 2, 0x81, 0x83, 0, 0xf6, 0xf6); /* negative */
    EXPECT_REFUSED(1, 0x86, 0, 0x20, 0, 0, 2, 0x81, 0x83, 0, 0xf6, 0xf6);
    EXPECT_REFUSED(1, 0x86, 0, 0, 0x20, 0, 2, 0x81, 0x83, 0, 0xf6, 0xf6);
    EXPECT_REFUSED(1, 0x86, 0x1b, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 2, 0x81, 0x83, 0, 0xf6, 0xf6);
    EXPECT_REFUSED(1, 0x86, 0, 0x1b, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 2, 0x81, 0x83, 0, 0xf6, 0xf6);
}

static void test_open_rows(void **state)
{
    (void)state;
    EXPECT_REFUSED(1, 0x86, 0, 0, 0, 0, 2, 0x81, 0x82, 0, 0xf6);
    EXPECT_REFUSED(1, 0x86, 0, 0, 0, 0, 2, 0x81, 0x84, 0, 0xf6, 0xf6, 0xf6);
    EXPECT_REFUSED(1, 0x86, 0, 0, 0, 0, 2, 0x81, 0x80);
    EXPECT_REFUSED(1, 0x86, 0, 0, 0, 0, 2, 0x81, 0);
    EXPECT_REFUSED(1, 0x86, 0, 0, 0, 0, 2, 0x81, 0xf6);
    EXPECT_REFUSED(1, 0x86, 0, 0, 0, 0, 2, 0x81, 0x83, 0xf6, 0xf6, 0xf6); /* no time */
    EXPECT_REFUSED(1, 0x86, 0, 0, 0, 0, 2, 0x81, 0x83, 0x20, 0xf6, 0xf6); /* before the base */
    EXPECT_REFUSED(1, 0x86, 0, 0, 0, 0, 2, 0x81, 0x83, 0, 0xf7, 0xf6); /* undefined */
    EXPECT_REFUSED(1, 0x86, 0, 0, 0, 0, 2, 0x81, 0x83, 0, 0xf6, 0xf4); /* false */
    EXPECT_REFUSED(1, 0x86, 0, 0, 0, 0, 2, 0x81, 0x83, 0, 0xf6, 0xf9, 0, 0); /* a float */
    EXPECT_REFUSED(1, 0x86, 0, 0, 0, 0, 2, 0x81, 0x83, 0, 0xf6, 0x61, 0x31); /* a text */
    EXPECT_REFUSED(1, 0x86, 0, 0, 0, 0, 2, 0x81, 0x9f, 0, 0xf6, 0xf6, 0xff);
    EXPECT_REFUSED(1, 0x86, 0, 0, 0, 0, 2, 0x81, 0x83, 0, 0xf6, 0x18, 0x17);
    EXPECT_TAKEN(1, 0x86, 0, 0, 0, 0, 2, 0x82, 0x83, 9, 0xf6, 0xf6, 0x83, 0, 0xf6, 0xf6);
    EXPECT_REFUSED(1, 0x86, 0, 0, 0, 0, 2, 0x82, 0x83, 9, 0xf6, 0xf6, 0x83, 0x20, 0xf6, 0xf6);
}

static void test_open_sums_of_32_bits(void **state)
{
    (void)state;
    /* 2^31-1 and then 0 more, or 1; -2^31 and then 0 less, or 1; from one to the other */
    EXPECT_TAKEN(1, 0x86, 0, 0, 0, 0, 2, 0x82, 0x83, 0, 0x1a, 0x7f, 0xff, 0xff, 0xff, 0xf6, 0x83, 0,
                 0, 0xf6);
    EXPECT_REFUSED(1, 0x86, 0, 0, 0, 0, 2, 0x82, 0x83, 0, 0x1a, 0x7f, 0xff, 0xff, 0xff, 0xf6, 0x83,
                   0, 1, 0xf6);
    EXPECT_TAKEN(1, 0x86, 0, 0, 0, 0, 2, 0x82, 0x83, 0, 0x3a, 0x7f, 0xff, 0xff, 0xff, 0xf6, 0x83, 0,
                 0, 0xf6);
    EXPECT_REFUSED(1, 0x86, 0, 0, 0, 0, 2, 0x82, 0x83, 0, 0x3a, 0x7f, 0xff, 0xff, 0xff, 0xf6, 0x83,
                   0, 0x20, 0xf6);
    EXPECT_TAKEN(1, 0x86, 0, 0, 0, 0, 2, 0x82, 0x83, 0, 0x3a, 0x7f, 0xff, 0xff, 0xff, 0xf6, 0x83, 0,
                 0x1a, 0xff, 0xff, 0xff, 0xff, 0xf6);
    EXPECT_TAKEN(1, 0x86, 0, 0, 0, 0, 2, 0x82, 0x83, 0, 0x1a, 0x7f, 0xff, 0xff, 0xff, 0xf6, 0x83, 0,
                 0x3a, 0xff, 0xff, 0xff, 0xfe, 0xf6);
    EXPECT_REFUSED(1, 0x86, 0, 0, 0, 0, 2, 0x82, 0x83, 0, 0x1a, 0x7f, 0xff, 0xff, 0xff, 0xf6, 0x83,
                   0, 0x3a, 0xff, 0xff, 0xff, 0xff, 0xf6);
    EXPECT_REFUSED(1, 0x86, 0, 0, 0, 0, 2, 0x81, 0x83, 0, 0x1a, 0x80, 0, 0, 0, 0xf6);
    EXPECT_REFUSED(1, 0x86, 0, 0, 0, 0, 2, 0x81, 0x83, 0, 0x3a, 0x80, 0, 0, 0, 0xf6);
    EXPECT_REFUSED(1, 0x86, 0, 0, 0, 0, 2, 0x81, 0x83, 0, 0x1b, 0, 0, 0, 1, 0, 0, 0, 0, 0xf6);
    EXPECT_REFUSED(1, 0x86, 0, 0, 0, 0, 2, 0x81, 0x83, 0, 0x3b, 0, 0, 0, 1, 0, 0, 0, 0, 0xf6);
    /* dt: 2^32-1, and then 0 or 1 */
    EXPECT_TAKEN(1, 0x86, 0, 0, 0, 0, 2, 0x82, 0x83, 0x1a, 0xff, 0xff, 0xff, 0xff, 0xf6, 0xf6, 0x83,
                 0, 0xf6, 0xf6);
    EXPECT_REFUSED(1, 0x86, 0, 0, 0, 0, 2, 0x82, 0x83, 0x1a, 0xff, 0xff, 0xff, 0xff, 0xf6, 0xf6,
                   0x83, 1, 0xf6, 0xf6);
    EXPECT_REFUSED(1, 0x86, 0, 0, 0, 0, 2, 0x81, 0x83, 0x1b, 0, 0, 0, 1, 0, 0, 0, 0, 0xf6, 0xf6);
}

static void test_open_sequence_and_time_run_over(void **state)
{
    (void)state;
    EXPECT_TAKEN(1, 0x86, 0, 0x1a, 0xff, 0xff, 0xff, 0xff, 0, 0, 2, 0x81, 0x83, 0, 0xf6, 0xf6);
    EXPECT_REFUSED(1, 0x86, 0, 0x1a, 0xff, 0xff, 0xff, 0xff, 0, 0, 2, 0x82, 0x83, 0, 0xf6, 0xf6,
                   0x83, 0, 0xf6, 0xf6);
    /* 253402300799999 is e677d21fdbff */
    EXPECT_TAKEN(1, 0x86, 0, 0, 0x1b, 0, 0, 0xe6, 0x77, 0xd2, 0x1f, 0xdb, 0xff, 0, 2, 0x81, 0x83, 0,
                 0xf6, 0xf6);
    EXPECT_REFUSED(1, 0x86, 0, 0, 0x1b, 0, 0, 0xe6, 0x77, 0xd2, 0x1f, 0xdb, 0xff, 0, 2, 0x81, 0x83,
                   1, 0xf6, 0xf6);
    EXPECT_REFUSED(1, 0x86, 0, 0, 0x1b, 0, 0, 0xe6, 0x77, 0xd2, 0x1f, 0xdc, 0, 0, 2, 0x81, 0x83, 0,
                   0xf6, 0xf6);
    EXPECT_REFUSED(1, 0x86, 0, 0, 0x1b, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0, 2, 0x81,
                   0x83, 1, 0xf6, 0xf6);
}

static void test_open_number_of_rows(void **state)
{
    (void)state;
    static uint8_t message[ROOM];
    static const uint8_t head[] = {1, 0x86, 0, 0, 0, 0, 2};
    static const uint8_t row[] = {0x83, 0, 0xf6, 0xf6};
    for (size_t rows = 24; rows <= 300; rows++) {
        size_t at = sizeof head;
        memcpy(message, head, at);
        message[at++] = rows < 256 ? 0x98 : 0x99;
        if (rows >= 256) {
            message[at++] = (uint8_t)(rows >> 8);
        }
        message[at++] = (uint8_t)rows;
        for (size_t i = 0; i < rows; i++) {
            memcpy(message + at, row, sizeof row);
            at += sizeof row;
        }
        assert_int_equal(is_canonical(&pair, message, at), rows <= ROWS_MAX);
    }
}

static void test_next_stops_when_the_message_has_changed(void **state)
{
    (void)state;
    for (size_t at = 11; at < sizeof HAND; at++) {
        uint8_t *end = guard_end(ROOM);
        uint8_t *message = end - sizeof HAND;
        medsec_readings_reader reader;
        medsec_sample sample;
        uint32_t sequence = 0;
        size_t rows = 0;
        memcpy(message, HAND, sizeof HAND);
        assert_int_equal(medsec_readings_open(&reader, &pair, message, sizeof HAND), MEDSEC_OK);
        memset(message + at, 0xff, sizeof HAND - at);
        while (rows <= 4 && medsec_readings_next(&reader, &sample, &sequence)) {
            rows++;
        }
        assert_true(rows <= (at - 11) / 4);
        guard_free(end, ROOM);
    }
}

static void test_begin_limits(void **state)
{
    (void)state;
    uint8_t out[64];
    medsec_readings_writer writer;
    medsec_readings_head head = {.boot = 1};
    const struct {
        size_t rows;
        uint32_t sequence;
        uint64_t time_ms;
        uint8_t quality;
        medsec_status expected;
    } cases[] = {
        {1, UINT32_MAX, MEDSEC_TIME_MS_MAX, 2, MEDSEC_OK},
        {255, 0, 0, 0, MEDSEC_OK},
        {255, UINT32_MAX - 254, 0, 0, MEDSEC_OK},
        {255, UINT32_MAX - 253, 0, 0, MEDSEC_ERR_LIMIT},
        {0, 0, 0, 0, MEDSEC_ERR_LIMIT},
        {256, 0, 0, 0, MEDSEC_ERR_LIMIT},
        {SIZE_MAX, 0, 0, 0, MEDSEC_ERR_LIMIT},
        {1, 0, MEDSEC_TIME_MS_MAX + 1, 0, MEDSEC_ERR_LIMIT},
        {1, 0, 0, 3, MEDSEC_ERR_ARGUMENT},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        head.first_sequence = cases[i].sequence;
        head.base_time_ms = cases[i].time_ms;
        head.time_quality = cases[i].quality;
        assert_int_equal(
            medsec_readings_begin(&writer, out, sizeof out, &pair, &head, cases[i].rows),
            cases[i].expected);
    }
    medsec_profile wrong = pair;
    head.time_quality = 0;
    for (unsigned count = 0; count < 256; count++) {
        medsec_readings_reader reader;
        bool fits = count >= 1 && count <= MEDSEC_VITALS_MAX;
        wrong.count = (uint8_t)count;
        assert_int_equal(medsec_readings_begin(&writer, out, sizeof out, &wrong, &head, 1),
                         fits ? MEDSEC_OK : MEDSEC_ERR_ARGUMENT);
        assert_int_equal(medsec_readings_open(&reader, &wrong, NULL, 0),
                         fits ? MEDSEC_ERR_MESSAGE : MEDSEC_ERR_ARGUMENT);
    }
}

static void expect_add(uint64_t time_ms, uint32_t present, medsec_status expected)
{
    uint8_t out[64];
    size_t len = 0;
    medsec_readings_writer writer;
    const medsec_readings_head head = {.base_time_ms = MEDSEC_TIME_MS_MAX - 0x100000010};
    medsec_sample sample = {.time_ms = head.base_time_ms + 100};
    assert_int_equal(medsec_readings_begin(&writer, out, sizeof out, &pair, &head, 2), MEDSEC_OK);
    assert_int_equal(medsec_readings_add(&writer, &sample), MEDSEC_OK);
    size_t before = writer.len;
    sample = (medsec_sample){.time_ms = head.base_time_ms + time_ms, .present = present};
    assert_int_equal(medsec_readings_add(&writer, &sample), expected);
    if (expected != MEDSEC_OK) {
        assert_int_equal(writer.len, before);
        assert_int_equal(medsec_readings_end(&writer, &len), MEDSEC_ERR_STATE);
        sample = (medsec_sample){.time_ms = head.base_time_ms + 100};
        assert_int_equal(medsec_readings_add(&writer, &sample), MEDSEC_OK);
    }
    assert_int_equal(medsec_readings_end(&writer, &len), MEDSEC_OK);
    assert_true(is_canonical(&pair, out, len));
}

static void test_add_refuses_what_nobody_would_read(void **state)
{
    (void)state;
    expect_add(100, 3, MEDSEC_OK);
    expect_add(UINT32_MAX, 0, MEDSEC_OK);
    expect_add(99, 0, MEDSEC_ERR_ARGUMENT);
    expect_add((uint64_t)-1, 0, MEDSEC_ERR_ARGUMENT);
    expect_add((uint64_t)UINT32_MAX + 1, 0, MEDSEC_ERR_ARGUMENT);
    expect_add(100, 4, MEDSEC_ERR_ARGUMENT);
    expect_add(100, 0x80000000u, MEDSEC_ERR_ARGUMENT);
    uint8_t out[64];
    medsec_readings_writer writer;
    const medsec_readings_head head = {.base_time_ms = MEDSEC_TIME_MS_MAX};
    medsec_sample sample = {.time_ms = MEDSEC_TIME_MS_MAX + 1};
    assert_int_equal(medsec_readings_begin(&writer, out, sizeof out, &pair, &head, 1), MEDSEC_OK);
    assert_int_equal(medsec_readings_add(&writer, &sample), MEDSEC_ERR_LIMIT);
}

static void test_add_more_or_fewer_rows(void **state)
{
    (void)state;
    uint8_t out[64];
    size_t len = 99;
    medsec_readings_writer writer = {0};
    const medsec_readings_head head = {0};
    const medsec_sample sample = {0};
    assert_int_equal(medsec_readings_end(&writer, &len), MEDSEC_ERR_STATE);
    assert_int_equal(medsec_readings_add(&writer, &sample), MEDSEC_ERR_STATE);
    assert_int_equal(medsec_readings_begin(&writer, out, sizeof out, &pair, &head, 2), MEDSEC_OK);
    assert_int_equal(medsec_readings_end(&writer, &len), MEDSEC_ERR_STATE);
    assert_int_equal(medsec_readings_add(&writer, &sample), MEDSEC_OK);
    assert_int_equal(medsec_readings_end(&writer, &len), MEDSEC_ERR_STATE);
    assert_int_equal(len, 99);
    assert_int_equal(medsec_readings_add(&writer, &sample), MEDSEC_OK);
    assert_int_equal(medsec_readings_add(&writer, &sample), MEDSEC_ERR_STATE);
    assert_int_equal(medsec_readings_end(&writer, &len), MEDSEC_OK);
    assert_int_equal(len, 16);
}

static void test_add_every_capacity(void **state)
{
    (void)state;
    static batch in;
    static uint8_t message[ROOM];
    size_t whole = 0;
    make_batch(&in, PICO, 9, true, 3);
    assert_int_equal(encode(message, sizeof message, &whole, PICO, &in), MEDSEC_OK);
    for (size_t cap = 0; cap < whole + 3; cap++) {
        uint8_t *end = guard_end(ROOM);
        size_t len = 99;
        assert_int_equal(encode(end - cap, cap, &len, PICO, &in),
                         cap >= whole ? MEDSEC_OK : MEDSEC_ERR_BUFFER);
        assert_int_equal(len, cap >= whole ? whole : 99);
        guard_free(end, ROOM);
    }
}

static void test_arguments(void **state)
{
    (void)state;
    uint8_t out[64];
    size_t len = 0;
    uint32_t sequence = 0;
    medsec_readings_writer writer;
    medsec_readings_reader reader;
    medsec_sample sample = {0};
    const medsec_readings_head head = {0};
    const medsec_status bad = MEDSEC_ERR_ARGUMENT;
    assert_int_equal(medsec_readings_begin(NULL, out, 64, &pair, &head, 1), bad);
    assert_int_equal(medsec_readings_begin(&writer, NULL, 64, &pair, &head, 1), bad);
    assert_int_equal(medsec_readings_begin(&writer, out, 64, NULL, &head, 1), bad);
    assert_int_equal(medsec_readings_begin(&writer, out, 64, &pair, NULL, 1), bad);
    assert_int_equal(medsec_readings_begin(&writer, out, 64, &pair, &head, 1), MEDSEC_OK);
    assert_int_equal(medsec_readings_add(NULL, &sample), bad);
    assert_int_equal(medsec_readings_add(&writer, NULL), bad);
    assert_int_equal(medsec_readings_end(NULL, &len), bad);
    assert_int_equal(medsec_readings_end(&writer, NULL), bad);
    assert_int_equal(medsec_readings_open(NULL, &pair, HAND, sizeof HAND), bad);
    assert_int_equal(medsec_readings_open(&reader, NULL, HAND, sizeof HAND), bad);
    assert_int_equal(medsec_readings_open(&reader, &pair, NULL, 1), bad);
    assert_int_equal(medsec_readings_open(&reader, &pair, HAND, sizeof HAND), MEDSEC_OK);
    assert_false(medsec_readings_next(NULL, &sample, &sequence));
    assert_false(medsec_readings_next(&reader, NULL, &sequence));
    assert_false(medsec_readings_next(&reader, &sample, NULL));
    assert_true(medsec_readings_next(&reader, &sample, &sequence));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_open_by_hand),
        cmocka_unit_test(test_there_and_back),
        cmocka_unit_test(test_there_and_back_widest),
        cmocka_unit_test(test_open_every_truncation_and_one_byte_more),
        cmocka_unit_test(test_open_every_changed_byte),
        cmocka_unit_test(test_open_heads),
        cmocka_unit_test(test_open_rows),
        cmocka_unit_test(test_open_sums_of_32_bits),
        cmocka_unit_test(test_open_sequence_and_time_run_over),
        cmocka_unit_test(test_open_number_of_rows),
        cmocka_unit_test(test_next_stops_when_the_message_has_changed),
        cmocka_unit_test(test_begin_limits),
        cmocka_unit_test(test_add_refuses_what_nobody_would_read),
        cmocka_unit_test(test_add_more_or_fewer_rows),
        cmocka_unit_test(test_add_every_capacity),
        cmocka_unit_test(test_arguments),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
