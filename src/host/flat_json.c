/* SPDX-License-Identifier: Apache-2.0 */
#include "flat_json.h"

#include <medsec/hex.h>

#include <stdint.h>
#include <string.h>

#define NAME_MAX_LEN 32u

typedef struct cursor {
    const char *next;
    const char *end;
} cursor;

/* The next character, consumed; NUL at the end, which is no valid character anywhere. */
static char take(cursor *in)
{
    return in->next < in->end ? *in->next++ : '\0';
}

static char peek_token(cursor *in)
{
    while (in->next < in->end && *in->next != '\0' && strchr(" \t\r\n", *in->next) != NULL) {
        in->next++;
    }
    return in->next < in->end ? *in->next : '\0';
}

static bool expect(cursor *in, char token)
{
    if (peek_token(in) != token) {
        return false;
    }
    in->next++;
    return true;
}

static bool read_unicode(cursor *in, char *c)
{
    uint8_t bytes[2];
    if (in->end - in->next < 4 || medsec_hex_decode(bytes, in->next, 4) != MEDSEC_OK) {
        return false;
    }
    in->next += 4;
    *c = (char)bytes[1];
    return bytes[0] == 0;
}

static bool read_escape(cursor *in, char *c)
{
    *c = take(in);
    if (*c == 'u') {
        return read_unicode(in, c);
    }
    return *c == '"' || *c == '\\' || *c == '/';
}

/* `*len` is the whole length; what does not fit into `cap` with its NUL is cut. */
static bool read_string(cursor *in, char *out, size_t cap, size_t *len)
{
    *len = 0;
    if (!expect(in, '"')) {
        return false;
    }
    for (char c = take(in); c != '"'; c = take(in)) {
        if (c == '\\' && !read_escape(in, &c)) {
            return false;
        }
        if (c < ' ' || c > '~') {
            return false;
        }
        if (*len + 1 < cap) {
            out[*len] = c;
        }
        (*len)++;
    }
    if (cap > 0) {
        out[*len < cap ? *len : cap - 1] = '\0';
    }
    return true;
}

static medsec__member *find(medsec__member *members, size_t count, const char *name)
{
    for (size_t i = 0; i < count; i++) {
        if (strcmp(members[i].name, name) == 0) {
            return &members[i];
        }
    }
    return NULL;
}

static medsec_status read_member(cursor *in, medsec__member *members, size_t count)
{
    char name[NAME_MAX_LEN];
    size_t len;
    if (!read_string(in, name, sizeof name, &len) || !expect(in, ':')) {
        return MEDSEC_ERR_SYNTAX;
    }
    medsec__member *member = len < sizeof name ? find(members, count, name) : NULL;
    if (member == NULL) {
        return read_string(in, NULL, 0, &len) ? MEDSEC_OK : MEDSEC_ERR_SYNTAX;
    }
    if (member->given) {
        return MEDSEC_ERR_DUPLICATE;
    }
    member->given = true;
    return read_string(in, member->value, member->cap, &member->len) ? MEDSEC_OK
                                                                     : MEDSEC_ERR_SYNTAX;
}

medsec_status medsec__flat_json_parse(medsec__member *members, size_t count, const char *text,
                                      size_t len)
{
    cursor in = {text, text + len};
    if (!expect(&in, '{')) {
        return MEDSEC_ERR_SYNTAX;
    }
    if (!expect(&in, '}')) {
        do {
            medsec_status status = read_member(&in, members, count);
            if (status != MEDSEC_OK) {
                return status;
            }
        } while (expect(&in, ','));
        if (!expect(&in, '}')) {
            return MEDSEC_ERR_SYNTAX;
        }
    }
    return peek_token(&in) == '\0' && in.next == in.end ? MEDSEC_OK : MEDSEC_ERR_SYNTAX;
}
