/* SPDX-License-Identifier: Apache-2.0 */
#include "http.h"

#include "core/text.h"

#include <string.h>

enum {
    METHOD,
    PATH,
    QUERY,
    VERSION,
    LINE_END, /* behind the CR of the request line or of a field */
    FIELD, /* at the beginning of a line */
    NAME,
    LENGTH,
    LENGTH_END, /* white space behind the digits */
    VALUE, /* of a field that says nothing here */
    HEAD_END, /* behind the CR of the empty line */
    BODY,
    DONE,
    BAD
};

typedef struct word {
    const char *text;
    uint8_t len;
} word;

/* clang-format off */
static const word methods[] = {{"GET", 3}, {"POST", 4}}; /* as in http_method */
static const word names[] = {{"content-length", 14}, {"transfer-encoding", 17}};
/* clang-format on */
enum { CONTENT_LENGTH, TRANSFER_ENCODING, OTHER_NAME };
enum { WORDS = 2 };

static const char version[] = "HTTP/1.";
enum { VERSION_LEN = sizeof version - 1 };

static void begin_word(http_request *request)
{
    request->words = (1u << WORDS) - 1;
    request->at = 0;
}

void http_request_init(http_request *request)
{
    memset(request, 0, sizeof *request);
    begin_word(request);
}

/* Which of the two words of `list` can the present one still be? */
static void match(http_request *request, const word *list, char c)
{
    for (unsigned i = 0; i < WORDS; i++) {
        if (request->at >= list[i].len || list[i].text[request->at] != c) {
            request->words &= (uint8_t) ~(1u << i);
        }
    }
    request->at = (uint8_t)(request->at < UINT8_MAX ? request->at + 1 : UINT8_MAX);
}

/* The number of the word that it was; WORDS: none of them. */
static uint8_t matched(const http_request *request, const word *list)
{
    uint8_t found = 0;
    while (found < WORDS &&
           ((request->words >> found & 1u) == 0 || request->at != list[found].len)) {
        found++;
    }
    return found;
}

static bool is_visible(uint8_t byte)
{
    return byte > ' ' && byte <= '~';
}

static uint8_t take_method(http_request *request, uint8_t byte)
{
    if (byte == ' ' && request->at > 0) {
        request->method = matched(request, methods);
        return PATH;
    }
    match(request, methods, (char)byte);
    return is_visible(byte) ? METHOD : BAD;
}

static uint8_t take_path(http_request *request, uint8_t byte)
{
    if (request->path_len == 0 && byte != '/') {
        return BAD;
    }
    if (byte == '?' || byte == ' ') {
        request->at = 0;
        return byte == '?' ? QUERY : VERSION;
    }
    if (request->path_len < HTTP_PATH_MAX) {
        request->path[request->path_len++] = (char)byte;
    } else {
        request->path_len = HTTP_PATH_MAX + 1;
    }
    return is_visible(byte) ? PATH : BAD;
}

/* A line may end in LF alone (RFC 9112 section 2.2). */
static uint8_t take_line_end(uint8_t byte)
{
    return byte == '\n' ? FIELD : byte == '\r' ? LINE_END : BAD;
}

static uint8_t take_version(http_request *request, uint8_t byte)
{
    if (request->at > VERSION_LEN) {
        return take_line_end(byte);
    }
    bool good = request->at < VERSION_LEN ? byte == (uint8_t)version[request->at]
                                          : medsec__is_digit((char)byte);
    request->at++;
    return good ? VERSION : BAD;
}

static uint8_t end_of_head(http_request *request)
{
    request->body_left = request->body_len;
    return request->body_len > 0 ? BODY : DONE;
}

/* A body in chunks is refused, since no page sends one; so is a length that is said twice. */
static uint8_t end_of_name(http_request *request)
{
    uint8_t name = matched(request, names);
    request->at = 0;
    if (name == OTHER_NAME) {
        return VALUE;
    }
    return name == CONTENT_LENGTH && !request->length_known ? LENGTH : BAD;
}

static uint8_t take_name(http_request *request, uint8_t byte)
{
    if (byte == ':' && request->at > 0) {
        return end_of_name(request);
    }
    bool upper = byte >= 'A' && byte <= 'Z';
    match(request, names, (char)(upper ? byte | 0x20 : byte));
    return is_visible(byte) && byte != ':' ? NAME : BAD;
}

static uint8_t take_length(http_request *request, uint8_t byte)
{
    if (byte == ' ' || byte == '\t') {
        return request->length_known ? LENGTH_END : LENGTH;
    }
    if (!medsec__is_digit((char)byte)) {
        return request->length_known ? take_line_end(byte) : BAD;
    }
    request->length_known = true;
    request->body_len = (uint16_t)(request->body_len * 10 + (byte - '0'));
    return request->body_len <= HTTP_BODY_MAX ? LENGTH : BAD;
}

static uint8_t take_value(uint8_t byte)
{
    bool control = (byte < ' ' && byte != '\t') || byte == 0x7f;
    return control ? take_line_end(byte) : VALUE;
}

static uint8_t take_field(http_request *request, uint8_t byte)
{
    if (byte == '\n') {
        return end_of_head(request);
    }
    begin_word(request);
    return byte == '\r' ? HEAD_END : take_name(request, byte);
}

static uint8_t take(http_request *request, uint8_t byte)
{
    switch (request->state) {
    case METHOD:
        return take_method(request, byte);
    case PATH:
        return take_path(request, byte);
    case QUERY:
        return byte == ' ' ? VERSION : BAD;
    case VERSION:
        return take_version(request, byte);
    case LINE_END:
        return byte == '\n' ? FIELD : BAD;
    case FIELD:
        return take_field(request, byte);
    case NAME:
        return take_name(request, byte);
    case LENGTH:
        return take_length(request, byte);
    case LENGTH_END:
        return byte == ' ' || byte == '\t' ? LENGTH_END : take_line_end(byte);
    case VALUE:
        return take_value(byte);
    case HEAD_END:
        return byte == '\n' ? end_of_head(request) : BAD;
    default:
        return BAD;
    }
}

/* A byte of the head, which counts. */
static void take_head(http_request *request, uint8_t byte)
{
    request->head_len++;
    request->state = request->head_len > HTTP_HEAD_MAX ? BAD : take(request, byte);
}

/* Characters of the query; 0: it ends here, or is too long. */
static size_t take_query(http_request *request, const uint8_t *data, size_t len)
{
    size_t count = 0;
    while (count < len && request->query_len < HTTP_QUERY_MAX && is_visible(data[count])) {
        request->query_len++;
        count++;
    }
    return count;
}

static size_t take_body(http_request *request, size_t len)
{
    size_t count = len < request->body_left ? len : request->body_left;
    request->body_left = (uint16_t)(request->body_left - count);
    if (request->body_left == 0) {
        request->state = DONE;
    }
    return count;
}

static http_event ended(const http_request *request)
{
    return request->state == DONE ? HTTP_DONE : request->state == BAD ? HTTP_BAD : HTTP_MORE;
}

size_t http_request_push(http_request *request, const uint8_t *data, size_t len, http_event *event,
                         const uint8_t **piece, size_t *piece_len)
{
    size_t used = 0;
    *piece_len = 0;
    while (used < len && request->state < DONE) {
        *piece = data + used;
        if (request->state == BODY) {
            *event = HTTP_BODY;
            *piece_len = take_body(request, len - used);
            return used + *piece_len;
        }
        if (request->state == QUERY) {
            *event = HTTP_QUERY;
            *piece_len = take_query(request, data + used, len - used);
            if (*piece_len > 0) {
                return used + *piece_len;
            }
        }
        take_head(request, data[used++]);
    }
    *event = ended(request);
    return *event == HTTP_MORE ? used : len;
}

bool http_path_is(const http_request *request, const char *path)
{
    return request->path_len <= HTTP_PATH_MAX &&
           medsec__text_is(path, request->path, request->path_len);
}
