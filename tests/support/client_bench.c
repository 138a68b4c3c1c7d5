/* SPDX-License-Identifier: Apache-2.0 */
#include "client_bench.h"

#include "unit.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <uv.h>

struct client_told told;
static client_creator *creator;

static void on_durable(void *context, uint64_t token, medsec_status status)
{
    (void)context;
    assert_in_range(token, 1, CLIENT_TOKENS - 1);
    atomic_fetch_add(status == MEDSEC_OK ? &told.ok[token] : &told.failed[token], 1);
    if (status != MEDSEC_OK)
        atomic_store(&told.last_failure, status);
    atomic_fetch_add(&told.durable, 1);
}

static void on_relieved(void *context)
{
    (void)context;
    atomic_fetch_add(&told.relieved, 1);
}

static void on_linked(void *context, bool up)
{
    (void)context;
    atomic_fetch_add(up ? &told.ups : &told.downs, 1);
}

static void on_received(void *context, const char *topic, size_t topic_len, const uint8_t *payload,
                        size_t payload_len)
{
    (void)context;
    const int i = atomic_load(&told.received_count);
    assert_in_range(i, 0, 7);
    snprintf(told.received[i], CLIENT_RECEIVED_MAX, "%.*s %.*s", (int)topic_len, topic,
             (int)payload_len, (const char *)payload);
    atomic_fetch_add(&told.received_count, 1);
}

const medsec_publisher_listener client_listener = {
    .durable = on_durable, .relieved = on_relieved, .linked = on_linked, .received = on_received};

void client_use(client_creator *create)
{
    creator = create;
}

medsec_publisher *client_create_with(const medsec_mqtt_options *options)
{
    for (int i = 0; i < CLIENT_TOKENS; i++)
        told.ok[i] = told.failed[i] = 0;
    told.durable = told.last_failure = told.relieved = told.received_count = told.ups = told.downs =
        0;
    medsec_publisher *p = NULL;
    assert_int_equal(creator(&p, options), MEDSEC_OK);
    return p;
}

medsec_publisher *client_create(const char *url)
{
    const medsec_mqtt_options options = {.url = url,
                                         .client_id = "medsec-test",
                                         .will_topic = "gateway/status",
                                         .will_payload = "died",
                                         .online_payload = "online",
                                         .offline_payload = "offline"};
    return client_create_with(&options);
}

loops *client_start(medsec_publisher *p, uint32_t count)
{
    assert_int_equal(p->ops->start(p, &client_listener), MEDSEC_OK);
    return loops_start(p, count);
}

medsec_status client_stop(medsec_publisher *p, loops *l, uint32_t timeout_ms)
{
    loops_stop(l);
    return p->ops->stop(p, timeout_ms);
}

void client_end(medsec_publisher *p, loops *l)
{
    assert_int_equal(client_stop(p, l, CLIENT_PATIENCE_MS), MEDSEC_OK);
    p->ops->destroy(p);
}

medsec_status client_publish(medsec_publisher *p, unsigned number, uint8_t qos)
{
    char payload[16];
    const int n = snprintf(payload, sizeof(payload), "%u", number);
    const medsec_message m = {.topic = "t/number",
                              .topic_len = 8,
                              .payload = payload,
                              .payload_len = (size_t)n,
                              .token = number,
                              .lane = number % 7,
                              .qos = qos,
                              .droppable = number % 2};
    return p->ops->publish(p, &m);
}

medsec_status client_publish_to(medsec_publisher *p, const char *topic, const void *payload,
                                size_t len, unsigned token)
{
    const medsec_message m = {.topic = topic,
                              .topic_len = strlen(topic),
                              .payload = payload,
                              .payload_len = len,
                              .token = token,
                              .qos = 1};
    return p->ops->publish(p, &m);
}

medsec_publisher_stats client_stats(medsec_publisher *p)
{
    medsec_publisher_stats stats;
    p->ops->stats(p, &stats);
    return stats;
}

void client_wait_link(medsec_publisher *p, bool up)
{
    for (int i = 0; client_stats(p).connected != up; i++) {
        assert_in_range(i, 0, CLIENT_PATIENCE_MS / 5);
        uv_sleep(5);
    }
}

void client_wait(const atomic_int *count, int least)
{
    int before = atomic_load(count);
    for (int i = 0, now = before; now < least; i++, now = atomic_load(count)) {
        i = now == before ? i : 0;
        before = now;
        assert_in_range(i, 0, CLIENT_PATIENCE_MS / 5);
        uv_sleep(5);
    }
}

void client_expect_each_once(unsigned count)
{
    for (unsigned i = 1; i <= count; i++) {
        assert_int_equal(told.ok[i], 1);
        assert_int_equal(told.failed[i], 0);
    }
}

void client_expect_received(medsec_publisher *p, const char *topic, const char *text)
{
    char want[CLIENT_RECEIVED_MAX];
    snprintf(want, sizeof(want), "%s %s", topic, text);
    const int seen = told.received_count;
    assert_int_equal(client_publish_to(p, topic, text, strlen(text), 0), MEDSEC_OK);
    client_wait(&told.received_count, seen + 1);
    assert_string_equal(told.received[seen], want);
}

int client_broker_prepare(void **state)
{
    broker *b = calloc(1, sizeof(*b));
    if (!b)
        return -1;
    broker_prepare(b);
    *state = b;
    return 0;
}

int client_broker_remove(void **state)
{
    broker_remove(*state);
    free(*state);
    return 0;
}
