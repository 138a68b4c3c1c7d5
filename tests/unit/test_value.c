/* SPDX-License-Identifier: Apache-2.0 */
#include "unit.h"

#include "core/value_parser.h"
#include "splits.h"

#include <medsec/value.h>

#include <string.h>

static void begin(void *context)
{
    memset(context, 0, sizeof(medsec_value_parser));
}

static void push(void *context, uint8_t *data, size_t len, trace *log)
{
    for (size_t i = 0; i < len; i++) {
        if (!medsec__value_push(context, (char)data[i])) {
            trace_add_word(log, "refused");
            break;
        }
    }
}

static int end(void *context, trace *log)
{
    medsec_value value;
    medsec_status status = medsec__value_end(context, &value);
    if (log->len == 0 && status == MEDSEC_OK) {
        char text[MEDSEC_VALUE_TEXT_MAX];
        trace_add(log, text, medsec_value_write(text, value));
    }
    return status;
}

static medsec_status parse(const char *text, medsec_value *value)
{
    return medsec_value_parse(value, text, strlen(text));
}

static void test_parse_is_exact(void **state)
{
    static const struct {
        const char *text;
        const char *written;
        int32_t mantissa;
        int decimals;
    } cases[] = {
        {"0", "0", 0, 0},
        {"36.600", "36.600", 36600, 3},
        {"-0.50", "-0.50", -50, 2},
        {"-0.00", "-0.00", 0, 2},
        {"-0", "-0", 0, 0},
        {"0.000", "0.000", 0, 3},
        {"007", "7", 7, 0},
        {"-00.702", "-0.702", -702, 3},
        {"-0960.4", "-960.4", -9604, 1},
        {"999999999", "999999999", 999999999, 0},
        {"-999.999999", "-999.999999", -999999999, 6},
        {"0.000001", "0.000001", 1, 6},
        {"00000000000000000000000000000001", "1", 1, 0},
        {"100", "100", 100, 0},
    };
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        static trace log;
        medsec_value_parser parser;
        machine m = {&parser, begin, push, end};
        medsec_value value;
        assert_int_equal(parse(cases[i].text, &value), MEDSEC_OK);
        assert_int_equal(value.mantissa, cases[i].mantissa);
        assert_int_equal(value.decimals, cases[i].decimals);
        run_every_split(&m, cases[i].text, strlen(cases[i].text), &log);
        run_every_truncation(&m, cases[i].text, strlen(cases[i].text));
        assert_int_equal(log.end, MEDSEC_OK);
        assert_int_equal(log.len, strlen(cases[i].written) + 1);
        assert_memory_equal(log.text, cases[i].written, log.len - 1);
    }
}

static void test_parse_another_form(void **state)
{
    static const char *const cases[] = {
        "",    "-",   ".",   ".5",   "5.",    "+1",   "--1",  "1-",    "1.2.3",
        "1e3", "1E3", "NaN", "nan",  "inf",   "0x10", " 1",   "1 ",    "1,5",
        "1\n", "\t1", "-.5", "1.-2", "1_000", "null", "-inf", "1e999", "\xef\xbc\x91",
    };
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        medsec_value value = {42, 1, MEDSEC_VALUE_NUMBER};
        assert_int_equal(parse(cases[i], &value), MEDSEC_ERR_SYNTAX);
        assert_int_equal(value.mantissa, 42);
    }
    medsec_value value;
    assert_int_equal(medsec_value_parse(&value, "1\0", 2), MEDSEC_ERR_SYNTAX);
    assert_int_equal(medsec_value_parse(&value, NULL, 0), MEDSEC_ERR_SYNTAX);
    assert_int_equal(medsec_value_parse(&value, NULL, 1), MEDSEC_ERR_ARGUMENT);
    assert_int_equal(medsec_value_parse(NULL, "1", 1), MEDSEC_ERR_ARGUMENT);
}

static void test_parse_too_many_digits(void **state)
{
    static const char *const cases[] = {
        "1234567890", "-1234567890", "123456789.0",
        "0.0000000",  "1.1234567",   "1000000000000000000000000000000000000",
    };
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        medsec_value value;
        assert_int_equal(parse(cases[i], &value), MEDSEC_ERR_NUMBER);
    }
    /* Form goes first: this is no number at all. */
    medsec_value value;
    assert_int_equal(parse("12345678901e", &value), MEDSEC_ERR_SYNTAX);
}

static void expect_written(medsec_value value, const char *text)
{
    char out[MEDSEC_VALUE_TEXT_MAX];
    assert_int_equal(medsec_value_write(out, value), strlen(text));
    assert_memory_equal(out, text, strlen(text));
}

static void test_write_values_of_no_parse(void **state)
{
    (void)state;
    expect_written((medsec_value){INT32_MIN, 6, MEDSEC_VALUE_NUMBER}, "-2147.483648");
    expect_written((medsec_value){INT32_MAX, 0, MEDSEC_VALUE_NUMBER}, "2147483647");
    expect_written((medsec_value){5, 0, MEDSEC_VALUE_NONE}, "null");
    expect_written((medsec_value){5, 7, MEDSEC_VALUE_NUMBER}, "null");
    expect_written((medsec_value){5, 255, MEDSEC_VALUE_MINUS_ZERO}, "null");
    expect_written((medsec_value){5, 1, 200}, "null");
}

static bool within(const char *text, int32_t min, int32_t max, uint8_t decimals)
{
    medsec_value value;
    assert_int_equal(parse(text, &value), MEDSEC_OK);
    return medsec_value_within(value, min, max, decimals);
}

static void test_within(void **state)
{
    (void)state;
    assert_true(within("36.6", -55000, 125000, 3));
    assert_true(within("125", -55000, 125000, 3));
    assert_true(within("125.000000", -55000, 125000, 3));
    assert_false(within("125.000001", -55000, 125000, 3));
    assert_false(within("-55.001", -55000, 125000, 3));
    assert_true(within("-55.000", -55000, 125000, 3));
    assert_true(within("-0.0", 0, 1, 0));
    assert_false(within("999999999", INT32_MIN, INT32_MAX, 6));
    assert_true(within("999.999999", INT32_MIN, INT32_MAX, 6));
    assert_true(medsec_value_within((medsec_value){0, 0, MEDSEC_VALUE_NONE}, 1, 2, 0));
    assert_false(medsec_value_within((medsec_value){1, 7, MEDSEC_VALUE_NUMBER}, 0, 2, 0));
    assert_false(medsec_value_within((medsec_value){1, 0, MEDSEC_VALUE_NUMBER}, 0, 2, 7));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_parse_is_exact),
        cmocka_unit_test(test_parse_another_form),
        cmocka_unit_test(test_parse_too_many_digits),
        cmocka_unit_test(test_write_values_of_no_parse),
        cmocka_unit_test(test_within),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
