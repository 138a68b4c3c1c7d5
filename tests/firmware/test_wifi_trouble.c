/* SPDX-License-Identifier: Apache-2.0 */
/* A module that does not answer, starts anew, loses bytes, or says what cannot be. */
#include "wifi_bench.h"

#include "unit.h"

#include <string.h>

#define OPEN "AT+CIPSTART=0,\"TCP\",\"gateway.example\",9998\r\n"

static wifi_bench bench;

static void begin(void)
{
    wifi_bench_begin(&bench, WIFI_STATION, 256, 256);
}

static void opened(void)
{
    begin();
    wifi_bench_set_up_station(&bench);
    wifi_bench_join(&bench);
    wifi_open(&bench.wifi, "gateway.example", 9998);
    wifi_bench_answer(&bench, OPEN, "0,CONNECT\r\n\r\nOK\r\n");
    wifi_bench_events(&bench, "OPENED 0\n");
}

/* Filler, then AT+RST; afterwards the module is as new. */
static void comes_back(void)
{
    wifi_bench_wait(&bench, 1000);
    wifi_bench_wait(&bench, 100);
    assert_int_equal(bench.written_len, WIFI_SEND_MAX + strlen("AT+RST\r\n"));
    for (size_t i = 0; i < WIFI_SEND_MAX; i++) {
        assert_int_equal(bench.written[i], i % 16 == 14 ? '\r' : i % 16 == 15 ? '\n' : ' ');
    }
    memmove(bench.written, bench.written + WIFI_SEND_MAX, bench.written_len -= WIFI_SEND_MAX);
    wifi_bench_set_up_station(&bench);
    wifi_bench_join(&bench);
}

static void is_given_up_and_comes_back(void)
{
    wifi_bench_wait(&bench, 0);
    wifi_bench_events(&bench, "CLOSED 0\nLEFT 4\n");
    comes_back();
}

static void test_module_that_never_answers_is_reset_for_ever(void **state)
{
    (void)state;
    static const uint32_t pauses[] = {1, 2, 4, 8, 16, 32, 60, 60, 60};
    begin();
    bench.room = SIZE_MAX;
    wifi_bench_wait(&bench, 0);
    uint64_t begin_ms = bench.now_ms;
    wifi_bench_expect(&bench, "AT+RST\r\n");
    bench.now_ms = begin_ms;
    for (size_t i = 0; i < sizeof pauses / sizeof pauses[0]; i++) {
        wifi_bench_wait(&bench, 4999);
        wifi_bench_events(&bench, "");
        wifi_bench_wait(&bench, 1);
        wifi_bench_events(&bench, "REFUSED 4\n");
        wifi_bench_wait(&bench, 1000 * pauses[i] - 1);
        assert_int_equal(bench.written_len, WIFI_SEND_MAX);
        wifi_bench_wait(&bench, 1);
        assert_int_equal(bench.written_len, WIFI_SEND_MAX + 8);
        bench.written_len = 0;
    }
}

/* Each command in turn is the one that is not answered. */
static void test_command_without_an_answer_resets_the_module(void **state)
{
    (void)state;
    static const char *const answers[] = {"OK\r\n\r\nready\r\n", "OK\r\n", "ERROR\r\n", "OK\r\n",
                                          "OK\r\n"};
    for (size_t silent = 0; silent <= sizeof answers / sizeof answers[0]; silent++) {
        begin();
        for (size_t i = 0; i < silent; i++) {
            wifi_bench_say(&bench, answers[i]);
        }
        bench.written_len = 0;
        wifi_bench_wait(&bench, 31000);
        assert_non_null(memmem(bench.events, bench.events_len, "REFUSED 4\n", 10));
        assert_non_null(memmem(bench.written, bench.written_len, "\nAT+RST\r\n", 9));
    }
}

static void test_command_of_setting_up_that_is_refused_resets_the_module(void **state)
{
    (void)state;
    begin();
    wifi_bench_answer(&bench, "AT+RST\r\n", "OK\r\nready\r\n");
    wifi_bench_answer(&bench, "ATE0\r\n", "OK\r\n");
    wifi_bench_answer(&bench, "AT+SYSSTORE=0\r\n", "ERROR\r\n");
    wifi_bench_answer(&bench, "AT+CWMODE_CUR=1\r\n", "ERROR\r\n");
    wifi_bench_events(&bench, "REFUSED 4\n");
    comes_back();
}

static void test_join_has_half_a_minute(void **state)
{
    (void)state;
    begin();
    wifi_bench_set_up_station(&bench);
    wifi_bench_wait(&bench, 29999);
    wifi_bench_events(&bench, "");
    wifi_bench_wait(&bench, 1);
    wifi_bench_events(&bench, "REFUSED 4\n");
}

static void test_open_without_an_answer_fails_and_resets(void **state)
{
    (void)state;
    begin();
    wifi_bench_set_up_station(&bench);
    wifi_bench_join(&bench);
    wifi_open(&bench.wifi, "gateway.example", 9998);
    wifi_bench_expect(&bench, OPEN);
    wifi_bench_wait(&bench, 19980);
    wifi_bench_events(&bench, "");
    wifi_bench_wait(&bench, 20);
    wifi_bench_events(&bench, "FAILED\nLEFT 4\n");
    comes_back();
}

static void test_send_without_an_answer_resets(void **state)
{
    (void)state;
    const uint8_t data[] = "hello";
    opened();
    assert_true(wifi_send(&bench.wifi, 0, data, 5));
    wifi_bench_expect(&bench, "AT+CIPSEND=0,5\r\n");
    wifi_bench_wait(&bench, 5000);
    is_given_up_and_comes_back();
    opened();
    assert_true(wifi_send(&bench.wifi, 0, data, 5));
    wifi_bench_answer(&bench, "AT+CIPSEND=0,5\r\n", "> ");
    wifi_bench_expect(&bench, "hello");
    wifi_bench_wait(&bench, 20000);
    is_given_up_and_comes_back();
}

/* No byte of it comes in front of AT+RST: the module would wait for the rest. */
static void test_payload_that_is_given_up_is_not_written_any_more(void **state)
{
    (void)state;
    static uint8_t data[2000];
    memset(data, 'x', sizeof data);
    opened();
    assert_true(wifi_send(&bench.wifi, 0, data, sizeof data));
    wifi_bench_answer(&bench, "AT+CIPSEND=0,2000\r\n", "");
    bench.room = 0;
    wifi_bench_say(&bench, "> \r\nready\r\n");
    bench.room = 256;
    is_given_up_and_comes_back();
}

static void test_module_that_starts_anew_is_reset(void **state)
{
    (void)state;
    opened();
    wifi_bench_say(&bench, "\x8c\xfe\r\nready\r\n");
    is_given_up_and_comes_back();
    wifi_bench_say(&bench, "\r\nready\r\n");
    wifi_bench_events(&bench, "LEFT 4\n");
    wifi_bench_say(&bench, "\r\nready\r\n");
    comes_back();
}

/* What a hostile peer has sent, with bytes of its +IPD lost, while the module waits for a payload:
 * it would give the peer whatever is written next. */
static void test_words_of_a_peer_do_not_get_it_the_password(void **state)
{
    (void)state;
    static const char *const words[] = {"\r\nready\r\n", "OK\r\n", "ERROR\r\n", "OK\r\n", "OK\r\n"};
    static const uint8_t data[300];
    for (uint32_t lost = 0; lost < 2; lost++) {
        opened();
        assert_true(wifi_send(&bench.wifi, 0, data, sizeof data));
        wifi_bench_expect(&bench, "AT+CIPSEND=0,300\r\n");
        bench.lost += lost;
        for (size_t i = 0; i < sizeof words / sizeof words[0]; i++) {
            wifi_bench_say(&bench, words[i]);
        }
        assert_null(memmem(bench.written, bench.written_len, "secret word", 11));
        is_given_up_and_comes_back();
    }
}

/* The same peer: its words are not even looked at. */
static void test_words_behind_lost_bytes_do_not_count(void **state)
{
    (void)state;
    static const uint8_t data[] = "hello";
    opened();
    assert_true(wifi_send(&bench.wifi, 0, data, 5));
    wifi_bench_expect(&bench, "AT+CIPSEND=0,5\r\n");
    bench.lost = 7;
    wifi_bench_say(&bench, "> SEND OK\r\n+IPD,0,3:abc");
    is_given_up_and_comes_back();
}

static void test_lost_bytes_reset_the_module(void **state)
{
    (void)state;
    opened();
    bench.lost = 7;
    is_given_up_and_comes_back();
    wifi_bench_wait(&bench, 100000);
    wifi_bench_events(&bench, "");
}

/* A command of which half is written is not written to its end. */
static void test_lost_bytes_have_the_present_command_forgotten(void **state)
{
    (void)state;
    const uint8_t data[] = "hello";
    opened();
    bench.room = 7;
    assert_true(wifi_send(&bench.wifi, 0, data, 5));
    bench.now_ms++;
    wifi_bench_turn(&bench);
    bench.lost = 7;
    bench.now_ms++;
    bench.room = 4096;
    wifi_bench_turn(&bench);
    wifi_bench_wait(&bench, 1000);
    bench.written[bench.written_len] = '\0';
    assert_memory_equal(bench.written, "AT+CIPS      ", 13);
    assert_null(strstr(bench.written, "END"));
}

/* Bytes are lost between two events of one line. */
static void test_lost_bytes_take_no_event_away(void **state)
{
    (void)state;
    static const char line[] = "WIFI DISCONNECT\r\n";
    wifi_event event;
    opened();
    memcpy(bench.said, line, sizeof line - 1);
    bench.said_len = sizeof line - 1;
    wifi_poll(&bench.wifi, bench.now_ms, &event);
    assert_int_equal(event.type, WIFI_CLOSED);
    bench.lost = 7;
    wifi_bench_turn(&bench);
    wifi_bench_events(&bench, "LEFT 4\nREFUSED 4\n");
}

static void test_lost_bytes_within_data_end_them(void **state)
{
    (void)state;
    opened();
    wifi_bench_say(&bench, "+IPD,0,100:part");
    bench.lost = 7;
    wifi_bench_wait(&bench, 0);
    wifi_bench_events(&bench, "DATA 0 part\nCLOSED 0\nLEFT 4\n");
    comes_back();
}

/* It is heard by a module that has just started. */
static void test_ready_lets_the_rest_of_the_reset_be_written(void **state)
{
    (void)state;
    wifi_bench_begin(&bench, WIFI_STATION, 256, 1);
    bench.room = 0;
    wifi_bench_say(&bench, "\r\nready\r\n");
    bench.room = 256;
    wifi_bench_set_up_station(&bench);
}

/* The UART takes it as fast as it can, and no command comes in between. */
static void test_filler_is_written_as_there_is_room(void **state)
{
    (void)state;
    opened();
    bench.lost = 7;
    bench.room = 10;
    wifi_bench_wait(&bench, 500);
    assert_in_range(bench.written_len, 1000, 1020);
    wifi_bench_events(&bench, "CLOSED 0\nLEFT 4\n");
    wifi_bench_wait(&bench, 1000);
    assert_int_equal(bench.written_len, WIFI_SEND_MAX + strlen("AT+RST\r\n"));
}

static void test_silence_within_data_resets_the_module(void **state)
{
    (void)state;
    opened();
    wifi_bench_say(&bench, "+IPD,0,100:half of it");
    wifi_bench_wait(&bench, 1900);
    wifi_bench_say(&bench, "more");
    wifi_bench_wait(&bench, 1999);
    wifi_bench_events(&bench, "DATA 0 half of itmore\n");
    wifi_bench_wait(&bench, 1);
    is_given_up_and_comes_back();
}

static void test_what_cannot_be_resets_the_module(void **state)
{
    (void)state;
    static const char *const wrong[] = {"+IPD,0,0:",      "+IPD,0,8193:", "+IPD,0,:",
                                        "+IPD,7,5:hello", "8,CLOSED\r\n", "ALREADY CONNECTED\r\n"};
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
        opened();
        wifi_bench_say(&bench, wrong[i]);
        is_given_up_and_comes_back();
    }
}

static void test_busy_has_an_end(void **state)
{
    (void)state;
    begin();
    wifi_bench_set_up_station(&bench);
    for (unsigned i = 0; i <= 150; i++) {
        wifi_bench_events(&bench, "");
        assert_int_equal(bench.written_len, strlen("AT+CWJAP_CUR=\"home\",\"secret word\"\r\n"));
        bench.written_len = 0;
        wifi_bench_say(&bench, "busy p...\r\n");
        wifi_bench_wait(&bench, 200);
    }
    wifi_bench_events(&bench, "REFUSED 4\n");
    comes_back();
}

static void test_busy_is_counted_for_each_command(void **state)
{
    (void)state;
    const uint8_t data[] = "hello";
    opened();
    for (int command = 0; command < 2; command++) {
        assert_true(wifi_send(&bench.wifi, 0, data, 5));
        for (int i = 0; i < 100; i++) {
            wifi_bench_say(&bench, "busy s...\r\n");
            wifi_bench_wait(&bench, 200);
        }
        bench.written_len = 0;
        wifi_bench_say(&bench, "> ");
        wifi_bench_answer(&bench, "hello", "SEND OK\r\n");
        wifi_bench_events(&bench, "SENT 0\n");
    }
}

static void test_reset_passes_over_all_but_ready(void **state)
{
    (void)state;
    opened();
    bench.lost = 1;
    wifi_bench_wait(&bench, 2000);
    bench.lost = 2; /* its garbage */
    wifi_bench_say(&bench,
                   "ERROR\r\nOK\r\n0,CLOSED\r\n> +IPD,0,9:\r\nready\r\n\r\nSEND OK\r\nFAIL\r\n"
                   "+IPD,0,x:WIFI GOT IP\r\n\xff");
    wifi_bench_events(&bench, "CLOSED 0\nLEFT 4\n");
    bench.written_len = 0;
    wifi_bench_say(&bench, "\r\nready\r\n");
    wifi_bench_expect(&bench, "ATE0\r\n");
    wifi_bench_events(&bench, "");
}

static void test_reset_passes_over_data_that_never_come(void **state)
{
    (void)state;
    begin();
    wifi_bench_say(&bench, "+IPD,0,500:garbage");
    wifi_bench_wait(&bench, 2000);
    wifi_bench_say(&bench, "\r\nOK\r\n\r\nready\r\n");
    wifi_bench_expect(&bench, "AT+RST\r\nATE0\r\n");
    wifi_bench_events(&bench, "");
}

static void test_until_tells_when_to_come_back(void **state)
{
    (void)state;
    opened();
    assert_true(wifi_until_ms(&bench.wifi) == UINT64_MAX);
    const uint8_t data[] = "hello";
    assert_true(wifi_send(&bench.wifi, 0, data, 5));
    assert_true(wifi_until_ms(&bench.wifi) <= bench.now_ms);
    wifi_bench_turn(&bench);
    assert_true(wifi_until_ms(&bench.wifi) == bench.now_ms + 5000);
    wifi_bench_say(&bench, "busy s...\r\n");
    assert_true(wifi_until_ms(&bench.wifi) == bench.now_ms + 200);
    wifi_bench_say(&bench, "+IPD,0,9:abc");
    assert_true(wifi_until_ms(&bench.wifi) == bench.now_ms + 200);
    wifi_bench_wait(&bench, 200);
    assert_true(wifi_until_ms(&bench.wifi) == bench.now_ms + 1800);
    bench.room = 0;
    wifi_bench_say(&bench, "defghi> ");
    assert_true(wifi_until_ms(&bench.wifi) == bench.now_ms + 5);
    bench.room = 256;
    wifi_bench_wait(&bench, 5);
    wifi_bench_say(&bench, "SEND OK\r\n");
    assert_true(wifi_until_ms(&bench.wifi) == UINT64_MAX);
    wifi_open(&bench.wifi, "gateway.example", 9998);
    assert_true(wifi_until_ms(&bench.wifi) <= bench.now_ms);
    wifi_event event;
    wifi_poll(&bench.wifi, bench.now_ms, &event);
    assert_int_equal(event.type, WIFI_FAILED);
    assert_true(wifi_until_ms(&bench.wifi) <= bench.now_ms); /* there may be more */
    wifi_poll(&bench.wifi, bench.now_ms, &event);
    assert_true(wifi_until_ms(&bench.wifi) == UINT64_MAX);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_module_that_never_answers_is_reset_for_ever),
        cmocka_unit_test(test_command_without_an_answer_resets_the_module),
        cmocka_unit_test(test_command_of_setting_up_that_is_refused_resets_the_module),
        cmocka_unit_test(test_join_has_half_a_minute),
        cmocka_unit_test(test_open_without_an_answer_fails_and_resets),
        cmocka_unit_test(test_send_without_an_answer_resets),
        cmocka_unit_test(test_payload_that_is_given_up_is_not_written_any_more),
        cmocka_unit_test(test_module_that_starts_anew_is_reset),
        cmocka_unit_test(test_words_of_a_peer_do_not_get_it_the_password),
        cmocka_unit_test(test_words_behind_lost_bytes_do_not_count),
        cmocka_unit_test(test_lost_bytes_reset_the_module),
        cmocka_unit_test(test_lost_bytes_have_the_present_command_forgotten),
        cmocka_unit_test(test_lost_bytes_take_no_event_away),
        cmocka_unit_test(test_lost_bytes_within_data_end_them),
        cmocka_unit_test(test_ready_lets_the_rest_of_the_reset_be_written),
        cmocka_unit_test(test_filler_is_written_as_there_is_room),
        cmocka_unit_test(test_silence_within_data_resets_the_module),
        cmocka_unit_test(test_what_cannot_be_resets_the_module),
        cmocka_unit_test(test_busy_has_an_end),
        cmocka_unit_test(test_busy_is_counted_for_each_command),
        cmocka_unit_test(test_reset_passes_over_all_but_ready),
        cmocka_unit_test(test_reset_passes_over_data_that_never_come),
        cmocka_unit_test(test_until_tells_when_to_come_back),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
