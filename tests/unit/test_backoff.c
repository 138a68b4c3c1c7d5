/* SPDX-License-Identifier: Apache-2.0 */
#include "publisher/backoff.h"

#include <medsec/publisher.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

static void expect_between(uint32_t wait, uint32_t most)
{
    assert_in_range(wait, most / 2, most);
}

static void test_next_doubles_to_the_longest_wait(void **state)
{
    (void)state;
    medsec__backoff backoff = {0};
    uint32_t most = MEDSEC_MQTT_BACKOFF_MIN_MS;
    for (int i = 0; i < 12; i++) {
        expect_between(medsec__backoff_next(&backoff, 0), most);
        most = most * 2 < MEDSEC_MQTT_BACKOFF_MAX_MS ? most * 2 : MEDSEC_MQTT_BACKOFF_MAX_MS;
    }
}

static void test_next_begins_anew_after_a_connection_that_lasted(void **state)
{
    (void)state;
    medsec__backoff backoff = {0};
    for (int i = 0; i < 5; i++) {
        (void)medsec__backoff_next(&backoff, 0);
    }
    expect_between(medsec__backoff_next(&backoff, MEDSEC_MQTT_BACKOFF_MAX_MS),
                   32 * MEDSEC_MQTT_BACKOFF_MIN_MS);
    expect_between(medsec__backoff_next(&backoff, MEDSEC_MQTT_BACKOFF_MAX_MS + 1),
                   MEDSEC_MQTT_BACKOFF_MIN_MS);
}

static void test_next_is_left_to_chance(void **state)
{
    (void)state;
    uint32_t first = 0;
    for (int i = 0; i < 100; i++) {
        medsec__backoff backoff = {.ms = MEDSEC_MQTT_BACKOFF_MAX_MS};
        const uint32_t wait = medsec__backoff_next(&backoff, 0);
        if (i > 0 && wait != first) {
            return;
        }
        first = wait;
    }
    fail();
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_next_doubles_to_the_longest_wait),
        cmocka_unit_test(test_next_begins_anew_after_a_connection_that_lasted),
        cmocka_unit_test(test_next_is_left_to_chance),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
