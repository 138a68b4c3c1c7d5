/* SPDX-License-Identifier: Apache-2.0 */
#include "unit.h"
#include "vitals.h"

#include <string.h>

static pulse_beat beat;

static int set_up(void **state)
{
    (void)state;
    pulse_beat_init(&beat);
    return 0;
}

/* The reading as the seed wire has it. */
static void print(char text[256], vitals *v)
{
    size_t len = 0;

    assert_int_equal(medsec_reading_write_seed(text, 255, &len, &medsec_profile_pico_vitals,
                                               vitals_next(v, 0.05)),
                     MEDSEC_OK);
    text[len] = '\0';
}

static void assert_member(vitals *v, const char *member)
{
    char text[256];

    print(text, v);
    if (strstr(text, member) == NULL) {
        fail_msg("%s is not in %s", member, text);
    }
}

static void apply(vitals *v, unsigned number, unsigned times)
{
    for (unsigned i = 0; i < times; i++) {
        vitals_apply(v, &vitals_steps[number - 1]);
    }
}

static void test_next_begins_as_the_pseudo_device(void **state)
{
    char text[256];
    vitals v;
    (void)state;

    vitals_init(&v, VITALS_PSEUDO, &beat, 72, 1);
    print(text, &v);
    assert_memory_equal(text, "{\"Temp\":\"36.600\",\"TempMcu\":\"23.700\",\"PulseSig\":\"", 48);
    assert_non_null(strstr(text, "\"Acel_x\":\"0.000\",\"Acel_y\":\"0.000\",\"Acel_z\":\"0.000\","
                                 "\"TempMpu\":\"23.400\"}"));
}

static void test_apply_every_step(void **state)
{
    static const char *const expected[VITALS_STEPS] = {
        "\"Temp\":\"37.100\"",    "\"Temp\":\"36.100\"",    "\"TempMcu\":\"24.200\"",
        "\"TempMcu\":\"23.200\"", "\"TempMpu\":\"23.900\"", "\"TempMpu\":\"22.900\"",
        "\"Acel_x\":\"0.100\"",   "\"Acel_x\":\"-0.100\"",  "\"Acel_y\":\"0.100\"",
        "\"Acel_y\":\"-0.100\"",  "\"Acel_z\":\"0.100\"",   "\"Acel_z\":\"-0.100\""};
    vitals v;
    (void)state;

    for (unsigned number = 1; number <= VITALS_STEPS; number++) {
        vitals_init(&v, VITALS_PSEUDO, &beat, 72, 1);
        apply(&v, number, 1);
        assert_member(&v, expected[number - 1]);
    }
}

static void test_apply_bounces_acceleration_at_one(void **state)
{
    vitals v;
    (void)state;

    vitals_init(&v, VITALS_PSEUDO, &beat, 72, 1);
    apply(&v, 7, 10);
    assert_member(&v, "\"Acel_x\":\"1.000\"");
    apply(&v, 7, 1);
    assert_member(&v, "\"Acel_x\":\"0.900\"");
    apply(&v, 12, 11);
    assert_member(&v, "\"Acel_z\":\"-0.900\"");
    apply(&v, 1, 20);
    assert_member(&v, "\"Temp\":\"46.600\"");
}

/* Ten times 0.1 up and down leaves a trace below nothing, as it does in the published simulator. */
static void test_apply_keeps_minus_zero(void **state)
{
    vitals v;
    (void)state;

    vitals_init(&v, VITALS_PSEUDO, &beat, 72, 1);
    apply(&v, 8, 3);
    apply(&v, 7, 3);
    assert_member(&v, "\"Acel_x\":\"-0.000\"");
}

static void test_next_prints_as_the_pico(void **state)
{
    vitals v;
    (void)state;

    vitals_init(&v, VITALS_PICO, &beat, 72, 1);
    apply(&v, 8, 3);
    apply(&v, 9, 1);
    assert_member(&v, "\"Acel_x\":\"-0.30\"");
    assert_member(&v, "\"Acel_y\":\"0.100\"");
    apply(&v, 6, 60);
    assert_member(&v, "\"TempMpu\":\"-6.600\"");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_next_begins_as_the_pseudo_device),
        cmocka_unit_test(test_apply_every_step),
        cmocka_unit_test(test_apply_bounces_acceleration_at_one),
        cmocka_unit_test(test_apply_keeps_minus_zero),
        cmocka_unit_test(test_next_prints_as_the_pico),
    };
    return cmocka_run_group_tests(tests, set_up, NULL);
}
