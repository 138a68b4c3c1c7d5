/* SPDX-License-Identifier: Apache-2.0 */
#include "unit.h"

#include "splits.h"
#include "vectors.h"

#include <medsec/reading.h>

#include <stdlib.h>
#include <string.h>

#define PICO (&medsec_profile_pico_vitals)

static const char DEVICE[] =
    "{\"Temp\":\"36.600\",\"TempMcu\":\"23.700\",\"PulseSig\":\"1.755\",\"Acel_x\":\"0.000\","
    "\"Acel_y\":\"-0.50\",\"Acel_z\":\"0.000\",\"TempMpu\":\"23.400\"}";

static void begin(void *context)
{
    medsec_reading_parser_init(context, PICO);
}

static void push(void *context, uint8_t *data, size_t len, trace *log)
{
    (void)log;
    medsec_status status = medsec_reading_parser_push(context, (const char *)data, len);
    medsec_status result = medsec_reading_parser_result(context);
    assert_true(status == MEDSEC_OK || result == status);
}

static int end(void *context, trace *log)
{
    medsec_reading_parser *parser = context;
    medsec_status status = medsec_reading_parser_result(parser);
    if (status == MEDSEC_OK) {
        char text[1024];
        size_t len = 0;
        assert_int_equal(medsec_reading_write_seed(text, sizeof text, &len, PICO, &parser->reading),
                         MEDSEC_OK);
        trace_add(log, text, len);
    }
    return status;
}

static medsec_status parse(const char *text, medsec_reading *reading)
{
    return medsec_reading_parse(reading, PICO, text, strlen(text));
}

/* In every split and truncation; the whole-text function has to agree. */
static void expect_len(const char *text, size_t len, medsec_status status)
{
    static trace log;
    medsec_reading_parser parser;
    medsec_reading reading;
    machine m = {&parser, begin, push, end};
    run_every_split(&m, text, len, &log);
    run_every_truncation(&m, text, len);
    assert_int_equal(log.end, status);
    medsec_status whole = medsec_reading_parse(&reading, PICO, text, len);
    assert_int_equal(whole, status == MEDSEC_ERR_STATE ? MEDSEC_ERR_SYNTAX : status);
}

static void expect(const char *text, medsec_status status)
{
    expect_len(text, strlen(text), status);
}

static void test_parse_device_text(void **state)
{
    (void)state;
    medsec_reading reading;
    expect(DEVICE, MEDSEC_OK);
    assert_int_equal(parse(DEVICE, &reading), MEDSEC_OK);
    assert_int_equal(reading.count, 7);
    assert_int_equal(reading.extra, 0);
    assert_int_equal(reading.value[0].mantissa, 36600);
    assert_int_equal(reading.value[1].mantissa, 1755);
    assert_int_equal(reading.value[3].mantissa, -50);
    assert_int_equal(reading.value[3].decimals, 2);
    assert_int_equal(reading.value[5].mantissa, 23700);
    assert_int_equal(reading.value[6].mantissa, 23400);
}

static void test_parse_every_truncation_is_unfinished(void **state)
{
    (void)state;
    for (size_t len = 0; len < strlen(DEVICE); len++) {
        medsec_reading_parser parser;
        medsec_reading_parser_init(&parser, PICO);
        assert_int_equal(medsec_reading_parser_push(&parser, DEVICE, len), MEDSEC_OK);
        assert_int_equal(medsec_reading_parser_result(&parser), MEDSEC_ERR_STATE);
    }
}

static void test_parse_order_and_white_space(void **state)
{
    (void)state;
    expect(" \t\r\n{ \"TempMpu\" : \"1\" ,\n\"Acel_z\":\"2\",\"Acel_y\":\"3\",\"Acel_x\":\"4\", "
           "\"PulseSig\":\"5\",\"TempMcu\":\"6\",\"Temp\":\"7\" } \r\n",
           MEDSEC_OK);
}

/* A member in front of the seven. */
static void expect_member(const char *member, medsec_status status)
{
    char text[1024];
    snprintf(text, sizeof text, "{%s,%s", member, &DEVICE[1]);
    expect(text, status);
}

static void test_parse_unknown_members(void **state)
{
    static const char *const good[] = {
        "\"a\":\"text\"",
        "\"a\":\"\"",
        "\"\":\"\"",
        "\"a\":\"with {[,:]} & + inside\"",
        "\"a\":\"\\\"\\\\\\/\\b\\f\\n\\r\\t\\u00e9\\uFFFF\"",
        "\"a\":true",
        "\"a\":false",
        "\"a\":null",
        "\"a\": 0 ",
        "\"a\":-0.5e+10",
        "\"a\":1E9",
        "\"a\":12.5",
        "\"temp\":\"not Temp\"",
        "\"a\":1,\"a\":2",
    };
    static const char *const bad[] = {
        "\"a\":[]",
        "\"a\":{}",
        "\"a\":tru",
        "\"a\":truee",
        "\"a\":True",
        "\"a\":01",
        "\"a\":1.",
        "\"a\":.5",
        "\"a\":-",
        "\"a\":1e",
        "\"a\":1e+",
        "\"a\":NaN",
        "\"a\":+1",
        "\"a\":1 2",
        "\"a\":",
        "\"a\"",
        "\"a\" 1",
        "a:1",
        "'a':1",
        "\"a\":\"\\x\"",
        "\"a\":\"\\u12g4\"",
        "\"a\":\"\n\"",
        "\"a\":\"\x01\"",
        "\"a\":\"\xc3\xa9\"",
        "\"a\\\":1",
        "\"\xc3\xa9\":1",
        "\"a\n\":1",
        ",",
    };
    (void)state;
    for (size_t i = 0; i < sizeof good / sizeof good[0]; i++) {
        expect_member(good[i], MEDSEC_OK);
    }
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        expect_member(bad[i], MEDSEC_ERR_SYNTAX);
    }
    medsec_reading reading;
    char text[1024];
    snprintf(text, sizeof text, "{\"a\":1,\"b\":\"2\",%s", &DEVICE[1]);
    assert_int_equal(parse(text, &reading), MEDSEC_OK);
    assert_int_equal(reading.extra, 2);
}

static void test_parse_values(void **state)
{
    static const char *const bad[] = {
        "36.6",    "null",         "\"\"",         "\" 1\"",    "\"1 \"",         "\"+1\"",
        "\"NaN\"", "\"Infinity\"", "\"1e3\"",      "\"1e999\"", "\"0x1\"",        "\"1.\"",
        "\".1\"",  "\"-\"",        "\"1\\u0030\"", "\"1\n\"",   "\"1\t\"",        "[\"1\"]",
        "{}",      "true",         "\"3'6\"",      "\"3&6\"",   "\"36\xc2\xba\"",
    };
    (void)state;
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        char text[256];
        snprintf(text, sizeof text, "{\"Temp\":%s}", bad[i]);
        expect(text, MEDSEC_ERR_SYNTAX);
    }
    expect("{\"Temp\":\"1\"}", MEDSEC_ERR_MISSING);
    expect("{}", MEDSEC_ERR_MISSING);
    expect_member("\"Temp\":\"1\"", MEDSEC_ERR_DUPLICATE);
    expect("{\"Temp\":\"1\",\"TempMcu\":\"1234567890\",\"PulseSig\":\"1\",\"Acel_x\":\"1\","
           "\"Acel_y\":\"1\",\"Acel_z\":\"1\",\"TempMpu\":\"1.0000000\"}",
           MEDSEC_ERR_NUMBER);
    /* Form goes on to be checked behind a number that is too long. */
    expect("{\"Temp\":\"1234567890\",}", MEDSEC_ERR_SYNTAX);
}

static void test_parse_structure(void **state)
{
    static const char *const bad[] = {
        "[]",
        "\"\"",
        "x",
        "{,}",
        "{\"Temp\":\"1\",}",
        "{\"Temp\":\"1\"\"TempMcu\":\"1\"}",
        "{}{}",
        "{}x",
        "{}&",
        "}",
        "{\"Temp\":\"1\"]",
        "\xef\xbb\xbf{}",
        "{{",
        "{\"Temp\"=\"1\"}",
    };
    (void)state;
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        expect(bad[i], MEDSEC_ERR_SYNTAX);
    }
    expect("", MEDSEC_ERR_STATE);
    expect(" ", MEDSEC_ERR_STATE);
    expect_len("{\"Temp\0\":\"1\"}", 14, MEDSEC_ERR_SYNTAX);
    expect_len("{}\0", 3, MEDSEC_ERR_SYNTAX);
}

static void test_parse_limits(void **state)
{
    char text[2048] = "{";
    (void)state;
    expect_member("\"123456789012345678901234\":1", MEDSEC_OK);
    expect_member("\"1234567890123456789012345\":1", MEDSEC_ERR_LIMIT);
    expect_member("\"a\":123456789012345678901234", MEDSEC_OK);
    expect_member("\"a\":1234567890123456789012345", MEDSEC_ERR_LIMIT);
    for (unsigned i = 0; i < MEDSEC_READING_EXTRA_MAX; i++) {
        strcat(text, "\"x\":0,");
    }
    strcat(text, &DEVICE[1]);
    expect(text, MEDSEC_OK);
    memmove(text + 7, text + 1, strlen(text));
    memcpy(text + 1, "\"y\":0,", 6);
    expect(text, MEDSEC_ERR_LIMIT);
}

static void test_parse_fault_stays(void **state)
{
    medsec_reading_parser parser;
    (void)state;
    medsec_reading_parser_init(&parser, PICO);
    assert_int_equal(medsec_reading_parser_push(&parser, "x", 1), MEDSEC_ERR_SYNTAX);
    assert_int_equal(medsec_reading_parser_push(&parser, DEVICE, strlen(DEVICE)),
                     MEDSEC_ERR_SYNTAX);
    assert_int_equal(medsec_reading_parser_result(&parser), MEDSEC_ERR_SYNTAX);
}

static void test_arguments(void **state)
{
    medsec_reading reading = {.count = 7};
    char out[8];
    size_t len = 0;
    (void)state;
    assert_int_equal(medsec_reading_parse(NULL, PICO, "", 0), MEDSEC_ERR_ARGUMENT);
    assert_int_equal(medsec_reading_parse(&reading, NULL, "", 0), MEDSEC_ERR_ARGUMENT);
    assert_int_equal(medsec_reading_parse(&reading, PICO, NULL, 1), MEDSEC_ERR_ARGUMENT);
    assert_int_equal(medsec_reading_parse(&reading, PICO, NULL, 0), MEDSEC_ERR_SYNTAX);
    assert_int_equal(medsec_reading_parser_push(NULL, "", 0), MEDSEC_ERR_ARGUMENT);
    assert_int_equal(medsec_reading_parser_result(NULL), MEDSEC_ERR_ARGUMENT);
    assert_int_equal(medsec_reading_write_seed(NULL, 8, &len, PICO, &reading), MEDSEC_ERR_ARGUMENT);
    assert_int_equal(medsec_reading_write_seed(out, 8, &len, PICO, &reading), MEDSEC_ERR_MISSING);
    reading.count = 6;
    assert_int_equal(medsec_reading_write_seed(out, 8, &len, PICO, &reading), MEDSEC_ERR_ARGUMENT);
    assert_int_equal(medsec_reading_write_json(out, 8, &len, PICO, &reading, NULL),
                     MEDSEC_ERR_ARGUMENT);
}

static void test_write_seed_as_the_device(void **state)
{
    medsec_reading reading;
    char out[256];
    size_t len = 0;
    (void)state;
    assert_int_equal(parse(DEVICE, &reading), MEDSEC_OK);
    for (size_t cap = 0; cap < strlen(DEVICE); cap++) {
        assert_int_equal(medsec_reading_write_seed(out, cap, &len, PICO, &reading),
                         MEDSEC_ERR_BUFFER);
    }
    assert_int_equal(medsec_reading_write_seed(out, strlen(DEVICE), &len, PICO, &reading),
                     MEDSEC_OK);
    assert_int_equal(len, strlen(DEVICE));
    assert_memory_equal(out, DEVICE, len);
}

static void expect_json_from(const medsec_reading *reading, const medsec_reading_origin *origin,
                             const char *expected)
{
    char out[MEDSEC_READING_JSON_MAX];
    size_t len = 0;
    assert_int_equal(medsec_reading_write_json(out, sizeof out, &len, PICO, reading, origin),
                     MEDSEC_OK);
    assert_int_equal(len, strlen(expected));
    assert_memory_equal(out, expected, len);
    for (size_t cap = 0; cap < strlen(expected); cap++) {
        assert_int_equal(medsec_reading_write_json(out, cap, &len, PICO, reading, origin),
                         MEDSEC_ERR_BUFFER);
    }
}

static void expect_json(const medsec_reading *reading, uint64_t time_ms, const char *expected)
{
    const medsec_reading_origin origin = {.device = "iot_med_dev_01",
                                          .wire = "seed",
                                          .time_ms = time_ms,
                                          .time_source = "gateway",
                                          .boot = 3,
                                          .sequence = 4};
    expect_json_from(reading, &origin, expected);
}

/* The numbers of a medsec/1 reading stand before its time; 0 is one. */
static void test_write_json_sequenced(void **state)
{
    (void)state;
    medsec_reading reading = {.count = 7};
    medsec_reading_origin origin = {.device = "iot_med_dev_01",
                                    .wire = "medsec/1",
                                    .time_ms = 1795176000050,
                                    .time_source = "device",
                                    .sequenced = true,
                                    .boot = 7,
                                    .sequence = 1020};
    expect_json_from(&reading, &origin,
                     "{\"device\":\"iot_med_dev_01\",\"wire\":\"medsec/1\",\"boot\":7,\"seq\":1020,"
                     "\"time\":\"2026-11-20T12:00:00.050Z\",\"time_source\":\"device\",\"values\":"
                     "{\"Temp\":null,\"PulseSig\":null,\"Acel_x\":null,\"Acel_y\":null,"
                     "\"Acel_z\":null,\"TempMcu\":null,\"TempMpu\":null}}");
    origin.boot = UINT32_MAX;
    origin.sequence = 0;
    origin.time_ms = 0;
    expect_json_from(&reading, &origin,
                     "{\"device\":\"iot_med_dev_01\",\"wire\":\"medsec/1\",\"boot\":4294967295,"
                     "\"seq\":0,\"time\":\"1970-01-01T00:00:00.000Z\",\"time_source\":\"device\","
                     "\"values\":{\"Temp\":null,\"PulseSig\":null,\"Acel_x\":null,\"Acel_y\":null,"
                     "\"Acel_z\":null,\"TempMcu\":null,\"TempMpu\":null}}");
}

static void test_write_json(void **state)
{
    medsec_reading reading;
    (void)state;
    assert_int_equal(parse(DEVICE, &reading), MEDSEC_OK);
    expect_json(&reading, 1795176000050,
                "{\"device\":\"iot_med_dev_01\",\"wire\":\"seed\",\"time\":"
                "\"2026-11-20T12:00:00.050Z\",\"time_source\":\"gateway\",\"values\":{\"Temp\":"
                "36.600,\"PulseSig\":1.755,\"Acel_x\":0.000,\"Acel_y\":-0.50,\"Acel_z\":0.000,"
                "\"TempMcu\":23.700,\"TempMpu\":23.400}}");
    reading.value[0].mantissa = 200000;
    reading.value[1].kind = MEDSEC_VALUE_NONE;
    reading.value[6].mantissa = -99000;
    expect_json(&reading, 0,
                "{\"device\":\"iot_med_dev_01\",\"wire\":\"seed\",\"time\":"
                "\"1970-01-01T00:00:00.000Z\",\"time_source\":\"gateway\",\"values\":{\"Temp\":"
                "200.000,\"PulseSig\":null,\"Acel_x\":0.000,\"Acel_y\":-0.50,\"Acel_z\":0.000,"
                "\"TempMcu\":23.700,\"TempMpu\":-99.000},\"suspect\":[\"Temp\",\"TempMpu\"]}");
}

static void expect_time(uint64_t time_ms, const char *expected)
{
    medsec_reading reading;
    char out[MEDSEC_READING_JSON_MAX];
    size_t len = 0;
    const medsec_reading_origin origin = {
        .device = "a", .wire = "seed", .time_ms = time_ms, .time_source = "gateway"};
    assert_int_equal(parse(DEVICE, &reading), MEDSEC_OK);
    assert_int_equal(medsec_reading_write_json(out, sizeof out, &len, PICO, &reading, &origin),
                     MEDSEC_OK);
    const char *time = strstr(out, "\"time\":\"") + 8;
    assert_memory_equal(time, expected, strlen(expected));
}

static void test_write_json_times(void **state)
{
    (void)state;
    expect_time(68169599999, "1972-02-28T23:59:59.999Z");
    expect_time(68169600000, "1972-02-29T00:00:00.000Z");
    expect_time(68256000000, "1972-03-01T00:00:00.000Z");
    expect_time(951782400000, "2000-02-29T00:00:00.000Z");
    expect_time(4107456000000, "2100-02-28T00:00:00.000Z");
    expect_time(4107542400000, "2100-03-01T00:00:00.000Z");
    expect_time(253402300799999, "9999-12-31T23:59:59.999Z");
    medsec_reading reading;
    char out[MEDSEC_READING_JSON_MAX];
    size_t len = 0;
    medsec_reading_origin origin = {
        .device = "a", .wire = "seed", .time_ms = 253402300800000, .time_source = "gateway"};
    assert_int_equal(parse(DEVICE, &reading), MEDSEC_OK);
    assert_int_equal(medsec_reading_write_json(out, sizeof out, &len, PICO, &reading, &origin),
                     MEDSEC_ERR_ARGUMENT);
    origin.time_ms = 0;
    origin.device = "a\"b";
    assert_int_equal(medsec_reading_write_json(out, sizeof out, &len, PICO, &reading, &origin),
                     MEDSEC_ERR_DEVICE_ID);
}

/* The longest that a profile can give. */
static void test_write_json_fits(void **state)
{
    static char keys[MEDSEC_VITALS_MAX][MEDSEC_VITAL_KEY_MAX + 1];
    static medsec_vital vitals[MEDSEC_VITALS_MAX];
    medsec_profile profile = {1, MEDSEC_VITALS_MAX, "widest", vitals, NULL, 0};
    medsec_reading reading = {.count = MEDSEC_VITALS_MAX};
    char device[MEDSEC_DEVICE_ID_MAX + 1] = "";
    char out[MEDSEC_READING_JSON_MAX];
    size_t len = 0;
    (void)state;
    memset(device, 'd', MEDSEC_DEVICE_ID_MAX);
    for (size_t i = 0; i < MEDSEC_VITALS_MAX; i++) {
        memset(keys[i], (int)('a' + i), MEDSEC_VITAL_KEY_MAX);
        vitals[i] = (medsec_vital){keys[i], keys[i], "", "", 0, 0, 0, 0};
        reading.value[i] = (medsec_value){INT32_MIN, 6, MEDSEC_VALUE_NUMBER};
    }
    assert_int_equal(medsec_profile_check(&profile), MEDSEC_OK);
    const medsec_reading_origin origin = {device, "medsec/1", 253402300799999, "gateway",
                                          true,   UINT32_MAX, UINT32_MAX};
    assert_int_equal(medsec_reading_write_json(out, sizeof out, &len, &profile, &reading, &origin),
                     MEDSEC_OK);
    cJSON *json = cJSON_ParseWithLength(out, len);
    assert_non_null(json);
    assert_int_equal(cJSON_GetArraySize(cJSON_GetObjectItem(json, "suspect")), MEDSEC_VITALS_MAX);
    cJSON_Delete(json);
}

/* What the canonical text of a vector's value has to be. */
static bool canonical(const char *text, char *out, size_t cap)
{
    const char *digits = text + (*text == '-');
    while (digits[0] == '0' && digits[1] >= '0' && digits[1] <= '9') {
        digits++;
    }
    const char *point = strchr(digits, '.');
    size_t whole = point == NULL ? strlen(digits) : (size_t)(point - digits);
    size_t decimals = point == NULL ? 0 : strlen(point + 1);
    if ((*digits == '0' ? 0 : whole) + decimals > MEDSEC_VALUE_DIGITS_MAX ||
        decimals > MEDSEC_VALUE_DECIMALS_MAX) {
        return false;
    }
    snprintf(out, cap, "%s%s", *text == '-' ? "-" : "", digits);
    return true;
}

static void check_vector(const char *text, size_t *refused)
{
    medsec_reading reading;
    cJSON *json = cJSON_Parse(text);
    medsec_status status = parse(text, &reading);
    bool good = true;
    for (size_t i = 0; i < PICO->count; i++) {
        char expected[64];
        char written[MEDSEC_VALUE_TEXT_MAX];
        if (!canonical(vectors_text(json, PICO->vitals[i].key), expected, sizeof expected)) {
            good = false;
        } else if (status == MEDSEC_OK) {
            assert_int_equal(medsec_value_write(written, reading.value[i]), strlen(expected));
            assert_memory_equal(written, expected, strlen(expected));
        }
    }
    assert_int_equal(status, good ? MEDSEC_OK : MEDSEC_ERR_NUMBER);
    *refused += !good;
    cJSON_Delete(json);
}

static void test_parse_vectors(void **state)
{
    static const char *const names[] = {"seed/pseudo.jsonl", "seed/pico.jsonl"};
    (void)state;
    for (size_t i = 0; i < 2; i++) {
        size_t count = 0;
        size_t refused = 0;
        FILE *file = vectors_open(names[i]);
        if (file == NULL) {
            skip();
        }
        for (cJSON *vector; (vector = vectors_next(file)) != NULL; count++) {
            check_vector(vectors_text(vector, "json"), &refused);
            cJSON_Delete(vector);
        }
        fclose(file);
        assert_true(count > 100 && refused < count / 2);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_parse_device_text),
        cmocka_unit_test(test_parse_every_truncation_is_unfinished),
        cmocka_unit_test(test_parse_order_and_white_space),
        cmocka_unit_test(test_parse_unknown_members),
        cmocka_unit_test(test_parse_values),
        cmocka_unit_test(test_parse_structure),
        cmocka_unit_test(test_parse_limits),
        cmocka_unit_test(test_parse_fault_stays),
        cmocka_unit_test(test_arguments),
        cmocka_unit_test(test_write_seed_as_the_device),
        cmocka_unit_test(test_write_json),
        cmocka_unit_test(test_write_json_sequenced),
        cmocka_unit_test(test_write_json_times),
        cmocka_unit_test(test_write_json_fits),
        cmocka_unit_test(test_parse_vectors),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
