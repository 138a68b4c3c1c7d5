/* SPDX-License-Identifier: Apache-2.0 */
#include "publisher/mqtt_url.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static void test_url_good(void **state)
{
    (void)state;
    static const char *const pairs[][2] = {
        {"mqtt://127.0.0.1:1884", "tcp://127.0.0.1:1884"},
        {"mqtt://broker.example", "tcp://broker.example:1883"},
        {"mqtt://[::1]:65535", "tcp://[::1]:65535"},
        {"mqtt://[fe80::1]", "tcp://[fe80::1]:1883"},
    };
    char out[MEDSEC__MQTT_URL_MAX];
    uint16_t port = 0;
    for (size_t i = 0; i < sizeof(pairs) / sizeof(*pairs); i++) {
        assert_int_equal(medsec__mqtt_url(out, &port, pairs[i][0]), MEDSEC_OK);
        assert_int_equal(port, strtoul(strrchr(out, ':') + 1, NULL, 10));
        assert_string_equal(out, pairs[i][1]);
    }
}

static void test_url_bad(void **state)
{
    (void)state;
    static const char *const urls[] = {
        "",
        "mqtt://",
        "mqtt://:1883",
        "tcp://host:1",
        "host:1883",
        "mqtt://h:0",
        "mqtt://h:65536",
        "mqtt://h:",
        "mqtt://h:1x",
        "mqtt://h:111111",
        "mqtt://[::1",
        "mqtt://[]:1883",
        "mqtt://u@h:1883",
        "mqtt://h/x",
        "mqtts://h:8883",
    };
    char out[MEDSEC__MQTT_URL_MAX];
    uint16_t port = 0;
    for (size_t i = 0; i < sizeof(urls) / sizeof(*urls); i++)
        assert_int_equal(medsec__mqtt_url(out, &port, urls[i]), MEDSEC_ERR_ARGUMENT);
    assert_int_equal(medsec__mqtt_url(out, &port, NULL), MEDSEC_ERR_ARGUMENT);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_url_good),
        cmocka_unit_test(test_url_bad),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
