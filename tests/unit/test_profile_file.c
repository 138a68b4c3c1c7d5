/* SPDX-License-Identifier: Apache-2.0 */
#include "scratch.h"
#include "unit.h"

#include <cJSON.h>
#include <medsec/profile_file.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define VITAL(key, topic, more) \
    "{\"key\":\"" key "\",\"topic\":\"" topic "\",\"unit\":\"V\"," more "}"
#define RANGE "\"decimals\":1,\"min\":0,\"max\":100"
#define PROFILE(id, name, vitals)                                                                  \
    "{\"format\":\"medsec-profile/1\",\"id\":" id ",\"name\":\"" name "\",\"vitals\":[" vitals "]" \
    "}"
#define OXIMETER PROFILE("2", "pulse-oximeter", VITAL("SpO2", "Physiological_Data/SpO2", RANGE))

static int setup(void **state)
{
    *state = medsec_profile_set_create();
    return *state == NULL;
}

static int teardown(void **state)
{
    medsec_profile_set_destroy(*state);
    return 0;
}

static medsec_status add(medsec_profile_set *set, const char *json)
{
    const char *why = NULL;
    char *exact = test_malloc(strlen(json) + 1);
    memcpy(exact, json, strlen(json));
    medsec_status status = medsec_profile_set_add(set, exact, strlen(json), &why);
    test_free(exact);
    assert_int_equal(why == NULL, status == MEDSEC_OK);
    return status;
}

static void test_find_knows_the_built_in(void **state)
{
    assert_ptr_equal(medsec_profile_set_find(*state, "pico-vitals"), &medsec_profile_pico_vitals);
    assert_null(medsec_profile_set_find(*state, "pulse-oximeter"));
    assert_null(medsec_profile_set_find(*state, ""));
}

static void test_add_makes_a_profile(void **state)
{
    assert_int_equal(
        add(*state,
            PROFILE("2", "pulse-oximeter",
                    VITAL("SpO2", "P/SpO2", "\"code\":\"LOINC 59408-5\"," RANGE) "," VITAL(
                        "Rate", "P/Rate", "\"decimals\":3,\"min\":\"-0.5\",\"max\":\"250.125\""))),
        MEDSEC_OK);
    const medsec_profile *profile = medsec_profile_set_find(*state, "pulse-oximeter");
    assert_ptr_equal(medsec_profile_set_at(*state, 0), &medsec_profile_pico_vitals);
    assert_ptr_equal(medsec_profile_set_at(*state, 1), profile);
    assert_null(medsec_profile_set_at(*state, 2));
    assert_non_null(profile);
    assert_int_equal(profile->id, 2);
    assert_int_equal(profile->count, 2);
    assert_string_equal(profile->vitals[0].key, "SpO2");
    assert_string_equal(profile->vitals[0].topic, "P/SpO2");
    assert_string_equal(profile->vitals[0].unit, "V");
    assert_string_equal(profile->vitals[0].code, "LOINC 59408-5");
    assert_int_equal(profile->vitals[0].max, 1000);
    assert_string_equal(profile->vitals[1].code, "");
    assert_int_equal(profile->vitals[1].decimals, 3);
    assert_int_equal(profile->vitals[1].min, -500);
    assert_int_equal(profile->vitals[1].max, 250125);
    assert_int_equal(profile->vitals[0].signal, 0);
    assert_int_equal(profile->interval_ms, 0);
}

static void test_add_takes_exact_bounds(void **state)
{
    static const struct {
        const char *text;
        int32_t min;
        medsec_status status;
    } cases[] = {
        {"0.1", 100000, MEDSEC_OK},
        {"0.000001", 1, MEDSEC_OK},
        {"-999.999999", -999999999, MEDSEC_OK},
        {"\"-999.999999\"", -999999999, MEDSEC_OK},
        {"1e2", 100000000, MEDSEC_OK},
        {"0.0000001", 0, MEDSEC_ERR_NUMBER},
        {"0.0000004", 0, MEDSEC_ERR_NUMBER},
        {"1000", 0, MEDSEC_ERR_NUMBER},
        {"\"1000\"", 0, MEDSEC_ERR_NUMBER},
        {"1e999", 0, MEDSEC_ERR_NUMBER},
        {"\"0.0000001\"", 0, MEDSEC_ERR_NUMBER},
        {"\"1e2\"", 0, MEDSEC_ERR_NUMBER},
        {"\"\"", 0, MEDSEC_ERR_NUMBER},
        {"null", 0, MEDSEC_ERR_NUMBER},
        {"true", 0, MEDSEC_ERR_NUMBER},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        char json[512];
        char name[8];
        snprintf(name, sizeof name, "p%zu", i);
        snprintf(json, sizeof json,
                 "{\"format\":\"medsec-profile/1\",\"id\":%zu,\"name\":\"%s\",\"vitals\":[{"
                 "\"key\":\"a\",\"topic\":\"a\",\"unit\":\"V\",\"decimals\":6,\"min\":%s,"
                 "\"max\":999.999999}]}",
                 100 + i, name, cases[i].text);
        medsec_status status = add(*state, json);
        if (status != cases[i].status) {
            fail_msg("%s gives %d", cases[i].text, status);
        }
        if (status == MEDSEC_OK) {
            assert_int_equal(medsec_profile_set_find(*state, name)->vitals[0].min, cases[i].min);
        }
    }
}

static void test_add_refuses(void **state)
{
    static const struct {
        const char *json;
        medsec_status status;
    } cases[] = {
        {"", MEDSEC_ERR_SYNTAX},
        {"[]", MEDSEC_ERR_SYNTAX},
        {"{}", MEDSEC_ERR_SYNTAX},
        {OXIMETER "{}", MEDSEC_ERR_SYNTAX},
        {"{\"format\":\"medsec-profile/2\"}", MEDSEC_ERR_SYNTAX},
        {PROFILE("1", "other", VITAL("a", "a", RANGE)), MEDSEC_ERR_EXISTS},
        {PROFILE("2", "pico-vitals", VITAL("a", "a", RANGE)), MEDSEC_ERR_EXISTS},
        {PROFILE("-1", "other", VITAL("a", "a", RANGE)), MEDSEC_ERR_NUMBER},
        {PROFILE("65536", "other", VITAL("a", "a", RANGE)), MEDSEC_ERR_NUMBER},
        {PROFILE("2.5", "other", VITAL("a", "a", RANGE)), MEDSEC_ERR_NUMBER},
        {PROFILE("\"2\"", "other", VITAL("a", "a", RANGE)), MEDSEC_ERR_NUMBER},
        {PROFILE("2", "Other Name", VITAL("a", "a", RANGE)), MEDSEC_ERR_SYNTAX},
        {PROFILE("2", "a\\u0000b", VITAL("a", "a", RANGE)), MEDSEC_ERR_SYNTAX},
        {PROFILE("2", "caf\xc3\xa9", VITAL("a", "a", RANGE)), MEDSEC_ERR_SYNTAX},
        {PROFILE("2", "other", ""), MEDSEC_ERR_LIMIT},
        {PROFILE("2", "other", "7"), MEDSEC_ERR_SYNTAX},
        {PROFILE("2", "other", VITAL("a", "a/#", RANGE)), MEDSEC_ERR_TOPIC},
        {PROFILE("2", "other", VITAL("a", "a/+/b", RANGE)), MEDSEC_ERR_TOPIC},
        {PROFILE("2", "other", VITAL("a", "", RANGE)), MEDSEC_ERR_TOPIC},
        {PROFILE("2", "other", VITAL("a\\n", "a", RANGE)), MEDSEC_ERR_SYNTAX},
        {PROFILE("2", "other", VITAL("a", "a", RANGE) "," VITAL("a", "b", RANGE)),
         MEDSEC_ERR_DUPLICATE},
        {PROFILE("2", "other", VITAL("a", "a", RANGE) "," VITAL("b", "a", RANGE)),
         MEDSEC_ERR_DUPLICATE},
        {PROFILE("2", "other", VITAL("a", "a", "\"key\":\"b\"," RANGE)), MEDSEC_ERR_DUPLICATE},
        {PROFILE("2", "other", VITAL("a", "a", "\"mni\":0," RANGE)), MEDSEC_ERR_SYNTAX},
        {PROFILE("2", "other", VITAL("a", "a", "\"decimals\":7,\"min\":0,\"max\":1")),
         MEDSEC_ERR_NUMBER},
        {PROFILE("2", "other", VITAL("a", "a", "\"decimals\":0,\"min\":2,\"max\":1")),
         MEDSEC_ERR_NUMBER},
        {PROFILE("2", "other", VITAL("a", "a", "\"decimals\":0,\"max\":1")), MEDSEC_ERR_NUMBER},
        {PROFILE("2", "other", VITAL("a", "a", "\"code\":7," RANGE)), MEDSEC_ERR_SYNTAX},
        {PROFILE("2", "other", VITAL("a", "a", "\"signal\":\"Pulse\"," RANGE)), MEDSEC_ERR_SYNTAX},
        {PROFILE("2", "other", VITAL("a", "a", "\"signal\":2," RANGE)), MEDSEC_ERR_SYNTAX},
        {PROFILE("2", "other",
                 VITAL("a", "a", "\"signal\":\"ecg\"," RANGE) "," VITAL(
                     "b", "b", "\"signal\":\"pulse\"," RANGE)),
         MEDSEC_ERR_DUPLICATE},
        {PROFILE("2", "other", VITAL("a", "Physiological_Data/Heart_Rate", RANGE)),
         MEDSEC_ERR_TOPIC},
        {PROFILE("2,\"interval_ms\":65536", "other", VITAL("a", "a", RANGE)), MEDSEC_ERR_NUMBER},
        {PROFILE("2,\"interval_ms\":\"50\"", "other", VITAL("a", "a", RANGE)), MEDSEC_ERR_NUMBER},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        medsec_status status = add(*state, cases[i].json);
        if (status != cases[i].status) {
            fail_msg("%s gives %d", cases[i].json, status);
        }
    }
    assert_int_equal(add(*state, OXIMETER), MEDSEC_OK);
    assert_int_equal(add(*state, OXIMETER), MEDSEC_ERR_EXISTS);
}

static void test_add_every_truncation_is_refused(void **state)
{
    char json[] = OXIMETER;
    for (size_t len = 0; len < sizeof json - 1; len++) {
        const char *why;
        assert_int_not_equal(medsec_profile_set_add(*state, json, len, &why), MEDSEC_OK);
    }
}

static void test_add_is_bounded(void **state)
{
    char *large = test_calloc(1, MEDSEC_PROFILE_FILE_MAX + 1);
    memset(large, '[', MEDSEC_PROFILE_FILE_MAX + 1);
    assert_int_equal(medsec_profile_set_add(*state, large, MEDSEC_PROFILE_FILE_MAX + 1, NULL),
                     MEDSEC_ERR_LIMIT);
    assert_int_equal(medsec_profile_set_add(*state, large, MEDSEC_PROFILE_FILE_MAX, NULL),
                     MEDSEC_ERR_SYNTAX);
    test_free(large);
    for (unsigned i = 0; i <= MEDSEC_PROFILES_MAX; i++) {
        char json[256];
        snprintf(json, sizeof json,
                 "{\"format\":\"medsec-profile/1\",\"id\":%u,\"name\":\"p%u\",\"vitals\":[" VITAL(
                     "a", "a", RANGE) "]}",
                 i + 2, i);
        assert_int_equal(add(*state, json), i < MEDSEC_PROFILES_MAX ? MEDSEC_OK : MEDSEC_ERR_LIMIT);
    }
}

static void test_load_reads_a_file(void **state)
{
    scratch files;
    const char *why = NULL;
    scratch_open(&files);
    scratch_write(scratch_path(&files, "p.json"), OXIMETER "\n", sizeof OXIMETER, 0644);
    assert_int_equal(medsec_profile_set_load(*state, scratch_path(&files, "none"), &why),
                     MEDSEC_ERR_NOT_FOUND);
    assert_non_null(why);
    assert_int_equal(medsec_profile_set_load(*state, files.folder, &why), MEDSEC_ERR_IO);
    assert_int_equal(medsec_profile_set_load(*state, scratch_path(&files, "p.json"), &why),
                     MEDSEC_OK);
    assert_non_null(medsec_profile_set_find(*state, "pulse-oximeter"));
    scratch_close(&files);
}

static void test_write_json_describes_the_profile(void **state)
{
    (void)state;
    char json[MEDSEC_PROFILE_JSON_MAX];
    size_t len = 0;
    const medsec_profile *profile = &medsec_profile_pico_vitals;
    assert_int_equal(medsec_profile_write_json(json, sizeof json, &len, profile), MEDSEC_OK);
    cJSON *parsed = cJSON_ParseWithLength(json, len);
    const cJSON *vitals = cJSON_GetObjectItem(parsed, "vitals");
    assert_int_equal(cJSON_GetArraySize(vitals), profile->count);
    assert_string_equal(
        cJSON_GetStringValue(cJSON_GetObjectItem(cJSON_GetArrayItem(vitals, 0), "topic")),
        profile->vitals[0].topic);
    assert_true(cJSON_GetObjectItem(cJSON_GetArrayItem(vitals, 0), "min")->valuedouble == -55);
    assert_null(cJSON_GetObjectItem(cJSON_GetArrayItem(vitals, 0), "signal"));
    assert_string_equal(
        cJSON_GetStringValue(cJSON_GetObjectItem(cJSON_GetArrayItem(vitals, 1), "signal")),
        "pulse");
    assert_true(cJSON_GetObjectItem(parsed, "interval_ms")->valuedouble == 50);
    cJSON_Delete(parsed);
    assert_int_equal(medsec_profile_write_json(json, len - 1, &len, profile), MEDSEC_ERR_BUFFER);
}

static void test_write_json_reads_back(void **state)
{
    char json[MEDSEC_PROFILE_JSON_MAX];
    size_t len = 0;
    medsec_profile_set *other = medsec_profile_set_create();
    assert_int_equal(add(*state, PROFILE("2,\"interval_ms\":4", "other",
                                         VITAL("a", "say \\\"a\\\"", "\"signal\":\"ecg\"," RANGE))),
                     MEDSEC_OK);
    const medsec_profile *profile = medsec_profile_set_find(*state, "other");
    assert_int_equal(medsec_profile_write_json(json, sizeof json, &len, profile), MEDSEC_OK);
    assert_int_equal(medsec_profile_set_add(other, json, len, NULL), MEDSEC_OK);
    const medsec_profile *again = medsec_profile_set_find(other, "other");
    assert_string_equal(again->vitals[0].topic, "say \"a\"");
    assert_int_equal(again->vitals[0].max, profile->vitals[0].max);
    assert_int_equal(again->vitals[0].signal, MEDSEC_HEART_ECG);
    assert_int_equal(again->interval_ms, 4);
    medsec_profile_set_destroy(other);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_find_knows_the_built_in, setup, teardown),
        cmocka_unit_test_setup_teardown(test_add_makes_a_profile, setup, teardown),
        cmocka_unit_test_setup_teardown(test_add_takes_exact_bounds, setup, teardown),
        cmocka_unit_test_setup_teardown(test_add_refuses, setup, teardown),
        cmocka_unit_test_setup_teardown(test_add_every_truncation_is_refused, setup, teardown),
        cmocka_unit_test_setup_teardown(test_add_is_bounded, setup, teardown),
        cmocka_unit_test_setup_teardown(test_load_reads_a_file, setup, teardown),
        cmocka_unit_test(test_write_json_describes_the_profile),
        cmocka_unit_test_setup_teardown(test_write_json_reads_back, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
