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
    static const struct {
        const char *text, *host, *whole;
        uint16_t port;
        bool tls;
    } rows[] = {
        {"mqtt://127.0.0.1:1884", "127.0.0.1", "x://127.0.0.1:1884", 1884, false},
        {"mqtt://broker.example", "broker.example", "x://broker.example:1883", 1883, false},
        {"mqtts://broker.example", "broker.example", "x://broker.example:8883", 8883, true},
        {"mqtts://h:1", "h", "x://h:1", 1, true},
        {"mqtt://[::1]:65535", "::1", "x://[::1]:65535", 65535, false},
        {"mqtts://[fe80::1]", "fe80::1", "x://[fe80::1]:8883", 8883, true},
        {"mqtt://[fe80::1%eth0.2]:1", "fe80::1%eth0.2", "x://[fe80::1%eth0.2]:1", 1, false},
    };
    for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
        medsec__mqtt_url url;
        char whole[MEDSEC__MQTT_URL_MAX];
        assert_int_equal(medsec__mqtt_url_parse(&url, rows[i].text), MEDSEC_OK);
        assert_string_equal(url.host, rows[i].host);
        assert_int_equal(url.port, rows[i].port);
        assert_int_equal(url.tls, rows[i].tls);
        medsec__mqtt_url_text(whole, "x", url.host, url.port);
        assert_string_equal(whole, rows[i].whole);
    }
}

static void test_url_longest_host(void **state)
{
    (void)state;
    char text[8 + MEDSEC__MQTT_HOST_MAX + 1] = "mqtts://";
    char whole[MEDSEC__MQTT_URL_MAX];
    medsec__mqtt_url url;
    memset(text + 8, 'h', MEDSEC__MQTT_HOST_MAX - 1);
    assert_int_equal(medsec__mqtt_url_parse(&url, text), MEDSEC_OK);
    medsec__mqtt_url_text(whole, "mqtts", url.host, 65535);
    assert_memory_equal(whole, text, strlen(text));
    assert_string_equal(whole + strlen(text), ":65535");
    text[8 + MEDSEC__MQTT_HOST_MAX - 1] = 'h';
    assert_int_equal(medsec__mqtt_url_parse(&url, text), MEDSEC_ERR_ARGUMENT);
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
        "mqtt://[::1%]x",
        "mqtts://[fe80::1%e:1",
        "mqtts:/h",
        "MQTT://h",
    };
    medsec__mqtt_url url;
    for (size_t i = 0; i < sizeof(urls) / sizeof(*urls); i++)
        assert_int_equal(medsec__mqtt_url_parse(&url, urls[i]), MEDSEC_ERR_ARGUMENT);
    assert_int_equal(medsec__mqtt_url_parse(&url, NULL), MEDSEC_ERR_ARGUMENT);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_url_good),
        cmocka_unit_test(test_url_longest_host),
        cmocka_unit_test(test_url_bad),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
