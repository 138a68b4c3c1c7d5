/* SPDX-License-Identifier: Apache-2.0 */
#include "publisher/spool_format.h"
#include "unit.h"

#include <string.h>

static const uint8_t id[MEDSEC__SPOOL_ID_LEN] = "segment";

static medsec__spool_keys keys_of(const char key[33])
{
    medsec__spool_keys keys;
    medsec__spool_keys_derive(&keys, (const uint8_t *)key);
    return keys;
}

static medsec__spool_keys some_keys(void)
{
    return keys_of("a key of thirty-two bytes, or so");
}

static medsec__spool_keys other_keys(void)
{
    return keys_of("another key of thirty-two bytes.");
}

static void test_keys_differ_by_use(void **state)
{
    (void)state;
    const medsec__spool_keys keys = some_keys(), others = other_keys();
    assert_memory_not_equal(keys.seal, keys.check, sizeof keys.seal);
    assert_memory_not_equal(keys.seal, others.seal, sizeof keys.seal);
}

static void test_header_reads_as_written_and_no_other(void **state)
{
    (void)state;
    const medsec__spool_keys keys = some_keys(), others = other_keys();
    medsec__spool_header got, header = {.kind = MEDSEC__SPOOL_DROPPABLE,
                                        .first = 0x0102030405060708,
                                        .time_ms = 1795622400000,
                                        .id = {1, 2, 3}};
    uint8_t bytes[MEDSEC__SPOOL_HEADER_LEN];
    medsec__spool_header_write(bytes, &header, &keys);
    assert_true(medsec__spool_header_read(&got, bytes, &keys));
    assert_int_equal(got.kind, header.kind);
    assert_int_equal(got.first, header.first);
    assert_int_equal(got.time_ms, header.time_ms);
    assert_memory_equal(got.id, header.id, sizeof got.id);
    assert_false(medsec__spool_header_read(&got, bytes, &others));
    for (size_t i = 0; i < sizeof bytes; i++) {
        bytes[i] ^= 1;
        assert_false(medsec__spool_header_read(&got, bytes, &keys));
        bytes[i] ^= 1;
    }
}

static void test_header_of_no_kind_is_refused(void **state)
{
    (void)state;
    const medsec__spool_keys keys = some_keys();
    medsec__spool_header got, header = {.kind = MEDSEC__SPOOL_KINDS};
    uint8_t bytes[MEDSEC__SPOOL_HEADER_LEN];
    medsec__spool_header_write(bytes, &header, &keys);
    assert_false(medsec__spool_header_read(&got, bytes, &keys));
}

static const medsec_message message = {.topic = "a/b",
                                       .topic_len = 3,
                                       .payload = "payload",
                                       .payload_len = 7,
                                       .lane = 0x89abcdef,
                                       .qos = 1,
                                       .retain = true};

/* One record, sealed at 64. */
static medsec__spool_block seal(uint8_t *out, const medsec__spool_keys *keys)
{
    uint8_t records[64];
    const medsec__spool_block block = {.len = medsec__spool_record_size(&message),
                                       .count = 1,
                                       .first = 7,
                                       .last = 7,
                                       .time_ms = 9};
    medsec__spool_record_write(records, 7, &message);
    medsec__spool_block_seal(out, records, &block, id, 64, keys);
    return block;
}

static void test_block_opens_as_sealed(void **state)
{
    (void)state;
    const medsec__spool_keys keys = some_keys();
    uint8_t bytes[256], records[64];
    const medsec__spool_block block = seal(bytes, &keys);
    medsec__spool_block got;
    assert_true(medsec__spool_block_read(&got, bytes));
    assert_int_equal(got.len, block.len);
    assert_int_equal(got.count, 1);
    assert_int_equal(got.first, 7);
    assert_int_equal(got.last, 7);
    assert_int_equal(got.time_ms, 9);
    assert_int_equal(medsec__spool_block_open(records, bytes, &got, id, 64, &keys), MEDSEC_OK);
    uint64_t sequence;
    medsec_message m;
    assert_int_equal(medsec__spool_record_read(&sequence, &m, records, got.len), got.len);
    assert_int_equal(sequence, 7);
    assert_int_equal(m.lane, message.lane);
    assert_memory_equal(m.topic, "a/b", 3);
    assert_memory_equal(m.payload, "payload", 7);
}

static void test_block_opens_nowhere_else(void **state)
{
    (void)state;
    const medsec__spool_keys keys = some_keys(), others = other_keys();
    uint8_t bytes[256], records[64], other_id[MEDSEC__SPOOL_ID_LEN] = "another";
    const medsec__spool_block block = seal(bytes, &keys);
    assert_int_equal(medsec__spool_block_open(records, bytes, &block, id, 65, &keys),
                     MEDSEC_ERR_CRYPTO);
    assert_int_equal(medsec__spool_block_open(records, bytes, &block, other_id, 64, &keys),
                     MEDSEC_ERR_CRYPTO);
    assert_int_equal(medsec__spool_block_open(records, bytes, &block, id, 64, &others),
                     MEDSEC_ERR_CRYPTO);
    for (size_t i = 0; i < medsec__spool_block_size(&block); i++) {
        bytes[i] ^= 0x80;
        assert_int_equal(medsec__spool_block_open(records, bytes, &block, id, 64, &keys),
                         MEDSEC_ERR_CRYPTO);
        bytes[i] ^= 0x80;
    }
}

static void test_block_seals_never_twice_alike(void **state)
{
    (void)state;
    const medsec__spool_keys keys = some_keys();
    uint8_t one[256] = {0}, two[256] = {0};
    (void)seal(one, &keys);
    (void)seal(two, &keys);
    assert_memory_not_equal(one + 40, two + 40, 24);
}

/* Headers that no writer makes; each would lead a reader astray. */
static void test_block_header_out_of_bounds_is_refused(void **state)
{
    (void)state;
    static const struct {
        size_t at;
        uint8_t value;
    } changes[] = {{0, 0}, {4, 1}, {8, 1}, {32, 1}, {39, 0}, {39, 2}};
    const medsec__spool_keys keys = some_keys();
    medsec__spool_block block;
    for (size_t i = 0; i < sizeof changes / sizeof *changes; i++) {
        uint8_t bytes[256];
        (void)seal(bytes, &keys);
        bytes[changes[i].at] = changes[i].value;
        assert_false(medsec__spool_block_read(&block, bytes));
    }
}

static void test_record_reads_as_written_at_every_length(void **state)
{
    (void)state;
    uint8_t bytes[64];
    uint64_t sequence;
    medsec_message got;
    const size_t len = medsec__spool_record_size(&message);
    medsec__spool_record_write(bytes, UINT64_MAX, &message);
    assert_int_equal(medsec__spool_record_read(&sequence, &got, bytes, sizeof bytes), len);
    assert_true(sequence == UINT64_MAX);
    for (size_t i = 0; i < len; i++) {
        assert_int_equal(medsec__spool_record_read(&sequence, &got, bytes, i), 0);
    }
    bytes[12] = 1; /* a flag that nobody knows */
    assert_int_equal(medsec__spool_record_read(&sequence, &got, bytes, sizeof bytes), 0);
}

static void test_record_size_has_a_limit(void **state)
{
    (void)state;
    medsec_message m = {.topic_len = 10, .payload_len = MEDSEC_SPOOL_MESSAGE_MAX - 10};
    assert_int_equal(medsec__spool_record_size(&m), MEDSEC_SPOOL_MESSAGE_MAX + 20);
    m.payload_len++;
    assert_int_equal(medsec__spool_record_size(&m), 0);
    m.payload_len = SIZE_MAX;
    assert_int_equal(medsec__spool_record_size(&m), 0);
    m = (medsec_message){.topic_len = 65536};
    assert_int_equal(medsec__spool_record_size(&m), 0);
}

static void test_mark_tells_what_is_wrong_with_it(void **state)
{
    (void)state;
    const medsec__spool_keys keys = some_keys(), others = other_keys();
    uint8_t bytes[MEDSEC__SPOOL_MARK_LEN];
    uint64_t sequence = 0;
    medsec__spool_mark_write(bytes, 77, &keys);
    assert_int_equal(medsec__spool_mark_read(&sequence, bytes, &keys), MEDSEC_OK);
    assert_int_equal(sequence, 77);
    assert_int_equal(medsec__spool_mark_read(&sequence, bytes, &others), MEDSEC_ERR_CRYPTO);
    for (size_t i = 0; i < sizeof bytes; i++) {
        bytes[i] ^= 1;
        assert_int_equal(medsec__spool_mark_read(&sequence, bytes, &keys),
                         i < 8    ? MEDSEC_ERR_SYNTAX
                         : i < 24 ? MEDSEC_ERR_CRYPTO
                                  : MEDSEC_ERR_CORRUPT);
        bytes[i] ^= 1;
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_keys_differ_by_use),
        cmocka_unit_test(test_header_reads_as_written_and_no_other),
        cmocka_unit_test(test_header_of_no_kind_is_refused),
        cmocka_unit_test(test_block_opens_as_sealed),
        cmocka_unit_test(test_block_opens_nowhere_else),
        cmocka_unit_test(test_block_seals_never_twice_alike),
        cmocka_unit_test(test_block_header_out_of_bounds_is_refused),
        cmocka_unit_test(test_record_reads_as_written_at_every_length),
        cmocka_unit_test(test_record_size_has_a_limit),
        cmocka_unit_test(test_mark_tells_what_is_wrong_with_it),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
