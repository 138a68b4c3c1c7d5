/* SPDX-License-Identifier: Apache-2.0 */
#include "http.h"

#include "splits.h"
#include "unit.h"
#include "vectors.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* The longest that a test pushes at every split. */
#define PAGE "GET / HTTP/1.1\r\n"

typedef struct taker {
    http_request request;
    http_event last; /* piece that is open in the trace */
} taker;

static taker it;

static void begin(void *context)
{
    taker *t = context;
    http_request_init(&t->request);
    t->last = HTTP_MORE;
}

/* Pieces of query and body are joined. */
static void note(taker *t, http_event event, const uint8_t *piece, size_t len, trace *log)
{
    static const char *const methods[] = {"GET", "POST", "OTHER"};
    const http_request *r = &t->request;
    char line[128];
    if (event == HTTP_QUERY || event == HTTP_BODY) {
        assert_true(len > 0);
        log->len -= t->last == event ? 1 : 0;
        if (t->last != event) {
            trace_add_word(log, event == HTTP_QUERY ? "QUERY" : "BODY");
        }
        trace_add(log, (const char *)piece, len);
    } else if (event == HTTP_DONE && t->last != HTTP_DONE) {
        int path = r->path_len > HTTP_PATH_MAX ? (int)HTTP_PATH_MAX : r->path_len;
        snprintf(line, sizeof line, "%s %.*s%s %u", methods[r->method], path, r->path,
                 path < r->path_len ? "..." : "", r->body_len);
        trace_add_word(log, line);
    } else if (event == HTTP_BAD && t->last != HTTP_BAD) {
        trace_add_word(log, "BAD");
    }
    t->last = event == HTTP_MORE ? t->last : event;
}

static void push(void *context, uint8_t *data, size_t len, trace *log)
{
    taker *t = context;
    http_event event;
    do {
        const uint8_t *piece = NULL;
        size_t piece_len = 0;
        size_t used = http_request_push(&t->request, data, len, &event, &piece, &piece_len);
        assert_true(used <= len);
        note(t, event, piece, piece_len, log);
        data += used;
        len -= used;
    } while (event == HTTP_QUERY || event == HTTP_BODY);
    assert_int_equal(len, 0);
}

static int end(void *context, trace *log)
{
    (void)log;
    return (int)((const taker *)context)->last;
}

static const machine m = {.context = &it, .begin = begin, .push = push, .end = end};

static void check(const char *input, const char *events)
{
    expect_every_way(&m, input, strlen(input), events);
}

static void test_push_takes_a_page_as_browsers_ask_for_it(void **state)
{
    (void)state;
    check("GET / HTTP/1.1\r\nHost: 192.168.4.1\r\nConnection: keep-alive\r\n"
          "User-Agent: Mozilla/5.0 (X11; Linux)\r\nAccept: text/html,*/*;q=0.8\r\n"
          "Accept-Encoding: gzip, deflate\r\nAccept-Language: de,en;q=0.9\r\n\r\n",
          "GET / 0\n");
    check("GET /generate_204 HTTP/1.0\r\n\r\nGET /more HTTP/1.1\r\n\r\n", "GET /generate_204 0\n");
    check("HEAD /setup HTTP/1.1\r\n\r\n", "OTHER /setup 0\n");
    check("POST / HTTP/1.1\n\n", "POST / 0\n");
    check("GETS / HTTP/1.1\r\n\r\n", "OTHER / 0\n");
    check("GE / HTTP/1.1\r\n\r\n", "OTHER / 0\n");
    check("get / HTTP/1.1\r\n\r\n", "OTHER / 0\n");
}

static void test_push_gives_the_body_that_was_announced(void **state)
{
    (void)state;
    check("POST /setup HTTP/1.1\r\nContent-Type: application/octet-stream\r\n"
          "Content-Length: 9\r\nX: y\r\n\r\n012\r\n\r\n34POST",
          "BODY\n012\r\n\r\n34\nPOST /setup 9\n");
    check("POST /setup HTTP/1.1\r\ncONTENT-lENGTH:1 \t\r\n\r\nx", "BODY\nx\nPOST /setup 1\n");
    check("POST /setup HTTP/1.1\r\nContent-Length: \t 00002\n\nxy", "BODY\nxy\nPOST /setup 2\n");
    check("POST /setup HTTP/1.1\r\nContent-Length: 0\r\n\r\n", "POST /setup 0\n");
    check("POST /setup HTTP/1.1\r\nContent-Lengths: 5\r\nContent-Lengt: 6\r\n"
          "X-Content-Length: 7\r\n\r\n",
          "POST /setup 0\n");
}

static void test_push_gives_the_query(void **state)
{
    (void)state;
    check("GET /action_page.php?a=1&b=2 HTTP/1.1\r\n\r\n",
          "QUERY\na=1&b=2\nGET /action_page.php 0\n");
    check("GET /? HTTP/1.1\r\n\r\n", "GET / 0\n");
    check("GET /?? HTTP/1.1\r\n\r\n", "QUERY\n?\nGET / 0\n");
    check("POST /?q HTTP/1.1\r\nContent-Length: 1\r\n\r\nb", "QUERY\nq\nBODY\nb\nPOST / 1\n");
    check("GET /?a\r\n\r\n", "QUERY\na\nBAD\n");
    check("GET /?a\x80 HTTP/1.1\r\n\r\n", "QUERY\na\nBAD\n");
}

static void test_push_knows_a_path_that_is_longer_than_it_keeps(void **state)
{
    (void)state;
    check("GET /1234567890123456789012345678901 HTTP/1.1\r\n\r\n",
          "GET /1234567890123456789012345678901 0\n");
    assert_true(http_path_is(&it.request, "/1234567890123456789012345678901"));
    check("GET /12345678901234567890123456789012 HTTP/1.1\r\n\r\n",
          "GET /1234567890123456789012345678901... 0\n");
    assert_false(http_path_is(&it.request, "/1234567890123456789012345678901"));
    assert_false(http_path_is(&it.request, "/12345678901234567890123456789012"));
    check("POST /12345678901234567890123456789012 HTTP/1.1\r\nContent-Length: 50\r\n\r\n", "");
    assert_false(http_path_is(&it.request, "/12345678901234567890123456789012"));
}

static void test_push_refuses_what_is_no_request(void **state)
{
    (void)state;
    static const char *const bad[] = {"\r\n",
                                      " / HTTP/1.1\r\n",
                                      "\x16\x03\x01",
                                      "GET\r\n",
                                      "GET / HTTP/1.1\r\r",
                                      "GET  / HTTP/1.1\r\n",
                                      "GET HTTP/1.1\r\n",
                                      "GET * HTTP/1.1\r\n",
                                      "GET http://a/ HTTP/1.1\r\n",
                                      "GET /\r\n",
                                      "GET / \r\n",
                                      "GET / HTTP/2\r\n",
                                      "GET / HTTP/1.x\r\n",
                                      "GET / HTTP/1.11\r\n",
                                      "GET / HTTP/1.1 \r\n",
                                      "GET / http/1.1\r\n",
                                      "GET /\x7f HTTP/1.1\r\n",
                                      "GET /\xc3 HTTP/1.1\r\n",
                                      "G\xc3T / HTTP/1.1\r\n"};
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        check(bad[i], "BAD\n");
    }
}

static void test_push_refuses_a_head_that_is_malformed(void **state)
{
    (void)state;
    static const char *const bad[] = {": empty\r\n\r\n",
                                      "no colon\r\n\r\n",
                                      "space : x\r\n\r\n",
                                      " folded\r\n\r\n",
                                      "\tfolded\r\n\r\n",
                                      "a: \x01\r\n\r\n",
                                      "a: \x01\n\r\n",
                                      "a: \x7f\r\n\r\n",
                                      "a: b\rc\r\n\r\n",
                                      "a\r\n\r\n",
                                      "\rx",
                                      "\xc3: x\r\n\r\n"};
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        char input[64];
        snprintf(input, sizeof input, PAGE "%s", bad[i]);
        check(input, "BAD\n");
    }
    check(PAGE "a: \t\xc3\xa4 \"b\"\r\nb:\r\n\r\n", "GET / 0\n");
}

static void test_push_refuses_a_body_of_unknown_length(void **state)
{
    (void)state;
    static const char *const bad[] = {"Content-Length: \r\n\r\n",
                                      "Content-Length: -1\r\n\r\n",
                                      "Content-Length: +1\r\n\r\n",
                                      "Content-Length: 1 2\r\n\r\n",
                                      "Content-Length: 1,1\r\n\r\n",
                                      "Content-Length: 0x1\r\n\r\n",
                                      "Content-Length: 1\r\nContent-Length: 1\r\n\r\n",
                                      "Content-Length:1\r\nContent-Length:1\r\n\r\n",
                                      "Transfer-Encoding: 1\r\n\r\n",
                                      "Content-Length: 0\r\nContent-Length: 1\r\n\r\n",
                                      "Transfer-Encoding: chunked\r\n\r\n",
                                      "transfer-encoding:\r\n\r\n",
                                      "Content-Length: 1025\r\n\r\n",
                                      "Content-Length: 65537\r\n\r\n",
                                      "Content-Length: 18446744073709551617\r\n\r\n"};
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        char input[128];
        snprintf(input, sizeof input, PAGE "%s", bad[i]);
        check(input, "BAD\n");
    }
}

static http_event push_text(const char *text, size_t len)
{
    static uint8_t data[HTTP_HEAD_MAX + HTTP_QUERY_MAX + 64];
    static trace log;
    assert_true(len <= sizeof data);
    memcpy(data, text, len);
    log.len = 0;
    push(&it, data, len, &log);
    return it.last;
}

static http_event with_head_of(size_t len)
{
    static char head[HTTP_HEAD_MAX + 64];
    memset(head, 'x', sizeof head);
    memcpy(head, PAGE "a: ", 19);
    memcpy(head + len - 4, "\r\n\r\n", 4);
    begin(&it);
    return push_text(head, len);
}

static http_event with_query_of(size_t len)
{
    static char head[HTTP_QUERY_MAX + 64];
    memset(head, 'x', sizeof head);
    memcpy(head, "GET /?", 6);
    memcpy(head + 6 + len, " HTTP/1.1\r\n\r\n", 13);
    begin(&it);
    return push_text(head, len + 19);
}

static http_event with_body_of(size_t len)
{
    static char body[HTTP_BODY_MAX + 64];
    size_t head = (size_t)snprintf(body, 64, "POST / HTTP/1.1\r\nContent-Length: %zu\r\n\r\n", len);
    begin(&it);
    return push_text(body, head + len < sizeof body ? head + len : sizeof body);
}

static void test_push_keeps_its_limits(void **state)
{
    (void)state;
    assert_int_equal(with_head_of(HTTP_HEAD_MAX), HTTP_DONE);
    assert_int_equal(with_head_of(HTTP_HEAD_MAX + 1), HTTP_BAD);
    assert_int_equal(with_query_of(HTTP_QUERY_MAX), HTTP_DONE);
    assert_int_equal(with_query_of(HTTP_QUERY_MAX + 1), HTTP_BAD);
    assert_int_equal(with_body_of(HTTP_BODY_MAX), HTTP_DONE);
    assert_int_equal(with_body_of(HTTP_BODY_MAX + 1), HTTP_BAD);
}

static void test_push_says_the_same_after_the_end(void **state)
{
    (void)state;
    begin(&it);
    assert_int_equal(push_text(PAGE "\r\n", strlen(PAGE) + 2), HTTP_DONE);
    assert_int_equal(push_text("POST /setup", 11), HTTP_DONE);
    assert_true(http_path_is(&it.request, "/"));
    begin(&it);
    assert_int_equal(push_text("\r\n", 2), HTTP_BAD);
    assert_int_equal(push_text(PAGE "\r\n", strlen(PAGE) + 2), HTTP_BAD);
}

static void test_path_is_the_whole_path(void **state)
{
    (void)state;
    begin(&it);
    push_text("GET /setup?x HTTP/1.1\r\n\r\n", 25);
    assert_true(http_path_is(&it.request, "/setup"));
    assert_false(http_path_is(&it.request, "/setu"));
    assert_false(http_path_is(&it.request, "/setups"));
    assert_false(http_path_is(&it.request, "/"));
    assert_false(http_path_is(&it.request, ""));
}

static void value_is(const char *query, const char *name, const char *want)
{
    size_t len = 0;
    const char *value = http_query_value(query, strlen(query), name, &len);
    if (want == NULL) {
        assert_null(value);
    } else {
        assert_non_null(value);
        assert_int_equal(len, strlen(want));
        assert_memory_equal(value, want, len);
    }
}

static void test_query_value_finds_one_and_only_one(void **state)
{
    (void)state;
    value_is("a=1&b=2&c=3", "a", "1");
    value_is("a=1&b=2&c=3", "b", "2");
    value_is("a=1&b=2&c=3", "c", "3");
    value_is("a=1&b=2&c=3", "d", NULL);
    value_is("a=1&b=2&a=3", "a", NULL);
    value_is("a=1&a=1", "a", NULL);
    value_is("aa=1&ab=2", "a", NULL);
    value_is("a=1", "aa", NULL);
    value_is("a=&b=x=y&&=z", "a", "");
    value_is("a=&b=x=y&&=z", "b", "x=y");
    value_is("a&b=a=1", "a", NULL);
    value_is("a&a=1", "a", "1");
    value_is("b=1&a", "a", NULL);
    value_is("", "a", NULL);
    value_is("&", "a", NULL);
    value_is("%61=1", "a", NULL);
}

static void test_answer_head_says_all_that_the_browser_must_know(void **state)
{
    (void)state;
    char out[256];
    const http_answer answer = {.status = 302,
                                .type = "text/plain",
                                .len = 0,
                                .fields = "Location: http://192.168.4.1/\r\n"};
    size_t len = http_answer_head(out, sizeof out, &answer);
    out[len] = '\0';
    assert_string_equal(out, "HTTP/1.1 302 \r\nContent-Type: text/plain\r\n"
                             "Content-Length: 0\r\nCache-Control: no-store\r\n"
                             "X-Content-Type-Options: nosniff\r\nConnection: close\r\n"
                             "Location: http://192.168.4.1/\r\n\r\n");
    for (size_t cap = 0; cap < len; cap++) {
        assert_int_equal(http_answer_head(out, cap, &answer), 0);
    }
    assert_int_equal(http_answer_head(out, len, &answer), len);
}

static void test_answer_head_fits_what_is_said_of_it(void **state)
{
    (void)state;
    char out[HTTP_ANSWER_MAX];
    const http_answer answer = {.status = 403, .type = "", .len = UINT32_MAX, .fields = ""};
    assert_true(http_answer_head(out, sizeof out, &answer) > 0);
}

/* What the seed's page sends, made by running it. */
static void check_seed_request(const cJSON *row)
{
    static const char *const fields[] = {"server_ip", "server_port", "wifi_name", "wifi_pass"};
    static trace log;
    char input[1024];
    const char *line = vectors_text(row, "request_line");
    size_t len = (size_t)snprintf(input, sizeof input, "%s\r\n\r\n", line);
    run_every_split(&m, input, len, &log);
    assert_true(http_path_is(&it.request, "/action_page.php"));
    for (size_t i = 0; i < sizeof fields / sizeof fields[0]; i++) {
        size_t value_len = 0;
        /* The trace holds "QUERY\n", the query, and two more lines. */
        const char *end_of_query = memchr(log.text + 6, '\n', log.len);
        const char *value = http_query_value(log.text + 6, (size_t)(end_of_query - log.text - 6),
                                             fields[i], &value_len);
        char want[32];
        snprintf(want, sizeof want, "%s=", fields[i]);
        assert_non_null(value);
        assert_memory_equal(value, strstr(line, want) + strlen(want), value_len);
        assert_int_equal(value_len % 32, 0);
    }
}

static void test_push_takes_what_the_seeds_page_sends(void **state)
{
    (void)state;
    FILE *file = vectors_open("seed/config_requests.jsonl");
    if (file == NULL) {
        skip();
    }
    size_t count = 0;
    for (cJSON *row = vectors_next(file); row != NULL; row = vectors_next(file)) {
        if (cJSON_GetObjectItem(row, "request_line") != NULL) {
            check_seed_request(row);
            count++;
        }
        cJSON_Delete(row);
    }
    fclose(file);
    assert_true(count > 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_push_takes_a_page_as_browsers_ask_for_it),
        cmocka_unit_test(test_push_gives_the_body_that_was_announced),
        cmocka_unit_test(test_push_gives_the_query),
        cmocka_unit_test(test_push_knows_a_path_that_is_longer_than_it_keeps),
        cmocka_unit_test(test_push_refuses_what_is_no_request),
        cmocka_unit_test(test_push_refuses_a_head_that_is_malformed),
        cmocka_unit_test(test_push_refuses_a_body_of_unknown_length),
        cmocka_unit_test(test_push_keeps_its_limits),
        cmocka_unit_test(test_push_says_the_same_after_the_end),
        cmocka_unit_test(test_push_takes_what_the_seeds_page_sends),
        cmocka_unit_test(test_path_is_the_whole_path),
        cmocka_unit_test(test_query_value_finds_one_and_only_one),
        cmocka_unit_test(test_answer_head_says_all_that_the_browser_must_know),
        cmocka_unit_test(test_answer_head_fits_what_is_said_of_it),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
