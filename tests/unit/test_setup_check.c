/* SPDX-License-Identifier: Apache-2.0 */
#include "unit.h"

#include "vectors.h"

#include <medsec/setup.h>

#include <string.h>

static const medsec_setup_settings usual = {
    .server = "192.168.1.10", .port = 9998, .ssid = "Ward 7", .password = "correct horse"};

/* A text that is too long fills its place to the last byte, without a NUL. */
static void put(char *out, size_t cap, const void *text, size_t len)
{
    memset(out, 0, cap);
    memcpy(out, text, len < cap ? len : cap);
}

static void put_text(char *out, size_t cap, const cJSON *row, const char *member)
{
    const char *text = vectors_text(row, member);
    put(out, cap, text, strlen(text));
}

static medsec_setup_settings settings_of(const cJSON *row)
{
    medsec_setup_settings settings;
    uint8_t bytes[64];
    put_text(settings.server, sizeof settings.server, row, "server");
    settings.port = (uint16_t)cJSON_GetObjectItem(row, "port")->valueint;
    put_text(settings.password, sizeof settings.password, row, "password");
    if (cJSON_HasObjectItem(row, "ssid_hex")) {
        size_t len = vectors_bytes(vectors_text(row, "ssid_hex"), bytes, sizeof bytes);
        put(settings.ssid, sizeof settings.ssid, bytes, len);
    } else {
        put_text(settings.ssid, sizeof settings.ssid, row, "ssid");
    }
    return settings;
}

static void test_settings_check_on_every_vector(void **state)
{
    (void)state;
    unsigned rows[2] = {0};
    cJSON *row;
    FILE *file = fopen(MEDSEC_SOURCE_DIR "/tests/vectors/setup_settings.jsonl", "r");
    assert_non_null(file);
    while ((row = vectors_next(file)) != NULL) {
        const bool good = cJSON_IsTrue(cJSON_GetObjectItem(row, "good"));
        const medsec_setup_settings settings = settings_of(row);
        if ((medsec_setup_settings_check(&settings) == MEDSEC_OK) != good) {
            fail_msg("%s: %s", good ? "refused" : "accepted", vectors_text(row, "what"));
        }
        rows[good]++;
        cJSON_Delete(row);
    }
    fclose(file);
    assert_int_equal(rows[0] + rows[1], 103);
    assert_in_range(rows[1], 30, 50);
}

/* Bytes that begin a character, and how many it has: RFC 3629 section 4, read once more. */
static unsigned expected_len(uint32_t character)
{
    return character < 0x80 ? 1 : character < 0x800 ? 2 : character < 0x10000 ? 3 : 4;
}

static void encode(char out[5], uint32_t character)
{
    static const uint8_t first[] = {0, 0, 0xc0, 0xe0, 0xf0};
    unsigned len = expected_len(character);
    memset(out, 0, 5);
    for (unsigned i = len; i > 1; i--) {
        out[i - 1] = (char)(0x80 | (character & 0x3f));
        character >>= 6;
    }
    out[0] = (char)(first[len] | character);
}

static void test_settings_check_on_every_character(void **state)
{
    (void)state;
    medsec_setup_settings settings = usual;
    /* Beyond the first planes, which have the exceptions, a few of each. */
    for (uint32_t character = 1; character < 0x120000;
         character += character < 0x10800 || (character & 0x7ff) >= 0x7f0 ? 1 : 16) {
        char text[5];
        encode(text, character);
        put(settings.ssid, sizeof settings.ssid, text, strlen(text));
        bool control = character < 0x20 || (character >= 0x7f && character < 0xa0);
        bool surrogate = character >= 0xd800 && character < 0xe000;
        bool good = !control && !surrogate && character < 0x110000;
        if ((medsec_setup_settings_check(&settings) == MEDSEC_OK) != good) {
            fail_msg("U+%04X", character);
        }
    }
}

/* A character may not lie across the end of its place. */
static void test_settings_check_on_every_cut(void **state)
{
    (void)state;
    static const char characters[] = "\xc3\xa9\xe2\x98\xa2\xf0\x9f\x8f\xa5";
    static const size_t ends[] = {2, 5, 9};
    for (size_t len = 1; len < sizeof characters; len++) {
        medsec_setup_settings settings = usual;
        put(settings.ssid, sizeof settings.ssid, characters, len);
        bool whole = len == ends[0] || len == ends[1] || len == ends[2];
        assert_int_equal(medsec_setup_settings_check(&settings),
                         whole ? MEDSEC_OK : MEDSEC_ERR_ARGUMENT);
    }
}

static void test_settings_check_on_null(void **state)
{
    (void)state;
    assert_int_equal(medsec_setup_settings_check(NULL), MEDSEC_ERR_ARGUMENT);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_settings_check_on_every_vector),
        cmocka_unit_test(test_settings_check_on_every_character),
        cmocka_unit_test(test_settings_check_on_every_cut),
        cmocka_unit_test(test_settings_check_on_null),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
