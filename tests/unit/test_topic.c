/* SPDX-License-Identifier: Apache-2.0 */
#include "unit.h"

#include <medsec/profile.h>
#include <medsec/topic.h>

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

static medsec_status compile(medsec_topic *topic, const char *text)
{
    return medsec_topic_compile(topic, text, strlen(text));
}

static void expect_topic(const char *text, const char *device, const char *suffix,
                         const char *expected)
{
    medsec_topic topic;
    char out[MEDSEC_TOPIC_MAX];
    size_t len = 0;
    assert_int_equal(compile(&topic, text), MEDSEC_OK);
    assert_int_equal(medsec_topic_expand(&topic, out, sizeof out, &len, device, suffix), MEDSEC_OK);
    assert_int_equal(len, strlen(expected));
    assert_memory_equal(out, expected, len);
    char *exact = malloc(len);
    assert_int_equal(medsec_topic_expand(&topic, exact, len, &len, device, suffix), MEDSEC_OK);
    assert_int_equal(medsec_topic_expand(&topic, exact, len - 1, &len, device, suffix),
                     MEDSEC_ERR_BUFFER);
    free(exact);
}

static void test_expand_templates(void **state)
{
    (void)state;
    expect_topic(MEDSEC_TOPIC_TEMPLATE_DEFAULT, "iot_med_dev_01", "Physiological_Data/Temperature",
                 "Pico/iot_med_dev_01/Physiological_Data/Temperature");
    expect_topic("{device}/{topic}", "a", "b", "a/b");
    expect_topic("{topic}/{device}", "a", "b", "b/a");
    expect_topic("x/{topic}.raw/of/{device}/end", "a", "b", "x/b.raw/of/a/end");
    expect_topic("Pico/{device}//{topic}", "a", "b", "Pico/a//b");
}

static void test_compile_refused(void **state)
{
    static const char *const cases[] = {
        "",
        "Pico",
        "Pico/{device}",
        "Pico/{topic}",
        "Pico/{device}/{device}/{topic}",
        "Pico/{device}/{topic}/{topic}",
        "Pico/x{device}/{topic}",
        "Pico/{device}x/{topic}",
        "Pico/{device}{topic}",
        "Pico/+/{device}/{topic}",
        "Pico/#/{device}/{topic}",
        "$SYS/{device}/{topic}",
        "/{device}/{topic}",
        "Pico/{dev}/{device}/{topic}",
        "Pico/{device}/{topic",
        "Pico/}/{device}/{topic}",
        "Pico/{{device}}/{topic}",
        "Pico/\n/{device}/{topic}",
        "Pico/\xc3\xa9/{device}/{topic}",
    };
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        medsec_topic topic;
        char out[MEDSEC_TOPIC_MAX];
        size_t len = 0;
        assert_int_equal(compile(&topic, cases[i]), MEDSEC_ERR_TOPIC);
        assert_int_equal(medsec_topic_expand(&topic, out, sizeof out, &len, "a", "b"),
                         MEDSEC_ERR_ARGUMENT);
    }
    medsec_topic topic;
    assert_int_equal(medsec_topic_compile(&topic, "a\0/{device}/{topic}", 19), MEDSEC_ERR_TOPIC);
    assert_int_equal(medsec_topic_compile(NULL, "a", 1), MEDSEC_ERR_ARGUMENT);
    assert_int_equal(medsec_topic_compile(&topic, NULL, 1), MEDSEC_ERR_ARGUMENT);
}

static void test_limits(void **state)
{
    char text[MEDSEC_TOPIC_TEMPLATE_MAX + 2];
    char suffix[MEDSEC_TOPIC_MAX + 2];
    char out[2 * MEDSEC_TOPIC_MAX];
    medsec_topic topic;
    size_t len = 0;
    (void)state;
    memset(text, 'x', sizeof text);
    memcpy(text, "{device}/{topic}/", 17);
    assert_int_equal(medsec_topic_compile(&topic, text, MEDSEC_TOPIC_TEMPLATE_MAX + 1),
                     MEDSEC_ERR_LIMIT);
    assert_int_equal(medsec_topic_compile(&topic, text, MEDSEC_TOPIC_TEMPLATE_MAX), MEDSEC_OK);
    memset(suffix, 'y', sizeof suffix);
    suffix[sizeof suffix - 1] = '\0';
    assert_int_equal(medsec_topic_expand(&topic, out, sizeof out, &len, "a", suffix),
                     MEDSEC_ERR_LIMIT);
    /* "a/" + suffix + "/" + the rest of the template: one more than fits, and then what fits. */
    size_t fits = MEDSEC_TOPIC_MAX - (MEDSEC_TOPIC_TEMPLATE_MAX - 16) - 2;
    suffix[fits + 1] = '\0';
    assert_int_equal(medsec_topic_expand(&topic, out, sizeof out, &len, "a", suffix),
                     MEDSEC_ERR_LIMIT);
    suffix[fits] = '\0';
    assert_int_equal(medsec_topic_expand(&topic, out, sizeof out, &len, "a", suffix), MEDSEC_OK);
    assert_int_equal(len, MEDSEC_TOPIC_MAX);
}

/* Nothing brings in a level, a wildcard or a foreign topic. */
static void test_expand_injection(void **state)
{
    static const char *const ids[] = {"",  ".",   "..",  "a/b",  "../x", "+",
                                      "#", "a b", "a\n", "$SYS", "\xff", "a{device}"};
    static const char *const suffixes[] = {"",   "+",      "#",  "a/#",   "a+b",
                                           "\t", "$SYS/x", "/x", "a\x7f", "\xc3\xa9"};
    medsec_topic topic;
    char out[MEDSEC_TOPIC_MAX];
    size_t len = 0;
    (void)state;
    assert_int_equal(compile(&topic, MEDSEC_TOPIC_TEMPLATE_DEFAULT), MEDSEC_OK);
    for (size_t i = 0; i < sizeof ids / sizeof ids[0]; i++) {
        assert_int_equal(medsec_topic_expand(&topic, out, sizeof out, &len, ids[i], "x"),
                         MEDSEC_ERR_DEVICE_ID);
        assert_int_equal(medsec_device_id_check(ids[i], strlen(ids[i])), MEDSEC_ERR_DEVICE_ID);
    }
    for (size_t i = 0; i < sizeof suffixes / sizeof suffixes[0]; i++) {
        assert_int_equal(medsec_topic_expand(&topic, out, sizeof out, &len, "a", suffixes[i]),
                         MEDSEC_ERR_TOPIC);
        assert_int_equal(medsec_topic_suffix_check(suffixes[i], strlen(suffixes[i])),
                         MEDSEC_ERR_TOPIC);
    }
    /* A variable that comes from outside is not expanded again. */
    expect_topic(MEDSEC_TOPIC_TEMPLATE_DEFAULT, "a", "{device}", "Pico/a/{device}");
}

static void test_device_id_check(void **state)
{
    char id[MEDSEC_DEVICE_ID_MAX + 1];
    (void)state;
    memset(id, 'z', sizeof id);
    assert_int_equal(medsec_device_id_check(id, MEDSEC_DEVICE_ID_MAX), MEDSEC_OK);
    assert_int_equal(medsec_device_id_check(id, MEDSEC_DEVICE_ID_MAX + 1), MEDSEC_ERR_DEVICE_ID);
    assert_int_equal(medsec_device_id_check("...", 3), MEDSEC_OK);
    assert_int_equal(medsec_device_id_check(".a", 2), MEDSEC_OK);
    assert_int_equal(medsec_device_id_check("A-Z_a.9", 7), MEDSEC_OK);
    assert_int_equal(medsec_device_id_check("a\0b", 3), MEDSEC_ERR_DEVICE_ID);
    assert_int_equal(medsec_device_id_check(NULL, 0), MEDSEC_ERR_DEVICE_ID);
    for (int c = 0; c < 256; c++) {
        char one = (char)c;
        bool letter = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
        bool good = letter || c == '_' || c == '-';
        assert_int_equal(medsec_device_id_check(&one, 1), good ? MEDSEC_OK : MEDSEC_ERR_DEVICE_ID);
    }
}

static void test_expand_arguments(void **state)
{
    medsec_topic topic;
    char out[8];
    size_t len = 0;
    (void)state;
    assert_int_equal(compile(&topic, "{device}/{topic}"), MEDSEC_OK);
    assert_int_equal(medsec_topic_expand(NULL, out, 8, &len, "a", "b"), MEDSEC_ERR_ARGUMENT);
    assert_int_equal(medsec_topic_expand(&topic, NULL, 8, &len, "a", "b"), MEDSEC_ERR_ARGUMENT);
    assert_int_equal(medsec_topic_expand(&topic, out, 8, NULL, "a", "b"), MEDSEC_ERR_ARGUMENT);
    assert_int_equal(medsec_topic_expand(&topic, out, 8, &len, NULL, "b"), MEDSEC_ERR_ARGUMENT);
    assert_int_equal(medsec_topic_expand(&topic, out, 8, &len, "a", NULL), MEDSEC_ERR_ARGUMENT);
}

#define COMMAND "Command/Config"

static void expect_filter(const char *template, const char *want)
{
    medsec_topic topic;
    char out[MEDSEC_TOPIC_MAX];
    size_t len = 0;
    assert_int_equal(compile(&topic, template), MEDSEC_OK);
    assert_int_equal(medsec_topic_filter(&topic, out, sizeof out, &len, COMMAND), MEDSEC_OK);
    assert_int_equal(len, strlen(want));
    assert_memory_equal(out, want, len);
    assert_int_equal(medsec_topic_filter(&topic, out, len - 1, &len, COMMAND), MEDSEC_ERR_BUFFER);
}

static void test_filter_of_templates(void **state)
{
    (void)state;
    expect_filter("Pico/{device}/{topic}", "Pico/+/Command/Config");
    expect_filter("{device}/{topic}", "+/Command/Config");
    expect_filter("a-{topic}/b/{device}", "a-Command/Config/b/+");
    expect_filter("a/{device}/b/{topic}c", "a/+/b/Command/Configc");
}

static void test_match_takes_what_expand_makes(void **state)
{
    static const char *const templates[] = {"Pico/{device}/{topic}", "{device}/{topic}",
                                            "a-{topic}/b/{device}", "a/{device}/b/{topic}c"};
    static const char *const ids[] = {"a", "iot_med_dev_01", "...", "Command", "-"};
    (void)state;
    for (size_t i = 0; i < sizeof templates / sizeof templates[0]; i++) {
        for (size_t j = 0; j < sizeof ids / sizeof ids[0]; j++) {
            medsec_topic topic;
            char text[MEDSEC_TOPIC_MAX + 1], device[MEDSEC_DEVICE_ID_MAX + 1] = "";
            size_t len = 0;
            assert_int_equal(compile(&topic, templates[i]), MEDSEC_OK);
            assert_int_equal(
                medsec_topic_expand(&topic, text, MEDSEC_TOPIC_MAX, &len, ids[j], COMMAND),
                MEDSEC_OK);
            assert_int_equal(medsec_topic_match(&topic, device, COMMAND, text, len), MEDSEC_OK);
            assert_string_equal(device, ids[j]);
            for (size_t cut = 0; cut < len; cut++) {
                medsec_status status = medsec_topic_match(&topic, device, COMMAND, text, cut);
                bool ends_in_id = templates[i][0] == 'a' && templates[i][1] == '-';
                bool shorter_id = ends_in_id && cut > len - strlen(ids[j]) &&
                                  medsec_device_id_check(text + len - strlen(ids[j]),
                                                         cut - (len - strlen(ids[j]))) == MEDSEC_OK;
                assert_int_equal(status, shorter_id ? MEDSEC_OK : MEDSEC_ERR_TOPIC);
            }
            text[len] = '/';
            assert_int_equal(medsec_topic_match(&topic, device, COMMAND, text, len + 1),
                             MEDSEC_ERR_TOPIC);
        }
    }
}

static void test_match_refuses_other_topics(void **state)
{
    static const char *const texts[] = {"",
                                        "Pico",
                                        "Pico//Command/Config",
                                        "Pico/a/b/Command/Config",
                                        "Pico/../Command/Config",
                                        "Pico/+/Command/Config",
                                        "Pico/a b/Command/Config",
                                        "Pico/a/Command/Config/Result",
                                        "Pico/a/Command/Confif",
                                        "pico/a/Command/Config",
                                        "/Pico/a/Command/Config"};
    medsec_topic topic;
    char device[MEDSEC_DEVICE_ID_MAX + 1];
    char longer[128];
    (void)state;
    assert_int_equal(compile(&topic, MEDSEC_TOPIC_TEMPLATE_DEFAULT), MEDSEC_OK);
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
        assert_int_equal(medsec_topic_match(&topic, device, COMMAND, texts[i], strlen(texts[i])),
                         MEDSEC_ERR_TOPIC);
    }
    memset(longer, 'x', sizeof longer);
    memcpy(longer, "Pico/", 5);
    memcpy(longer + 5 + MEDSEC_DEVICE_ID_MAX, "/Command/Config", 15);
    assert_int_equal(medsec_topic_match(&topic, device, COMMAND, longer, 84), MEDSEC_OK);
    memset(longer + 5, 'x', sizeof longer - 5);
    memcpy(longer + 6 + MEDSEC_DEVICE_ID_MAX, "/Command/Config", 15);
    assert_int_equal(medsec_topic_match(&topic, device, COMMAND, longer, 85), MEDSEC_ERR_TOPIC);
    assert_int_equal(medsec_topic_match(&topic, device, "a/+", "Pico/a/a/+", 10),
                     MEDSEC_ERR_ARGUMENT);
    assert_int_equal(medsec_topic_match(&topic, NULL, COMMAND, "a", 1), MEDSEC_ERR_ARGUMENT);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_expand_templates),
        cmocka_unit_test(test_compile_refused),
        cmocka_unit_test(test_limits),
        cmocka_unit_test(test_expand_injection),
        cmocka_unit_test(test_device_id_check),
        cmocka_unit_test(test_expand_arguments),
        cmocka_unit_test(test_filter_of_templates),
        cmocka_unit_test(test_match_takes_what_expand_makes),
        cmocka_unit_test(test_match_refuses_other_topics),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
