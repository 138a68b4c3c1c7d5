/* SPDX-License-Identifier: Apache-2.0 */
#include "unit.h"

#include <medsec/log.h>

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include <cJSON.h>
#include <pthread.h>

static uint64_t later_ms;

/* In front of the C library's, and goes on as the test says: a budget is one of a second. */
#pragma GCC visibility push(default)
int clock_gettime(clockid_t clock, struct timespec *now)
{
    const uint64_t ms = 1800000000000u + later_ms;
    (void)clock;
    *now = (struct timespec){.tv_sec = (time_t)(ms / 1000), .tv_nsec = (long)(ms % 1000) * 1000000};
    return 0;
}
#pragma GCC visibility pop

typedef struct capture {
    FILE *stream;
    char *text;
    size_t len;
    medsec_log *log;
} capture;

static void begin(capture *c, medsec_log_level level, medsec_log_format format)
{
    c->stream = open_memstream(&c->text, &c->len);
    assert_non_null(c->stream);
    c->log = medsec_log_create(c->stream, level, format);
    assert_non_null(c->log);
}

static void end(capture *c)
{
    medsec_log_destroy(c->log);
    fclose(c->stream);
    free(c->text);
}

static size_t count_lines(const char *text)
{
    size_t count = 0;

    for (; *text != '\0'; text++) {
        count += *text == '\n';
    }
    return count;
}

static void test_write_text_is_time_level_event_fields(void **state)
{
    capture c;
    (void)state;

    begin(&c, MEDSEC_LOG_INFO, MEDSEC_LOG_TEXT);
    medsec_log_write(c.log, MEDSEC_LOG_WARN, "rejected", MEDSEC_LOG_STR("device", "dev-1"),
                     MEDSEC_LOG_INT("bytes", -5));
    assert_int_equal(c.text[10], 'T');
    assert_string_equal(c.text + 23, "Z warn rejected device=dev-1 bytes=-5\n");
    end(&c);
}

static void test_write_below_level_is_silent(void **state)
{
    capture c;
    (void)state;

    begin(&c, MEDSEC_LOG_WARN, MEDSEC_LOG_TEXT);
    medsec_log_write(c.log, MEDSEC_LOG_INFO, "hello", MEDSEC_LOG_INT("n", 1));
    fflush(c.stream);
    assert_int_equal(c.len, 0);
    medsec_log_write(NULL, MEDSEC_LOG_ERROR, "hello", MEDSEC_LOG_INT("n", 1));
    end(&c);
}

/* Every byte, in the middle of a text: one line, and no field but the one that was given. */
static void test_write_text_no_byte_forges_a_line(void **state)
{
    capture c;
    (void)state;

    for (int byte = 1; byte < 256; byte++) {
        const char text[] = {'a', (char)byte, 'b', '=', 'c', '\0'};
        begin(&c, MEDSEC_LOG_INFO, MEDSEC_LOG_TEXT);
        medsec_log_write(c.log, MEDSEC_LOG_INFO, "e", MEDSEC_LOG_STR("k", text));
        const char *value = strstr(c.text, " k=\"");
        assert_non_null(value);
        assert_int_equal(count_lines(c.text), 1);
        assert_string_equal(c.text + c.len - 2, "\"\n");
        for (size_t i = 0; i < c.len - 1; i++) {
            assert_in_range((unsigned char)c.text[i], 0x20, 0x7e);
        }
        end(&c);
    }
}

static void test_write_json_gives_back_every_byte(void **state)
{
    capture c;
    (void)state;

    for (int byte = 1; byte < 256; byte++) {
        const char text[] = {'a', (char)byte, '"', '}', '\\', '\0'};
        begin(&c, MEDSEC_LOG_INFO, MEDSEC_LOG_JSON);
        medsec_log_write(c.log, MEDSEC_LOG_INFO, "e", MEDSEC_LOG_STR("k", text),
                         MEDSEC_LOG_INT("n", INT64_MIN));
        assert_int_equal(count_lines(c.text), 1);
        cJSON *json = cJSON_Parse(c.text);
        assert_non_null(json);
        const char *value = cJSON_GetStringValue(cJSON_GetObjectItem(json, "k"));
        assert_non_null(value);
        if (byte < 0x80) {
            assert_string_equal(value, text);
        }
        assert_int_equal(cJSON_GetArraySize(json), 5);
        cJSON_Delete(json);
        end(&c);
    }
}

static void test_write_cuts_long_values_and_lines(void **state)
{
    static char text[5000];
    medsec_log_field fields[40];
    capture c;
    (void)state;

    memset(text, '\n', sizeof(text) - 1);
    for (size_t i = 0; i < 40; i++) {
        fields[i] = MEDSEC_LOG_STR("k", text);
    }
    begin(&c, MEDSEC_LOG_INFO, MEDSEC_LOG_JSON);
    medsec_log_fields(c.log, MEDSEC_LOG_INFO, "e", fields, 1);
    assert_non_null(strstr(c.text, "\\u000a...\"}\n"));
    medsec_log_fields(c.log, MEDSEC_LOG_INFO, "e", fields, 40);
    char *second = strchr(c.text, '\n') + 1;
    cJSON *json = cJSON_Parse(second);
    assert_non_null(json);
    assert_int_equal(cJSON_GetNumberValue(cJSON_GetObjectItem(json, "cut")), 38);
    cJSON_Delete(json);
    end(&c);
}

static void test_write_over_budget_is_counted(void **state)
{
    capture c;
    (void)state;

    begin(&c, MEDSEC_LOG_INFO, MEDSEC_LOG_TEXT);
    for (unsigned i = 0; i < MEDSEC_LOG_LINES_PER_SECOND + 7; i++) {
        medsec_log_write(c.log, MEDSEC_LOG_INFO, "flood", MEDSEC_LOG_INT("i", i));
    }
    assert_int_equal(count_lines(c.text), MEDSEC_LOG_LINES_PER_SECOND);
    medsec_log_write(c.log, MEDSEC_LOG_INFO, "other", MEDSEC_LOG_INT("i", 1));
    assert_int_equal(count_lines(c.text), MEDSEC_LOG_LINES_PER_SECOND + 1);
    assert_null(strstr(c.text, "suppressed"));
    later_ms += 999;
    medsec_log_write(c.log, MEDSEC_LOG_INFO, "flood", MEDSEC_LOG_INT("i", 1));
    assert_null(strstr(c.text, "suppressed"));
    later_ms += 1;
    medsec_log_write(c.log, MEDSEC_LOG_INFO, "flood", MEDSEC_LOG_INT("i", 2));
    assert_non_null(strstr(c.text, " info flood suppressed=8 i=2\n"));
    medsec_log_write(c.log, MEDSEC_LOG_INFO, "flood", MEDSEC_LOG_INT("i", 3));
    assert_non_null(strstr(c.text, " info flood i=3\n"));
    end(&c);
}

static void *write_many(void *log)
{
    for (int i = 0; i < 10; i++) {
        medsec_log_write(log, MEDSEC_LOG_INFO, "thread", MEDSEC_LOG_INT("i", i));
    }
    return NULL;
}

static void test_write_from_threads_keeps_lines_whole(void **state)
{
    pthread_t thread;
    capture c;
    (void)state;

    begin(&c, MEDSEC_LOG_INFO, MEDSEC_LOG_TEXT);
    assert_int_equal(pthread_create(&thread, NULL, write_many, c.log), 0);
    write_many(c.log);
    pthread_join(thread, NULL);
    assert_int_equal(count_lines(c.text), 20);
    end(&c);
}

static size_t read_text(int fd, char *text, size_t cap)
{
    const ssize_t n = read(fd, text, cap - 1);
    assert_true(n >= 0);
    text[n] = '\0';
    return (size_t)n;
}

/* Fills what a stream takes; how many bytes that was. */
static size_t fill(int fd)
{
    static const char page[4096] = {0};
    size_t sum = 0;
    assert_int_equal(fcntl(fd, F_SETFL, O_NONBLOCK), 0);
    for (ssize_t n; (n = write(fd, page, sizeof(page))) > 0;) {
        sum += (size_t)n;
    }
    assert_int_equal(fcntl(fd, F_SETFL, 0), 0);
    return sum;
}

static void drain(int fd, size_t left)
{
    char text[4096];
    while (left > 0) {
        left -= read_text(fd, text, left < sizeof(text) - 1 ? left + 1 : sizeof(text));
    }
}

static void expect_nobody_waits(const int ends[2])
{
    char text[4096];
    FILE *stream = fdopen(ends[1], "w");
    medsec_log *log = medsec_log_create(stream, MEDSEC_LOG_INFO, MEDSEC_LOG_TEXT);
    const size_t before = fill(ends[1]);
    alarm(60); /* a log that waits would wait for ever */
    medsec_log_write(log, MEDSEC_LOG_INFO, "one", MEDSEC_LOG_INT("i", 1));
    medsec_log_write(log, MEDSEC_LOG_INFO, "two", MEDSEC_LOG_INT("i", 2));
    alarm(0);
    drain(ends[0], before);
    medsec_log_write(log, MEDSEC_LOG_INFO, "three", MEDSEC_LOG_INT("i", 3));
    medsec_log_write(log, MEDSEC_LOG_INFO, "four", MEDSEC_LOG_INT("i", 4));
    fclose(stream);
    read_text(ends[0], text, sizeof(text));
    if (strchr(text, '\n') == text + strlen(text) - 1) { /* a socket gives them one by one */
        read_text(ends[0], text + strlen(text), sizeof(text) - strlen(text));
    }
    assert_non_null(strstr(text, " info three lost=2 i=3\n"));
    assert_non_null(strstr(text, " info four i=4\n"));
    close(ends[0]);
    medsec_log_destroy(log);
}

static void test_write_waits_for_no_pipe(void **state)
{
    int ends[2];
    (void)state;

    assert_int_equal(pipe2(ends, O_CLOEXEC), 0);
    expect_nobody_waits(ends);
}

static void test_write_waits_for_no_socket(void **state)
{
    int ends[2];
    (void)state;

    assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends), 0);
    expect_nobody_waits(ends);
}

/* And what was suppressed, with the line that would have told of it. */
static void test_write_that_fails_is_counted(void **state)
{
    int ends[2];
    char text[4096];
    (void)state;

    assert_int_equal(pipe2(ends, O_CLOEXEC), 0);
    FILE *stream = fopen("/dev/full", "w");
    assert_non_null(stream);
    medsec_log *log = medsec_log_create(stream, MEDSEC_LOG_INFO, MEDSEC_LOG_TEXT);
    for (unsigned i = 0; i < MEDSEC_LOG_LINES_PER_SECOND + 3; i++) {
        medsec_log_write(log, MEDSEC_LOG_INFO, "one", MEDSEC_LOG_INT("i", i));
    }
    later_ms += 1000;
    medsec_log_write(log, MEDSEC_LOG_INFO, "one", MEDSEC_LOG_INT("i", 1));
    assert_true(dup2(ends[1], fileno(stream)) >= 0);
    medsec_log_write(log, MEDSEC_LOG_INFO, "two", MEDSEC_LOG_INT("i", 2));
    read_text(ends[0], text, sizeof(text));
    assert_int_equal(count_lines(text), 1);
    assert_non_null(strstr(text, " info two lost=24 i=2\n"));
    medsec_log_destroy(log);
    fclose(stream);
    close(ends[0]);
    close(ends[1]);
}

static void test_parse_words(void **state)
{
    medsec_log_level level;
    medsec_log_format format;
    (void)state;

    assert_int_equal(medsec_log_level_parse(&level, "debug"), MEDSEC_OK);
    assert_int_equal(level, MEDSEC_LOG_DEBUG);
    assert_int_equal(medsec_log_level_parse(&level, "Debug"), MEDSEC_ERR_SYNTAX);
    assert_int_equal(medsec_log_format_parse(&format, "json"), MEDSEC_OK);
    assert_int_equal(format, MEDSEC_LOG_JSON);
    assert_int_equal(medsec_log_format_parse(&format, ""), MEDSEC_ERR_SYNTAX);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_write_text_is_time_level_event_fields),
        cmocka_unit_test(test_write_below_level_is_silent),
        cmocka_unit_test(test_write_text_no_byte_forges_a_line),
        cmocka_unit_test(test_write_json_gives_back_every_byte),
        cmocka_unit_test(test_write_cuts_long_values_and_lines),
        cmocka_unit_test(test_write_over_budget_is_counted),
        cmocka_unit_test(test_write_from_threads_keeps_lines_whole),
        cmocka_unit_test(test_write_waits_for_no_pipe),
        cmocka_unit_test(test_write_waits_for_no_socket),
        cmocka_unit_test(test_write_that_fails_is_counted),
        cmocka_unit_test(test_parse_words),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
