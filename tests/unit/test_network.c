/* SPDX-License-Identifier: Apache-2.0 */
#include "host/network.h"
#include "unit.h"

#include <stdio.h>

static bool holds(const char *networks, const char *address)
{
    medsec__networks n;
    medsec__address a;
    assert_int_equal(medsec__networks_parse(&n, networks), MEDSEC_OK);
    assert_int_equal(medsec__address_parse(&a, address), MEDSEC_OK);
    return medsec__networks_hold(&n, &a);
}

static void test_hold_ipv4(void **state)
{
    (void)state;
    assert_true(holds("10.1.0.0/16", "10.1.255.255:1"));
    assert_false(holds("10.1.0.0/16", "10.2.0.0:1"));
    assert_true(holds("10.1.0.128/25", "10.1.0.128:1"));
    assert_false(holds("10.1.0.128/25", "10.1.0.127:1"));
    assert_true(holds("10.1.0.5", "10.1.0.5:1"));
    assert_false(holds("10.1.0.5", "10.1.0.4:1"));
    assert_true(holds("10.1.0.5/32", "[::ffff:10.1.0.5]:1"));
    assert_true(holds("0.0.0.0/0", "192.0.2.1:1"));
    assert_false(holds("0.0.0.0/0", "[2001:db8::1]:1"));
}

static void test_hold_ipv6(void **state)
{
    (void)state;
    assert_true(holds("2001:db8::/33", "[2001:db8:7fff::1]:1"));
    assert_false(holds("2001:db8::/33", "[2001:db8:8000::1]:1"));
    assert_true(holds("::1", "[::1]:1"));
    assert_false(holds("::1", "[::2]:1"));
    assert_true(holds("::/0", "[2001:db8::1]:1"));
    assert_true(holds("::ffff:10.0.0.0/104", "10.1.2.3:1"));
    assert_false(holds("::1", "127.0.0.1:1"));
}

static void test_hold_any_of_several(void **state)
{
    (void)state;
    static const char several[] = "10.1.0.5,::1,10.2.0.0/16";
    assert_true(holds(several, "10.1.0.5:1"));
    assert_true(holds(several, "[::1]:1"));
    assert_true(holds(several, "10.2.3.4:1"));
    assert_false(holds(several, "10.3.0.0:1"));
}

static void test_hold_nothing_in_none(void **state)
{
    (void)state;
    const medsec__networks none = {0};
    medsec__address a;
    assert_int_equal(medsec__address_parse(&a, "127.0.0.1:1"), MEDSEC_OK);
    assert_false(medsec__networks_hold(&none, &a));
}

static void test_parse_bad(void **state)
{
    (void)state;
    static const char *const texts[] = {
        "",
        ",",
        "10.0.0.1,",
        ",10.0.0.1",
        "10.0.0.1,,10.0.0.2",
        "10.0.0.1 ,10.0.0.2",
        "localhost",
        "10.0.0.0/33",
        "10.0.0.0/",
        "10.0.0.0/x",
        "10.0.0.0/08",
        "10.0.0.0/-1",
        "10.0.0.0/8/8",
        "10.0.0.0/1000",
        "10.1.0.5/16",
        "10.0.0.1/31",
        "10.0.0.1:80",
        "[::1]",
        "::/129",
        "2001:db8::1/64",
        "10.0.0.256",
        "/8",
        "0000000000000000000000000000000000000000000000000000000000000000000000000000::1"};
    medsec__networks n;
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
        assert_int_equal(medsec__networks_parse(&n, texts[i]), MEDSEC_ERR_ARGUMENT);
    }
}

static void test_parse_as_many_as_there_is_room_for(void **state)
{
    (void)state;
    char text[1024] = "";
    medsec__networks n;
    size_t len = 0;
    for (unsigned i = 0; i < MEDSEC__NETWORKS_MAX; i++) {
        len += (size_t)snprintf(text + len, sizeof text - len, "%s10.0.0.%u", i ? "," : "", i);
    }
    assert_int_equal(medsec__networks_parse(&n, text), MEDSEC_OK);
    assert_int_equal(n.count, MEDSEC__NETWORKS_MAX);
    snprintf(text + len, sizeof text - len, ",10.0.1.0");
    assert_int_equal(medsec__networks_parse(&n, text), MEDSEC_ERR_LIMIT);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_hold_ipv4),
        cmocka_unit_test(test_hold_ipv6),
        cmocka_unit_test(test_hold_any_of_several),
        cmocka_unit_test(test_hold_nothing_in_none),
        cmocka_unit_test(test_parse_bad),
        cmocka_unit_test(test_parse_as_many_as_there_is_room_for),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
