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

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_expand_templates), cmocka_unit_test(test_compile_refused),
        cmocka_unit_test(test_limits),           cmocka_unit_test(test_expand_injection),
        cmocka_unit_test(test_device_id_check),  cmocka_unit_test(test_expand_arguments),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
