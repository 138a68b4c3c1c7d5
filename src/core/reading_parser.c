/* SPDX-License-Identifier: Apache-2.0 */
#include <medsec/hex.h>
#include <medsec/reading.h>

#include "text.h"
#include "value_parser.h"

#include <string.h>

enum state {
    BEGIN,
    FIRST_NAME, /* or the end of an empty object */
    NAME,
    COLON,
    VALUE,
    KNOWN_STRING,
    UNKNOWN_STRING,
    ESCAPE,
    UNICODE_ESCAPE,
    UNKNOWN_SCALAR,
    AFTER_VALUE,
    NEXT_NAME,
    END
};

static const uint8_t UNKNOWN = MEDSEC_VITALS_MAX;

static medsec_status next(medsec_reading_parser *parser, enum state state)
{
    parser->state = (uint8_t)state;
    return MEDSEC_OK;
}

static medsec_status begin_text(medsec_reading_parser *parser, enum state state)
{
    parser->text_len = 0;
    return next(parser, state);
}

static medsec_status add_text(medsec_reading_parser *parser, char c)
{
    if (parser->text_len == sizeof parser->text) {
        return MEDSEC_ERR_LIMIT;
    }
    parser->text[parser->text_len++] = c;
    return MEDSEC_OK;
}

static uint8_t find_vital(const medsec_profile *profile, const char *name, size_t len)
{
    for (uint8_t i = 0; i < profile->count; i++) {
        if (medsec__text_is(profile->vitals[i].key, name, len)) {
            return i;
        }
    }
    return UNKNOWN;
}

static medsec_status end_name(medsec_reading_parser *parser)
{
    parser->vital = find_vital(parser->profile, parser->text, parser->text_len);
    if (parser->vital == UNKNOWN) {
        if (parser->reading.extra == MEDSEC_READING_EXTRA_MAX) {
            return MEDSEC_ERR_LIMIT;
        }
        parser->reading.extra++;
        return next(parser, COLON);
    }
    uint32_t bit = 1u << parser->vital;
    if ((parser->seen & bit) != 0) {
        return MEDSEC_ERR_DUPLICATE;
    }
    parser->seen |= bit;
    return next(parser, COLON);
}

static medsec_status name_char(medsec_reading_parser *parser, char c)
{
    if (c == '"') {
        return end_name(parser);
    }
    return medsec__is(c, MEDSEC__PLAIN) ? add_text(parser, c) : MEDSEC_ERR_SYNTAX;
}

/* The greater part of a name at once; what is not plain, and a name too long, is left. */
static size_t take_name(medsec_reading_parser *parser, const char *text, size_t len)
{
    size_t room = sizeof parser->text - parser->text_len;
    size_t count = medsec__span(text, len < room ? len : room, MEDSEC__PLAIN);
    for (size_t i = 0; i < count; i++) {
        parser->text[parser->text_len++] = text[i];
    }
    return count;
}

static medsec_status begin_value(medsec_reading_parser *parser, char c)
{
    if (medsec__is_space(c)) {
        return MEDSEC_OK;
    }
    if (parser->vital != UNKNOWN) {
        memset(&parser->value, 0, sizeof parser->value);
        return c == '"' ? next(parser, KNOWN_STRING) : MEDSEC_ERR_SYNTAX;
    }
    if (c == '"') {
        return next(parser, UNKNOWN_STRING);
    }
    (void)begin_text(parser, UNKNOWN_SCALAR);
    return add_text(parser, c);
}

static medsec_status known_char(medsec_reading_parser *parser, char c)
{
    if (c != '"') {
        return medsec__value_push(&parser->value, c) ? MEDSEC_OK : MEDSEC_ERR_SYNTAX;
    }
    medsec_status status = medsec__value_end(&parser->value, &parser->reading.value[parser->vital]);
    if (status == MEDSEC_ERR_NUMBER) {
        parser->too_long = true;
        status = MEDSEC_OK;
    }
    return status == MEDSEC_OK ? next(parser, AFTER_VALUE) : status;
}

static medsec_status unknown_char(medsec_reading_parser *parser, char c)
{
    if (c == '"') {
        return next(parser, AFTER_VALUE);
    }
    if (c == '\\') {
        return next(parser, ESCAPE);
    }
    return medsec__is(c, MEDSEC__PRINTABLE) ? MEDSEC_OK : MEDSEC_ERR_SYNTAX;
}

static medsec_status escape_char(medsec_reading_parser *parser, char c)
{
    switch (c) {
    case 'u':
        return begin_text(parser, UNICODE_ESCAPE);
    case '"':
    case '\\':
    case '/':
    case 'b':
    case 'f':
    case 'n':
    case 'r':
    case 't':
        return next(parser, UNKNOWN_STRING);
    default:
        return MEDSEC_ERR_SYNTAX;
    }
}

static medsec_status unicode_char(medsec_reading_parser *parser, char c)
{
    if (medsec_hex_digit(c) < 0) {
        return MEDSEC_ERR_SYNTAX;
    }
    parser->text_len++;
    return parser->text_len == 4 ? next(parser, UNKNOWN_STRING) : MEDSEC_OK;
}

static size_t skip_digits(const char *text, size_t len, size_t at)
{
    while (at < len && medsec__is_digit(text[at])) {
        at++;
    }
    return at;
}

/* RFC 8259 section 6. */
static bool is_number(const char *text, size_t len)
{
    size_t at = len > 0 && text[0] == '-' ? 1 : 0;
    size_t start = at;
    at = skip_digits(text, len, at);
    if (at == start || (text[start] == '0' && at > start + 1)) {
        return false;
    }
    if (at < len && text[at] == '.') {
        start = at + 1;
        at = skip_digits(text, len, start);
        if (at == start) {
            return false;
        }
    }
    if (at < len && (text[at] == 'e' || text[at] == 'E')) {
        start = at + 1;
        if (start < len && (text[start] == '+' || text[start] == '-')) {
            start++;
        }
        at = skip_digits(text, len, start);
        if (at == start) {
            return false;
        }
    }
    return at == len;
}

static bool is_scalar(const char *text, size_t len)
{
    return medsec__text_is("true", text, len) || medsec__text_is("false", text, len) ||
           medsec__text_is("null", text, len) || is_number(text, len);
}

static medsec_status after_value(medsec_reading_parser *parser, char c)
{
    switch (c) {
    case ',':
        return next(parser, NEXT_NAME);
    case '}':
        return next(parser, END);
    default:
        return medsec__is_space(c) ? next(parser, AFTER_VALUE) : MEDSEC_ERR_SYNTAX;
    }
}

static medsec_status scalar_char(medsec_reading_parser *parser, char c)
{
    if (c != ',' && c != '}' && !medsec__is_space(c)) {
        return add_text(parser, c);
    }
    return is_scalar(parser->text, parser->text_len) ? after_value(parser, c) : MEDSEC_ERR_SYNTAX;
}

static medsec_status expect(medsec_reading_parser *parser, char c, char wanted, enum state state)
{
    if (c == wanted) {
        return begin_text(parser, state);
    }
    return medsec__is_space(c) ? MEDSEC_OK : MEDSEC_ERR_SYNTAX;
}

static medsec_status take(medsec_reading_parser *parser, char c)
{
    switch (parser->state) {
    case BEGIN:
        return expect(parser, c, '{', FIRST_NAME);
    case FIRST_NAME:
        return c == '}' ? next(parser, END) : expect(parser, c, '"', NAME);
    case NAME:
        return name_char(parser, c);
    case COLON:
        return expect(parser, c, ':', VALUE);
    case VALUE:
        return begin_value(parser, c);
    case KNOWN_STRING:
        return known_char(parser, c);
    case UNKNOWN_STRING:
        return unknown_char(parser, c);
    case ESCAPE:
        return escape_char(parser, c);
    case UNICODE_ESCAPE:
        return unicode_char(parser, c);
    case UNKNOWN_SCALAR:
        return scalar_char(parser, c);
    case AFTER_VALUE:
        return after_value(parser, c);
    case NEXT_NAME:
        return expect(parser, c, '"', NAME);
    case END:
        return medsec__is_space(c) ? MEDSEC_OK : MEDSEC_ERR_SYNTAX;
    default:
        return MEDSEC_ERR_STATE;
    }
}

void medsec_reading_parser_init(medsec_reading_parser *parser, const medsec_profile *profile)
{
    memset(parser, 0, sizeof *parser);
    parser->profile = profile;
    parser->reading.count = profile->count;
}

medsec_status medsec_reading_parser_push(medsec_reading_parser *parser, const char *text,
                                         size_t len)
{
    if (parser == NULL || (text == NULL && len > 0)) {
        return MEDSEC_ERR_ARGUMENT;
    }
    medsec_status status = (medsec_status)parser->fault;
    for (size_t i = 0; i < len && status == MEDSEC_OK; i++) {
        if (parser->state == NAME) {
            i += take_name(parser, text + i, len - i - 1);
        }
        status = take(parser, text[i]);
    }
    parser->fault = (int16_t)status;
    return status;
}

medsec_status medsec_reading_parser_result(const medsec_reading_parser *parser)
{
    if (parser == NULL) {
        return MEDSEC_ERR_ARGUMENT;
    }
    if (parser->fault != MEDSEC_OK) {
        return (medsec_status)parser->fault;
    }
    if (parser->state != END) {
        return MEDSEC_ERR_STATE;
    }
    if (parser->seen != (1u << parser->profile->count) - 1) {
        return MEDSEC_ERR_MISSING;
    }
    return parser->too_long ? MEDSEC_ERR_NUMBER : MEDSEC_OK;
}

medsec_status medsec_reading_parse(medsec_reading *reading, const medsec_profile *profile,
                                   const char *text, size_t len)
{
    if (reading == NULL || profile == NULL) {
        return MEDSEC_ERR_ARGUMENT;
    }
    medsec_reading_parser parser;
    medsec_reading_parser_init(&parser, profile);
    medsec_status status = medsec_reading_parser_push(&parser, text, len);
    if (status == MEDSEC_OK) {
        status = medsec_reading_parser_result(&parser);
    }
    if (status == MEDSEC_OK) {
        *reading = parser.reading;
    }
    return status == MEDSEC_ERR_STATE ? MEDSEC_ERR_SYNTAX : status;
}
