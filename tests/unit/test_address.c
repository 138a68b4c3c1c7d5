/* SPDX-License-Identifier: Apache-2.0 */
#include "host/address.h"
#include "unit.h"

#include <string.h>

static void test_parse_and_text_agree(void **state)
{
    (void)state;
    static const char *const texts[] = {"127.0.0.1:9998", "0.0.0.0:0", "[::1]:65535",
                                        "[2001:db8::1]:1"};
    for (size_t i = 0; i < sizeof(texts) / sizeof(*texts); i++) {
        medsec__address a;
        char out[MEDSEC__ADDRESS_TEXT_MAX];
        assert_int_equal(medsec__address_parse(&a, texts[i]), MEDSEC_OK);
        medsec__address_text(out, &a);
        assert_string_equal(out, texts[i]);
    }
}

static void test_parse_bad(void **state)
{
    (void)state;
    static const char *const texts[] = {
        "",
        "9998",
        ":9998",
        "localhost:1",
        "1.2.3:4",
        "1.2.3.4:",
        "1.2.3.4:x",
        "1.2.3.4:65536",
        "1.2.3.4:-1",
        "::1:80",
        "[::1]",
        "[]:1",
        "[::1:80",
        "1.2.3.4:1 ",
        "[1.2.3.4]:1",
        "[0000000000000000000000000000000000000000000000000000000000000000000000000000::1]:80"};
    medsec__address a;
    for (size_t i = 0; i < sizeof(texts) / sizeof(*texts); i++)
        assert_int_equal(medsec__address_parse(&a, texts[i]), MEDSEC_ERR_ARGUMENT);
    assert_int_equal(medsec__address_parse(&a, NULL), MEDSEC_ERR_ARGUMENT);
}

static void test_mapped_address_is_shown_as_ipv4(void **state)
{
    (void)state;
    medsec__address mapped, plain;
    char out[MEDSEC__ADDRESS_TEXT_MAX];
    uint8_t a[16], b[16];
    assert_int_equal(medsec__address_parse(&mapped, "[::ffff:10.0.0.1]:80"), MEDSEC_OK);
    assert_int_equal(medsec__address_parse(&plain, "10.0.0.1:81"), MEDSEC_OK);
    medsec__address_text(out, &mapped);
    assert_string_equal(out, "10.0.0.1:80");
    medsec__address_bytes(a, &mapped);
    medsec__address_bytes(b, &plain);
    assert_memory_equal(a, b, sizeof(a));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_parse_and_text_agree),
        cmocka_unit_test(test_parse_bad),
        cmocka_unit_test(test_mapped_address_is_shown_as_ipv4),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
