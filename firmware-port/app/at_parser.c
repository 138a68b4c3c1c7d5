/* SPDX-License-Identifier: Apache-2.0 */
#include "at_parser.h"

#include "core/text.h"

#include <string.h>

#define DATA "+IPD," /* begins the head of data, which ends in a colon */
#define BUSY "busy " /* p... or s..., or a longer word of old modules */
#define JOIN "+CWJAP:"
#define LENGTH(text) (sizeof(text) - 1)

typedef struct at_word {
    const char *text;
    uint8_t len;
    uint8_t type;
} at_word;

#define WORD(text, type)         \
    {                            \
        text, LENGTH(text), type \
    }

static const at_word words[] = {
    WORD("OK", AT_OK),
    WORD("ERROR", AT_ERROR),
    WORD("FAIL", AT_ERROR),
    WORD("ready", AT_READY),
    WORD("SEND OK", AT_SENT),
    WORD("SEND FAIL", AT_NOT_SENT),
    WORD("WIFI GOT IP", AT_JOINED),
    WORD("WIFI DISCONNECT", AT_LEFT),
    WORD("ALREADY CONNECTED", AT_BROKEN),
    WORD("ALREADY CONNECT", AT_BROKEN),
};

static const at_word link_words[] = {
    WORD("CONNECT", AT_CONNECT),
    WORD("CLOSED", AT_CLOSED),
    WORD("CONNECT FAIL", AT_CLOSED),
};

void at_parser_init(at_parser *parser)
{
    memset(parser, 0, sizeof *parser);
}

bool at_parser_in_data(const at_parser *parser)
{
    return parser->left > 0;
}

static bool begins(const char *text, size_t len, const char *word, size_t word_len)
{
    return len >= word_len && memcmp(text, word, word_len) == 0;
}

static at_event_type find(const at_word *list, size_t count, const char *text, size_t len)
{
    for (size_t i = 0; i < count; i++) {
        if (len == list[i].len && memcmp(text, list[i].text, len) == 0) {
            return (at_event_type)list[i].type;
        }
    }
    return AT_NONE;
}

/* `0,CLOSED`, or `CLOSED` of a module that has one connection only. */
static at_event_type link_line(at_event *event, const char *text, size_t len)
{
    uint8_t link = 0;
    if (len > 2 && medsec__is_digit(text[0]) && text[1] == ',') {
        link = (uint8_t)(text[0] - '0');
        text += 2;
        len -= 2;
    }
    at_event_type type = find(link_words, sizeof link_words / sizeof link_words[0], text, len);
    if (type != AT_NONE && link >= AT_LINKS) {
        return AT_BROKEN;
    }
    event->link = type == AT_NONE ? 0 : link;
    return type;
}

static at_event_type whole_line(at_event *event, const char *text, size_t len)
{
    if (begins(text, len, BUSY, LENGTH(BUSY))) {
        return AT_BUSY;
    }
    if (len == LENGTH(JOIN) + 1 && begins(text, len, JOIN, LENGTH(JOIN)) &&
        medsec__is_digit(text[len - 1])) {
        event->code = (uint8_t)(text[len - 1] - '0');
        return AT_JOIN_CODE;
    }
    at_event_type type = find(words, sizeof words / sizeof words[0], text, len);
    return type != AT_NONE ? type : link_line(event, text, len);
}

/* Digits from *at on; what is beyond any limit stays at that. */
static bool number(uint32_t *value, const char *text, size_t len, size_t *at)
{
    size_t begin = *at;
    *value = 0;
    while (*at < len && medsec__is_digit(text[*at])) {
        if (*value <= AT_DATA_MAX) {
            *value = *value * 10 + (uint32_t)(text[*at] - '0');
        }
        ++*at;
    }
    return *at > begin;
}

/* `+IPD,len` or `+IPD,link,len`, in front of the colon. */
static at_event_type data_head(at_parser *parser)
{
    size_t at = LENGTH(DATA);
    uint32_t link = 0;
    uint32_t len = 0;
    bool good = number(&len, parser->line, parser->len, &at);
    if (good && at < parser->len && parser->line[at] == ',') {
        at++;
        link = len;
        good = number(&len, parser->line, parser->len, &at);
    }
    good = good && at == parser->len && link < AT_LINKS && len > 0 && len <= AT_DATA_MAX;
    parser->len = 0;
    if (!good) {
        return AT_BROKEN;
    }
    parser->link = (uint8_t)link;
    parser->left = (uint16_t)len;
    return AT_NONE;
}

/* One character of a line. A line begins anew after each event, and behind spaces. */
static at_event_type take(at_parser *parser, uint8_t byte, at_event *event)
{
    at_event_type type = AT_NONE;
    if (byte < ' ' || byte > '~') {
        if (parser->len <= AT_LINE_MAX) {
            type = whole_line(event, parser->line, parser->len);
        }
        parser->len = 0;
    } else if (parser->len == 0 && byte == '>') {
        type = AT_PROMPT;
    } else if (byte == ':' && parser->len <= AT_LINE_MAX &&
               begins(parser->line, parser->len, DATA, LENGTH(DATA))) {
        type = data_head(parser);
    } else if (parser->len < AT_LINE_MAX) {
        if (parser->len > 0 || byte != ' ') {
            parser->line[parser->len++] = (char)byte;
        }
    } else {
        parser->len = AT_LINE_MAX + 1;
    }
    return type;
}

static size_t take_data(at_parser *parser, const uint8_t *data, size_t len, at_event *event)
{
    event->type = AT_DATA;
    event->link = parser->link;
    event->data = data;
    event->len = len < parser->left ? len : parser->left;
    parser->left = (uint16_t)(parser->left - event->len);
    return event->len;
}

size_t at_parser_push(at_parser *parser, const uint8_t *data, size_t len, at_event *event)
{
    memset(event, 0, sizeof *event);
    size_t used = 0;
    while (used < len) {
        if (parser->left > 0) {
            return used + take_data(parser, data + used, len - used, event);
        }
        event->type = take(parser, data[used++], event);
        if (event->type != AT_NONE) {
            return used;
        }
    }
    return used;
}
