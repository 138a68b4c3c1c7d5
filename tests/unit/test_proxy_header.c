/* SPDX-License-Identifier: Apache-2.0 */
#include "gateway/proxy_header.h"
#include "splits.h"
#include "unit.h"

#include <stdio.h>
#include <string.h>

#define SIGNATURE "\r\n\r\n\0\r\nQUIT\n"
#define V4_ADDRESSES "\xc0\xa8\x00\x01\xc0\xa8\x00\x0b\xdc\x04\x01\xbb"
#define V6_SOURCE "\x20\x01\x0d\xb8\0\0\0\0\0\0\0\0\0\0\0\x01"
#define V6_DESTINATION "\x20\x01\x0d\xb8\0\0\0\0\0\0\0\0\0\0\0\x02"
#define TEXT(text) text, sizeof text - 1

static void begin(void *context)
{
    memset(context, 0, sizeof(medsec__proxy_header));
}

static void tell(trace *log, const medsec__proxy_header *h, medsec__proxy_event event)
{
    char text[MEDSEC__ADDRESS_TEXT_MAX] = "sender";
    if (event == MEDSEC__PROXY_BAD) {
        trace_add_word(log, "bad");
        return;
    }
    if (event == MEDSEC__PROXY_DEVICE) {
        medsec__address_text(text, &h->source);
    }
    trace_add_word(log, text);
}

/* Bytes behind the header are told one by one: nobody took them. */
static void push(void *context, uint8_t *data, size_t len, trace *log)
{
    medsec__proxy_header *h = context;
    const bool before = h->event == MEDSEC__PROXY_MORE;
    medsec__proxy_event event = MEDSEC__PROXY_BAD;
    const size_t used = medsec__proxy_header_push(h, data, len, &event);
    assert_true(used <= len && (event != MEDSEC__PROXY_MORE || used == len));
    assert_true(before || used == 0);
    assert_int_equal(event, h->event);
    if (before && event != MEDSEC__PROXY_MORE) {
        tell(log, h, event);
    }
    for (size_t i = used; event != MEDSEC__PROXY_BAD && i < len; i++) {
        trace_add(log, (const char *)&data[i], 1);
    }
}

static int end(void *context, trace *log)
{
    const medsec__proxy_header *h = context;
    (void)log;
    return h->event;
}

static void expect(const void *data, size_t len, const char *lines)
{
    medsec__proxy_header h;
    const machine m = {.context = &h, .begin = begin, .push = push, .end = end};
    expect_every_way(&m, data, len, lines);
}

static void expect_line(const char *line, const char *lines)
{
    expect(line, strlen(line), lines);
}

static void test_line_example_of_the_specification(void **state)
{
    (void)state;
    expect_line("PROXY TCP4 192.168.0.1 192.168.0.11 56324 443\r\nGE", "192.168.0.1:56324\nG\nE\n");
}

static void test_line_of_ipv6(void **state)
{
    (void)state;
    expect_line("PROXY TCP6 2001:db8::1 ::1 65535 0\r\n", "[2001:db8::1]:65535\n");
    expect_line("PROXY TCP6 2001:0DB8:0000:0000:0000:0000:0000:0001 "
                "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff 1 65535\r\n",
                "[2001:db8::1]:1\n");
    expect_line("PROXY TCP6 ::ffff:192.0.2.1 ::ffff:192.0.2.2 1 2\r\n", "192.0.2.1:1\n");
}

static void test_line_of_an_unknown_protocol(void **state)
{
    (void)state;
    expect_line("PROXY UNKNOWN\r\n", "sender\n");
    expect_line("PROXY UNKNOWN\r\nx", "sender\nx\n");
    expect_line("PROXY UNKNOWN \r\n", "sender\n");
    expect_line("PROXY UNKNOWN whatever\rthere\nis\r\n", "sender\n");
    expect(TEXT("PROXY UNKNOWN \0\r\n"), "sender\n");
    expect_line("PROXY UNKNOWN ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff "
                "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff 65535 65535\r\n",
                "sender\n"); /* the longest: 107 */
}

static void test_line_bad(void **state)
{
    (void)state;
    static const char *const lines[] = {
        "GET / HTTP/1.1\r\n",
        "proxy TCP4 1.2.3.4 1.2.3.5 1 2\r\n",
        "PROXYTCP4 1.2.3.4 1.2.3.5 1 2\r\n",
        "PROXY  TCP4 1.2.3.4 1.2.3.5 1 2\r\n",
        "PROXY TCP4  1.2.3.4 1.2.3.5 1 2\r\n",
        "PROXY TCP4 1.2.3.4 1.2.3.5 1  2\r\n",
        "PROXY TCP4 1.2.3.4 1.2.3.5 1 2 \r\n",
        "PROXY TCP4 1.2.3.4 1.2.3.5 1 2 3\r\n",
        "PROXY TCP4 1.2.3.4 1.2.3.5 1\r\n",
        "PROXY TCP4 1.2.3.4 1.2.3.5 1 \r\n",
        "PROXY TCP4 1.2.3.4 1.2.3.5 \r\n",
        "PROXY TCP4 1.2.3.4\r\n",
        "PROXY TCP4 \r\n",
        "PROXY TCP4\r\n",
        "PROXY \r\n",
        "PROXY TCP4\t1.2.3.4 1.2.3.5 1 2\r\n",
        "PROXY TCP5 1.2.3.4 1.2.3.5 1 2\r\n",
        "PROXY UDP4 1.2.3.4 1.2.3.5 1 2\r\n",
        "PROXY UNKNOWNX\r\n",
        "PROXY UNKNOW\r\n",
        "PROXY TCP4 1.2.3 1.2.3.5 1 2\r\n",
        "PROXY TCP4 1.2.3.4 1.2.3 1 2\r\n",
        "PROXY TCP4 1.2.3.256 1.2.3.5 1 2\r\n",
        "PROXY TCP4 01.2.3.4 1.2.3.5 1 2\r\n",
        "PROXY TCP4 ::1 ::1 1 2\r\n",
        "PROXY TCP6 1.2.3.4 1.2.3.5 1 2\r\n",
        "PROXY TCP6 1::2::3 ::1 1 2\r\n",
        "PROXY TCP6 12345::1 ::1 1 2\r\n",
        "PROXY TCP6 [::1] ::1 1 2\r\n",
        "PROXY TCP4 1.2.3.4 1.2.3.5 65536 2\r\n",
        "PROXY TCP4 1.2.3.4 1.2.3.5 1 65536\r\n",
        "PROXY TCP4 1.2.3.4 1.2.3.5 100000 2\r\n",
        "PROXY TCP4 1.2.3.4 1.2.3.5 01 2\r\n",
        "PROXY TCP4 1.2.3.4 1.2.3.5 1 00\r\n",
        "PROXY TCP4 1.2.3.4 1.2.3.5 -1 2\r\n",
        "PROXY TCP4 1.2.3.4 1.2.3.5 +1 2\r\n",
        "PROXY TCP4 1.2.3.4 1.2.3.5 1x 2\r\n",
        "PROXY TCP4 1.2.3.4 1.2.3.5 1 2\n\r\n",
        "PROXY TCP4 1.2.3.4 1.2.3.5 1 2\r\r\n",
    };
    for (size_t i = 0; i < sizeof lines / sizeof *lines; i++) {
        expect_line(lines[i], "bad\n");
    }
    expect(TEXT("PROXY TCP4 1.2.3.4 1.2.3.5 1 2\0x\r\n"), "bad\n");
    expect(TEXT("PROXY TCP4 1.2.3.4\0 1.2.3.5 1 2\r\n"), "bad\n");
    expect_line("PROXY TCP4 1.2.3.4 1.2.3.5 1 2\n", ""); /* a line feed alone ends nothing */
    expect_line("PROXY TCP4 1.2.3.4 1.2.3.5 1 2\r", "");
}

/* 107 bytes with CR and LF are a line; 107 without them never will be one. */
static void test_line_ends_in_time(void **state)
{
    (void)state;
    char line[160];
    for (size_t len = MEDSEC__PROXY_LINE_MAX - 1; len <= MEDSEC__PROXY_LINE_MAX + 1; len++) {
        memset(line, 'x', sizeof line);
        memcpy(line, "PROXY UNKNOWN ", 14);
        memcpy(line + len - 2, "\r\n", 2);
        expect(line, len, len <= MEDSEC__PROXY_LINE_MAX ? "sender\n" : "bad\n");
    }
}

static void test_binary_of_ipv4(void **state)
{
    (void)state;
    expect(TEXT(SIGNATURE "\x21\x11\x00\x0c" V4_ADDRESSES), "192.168.0.1:56324\n");
    expect(TEXT(SIGNATURE "\x21\x11\x00\x0c" V4_ADDRESSES "ab"), "192.168.0.1:56324\na\nb\n");
}

static void test_binary_of_ipv6(void **state)
{
    (void)state;
    expect(TEXT(SIGNATURE "\x21\x21\x00\x24" V6_SOURCE V6_DESTINATION "\x12\x34\x56\x78"),
           "[2001:db8::1]:4660\n");
}

static void test_binary_skips_what_follows_the_addresses(void **state)
{
    (void)state;
    expect(TEXT(SIGNATURE "\x21\x11\x00\x13" V4_ADDRESSES "\x03\x00\x04\x01\x02\x03\x04x"),
           "192.168.0.1:56324\nx\n");
    expect(TEXT(SIGNATURE "\x21\x11\x00\x0d" V4_ADDRESSES "\xffx"), "192.168.0.1:56324\nx\n");
}

static void test_binary_of_the_balancer_itself(void **state)
{
    (void)state;
    expect(TEXT(SIGNATURE "\x20\x00\x00\x00x"), "sender\nx\n");
    expect(TEXT(SIGNATURE "\x20\x11\x00\x0c" V4_ADDRESSES "x"), "sender\nx\n");
    expect(TEXT(SIGNATURE "\x20\xff\x00\x03\x01\x02\x03x"), "sender\nx\n"); /* "is ignored" */
    expect(TEXT(SIGNATURE "\x20\x11\x00\x01\x01x"), "sender\nx\n");
}

/* Unspecified, UDP, UNIX: valid, and of no use here. */
static void test_binary_without_an_address_of_tcp(void **state)
{
    (void)state;
    static const uint8_t kinds[] = {0x00, 0x01, 0x02, 0x10, 0x12, 0x20, 0x22, 0x30, 0x31, 0x32};
    char header[] = SIGNATURE "\x21?\x00\x0c" V4_ADDRESSES "x";
    for (size_t i = 0; i < sizeof kinds; i++) {
        header[13] = (char)kinds[i];
        expect(header, sizeof header - 1, "sender\nx\n");
    }
}

static void test_binary_bad_signature(void **state)
{
    (void)state;
    for (size_t i = 0; i < 12; i++) {
        char header[] = SIGNATURE "\x21\x11\x00\x0c" V4_ADDRESSES;
        header[i] ^= 1;
        expect(header, sizeof header - 1, "bad\n");
    }
}

static void test_binary_bad_version_command_family_or_transport(void **state)
{
    (void)state;
    for (unsigned i = 0; i < 256; i++) {
        char header[] = SIGNATURE "\x21\x11\x00\x0c" V4_ADDRESSES;
        header[12] = (char)i;
        expect(header, sizeof header - 1,
               i == 0x20   ? "sender\n"
               : i == 0x21 ? "192.168.0.1:56324\n"
                           : "bad\n");
        char kind[] = SIGNATURE "\x21\x11\x00\x0c" V4_ADDRESSES;
        kind[13] = (char)i;
        const bool assigned = i >> 4 <= 3 && (i & 15) <= 2 && i != 0x21; /* too short for IPv6 */
        expect(kind, sizeof kind - 1,
               i == 0x11  ? "192.168.0.1:56324\n"
               : assigned ? "sender\n"
                          : "bad\n");
    }
}

static void test_binary_too_short_for_its_addresses(void **state)
{
    (void)state;
    expect(TEXT(SIGNATURE "\x21\x11\x00\x0b" V4_ADDRESSES), "bad\n");
    expect(TEXT(SIGNATURE "\x21\x11\x00\x00" V4_ADDRESSES), "bad\n");
    expect(TEXT(SIGNATURE "\x21\x21\x00\x23" V6_SOURCE V6_DESTINATION "\x12\x34\x56"), "bad\n");
}

static void test_binary_of_every_length(void **state)
{
    (void)state;
    static uint8_t header[16 + MEDSEC__PROXY_BLOCK_MAX + 2];
    medsec__proxy_header h;
    for (size_t block = 12; block <= MEDSEC__PROXY_BLOCK_MAX + 1; block++) {
        medsec__proxy_event event = MEDSEC__PROXY_MORE;
        memcpy(header, SIGNATURE "\x21\x11\x00\x0c" V4_ADDRESSES, 28);
        header[14] = (uint8_t)(block >> 8);
        header[15] = (uint8_t)block;
        begin(&h);
        const size_t used = medsec__proxy_header_push(&h, header, sizeof header, &event);
        if (block <= MEDSEC__PROXY_BLOCK_MAX) {
            assert_int_equal(used, 16 + block);
            assert_int_equal(event, MEDSEC__PROXY_DEVICE);
        } else {
            assert_int_equal(used, 16);
            assert_int_equal(event, MEDSEC__PROXY_BAD);
        }
    }
}

/* The byte that makes it wrong is the last one that is taken. */
static void test_push_says_bad_at_once(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        size_t len, at;
    } cases[] = {
        {TEXT("\x01PROXY"), 1},
        {TEXT("PROXX TCP4"), 5},
        {TEXT("PROXY_TCP4"), 6},
        {TEXT("\r\n\r\r"), 4},
        {TEXT(SIGNATURE "\x31\x11"), 13},
        {TEXT(SIGNATURE "\x22\x11"), 13},
        {TEXT(SIGNATURE "\x21\x41\x00"), 14},
        {TEXT(SIGNATURE "\x21\x13\x00"), 14},
        {TEXT(SIGNATURE "\x21\x11\xff\xff\x00"), 16},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        medsec__proxy_header h;
        medsec__proxy_event event = MEDSEC__PROXY_MORE;
        begin(&h);
        assert_int_equal(
            medsec__proxy_header_push(&h, (const uint8_t *)cases[i].text, cases[i].len, &event),
            cases[i].at);
        assert_int_equal(event, MEDSEC__PROXY_BAD);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_line_example_of_the_specification),
        cmocka_unit_test(test_line_of_ipv6),
        cmocka_unit_test(test_line_of_an_unknown_protocol),
        cmocka_unit_test(test_line_bad),
        cmocka_unit_test(test_line_ends_in_time),
        cmocka_unit_test(test_binary_of_ipv4),
        cmocka_unit_test(test_binary_of_ipv6),
        cmocka_unit_test(test_binary_skips_what_follows_the_addresses),
        cmocka_unit_test(test_binary_of_the_balancer_itself),
        cmocka_unit_test(test_binary_without_an_address_of_tcp),
        cmocka_unit_test(test_binary_bad_signature),
        cmocka_unit_test(test_binary_bad_version_command_family_or_transport),
        cmocka_unit_test(test_binary_too_short_for_its_addresses),
        cmocka_unit_test(test_binary_of_every_length),
        cmocka_unit_test(test_push_says_bad_at_once),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
