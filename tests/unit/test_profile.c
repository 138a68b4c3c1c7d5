/* SPDX-License-Identifier: Apache-2.0 */
#include "unit.h"

#include <medsec/profile.h>
#include <medsec/topic.h>

#include <string.h>

static medsec_vital vitals[MEDSEC_VITALS_MAX + 1];
static medsec_profile profile;

/* Two good vitals. */
static int set_up(void **state)
{
    (void)state;
    vitals[0] = (medsec_vital){"SpO2", "Vitals/SpO2", "%", "LOINC 59408-5", 0, 1000, 1, 0};
    vitals[1] = (medsec_vital){"Rate", "Vitals/Rate", "/min", "", 0, 300, 0, 0};
    profile = (medsec_profile){.id = 2, .count = 2, .name = "pulse-oximeter", .vitals = vitals};
    return 0;
}

static void expect(medsec_status status)
{
    assert_int_equal(medsec_profile_check(&profile), status);
}

static void test_check_pico_vitals(void **state)
{
    static const char *const keys[] = {"Temp",   "PulseSig", "Acel_x", "Acel_y",
                                       "Acel_z", "TempMcu",  "TempMpu"};
    (void)state;
    assert_int_equal(medsec_profile_check(&medsec_profile_pico_vitals), MEDSEC_OK);
    assert_int_equal(medsec_profile_pico_vitals.count, 7);
    assert_int_equal(medsec_profile_pico_vitals.interval_ms, 50);
    for (size_t i = 0; i < 7; i++) {
        const medsec_vital *vital = &medsec_profile_pico_vitals.vitals[i];
        assert_string_equal(vital->key, keys[i]);
        assert_int_equal(vital->signal, i == 1 ? MEDSEC_HEART_PULSE : 0);
    }
}

static void test_check_good(void **state)
{
    (void)state;
    expect(MEDSEC_OK);
    profile.count = 1;
    expect(MEDSEC_OK);
}

static void test_check_counts(void **state)
{
    static char keys[MEDSEC_VITALS_MAX + 1][2];
    (void)state;
    profile.count = 0;
    expect(MEDSEC_ERR_LIMIT);
    for (size_t i = 0; i <= MEDSEC_VITALS_MAX; i++) {
        keys[i][0] = (char)('a' + i);
        vitals[i] = (medsec_vital){keys[i], keys[i], "", "", 0, 0, 0, 0};
    }
    profile.count = MEDSEC_VITALS_MAX;
    expect(MEDSEC_OK);
    profile.count = MEDSEC_VITALS_MAX + 1;
    expect(MEDSEC_ERR_LIMIT);
    profile.vitals = NULL;
    expect(MEDSEC_ERR_ARGUMENT);
    assert_int_equal(medsec_profile_check(NULL), MEDSEC_ERR_ARGUMENT);
}

static void expect_text(const char **text, const char *value, medsec_status status)
{
    const char *before = *text;
    *text = value;
    expect(status);
    *text = before;
}

static void test_check_lengths(void **state)
{
    static const char ones[] = "1111111111111111111111111111111111111111111111111111111111111111"
                               "1111111111111111111111111111111111111111111111111111111111111111";
    const char *end = ones + sizeof ones - 1;
    (void)state;
    struct {
        const char **text;
        size_t max;
    } cases[] = {
        {&profile.name, MEDSEC_PROFILE_NAME_MAX},   {&vitals[1].key, MEDSEC_VITAL_KEY_MAX},
        {&vitals[1].topic, MEDSEC_VITAL_TOPIC_MAX}, {&vitals[1].unit, MEDSEC_VITAL_UNIT_MAX},
        {&vitals[1].code, MEDSEC_VITAL_CODE_MAX},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        expect_text(cases[i].text, end - cases[i].max, MEDSEC_OK);
        expect_text(cases[i].text, end - cases[i].max - 1, MEDSEC_ERR_LIMIT);
        expect_text(cases[i].text, NULL, MEDSEC_ERR_ARGUMENT);
    }
    expect_text(&profile.name, "", MEDSEC_ERR_LIMIT);
    expect_text(&vitals[0].key, "", MEDSEC_ERR_LIMIT);
    expect_text(&vitals[0].topic, "", MEDSEC_ERR_TOPIC);
}

static void test_check_topics_of_the_gateway(void **state)
{
    (void)state;
    expect_text(&vitals[0].topic, "Status", MEDSEC_ERR_TOPIC);
    expect_text(&vitals[0].topic, "Command/Config", MEDSEC_ERR_TOPIC);
    expect_text(&vitals[0].topic, "Internal_Server/Ip_address", MEDSEC_ERR_TOPIC);
    expect_text(&vitals[0].topic, "Status_of_health", MEDSEC_OK);
    expect_text(&vitals[0].topic, "Vitals/Status", MEDSEC_OK);
    expect_text(&vitals[0].topic, MEDSEC_TOPIC_HEART_RATE, MEDSEC_ERR_TOPIC);
    expect_text(&vitals[0].topic, MEDSEC_TOPIC_HEART_RATE "/Reason", MEDSEC_ERR_TOPIC);
    expect_text(&vitals[0].topic, MEDSEC_TOPIC_HEART_RATE "s", MEDSEC_OK);
    expect_text(&vitals[0].topic, "Physiological_Data/Heart_Rat", MEDSEC_OK);
    expect_text(&vitals[0].topic, "Physiological_Data", MEDSEC_OK);
}

static void test_check_signals(void **state)
{
    (void)state;
    vitals[0].signal = MEDSEC_HEART_ECG;
    expect(MEDSEC_OK);
    vitals[1].signal = MEDSEC_HEART_PULSE;
    expect(MEDSEC_ERR_DUPLICATE);
    vitals[0].signal = 0;
    expect(MEDSEC_OK);
    vitals[1].signal = MEDSEC_HEART_PULSE + 1;
    expect(MEDSEC_ERR_NUMBER);
}

static void test_check_characters(void **state)
{
    (void)state;
    expect_text(&profile.name, "Pulse", MEDSEC_ERR_SYNTAX);
    expect_text(&profile.name, "a/b", MEDSEC_ERR_SYNTAX);
    expect_text(&vitals[0].key, "a\"b", MEDSEC_ERR_SYNTAX);
    expect_text(&vitals[0].key, "a\\b", MEDSEC_ERR_SYNTAX);
    expect_text(&vitals[0].unit, "\xc2\xb0", MEDSEC_ERR_SYNTAX);
    expect_text(&vitals[0].code, "a\nb", MEDSEC_ERR_SYNTAX);
    expect_text(&vitals[0].topic, "a/+/b", MEDSEC_ERR_TOPIC);
    expect_text(&vitals[0].topic, "#", MEDSEC_ERR_TOPIC);
    expect_text(&vitals[0].topic, "$SYS", MEDSEC_ERR_TOPIC);
    expect_text(&vitals[0].topic, "a\x7f", MEDSEC_ERR_TOPIC);
}

static void test_check_duplicates(void **state)
{
    (void)state;
    expect_text(&vitals[1].key, "SpO2", MEDSEC_ERR_DUPLICATE);
    expect_text(&vitals[1].topic, "Vitals/SpO2", MEDSEC_ERR_DUPLICATE);
    expect_text(&vitals[1].key, "SpO", MEDSEC_OK);
    expect_text(&vitals[1].key, "SpO22", MEDSEC_OK);
}

static void test_check_numbers(void **state)
{
    (void)state;
    vitals[0].min = 1001;
    expect(MEDSEC_ERR_NUMBER);
    vitals[0].min = 1000;
    expect(MEDSEC_OK);
    vitals[0].decimals = MEDSEC_VALUE_DECIMALS_MAX + 1;
    expect(MEDSEC_ERR_NUMBER);
}

static void test_check_seed_order(void **state)
{
    static const uint8_t swapped[] = {1, 0};
    static const uint8_t twice[] = {1, 1};
    static const uint8_t outside[] = {0, 2};
    (void)state;
    profile.seed_order = swapped;
    expect(MEDSEC_OK);
    profile.seed_order = twice;
    expect(MEDSEC_ERR_DUPLICATE);
    profile.seed_order = outside;
    expect(MEDSEC_ERR_DUPLICATE);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_check_pico_vitals),
        cmocka_unit_test_setup(test_check_good, set_up),
        cmocka_unit_test_setup(test_check_counts, set_up),
        cmocka_unit_test_setup(test_check_lengths, set_up),
        cmocka_unit_test_setup(test_check_topics_of_the_gateway, set_up),
        cmocka_unit_test_setup(test_check_signals, set_up),
        cmocka_unit_test_setup(test_check_characters, set_up),
        cmocka_unit_test_setup(test_check_duplicates, set_up),
        cmocka_unit_test_setup(test_check_numbers, set_up),
        cmocka_unit_test_setup(test_check_seed_order, set_up),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
