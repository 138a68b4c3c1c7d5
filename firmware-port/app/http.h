/* SPDX-License-Identifier: Apache-2.0 */
#ifndef FIRMWARE_HTTP_H
#define FIRMWARE_HTTP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*
 * One HTTP/1 request of a connection (RFC 9112), pushed in pieces of any size; what comes after it
 * is not read, since every answer closes the connection. Keeps the method and a short path; query
 * and body are given out where they lie. Header fields are passed over, but for the two that say
 * how long the body is.
 */
#define HTTP_PATH_MAX 32u /* characters that are kept */
#define HTTP_QUERY_MAX 512u /* characters; the seed's form has 413 at most */
#define HTTP_BODY_MAX 1024u /* bytes */
#define HTTP_HEAD_MAX 8192u /* bytes up to the body, without the query */

typedef enum http_method { HTTP_GET, HTTP_POST, HTTP_OTHER } http_method;

typedef enum http_event {
    HTTP_MORE, /* all taken; the request goes on */
    HTTP_QUERY, /* a piece of what stands behind `?`; method and path are known */
    HTTP_BODY, /* a piece of the body; body_len is known */
    HTTP_DONE, /* the request is whole */
    HTTP_BAD /* malformed, or beyond a limit: answer 400 and close */
} http_event;

typedef struct http_request {
    uint8_t method; /* http_method */
    uint8_t path_len; /* HTTP_PATH_MAX + 1: longer than what is kept */
    char path[HTTP_PATH_MAX];
    uint16_t body_len; /* bytes of the whole body, from HTTP_BODY on */

    /* http.c's own */
    uint8_t state;
    uint8_t at; /* characters of the present word */
    uint8_t words; /* known words that the present one may still be */
    bool length_known;
    uint16_t query_len;
    uint16_t head_len;
    uint16_t body_left;
} http_request;

void http_request_init(http_request *request);
/* Takes bytes up to the next event, gives how many. QUERY and BODY: *piece, *piece_len are within
 * `data`; call it again then, with what is left, even nothing. DONE and BAD stay, and take all. */
size_t http_request_push(http_request *request, const uint8_t *data, size_t len, http_event *event,
                         const uint8_t **piece, size_t *piece_len);
bool http_path_is(const http_request *request, const char *path);

/* The value of `name` in a query, as it stands there (nothing is decoded): NULL when there is none,
 * or more than one. */
const char *http_query_value(const char *query, size_t query_len, const char *name, size_t *len);

typedef struct http_answer {
    uint16_t status; /* three digits */
    const char *type; /* Content-Type */
    size_t len; /* of the body that follows */
    const char *fields; /* more header fields, each with its CRLF; "": none */
} http_answer;

#define HTTP_ANSWER_MAX 192u /* bytes of a head without `fields` and `type` */

/* The head of an answer, with Content-Length, Cache-Control: no-store, Connection: close, and no
 * words behind the status (RFC 9112 section 4). Gives its length, no NUL; 0: does not fit. */
size_t http_answer_head(char *out, size_t cap, const http_answer *answer);

#endif
