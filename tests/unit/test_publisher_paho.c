/* SPDX-License-Identifier: Apache-2.0 */
/* What paho has of its own: threads, and sockets that it does not show. */
#include "client_bench.h"
#include "unit.h"

#include "publisher/paho.h"
#include "socket_bytes.h"

#include <dlfcn.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <uv.h>

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

/* Until paho has some of them. */
static void wait_under_way(medsec_publisher *publisher)
{
    paho *p = (paho *)publisher;
    bool any = false;
    for (int i = 0; i < CLIENT_PATIENCE_MS / 5 && !any; i++) {
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
    medsec_publisher *p = client_create(b->url);
    assert_int_equal(p->ops->start(p, &client_listener), MEDSEC_OK);
    client_wait_link(p, true);
    kill(b->pid, SIGSTOP);
    for (unsigned i = 1; i <= 20; i++)
        assert_int_equal(client_publish(p, i, 1), MEDSEC_OK);
    wait_under_way(p);
    unsigned last = 0;
    p->ops->reclaim(p, take_number, &last);
    kill(b->pid, SIGCONT);
    assert_int_equal(last, 0);
    assert_int_equal(p->ops->stop(p, CLIENT_PATIENCE_MS), MEDSEC_OK);
    client_expect_each_once(20);
    p->ops->destroy(p);
    char line[256], want[32];
    assert_true(subscriber_expect(&s, "gateway/status 0 online"));
    for (unsigned i = 1; i <= 20; i++) { /* each once */
        snprintf(want, sizeof(want), "t/number 0 %u", i);
        assert_true(subscriber_line(&s, line, sizeof(line)));
        assert_string_equal(line, want);
    }
    assert_true(subscriber_line(&s, line, sizeof(line)));
    assert_string_equal(line, "gateway/status 0 offline");
    subscriber_stop(&s);
}

/* The broker hangs with messages under way and is killed then: it never had the last of them, or
 * nobody knows. */
static void test_reclaim_after_the_link_gives_back_what_is_not_confirmed(void **state)
{
    broker *b = *state;
    broker_start(b);
    const medsec_mqtt_options options = {
        .url = b->url, .client_id = "medsec-test", .queue_bytes = 4096};
    medsec_publisher *p = client_create_with(&options);
    assert_int_equal(p->ops->start(p, &client_listener), MEDSEC_OK);
    client_wait_link(p, true);
    for (unsigned i = 1; i <= 20; i++)
        assert_int_equal(client_publish(p, i, 1), MEDSEC_OK);
    client_wait(&told.ok[20], 1);
    kill(b->pid, SIGSTOP);
    for (unsigned i = 21; i <= 220; i++)
        assert_int_equal(client_publish(p, i, i % 2), MEDSEC_OK);
    assert_true(p->ops->pressed(p, true));
    wait_under_way(p);
    unsigned last = 20;
    p->ops->reclaim(p, take_number, &last);
    assert_int_equal(last, 20); /* not while it is up */
    kill(b->pid, SIGKILL);
    kill(b->pid, SIGCONT);
    broker_stop(b);
    client_wait(&told.downs, 1);
    assert_false(client_stats(p).connected);
    for (unsigned i = 21; i <= 220 && told.ok[i] == 1; i++)
        last = i; /* of QoS 0 what was written is confirmed */
    told.relieved = 0;
    p->ops->reclaim(p, take_number, &last);
    assert_int_equal(last, 220);
    assert_int_equal(told.relieved, 1);
    assert_false(p->ops->pressed(p, true));
    broker_start(b);
    client_wait_link(p, true);
    assert_int_equal(client_publish(p, 221, 1), MEDSEC_OK);
    assert_int_equal(p->ops->stop(p, CLIENT_PATIENCE_MS), MEDSEC_OK);
    assert_int_equal(told.ok[221], 1);
    assert_int_equal(told.failed[21], 0);
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
    medsec_publisher *p = client_create(b->url);
    assert_int_equal(p->ops->start(p, &client_listener), MEDSEC_OK);
    for (unsigned i = 0; i < 6; i++) {
        const medsec_message m = {.topic = "t",
                                  .topic_len = 1,
                                  .payload = big,
                                  .payload_len = length[i],
                                  .token = i + 1,
                                  .qos = i % 2 == 0};
        assert_int_equal(p->ops->publish(p, &m), MEDSEC_OK);
    }
    assert_int_equal(p->ops->stop(p, CLIENT_PATIENCE_MS), MEDSEC_OK);
    for (unsigned i = 0; i < 6; i++) {
        const bool fits = i < 2 || i > 3;
        assert_int_equal(told.ok[i + 1], fits);
        assert_int_equal(told.failed[i + 1], !fits);
    }
    assert_int_equal(client_stats(p).connects, 1);
    assert_int_equal(client_stats(p).refused, 2);
    assert_int_equal(told.last_failure, MEDSEC_ERR_LIMIT);
    p->ops->destroy(p);
}

#pragma GCC visibility push(default)
static atomic_int late_ms;

/* In front of the C library's: paho's thread comes to it so much later. */
int socket(int domain, int type, int protocol)
{
    int (*const real)(int, int, int) = (int (*)(int, int, int))dlsym(RTLD_NEXT, "socket");
    uv_sleep((unsigned)atomic_load(&late_ms));
    return real(domain, type, protocol);
}
#pragma GCC visibility pop

static uint64_t bytes_sent(const medsec_publisher *p)
{
    return socket_bytes_sent(((const paho *)p)->fd);
}

#define COUNT_MAX 8

static void expect_each_finds_its_own_socket(const broker *b, int count)
{
    medsec_publisher *all[COUNT_MAX];
    told.ups = 0;
    for (int i = 0; i < count; i++) {
        char client[32];
        snprintf(client, sizeof(client), "medsec-test-%d", i);
        const medsec_mqtt_options options = {.url = b->url, .client_id = client};
        assert_int_equal(medsec_publisher_paho_create(&all[i], &options), MEDSEC_OK);
    }
    for (int i = 0; i < count; i++)
        assert_int_equal(all[i]->ops->start(all[i], &client_listener), MEDSEC_OK);
    client_wait(&told.ups, count);
    const char text[5000] = "";
    const medsec_message m = {.topic = "big",
                              .topic_len = 3,
                              .payload = text,
                              .payload_len = sizeof(text),
                              .qos = 1,
                              .token = 1};
    for (int i = 0; i < count; i++) {
        uint64_t before[COUNT_MAX];
        for (int j = 0; j < count; j++)
            before[j] = bytes_sent(all[j]);
        atomic_store(&told.ok[1], 0);
        assert_int_equal(all[i]->ops->publish(all[i], &m), MEDSEC_OK);
        client_wait(&told.ok[1], 1);
        for (int j = 0; j < count; j++)
            assert_int_equal(bytes_sent(all[j]) - before[j] >= sizeof(text), i == j);
    }
    for (int i = 0; i < count; i++) {
        assert_int_equal(all[i]->ops->stop(all[i], CLIENT_PATIENCE_MS), MEDSEC_OK);
        all[i]->ops->destroy(all[i]);
    }
}

/* Paho does not show its sockets. */
static void test_each_of_several_connections_finds_its_own_socket(void **state)
{
    broker_start(*state);
    expect_each_finds_its_own_socket(*state, COUNT_MAX);
}

static void test_each_finds_its_own_socket_on_a_slow_machine(void **state)
{
    broker_start(*state);
    atomic_store(&late_ms, 700);
    expect_each_finds_its_own_socket(*state, 3);
    atomic_store(&late_ms, 0);
}

int main(void)
{
    if (!mosquitto_is_there()) {
        puts("skipped: no mosquitto");
        return 77;
    }
    client_use(medsec_publisher_paho_create);
#define CASE(name) \
    cmocka_unit_test_setup_teardown(name, client_broker_prepare, client_broker_remove)
    const struct CMUnitTest tests[] = {
        CASE(test_reclaim_while_the_link_is_up_changes_nothing),
        CASE(test_reclaim_after_the_link_gives_back_what_is_not_confirmed),
        CASE(test_message_larger_than_the_broker_takes_is_refused),
        CASE(test_each_of_several_connections_finds_its_own_socket),
        CASE(test_each_finds_its_own_socket_on_a_slow_machine),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
