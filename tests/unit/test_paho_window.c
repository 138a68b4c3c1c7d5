/* SPDX-License-Identifier: Apache-2.0 */
/* What is under way with paho, which is played here: its reports come when the test says so. */
#include "log_file.h"
#include "publisher/paho.h"
#include "unit.h"

#include <stdlib.h>

static MQTTAsync_onFailure5 *on_failure;
static void *failure_context;

/* In front of paho's. */
int MQTTAsync_send(MQTTAsync handle, const char *topic, int len, const void *payload, int qos,
                   int retained, MQTTAsync_responseOptions *response)
{
    (void)handle;
    (void)topic;
    (void)len;
    (void)payload;
    (void)qos;
    (void)retained;
    on_failure = response->onFailure5;
    failure_context = response->context;
    return MQTTASYNC_SUCCESS;
}

static bool take(void *context, const medsec_message *message)
{
    (void)context;
    (void)message;
    return true;
}

static medsec_publisher *create(medsec_log *log)
{
    const medsec_mqtt_options options = {
        .url = "mqtt://127.0.0.1", .client_id = "medsec-test", .log = log};
    medsec_publisher *p = NULL;
    assert_int_equal(medsec_publisher_paho_create(&p, &options), MEDSEC_OK);
    return p;
}

static void refuse(void)
{
    MQTTAsync_failureData5 data = {.reasonCode = MQTTREASONCODE_NOT_AUTHORIZED};
    on_failure(failure_context, &data);
}

/* A refusal of a message under way is logged; one that was given back meanwhile is not there. */
static void refuse_one(bool given_back)
{
    static const medsec_publisher_listener nobody = {.context = NULL};
    const medsec_message m = {.topic = "t/one", .topic_len = 5, .qos = 1};
    log_file f;
    log_file_open(&f);
    medsec_publisher *publisher = create(f.log);
    paho *p = (paho *)publisher;
    assert_int_equal(publisher->ops->publish(publisher, &m), MEDSEC_OK);
    p->base.listener = &nobody;
    uv_mutex_lock(&p->base.lock);
    p->link = PAHO_UP;
    p->window = MEDSEC_MQTT_IN_FLIGHT;
    p->packet_max = UINT32_MAX;
    medsec__paho_pump(p, false);
    p->link = PAHO_DOWN;
    uv_mutex_unlock(&p->base.lock);
    if (given_back) {
        publisher->ops->reclaim(publisher, take, NULL);
    }
    refuse();
    assert_int_equal(log_file_has(&f, "message-refused", "t/one"), !given_back);
    assert_int_equal(p->base.counts.refused, given_back ? 0 : 1);
    publisher->ops->destroy(publisher);
    log_file_close(&f);
}

static void test_refusal_is_logged_with_the_topic(void **state)
{
    (void)state;
    refuse_one(false);
}

static void test_late_refusal_does_not_read_what_was_given_back(void **state)
{
    (void)state;
    refuse_one(true);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_refusal_is_logged_with_the_topic),
        cmocka_unit_test(test_late_refusal_does_not_read_what_was_given_back),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
