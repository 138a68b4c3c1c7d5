/* SPDX-License-Identifier: Apache-2.0 */
/* What holds for either client, against a real mosquitto; skipped where there is none. */
#include "client_bench.h"
#include "log_file.h"
#include "old_broker.h"
#include "unit.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>
#include <uv.h>

/* Before any thread is started here: the child dies without a good-bye. */
static void test_will_is_published_when_the_process_dies(void **state)
{
    broker *b = *state;
    subscriber s;
    broker_start(b);
    subscriber_start(&s, b);
    const pid_t child = fork();
    if (child == 0) {
        medsec_publisher *p = client_create(b->url);
        client_start(p, 1);
        assert_int_equal(client_publish(p, 1, 1), MEDSEC_OK);
        client_wait(&told.durable, 1);
        _exit(0);
    }
    int status = -1;
    waitpid(child, &status, 0);
    assert_int_equal(status, 0);
    assert_true(subscriber_expect(&s, "gateway/status 0 online"));
    assert_true(subscriber_expect(&s, "gateway/status 0 died"));
    subscriber_stop(&s);
}

static void deliver_all(broker *b, uint32_t loop_count)
{
    subscriber s;
    broker_start(b);
    subscriber_start(&s, b);
    medsec_publisher *p = client_create(b->url);
    assert_int_equal(p->ops->start(p, NULL), MEDSEC_ERR_ARGUMENT);
    assert_int_equal(p->ops->stop(p, 0), MEDSEC_ERR_STATE);
    loops *l = client_start(p, loop_count);
    assert_int_equal(p->ops->start(p, &client_listener), MEDSEC_ERR_STATE);
    for (unsigned i = 1; i < 3000; i++)
        assert_int_equal(client_publish(p, i, i % CLIENT_MIXED == 0), MEDSEC_OK);
    assert_int_equal(client_stop(p, l, CLIENT_PATIENCE_MS), MEDSEC_OK);
    const medsec_publisher_stats stats = client_stats(p);
    assert_int_equal(stats.published, 2999);
    assert_int_equal(stats.lost, 0);
    assert_int_equal(stats.queued, 0);
    assert_int_equal(stats.links, 1);
    assert_int_equal(stats.links_up, 0);
    assert_int_equal(stats.mqtt_version, 5);
    assert_int_equal(client_publish(p, 1, 0), MEDSEC_ERR_STATE);
    client_expect_each_once(2999);
    p->ops->destroy(p);
    assert_true(subscriber_expect_numbers(&s, 2999, CLIENT_MIXED));
    assert_true(subscriber_expect(&s, "gateway/status 0 offline"));
    subscriber_stop(&s);
}

/* Hardly any of it leaves before the loop is gone. */
static void test_stop_delivers_all_in_order_and_says_offline(void **state)
{
    deliver_all(*state, 1);
}

static void test_stop_delivers_what_was_never_attached(void **state)
{
    deliver_all(*state, 0);
}

static void test_broker_away_at_start_is_waited_for(void **state)
{
    broker *b = *state;
    medsec_publisher *p = client_create(b->url);
    loops *l = client_start(p, 1);
    for (unsigned i = 1; i < 200; i++)
        assert_int_equal(client_publish(p, i, 0), MEDSEC_OK);
    while (!client_stats(p).trouble)
        uv_sleep(5);
    assert_int_equal(client_stats(p).queued, 199);
    broker_start(b);
    client_wait_link(p, true);
    assert_null(client_stats(p).trouble);
    for (unsigned i = 200; i < 400; i++)
        assert_int_equal(client_publish(p, i, 0), MEDSEC_OK);
    client_end(p, l);
    client_expect_each_once(399);
    assert_int_equal(told.ups, 1);
    assert_int_equal(told.downs, 0);
}

static void restart_under_load(broker *b, uint8_t qos)
{
    subscriber s;
    broker_start(b);
    subscriber_start(&s, b);
    medsec_publisher *p = client_create(b->url);
    loops *l = client_start(p, 1);
    client_wait_link(p, true);
    for (unsigned i = 1; i < 2000; i++) {
        if (i == 500)
            broker_stop(b);
        if (i == 1000) {
            client_wait(&told.downs, 1);
            broker_start(b);
        }
        assert_int_equal(client_publish(p, i, qos), MEDSEC_OK);
        uv_sleep(i % 4 == 0);
    }
    client_wait(&told.ups, 2);
    assert_int_equal(client_stop(p, l, CLIENT_PATIENCE_MS), MEDSEC_OK);
    assert_int_equal(client_stats(p).connects, 2);
    assert_int_equal(told.downs, 1);
    client_expect_each_once(1999);
    p->ops->destroy(p);
    if (qos == 1)
        assert_true(subscriber_expect_numbers(&s, 1999, 0));
    else
        assert_true(subscriber_expect(&s, "t/number 0 1999"));
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

typedef struct reclaimed {
    unsigned count, limit;
    unsigned first;
} reclaimed;

static bool take(void *context, const medsec_message *m)
{
    reclaimed *r = context;
    if (r->count == r->limit)
        return false;
    const unsigned number = r->first + r->count++;
    assert_int_equal(m->token, number);
    assert_int_equal(m->topic_len, 8);
    assert_memory_equal(m->topic, "t/number", 8);
    char text[16];
    const int len = snprintf(text, sizeof text, "%u", number);
    assert_int_equal(m->payload_len, len);
    assert_memory_equal(m->payload, text, m->payload_len);
    assert_int_equal(m->lane, number % 7);
    assert_int_equal(m->qos, 1);
    assert_int_equal(m->droppable, number % 2);
    return true;
}

static void test_stop_without_broker_leaves_all_to_be_reclaimed(void **state)
{
    const broker *b = *state;
    medsec_publisher *p = client_create(b->url);
    loops *l = client_start(p, 1);
    for (unsigned i = 1; i <= 10; i++)
        assert_int_equal(client_publish(p, i, 1), MEDSEC_OK);
    const uint64_t begin = uv_hrtime();
    assert_int_equal(client_stop(p, l, 300), MEDSEC_ERR_TIMEOUT);
    assert_true(uv_hrtime() - begin >= 250000000);
    assert_int_equal(told.durable, 0);
    assert_int_equal(client_stats(p).queued, 10);
    reclaimed r = {.first = 1, .limit = 4};
    p->ops->reclaim(p, take, &r);
    assert_int_equal(r.count, 4);
    assert_int_equal(client_stats(p).queued, 6);
    r.limit = 100;
    p->ops->reclaim(p, take, &r);
    assert_int_equal(r.count, 10);
    assert_int_equal(client_stats(p).queued, 0);
    assert_int_equal(told.durable, 0);
    p->ops->destroy(p);
}

/* What was under way when the connection broke is given back as well; nothing while it is up. */
static void test_reclaim_takes_what_is_not_confirmed(void **state)
{
    broker *b = *state;
    broker_start(b);
    medsec_publisher *p = client_create(b->url);
    loops *l = client_start(p, 1);
    client_wait_link(p, true);
    kill(b->pid, SIGSTOP);
    for (unsigned i = 1; i <= 200; i++)
        assert_int_equal(client_publish(p, i, 1), MEDSEC_OK);
    reclaimed r = {.first = 1, .limit = 1000};
    p->ops->reclaim(p, take, &r);
    assert_int_equal(r.count, 0);
    kill(b->pid, SIGKILL);
    broker_stop(b);
    client_wait(&told.downs, 1);
    p->ops->reclaim(p, take, &r);
    assert_int_equal(r.count + (unsigned)told.durable, 200);
    assert_int_equal(client_stats(p).queued, 0);
    broker_start(b);
    client_wait(&told.ups, 2);
    const int before = told.durable;
    for (unsigned i = 201; i <= 300; i++)
        assert_int_equal(client_publish(p, i, 1), MEDSEC_OK);
    client_wait(&told.durable, before + 100);
    for (unsigned i = 201; i <= 300; i++)
        assert_int_equal(told.ok[i], 1);
    client_end(p, l);
}

static void test_full_queue_presses_then_refuses_then_is_relieved(void **state)
{
    broker *b = *state;
    const medsec_mqtt_options options = {
        .url = b->url, .client_id = "medsec-test", .queue_bytes = 4096};
    medsec_publisher *p = client_create_with(&options);
    loops *l = client_start(p, 1);
    static char payload[4096];
    const medsec_message m = {
        .topic = "big", .topic_len = 3, .payload = payload, .payload_len = sizeof(payload)};
    assert_false(p->ops->pressed(p, false));
    assert_int_equal(p->ops->publish(p, &m), MEDSEC_OK);
    assert_true(p->ops->pressed(p, false));
    assert_true(p->ops->pressed(p, true));
    medsec_status status;
    do
        status = p->ops->publish(p, &m);
    while (status == MEDSEC_OK);
    assert_int_equal(status, MEDSEC_ERR_BUSY);
    assert_int_equal(client_stats(p).busy, 1);
    broker_start(b);
    client_wait(&told.relieved, 1);
    assert_false(p->ops->pressed(p, false));
    client_end(p, l);
    assert_int_equal(told.relieved, 1);
}

static void test_publish_bad_message_is_refused(void **state)
{
    const broker *b = *state;
    medsec_publisher *p = client_create(b->url);
    loops *l = client_start(p, 1);
    static const char *const topics[] = {"", "a/+", "a/#", "a\nb", "\x80"};
    for (size_t i = 0; i < sizeof topics / sizeof *topics; i++) {
        const medsec_message m = {.topic = topics[i], .topic_len = strlen(topics[i])};
        assert_int_equal(p->ops->publish(p, &m), MEDSEC_ERR_TOPIC);
    }
    const medsec_message bad_qos = {.topic = "a", .topic_len = 1, .qos = 2};
    assert_int_equal(p->ops->publish(p, &bad_qos), MEDSEC_ERR_ARGUMENT);
    assert_int_equal(client_stop(p, l, 0), MEDSEC_OK);
    p->ops->destroy(p);
}

static medsec_publisher *create_with_log(const broker *b, medsec_log *log)
{
    const medsec_mqtt_options options = {.url = b->url, .client_id = "medsec-test", .log = log};
    return client_create_with(&options);
}

static void test_what_the_broker_refuses_is_reported(void **state)
{
    broker *b = *state;
    char lines[256];
    static const char big[2000];
    /* With 0, for no limit, mosquitto 2.0.11 throws out who is refused a message. */
    snprintf(lines, sizeof(lines), "max_queued_messages 1000\nmax_packet_size 1000\nacl_file %s\n",
             broker_file(b, "acl", "topic readwrite good/#\ntopic read secret/#\n"));
    broker_configure(b, lines);
    broker_start(b);
    log_file f;
    log_file_open(&f);
    medsec_publisher *p = create_with_log(b, f.log);
    loops *l = client_start(p, 1);
    client_wait_link(p, true);
    assert_int_equal(client_publish_to(p, "good/1", "x", 1, 1), MEDSEC_OK);
    assert_int_equal(client_publish_to(p, "secret/plan", "x", 1, 2), MEDSEC_OK);
    assert_int_equal(client_publish_to(p, "good/big", big, sizeof(big), 3), MEDSEC_OK);
    assert_int_equal(client_publish_to(p, "good/2", "x", 1, 4), MEDSEC_OK);
    const medsec_message qos_0 = {
        .topic = "good/0", .topic_len = 6, .payload = big, .payload_len = sizeof(big), .token = 5};
    assert_int_equal(p->ops->publish(p, &qos_0), MEDSEC_OK);
    client_wait(&told.durable, 5);
    assert_int_equal(told.ok[1] + told.ok[4], 2);
    assert_int_equal(told.failed[2] + told.failed[3] + told.failed[5], 3);
    assert_int_equal(told.last_failure, MEDSEC_ERR_LIMIT);
    assert_int_equal(client_stats(p).refused, 3);
    assert_int_equal(client_stats(p).published, 2);
    client_end(p, l);
    assert_int_equal(told.ups, 1);
    assert_true(log_file_has(&f, "message-refused", "topic=secret/plan"));
    assert_true(log_file_has(&f, "message-refused", "topic=good/big"));
    assert_false(log_file_has(&f, "message-refused", "topic=good/1"));
    assert_true(log_file_has(&f, "broker-connected", "mqtt=5"));
    log_file_close(&f);
}

static void test_loss_and_absence_are_logged_with_the_reason(void **state)
{
    broker *b = *state;
    log_file f;
    log_file_open(&f);
    medsec_publisher *p = create_with_log(b, f.log);
    loops *l = client_start(p, 1);
    while (!client_stats(p).trouble)
        uv_sleep(5);
    broker_start(b);
    client_wait_link(p, true);
    broker_stop(b);
    client_wait(&told.downs, 1);
    assert_int_equal(client_publish(p, 1, 1), MEDSEC_OK);
    assert_int_equal(client_stop(p, l, 0), MEDSEC_ERR_TIMEOUT);
    p->ops->destroy(p);
    assert_true(log_file_has(&f, "broker-unreachable", "nobody listens there"));
    assert_true(log_file_has(&f, "broker-lost", b->url));
    assert_true(log_file_has(&f, "messages-lost", "messages=1"));
    log_file_close(&f);
}

static void test_subscription_outlives_the_connection(void **state)
{
    broker *b = *state;
    broker_start(b);
    medsec_publisher *p = client_create(b->url);
    assert_int_equal(p->ops->subscribe(p, NULL), MEDSEC_ERR_ARGUMENT);
    assert_int_equal(p->ops->subscribe(p, "Pico/+/Command/Config"), MEDSEC_OK);
    assert_int_equal(p->ops->subscribe(p, "other"), MEDSEC_ERR_STATE);
    loops *l = client_start(p, 1);
    client_wait_link(p, true);
    client_expect_received(p, "Pico/dev-1/Command/Config", "{\"version\":1}");
    const int seen = told.received_count;
    assert_int_equal(client_publish_to(p, "Pico/dev-1/Command/Config/Result", "{}", 2, 1),
                     MEDSEC_OK);
    assert_int_equal(client_publish_to(p, "Pico/dev-1/Reading", "{}", 2, 2), MEDSEC_OK);
    client_wait(&told.durable, 2);
    broker_stop(b);
    client_wait(&told.downs, 1);
    assert_int_equal(told.received_count, seen);
    broker_start(b);
    client_wait(&told.ups, 2);
    told.received_count = 0;
    client_expect_received(p, "Pico/dev-2/Command/Config", "");
    client_end(p, l);
}

static bool leads_to(int fd, uint16_t port)
{
    struct sockaddr_in peer = {.sin_family = AF_UNSPEC};
    socklen_t len = sizeof peer;
    return getpeername(fd, (struct sockaddr *)&peer, &len) == 0 && peer.sin_family == AF_INET &&
           peer.sin_port == htons(port);
}

/* One that lives on would keep the broker from seeing that the gateway died. */
static void test_program_that_is_started_does_not_get_the_connection(void **state)
{
    broker *b = *state;
    broker_start(b);
    medsec_publisher *p = client_create(b->url);
    loops *l = client_start(p, 1);
    client_wait_link(p, true);
    unsigned count = 0;
    for (int fd = 0; fd < 1024; fd++) {
        if (leads_to(fd, b->port)) {
            count++;
            assert_int_equal(fcntl(fd, F_GETFD), FD_CLOEXEC);
        }
    }
    assert_int_equal(count, 1);
    client_end(p, l);
}

/* What is retained would come again at each connection, after what was said later. */
static void test_what_is_retained_is_not_received(void **state)
{
    broker *b = *state;
    broker_start(b);
    medsec_publisher *p = client_create(b->url);
    const medsec_message m = {.topic = "a/b", .topic_len = 3, .qos = 1, .retain = true};
    const medsec_message qos_0 = {
        .topic = "a/d", .topic_len = 3, .retain = true, .payload = "x", .payload_len = 1};
    loops *l = client_start(p, 1);
    assert_int_equal(p->ops->publish(p, &m), MEDSEC_OK);
    assert_int_equal(p->ops->publish(p, &qos_0), MEDSEC_OK);
    client_end(p, l);
    subscriber s;
    subscriber_start(&s, b);
    assert_true(subscriber_expect(&s, "a/d 1 x"));
    subscriber_stop(&s);
    p = client_create(b->url);
    assert_int_equal(p->ops->subscribe(p, "a/#"), MEDSEC_OK);
    l = client_start(p, 1);
    client_wait_link(p, true);
    client_expect_received(p, "a/c", "now");
    client_end(p, l);
    for (int i = 0; i < told.received_count; i++)
        assert_string_equal(told.received[i], "a/c now");
}

static void speak_to_old_broker(bool hangs_up)
{
    old_broker o;
    old_broker_start(&o, hangs_up);
    log_file f;
    log_file_open(&f);
    const medsec_mqtt_options options = {.url = o.url, .client_id = "medsec-test", .log = f.log};
    medsec_publisher *p = client_create_with(&options);
    assert_int_equal(p->ops->subscribe(p, "Pico/+/Command/Config"), MEDSEC_OK);
    loops *l = client_start(p, 1);
    client_wait_link(p, true);
    assert_int_equal(client_stats(p).mqtt_version, 4);
    for (int i = 0; !log_file_has(&f, "subscription-refused", "Pico/+/Command/Config"); i++) {
        assert_in_range(i, 0, CLIENT_PATIENCE_MS / 5);
        uv_sleep(5);
    }
    assert_int_equal(client_stop(p, l, CLIENT_PATIENCE_MS), MEDSEC_OK);
    p->ops->destroy(p);
    old_broker_end(&o);
    assert_in_range(o.attempts, 2, hangs_up ? 3 : 2); /* paho asks twice */
    assert_true(log_file_has(&f, "broker-connected", "mqtt=3.1.1"));
    log_file_close(&f);
}

static void test_old_broker_is_spoken_to_in_its_version(void **state)
{
    (void)state;
    speak_to_old_broker(false);
}

static void test_old_broker_that_hangs_up_is_spoken_to_in_its_version(void **state)
{
    (void)state;
    speak_to_old_broker(true);
}

/* Of 3.1.1 at a broker that holds no more than so many unconfirmed messages: none is lost. */
static void test_receive_maximum_is_kept(void **state)
{
    broker *b = *state;
    broker_configure(b, "max_inflight_messages 1\n");
    broker_start(b);
    medsec_publisher *p = client_create(b->url);
    loops *l = client_start(p, 1);
    for (unsigned i = 1; i <= 500; i++)
        assert_int_equal(client_publish(p, i, 1), MEDSEC_OK);
    client_wait(&told.durable, 500);
    client_expect_each_once(500);
    client_end(p, l);
    assert_int_equal(told.ups, 1);
}

int main(void)
{
    if (!mosquitto_is_there()) {
        puts("skipped: no mosquitto");
        return 77;
    }
#define CASE(name) \
    cmocka_unit_test_setup_teardown(name, client_broker_prepare, client_broker_remove)
    const struct CMUnitTest tests[] = {
        CASE(test_will_is_published_when_the_process_dies),
        CASE(test_stop_delivers_all_in_order_and_says_offline),
        CASE(test_stop_delivers_what_was_never_attached),
        CASE(test_broker_away_at_start_is_waited_for),
        CASE(test_restart_of_the_broker_loses_no_acknowledged_message),
        CASE(test_restart_of_the_broker_at_qos_0_goes_on),
        CASE(test_stop_without_broker_leaves_all_to_be_reclaimed),
        CASE(test_reclaim_takes_what_is_not_confirmed),
        CASE(test_full_queue_presses_then_refuses_then_is_relieved),
        CASE(test_publish_bad_message_is_refused),
        CASE(test_what_the_broker_refuses_is_reported),
        CASE(test_loss_and_absence_are_logged_with_the_reason),
        CASE(test_subscription_outlives_the_connection),
        CASE(test_program_that_is_started_does_not_get_the_connection),
        CASE(test_what_is_retained_is_not_received),
        CASE(test_old_broker_is_spoken_to_in_its_version),
        CASE(test_old_broker_that_hangs_up_is_spoken_to_in_its_version),
        CASE(test_receive_maximum_is_kept),
    };
    static const struct {
        const char *name;
        client_creator *create;
    } clients[] = {{"paho", medsec_publisher_paho_create},
                   {"mosquitto", medsec_publisher_mosquitto_create}};
    int failed = 0;
    for (size_t i = 0; i < sizeof clients / sizeof *clients; i++) {
        client_use(clients[i].create);
        failed += cmocka_run_group_tests_name(clients[i].name, tests, NULL, NULL);
    }
    return failed;
}
