/* SPDX-License-Identifier: Apache-2.0 */
#include "publisher/mqtt_message.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

static medsec_status check_topic(const char *topic)
{
    const medsec_message m = {.topic = topic, .topic_len = strlen(topic)};
    return medsec__mqtt_message_check(&m);
}

static void test_check_topic(void **state)
{
    (void)state;
    assert_int_equal(check_topic("a/b c~"), MEDSEC_OK);
    static const char *const bad[] = {"", "a/+", "a/#", "a\nb", "\x7f", "\x80"};
    for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++) {
        assert_int_equal(check_topic(bad[i]), MEDSEC_ERR_TOPIC);
    }
}

static void test_check_lengths(void **state)
{
    (void)state;
    static char longest[65536];
    memset(longest, 'x', sizeof(longest));
    medsec_message m = {.topic = longest, .topic_len = 65535};
    assert_int_equal(medsec__mqtt_message_check(&m), MEDSEC_OK);
    m.topic_len = 65536;
    assert_int_equal(medsec__mqtt_message_check(&m), MEDSEC_ERR_TOPIC);
    m.topic_len = 1;
    m.payload_len = 268435455u - 65535u;
    assert_int_equal(medsec__mqtt_message_check(&m), MEDSEC_OK);
    m.payload_len++;
    assert_int_equal(medsec__mqtt_message_check(&m), MEDSEC_ERR_LIMIT);
}

static void test_check_qos(void **state)
{
    (void)state;
    medsec_message m = {.topic = "a", .topic_len = 1, .qos = 1};
    assert_int_equal(medsec__mqtt_message_check(&m), MEDSEC_OK);
    m.qos = 2;
    assert_int_equal(medsec__mqtt_message_check(&m), MEDSEC_ERR_ARGUMENT);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_check_topic),
        cmocka_unit_test(test_check_lengths),
        cmocka_unit_test(test_check_qos),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
