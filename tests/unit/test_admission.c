/* SPDX-License-Identifier: Apache-2.0 */
#include "gateway/admission.h"
#include "unit.h"

#include <stdio.h>

#define SECOND 1000000000ull
#define BEGIN (1000u * SECOND)

static medsec__admission *create(uint32_t rate, uint32_t burst)
{
    medsec__admission *a = NULL;
    assert_int_equal(medsec__admission_create(&a, rate, burst), MEDSEC_OK);
    return a;
}

static bool allows(medsec__admission *a, const char *source, uint64_t now_ns)
{
    medsec__address address;
    assert_int_equal(medsec__address_parse(&address, source), MEDSEC_OK);
    return medsec__admission_allows(a, &address, now_ns);
}

static unsigned count_allowed(medsec__admission *a, const char *source, unsigned tries,
                              uint64_t now_ns)
{
    unsigned allowed = 0;
    for (unsigned i = 0; i < tries; i++) {
        allowed += allows(a, source, now_ns);
    }
    return allowed;
}

static void test_allows_a_burst_then_the_rate(void **state)
{
    (void)state;
    medsec__admission *a = create(10, 5);
    assert_int_equal(count_allowed(a, "192.0.2.1:1", 20, BEGIN), 5);
    assert_int_equal(count_allowed(a, "192.0.2.1:2", 20, BEGIN + SECOND / 10), 1);
    assert_int_equal(count_allowed(a, "192.0.2.1:3", 20, BEGIN + SECOND / 10), 0);
    unsigned allowed = 0;
    for (unsigned ms = 101; ms <= 2100; ms++) {
        allowed += allows(a, "192.0.2.1:4", BEGIN + ms * SECOND / 1000);
    }
    assert_int_equal(allowed, 20);
    assert_int_equal(count_allowed(a, "192.0.2.1:5", 20, BEGIN + 60 * SECOND), 5);
    medsec__admission_destroy(a);
}

static void test_allows_tells_sources_apart(void **state)
{
    (void)state;
    medsec__admission *a = create(1, 1);
    assert_true(allows(a, "192.0.2.1:1", BEGIN));
    assert_false(allows(a, "192.0.2.1:2", BEGIN));
    assert_true(allows(a, "192.0.2.2:1", BEGIN));
    assert_true(allows(a, "[2001:db8:0:1::1]:1", BEGIN));
    assert_false(allows(a, "[2001:db8:0:1:ffff::2]:1", BEGIN)); /* of the same /64 */
    assert_true(allows(a, "[2001:db8:0:2::1]:1", BEGIN));
    assert_false(allows(a, "[::ffff:192.0.2.1]:1", BEGIN)); /* the first one in IPv6 form */
    assert_true(allows(a, "[::ffff:192.0.2.3]:1", BEGIN));
    medsec__admission_destroy(a);
}

/* Many quiet sources do not give a noisy one a new bucket. */
static void test_allows_keeps_the_debtor_among_many(void **state)
{
    (void)state;
    medsec__admission *a = create(1, 1000);
    assert_int_equal(count_allowed(a, "192.0.2.1:1", 2000, BEGIN), 1000);
    for (unsigned i = 0; i < 100000; i++) {
        char source[32];
        snprintf(source, sizeof source, "10.%u.%u.%u:1", i >> 16, i >> 8 & 255, i & 255);
        assert_true(allows(a, source, BEGIN));
    }
    assert_false(allows(a, "192.0.2.1:1", BEGIN));
    medsec__admission_destroy(a);
}

static bool knows(const medsec__admission *a, const char *source)
{
    medsec__address address;
    assert_int_equal(medsec__address_parse(&address, source), MEDSEC_OK);
    return medsec__admission_knows(a, &address);
}

static void remember(medsec__admission *a, const char *source)
{
    medsec__address address;
    assert_int_equal(medsec__address_parse(&address, source), MEDSEC_OK);
    medsec__admission_remember(a, &address);
}

static void test_knows_the_sources_that_were_remembered(void **state)
{
    (void)state;
    medsec__admission *a = create(1, 1);
    assert_false(knows(a, "192.0.2.1:1"));
    assert_true(allows(a, "192.0.2.1:1", BEGIN));
    assert_false(knows(a, "192.0.2.1:1"));
    remember(a, "192.0.2.1:1");
    remember(a, "[2001:db8:0:1::1]:1");
    assert_true(knows(a, "192.0.2.1:2"));
    assert_true(knows(a, "[::ffff:192.0.2.1]:2"));
    assert_true(knows(a, "[2001:db8:0:1::2]:1"));
    assert_false(knows(a, "192.0.2.2:1"));
    assert_false(knows(a, "[2001:db8:0:2::1]:1"));
    medsec__admission_destroy(a);
}

/* A full table forgets; the last one is known, and nobody is who did not come. */
static void test_knows_when_there_were_more_than_places(void **state)
{
    (void)state;
    medsec__admission *a = create(1, 1);
    unsigned strangers = 0;
    char source[32];
    for (unsigned i = 0; i < 2 * MEDSEC__ADMISSION_KNOWN; i++) {
        snprintf(source, sizeof source, "10.%u.%u.%u:1", i >> 16, i >> 8 & 255, i & 255);
        remember(a, source);
        assert_true(knows(a, source));
        snprintf(source, sizeof source, "11.%u.%u.%u:1", i >> 16, i >> 8 & 255, i & 255);
        strangers += knows(a, source);
    }
    assert_int_equal(strangers, 0);
    medsec__admission_destroy(a);
}

static void test_destroy_nothing(void **state)
{
    (void)state;
    medsec__admission_destroy(NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_allows_a_burst_then_the_rate),
        cmocka_unit_test(test_allows_tells_sources_apart),
        cmocka_unit_test(test_allows_keeps_the_debtor_among_many),
        cmocka_unit_test(test_knows_the_sources_that_were_remembered),
        cmocka_unit_test(test_knows_when_there_were_more_than_places),
        cmocka_unit_test(test_destroy_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
