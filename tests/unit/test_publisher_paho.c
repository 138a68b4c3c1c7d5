/* SPDX-License-Identifier: Apache-2.0 */
/* Against a real mosquitto; skipped where there is none. */
#include "mosquitto.h"
#include "old_broker.h"

#include "publisher/paho.h"
#include "socket_bytes.h"

#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>
#include <uv.h>

#include <cmocka.h>

#define TOKENS 4000

static atomic_int durable_ok[TOKENS];
static atomic_int durable_failed[TOKENS];
static atomic_int last_failure;
static atomic_int relieved;

static void on_durable(void *context, uint64_t token, medsec_status status)
{
    (void)context;
    assert_in_range(token, 1, TOKENS - 1);
    if (status != MEDSEC_OK)
        atomic_store(&last_failure, status);
    atomic_fetch_add(status == MEDSEC_OK ? &durable_ok[token] : &durable_failed[token], 1);
}

static void on_relieved(void *context)
{
    (void)context;
    atomic_fetch_add(&relieved, 1);
}

static atomic_int linked;

static void on_linked(void *context, bool up)
{
    (void)context;
    atomic_fetch_add(&linked, up ? 1 : -1);
}

#define RECEIVED_MAX 4096u
static char received[8][RECEIVED_MAX];
static atomic_int received_count;

static void on_received(void *context, const char *topic, size_t topic_len, const uint8_t *payload,
                        size_t payload_len)
{
    (void)context;
    int i = atomic_load(&received_count);
    assert_in_range(i, 0, 7);
    snprintf(received[i], RECEIVED_MAX, "%.*s %.*s", (int)topic_len, topic, (int)payload_len,
             (const char *)payload);
    atomic_fetch_add(&received_count, 1);
}

static const medsec_publisher_listener listener = {
    .durable = on_durable, .relieved = on_relieved, .linked = on_linked, .received = on_received};

static medsec_publisher *create(const char *url, size_t queue_bytes)
{
    memset(durable_ok, 0, sizeof(durable_ok));
    memset(durable_failed, 0, sizeof(durable_failed));
    relieved = 0;
    linked = 0;
    received_count = 0;
    const medsec_mqtt_options options = {.url = url,
                                         .client_id = "medsec-test",
                                         .will_topic = "gateway/status",
                                         .will_payload = "died",
                                         .online_payload = "online",
                                         .offline_payload = "offline",
                                         .queue_bytes = queue_bytes};
    medsec_publisher *p = NULL;
    assert_int_equal(medsec_publisher_paho_create(&p, &options), MEDSEC_OK);
    return p;
}

static medsec_publisher *start(const char *url)
{
    medsec_publisher *p = create(url, 0);
    assert_int_equal(p->ops->start(p, &listener), MEDSEC_OK);
    return p;
}

static medsec_status publish(medsec_publisher *p, unsigned number, uint8_t qos)
{
    char payload[16];
    int n = snprintf(payload, sizeof(payload), "%u", number);
    const medsec_message m = {.topic = "t/number",
                              .topic_len = 8,
                              .payload = payload,
                              .payload_len = (size_t)n,
                              .token = number,
                              .qos = qos};
    return p->ops->publish(p, &m);
}

static bool wait_connected(medsec_publisher *p)
{
    medsec_publisher_stats stats;
    for (int i = 0; i < 1000; i++) {
        p->ops->stats(p, &stats);
        if (stats.connected)
            return true;
        uv_sleep(10);
    }
    return false;
}

#define MIXED 16u /* of mixed messages every 16th has QoS 1 */

static void expect_durable_once(unsigned count)
{
    for (unsigned i = 1; i <= count; i++) {
        assert_int_equal(durable_ok[i], 1);
        assert_int_equal(durable_failed[i], 0);
    }
}

/* Before any thread is started here: the child dies without a good-bye. */
static void test_will_is_published_when_the_process_dies(void **state)
{
    broker *b = *state;
    subscriber s;
    broker_start(b);
    subscriber_start(&s, b);
    pid_t child = fork();
    if (child == 0) {
        medsec_publisher *p = start(b->url);
        bool connected = wait_connected(p);
        uv_sleep(300);
        _exit(connected ? 0 : 1);
    }
    int status = -1;
    waitpid(child, &status, 0);
    assert_int_equal(status, 0);
    assert_true(subscriber_expect(&s, "gateway/status 0 online", 5000));
    assert_true(subscriber_expect(&s, "gateway/status 0 died", 5000));
    subscriber_stop(&s);
}

static void test_stop_delivers_all_in_order_and_says_offline(void **state)
{
    broker *b = *state;
    subscriber s;
    broker_start(b);
    subscriber_start(&s, b);
    medsec_publisher *p = start(b->url);
    for (unsigned i = 1; i < 3000; i++)
        assert_int_equal(publish(p, i, i % MIXED == 0), MEDSEC_OK);
    assert_int_equal(p->ops->stop(p, 10000), MEDSEC_OK);
    medsec_publisher_stats stats;
    p->ops->stats(p, &stats);
    assert_int_equal(stats.published, 2999);
    assert_int_equal(stats.lost, 0);
    assert_int_equal(stats.queued, 0);
    assert_int_equal(publish(p, 1, 0), MEDSEC_ERR_STATE);
    expect_durable_once(2999);
    p->ops->destroy(p);
    assert_true(subscriber_expect_numbers(&s, 2999, MIXED, 20000));
    assert_true(subscriber_expect(&s, "gateway/status 0 offline", 5000));
    subscriber_stop(&s);
}

static void test_broker_away_at_start_is_waited_for(void **state)
{
    broker *b = *state;
    medsec_publisher *p = start(b->url);
    for (unsigned i = 1; i < 200; i++)
        assert_int_equal(publish(p, i, 0), MEDSEC_OK);
    uv_sleep(400);
    subscriber s;
    broker_start(b);
    subscriber_start(&s, b);
    assert_true(wait_connected(p));
    for (unsigned i = 200; i < 400; i++)
        assert_int_equal(publish(p, i, 0), MEDSEC_OK);
    assert_int_equal(p->ops->stop(p, 5000), MEDSEC_OK);
    expect_durable_once(399);
    p->ops->destroy(p);
    subscriber_stop(&s);
}

static void restart_under_load(broker *b, uint8_t qos)
{
    subscriber s;
    broker_start(b);
    subscriber_start(&s, b);
    medsec_publisher *p = start(b->url);
    assert_true(wait_connected(p));
    for (unsigned i = 1; i < 2000; i++) {
        if (i == 500)
            broker_stop(b);
        if (i == 1000)
            broker_start(b);
        assert_int_equal(publish(p, i, qos), MEDSEC_OK);
        uv_sleep(i % 4 == 0);
    }
    assert_int_equal(p->ops->stop(p, 10000), MEDSEC_OK);
    medsec_publisher_stats stats;
    p->ops->stats(p, &stats);
    assert_int_equal(stats.connects, 2);
    expect_durable_once(1999);
    p->ops->destroy(p);
    if (qos == 1)
        assert_true(subscriber_expect_numbers(&s, 1999, 0, 20000));
    else
        assert_true(subscriber_expect(&s, "t/number 0 1999", 10000));
    subscriber_stop(&s);
}

static void test_restart_of_the_broker_loses_no_acknowledged_message(void **state)
{
    restart_under_load(*state, 1);
}

static void test_restart_of_the_broker_at_qos_0_goes_on(void **state)
{
    restart_under_load(*state, 0);
}

static bool refuse(void *context, const medsec_message *message)
{
    (void)context;
    (void)message;
    return false;
}

static bool take_number(void *context, const medsec_message *message)
{
    unsigned *last = context;
    assert_int_equal(message->token, *last + 1);
    char text[16];
    const int len = snprintf(text, sizeof text, "%u", *last + 1);
    assert_int_equal(message->payload_len, len);
    assert_memory_equal(message->payload, text, message->payload_len);
    assert_int_equal(message->topic_len, 8);
    *last = (unsigned)message->token;
    return true;
}

static void test_stop_without_broker_leaves_all_to_be_reclaimed(void **state)
{
    broker *b = *state;
    medsec_publisher *p = start(b->url);
    for (unsigned i = 1; i <= 10; i++)
        assert_int_equal(publish(p, i, 1), MEDSEC_OK);
    uint64_t begin = uv_hrtime();
    assert_int_equal(p->ops->stop(p, 300), MEDSEC_ERR_TIMEOUT);
    assert_true(uv_hrtime() - begin < 5000000000ull);
    medsec_publisher_stats stats;
    p->ops->stats(p, &stats);
    assert_int_equal(stats.queued, 10);
    unsigned last = 0;
    p->ops->reclaim(p, refuse, NULL);
    p->ops->reclaim(p, take_number, &last);
    assert_int_equal(last, 10);
    p->ops->reclaim(p, take_number, &last);
    p->ops->stats(p, &stats);
    assert_int_equal(stats.queued, 0);
    assert_int_equal(last, 10);
    for (unsigned i = 1; i <= 10; i++) {
        assert_int_equal(durable_ok[i], 0);
        assert_int_equal(durable_failed[i], 0);
    }
    p->ops->destroy(p);
}

static bool wait_linked(int links)
{
    for (int i = 0; i < 1000 && atomic_load(&linked) != links; i++)
        uv_sleep(10);
    return atomic_load(&linked) == links;
}

/* Until paho has some of them. */
static void wait_under_way(medsec_publisher *publisher)
{
    paho *p = (paho *)publisher;
    bool any = false;
    for (int i = 0; i < 1000 && !any; i++) {
        uv_sleep(5);
        uv_mutex_lock(&p->base.lock);
        any = p->handed > p->released;
        uv_mutex_unlock(&p->base.lock);
    }
    assert_true(any);
}

static void test_reclaim_while_the_link_is_up_changes_nothing(void **state)
{
    broker *b = *state;
    subscriber s;
    broker_start(b);
    subscriber_start(&s, b);
    medsec_publisher *p = start(b->url);
    assert_true(wait_linked(1));
    kill(b->pid, SIGSTOP);
    for (unsigned i = 1; i <= 20; i++)
        assert_int_equal(publish(p, i, 1), MEDSEC_OK);
    wait_under_way(p);
    unsigned last = 0;
    p->ops->reclaim(p, take_number, &last);
    kill(b->pid, SIGCONT);
    assert_int_equal(last, 0);
    assert_int_equal(p->ops->stop(p, 10000), MEDSEC_OK);
    expect_durable_once(20);
    p->ops->destroy(p);
    char line[256], want[32];
    assert_true(subscriber_expect(&s, "gateway/status 0 online", 5000));
    for (unsigned i = 1; i <= 20; i++) { /* each once */
        snprintf(want, sizeof(want), "t/number 0 %u", i);
        assert_true(subscriber_line(&s, line, sizeof(line), 5000));
        assert_string_equal(line, want);
    }
    assert_true(subscriber_line(&s, line, sizeof(line), 5000));
    assert_string_equal(line, "gateway/status 0 offline");
    subscriber_stop(&s);
}

/* The broker hangs with messages under way and is killed then: it never had the last of them, or
 * nobody knows. */
static void test_reclaim_after_the_link_gives_back_what_is_not_confirmed(void **state)
{
    broker *b = *state;
    broker_start(b);
    medsec_publisher *p = create(b->url, 4096);
    assert_int_equal(p->ops->start(p, &listener), MEDSEC_OK);
    assert_true(wait_linked(1));
    for (unsigned i = 1; i <= 20; i++)
        assert_int_equal(publish(p, i, 1), MEDSEC_OK);
    for (int i = 0; i < 1000 && durable_ok[20] == 0; i++)
        uv_sleep(10);
    kill(b->pid, SIGSTOP);
    for (unsigned i = 21; i <= 220; i++)
        assert_int_equal(publish(p, i, i % 2), MEDSEC_OK);
    assert_true(p->ops->pressed(p, true));
    wait_under_way(p);
    unsigned last = 20;
    p->ops->reclaim(p, take_number, &last);
    assert_int_equal(last, 20); /* not while it is up */
    kill(b->pid, SIGKILL);
    kill(b->pid, SIGCONT);
    broker_stop(b);
    assert_true(wait_linked(0));
    medsec_publisher_stats stats;
    p->ops->stats(p, &stats);
    assert_false(stats.connected);
    for (unsigned i = 21; i <= 220 && durable_ok[i] == 1; i++)
        last = i; /* of QoS 0 what was written is confirmed */
    relieved = 0;
    p->ops->reclaim(p, take_number, &last);
    assert_int_equal(last, 220);
    assert_int_equal(relieved, 1);
    assert_false(p->ops->pressed(p, true));
    broker_start(b);
    assert_true(wait_linked(1));
    assert_int_equal(publish(p, 221, 1), MEDSEC_OK);
    assert_int_equal(p->ops->stop(p, 5000), MEDSEC_OK);
    assert_int_equal(durable_ok[221], 1);
    assert_int_equal(durable_failed[21], 0);
    p->ops->destroy(p);
}

/* Sent all the same, the broker would hang up, and again after each connect. */
static void test_message_larger_than_the_broker_takes_is_refused(void **state)
{
    broker *b = *state;
    static const char big[2000];
    static const unsigned length[] = {991, 993, 992, 994, 1, 1}; /* 1000 bytes, 1001, few */
    broker_configure(b, "max_packet_size 1000\n");
    broker_start(b);
    medsec_publisher *p = start(b->url);
    for (unsigned i = 0; i < 6; i++) {
        const medsec_message m = {.topic = "t",
                                  .topic_len = 1,
                                  .payload = big,
                                  .payload_len = length[i],
                                  .token = i + 1,
                                  .qos = i % 2 == 0};
        assert_int_equal(p->ops->publish(p, &m), MEDSEC_OK);
    }
    assert_int_equal(p->ops->stop(p, 5000), MEDSEC_OK);
    for (unsigned i = 0; i < 6; i++) {
        const bool fits = i < 2 || i > 3;
        assert_int_equal(durable_ok[i + 1], fits);
        assert_int_equal(durable_failed[i + 1], !fits);
    }
    medsec_publisher_stats stats;
    p->ops->stats(p, &stats);
    assert_int_equal(stats.connects, 1);
    assert_int_equal(stats.refused, 2);
    assert_int_equal(last_failure, MEDSEC_ERR_LIMIT);
    p->ops->destroy(p);
}

static void test_full_queue_presses_then_refuses_then_is_relieved(void **state)
{
    broker *b = *state;
    medsec_publisher *p = create(b->url, 4096);
    assert_int_equal(p->ops->start(p, &listener), MEDSEC_OK);
    char payload[4096] = "";
    const medsec_message m = {
        .topic = "big", .topic_len = 3, .payload = payload, .payload_len = sizeof(payload)};
    assert_false(p->ops->pressed(p, false));
    assert_int_equal(p->ops->publish(p, &m), MEDSEC_OK);
    assert_true(p->ops->pressed(p, false));
    medsec_status status;
    do
        status = p->ops->publish(p, &m);
    while (status == MEDSEC_OK);
    assert_int_equal(status, MEDSEC_ERR_BUSY);
    broker_start(b);
    for (int i = 0; i < 1000 && relieved == 0; i++)
        uv_sleep(10);
    assert_int_equal(relieved, 1);
    assert_false(p->ops->pressed(p, false));
    assert_int_equal(p->ops->stop(p, 5000), MEDSEC_OK);
    p->ops->destroy(p);
}

static void test_publish_bad_message_is_refused(void **state)
{
    broker *b = *state;
    medsec_publisher *p = start(b->url);
    static const char *const topics[] = {"", "a/+", "a/#", "a\nb", "\x80"};
    for (size_t i = 0; i < sizeof(topics) / sizeof(*topics); i++) {
        const medsec_message m = {.topic = topics[i], .topic_len = strlen(topics[i])};
        assert_int_equal(p->ops->publish(p, &m), MEDSEC_ERR_TOPIC);
    }
    const medsec_message m = {.topic = "a", .topic_len = 1, .qos = 2};
    assert_int_equal(p->ops->publish(p, &m), MEDSEC_ERR_ARGUMENT);
    assert_int_equal(p->ops->stop(p, 0), MEDSEC_OK);
    p->ops->destroy(p);
}

static medsec_status publish_text(medsec_publisher *p, const char *topic, const char *text)
{
    const medsec_message m = {.topic = topic,
                              .topic_len = strlen(topic),
                              .payload = text,
                              .payload_len = strlen(text),
                              .qos = 1};
    return p->ops->publish(p, &m);
}

/* Until it comes: a subscription is made at some moment after the connection. */
static void expect_received(medsec_publisher *p, const char *topic, const char *text)
{
    char want[RECEIVED_MAX];
    snprintf(want, sizeof(want), "%s %s", topic, text);
    int seen = received_count;
    for (int i = 0; i < 100 && received_count == seen; i++) {
        assert_int_equal(publish_text(p, topic, text), MEDSEC_OK);
        for (int j = 0; j < 10 && received_count == seen; j++)
            uv_sleep(10);
    }
    assert_true(received_count > seen);
    assert_string_equal(received[seen], want);
}

static void test_subscription_outlives_the_connection(void **state)
{
    broker *b = *state;
    broker_start(b);
    medsec_publisher *p = create(b->url, 0);
    assert_int_equal(p->ops->subscribe(p, NULL), MEDSEC_ERR_ARGUMENT);
    assert_int_equal(p->ops->subscribe(p, "Pico/+/Command/Config"), MEDSEC_OK);
    assert_int_equal(p->ops->subscribe(p, "other"), MEDSEC_ERR_STATE);
    assert_int_equal(p->ops->start(p, &listener), MEDSEC_OK);
    assert_true(wait_connected(p));
    expect_received(p, "Pico/dev-1/Command/Config", "{\"version\":1}");
    int seen = received_count;
    assert_int_equal(publish_text(p, "Pico/dev-1/Command/Config/Result", "{}"), MEDSEC_OK);
    assert_int_equal(publish_text(p, "Pico/dev-1/Reading", "{}"), MEDSEC_OK);
    uv_sleep(200);
    assert_int_equal(received_count, seen);
    broker_stop(b);
    uv_sleep(200);
    broker_start(b);
    assert_true(wait_connected(p));
    received_count = 0;
    expect_received(p, "Pico/dev-2/Command/Config", "");
    assert_int_equal(p->ops->stop(p, 5000), MEDSEC_OK);
    assert_int_equal(p->ops->subscribe(p, "more"), MEDSEC_ERR_STATE);
    p->ops->destroy(p);
}

/* What is retained would come again at each connection, after what was said later. */
static void test_what_is_retained_is_not_received(void **state)
{
    broker *b = *state;
    broker_start(b);
    medsec_publisher *p = create(b->url, 0);
    const medsec_message m = {.topic = "a/b", .topic_len = 3, .qos = 1, .retain = true};
    assert_int_equal(p->ops->start(p, &listener), MEDSEC_OK);
    assert_int_equal(p->ops->publish(p, &m), MEDSEC_OK);
    assert_int_equal(p->ops->stop(p, 5000), MEDSEC_OK);
    p->ops->destroy(p);
    p = create(b->url, 0);
    assert_int_equal(p->ops->subscribe(p, "a/#"), MEDSEC_OK);
    assert_int_equal(p->ops->start(p, &listener), MEDSEC_OK);
    assert_true(wait_connected(p));
    expect_received(p, "a/c", "now");
    assert_int_equal(p->ops->stop(p, 5000), MEDSEC_OK);
    p->ops->destroy(p);
}

static void test_old_broker_is_spoken_to_in_its_version(void **state)
{
    (void)state;
    old_broker o;
    old_broker_start(&o, false);
    medsec_publisher *p = start(o.url);
    assert_true(wait_connected(p));
    assert_int_equal(p->ops->stop(p, 1000), MEDSEC_OK);
    p->ops->destroy(p);
    old_broker_end(&o);
}

static uint64_t bytes_sent(const medsec_publisher *p)
{
    return socket_bytes_sent(((const paho *)p)->fd);
}

/* Paho does not show its sockets. */
static void test_each_of_several_connections_finds_its_own_socket(void **state)
{
    broker *b = *state;
    broker_start(b);
    enum { COUNT = 8 };
    medsec_publisher *all[COUNT];
    atomic_store(&linked, 0);
    for (int i = 0; i < COUNT; i++) {
        char client[32];
        snprintf(client, sizeof(client), "medsec-test-%d", i);
        const medsec_mqtt_options options = {.url = b->url, .client_id = client};
        assert_int_equal(medsec_publisher_paho_create(&all[i], &options), MEDSEC_OK);
    }
    for (int i = 0; i < COUNT; i++)
        assert_int_equal(all[i]->ops->start(all[i], &listener), MEDSEC_OK);
    assert_true(wait_linked(COUNT));
    const char text[5000] = "";
    const medsec_message m = {.topic = "big",
                              .topic_len = 3,
                              .payload = text,
                              .payload_len = sizeof(text),
                              .qos = 1,
                              .token = 1};
    for (int i = 0; i < COUNT; i++) {
        uint64_t before[COUNT];
        for (int j = 0; j < COUNT; j++)
            before[j] = bytes_sent(all[j]);
        atomic_store(&durable_ok[1], 0);
        assert_int_equal(all[i]->ops->publish(all[i], &m), MEDSEC_OK);
        for (int j = 0; j < 1000 && durable_ok[1] == 0; j++)
            uv_sleep(5);
        for (int j = 0; j < COUNT; j++)
            assert_int_equal(bytes_sent(all[j]) - before[j] >= sizeof(text), i == j);
    }
    for (int i = 0; i < COUNT; i++) {
        assert_int_equal(all[i]->ops->stop(all[i], 5000), MEDSEC_OK);
        all[i]->ops->destroy(all[i]);
    }
}

static int prepare(void **state)
{
    broker *b = calloc(1, sizeof(*b));
    if (!b)
        return -1;
    broker_prepare(b);
    *state = b;
    return 0;
}

static int clean_up(void **state)
{
    broker_remove(*state);
    free(*state);
    return 0;
}

int main(void)
{
    if (!mosquitto_is_there()) {
        puts("skipped: no mosquitto");
        return 77;
    }
#define CASE(name) cmocka_unit_test_setup_teardown(name, prepare, clean_up)
    const struct CMUnitTest tests[] = {
        CASE(test_will_is_published_when_the_process_dies),
        CASE(test_stop_delivers_all_in_order_and_says_offline),
        CASE(test_broker_away_at_start_is_waited_for),
        CASE(test_restart_of_the_broker_loses_no_acknowledged_message),
        CASE(test_restart_of_the_broker_at_qos_0_goes_on),
        CASE(test_stop_without_broker_leaves_all_to_be_reclaimed),
        CASE(test_reclaim_while_the_link_is_up_changes_nothing),
        CASE(test_reclaim_after_the_link_gives_back_what_is_not_confirmed),
        CASE(test_message_larger_than_the_broker_takes_is_refused),
        CASE(test_full_queue_presses_then_refuses_then_is_relieved),
        CASE(test_publish_bad_message_is_refused),
        CASE(test_subscription_outlives_the_connection),
        CASE(test_what_is_retained_is_not_received),
        CASE(test_old_broker_is_spoken_to_in_its_version),
        CASE(test_each_of_several_connections_finds_its_own_socket),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
