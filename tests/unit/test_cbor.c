/* SPDX-License-Identifier: Apache-2.0 */
#include "unit.h"

#include "guard.h"
#include "vectors.h"

#include "core/cbor.h"

#include <stdlib.h>
#include <string.h>

enum { ROOM = 64 };

static medsec__writer into(uint8_t *out, size_t cap)
{
    return (medsec__writer){.out = (char *)out, .cap = cap};
}

static medsec__cbor_reader of(const uint8_t *data, size_t len)
{
    return (medsec__cbor_reader){.data = data, .len = len};
}

static void expect_written(const medsec__writer *writer, const uint8_t *expected, size_t len)
{
    assert_false(writer->overflow);
    assert_int_equal(writer->len, len);
    assert_memory_equal(writer->out, expected, len);
}

/* Which getters take the whole of it, as letters. */
static void takers(char out[8], const uint8_t *data, size_t len)
{
    size_t n = 0;
    medsec__cbor_reader reader = of(data, len);
    medsec__cbor_get_uint(&reader, UINT64_MAX);
    if (medsec__cbor_get_end(&reader) == MEDSEC_OK) {
        out[n++] = 'u';
    }
    reader = of(data, len);
    medsec__cbor_get_int(&reader);
    if (medsec__cbor_get_end(&reader) == MEDSEC_OK) {
        out[n++] = 'i';
    }
    reader = of(data, len);
    if (medsec__cbor_get_null(&reader) && medsec__cbor_get_end(&reader) == MEDSEC_OK) {
        out[n++] = 'n';
    }
    reader = of(data, len);
    medsec__cbor_get_array(&reader, 0, SIZE_MAX);
    if (!reader.bad) {
        out[n++] = 'a';
    }
    reader = of(data, len);
    medsec__cbor_get_map(&reader, 0, SIZE_MAX);
    if (!reader.bad) {
        out[n++] = 'm';
    }
    out[n] = '\0';
}

static void expect_takers(const uint8_t *data, size_t len, const char *expected)
{
    char found[8];
    takers(found, data, len);
    assert_string_equal(found, expected);
}

static void expect_uint(const uint8_t *data, size_t len, uint64_t value)
{
    uint8_t out[ROOM];
    medsec__writer writer = into(out, sizeof out);
    medsec__cbor_put_uint(&writer, value);
    expect_written(&writer, data, len);
    expect_takers(data, len, value <= UINT32_MAX ? "ui" : "u");
    medsec__cbor_reader reader = of(data, len);
    assert_int_equal(medsec__cbor_get_uint(&reader, value), value);
    assert_int_equal(medsec__cbor_get_end(&reader), MEDSEC_OK);
    if (value > 0) {
        reader = of(data, len);
        assert_int_equal(medsec__cbor_get_uint(&reader, value - 1), 0);
        assert_int_equal(medsec__cbor_get_end(&reader), MEDSEC_ERR_MESSAGE);
    }
}

static void expect_int(const uint8_t *data, size_t len, int64_t value)
{
    uint8_t out[ROOM];
    medsec__writer writer = into(out, sizeof out);
    medsec__cbor_put_int(&writer, value);
    expect_written(&writer, data, len);
    medsec__cbor_reader reader = of(data, len);
    assert_int_equal(medsec__cbor_get_int(&reader), value);
    assert_int_equal(medsec__cbor_get_end(&reader), MEDSEC_OK);
}

static void expect_items(const cJSON *vector, const uint8_t *data, size_t len, bool map)
{
    uint8_t out[ROOM];
    const cJSON *items = cJSON_GetObjectItemCaseSensitive(vector, "items");
    size_t count = (size_t)cJSON_GetArraySize(items) / (map ? 2 : 1);
    medsec__writer writer = into(out, sizeof out);
    medsec__cbor_reader reader = of(data, len);
    if (map) {
        medsec__cbor_put_map(&writer, count);
        assert_int_equal(medsec__cbor_get_map(&reader, count, count), count);
    } else {
        medsec__cbor_put_array(&writer, count);
        assert_int_equal(medsec__cbor_get_array(&reader, count, count), count);
    }
    const cJSON *item = NULL;
    cJSON_ArrayForEach(item, items)
    {
        medsec__cbor_put_int(&writer, item->valueint);
        assert_int_equal(medsec__cbor_get_int(&reader), item->valueint);
    }
    expect_written(&writer, data, len);
    assert_int_equal(medsec__cbor_get_end(&reader), MEDSEC_OK);
    expect_takers(data, len, map ? "m" : "a");
}

static void expect_vector(const cJSON *vector)
{
    uint8_t data[ROOM];
    size_t len = vectors_bytes(vectors_text(vector, "hex"), data, sizeof data);
    const char *is = vectors_text(vector, "is");
    if (strcmp(is, "uint") == 0) {
        expect_uint(data, len, strtoull(vectors_text(vector, "value"), NULL, 10));
    } else if (strcmp(is, "negative") == 0) {
        expect_takers(data, len, "i");
        expect_int(data, len, strtoll(vectors_text(vector, "value"), NULL, 10));
    } else if (strcmp(is, "null") == 0) {
        uint8_t out[ROOM];
        medsec__writer writer = into(out, sizeof out);
        medsec__cbor_put_null(&writer);
        expect_written(&writer, data, len);
        expect_takers(data, len, "n");
    } else if (strcmp(is, "other") == 0) {
        expect_takers(data, len, "");
    } else {
        expect_items(vector, data, len, strcmp(is, "map") == 0);
    }
}

static void test_vectors_of_rfc_8949(void **state)
{
    (void)state;
    FILE *file = fopen(MEDSEC_SOURCE_DIR "/tests/vectors/cbor.jsonl", "r");
    assert_non_null(file);
    unsigned count = 0;
    for (cJSON *vector; (vector = vectors_next(file)) != NULL; count++) {
        expect_vector(vector);
        cJSON_Delete(vector);
    }
    fclose(file);
    assert_int_equal(count, 70);
}

/* A head whose argument has that many bytes, needed or not. */
static size_t wide_head(uint8_t out[9], unsigned type, uint64_t argument, size_t width)
{
    static const uint8_t info[] = {[1] = 24, [2] = 25, [4] = 26, [8] = 27};
    out[0] = (uint8_t)(type << 5 | (width == 0 ? (uint8_t)argument : info[width]));
    for (size_t i = 0; i < width; i++) {
        out[1 + i] = (uint8_t)(argument >> 8 * (width - 1 - i));
    }
    return 1 + width;
}

static size_t shortest_width(uint64_t argument)
{
    return argument < 24            ? 0
           : argument <= 0xff       ? 1
           : argument <= 0xffff     ? 2
           : argument <= UINT32_MAX ? 4
                                    : 8;
}

static void expect_one_width(uint64_t argument)
{
    static const size_t widths[] = {0, 1, 2, 4, 8};
    size_t good = shortest_width(argument);
    for (size_t i = 0; i < sizeof widths / sizeof widths[0]; i++) {
        if (widths[i] < good) {
            continue;
        }
        uint8_t data[9];
        size_t len = wide_head(data, 0, argument, widths[i]);
        const char *small = argument <= UINT32_MAX ? "ui" : "u";
        expect_takers(data, len, widths[i] == good ? small : "");
        wide_head(data, 1, argument, widths[i]);
        expect_takers(data, len, widths[i] == good && argument <= UINT32_MAX ? "i" : "");
        wide_head(data, 4, argument, widths[i]);
        expect_takers(data, len, widths[i] == good ? "a" : "");
        wide_head(data, 5, argument, widths[i]);
        expect_takers(data, len, widths[i] == good ? "m" : "");
    }
}

static void test_get_takes_the_shortest_form_only(void **state)
{
    (void)state;
    for (uint64_t i = 0; i < 300; i++) {
        expect_one_width(i);
    }
    for (unsigned bit = 9; bit < 64; bit++) {
        expect_one_width(((uint64_t)1 << bit) - 1);
        expect_one_width((uint64_t)1 << bit);
        expect_one_width(((uint64_t)1 << bit) + 1);
    }
    expect_one_width(UINT64_MAX);
}

/* Arguments 28 to 31: none, or of no known length, whatever follows. */
static void test_get_reserved_arguments(void **state)
{
    (void)state;
    uint8_t data[33];
    for (unsigned first = 0; first < 256; first++) {
        for (size_t len = 1; len <= sizeof data && first % 32 >= 28; len++) {
            memset(data, 0x55, sizeof data);
            data[0] = (uint8_t)first;
            expect_takers(data, len, "");
        }
    }
}

static void test_put_int_every_power_of_two(void **state)
{
    (void)state;
    for (unsigned bit = 0; bit <= 32; bit++) {
        for (int64_t near = -1; near <= 1; near++) {
            int64_t value = ((int64_t)1 << bit) + near;
            uint8_t data[9];
            if (value <= UINT32_MAX) {
                size_t len = wide_head(data, 0, (uint64_t)value, shortest_width((uint64_t)value));
                expect_int(data, len, value);
            }
            uint64_t below = (uint64_t)value - 1;
            if (value > 0 && below <= UINT32_MAX) {
                size_t len = wide_head(data, 1, below, shortest_width(below));
                expect_int(data, len, -value);
            }
        }
    }
}

/* Every text of up to three bytes that is taken encodes to itself. */
static void test_get_every_short_text(void **state)
{
    (void)state;
    unsigned taken = 0;
    for (uint32_t text = 0; text < 0x1000000; text++) {
        const uint8_t data[] = {(uint8_t)(text >> 16), (uint8_t)(text >> 8), (uint8_t)text};
        for (size_t len = (text & 0xffff) == 0 ? 1 : (text & 0xff) == 0 ? 2 : 3; len <= 3; len++) {
            medsec__cbor_reader reader = of(data, len);
            int64_t value = medsec__cbor_get_int(&reader);
            if (medsec__cbor_get_end(&reader) == MEDSEC_OK) {
                uint8_t out[ROOM];
                medsec__writer writer = into(out, sizeof out);
                medsec__cbor_put_int(&writer, value);
                expect_written(&writer, data, len);
                taken++;
            }
        }
    }
    assert_int_equal(taken, 2 * 65536);
}

static void test_get_every_truncation(void **state)
{
    (void)state;
    static const size_t widths[] = {1, 2, 4, 8};
    for (size_t i = 0; i < sizeof widths / sizeof widths[0]; i++) {
        uint8_t head[9];
        size_t len = wide_head(head, 0, UINT64_MAX, widths[i]);
        for (size_t cut = 0; cut <= len; cut++) {
            uint8_t *end = guard_end(ROOM);
            uint8_t *data = end - cut;
            memcpy(data, head, cut);
            medsec__cbor_reader reader = of(data, cut);
            medsec__cbor_get_uint(&reader, UINT64_MAX);
            assert_int_equal(medsec__cbor_get_end(&reader),
                             cut == len ? MEDSEC_OK : MEDSEC_ERR_MESSAGE);
            guard_free(end, ROOM);
        }
    }
    medsec__cbor_reader reader = {0};
    assert_int_equal(medsec__cbor_get_end(&reader), MEDSEC_OK);
    assert_false(medsec__cbor_get_null(&reader));
    assert_int_equal(medsec__cbor_get_byte(&reader), 0);
    assert_int_equal(medsec__cbor_get_end(&reader), MEDSEC_ERR_MESSAGE);
}

static void test_get_a_fault_stays(void **state)
{
    (void)state;
    static const uint8_t data[] = {0x18, 0x17, 0x05, 0xf6, 0x80};
    static const uint8_t negative[] = {0x38, 0x17};
    medsec__cbor_reader reader = of(negative, sizeof negative);
    assert_int_equal(medsec__cbor_get_int(&reader), 0);
    reader = of(data, sizeof data);
    assert_int_equal(medsec__cbor_get_uint(&reader, UINT64_MAX), 0);
    size_t at = reader.at;
    assert_int_equal(medsec__cbor_get_uint(&reader, UINT64_MAX), 0);
    assert_int_equal(medsec__cbor_get_int(&reader), 0);
    assert_false(medsec__cbor_get_null(&reader));
    assert_int_equal(medsec__cbor_get_array(&reader, 0, 9), 0);
    assert_int_equal(medsec__cbor_get_byte(&reader), 0);
    assert_int_equal(reader.at, at);
    reader.at = reader.len;
    assert_int_equal(medsec__cbor_get_end(&reader), MEDSEC_ERR_MESSAGE);
}

static void test_get_array_and_map_limits(void **state)
{
    (void)state;
    for (uint8_t count = 0; count < 24; count++) {
        const uint8_t array = 0x80 | count;
        const uint8_t map = 0xa0 | count;
        medsec__cbor_reader reader = of(&array, 1);
        medsec__cbor_get_array(&reader, 3, 6);
        assert_int_equal(reader.bad, count < 3 || count > 6);
        reader = of(&map, 1);
        medsec__cbor_get_map(&reader, 3, 6);
        assert_int_equal(reader.bad, count < 3 || count > 6);
    }
}

static void test_put_never_passes_the_end(void **state)
{
    (void)state;
    for (size_t cap = 0; cap < 30; cap++) {
        uint8_t *end = guard_end(ROOM);
        medsec__writer writer = into(end - cap, cap);
        medsec__cbor_put_array(&writer, 1000);
        medsec__cbor_put_map(&writer, 100000);
        medsec__cbor_put_uint(&writer, UINT64_MAX);
        medsec__cbor_put_int(&writer, INT64_MIN);
        medsec__cbor_put_null(&writer);
        size_t len = 0;
        assert_int_equal(medsec__write_end(&writer, &len),
                         cap >= 27 ? MEDSEC_OK : MEDSEC_ERR_BUFFER);
        guard_free(end, ROOM);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_vectors_of_rfc_8949),
        cmocka_unit_test(test_get_takes_the_shortest_form_only),
        cmocka_unit_test(test_get_reserved_arguments),
        cmocka_unit_test(test_put_int_every_power_of_two),
        cmocka_unit_test(test_get_every_short_text),
        cmocka_unit_test(test_get_every_truncation),
        cmocka_unit_test(test_get_a_fault_stays),
        cmocka_unit_test(test_get_array_and_map_limits),
        cmocka_unit_test(test_put_never_passes_the_end),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
