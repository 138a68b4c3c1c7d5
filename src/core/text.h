/* SPDX-License-Identifier: Apache-2.0 */
#ifndef MEDSEC_CORE_TEXT_H
#define MEDSEC_CORE_TEXT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* The core uses no <ctype.h> (locale) and no string functions but the four mem* ones. */

/* Classes of characters; a character may be in several. */
enum {
    MEDSEC__PRINTABLE = 1, /* space to tilde */
    MEDSEC__PLAIN = 2, /* printable, and no escape in a JSON string: not `"`, not `\` */
    MEDSEC__TOPIC = 4, /* printable, and no wildcard of MQTT: not `+`, not `#` */
    MEDSEC__ID = 8 /* A-Z a-z 0-9 _ - . */
};

extern const uint8_t medsec__classes[256];

static inline bool medsec__is(char c, uint8_t class)
{
    return (medsec__classes[(unsigned char)c] & class) != 0;
}

static inline bool medsec__is_digit(char c)
{
    return c >= '0' && c <= '9';
}

/* JSON white space, RFC 8259 section 2. */
static inline bool medsec__is_space(char c)
{
    return c == ' ' || c == '\t' || c == '\n' || c == '\r';
}

/* Characters of a class from the beginning of a text, at most `max`. */
static inline size_t medsec__span(const char *text, size_t max, uint8_t class)
{
    size_t len = 0;
    while (len < max && medsec__is(text[len], class)) {
        len++;
    }
    return len;
}

/* Characters before the NUL, at most `max`. */
static inline size_t medsec__length(const char *text, size_t max)
{
    size_t len = 0;
    while (len < max && text[len] != '\0') {
        len++;
    }
    return len;
}

/* True when a NUL-terminated text is exactly these characters. */
static inline bool medsec__text_is(const char *text, const char *other, size_t len)
{
    for (size_t i = 0; i < len; i++) {
        if (text[i] == '\0' || text[i] != other[i]) {
            return false;
        }
    }
    return text[len] == '\0';
}

#endif
