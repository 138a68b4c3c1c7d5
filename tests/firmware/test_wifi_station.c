/* SPDX-License-Identifier: Apache-2.0 */
#include "wifi_bench.h"

#include "unit.h"

#include <string.h>

#define JOIN "AT+CWJAP_CUR=\"home\",\"secret word\"\r\n"
#define OPEN "AT+CIPSTART=0,\"TCP\",\"gateway.example\",9998\r\n"

static wifi_bench bench;

static void begin(void)
{
    wifi_bench_begin(&bench, WIFI_STATION, 256, 256);
}

static void open_link(void)
{
    wifi_open(&bench.wifi, "gateway.example", 9998);
    wifi_bench_answer(&bench, OPEN, "0,CONNECT\r\n\r\nOK\r\n");
    wifi_bench_events(&bench, "OPENED 0\n");
}

static void joined(void)
{
    begin();
    wifi_bench_set_up_station(&bench);
    wifi_bench_join(&bench);
}

static void opened(void)
{
    joined();
    open_link();
}

static void send_text(const char *text)
{
    assert_true(wifi_send(&bench.wifi, 0, (const uint8_t *)text, strlen(text)));
}

/* A whole life, with UARTs of any size. */
static void live(size_t read_max, size_t room)
{
    wifi_bench_begin(&bench, WIFI_STATION, read_max, room);
    wifi_bench_set_up_station(&bench);
    wifi_bench_join(&bench);
    open_link();
    send_text("hello");
    wifi_bench_answer(&bench, "AT+CIPSEND=0,5\r\n", "\r\nOK\r\n> ");
    wifi_bench_answer(&bench, "hello", "\r\nRecv 5 bytes\r\n\r\nSEND OK\r\n\r\n+IPD,0,4:OK\r\n");
    wifi_bench_say(&bench, "\r\n+IPD,0,7:0,CLOSE\r\n0,CLOSED\r\n");
    wifi_bench_events(&bench, "SENT 0\nDATA 0 OK\r\n0,CLOSE\nCLOSED 0\n");
    wifi_bench_expect(&bench, "");
}

static void test_station_lives_whatever_the_pieces(void **state)
{
    (void)state;
    const size_t pieces[][2] = {{256, 256}, {1, 1}, {2, 5}, {3, 7}, {17, 256}};
    for (size_t i = 0; i < sizeof pieces / sizeof pieces[0]; i++) {
        live(pieces[i][0], pieces[i][1]);
    }
}

static void test_start_uses_plain_names_when_the_module_need_not_store(void **state)
{
    (void)state;
    begin();
    wifi_bench_answer(&bench, "AT+RST\r\n", "\r\nOK\r\n\r\nready\r\n");
    wifi_bench_answer(&bench, "ATE0\r\n", "ATE0\r\r\n\r\nOK\r\n");
    wifi_bench_answer(&bench, "AT+SYSSTORE=0\r\n", "\r\nOK\r\n");
    wifi_bench_answer(&bench, "AT+CWMODE=1\r\n", "\r\nOK\r\n");
    wifi_bench_answer(&bench, "AT+CIPMUX=1\r\n", "\r\nOK\r\n");
    wifi_bench_answer(&bench, "AT+CWJAP=\"home\",\"secret word\"\r\n",
                      "WIFI CONNECTED\r\nWIFI GOT IP\r\n\r\nOK\r\n");
    wifi_bench_events(&bench, "UP\n");
}

static void test_start_resets_a_module_that_was_just_switched_on(void **state)
{
    (void)state;
    begin();
    bench.written_len = 0; /* nobody heard it */
    wifi_bench_say(
        &bench, "\x80\xff\x02 +IPD,x:\r\n9,CLOSED\r\nready\r\nWIFI CONNECTED\r\nWIFI GOT IP\r\n");
    wifi_bench_events(&bench, "");
    wifi_bench_set_up_station(&bench);
}

/* Its first `ready` was on the way when AT+RST left: ours is the next one. */
static void test_start_knows_its_own_ready(void **state)
{
    (void)state;
    begin();
    wifi_bench_answer(&bench, "AT+RST\r\n", "\r\nready\r\nAT+RST\r\r\n\r\nOK\r\n");
    wifi_bench_expect(&bench, "");
    wifi_bench_answer(&bench, "", "\xfe\x01#\x8c\r\nready\r\n");
    wifi_bench_expect(&bench, "ATE0\r\n");
}

/* And the first AT+RST is heard after all. */
static void test_start_is_not_reset_twice(void **state)
{
    (void)state;
    begin();
    wifi_bench_answer(&bench, "AT+RST\r\n", "\r\nready\r\n");
    wifi_bench_answer(&bench, "AT+RST\r\n", "\r\nOK\r\nbusy p...\r\n");
    wifi_bench_wait(&bench, 1000);
    wifi_bench_expect(&bench, "");
    wifi_bench_say(&bench, "\r\nready\r\n");
    wifi_bench_expect(&bench, "ATE0\r\n");
}

static void test_start_believes_a_module_that_resets_without_an_ok(void **state)
{
    (void)state;
    begin();
    wifi_bench_answer(&bench, "AT+RST\r\n", "\r\nready\r\n");
    wifi_bench_answer(&bench, "AT+RST\r\n", "\r\nready\r\n");
    wifi_bench_expect(&bench, "ATE0\r\n");
}

static void test_join_escapes_what_the_module_would_read_as_syntax(void **state)
{
    (void)state;
    const wifi_options options = {
        .mode = WIFI_STATION, .name = "a\"b,c\\d \xc3\xa9", .password = ",,\"\"\\\\AT"};
    memset(&bench, 0, sizeof bench);
    bench.read_max = bench.room = 256;
    wifi_bench_start(&bench, &options);
    wifi_bench_set_up_station(&bench);
    wifi_bench_expect(&bench,
                      "AT+CWJAP_CUR=\"a\\\"b\\,c\\\\d \xc3\xa9\",\"\\,\\,\\\"\\\"\\\\\\\\AT\"\r\n");
}

static void test_join_says_the_longest_name_and_password(void **state)
{
    (void)state;
    char name[33];
    char password[64];
    char want[256] = "AT+CWJAP_CUR=\"";
    memset(name, ',', 32);
    memset(password, '"', 63);
    name[32] = password[63] = '\0';
    const wifi_options options = {.mode = WIFI_STATION, .name = name, .password = password};
    for (size_t i = 0; i < 32; i++) {
        memcpy(want + 14 + 2 * i, "\\,", 2);
    }
    memcpy(want + 78, "\",\"", 3);
    for (size_t i = 0; i < 63; i++) {
        memcpy(want + 81 + 2 * i, "\\\"", 2);
    }
    memcpy(want + 207, "\"\r\n", 4);
    memset(&bench, 0, sizeof bench);
    bench.read_max = bench.room = 256;
    wifi_bench_start(&bench, &options);
    wifi_bench_set_up_station(&bench);
    wifi_bench_expect(&bench, want);
}

static void test_join_never_says_a_name_that_would_end_the_command(void **state)
{
    (void)state;
    static const char *const bad[] = {"a\r\nAT+RESTORE", "a\nb", "\x7f", "\x1b"};
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        const wifi_options options = {.mode = WIFI_STATION, .name = bad[i], .password = ""};
        memset(&bench, 0, sizeof bench);
        bench.read_max = bench.room = 256;
        wifi_bench_start(&bench, &options);
        wifi_bench_set_up_station(&bench);
        wifi_bench_expect(&bench, "");
        wifi_bench_events(&bench, "REFUSED 0\n");
        wifi_bench_wait(&bench, 5000);
        wifi_bench_expect(&bench, "");
    }
}

static void refuse(const char *code, const char *event)
{
    begin();
    wifi_bench_set_up_station(&bench);
    wifi_bench_answer(&bench, JOIN, code);
    wifi_bench_events(&bench, event);
}

static void test_join_tells_why_it_was_refused(void **state)
{
    (void)state;
    refuse("+CWJAP:1\r\n\r\nFAIL\r\n", "REFUSED 1\n");
    refuse("+CWJAP:2\r\n\r\nFAIL\r\n", "REFUSED 2\n");
    refuse("+CWJAP:3\r\n\r\nFAIL\r\n", "REFUSED 3\n");
    refuse("+CWJAP:4\r\n\r\nFAIL\r\n", "REFUSED 0\n");
    refuse("+CWJAP:9\r\n\r\nERROR\r\n", "REFUSED 0\n");
    refuse("\r\nFAIL\r\n", "REFUSED 0\n");
}

static void test_join_tries_again_with_growing_pauses(void **state)
{
    (void)state;
    static const uint32_t pauses[] = {1, 2, 4, 8, 16, 32, 60, 60, 60};
    begin();
    wifi_bench_set_up_station(&bench);
    wifi_bench_expect(&bench, JOIN);
    for (size_t i = 0; i < sizeof pauses / sizeof pauses[0]; i++) {
        wifi_bench_say(&bench, "+CWJAP:3\r\n\r\nFAIL\r\n");
        wifi_bench_events(&bench, "REFUSED 3\n");
        wifi_bench_wait(&bench, 1000 * pauses[i] - 1);
        assert_int_equal(bench.written_len, 0);
        wifi_bench_wait(&bench, 1);
        wifi_bench_expect(&bench, JOIN);
    }
    wifi_bench_say(&bench, "\r\nFAIL\r\n");
    wifi_bench_events(&bench, "REFUSED 0\n"); /* not for the last one's reason */
    wifi_bench_wait(&bench, 60000);
    wifi_bench_answer(&bench, JOIN, "WIFI CONNECTED\r\nWIFI GOT IP\r\n\r\nOK\r\n");
    wifi_bench_say(&bench, "WIFI DISCONNECT\r\n");
    wifi_bench_events(&bench, "UP\nLEFT 0\n");
    wifi_bench_wait(&bench, 1000);
    wifi_bench_expect(&bench, JOIN);
}

static void test_left_closes_and_joins_again(void **state)
{
    (void)state;
    opened();
    wifi_bench_say(&bench, "WIFI DISCONNECT\r\n0,CLOSED\r\n");
    wifi_bench_events(&bench, "CLOSED 0\nLEFT 0\n");
    wifi_bench_expect(&bench, "");
    wifi_bench_wait(&bench, 1000);
    wifi_bench_join(&bench);
    open_link();
}

static void test_left_is_up_when_the_module_joins_by_itself(void **state)
{
    (void)state;
    joined();
    wifi_bench_say(&bench, "WIFI DISCONNECT\r\n");
    wifi_bench_events(&bench, "LEFT 0\n");
    wifi_bench_say(&bench, "WIFI CONNECTED\r\nWIFI GOT IP\r\n");
    wifi_bench_events(&bench, "UP\n");
    wifi_bench_wait(&bench, 100000);
    wifi_bench_expect(&bench, "");
    wifi_bench_say(&bench, "WIFI GOT IP\r\n"); /* a new lease */
    wifi_bench_events(&bench, "");
    /* The same while our own attempt is answered by `busy`. */
    wifi_bench_say(&bench, "WIFI DISCONNECT\r\n");
    wifi_bench_wait(&bench, 1000);
    wifi_bench_answer(&bench, JOIN, "busy p...\r\nWIFI CONNECTED\r\nWIFI GOT IP\r\n");
    wifi_bench_events(&bench, "LEFT 0\nUP\n");
    wifi_bench_wait(&bench, 100000);
    wifi_bench_expect(&bench, "");
    /* Our own attempt is done when its OK comes. */
    wifi_bench_say(&bench, "WIFI DISCONNECT\r\n");
    wifi_bench_wait(&bench, 1000);
    wifi_bench_answer(&bench, JOIN, "WIFI GOT IP\r\n");
    wifi_bench_events(&bench, "LEFT 0\n");
    wifi_bench_say(&bench, "\r\nOK\r\n");
    wifi_bench_events(&bench, "UP\n");
}

static void test_join_is_not_taken_for_done_because_the_module_knows_another_network(void **state)
{
    (void)state;
    begin();
    wifi_bench_set_up_station(&bench);
    wifi_bench_answer(&bench, JOIN, "busy p...\r\nWIFI CONNECTED\r\nWIFI GOT IP\r\n0,CLOSED\r\n");
    wifi_bench_events(&bench, "");
    assert_int_equal(bench.written_len, 0);
    wifi_bench_wait(&bench, 199);
    assert_int_equal(bench.written_len, 0);
    wifi_bench_wait(&bench, 1);
    wifi_bench_join(&bench);
    /* Nor after a reset, which has it forget ours. */
    wifi_bench_say(&bench, "\r\nready\r\n");
    wifi_bench_events(&bench, "LEFT 4\n");
    wifi_bench_wait(&bench, 1100);
    wifi_bench_say(&bench, "\r\nOK\r\n\r\nready\r\n");
    for (int i = 0; i < 4; i++) {
        wifi_bench_say(&bench, "\r\nOK\r\n");
    }
    wifi_bench_say(&bench, "busy p...\r\nWIFI GOT IP\r\n");
    wifi_bench_events(&bench, "");
}

static void test_left_fails_an_open_under_way(void **state)
{
    (void)state;
    joined();
    wifi_open(&bench.wifi, "gateway.example", 9998);
    wifi_bench_answer(&bench, OPEN, "WIFI DISCONNECT\r\n");
    wifi_bench_events(&bench, "FAILED\nLEFT 0\n");
    wifi_bench_say(&bench, "\r\nERROR\r\n0,CLOSED\r\n");
    wifi_bench_events(&bench, "");
    wifi_bench_wait(&bench, 1000);
    wifi_bench_join(&bench);
}

static void test_open_fails(void **state)
{
    (void)state;
    static const char *const answers[] = {"DNS Fail\r\n\r\nERROR\r\n", "\r\nERROR\r\n0,CLOSED\r\n",
                                          "0,CLOSED\r\n\r\nERROR\r\n", "no ip\r\n\r\nERROR\r\n",
                                          "0,CONNECT\r\n0,CLOSED\r\n\r\nOK\r\n"};
    joined();
    for (size_t i = 0; i < sizeof answers / sizeof answers[0]; i++) {
        wifi_open(&bench.wifi, "gateway.example", 9998);
        wifi_bench_answer(&bench, OPEN, answers[i]);
        wifi_bench_events(&bench, "FAILED\n");
    }
    open_link();
}

static void test_open_fails_when_it_is_not_possible(void **state)
{
    (void)state;
    begin();
    wifi_open(&bench.wifi, "gateway.example", 9998);
    wifi_bench_turn(&bench);
    wifi_bench_events(&bench, "FAILED\n");
    opened();
    wifi_open(&bench.wifi, "gateway.example", 9998);
    wifi_bench_turn(&bench);
    wifi_bench_events(&bench, "FAILED\n");
    wifi_bench_expect(&bench, "");
    joined();
    wifi_open(&bench.wifi, "gateway.example", 9998);
    wifi_open(&bench.wifi, "another.example", 1);
    wifi_bench_answer(&bench, OPEN, "0,CONNECT\r\n\r\nOK\r\n");
    wifi_bench_events(&bench, "FAILED\nOPENED 0\n");
    joined();
    wifi_open(&bench.wifi, "gateway\r\nAT+RST", 9998);
    wifi_bench_turn(&bench);
    wifi_bench_events(&bench, "FAILED\n");
    wifi_bench_expect(&bench, "");
    open_link();
}

static void test_send_cuts_what_is_long(void **state)
{
    (void)state;
    static uint8_t data[5000];
    static char want[2049];
    memset(data, 'x', sizeof data);
    memset(want, 'x', sizeof want - 1);
    opened();
    assert_true(wifi_send(&bench.wifi, 0, data, sizeof data));
    for (int i = 0; i < 2; i++) {
        wifi_bench_answer(&bench, "AT+CIPSEND=0,2048\r\n", "\r\nOK\r\n> ");
        wifi_bench_expect(&bench, want);
        wifi_bench_events(&bench, "");
        wifi_bench_say(&bench, "\r\nRecv 2048 bytes\r\n\r\nSEND OK\r\n");
    }
    wifi_bench_answer(&bench, "AT+CIPSEND=0,904\r\n", "\r\nOK\r\n\r\n>");
    want[904] = '\0';
    wifi_bench_answer(&bench, want, "\r\nRecv 904 bytes\r\n\r\nSEND OK\r\n");
    wifi_bench_events(&bench, "SENT 0\n");
    wifi_bench_expect(&bench, "");
}

static void test_send_is_refused(void **state)
{
    (void)state;
    joined();
    const uint8_t data[] = {1};
    assert_false(wifi_send(&bench.wifi, 0, data, 1));
    open_link();
    assert_false(wifi_send(&bench.wifi, 0, data, 0));
    assert_false(wifi_send(&bench.wifi, 1, data, 1));
    assert_false(wifi_send(&bench.wifi, WIFI_LINKS, data, 1));
    assert_false(wifi_send(&bench.wifi, UINT8_MAX, data, 1));
    assert_true(wifi_send(&bench.wifi, 0, data, 1));
    assert_false(wifi_send(&bench.wifi, 0, data, 1));
    wifi_close(&bench.wifi, 0);
    assert_false(wifi_send(&bench.wifi, 0, data, 1));
    opened();
    wifi_close(&bench.wifi, 0);
    assert_false(wifi_send(&bench.wifi, 0, data, 1));
}

static void test_send_takes_data_meanwhile(void **state)
{
    (void)state;
    opened();
    send_text("out");
    wifi_bench_answer(&bench, "AT+CIPSEND=0,3\r\n", "\r\n+IPD,0,3:one\r\nOK\r\n+IPD,0,3:two\r\n> ");
    wifi_bench_answer(&bench, "out", "\r\n+IPD,0,5:> OK\n\r\nRecv 3 bytes\r\n\r\nSEND OK\r\n");
    wifi_bench_events(&bench, "DATA 0 onetwo> OK\n\nSENT 0\n");
}

static void test_send_says_it_again_when_the_module_is_busy(void **state)
{
    (void)state;
    opened();
    send_text("hello");
    wifi_bench_answer(&bench, "AT+CIPSEND=0,5\r\n", "busy s...\r\n");
    wifi_bench_say(&bench, "\r\nOK\r\n"); /* of what it was busy with */
    wifi_bench_say(&bench, "\r\nERROR\r\n");
    assert_int_equal(bench.written_len, 0);
    wifi_bench_wait(&bench, 200);
    wifi_bench_answer(&bench, "AT+CIPSEND=0,5\r\n", "busy p...\r\n");
    wifi_bench_wait(&bench, 200);
    wifi_bench_answer(&bench, "AT+CIPSEND=0,5\r\n", "\r\nOK\r\n> busy s...\r\n");
    wifi_bench_answer(&bench, "hello", "\r\nbusy s...\r\nRecv 5 bytes\r\n\r\nOK\r\n");
    wifi_bench_wait(&bench, 1000);
    wifi_bench_events(&bench, "");
    wifi_bench_say(&bench, "\r\nSEND OK\r\n");
    wifi_bench_events(&bench, "SENT 0\n");
    wifi_bench_expect(&bench, "");
}

static void test_busy_command_is_not_said_again_when_its_link_is_gone(void **state)
{
    (void)state;
    opened();
    send_text("hello");
    wifi_bench_answer(&bench, "AT+CIPSEND=0,5\r\n", "busy s...\r\n0,CLOSED\r\n");
    wifi_bench_wait(&bench, 5000);
    wifi_bench_events(&bench, "CLOSED 0\n");
    wifi_bench_expect(&bench, "");
    wifi_open(&bench.wifi, "gateway.example", 9998);
    wifi_bench_answer(&bench, OPEN, "busy p...\r\nWIFI DISCONNECT\r\n");
    wifi_bench_events(&bench, "FAILED\nLEFT 0\n");
    wifi_bench_wait(&bench, 1000);
    wifi_bench_join(&bench);
    wifi_open(&bench.wifi, "gateway.example", 9998);
    wifi_bench_answer(&bench, OPEN, "WIFI DISCONNECT\r\nbusy p...\r\n");
    wifi_bench_events(&bench, "FAILED\nLEFT 0\n");
    wifi_bench_wait(&bench, 1000);
    wifi_bench_join(&bench);
    wifi_bench_expect(&bench, "");
}

static void test_send_that_fails_closes(void **state)
{
    (void)state;
    opened();
    send_text("hello");
    wifi_bench_answer(&bench, "AT+CIPSEND=0,5\r\n", "link is not valid\r\n\r\nERROR\r\n");
    wifi_bench_answer(&bench, "AT+CIPCLOSE=0\r\n", "\r\nERROR\r\n");
    wifi_bench_events(&bench, "CLOSED 0\n");
    open_link();
    send_text("hello");
    wifi_bench_answer(&bench, "AT+CIPSEND=0,5\r\n", "\r\nOK\r\n> ");
    wifi_bench_answer(&bench, "hello", "\r\nSEND FAIL\r\n");
    wifi_bench_answer(&bench, "AT+CIPCLOSE=0\r\n", "0,CLOSED\r\n\r\nOK\r\n");
    wifi_bench_events(&bench, "CLOSED 0\n");
    open_link();
}

static void test_command_is_written_to_its_end_before_the_next_one(void **state)
{
    (void)state;
    opened();
    bench.now_ms++;
    bench.room = 7;
    send_text("hello");
    wifi_bench_turn(&bench);
    wifi_bench_say(&bench, "ERROR\r\n");
    wifi_bench_expect(&bench, "AT+CIPSEND=0,5\r\nAT+CIPCLOSE=0\r\n");
}

/* The data are the caller's again after CLOSED, but the module still waits for as many bytes. */
static void test_closed_within_a_send_is_completed_by_filler(void **state)
{
    (void)state;
    opened();
    send_text("twenty-two bytes, good");
    wifi_bench_answer(&bench, "AT+CIPSEND=0,22\r\n", "0,CLOSED\r\n\r\nOK\r\n> ");
    wifi_bench_events(&bench, "CLOSED 0\n");
    wifi_bench_answer(&bench, "    \r\n              \r\n", "\r\nSEND FAIL\r\n");
    wifi_bench_events(&bench, "");
    open_link();
    bench.room = 0;
    send_text("twenty-two bytes, good");
    bench.room = 17;
    wifi_bench_answer(&bench, "AT+CIPSEND=0,22\r\n", "");
    bench.room = 3;
    wifi_bench_say(&bench, "\r\nOK\r\n> ");
    wifi_bench_say(&bench, "0,CLOSED\r\n");
    wifi_bench_events(&bench, "CLOSED 0\n");
    bench.room = 256;
    wifi_bench_expect(&bench, "twe \r\n              \r\n");
    wifi_bench_say(&bench, "\r\nERROR\r\n");
    open_link();
}

static void test_close_follows_what_is_being_sent(void **state)
{
    (void)state;
    opened();
    wifi_close(&bench.wifi, 0);
    wifi_bench_answer(&bench, "AT+CIPCLOSE=0\r\n", "0,CLOSED\r\n\r\nOK\r\n");
    wifi_bench_events(&bench, "CLOSED 0\n");
    wifi_close(&bench.wifi, 0);
    wifi_close(&bench.wifi, WIFI_LINKS);
    wifi_close(&bench.wifi, UINT8_MAX);
    wifi_bench_turn(&bench);
    wifi_bench_expect(&bench, "");
    open_link();
    send_text("hello");
    wifi_bench_expect(&bench, "AT+CIPSEND=0,5\r\n");
    wifi_close(&bench.wifi, 0);
    wifi_bench_say(&bench, "\r\nOK\r\n> ");
    wifi_bench_answer(&bench, "hello", "\r\nSEND OK\r\n");
    wifi_bench_answer(&bench, "AT+CIPCLOSE=0\r\n", "\r\nOK\r\n");
    wifi_bench_events(&bench, "SENT 0\nCLOSED 0\n");
    open_link();
    send_text("never begun");
    wifi_close(&bench.wifi, 0);
    wifi_bench_answer(&bench, "AT+CIPCLOSE=0\r\n", "\r\nOK\r\n");
    wifi_bench_events(&bench, "CLOSED 0\n");
}

static void test_close_in_the_middle_of_a_long_send_ends_it(void **state)
{
    (void)state;
    static uint8_t data[3000];
    opened();
    memset(data, 'x', sizeof data);
    assert_true(wifi_send(&bench.wifi, 0, data, sizeof data));
    wifi_bench_expect(&bench, "AT+CIPSEND=0,2048\r\n");
    wifi_close(&bench.wifi, 0);
    wifi_bench_say(&bench, "> ");
    wifi_bench_wait(&bench, 500);
    bench.written_len = 0;
    wifi_bench_say(&bench, "\r\nSEND OK\r\n");
    wifi_bench_answer(&bench, "AT+CIPCLOSE=0\r\n", "\r\nOK\r\n");
    wifi_bench_events(&bench, "CLOSED 0\n");
}

static void test_data_of_a_link_that_is_not_open_is_dropped(void **state)
{
    (void)state;
    joined();
    wifi_bench_say(&bench, "+IPD,0,5:early\r\n+IPD,3,5:alien\r\n");
    wifi_bench_events(&bench, "");
    open_link();
    wifi_bench_say(&bench, "+IPD,3,5:alien\r\n3,CLOSED\r\n3,CONNECT\r\n+IPD,3,5:alien+IPD,4:mine");
    wifi_bench_events(&bench, "DATA 0 mine\n");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_station_lives_whatever_the_pieces),
        cmocka_unit_test(test_start_uses_plain_names_when_the_module_need_not_store),
        cmocka_unit_test(test_start_resets_a_module_that_was_just_switched_on),
        cmocka_unit_test(test_start_knows_its_own_ready),
        cmocka_unit_test(test_start_is_not_reset_twice),
        cmocka_unit_test(test_start_believes_a_module_that_resets_without_an_ok),
        cmocka_unit_test(test_join_escapes_what_the_module_would_read_as_syntax),
        cmocka_unit_test(test_join_says_the_longest_name_and_password),
        cmocka_unit_test(test_join_never_says_a_name_that_would_end_the_command),
        cmocka_unit_test(test_join_tells_why_it_was_refused),
        cmocka_unit_test(test_join_tries_again_with_growing_pauses),
        cmocka_unit_test(test_left_closes_and_joins_again),
        cmocka_unit_test(test_left_is_up_when_the_module_joins_by_itself),
        cmocka_unit_test(test_join_is_not_taken_for_done_because_the_module_knows_another_network),
        cmocka_unit_test(test_left_fails_an_open_under_way),
        cmocka_unit_test(test_open_fails),
        cmocka_unit_test(test_open_fails_when_it_is_not_possible),
        cmocka_unit_test(test_send_cuts_what_is_long),
        cmocka_unit_test(test_send_is_refused),
        cmocka_unit_test(test_send_takes_data_meanwhile),
        cmocka_unit_test(test_send_says_it_again_when_the_module_is_busy),
        cmocka_unit_test(test_busy_command_is_not_said_again_when_its_link_is_gone),
        cmocka_unit_test(test_send_that_fails_closes),
        cmocka_unit_test(test_command_is_written_to_its_end_before_the_next_one),
        cmocka_unit_test(test_closed_within_a_send_is_completed_by_filler),
        cmocka_unit_test(test_close_follows_what_is_being_sent),
        cmocka_unit_test(test_close_in_the_middle_of_a_long_send_ends_it),
        cmocka_unit_test(test_data_of_a_link_that_is_not_open_is_dropped),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
