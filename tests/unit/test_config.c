/* SPDX-License-Identifier: Apache-2.0 */
#include "unit.h"

#include <medsec/config.h>

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

typedef struct seen {
    char text[4096]; /* "line:key=value;" of every setting */
    medsec_status answer;
} seen;

static medsec_status note(void *context, const char *key, const char *value, unsigned line)
{
    seen *s = context;
    const size_t len = strlen(s->text);

    snprintf(s->text + len, sizeof(s->text) - len, "%u:%s=%s;", line, key, value);
    return s->answer;
}

/* The text lies in a block of exactly its length, so that a sanitizer sees any read past it. */
static medsec_status parse_bytes(seen *s, const char *text, size_t len, unsigned *line)
{
    char *exact = malloc(len > 0 ? len : 1);

    assert_non_null(exact);
    memcpy(exact, text, len);
    memset(s, 0, sizeof(*s));
    const medsec_status status = medsec_config_parse(exact, len, note, s, line);
    free(exact);
    return status;
}

static void assert_parse(const char *text, medsec_status status, unsigned line,
                         const char *settings)
{
    seen s;
    unsigned at = 99;

    assert_int_equal(parse_bytes(&s, text, strlen(text), &at), status);
    assert_int_equal(at, line);
    assert_string_equal(s.text, settings);
}

static void test_parse_settings(void **state)
{
    (void)state;
    assert_parse("", MEDSEC_OK, 0, "");
    assert_parse("a = 1", MEDSEC_OK, 1, "1:a=1;");
    assert_parse("a=1\nb-2 =  two words \r\n", MEDSEC_OK, 2, "1:a=1;2:b-2=two words;");
    assert_parse("# no\n\n \t\n  # a = 1\nx=", MEDSEC_OK, 5, "5:x=;");
    assert_parse("a = b = c # d", MEDSEC_OK, 1, "1:a=b = c # d;");
    assert_parse("a = \xc3\xa9", MEDSEC_OK, 1, "1:a=\xc3\xa9;");
}

static void test_parse_quotes(void **state)
{
    (void)state;
    assert_parse("a = \" b \\\" \\\\ \"  ", MEDSEC_OK, 1, "1:a= b \" \\ ;");
    assert_parse("a = \"\"", MEDSEC_OK, 1, "1:a=;");
    assert_parse("a = b\"c", MEDSEC_OK, 1, "1:a=b\"c;");
    assert_parse("ok = 1\na = \"b", MEDSEC_ERR_SYNTAX, 2, "1:ok=1;");
    assert_parse("a = \"b\" c", MEDSEC_ERR_SYNTAX, 1, "");
    assert_parse("a = \"b\\n\"", MEDSEC_ERR_SYNTAX, 1, "");
    assert_parse("a = \"b\\", MEDSEC_ERR_SYNTAX, 1, "");
    assert_parse("a = \"b\nc\"", MEDSEC_ERR_SYNTAX, 1, "");
}

static void test_parse_malformed(void **state)
{
    (void)state;
    assert_parse("a", MEDSEC_ERR_SYNTAX, 1, "");
    assert_parse("= 1", MEDSEC_ERR_SYNTAX, 1, "");
    assert_parse("a b = 1", MEDSEC_ERR_SYNTAX, 1, "");
    assert_parse("A = 1", MEDSEC_ERR_SYNTAX, 1, "");
    assert_parse("[section]", MEDSEC_ERR_SYNTAX, 1, "");
    assert_parse("a = x\x01y", MEDSEC_ERR_SYNTAX, 1, "");
}

static void test_parse_nul_is_malformed(void **state)
{
    seen s;
    unsigned line;
    (void)state;

    assert_int_equal(parse_bytes(&s, "a = x\0y", 7, &line), MEDSEC_ERR_SYNTAX);
    assert_int_equal(parse_bytes(&s, "a\0 = x", 6, &line), MEDSEC_ERR_SYNTAX);
}

static void test_parse_every_truncation(void **state)
{
    static const char text[] = "# c\nlisten = 127.0.0.1:1\nname = \"a \\\" b\"\n\nlast = 1\n";
    seen s;
    unsigned line;
    (void)state;

    for (size_t len = 0; len < sizeof(text); len++) {
        const medsec_status status = parse_bytes(&s, text, len, &line);
        assert_true(status == MEDSEC_OK || status == MEDSEC_ERR_SYNTAX);
        assert_true(line <= 5);
    }
}

/* A text of `head`, then `count` times 'x'. */
static medsec_status parse_long(const char *head, size_t count, const char *tail)
{
    static char text[MEDSEC_CONFIG_FILE_MAX + 64];
    static seen s;
    unsigned line;
    const size_t head_len = strlen(head);

    memcpy(text, head, head_len);
    memset(text + head_len, 'x', count);
    memcpy(text + head_len + count, tail, strlen(tail));
    return parse_bytes(&s, text, head_len + count + strlen(tail), &line);
}

static void test_parse_limits(void **state)
{
    (void)state;
    assert_int_equal(parse_long("", MEDSEC_CONFIG_KEY_MAX, "=1"), MEDSEC_OK);
    assert_int_equal(parse_long("", MEDSEC_CONFIG_KEY_MAX + 1, "=1"), MEDSEC_ERR_LIMIT);
    assert_int_equal(parse_long("a=", MEDSEC_CONFIG_VALUE_MAX, ""), MEDSEC_OK);
    assert_int_equal(parse_long("a=", MEDSEC_CONFIG_VALUE_MAX + 1, ""), MEDSEC_ERR_LIMIT);
    assert_int_equal(parse_long("a=\"", MEDSEC_CONFIG_VALUE_MAX, "\""), MEDSEC_OK);
    assert_int_equal(parse_long("a=\"", MEDSEC_CONFIG_VALUE_MAX + 1, "\""), MEDSEC_ERR_LIMIT);
    assert_int_equal(parse_long("#", MEDSEC_CONFIG_FILE_MAX - 1, ""), MEDSEC_OK);
    assert_int_equal(parse_long("#", MEDSEC_CONFIG_FILE_MAX, ""), MEDSEC_ERR_LIMIT);
}

static void test_parse_stops_where_the_caller_says(void **state)
{
    seen s = {.answer = MEDSEC_ERR_EXISTS};
    unsigned line = 0;
    (void)state;

    assert_int_equal(medsec_config_parse("\na=1\nb=2\n", 9, note, &s, &line), MEDSEC_ERR_EXISTS);
    assert_int_equal(line, 2);
    assert_string_equal(s.text, "2:a=1;");
}

static void test_load_file(void **state)
{
    seen s = {.answer = MEDSEC_OK};
    unsigned line = 0;
    char path[] = "/tmp/test_config.XXXXXX";
    const int fd = mkstemp(path);
    (void)state;

    assert_true(fd >= 0);
    assert_int_equal(write(fd, "a = 1\nb\n", 8), 8);
    assert_int_equal(medsec_config_load(path, note, &s, &line), MEDSEC_ERR_SYNTAX);
    assert_int_equal(line, 2);
    assert_string_equal(s.text, "1:a=1;");
    assert_int_equal(ftruncate(fd, MEDSEC_CONFIG_FILE_MAX + 1), 0);
    assert_int_equal(medsec_config_load(path, note, &s, &line), MEDSEC_ERR_LIMIT);
    close(fd);
    unlink(path);
    assert_int_equal(medsec_config_load(path, note, &s, &line), MEDSEC_ERR_IO);
    assert_int_equal(errno, ENOENT);
    assert_int_equal(medsec_config_load("/tmp", note, &s, &line), MEDSEC_ERR_IO);
    assert_int_equal(errno, EISDIR);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_parse_settings),
        cmocka_unit_test(test_parse_quotes),
        cmocka_unit_test(test_parse_malformed),
        cmocka_unit_test(test_parse_nul_is_malformed),
        cmocka_unit_test(test_parse_every_truncation),
        cmocka_unit_test(test_parse_limits),
        cmocka_unit_test(test_parse_stops_where_the_caller_says),
        cmocka_unit_test(test_load_file),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
