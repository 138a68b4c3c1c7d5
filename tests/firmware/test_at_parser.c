/* SPDX-License-Identifier: Apache-2.0 */
#include "at_parser.h"

#include "splits.h"
#include "unit.h"

#include <stdio.h>
#include <string.h>

static const char *const names[] = {"NONE",   "OK",   "ERROR",     "BUSY",    "READY",
                                    "PROMPT", "SENT", "NOT_SENT",  "CONNECT", "CLOSED",
                                    "JOINED", "LEFT", "JOIN_CODE", "DATA",    "BROKEN"};

typedef struct taker {
    at_parser parser;
    int data_link; /* the last event was DATA of this link, its line is open; -1: it was not */
} taker;

static void begin(void *context)
{
    taker *t = context;
    at_parser_init(&t->parser);
    t->data_link = -1;
}

/* Pieces of one +IPD are joined, so that the pieces of the input do not show. */
static void note(taker *t, const at_event *event, trace *log)
{
    char line[32];
    if (event->type == AT_DATA) {
        log->len -= t->data_link == event->link ? 1 : 0;
        if (t->data_link != event->link) {
            log->len += (size_t)snprintf(log->text + log->len, 16, "DATA %d ", event->link);
        }
        trace_add(log, (const char *)event->data, event->len);
        t->data_link = event->link;
        return;
    }
    t->data_link = -1;
    if (event->type == AT_CONNECT || event->type == AT_CLOSED) {
        snprintf(line, sizeof line, "%s %d", names[event->type], event->link);
    } else if (event->type == AT_JOIN_CODE) {
        snprintf(line, sizeof line, "%s %d", names[event->type], event->code);
    } else {
        snprintf(line, sizeof line, "%s", names[event->type]);
    }
    trace_add_word(log, line);
}

static void push(void *context, uint8_t *data, size_t len, trace *log)
{
    taker *t = context;
    at_event event;
    do {
        size_t used = at_parser_push(&t->parser, data, len, &event);
        assert_true(used <= len);
        if (event.type != AT_NONE) {
            note(t, &event, log);
        }
        data += used;
        len -= used;
    } while (event.type != AT_NONE);
    assert_int_equal(len, 0);
}

static int end(void *context, trace *log)
{
    (void)log;
    return at_parser_in_data(&((const taker *)context)->parser);
}

static taker it;
static const machine m = {.context = &it, .begin = begin, .push = push, .end = end};

static void check(const char *input, const char *events)
{
    expect_every_way(&m, input, strlen(input), events);
}

static void test_push_knows_every_word(void **state)
{
    (void)state;
    check("\r\nOK\r\n", "OK\n");
    check("\r\nERROR\r\nFAIL\r\n", "ERROR\nERROR\n");
    check("busy p...\r\nbusy s...\r\nbusy inet...\r\n", "BUSY\nBUSY\nBUSY\n");
    check("\r\nready\r\n", "READY\n");
    check("SEND OK\r\nSEND FAIL\r\n", "SENT\nNOT_SENT\n");
    check("CONNECT\r\n3,CONNECT\r\n", "CONNECT 0\nCONNECT 3\n");
    check("CLOSED\r\n4,CLOSED\r\n2,CONNECT FAIL\r\n", "CLOSED 0\nCLOSED 4\nCLOSED 2\n");
    check("WIFI CONNECTED\r\nWIFI GOT IP\r\nWIFI DISCONNECT\r\n", "JOINED\nLEFT\n");
    check("+CWJAP:3\r\n\r\nFAIL\r\n", "JOIN_CODE 3\nERROR\n");
    check("ALREADY CONNECTED\r\nALREADY CONNECT\r\n", "BROKEN\nBROKEN\n");
    check("5,CONNECT\r\n9,CLOSED\r\n", "BROKEN\nBROKEN\n");
}

static void test_push_gives_the_prompt_at_once(void **state)
{
    (void)state;
    check("\r\nOK\r\n> ", "OK\nPROMPT\n");
    check("\r\nOK\r\n\r\n>", "OK\nPROMPT\n");
    check("> \r\nRecv 5 bytes\r\n\r\nSEND OK\r\n", "PROMPT\nSENT\n");
    check("a > b\r\n", "");
}

static void test_push_passes_over_echo_and_what_means_nothing(void **state)
{
    (void)state;
    check("ATE0\r\r\n\r\nOK\r\n", "OK\n");
    check("AT+CWJAP_CUR=\"OK\",\"ERROR:+IPD,0,5:\"\r\r\n", "");
    check("OKAY\r\n OK\r\nNOT OK\r\nok\r\nOK \r\nO\r\nK\r\nbusy\r\nSEND OKAY\r\n", "OK\n");
    check("+CWJAP:\"home\",\"5c:cf:7f:00:00:01\",6,-50\r\n+CWJAP:x\r\n+CWJAP:\r\n+CWJAP:11\r\n",
          "");
    check("busy with what is longer than a line that is kept\r\n", "");
    check("a line longer than all that mean something OK\r\nOK\r\n", "OK\n");
    check("0,\r\n,CONNECT\r\nx,CLOSED\r\n10,CLOSED\r\n0.CLOSED\r\n", "");
    check("+STA_CONNECTED:\"5c:cf:7f:00:00:01\"\r\n+IPDX,3:abc\r\n+IPD\r\n+IPD,5\r\n", "");
}

/* 24 characters and no more. */
static void test_push_keeps_lines_apart_however_long_they_are(void **state)
{
    (void)state;
    char line[64];
    for (size_t len = 20; len < 30; len++) {
        memset(line, 'x', len);
        memcpy(line + len, "OK\r\nOK\r\n", 9);
        check(line, "OK\n");
        memset(line, ' ', len);
        check(line, "OK\nOK\n");
        memcpy(line, "+IPD,", 5);
        memset(line + 5, '0', len - 5);
        memcpy(line + len, "1:x\r\n", 6);
        check(line, len + 1 <= AT_LINE_MAX ? "DATA 0 x\n" : "");
    }
}

static void test_push_finds_ready_in_the_garbage_of_a_start(void **state)
{
    (void)state;
    static const char garbage[] = "\x00\xfe\x8c> \xff#rl\x9c\x0c\x00|\xe0\x07 ready\r\n"
                                  "\x80ready\xff\r\nWIFI CONNECTED\r\n";
    expect_every_way(&m, garbage, sizeof garbage - 1, "PROMPT\nREADY\nREADY\n");
}

static void test_push_gives_data_as_it_came(void **state)
{
    (void)state;
    check("\r\n+IPD,5:hello", "DATA 0 hello\n");
    check("+IPD,3,5:hello\r\nOK\r\n", "DATA 3 hello\nOK\n");
    check("+IPD,4,12:0,CLOSED\r\n>+4,CLOSED\r\n", "DATA 4 0,CLOSED\r\n>+\nCLOSED 4\n");
    check("+IPD,1,2:ab+IPD,2,1:cSEND OK\r\n", "DATA 1 ab\nDATA 2 c\nSENT\n");
    check("+IPD,0,9:+IPD,0,9:", "DATA 0 +IPD,0,9:\n");
    check("OK\r\n> +IPD,0,1:x>", "OK\nPROMPT\nDATA 0 x\nPROMPT\n");
    expect_every_way(&m, "+IPD,0,4:\x00\xff\r\n", 13, "DATA 0 ");
}

static void test_push_refuses_a_head_without_a_sound_length(void **state)
{
    (void)state;
    check("+IPD,0:\r\n", "BROKEN\n");
    check("+IPD,0,0:\r\n", "BROKEN\n");
    check("+IPD,:\r\n+IPD,,:\r\n+IPD,1,:\r\n+IPD,,1:\r\n", "BROKEN\nBROKEN\nBROKEN\nBROKEN\n");
    check("+IPD,5,1:\r\n", "BROKEN\n");
    check("+IPD,8193:\r\n+IPD,0,65537:\r\n", "BROKEN\nBROKEN\n");
    check("+IPD,4294967297,1:\r\n+IPD,1,4294967297:\r\n", "BROKEN\nBROKEN\n");
    check("+IPD,1,2,3:\r\n+IPD,-1:\r\n+IPD,0x5:\r\n+IPD,0,5 :\r\n",
          "BROKEN\nBROKEN\nBROKEN\nBROKEN\n");
}

static void test_push_takes_data_up_to_the_limit(void **state)
{
    (void)state;
    static uint8_t input[AT_DATA_MAX + 32];
    at_parser parser;
    at_event event;
    size_t head = (size_t)snprintf((char *)input, 16, "+IPD,2,%u:", AT_DATA_MAX);
    memset(input + head, 'x', AT_DATA_MAX);
    memcpy(input + head + AT_DATA_MAX, "OK\r\n", 4);
    at_parser_init(&parser);
    assert_int_equal(at_parser_push(&parser, input, head + AT_DATA_MAX + 4, &event),
                     head + AT_DATA_MAX);
    assert_int_equal(event.type, AT_DATA);
    assert_int_equal(event.link, 2);
    assert_int_equal(event.len, AT_DATA_MAX);
    assert_ptr_equal(event.data, input + head);
    at_parser_push(&parser, input + head + AT_DATA_MAX, 4, &event);
    assert_int_equal(event.type, AT_OK);
}

static void test_in_data_is_true_while_bytes_are_missing(void **state)
{
    (void)state;
    at_parser parser;
    at_event event;
    at_parser_init(&parser);
    assert_false(at_parser_in_data(&parser));
    at_parser_push(&parser, (const uint8_t *)"+IPD,2:", 7, &event);
    assert_true(at_parser_in_data(&parser));
    at_parser_push(&parser, (const uint8_t *)"a", 1, &event);
    assert_true(at_parser_in_data(&parser));
    at_parser_push(&parser, (const uint8_t *)"b", 1, &event);
    assert_false(at_parser_in_data(&parser));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_push_knows_every_word),
        cmocka_unit_test(test_push_gives_the_prompt_at_once),
        cmocka_unit_test(test_push_passes_over_echo_and_what_means_nothing),
        cmocka_unit_test(test_push_keeps_lines_apart_however_long_they_are),
        cmocka_unit_test(test_push_finds_ready_in_the_garbage_of_a_start),
        cmocka_unit_test(test_push_gives_data_as_it_came),
        cmocka_unit_test(test_push_refuses_a_head_without_a_sound_length),
        cmocka_unit_test(test_push_takes_data_up_to_the_limit),
        cmocka_unit_test(test_in_data_is_true_while_bytes_are_missing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
