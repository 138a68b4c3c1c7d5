/* SPDX-License-Identifier: Apache-2.0 */
#include "publisher/broker_address.h"
#include "unit.h"

#include <string.h>

static bool is_private(const char *text)
{
    medsec__address address;
    assert_int_equal(medsec__address_parse(&address, text), MEDSEC_OK);
    return medsec__address_is_private(&address);
}

/* The first and the last address of each range, and the ones beside them. */
static void test_private_ranges_end_where_the_documents_say(void **state)
{
    (void)state;
    static const char *const inside[] = {
        "127.0.0.0:1",      "127.255.255.255:1", "10.0.0.0:1",      "10.255.255.255:1",
        "172.16.0.0:1",     "172.31.255.255:1",  "192.168.0.0:1",   "192.168.255.255:1",
        "169.254.0.0:1",    "169.254.255.255:1", "[::1]:1",         "[fe80::]:1",
        "[febf:ffff::1]:1", "[fc00::]:1",        "[fdff:ffff::]:1", "[::ffff:10.1.2.3]:1"};
    static const char *const outside[] = {"126.255.255.255:1",
                                          "128.0.0.0:1",
                                          "9.255.255.255:1",
                                          "11.0.0.0:1",
                                          "172.15.255.255:1",
                                          "172.32.0.0:1",
                                          "192.167.255.255:1",
                                          "192.169.0.0:1",
                                          "169.253.255.255:1",
                                          "169.255.0.0:1",
                                          "0.0.0.0:1",
                                          "[::]:1",
                                          "[::2]:1",
                                          "[fe7f:ffff::]:1",
                                          "[fec0::]:1",
                                          "[fbff:ffff::]:1",
                                          "[fe00::]:1",
                                          "[2001:db8::1]:1",
                                          "[::ffff:192.0.2.1]:1",
                                          "100.64.0.1:1"};
    for (size_t i = 0; i < sizeof inside / sizeof *inside; i++) {
        assert_true(is_private(inside[i]));
    }
    for (size_t i = 0; i < sizeof outside / sizeof *outside; i++) {
        assert_false(is_private(outside[i]));
    }
}

static void test_may_be_clear_looks_at_numbers_only(void **state)
{
    (void)state;
    assert_true(medsec__broker_may_be_clear("127.0.0.1"));
    assert_true(medsec__broker_may_be_clear("::1"));
    assert_true(medsec__broker_may_be_clear("broker.invalid"));
    assert_false(medsec__broker_may_be_clear("192.0.2.1"));
    assert_false(medsec__broker_may_be_clear("2001:db8::1"));
}

static medsec__mqtt_options options_of(const char *url)
{
    medsec__mqtt_options o = {.client_id = NULL};
    assert_int_equal(medsec__mqtt_url_parse(&o.url, url), MEDSEC_OK);
    return o;
}

static void test_resolve_gives_a_number_that_may_be_used(void **state)
{
    (void)state;
    char host[MEDSEC__BROKER_HOST_MAX] = "";
    medsec__mqtt_options o = options_of("mqtt://192.0.2.1");
    assert_int_equal(medsec__broker_resolve(host, &o, 0), MEDSEC_ERR_CLEAR_TEXT);
    o.allow_clear_text = true;
    assert_int_equal(medsec__broker_resolve(host, &o, 0), MEDSEC_OK);
    assert_string_equal(host, "192.0.2.1");
    o = options_of("mqtts://192.0.2.1");
    assert_int_equal(medsec__broker_resolve(host, &o, 7), MEDSEC_OK);
    o = options_of("mqtt://[::1]");
    assert_int_equal(medsec__broker_resolve(host, &o, 0), MEDSEC_OK);
    assert_string_equal(host, "::1");
}

/* Whatever the machine says about it, what comes out is one of its loopback addresses. */
static void test_resolve_takes_turns(void **state)
{
    (void)state;
    const medsec__mqtt_options o = options_of("mqtt://localhost");
    char first[MEDSEC__BROKER_HOST_MAX] = "", host[MEDSEC__BROKER_HOST_MAX] = "";
    assert_int_equal(medsec__broker_resolve(first, &o, 0), MEDSEC_OK);
    assert_true(strcmp(first, "127.0.0.1") == 0 || strcmp(first, "::1") == 0);
    assert_int_equal(medsec__broker_resolve(host, &o, 1), MEDSEC_OK);
    assert_int_equal(medsec__broker_resolve(host, &o, 2), MEDSEC_OK);
    assert_string_equal(host, first); /* of one address, or of two */
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_private_ranges_end_where_the_documents_say),
        cmocka_unit_test(test_may_be_clear_looks_at_numbers_only),
        cmocka_unit_test(test_resolve_gives_a_number_that_may_be_used),
        cmocka_unit_test(test_resolve_takes_turns),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
