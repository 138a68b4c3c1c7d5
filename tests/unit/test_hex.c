/* SPDX-License-Identifier: Apache-2.0 */
#include "unit.h"

#include <medsec/hex.h>

#include <string.h>

/* RFC 4648 section 10. */
static void test_encode_rfc_4648(void **state)
{
    char out[12];
    (void)state;
    medsec_hex_encode(out, (const uint8_t *)"foobar", 6);
    assert_memory_equal(out, "666f6f626172", 12);
    medsec_hex_encode(out, NULL, 0);
}

static void test_decode_every_byte(void **state)
{
    (void)state;
    for (int i = 0; i < 256; i++) {
        uint8_t byte = (uint8_t)i;
        uint8_t back = 0;
        char text[2];
        medsec_hex_encode(text, &byte, 1);
        assert_int_equal(medsec_hex_decode(&back, text, 2), MEDSEC_OK);
        assert_int_equal(back, byte);
    }
    uint8_t upper[3];
    assert_int_equal(medsec_hex_decode(upper, "AbCdEF", 6), MEDSEC_OK);
    assert_memory_equal(upper, "\xab\xcd\xef", 3);
}

static void test_decode_other_characters(void **state)
{
    uint8_t out[2];
    (void)state;
    assert_int_equal(medsec_hex_decode(out, "0", 1), MEDSEC_ERR_SYNTAX);
    assert_int_equal(medsec_hex_decode(out, "0g", 2), MEDSEC_ERR_SYNTAX);
    assert_int_equal(medsec_hex_decode(out, "g0", 2), MEDSEC_ERR_SYNTAX);
    assert_int_equal(medsec_hex_decode(out, "0\0", 2), MEDSEC_ERR_SYNTAX);
    assert_int_equal(medsec_hex_decode(NULL, NULL, 0), MEDSEC_OK);
    assert_int_equal(medsec_hex_decode(NULL, "00", 2), MEDSEC_ERR_ARGUMENT);
    assert_int_equal(medsec_hex_decode(out, NULL, 2), MEDSEC_ERR_ARGUMENT);
}

static void test_digit_every_character(void **state)
{
    static const char digits[] = "0123456789abcdef0123456789ABCDEF";
    (void)state;
    for (int c = 0; c < 256; c++) {
        const char *found = c == 0 ? NULL : strchr(digits, c);
        int expected = found == NULL ? -1 : (int)(found - digits) % 16;
        assert_int_equal(medsec_hex_digit((char)c), expected);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_encode_rfc_4648),
        cmocka_unit_test(test_decode_every_byte),
        cmocka_unit_test(test_decode_other_characters),
        cmocka_unit_test(test_digit_every_character),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
