/* SPDX-License-Identifier: Apache-2.0 */
#include "gateway/round.h"
#include "unit.h"

#define US 1000u
#define SECOND 1000000000u

/* Reads come so often, for so long; how many rounds serve them. */
static unsigned serve(medsec__round *round, uint64_t *now, uint64_t every_ns, uint64_t for_ns)
{
    const uint64_t end = *now + for_ns;
    uint64_t next = *now;
    unsigned rounds = 0;
    while (*now < end) {
        *now += medsec__round_end(round, *now);
        medsec__round_begin(round, *now);
        *now = *now > next ? *now : next; /* waits for the next one */
        for (; next <= *now; next += every_ns) {
            round->reads++;
        }
        *now += 20 * US;
        rounds++;
    }
    return rounds;
}

static void test_nothing_waits_while_there_is_little_to_do(void **state)
{
    (void)state;
    medsec__round round = {0};
    uint64_t now = 3600u * (uint64_t)SECOND;
    assert_int_equal(medsec__round_end(&round, now), 0);
    assert_in_range(serve(&round, &now, SECOND / 190, 2 * (uint64_t)SECOND), 378, 382);
}

static void test_much_is_done_in_rounds(void **state)
{
    (void)state;
    medsec__round round = {0};
    uint64_t now = 3600u * (uint64_t)SECOND;
    assert_in_range(serve(&round, &now, SECOND / 1000, MEDSEC__ROUND_WINDOW_NS), 240, 260);
    assert_in_range(serve(&round, &now, SECOND / 1000, 2 * (uint64_t)SECOND), 380, 402);
    assert_in_range(serve(&round, &now, SECOND / 10000, 2 * (uint64_t)SECOND), 380, 402);
    /* and no more when it is over */
    (void)serve(&round, &now, SECOND / 100, 2 * MEDSEC__ROUND_WINDOW_NS);
    assert_in_range(serve(&round, &now, SECOND / 100, SECOND), 98, 102);
    assert_int_equal(medsec__round_end(&round, now), 0);
}

/* A round that took long is followed by the next one. */
static void test_pause_is_from_beginning_to_beginning(void **state)
{
    (void)state;
    medsec__round round = {0};
    uint64_t now = 3600u * (uint64_t)SECOND;
    (void)serve(&round, &now, SECOND / 1000, 2 * MEDSEC__ROUND_WINDOW_NS);
    medsec__round_begin(&round, now);
    assert_int_equal(medsec__round_end(&round, now + US), MEDSEC__ROUND_NS - US);
    assert_int_equal(medsec__round_end(&round, now + MEDSEC__ROUND_NS), 0);
    assert_int_equal(medsec__round_end(&round, now + 2 * MEDSEC__ROUND_NS), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_nothing_waits_while_there_is_little_to_do),
        cmocka_unit_test(test_much_is_done_in_rounds),
        cmocka_unit_test(test_pause_is_from_beginning_to_beginning),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
