/* SPDX-License-Identifier: Apache-2.0 */
#ifndef MEDSEC_CORE_TEXT_H
#define MEDSEC_CORE_TEXT_H

#include <stdbool.h>
#include <stddef.h>

/* The core uses no <ctype.h> (locale) and no string functions but the four mem* ones. */

static inline bool medsec__is_digit(char c)
{
    return c >= '0' && c <= '9';
}

/* JSON white space, RFC 8259 section 2. */
static inline bool medsec__is_space(char c)
{
    return c == ' ' || c == '\t' || c == '\n' || c == '\r';
}

static inline bool medsec__is_printable(char c)
{
    return c >= ' ' && c <= '~';
}

/* Characters before the NUL, but never more than `max`. */
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
