/* SPDX-License-Identifier: Apache-2.0 */
#include "http.h"

#include "core/text.h"
#include "core/writer.h"

const char *http_query_value(const char *query, size_t query_len, const char *name, size_t *len)
{
    const char *found = NULL;
    for (size_t at = 0, end; at < query_len; at = end + 1) {
        size_t equals = query_len;
        for (end = at; end < query_len && query[end] != '&'; end++) {
            if (query[end] == '=' && equals == query_len) {
                equals = end;
            }
        }
        if (equals < end && medsec__text_is(name, query + at, equals - at)) {
            if (found != NULL) {
                return NULL;
            }
            found = query + equals + 1;
            *len = end - equals - 1;
        }
    }
    return found;
}

size_t http_answer_head(char *out, size_t cap, const http_answer *answer)
{
    medsec__writer writer = {.out = out, .cap = cap};
    medsec__write_text(&writer, "HTTP/1.1 ");
    medsec__write_number(&writer, answer->status, 3);
    medsec__write_text(&writer, " \r\nContent-Type: ");
    medsec__write_text(&writer, answer->type);
    medsec__write_text(&writer, "\r\nContent-Length: ");
    medsec__write_number(&writer, answer->len, 1);
    medsec__write_text(&writer, "\r\nCache-Control: no-store\r\nX-Content-Type-Options: nosniff"
                                "\r\nConnection: close\r\n");
    medsec__write_text(&writer, answer->fields);
    medsec__write_text(&writer, "\r\n");
    return writer.overflow ? 0 : writer.len;
}
