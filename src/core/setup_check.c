/* SPDX-License-Identifier: Apache-2.0 */
#include <medsec/setup.h>

#include "text.h"

enum { LABEL_MAX = 63, PASSWORD_MIN = 8 };

static bool is_letter(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

/* RFC 1123 section 2.1: labels of letters, digits, and hyphens that do not stand at an end. */
static bool is_name(const char *text, size_t len)
{
    size_t label = 0;
    for (size_t i = 0; i <= len; i++) {
        char c = i < len ? text[i] : '.';
        if (c == '.') {
            if (label == 0 || label > LABEL_MAX || text[i - 1] == '-') {
                return false;
            }
            label = 0;
        } else if (is_letter(c) || medsec__is_digit(c) || (c == '-' && label > 0)) {
            label++;
        } else {
            return false;
        }
    }
    return true;
}

/* Four numbers up to 255, without leading zeros, which some readers take for octal. */
static bool is_address(const char *text, size_t len)
{
    unsigned parts = 0;
    unsigned digits = 0;
    unsigned number = 0;
    for (size_t i = 0; i <= len; i++) {
        char c = i < len ? text[i] : '.';
        if (c == '.') {
            if (digits == 0 || number > 255) {
                return false;
            }
            parts++;
            digits = 0;
            number = 0;
        } else if (digits == 3 || (digits > 0 && number == 0)) {
            return false;
        } else {
            number = 10 * number + (unsigned)(c - '0');
            digits++;
        }
    }
    return parts == 4;
}

/* What has only digits and dots is meant as an address. */
static bool is_server(const char *text)
{
    size_t len = medsec__length(text, MEDSEC_SETUP_SERVER_MAX + 1);
    size_t numeric = 0;
    while (numeric < len && (medsec__is_digit(text[numeric]) || text[numeric] == '.')) {
        numeric++;
    }
    if (len == 0 || len > MEDSEC_SETUP_SERVER_MAX) {
        return false;
    }
    return numeric == len ? is_address(text, len) : is_name(text, len);
}

/* Bytes of the character that begins there; 0: none does, or it is a control character. There is a
 * NUL behind it. RFC 3629 section 4: what the first byte asks of the second; the others are 80 to
 * BF. */
static size_t character_len(const uint8_t *text)
{
    static const struct {
        uint8_t first, last, second, second_last, len;
    } rows[] = {
        {0x20, 0x7e, 0, 0, 1},       {0xc2, 0xc2, 0xa0, 0xbf, 2}, {0xc3, 0xdf, 0x80, 0xbf, 2},
        {0xe0, 0xe0, 0xa0, 0xbf, 3}, {0xe1, 0xec, 0x80, 0xbf, 3}, {0xed, 0xed, 0x80, 0x9f, 3},
        {0xee, 0xef, 0x80, 0xbf, 3}, {0xf0, 0xf0, 0x90, 0xbf, 4}, {0xf1, 0xf3, 0x80, 0xbf, 4},
        {0xf4, 0xf4, 0x80, 0x8f, 4},
    };
    size_t row = 0;
    while (row < sizeof rows / sizeof rows[0] && text[0] > rows[row].last) {
        row++;
    }
    if (row == sizeof rows / sizeof rows[0] || text[0] < rows[row].first) {
        return 0;
    }
    for (size_t i = 1; i < rows[row].len; i++) {
        uint8_t low = i == 1 ? rows[row].second : 0x80;
        uint8_t high = i == 1 ? rows[row].second_last : 0xbf;
        if (text[i] < low || text[i] > high) {
            return 0;
        }
    }
    return rows[row].len;
}

static bool is_ssid(const char *text)
{
    size_t len = medsec__length(text, MEDSEC_SETUP_SSID_MAX + 1);
    if (len == 0 || len > MEDSEC_SETUP_SSID_MAX) {
        return false;
    }
    size_t step = 1;
    for (size_t at = 0; at < len && step > 0; at += step) {
        step = character_len((const uint8_t *)text + at);
    }
    return step > 0;
}

static bool is_password(const char *text)
{
    size_t len = medsec__length(text, MEDSEC_SETUP_PASSWORD_MAX + 1);
    return len == 0 || (len >= PASSWORD_MIN && len <= MEDSEC_SETUP_PASSWORD_MAX &&
                        medsec__span(text, len, MEDSEC__PRINTABLE) == len);
}

medsec_status medsec_setup_settings_check(const medsec_setup_settings *settings)
{
    bool good = settings != NULL && settings->port != 0 && is_server(settings->server) &&
                is_ssid(settings->ssid) && is_password(settings->password);
    return good ? MEDSEC_OK : MEDSEC_ERR_ARGUMENT;
}
