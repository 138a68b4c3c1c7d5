/* SPDX-License-Identifier: Apache-2.0 */
#include "wifi_bench.h"

#include "unit.h"

#include <string.h>

static wifi_bench bench;

static void listening(void)
{
    wifi_bench_begin(&bench, WIFI_ACCESS_POINT, 256, 256);
    wifi_bench_set_up_access_point(&bench);
}

static void send_text(uint8_t link, const char *text)
{
    assert_true(wifi_send(&bench.wifi, link, (const uint8_t *)text, strlen(text)));
}

static void test_access_point_serves_whatever_the_pieces(void **state)
{
    (void)state;
    const size_t pieces[][2] = {{256, 256}, {1, 1}, {2, 5}, {3, 7}, {17, 256}};
    for (size_t i = 0; i < sizeof pieces / sizeof pieces[0]; i++) {
        wifi_bench_begin(&bench, WIFI_ACCESS_POINT, pieces[i][0], pieces[i][1]);
        wifi_bench_set_up_access_point(&bench);
        wifi_bench_say(&bench, "+STA_CONNECTED:\"5c:cf:7f:00:00:01\"\r\n"
                               "+DIST_STA_IP:\"5c:cf:7f:00:00:01\",\"192.168.4.2\"\r\n");
        wifi_bench_say(&bench, "0,CONNECT\r\n1,CONNECT\r\n\r\n+IPD,1,16:GET / HTTP/1.1\r\n");
        wifi_bench_events(&bench, "OPENED 0\nOPENED 1\nDATA 1 GET / HTTP/1.1\r\n\n");
        send_text(1, "answer");
        wifi_bench_answer(&bench, "AT+CIPSEND=1,6\r\n", "\r\nOK\r\n> ");
        wifi_bench_answer(&bench, "answer", "\r\nRecv 6 bytes\r\n\r\nSEND OK\r\n");
        wifi_close(&bench.wifi, 1);
        wifi_bench_answer(&bench, "AT+CIPCLOSE=1\r\n", "1,CLOSED\r\n\r\nOK\r\n");
        wifi_bench_say(&bench, "0,CLOSED\r\n");
        wifi_bench_events(&bench, "SENT 1\nCLOSED 1\nCLOSED 0\n");
        wifi_bench_expect(&bench, "");
    }
}

static void test_start_protects_a_network_that_has_a_password(void **state)
{
    (void)state;
    const wifi_options options = {
        .mode = WIFI_ACCESS_POINT, .name = "ward 3", .password = "secret word", .port = 8080};
    memset(&bench, 0, sizeof bench);
    bench.read_max = bench.room = 256;
    wifi_bench_start(&bench, &options);
    wifi_bench_answer(&bench, "AT+RST\r\n", "OK\r\nready\r\n");
    wifi_bench_answer(&bench, "ATE0\r\n", "OK\r\n");
    wifi_bench_answer(&bench, "AT+SYSSTORE=0\r\n", "OK\r\n");
    wifi_bench_answer(&bench, "AT+CWMODE=2\r\n", "OK\r\n");
    wifi_bench_answer(&bench, "AT+CIPMUX=1\r\n", "OK\r\n");
    wifi_bench_answer(&bench, "AT+CWSAP=\"ward 3\",\"secret word\",5,3,1\r\n", "OK\r\n");
    wifi_bench_answer(&bench, "AT+CIPAP=\"192.168.4.1\"\r\n", "OK\r\n");
    wifi_bench_answer(&bench, "AT+CIPSERVER=1,8080\r\n", "OK\r\n");
    wifi_bench_events(&bench, "UP\n");
}

static void test_links_are_served_in_turn(void **state)
{
    (void)state;
    static uint8_t data[4096];
    static const char *const commands[] = {"AT+CIPSEND=1,2048\r\n", "AT+CIPSEND=4,3\r\n",
                                           "AT+CIPCLOSE=0\r\n", "AT+CIPSEND=1,2048\r\n"};
    listening();
    wifi_bench_say(&bench, "0,CONNECT\r\n1,CONNECT\r\n4,CONNECT\r\n");
    memset(data, 'x', sizeof data);
    assert_true(wifi_send(&bench.wifi, 1, data, sizeof data));
    send_text(4, "abc");
    for (size_t i = 0; i < sizeof commands / sizeof commands[0]; i++) {
        wifi_bench_expect(&bench, commands[i]);
        wifi_close(&bench.wifi, 0);
        if (commands[i][6] == 'S') {
            wifi_bench_say(&bench, "\r\nOK\r\n> ");
            wifi_bench_wait(&bench, 500);
            bench.written_len = 0;
            wifi_bench_say(&bench, "\r\nSEND OK\r\n");
        } else {
            wifi_bench_say(&bench, "0,CLOSED\r\n\r\nOK\r\n");
        }
    }
    wifi_bench_events(&bench, "OPENED 0\nOPENED 1\nOPENED 4\nSENT 4\nCLOSED 0\nSENT 1\n");
    wifi_bench_expect(&bench, "");
}

static void test_link_is_used_again_at_once(void **state)
{
    (void)state;
    listening();
    wifi_bench_say(&bench, "2,CONNECT\r\n2,CLOSED\r\n2,CONNECT\r\n2,CONNECT\r\n");
    wifi_bench_events(&bench, "OPENED 2\nCLOSED 2\nOPENED 2\nCLOSED 2\nOPENED 2\n");
}

/* The answer to AT+CIPCLOSE comes when the next client has the same link already. */
static void test_close_does_not_hit_the_next_one_of_that_link(void **state)
{
    (void)state;
    listening();
    wifi_bench_say(&bench, "2,CONNECT\r\n");
    wifi_close(&bench.wifi, 2);
    wifi_bench_answer(&bench, "AT+CIPCLOSE=2\r\n", "2,CLOSED\r\n2,CONNECT\r\n\r\nOK\r\n");
    wifi_bench_events(&bench, "OPENED 2\nCLOSED 2\nOPENED 2\n");
    send_text(2, "still there");
    wifi_bench_expect(&bench, "AT+CIPSEND=2,11\r\n");
    wifi_bench_say(&bench, "2,CLOSED\r\n2,CONNECT\r\n");
    send_text(2, "for the next one");
    wifi_bench_say(&bench, "\r\nOK\r\n> ");
    wifi_bench_answer(&bench, "         \r\n", "\r\nSEND OK\r\n");
    wifi_bench_events(&bench, "CLOSED 2\nOPENED 2\n");
    wifi_bench_answer(&bench, "AT+CIPSEND=2,16\r\n", "\r\nOK\r\n> ");
    wifi_bench_answer(&bench, "for the next one", "\r\nSEND OK\r\n");
    wifi_bench_events(&bench, "SENT 2\n");
}

static void test_words_of_a_station_mean_nothing(void **state)
{
    (void)state;
    listening();
    wifi_open(&bench.wifi, "gateway.example", 1);
    wifi_bench_turn(&bench);
    wifi_bench_events(&bench, "FAILED\n");
    wifi_bench_say(&bench,
                   "0,CONNECT\r\nWIFI DISCONNECT\r\nWIFI GOT IP\r\n+CWJAP:1\r\n> OK\r\nERROR\r\n"
                   "SEND OK\r\nbusy p...\r\n");
    wifi_bench_events(&bench, "OPENED 0\n");
    wifi_bench_expect(&bench, "");
}

static void test_connect_means_nothing_before_the_server_listens(void **state)
{
    (void)state;
    wifi_bench_begin(&bench, WIFI_ACCESS_POINT, 256, 256);
    wifi_bench_answer(&bench, "AT+RST\r\n", "OK\r\nready\r\n0,CONNECT\r\n");
    wifi_bench_events(&bench, "");
}

/* Bytes are lost between the two events of a link that is used again. */
static void test_link_that_was_never_told_is_not_opened_after_a_fault(void **state)
{
    (void)state;
    static const char line[] = "2,CONNECT\r\n";
    wifi_event event;
    listening();
    wifi_bench_say(&bench, line);
    wifi_bench_events(&bench, "OPENED 2\n");
    memcpy(bench.said, line, sizeof line - 1);
    bench.said_len = sizeof line - 1;
    wifi_poll(&bench.wifi, bench.now_ms, &event);
    assert_int_equal(event.type, WIFI_CLOSED);
    bench.lost = 7;
    wifi_bench_turn(&bench);
    wifi_bench_events(&bench, "LEFT 4\n");
}

static void test_send_goes_on_when_another_link_is_closed(void **state)
{
    (void)state;
    listening();
    wifi_bench_say(&bench, "0,CONNECT\r\n1,CONNECT\r\n");
    send_text(1, "answer");
    wifi_bench_answer(&bench, "AT+CIPSEND=1,6\r\n", "0,CLOSED\r\n> ");
    wifi_bench_answer(&bench, "answer", "\r\nSEND OK\r\n");
    wifi_bench_events(&bench, "OPENED 0\nOPENED 1\nCLOSED 0\nSENT 1\n");
}

static void test_start_refuses_a_name_that_would_end_the_command(void **state)
{
    (void)state;
    const wifi_options options = {
        .mode = WIFI_ACCESS_POINT, .name = "a\nb", .password = "", .port = 80};
    memset(&bench, 0, sizeof bench);
    bench.read_max = bench.room = 4096;
    wifi_bench_start(&bench, &options);
    wifi_bench_say(&bench, "OK\r\nready\r\n");
    for (int i = 0; i < 4; i++) {
        wifi_bench_say(&bench, "OK\r\n");
    }
    wifi_bench_events(&bench, "REFUSED 0\n");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_access_point_serves_whatever_the_pieces),
        cmocka_unit_test(test_start_protects_a_network_that_has_a_password),
        cmocka_unit_test(test_links_are_served_in_turn),
        cmocka_unit_test(test_link_is_used_again_at_once),
        cmocka_unit_test(test_close_does_not_hit_the_next_one_of_that_link),
        cmocka_unit_test(test_words_of_a_station_mean_nothing),
        cmocka_unit_test(test_connect_means_nothing_before_the_server_listens),
        cmocka_unit_test(test_link_that_was_never_told_is_not_opened_after_a_fault),
        cmocka_unit_test(test_send_goes_on_when_another_link_is_closed),
        cmocka_unit_test(test_start_refuses_a_name_that_would_end_the_command),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
