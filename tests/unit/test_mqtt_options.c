/* SPDX-License-Identifier: Apache-2.0 */
#include "publisher/mqtt_options.h"
#include "unit.h"

#include <string.h>

#define URL "mqtt://127.0.0.1"
#define CLIENT .client_id = "c"

static medsec_status try(const medsec_mqtt_options *options)
{
    medsec__mqtt_options o;
    const medsec_status status = medsec__mqtt_options_copy(&o, options);
    if (status == MEDSEC_OK) {
        medsec__mqtt_options_free(&o);
    }
    static const medsec__mqtt_options nothing;
    assert_memory_equal(&o.client_id, &nothing.client_id, sizeof o.client_id);
    return status;
}

static void test_copy_owns_its_texts(void **state)
{
    (void)state;
    char password[] = "secret", client[] = "client";
    const medsec_mqtt_options in = {.url = URL,
                                    .client_id = client,
                                    .username = "user",
                                    .password = password,
                                    .will_topic = "t",
                                    .will_payload = "w",
                                    .online_payload = "on",
                                    .offline_payload = "off",
                                    .keep_alive_s = 7};
    medsec__mqtt_options o;
    assert_int_equal(medsec__mqtt_options_copy(&o, &in), MEDSEC_OK);
    memset(password, 'x', sizeof password - 1);
    memset(client, 'x', sizeof client - 1);
    assert_string_equal(o.client_id, "client");
    assert_string_equal(o.username, "user");
    assert_string_equal(o.password, "secret");
    assert_string_equal(o.will_topic, "t");
    assert_string_equal(o.will_payload, "w");
    assert_string_equal(o.online_payload, "on");
    assert_string_equal(o.offline_payload, "off");
    assert_string_equal(o.url_text, "mqtt://127.0.0.1:1883");
    assert_int_equal(o.keep_alive_s, 7);
    assert_int_equal(o.queue_bytes, MEDSEC_MQTT_QUEUE_BYTES);
    assert_null(o.ca_file);
    medsec__mqtt_options_free(&o);
    medsec__mqtt_options_free(&o);
}

static void test_copy_refuses_halves(void **state)
{
    (void)state;
    static const medsec_mqtt_options bad[] = {
        {CLIENT},
        {.url = URL},
        {.url = "http://127.0.0.1", CLIENT},
        {.url = URL, CLIENT, .password = "p"},
        {.url = URL, CLIENT, .ca_file = "ca"},
        {.url = URL, CLIENT, .pin = "sha256//"},
        {.url = URL, CLIENT, .cert_file = "c", .key_file = "k"},
        {.url = "mqtts://h", CLIENT, .cert_file = "c"},
        {.url = "mqtts://h", CLIENT, .key_file = "k"},
        {.url = "mqtts://h", CLIENT, .pin = ""},
    };
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        assert_int_equal(try(&bad[i]), MEDSEC_ERR_ARGUMENT);
    }
}

static void test_copy_refuses_clear_text_to_a_public_number(void **state)
{
    (void)state;
    assert_int_equal(try(&(medsec_mqtt_options){.url = "mqtt://192.0.2.1", CLIENT}),
                     MEDSEC_ERR_CLEAR_TEXT);
    assert_int_equal(try(&(medsec_mqtt_options){.url = "mqtt://[2001:db8::1]", CLIENT}),
                     MEDSEC_ERR_CLEAR_TEXT);
    assert_int_equal(
        try(&(medsec_mqtt_options){.url = "mqtt://192.0.2.1", CLIENT, .allow_clear_text = true}),
        MEDSEC_OK);
    assert_int_equal(try(&(medsec_mqtt_options){.url = "mqtt://10.0.0.1", CLIENT}), MEDSEC_OK);
    assert_int_equal(try(&(medsec_mqtt_options){.url = "mqtts://192.0.2.1", CLIENT}), MEDSEC_OK);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_copy_owns_its_texts),
        cmocka_unit_test(test_copy_refuses_halves),
        cmocka_unit_test(test_copy_refuses_clear_text_to_a_public_number),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
