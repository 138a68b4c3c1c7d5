/* SPDX-License-Identifier: Apache-2.0 */
#include <medsec/publisher.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

typedef struct heard {
    uint64_t token;
    int durables;
    int relieved;
    char received[64];
} heard;

static void on_durable(void *context, uint64_t token, medsec_status status)
{
    heard *h = context;
    assert_int_equal(status, MEDSEC_OK);
    h->token = token;
    h->durables++;
}

static void on_relieved(void *context)
{
    ((heard *)context)->relieved++;
}

static void on_received(void *context, const char *topic, size_t topic_len, const uint8_t *payload,
                        size_t payload_len)
{
    snprintf(((heard *)context)->received, sizeof(((heard *)context)->received), "%.*s %.*s",
             (int)topic_len, topic, (int)payload_len, (const char *)payload);
}

static medsec_status publish(medsec_publisher *p, const char *payload, uint64_t token)
{
    medsec_message m = {.topic = "t",
                        .topic_len = 1,
                        .payload = payload,
                        .payload_len = strlen(payload),
                        .token = token};
    return p->ops->publish(p, &m);
}

static void test_create_without_room_is_refused(void **state)
{
    (void)state;
    medsec_publisher *p = NULL;
    assert_int_equal(medsec_publisher_memory_create(&p, 0), MEDSEC_ERR_ARGUMENT);
    assert_int_equal(medsec_publisher_memory_create(NULL, 1), MEDSEC_ERR_ARGUMENT);
}

static void test_take_gives_messages_in_order(void **state)
{
    (void)state;
    medsec_publisher *p;
    assert_int_equal(medsec_publisher_memory_create(&p, 4), MEDSEC_OK);
    medsec_message m;
    assert_int_equal(medsec_publisher_memory_take(p, &m), MEDSEC_ERR_NOT_FOUND);
    assert_int_equal(publish(p, "one", 0), MEDSEC_OK);
    assert_int_equal(publish(p, "two", 0), MEDSEC_OK);
    assert_int_equal(medsec_publisher_memory_take(p, &m), MEDSEC_OK);
    assert_memory_equal(m.payload, "one", 3);
    assert_int_equal(medsec_publisher_memory_take(p, &m), MEDSEC_OK);
    assert_memory_equal(m.payload, "two", 3);
    assert_int_equal(medsec_publisher_memory_take(p, &m), MEDSEC_ERR_NOT_FOUND);
    p->ops->destroy(p);
}

static void test_publish_at_limit_is_busy(void **state)
{
    (void)state;
    medsec_publisher *p;
    assert_int_equal(medsec_publisher_memory_create(&p, 2), MEDSEC_OK);
    assert_false(p->ops->pressed(p, false));
    assert_int_equal(publish(p, "one", 0), MEDSEC_OK);
    assert_true(p->ops->pressed(p, false));
    assert_int_equal(publish(p, "two", 0), MEDSEC_OK);
    assert_int_equal(publish(p, "three", 0), MEDSEC_ERR_BUSY);
    medsec_publisher_stats stats;
    p->ops->stats(p, &stats);
    assert_int_equal(stats.queued, 2);
    assert_int_equal(stats.busy, 1);
    p->ops->destroy(p);
}

static void test_take_reports_durable_once_and_relief_once(void **state)
{
    (void)state;
    heard h = {0};
    const medsec_publisher_listener listener = {
        .context = &h, .durable = on_durable, .relieved = on_relieved};
    medsec_publisher *p;
    assert_int_equal(medsec_publisher_memory_create(&p, 4), MEDSEC_OK);
    assert_int_equal(p->ops->start(p, &listener), MEDSEC_OK);
    assert_int_equal(publish(p, "one", 0), MEDSEC_OK);
    assert_int_equal(publish(p, "two", 9), MEDSEC_OK);
    assert_int_equal(publish(p, "three", 0), MEDSEC_OK);
    medsec_message m;
    assert_int_equal(medsec_publisher_memory_take(p, &m), MEDSEC_OK);
    assert_int_equal(h.relieved, 0);
    assert_int_equal(h.durables, 0);
    assert_int_equal(medsec_publisher_memory_take(p, &m), MEDSEC_OK);
    assert_int_equal(h.relieved, 1);
    assert_int_equal(h.token, 9);
    assert_int_equal(medsec_publisher_memory_take(p, &m), MEDSEC_OK);
    assert_int_equal(h.relieved, 1);
    assert_int_equal(h.durables, 1);
    p->ops->destroy(p);
}

static void test_deliver_reaches_the_subscriber_until_stop(void **state)
{
    (void)state;
    heard h = {0};
    const medsec_publisher_listener listener = {
        .context = &h, .durable = on_durable, .received = on_received};
    medsec_publisher *p;
    assert_int_equal(medsec_publisher_memory_create(&p, 4), MEDSEC_OK);
    assert_int_equal(p->ops->subscribe(p, NULL), MEDSEC_ERR_ARGUMENT);
    assert_int_equal(p->ops->subscribe(p, "a/#"), MEDSEC_OK);
    assert_int_equal(p->ops->subscribe(p, "b/#"), MEDSEC_ERR_STATE);
    medsec_publisher_memory_deliver(p, "a/b", (const uint8_t *)"early", 5);
    assert_int_equal(p->ops->start(p, &listener), MEDSEC_OK);
    assert_string_equal(h.received, "");
    medsec_publisher_memory_deliver(p, "a/b", (const uint8_t *)"now", 3);
    assert_string_equal(h.received, "a/b now");
    assert_int_equal(publish(p, "kept", 7), MEDSEC_OK);
    assert_int_equal(p->ops->stop(p, 0), MEDSEC_OK);
    medsec_publisher_memory_deliver(p, "a/b", (const uint8_t *)"late", 4);
    assert_string_equal(h.received, "a/b now");
    medsec_message m;
    assert_int_equal(medsec_publisher_memory_take(p, &m), MEDSEC_OK);
    assert_int_equal(h.durables, 0);
    p->ops->destroy(p);
}

static void test_subscribe_after_start_is_refused(void **state)
{
    (void)state;
    heard h = {0};
    const medsec_publisher_listener listener = {.context = &h, .received = on_received};
    medsec_publisher *p;
    assert_int_equal(medsec_publisher_memory_create(&p, 4), MEDSEC_OK);
    assert_int_equal(p->ops->start(p, &listener), MEDSEC_OK);
    assert_int_equal(p->ops->subscribe(p, "a/#"), MEDSEC_ERR_STATE);
    medsec_publisher_memory_deliver(p, "a/b", (const uint8_t *)"x", 1);
    assert_string_equal(h.received, "");
    p->ops->destroy(p);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_create_without_room_is_refused),
        cmocka_unit_test(test_take_gives_messages_in_order),
        cmocka_unit_test(test_publish_at_limit_is_busy),
        cmocka_unit_test(test_take_reports_durable_once_and_relief_once),
        cmocka_unit_test(test_deliver_reaches_the_subscriber_until_stop),
        cmocka_unit_test(test_subscribe_after_start_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
