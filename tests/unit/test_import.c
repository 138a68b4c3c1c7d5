/* SPDX-License-Identifier: Apache-2.0 */
#include "registry_fixture.h"
#include "unit.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* The seed's key file, as it is. */
#define SEED                                                                                    \
    "{ \"id\":\"iot_med_dev_01\", \"key\":\"1234567890123456\", \"iv\":\"AAAAAAAAAAAAAAAA\"}\n" \
    "{ \"id\":\"iot_med_dev_02\", \"key\":\"AAAAAAAAAAAAAAAA\", \"iv\":\"AAAAAAAAAAAAAAAA\"}\n" \
    "{ \"id\":\"iot_med_dev_03\", \"key\":\"BBBBBBBBBBBBBBBB\", \"iv\":\"AAAAAAAAAAAAAAAA\"}"

#define KEYS ",\"key\":\"q0Zr8-Kx_3uPw7Lm\",\"iv\":\"AAAAAAAAAAAAAAAA\"}"

static medsec_status import_line(const char *line, size_t len, medsec_credential *credential)
{
    char *exact = test_malloc(len + 1);
    memcpy(exact, line, len);
    medsec_status status = medsec_import_line(credential, exact, len);
    test_free(exact);
    return status;
}

static void test_line_of_the_seed(void **state)
{
    (void)state;
    medsec_credential credential;
    const char *line = " { \"id\":\"iot_med_dev_01\", \"key\":\"1234567890123456\", "
                       "\"iv\":\"AAAAAAAAAAAAAAAA\"}\r";
    assert_int_equal(import_line(line, strlen(line), &credential), MEDSEC_OK);
    assert_string_equal(credential.device, "iot_med_dev_01");
    assert_string_equal(credential.profile, MEDSEC_PROFILE_DEFAULT);
    assert_memory_equal(credential.key, "1234567890123456", 16);
    assert_memory_equal(credential.iv, "AAAAAAAAAAAAAAAA", 16);
}

static void test_line_refused(void **state)
{
    (void)state;
    static const struct {
        const char *line;
        medsec_status status;
    } cases[] = {
        {"", MEDSEC_ERR_NOT_FOUND},
        {" \t\r", MEDSEC_ERR_NOT_FOUND},
        {"# a comment", MEDSEC_ERR_NOT_FOUND},
        {"  // another", MEDSEC_ERR_NOT_FOUND},
        {"/", MEDSEC_ERR_SYNTAX},
        {"id,key,iv", MEDSEC_ERR_SYNTAX},
        {"{\"id\":\"a\"" KEYS ",", MEDSEC_ERR_SYNTAX},
        {"{\"id\":\"a\",\"key\":\"q0Zr8-Kx_3uPw7Lm\"}", MEDSEC_ERR_SYNTAX},
        {"{\"id\":1" KEYS, MEDSEC_ERR_SYNTAX},
        {"{\"id\":\"a\",\"id\":\"b\"" KEYS, MEDSEC_ERR_DUPLICATE},
        {"{\"id\":\"\"" KEYS, MEDSEC_ERR_DEVICE_ID},
        {"{\"id\":\".\"" KEYS, MEDSEC_ERR_DEVICE_ID},
        {"{\"id\":\"..\"" KEYS, MEDSEC_ERR_DEVICE_ID},
        {"{\"id\":\"a/b\"" KEYS, MEDSEC_ERR_DEVICE_ID},
        {"{\"id\":\"a\\/b\"" KEYS, MEDSEC_ERR_DEVICE_ID},
        {"{\"id\":\"a+\"" KEYS, MEDSEC_ERR_DEVICE_ID},
        {"{\"id\":\"#\"" KEYS, MEDSEC_ERR_DEVICE_ID},
        {"{\"id\":\"a b\"" KEYS, MEDSEC_ERR_DEVICE_ID},
        {"{\"id\":\"a\\u0000\"" KEYS, MEDSEC_ERR_SYNTAX},
        {"{\"id\":\"\xff\"" KEYS, MEDSEC_ERR_SYNTAX},
        {"{\"id\":\"a23456789-123456789-123456789-123456789-123456789-123456789-12345\"" KEYS,
         MEDSEC_ERR_DEVICE_ID},
        {"{\"id\":\"a\",\"key\":\"short\",\"iv\":\"AAAAAAAAAAAAAAAA\"}", MEDSEC_ERR_ARGUMENT},
        {"{\"id\":\"a\",\"key\":\"q0Zr8-Kx_3uPw7Lm+\",\"iv\":\"AAAAAAAAAAAAAAAA\"}",
         MEDSEC_ERR_ARGUMENT},
        {"{\"id\":\"a\",\"key\":\"q0Zr8-Kx_3uPw7Lm\",\"iv\":\"\"}", MEDSEC_ERR_ARGUMENT},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        medsec_credential credential;
        medsec_status status = import_line(cases[i].line, strlen(cases[i].line), &credential);
        if (status != cases[i].status) {
            fail_msg("%s gives %d", cases[i].line, status);
        }
    }
}

static void test_line_too_long(void **state)
{
    (void)state;
    medsec_credential credential;
    char *line = test_malloc(70100);
    int len = snprintf(line, 70100, "{\"id\":\"%070000d\"" KEYS, 7);
    assert_int_equal(import_line(line, (size_t)len, &credential), MEDSEC_ERR_LIMIT);
    test_free(line);
}

typedef struct refusals {
    char text[512];
    medsec_registry *registry;
} refusals;

static void note(void *context, size_t line, const char *id, medsec_status reason)
{
    refusals *refused = context;
    size_t len = strlen(refused->text);
    assert_true(medsec_registry_error(refused->registry)[0] != '\0');
    snprintf(refused->text + len, sizeof refused->text - len, "%zu %s %s;", line, id,
             medsec_status_word(reason));
}

static void test_import_of_the_seed_file(void **state)
{
    registry_fixture *fixture = *state;
    refusals refused = {.registry = fixture->registry};
    medsec_import_result result;
    assert_int_equal(medsec_registry_import(fixture->registry, SEED, sizeof SEED - 1, 0, note,
                                            &refused, &result),
                     MEDSEC_OK);
    assert_int_equal(result.added, 0);
    assert_int_equal(result.refused, 3);
    assert_string_equal(refused.text, "1 iot_med_dev_01 sample-key;2 iot_med_dev_02 sample-key;"
                                      "3 iot_med_dev_03 sample-key;");
    assert_int_equal(medsec_registry_import(fixture->registry, SEED, sizeof SEED - 1,
                                            MEDSEC_ADD_ALLOW_SAMPLE_KEY, NULL, NULL, &result),
                     MEDSEC_OK);
    assert_int_equal(result.added, 3);
    assert_int_equal(result.refused, 0);
}

static void test_import_takes_the_good_lines(void **state)
{
    registry_fixture *fixture = *state;
    refusals refused = {.registry = fixture->registry};
    medsec_import_result result;
    const char *text =
        "# devices\r\n"
        "{\"id\":\"a\",\"key\":\"q0Zr8-Kx_3uPw7Lm\",\"iv\":\"AAAAAAAAAAAAAAAA\"}\r\n"
        "\n"
        "rubbish\n"
        "{\"id\":\"a\",\"key\":\"q1Zr8-Kx_3uPw7Lm\",\"iv\":\"AAAAAAAAAAAAAAAA\"}\n"
        "{\"id\":\"b\",\"key\":\"q0Zr8-Kx_3uPw7Lm\",\"iv\":\"BAAAAAAAAAAAAAAA\"}\n"
        "{\"id\":\"../b\",\"key\":\"q0Zr8-Kx_3uPw7Lm\",\"iv\":\"BAAAAAAAAAAAAAAA\"}\n"
        "{\"id\":\"c\",\"key\":\"q2Zr8-Kx_3uPw7Lm\",\"iv\":\"AAAAAAAAAAAAAAAA\"}";
    uint64_t rows;
    assert_int_equal(
        medsec_registry_import(fixture->registry, text, strlen(text), 0, note, &refused, &result),
        MEDSEC_OK);
    assert_int_equal(result.added, 2);
    assert_int_equal(result.blank, 2);
    assert_int_equal(result.refused, 4);
    assert_string_equal(refused.text, "4  syntax;5 a exists;6 b exists;7 ../b device-id;");
    assert_int_equal(medsec_registry_verify(fixture->registry, &rows), MEDSEC_OK);
    assert_int_equal(rows, 3);
}

static void test_import_of_nothing(void **state)
{
    registry_fixture *fixture = *state;
    medsec_import_result result;
    assert_int_equal(medsec_registry_import(fixture->registry, NULL, 0, 0, NULL, NULL, &result),
                     MEDSEC_OK);
    assert_int_equal(result.added + result.blank + result.refused, 0);
}

#define FIXED(name) \
    cmocka_unit_test_setup_teardown(name, registry_fixture_setup, registry_fixture_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_line_of_the_seed), cmocka_unit_test(test_line_refused),
        cmocka_unit_test(test_line_too_long),    FIXED(test_import_of_the_seed_file),
        FIXED(test_import_takes_the_good_lines), FIXED(test_import_of_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
