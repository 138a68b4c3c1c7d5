/* SPDX-License-Identifier: Apache-2.0 */
#include <medsec/value.h>

#include "text.h"
#include "value_parser.h"

#include <string.h>

enum state { SIGN_OR_DIGIT, FIRST_DIGIT, DIGITS, FIRST_DECIMAL, DECIMALS };

static void add_digit(medsec_value_parser *parser, char c)
{
    if (parser->digits == MEDSEC_VALUE_DIGITS_MAX) {
        parser->too_long = true;
        return;
    }
    parser->mantissa = parser->mantissa * 10 + (uint32_t)(c - '0');
    parser->digits++;
}

static void add_decimal(medsec_value_parser *parser, char c)
{
    if (parser->decimals == MEDSEC_VALUE_DECIMALS_MAX) {
        parser->too_long = true;
        return;
    }
    parser->decimals++;
    add_digit(parser, c);
}

bool medsec__value_push(medsec_value_parser *parser, char c)
{
    switch (parser->state) {
    case SIGN_OR_DIGIT:
        if (c == '-') {
            parser->negative = true;
            parser->state = FIRST_DIGIT;
            return true;
        }
        /* fall through */
    case FIRST_DIGIT:
        parser->state = DIGITS;
        break;
    case DIGITS:
        if (c == '.') {
            parser->state = FIRST_DECIMAL;
            return true;
        }
        break;
    case FIRST_DECIMAL:
        parser->state = DECIMALS;
        /* fall through */
    case DECIMALS:
        if (medsec__is_digit(c)) {
            add_decimal(parser, c);
            return true;
        }
        return false;
    default:
        return false;
    }
    if (!medsec__is_digit(c)) {
        return false;
    }
    if (c != '0' || parser->mantissa != 0) {
        add_digit(parser, c);
    }
    return true;
}

medsec_status medsec__value_end(const medsec_value_parser *parser, medsec_value *value)
{
    if (parser->state != DIGITS && parser->state != DECIMALS) {
        return MEDSEC_ERR_SYNTAX;
    }
    if (parser->too_long) {
        return MEDSEC_ERR_NUMBER;
    }
    int32_t magnitude = (int32_t)parser->mantissa;
    bool minus_zero = parser->negative && magnitude == 0;
    value->mantissa = parser->negative ? -magnitude : magnitude;
    value->decimals = parser->decimals;
    value->kind = minus_zero ? MEDSEC_VALUE_MINUS_ZERO : MEDSEC_VALUE_NUMBER;
    return MEDSEC_OK;
}

medsec_status medsec_value_parse(medsec_value *value, const char *text, size_t len)
{
    if (value == NULL || (text == NULL && len > 0)) {
        return MEDSEC_ERR_ARGUMENT;
    }
    medsec_value_parser parser = {0};
    for (size_t i = 0; i < len; i++) {
        if (!medsec__value_push(&parser, text[i])) {
            return MEDSEC_ERR_SYNTAX;
        }
    }
    return medsec__value_end(&parser, value);
}

static size_t digits_of(uint32_t number)
{
    size_t digits = 1;
    for (uint64_t limit = 10; number >= limit; limit *= 10) {
        digits++;
    }
    return digits;
}

/* From the last to the first, so that nothing is copied. */
static void write_digits(char *end, uint32_t number, size_t digits, size_t decimals)
{
    for (size_t i = 0; i < digits; i++) {
        if (i > 0 && i == decimals) {
            *--end = '.';
        }
        *--end = (char)('0' + number % 10);
        number /= 10;
    }
}

size_t medsec_value_write(char out[MEDSEC_VALUE_TEXT_MAX], medsec_value value)
{
    bool known = value.kind == MEDSEC_VALUE_NUMBER || value.kind == MEDSEC_VALUE_MINUS_ZERO;
    if (!known || value.decimals > MEDSEC_VALUE_DECIMALS_MAX) {
        memcpy(out, "null", 4);
        return 4;
    }
    bool negative = value.mantissa < 0 || value.kind == MEDSEC_VALUE_MINUS_ZERO;
    uint32_t rest = value.mantissa < 0 ? 0u - (uint32_t)value.mantissa : (uint32_t)value.mantissa;
    size_t digits = digits_of(rest);
    digits = digits > value.decimals ? digits : value.decimals + 1u;
    const size_t len = digits + (negative ? 1 : 0) + (value.decimals > 0 ? 1 : 0);
    out[0] = '-';
    write_digits(out + len, rest, digits, value.decimals);
    return len;
}

bool medsec_value_within(medsec_value value, int32_t min, int32_t max, uint8_t decimals)
{
    if (value.kind == MEDSEC_VALUE_NONE) {
        return true;
    }
    if (value.decimals > MEDSEC_VALUE_DECIMALS_MAX || decimals > MEDSEC_VALUE_DECIMALS_MAX) {
        return false;
    }
    int64_t scaled = value.mantissa;
    int64_t low = min;
    int64_t high = max;
    for (uint8_t i = value.decimals; i < decimals; i++) {
        scaled *= 10;
    }
    for (uint8_t i = decimals; i < value.decimals; i++) {
        low *= 10;
        high *= 10;
    }
    return scaled >= low && scaled <= high;
}
