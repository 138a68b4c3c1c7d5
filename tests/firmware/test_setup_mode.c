/* SPDX-License-Identifier: Apache-2.0 */
#include "page.h"
#include "setup_bench.h"
#include "unit.h"

#include <stdio.h>
#include <string.h>

/* The access point, the server and its connections. */

static void test_start_opens_the_access_point(void **state)
{
    (void)state;
    assert_int_equal(fake_network.options.mode, WIFI_ACCESS_POINT);
    assert_string_equal(fake_network.options.name, "Med_IoT");
    assert_string_equal(fake_network.options.password, "");
    assert_int_equal(fake_network.options.port, 80);
    assert_int_equal(setup_mode_led(&visited.mode), LED_SETUP);
    fake_wifi_push_reason(WIFI_LEFT, WIFI_REASON_MODULE);
    (void)setup_bench_poll();
    assert_int_equal(setup_mode_led(&visited.mode), LED_CONNECTING);
    fake_wifi_push_reason(WIFI_REFUSED, WIFI_REASON_MODULE);
    (void)setup_bench_poll();
    assert_int_equal(setup_mode_led(&visited.mode), LED_NO_MODULE);
}

static void test_get_of_the_page(void **state)
{
    (void)state;
    char body[VISITOR_ANSWER_MAX];
    assert_int_equal(visitor_ask_text("GET / HTTP/1.1\r\nHost: 192.168.4.1\r\n\r\n", body), 200);
    assert_string_equal(body, "the page");
}

static void test_get_of_anything_else_leads_to_the_page(void **state)
{
    (void)state;
    static const char *const paths[] = {"/generate_204", "/hotspot-detect.html?a=b",
                                        "/action_page.php?server_ip=00",
                                        "/a/path/that/is/longer/than/what/the/parser/keeps"};
    for (size_t i = 0; i < sizeof paths / sizeof paths[0]; i++) {
        char request[128];
        char answer[VISITOR_ANSWER_MAX];
        snprintf(request, sizeof request, "GET %s HTTP/1.1\r\n\r\n", paths[i]);
        visitor_open(0);
        visitor_push(0, request, strlen(request));
        visitor_answer(0, answer);
        assert_non_null(strstr(answer, "HTTP/1.1 302 "));
        assert_non_null(strstr(answer, "\r\nLocation: http://192.168.4.1/\r\n"));
        visitor_end(0);
    }
    assert_int_equal(visitor_ask_text("GET /favicon.ico HTTP/1.1\r\n\r\n", NULL), 404);
}

static void test_other_requests_are_refused(void **state)
{
    (void)state;
    char body[VISITOR_ANSWER_MAX];
    assert_int_equal(visitor_ask_text("PUT / HTTP/1.1\r\n\r\n", body), 405);
    assert_int_equal(visitor_ask_text("POST / HTTP/1.1\r\nContent-Length: 1\r\n\r\nx", body), 404);
    assert_int_equal(visitor_ask_text("nonsense\r\n\r\n", body), 400);
    assert_string_equal(body, "{\"error\":\"request\"}");
    assert_int_equal(
        visitor_ask_text("POST /setup HTTP/1.1\r\nContent-Length: 5\r\n\r\nhello", body), 400);
    assert_string_equal(body, "{\"error\":\"request\"}");
    assert_int_equal(visitor_ask_text("POST /setup HTTP/1.1\r\n\r\n", NULL), 400);
}

static void test_nonces_are_new_each_time(void **state)
{
    (void)state;
    uint8_t nonces[20][MEDSEC_SETUP_NONCE_LEN];
    for (unsigned i = 0; i < 20; i++) {
        visitor_get_nonce(nonces[i], SETUP_TRIES);
        for (unsigned j = 0; j < i; j++) {
            assert_memory_not_equal(nonces[i], nonces[j], sizeof nonces[i]);
        }
    }
}

/* A browser opens connections that it never uses, or leaves in the middle. */
static void test_visitor_who_has_the_answer_may_close_first(void **state)
{
    (void)state;
    visitor_open(0);
    visitor_push(0, "GET /setup HTTP/1.1\r\n\r\n", 23);
    fake_wifi_push(WIFI_SENT, 0);
    assert_int_equal(setup_bench_poll(), visited.now_ms + 500);
    visited.now_ms += 499;
    (void)setup_bench_poll();
    assert_false(fake_network.links[0].closing);
    visited.now_ms++;
    (void)setup_bench_poll();
    assert_true(fake_network.links[0].closing);
}

static void test_links_that_say_nothing_are_closed(void **state)
{
    (void)state;
    for (uint8_t link = 0; link < WIFI_LINKS; link++) {
        visitor_open(link);
        visited.now_ms += 10;
    }
    visitor_push(1, "GET / HT", 8);
    uint64_t first_ms = setup_bench_poll();
    assert_int_equal(first_ms, SETUP_BENCH_START_MS + SETUP_IDLE_MS);
    visited.now_ms = first_ms - 1;
    (void)setup_bench_poll();
    assert_false(fake_network.links[0].closing);
    visited.now_ms = SETUP_BENCH_START_MS + SETUP_IDLE_MS + 10 * WIFI_LINKS;
    (void)setup_bench_poll();
    for (uint8_t link = 0; link < WIFI_LINKS; link++) {
        assert_true(fake_network.links[link].closing);
        fake_wifi_push(WIFI_CLOSED, link);
    }
    (void)setup_bench_poll();
    assert_int_equal(visitor_ask_text("GET / HTTP/1.1\r\n\r\n", NULL), 200);
}

static void test_links_are_served_beside_each_other(void **state)
{
    (void)state;
    char answer[VISITOR_ANSWER_MAX];
    uint8_t nonce[MEDSEC_SETUP_NONCE_LEN];
    visitor_post made;
    visitor_get_nonce(nonce, SETUP_TRIES);
    visitor_make_post(&made, visited.key, nonce, &visitor_form);
    visitor_open(3);
    visitor_open(4);
    visitor_open(1);
    visitor_push(3, made.bytes, made.head_len + 100);
    visitor_push(4, made.bytes, made.head_len + 1); /* the memory for a body is taken */
    visitor_answer(4, answer);
    assert_non_null(strstr(answer, "HTTP/1.1 503 "));
    visitor_push(1, "GET / HTTP/1.1\r\n\r\n", 18);
    assert_ptr_equal(fake_network.links[1].data, page_response);
    visitor_push(3, made.bytes + made.head_len + 100, made.len - made.head_len - 100);
    size_t len = visitor_answer(3, answer);
    assert_int_equal(
        visitor_open_answer(&made, answer + len - MEDSEC_SETUP_ANSWER_LEN, MEDSEC_SETUP_ANSWER_LEN),
        MEDSEC_SETUP_DONE);
}

/* Who held the memory for a body has gone, in one way or the other. */
static void test_memory_for_a_body_is_given_back(void **state)
{
    (void)state;
    uint8_t nonce[MEDSEC_SETUP_NONCE_LEN];
    char body[VISITOR_ANSWER_MAX];
    visitor_post made;
    visitor_get_nonce(nonce, SETUP_TRIES);
    visitor_make_post(&made, visited.key, nonce, &visitor_form);
    visitor_open(3);
    visitor_push(3, made.bytes, made.head_len + 100);
    fake_wifi_push(WIFI_CLOSED, 3);
    (void)setup_bench_poll();
    visitor_open(2);
    visitor_push(2, made.bytes, made.head_len + 100);
    visited.now_ms += SETUP_IDLE_MS;
    (void)setup_bench_poll();
    assert_int_equal(visitor_send_form(visited.key, nonce, body), 200);
    assert_true(visitor_is_saved());
}

/* Its query fits, and its body does not fit behind it. */
static void test_memory_for_a_body_has_an_end(void **state)
{
    (void)state;
    char request[1024];
    char answer[VISITOR_ANSWER_MAX];
    int len =
        snprintf(request, sizeof request,
                 "GET /action_page.php?%0512d HTTP/1.1\r\nContent-Length: 100\r\n\r\n%0100d", 0, 0);
    visitor_open(0);
    visitor_push(0, request, (size_t)len);
    visitor_answer(0, answer);
    assert_non_null(strstr(answer, "HTTP/1.1 503 "));
}

/* The answer is on its way, and its link stands still. */
static void test_memory_for_a_body_is_free_while_it_answers(void **state)
{
    (void)state;
    static const uint8_t zeros[sizeof visited.mode.input];
    uint8_t nonce[MEDSEC_SETUP_NONCE_LEN];
    char body[VISITOR_ANSWER_MAX];
    visitor_post made;
    visitor_get_nonce(nonce, SETUP_TRIES);
    visitor_make_post(&made, "00000000000000000000", nonce, &visitor_form);
    visitor_open(3);
    visitor_push(3, made.bytes, made.len);
    assert_memory_equal(visited.mode.input, zeros, sizeof zeros);
    visitor_get_nonce(nonce, SETUP_TRIES - 1);
    assert_int_equal(visitor_send_form(visited.key, nonce, body), 200);
}

static void test_page_that_nobody_takes(void **state)
{
    (void)state;
    visitor_open(0);
    visitor_push(0, "GET / HTTP/1.1\r\n\r\n", 18);
    visited.now_ms = setup_bench_poll();
    (void)setup_bench_poll();
    assert_int_equal(visited.now_ms, SETUP_BENCH_START_MS + SETUP_IDLE_MS);
    assert_true(fake_network.links[0].closing);
}

static void test_what_comes_behind_a_request_is_not_read(void **state)
{
    (void)state;
    visitor_open(0);
    visitor_push(0, "GET / HTTP/1.1\r\n\r\nGET /setup HTTP/1.1\r\n\r\n", 41);
    assert_ptr_equal(fake_network.links[0].data, page_response);
    visitor_push(0, "GET /setup HTTP/1.1\r\n\r\n", 23);
    assert_ptr_equal(fake_network.links[0].data, page_response);
    visitor_end(0);
}
#define CASE(name) cmocka_unit_test_setup_teardown(name, setup_bench_prepare, setup_bench_finish)

int main(void)
{
    const struct CMUnitTest tests[] = {
        CASE(test_start_opens_the_access_point),
        CASE(test_get_of_the_page),
        CASE(test_get_of_anything_else_leads_to_the_page),
        CASE(test_other_requests_are_refused),
        CASE(test_nonces_are_new_each_time),
        CASE(test_visitor_who_has_the_answer_may_close_first),
        CASE(test_links_that_say_nothing_are_closed),
        CASE(test_links_are_served_beside_each_other),
        CASE(test_memory_for_a_body_is_given_back),
        cmocka_unit_test_setup_teardown(test_memory_for_a_body_has_an_end, setup_bench_prepare_seed,
                                        setup_bench_finish),
        CASE(test_memory_for_a_body_is_free_while_it_answers),
        CASE(test_page_that_nobody_takes),
        CASE(test_what_comes_behind_a_request_is_not_read),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
