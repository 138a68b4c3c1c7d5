/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A request means the same whole and in pieces; query and body that come out stand in the input in
 * that order, within their limits, and a request that is done has all of its body. Input: a byte
 * for the size of the pieces, then the request.
 */
#include "http.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { INPUT_MAX = 1 << 14 };

typedef struct result {
    http_request request;
    http_event last;
    char query[HTTP_QUERY_MAX];
    size_t query_len;
    uint8_t body[HTTP_BODY_MAX];
    size_t body_len;
} result;

static void check(bool good)
{
    if (!good) {
        abort();
    }
}

static void take(result *r, http_event event, const uint8_t *piece, size_t len)
{
    check(len > 0);
    if (event == HTTP_QUERY) {
        check(r->body_len == 0 && len <= sizeof r->query - r->query_len);
        memcpy(r->query + r->query_len, piece, len);
        r->query_len += len;
    } else {
        check(len <= (size_t)r->request.body_len - r->body_len);
        memcpy(r->body + r->body_len, piece, len);
        r->body_len += len;
    }
}

static void push(result *r, const uint8_t *data, size_t len)
{
    do {
        const uint8_t *piece = NULL;
        size_t piece_len = 0;
        size_t used = http_request_push(&r->request, data, len, &r->last, &piece, &piece_len);
        check(used <= len);
        if (r->last == HTTP_QUERY || r->last == HTTP_BODY) {
            check(piece >= data && piece + piece_len == data + used);
            take(r, r->last, piece, piece_len);
        }
        data += used;
        len -= used;
    } while (r->last == HTTP_QUERY || r->last == HTTP_BODY);
    check(len == 0);
}

static void run(result *r, const uint8_t *data, size_t len, size_t step)
{
    memset(r, 0, sizeof *r);
    http_request_init(&r->request);
    for (size_t at = 0; at < len; at += step) {
        push(r, data + at, len - at < step ? len - at : step);
    }
    check(r->last != HTTP_DONE || r->body_len == r->request.body_len);
    check(r->request.path_len <= HTTP_PATH_MAX + 1);
}

static void check_value(const result *r, const char *name)
{
    size_t len = 0;
    const char *value = http_query_value(r->query, r->query_len, name, &len);
    if (value != NULL) {
        check(value > r->query && value[-1] == '=' && value + len <= r->query + r->query_len);
        check(len == 0 || memchr(value, '&', len) == NULL);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static result whole;
    static result pieces;
    if (size < 1 || size > INPUT_MAX) {
        return 0;
    }
    run(&whole, data + 1, size - 1, INPUT_MAX);
    run(&pieces, data + 1, size - 1, 1 + data[0] % 64u);
    check(whole.last == pieces.last && whole.request.method == pieces.request.method);
    check(whole.request.path_len == pieces.request.path_len &&
          memcmp(whole.request.path, pieces.request.path, HTTP_PATH_MAX) == 0);
    check(whole.query_len == pieces.query_len && whole.body_len == pieces.body_len);
    check(memcmp(whole.query, pieces.query, whole.query_len) == 0);
    check(memcmp(whole.body, pieces.body, whole.body_len) == 0);
    check_value(&whole, "server_ip");
    check_value(&whole, "a");
    return 0;
}
