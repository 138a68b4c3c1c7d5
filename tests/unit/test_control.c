/* SPDX-License-Identifier: Apache-2.0 */
#include "unit.h"

#include "guard.h"

#include <medsec/message.h>

#include <string.h>

enum { ROOM = 64 };

typedef struct example {
    medsec_control control;
    uint8_t bytes[MEDSEC_CONTROL_LEN_MAX];
    size_t len;
} example;

#define CONFIG(...)                                                \
    {                                                              \
        .kind = MEDSEC_KIND_CONFIG, .body.config = { __VA_ARGS__ } \
    }
#define EXAMPLES (sizeof examples / sizeof examples[0])
#define MAX UINT32_MAX

/* From the table in the description of the wire, by hand. */
static const example examples[] = {
    {{.kind = MEDSEC_KIND_ACK, .body.ack = {0, 0}}, {2, 0x82, 0, 0}, 4},
    {{.kind = MEDSEC_KIND_ACK, .body.ack = {7, 1020}}, {2, 0x82, 7, 0x19, 0x03, 0xfc}, 6},
    {{.kind = MEDSEC_KIND_ACK, .body.ack = {MAX, MAX}},
     {2, 0x82, 0x1a, 0xff, 0xff, 0xff, 0xff, 0x1a, 0xff, 0xff, 0xff, 0xff},
     12},
    {CONFIG(.version = 23), {3, 0x82, 0x17, 0xa0}, 4},
    {CONFIG(.version = 24, .given = MEDSEC_CONFIG_SAMPLE_INTERVAL, .sample_interval_ms = 50),
     {3, 0x82, 0x18, 24, 0xa1, 1, 0x18, 50},
     8},
    {CONFIG(.version = 1, .given = MEDSEC_CONFIG_BATCH_MAX, .batch_max = 20),
     {3, 0x82, 1, 0xa1, 2, 20},
     6},
    {CONFIG(.version = 1, .given = MEDSEC_CONFIG_REPORT_INTERVAL, .report_interval_ms = 1000),
     {3, 0x82, 1, 0xa1, 3, 0x19, 0x03, 0xe8},
     8},
    {CONFIG(.version = 1, .given = MEDSEC_CONFIG_SAMPLE_INTERVAL | MEDSEC_CONFIG_REPORT_INTERVAL,
            .sample_interval_ms = 0, .report_interval_ms = 0),
     {3, 0x82, 1, 0xa2, 1, 0, 3, 0},
     8},
    {CONFIG(MAX, 7, MAX, MAX, MAX),
     {3,    0x82, 0x1a, 0xff, 0xff, 0xff, 0xff, 0xa3, 1,    0x1a, 0xff, 0xff, 0xff,
      0xff, 2,    0x1a, 0xff, 0xff, 0xff, 0xff, 3,    0x1a, 0xff, 0xff, 0xff, 0xff},
     26},
    {{.kind = MEDSEC_KIND_CONFIG_ACK, .body.config_ack = {258, MEDSEC_CONFIG_REFUSED}},
     {4, 0x82, 0x19, 0x01, 0x02, 1},
     6},
    {{.kind = MEDSEC_KIND_CLOSE, .body.close_reason = MEDSEC_CLOSE_EXPIRED}, {5, 0x81, 3}, 3},
    {{.kind = MEDSEC_KIND_CLOSE, .body.close_reason = MAX},
     {5, 0x81, 0x1a, 0xff, 0xff, 0xff, 0xff},
     7},
};

static void expect_equal(const medsec_control *a, const medsec_control *b)
{
    assert_int_equal(a->kind, b->kind);
    switch (a->kind) {
    case MEDSEC_KIND_ACK:
        assert_int_equal(a->body.ack.boot, b->body.ack.boot);
        assert_int_equal(a->body.ack.sequence, b->body.ack.sequence);
        break;
    case MEDSEC_KIND_CONFIG:
        assert_memory_equal(&a->body.config, &b->body.config, sizeof a->body.config);
        break;
    case MEDSEC_KIND_CONFIG_ACK:
        assert_int_equal(a->body.config_ack.version, b->body.config_ack.version);
        assert_int_equal(a->body.config_ack.status, b->body.config_ack.status);
        break;
    default:
        assert_int_equal(a->kind, MEDSEC_KIND_CLOSE);
        assert_int_equal(a->body.close_reason, b->body.close_reason);
    }
}

/* Against an inaccessible page; what is refused leaves the output as it was. */
static medsec_status decode(medsec_control *control, const uint8_t *message, size_t len)
{
    uint8_t *end = guard_end(ROOM);
    medsec_control before;
    memset(control, 0x5a, sizeof *control);
    before = *control;
    memcpy(end - len, message, len);
    medsec_status status = medsec_control_decode(control, end - len, len);
    assert_true(status == MEDSEC_OK || status == MEDSEC_ERR_MESSAGE);
    if (status != MEDSEC_OK) {
        assert_memory_equal(control, &before, sizeof before);
    }
    guard_free(end, ROOM);
    return status;
}

static void expect_refused(const uint8_t *message, size_t len)
{
    medsec_control control;
    assert_int_equal(decode(&control, message, len), MEDSEC_ERR_MESSAGE);
}

#define EXPECT_REFUSED(...) \
    expect_refused((const uint8_t[]){__VA_ARGS__}, sizeof((const uint8_t[]){__VA_ARGS__}))

/* Refused, or the one encoding of what it says. */
static bool expect_canonical(const uint8_t *message, size_t len)
{
    medsec_control control;
    uint8_t out[ROOM];
    size_t out_len = 0;
    if (decode(&control, message, len) != MEDSEC_OK) {
        return false;
    }
    assert_int_equal(medsec_control_encode(out, sizeof out, &out_len, &control), MEDSEC_OK);
    assert_int_equal(out_len, len);
    assert_memory_equal(out, message, len);
    return true;
}

static void test_encode_and_decode_examples(void **state)
{
    (void)state;
    for (size_t i = 0; i < EXAMPLES; i++) {
        const example *e = &examples[i];
        uint8_t out[MEDSEC_CONTROL_LEN_MAX];
        size_t len = 0;
        assert_int_equal(medsec_control_encode(out, sizeof out, &len, &e->control), MEDSEC_OK);
        assert_int_equal(len, e->len);
        assert_memory_equal(out, e->bytes, len);
        medsec_control control;
        assert_int_equal(decode(&control, e->bytes, e->len), MEDSEC_OK);
        expect_equal(&control, &e->control);
        medsec_kind kind;
        assert_int_equal(medsec_message_kind(&kind, e->bytes, e->len), MEDSEC_OK);
        assert_int_equal(kind, e->control.kind);
    }
}

static void test_decode_every_truncation_and_one_byte_more(void **state)
{
    (void)state;
    for (size_t i = 0; i < EXAMPLES; i++) {
        uint8_t longer[ROOM];
        memcpy(longer, examples[i].bytes, examples[i].len);
        for (size_t len = 0; len < examples[i].len; len++) {
            expect_refused(longer, len);
        }
        for (unsigned byte = 0; byte < 256; byte++) {
            longer[examples[i].len] = (uint8_t)byte;
            expect_refused(longer, examples[i].len + 1);
        }
    }
}

static void test_decode_every_changed_byte(void **state)
{
    (void)state;
    unsigned taken = 0;
    unsigned refused = 0;
    for (size_t i = 0; i < EXAMPLES; i++) {
        for (size_t at = 0; at < examples[i].len; at++) {
            uint8_t changed[ROOM];
            memcpy(changed, examples[i].bytes, examples[i].len);
            for (unsigned byte = 0; byte < 256; byte++) {
                changed[at] = (uint8_t)byte;
                expect_canonical(changed, examples[i].len) ? taken++ : refused++;
            }
        }
    }
    assert_true(taken > 1000 && refused > 1000);
}

static void test_decode_wrong_shapes(void **state)
{
    (void)state;
    EXPECT_REFUSED(0);
    EXPECT_REFUSED(1, 0x82, 0, 0); /* READINGS is no control message */
    EXPECT_REFUSED(6, 0x82, 0, 0);
    EXPECT_REFUSED(0xff, 0x82, 0, 0);
    EXPECT_REFUSED(2, 0x81, 0);
    EXPECT_REFUSED(2, 0x83, 0, 0, 0);
    EXPECT_REFUSED(2, 0x80);
    EXPECT_REFUSED(2, 0x9f, 0, 0, 0xff); /* indefinite */
    EXPECT_REFUSED(2, 0x98, 2, 0, 0); /* longer than needed */
    EXPECT_REFUSED(2, 0x82, 0x18, 0, 0);
    EXPECT_REFUSED(2, 0x82, 0, 0x20); /* negative */
    EXPECT_REFUSED(2, 0x82, 0, 0xf6);
    EXPECT_REFUSED(2, 0x82, 0, 0xf4);
    EXPECT_REFUSED(2, 0x82, 0, 0x40);
    EXPECT_REFUSED(2, 0x82, 0, 0xc0, 0); /* tagged */
    EXPECT_REFUSED(2, 0xa1, 0, 0);
    EXPECT_REFUSED(2, 0x82, 0, 0x1b, 0, 0, 0, 1, 0, 0, 0, 0); /* 2^32 */
    EXPECT_REFUSED(5, 0x82, 0, 0);
    EXPECT_REFUSED(5, 0);
    EXPECT_REFUSED(4, 0x81, 0);
}

static void test_decode_config_maps(void **state)
{
    (void)state;
    EXPECT_REFUSED(3, 0x82, 1, 0xa1, 0, 5); /* no such key */
    EXPECT_REFUSED(3, 0x82, 1, 0xa1, 4, 5);
    EXPECT_REFUSED(3, 0x82, 1, 0xa1, 0x20, 5);
    EXPECT_REFUSED(3, 0x82, 1, 0xa2, 1, 5, 1, 5); /* twice */
    EXPECT_REFUSED(3, 0x82, 1, 0xa2, 2, 5, 1, 5); /* out of order */
    EXPECT_REFUSED(3, 0x82, 1, 0xa3, 1, 5, 3, 5, 2, 5);
    EXPECT_REFUSED(3, 0x82, 1, 0xa4, 1, 5, 2, 5, 3, 5, 3, 5);
    EXPECT_REFUSED(3, 0x82, 1, 0xa1, 1, 0x20);
    EXPECT_REFUSED(3, 0x82, 1, 0xa1, 1, 0xf6);
    EXPECT_REFUSED(3, 0x82, 1, 0xa1, 1, 0x1b, 0, 0, 0, 1, 0, 0, 0, 0);
    EXPECT_REFUSED(3, 0x82, 1, 0xa1, 0x18, 1, 5);
    EXPECT_REFUSED(3, 0x82, 1, 0xa2, 1, 5); /* says two, has one */
    EXPECT_REFUSED(3, 0x82, 1, 0xa0, 1, 5);
    EXPECT_REFUSED(3, 0x82, 1, 0x80);
    EXPECT_REFUSED(3, 0x82, 1, 0xbf, 1, 5, 0xff);
    EXPECT_REFUSED(3, 0x82, 1, 0xf6);
    EXPECT_REFUSED(3, 0x81, 1);
}

/* Every body of an array and three bytes in CONFIG, a sample of them in the others. */
static void test_decode_every_short_text(void **state)
{
    (void)state;
    for (unsigned kind = 0; kind < 8; kind++) {
        for (uint32_t text = 0; text < 0x1000000; text += kind == 3 ? 1 : 251) {
            const uint8_t data[] = {(uint8_t)kind, 0x80 | (kind == 5 ? 1 : 2),
                                    (uint8_t)(text >> 16), (uint8_t)(text >> 8), (uint8_t)text};
            medsec_control control;
            uint8_t out[ROOM];
            size_t len = 0;
            if (medsec_control_decode(&control, data, sizeof data) == MEDSEC_OK) {
                assert_int_equal(medsec_control_encode(out, sizeof out, &len, &control), MEDSEC_OK);
                assert_int_equal(len, sizeof data);
                assert_memory_equal(out, data, len);
            }
        }
    }
}

static void test_encode_every_capacity(void **state)
{
    (void)state;
    for (size_t i = 0; i < EXAMPLES; i++) {
        for (size_t cap = 0; cap <= MEDSEC_CONTROL_LEN_MAX; cap++) {
            uint8_t *end = guard_end(ROOM);
            size_t len = 99;
            bool fits = cap >= examples[i].len;
            assert_int_equal(medsec_control_encode(end - cap, cap, &len, &examples[i].control),
                             fits ? MEDSEC_OK : MEDSEC_ERR_BUFFER);
            assert_int_equal(len, fits ? examples[i].len : 99);
            guard_free(end, ROOM);
        }
    }
}

static void test_encode_refuses_what_is_no_control_message(void **state)
{
    (void)state;
    uint8_t out[ROOM];
    size_t len = 0;
    medsec_control control = {.kind = MEDSEC_KIND_READINGS};
    assert_int_equal(medsec_control_encode(out, sizeof out, &len, &control), MEDSEC_ERR_ARGUMENT);
    control.kind = (medsec_kind)6;
    assert_int_equal(medsec_control_encode(out, sizeof out, &len, &control), MEDSEC_ERR_ARGUMENT);
    control = (medsec_control)CONFIG(.given = 8);
    assert_int_equal(medsec_control_encode(out, sizeof out, &len, &control), MEDSEC_ERR_ARGUMENT);
    assert_int_equal(medsec_control_encode(NULL, 9, &len, &control), MEDSEC_ERR_ARGUMENT);
    assert_int_equal(medsec_control_encode(out, 9, NULL, &control), MEDSEC_ERR_ARGUMENT);
    assert_int_equal(medsec_control_encode(out, 9, &len, NULL), MEDSEC_ERR_ARGUMENT);
    assert_int_equal(medsec_control_decode(NULL, out, 1), MEDSEC_ERR_ARGUMENT);
    assert_int_equal(medsec_control_decode(&control, NULL, 1), MEDSEC_ERR_ARGUMENT);
    assert_int_equal(medsec_control_decode(&control, NULL, 0), MEDSEC_ERR_MESSAGE);
}

/* What is not given does not go out. */
static void test_encode_leaves_out_what_is_not_given(void **state)
{
    (void)state;
    uint8_t out[ROOM];
    size_t len = 0;
    medsec_control control = CONFIG(.version = 9, .given = 2, 11, 12, 13);
    assert_int_equal(medsec_control_encode(out, sizeof out, &len, &control), MEDSEC_OK);
    assert_int_equal(medsec_control_decode(&control, out, len), MEDSEC_OK);
    assert_int_equal(control.body.config.given, 2);
    assert_int_equal(control.body.config.sample_interval_ms, 0);
    assert_int_equal(control.body.config.batch_max, 12);
    assert_int_equal(control.body.config.report_interval_ms, 0);
}

static void test_message_kind_every_byte(void **state)
{
    (void)state;
    for (unsigned byte = 0; byte < 256; byte++) {
        const uint8_t message = (uint8_t)byte;
        medsec_kind kind = (medsec_kind)0;
        bool known = byte >= 1 && byte <= 5;
        assert_int_equal(medsec_message_kind(&kind, &message, 1),
                         known ? MEDSEC_OK : MEDSEC_ERR_MESSAGE);
        assert_int_equal(kind, known ? byte : 0);
    }
    medsec_kind kind;
    assert_int_equal(medsec_message_kind(&kind, NULL, 0), MEDSEC_ERR_MESSAGE);
    assert_int_equal(medsec_message_kind(&kind, NULL, 1), MEDSEC_ERR_ARGUMENT);
    assert_int_equal(medsec_message_kind(NULL, examples[0].bytes, 1), MEDSEC_ERR_ARGUMENT);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_encode_and_decode_examples),
        cmocka_unit_test(test_decode_every_truncation_and_one_byte_more),
        cmocka_unit_test(test_decode_every_changed_byte),
        cmocka_unit_test(test_decode_wrong_shapes),
        cmocka_unit_test(test_decode_config_maps),
        cmocka_unit_test(test_decode_every_short_text),
        cmocka_unit_test(test_encode_every_capacity),
        cmocka_unit_test(test_encode_refuses_what_is_no_control_message),
        cmocka_unit_test(test_encode_leaves_out_what_is_not_given),
        cmocka_unit_test(test_message_kind_every_byte),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
