/* SPDX-License-Identifier: Apache-2.0 */
/* Against a real mosquitto; skipped where there is none. */
#include "log_file.h"
#include "loops.h"
#include "mosquitto.h"
#include "old_broker.h"
#include "unit.h"

#include <medsec/publisher.h>

#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>
#include <uv.h>

#define TOKENS 4000
#define PATIENCE_MS 20000

static atomic_int durable_ok[TOKENS];
static atomic_int durable_failed[TOKENS];
static atomic_int last_failure;
static atomic_int durable_count;
static atomic_int relieved;
static atomic_int ups, downs;

static void on_durable(void *context, uint64_t token, medsec_status status)
{
    (void)context;
    assert_in_range(token, 1, TOKENS - 1);
    atomic_fetch_add(status == MEDSEC_OK ? &durable_ok[token] : &durable_failed[token], 1);
    if (status != MEDSEC_OK)
        atomic_store(&last_failure, status);
    atomic_fetch_add(&durable_count, 1);
}

static void on_relieved(void *context)
{
    (void)context;
    atomic_fetch_add(&relieved, 1);
}

static void on_linked(void *context, bool up)
{
    (void)context;
    atomic_fetch_add(up ? &ups : &downs, 1);
}

#define RECEIVED_MAX 256u
static char received[8][RECEIVED_MAX];
static atomic_int received_count;

static void on_received(void *context, const char *topic, size_t topic_len, const uint8_t *payload,
                        size_t payload_len)
{
    (void)context;
    const int i = atomic_load(&received_count);
    assert_in_range(i, 0, 7);
    snprintf(received[i], RECEIVED_MAX, "%.*s %.*s", (int)topic_len, topic, (int)payload_len,
             (const char *)payload);
    atomic_fetch_add(&received_count, 1);
}

static const medsec_publisher_listener listener = {
    .durable = on_durable, .relieved = on_relieved, .linked = on_linked, .received = on_received};

static medsec_publisher *create_with(const medsec_mqtt_options *options)
{
    for (int i = 0; i < TOKENS; i++)
        durable_ok[i] = durable_failed[i] = 0;
    durable_count = last_failure = relieved = received_count = ups = downs = 0;
    medsec_publisher *p = NULL;
    assert_int_equal(medsec_publisher_mosquitto_create(&p, options), MEDSEC_OK);
    return p;
}

static medsec_publisher *create(const char *url)
{
    const medsec_mqtt_options options = {.url = url,
                                         .client_id = "medsec-test",
                                         .will_topic = "gateway/status",
                                         .will_payload = "died",
                                         .online_payload = "online",
                                         .offline_payload = "offline"};
    return create_with(&options);
}

static loops *start(medsec_publisher *p, uint32_t count)
{
    assert_int_equal(p->ops->start(p, &listener), MEDSEC_OK);
    return loops_start(p, count);
}

static medsec_status stop(medsec_publisher *p, loops *l, uint32_t timeout_ms)
{
    loops_stop(l);
    return p->ops->stop(p, timeout_ms);
}

static void end(medsec_publisher *p, loops *l)
{
    assert_int_equal(stop(p, l, PATIENCE_MS), MEDSEC_OK);
    p->ops->destroy(p);
}

static medsec_status publish(medsec_publisher *p, unsigned number, uint8_t qos)
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

static medsec_publisher_stats stats_of(medsec_publisher *p)
{
    medsec_publisher_stats stats;
    p->ops->stats(p, &stats);
    return stats;
}

static void wait_link(medsec_publisher *p, bool up)
{
    for (int i = 0; stats_of(p).connected != up; i++) {
        assert_in_range(i, 0, PATIENCE_MS / 5);
        uv_sleep(5);
    }
}

static void wait_count(const atomic_int *count, int least)
{
    for (int i = 0; atomic_load(count) < least; i++) {
        assert_in_range(i, 0, PATIENCE_MS / 5);
        uv_sleep(5);
    }
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
    const pid_t child = fork();
    if (child == 0) {
        medsec_publisher *p = create(b->url);
        start(p, 1);
        assert_int_equal(publish(p, 1, 1), MEDSEC_OK);
        wait_count(&durable_count, 1);
        _exit(0);
    }
    int status = -1;
    waitpid(child, &status, 0);
    assert_int_equal(status, 0);
    assert_true(subscriber_expect(&s, "gateway/status 0 online", 5000));
    assert_true(subscriber_expect(&s, "gateway/status 0 died", 5000));
    subscriber_stop(&s);
}

static void deliver_all(broker *b, uint32_t loop_count)
{
    subscriber s;
    broker_start(b);
    subscriber_start(&s, b);
    medsec_publisher *p = create(b->url);
    assert_int_equal(p->ops->start(p, NULL), MEDSEC_ERR_ARGUMENT);
    assert_int_equal(p->ops->stop(p, 0), MEDSEC_ERR_STATE);
    loops *l = start(p, loop_count);
    assert_int_equal(p->ops->start(p, &listener), MEDSEC_ERR_STATE);
    for (unsigned i = 1; i < 3000; i++)
        assert_int_equal(publish(p, i, i % MIXED == 0), MEDSEC_OK);
    assert_int_equal(stop(p, l, PATIENCE_MS), MEDSEC_OK);
    const medsec_publisher_stats stats = stats_of(p);
    assert_int_equal(stats.published, 2999);
    assert_int_equal(stats.lost, 0);
    assert_int_equal(stats.queued, 0);
    assert_int_equal(stats.links, 1);
    assert_int_equal(stats.links_up, 0);
    assert_int_equal(stats.mqtt_version, 5);
    assert_int_equal(publish(p, 1, 0), MEDSEC_ERR_STATE);
    expect_durable_once(2999);
    p->ops->destroy(p);
    assert_true(subscriber_expect_numbers(&s, 2999, MIXED, 20000));
    assert_true(subscriber_expect(&s, "gateway/status 0 offline", 5000));
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

typedef struct burst {
    medsec_publisher *publisher;
    unsigned from, to;
} burst;

static void publish_burst(void *context)
{
    const burst *b = context;
    for (unsigned i = b->from; i < b->to; i++)
        assert_int_equal(publish(b->publisher, i, i % MIXED == 0), MEDSEC_OK);
}

/* The connection is the first loop's; the others' messages cross over. */
static void test_all_loops_publish_while_they_run(void **state)
{
    broker *b = *state;
    subscriber s;
    broker_start(b);
    subscriber_start(&s, b);
    medsec_publisher *p = create(b->url);
    loops *l = start(p, 3);
    wait_link(p, true);
    for (unsigned i = 1; i < 3000; i += 10) {
        burst some = {.publisher = p, .from = i, .to = i + 10};
        loops_run(l, i / 10 % 3, publish_burst, &some);
        if (i % 500 == 1)
            wait_count(&durable_count, (int)i);
    }
    wait_count(&durable_count, 3000);
    expect_durable_once(3000);
    assert_true(subscriber_expect_numbers(&s, 3000, MIXED, 20000));
    end(p, l);
    subscriber_stop(&s);
}

/* Of either loop, and large ones. */
static void test_nothing_waits_for_the_next_message(void **state)
{
    broker *b = *state;
    static char payload[20000];
    broker_start(b);
    medsec_publisher *p = create(b->url);
    loops *l = start(p, 2);
    wait_link(p, true);
    const uint64_t begin = uv_hrtime();
    for (int i = 1; i <= 16; i++) {
        burst one = {.publisher = p, .from = (unsigned)i, .to = (unsigned)i + 1};
        loops_run(l, (uint32_t)i % 2, publish_burst, &one);
        wait_count(&durable_count, i);
    }
    /* A loop that is not woken turns once a second. */
    assert_in_range(uv_hrtime() - begin, 0, 6000000000);
    const medsec_message m = {.topic = "big",
                              .topic_len = 3,
                              .payload = payload,
                              .payload_len = sizeof(payload),
                              .token = 17};
    assert_int_equal(p->ops->publish(p, &m), MEDSEC_OK);
    wait_count(&durable_count, 17);
    end(p, l);
}

static void test_broker_away_at_start_is_waited_for(void **state)
{
    broker *b = *state;
    medsec_publisher *p = create(b->url);
    loops *l = start(p, 1);
    for (unsigned i = 1; i < 200; i++)
        assert_int_equal(publish(p, i, 0), MEDSEC_OK);
    while (!stats_of(p).trouble)
        uv_sleep(5);
    assert_int_equal(stats_of(p).queued, 199);
    broker_start(b);
    wait_link(p, true);
    assert_null(stats_of(p).trouble);
    for (unsigned i = 200; i < 400; i++)
        assert_int_equal(publish(p, i, 0), MEDSEC_OK);
    end(p, l);
    expect_durable_once(399);
    assert_int_equal(ups, 1);
    assert_int_equal(downs, 0);
}

static void restart_under_load(broker *b, uint8_t qos)
{
    subscriber s;
    broker_start(b);
    subscriber_start(&s, b);
    medsec_publisher *p = create(b->url);
    loops *l = start(p, 1);
    wait_link(p, true);
    for (unsigned i = 1; i < 2000; i++) {
        if (i == 500)
            broker_stop(b);
        if (i == 1000)
            broker_start(b);
        assert_int_equal(publish(p, i, qos), MEDSEC_OK);
        uv_sleep(i % 4 == 0);
    }
    wait_count(&ups, 2);
    assert_int_equal(stop(p, l, PATIENCE_MS), MEDSEC_OK);
    assert_int_equal(stats_of(p).connects, 2);
    assert_int_equal(downs, 1);
    expect_durable_once(1999);
    p->ops->destroy(p);
    if (qos == 1)
        assert_true(subscriber_expect_numbers(&s, 1999, 0, 20000));
    else
        assert_true(subscriber_expect(&s, "t/number 0 1999", PATIENCE_MS));
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
    medsec_publisher *p = create(b->url);
    loops *l = start(p, 1);
    for (unsigned i = 1; i <= 10; i++)
        assert_int_equal(publish(p, i, 1), MEDSEC_OK);
    const uint64_t begin = uv_hrtime();
    assert_int_equal(stop(p, l, 300), MEDSEC_ERR_TIMEOUT);
    assert_in_range(uv_hrtime() - begin, 250000000, 5000000000);
    assert_int_equal(durable_count, 0);
    assert_int_equal(stats_of(p).queued, 10);
    reclaimed r = {.first = 1, .limit = 4};
    p->ops->reclaim(p, take, &r);
    assert_int_equal(r.count, 4);
    assert_int_equal(stats_of(p).queued, 6);
    r.limit = 100;
    p->ops->reclaim(p, take, &r);
    assert_int_equal(r.count, 10);
    assert_int_equal(stats_of(p).queued, 0);
    assert_int_equal(durable_count, 0);
    p->ops->destroy(p);
}

typedef struct question {
    medsec_publisher *publisher;
    uint32_t index;
    bool hurried;
} question;

static void ask(void *context)
{
    question *q = context;
    q->hurried = q->publisher->ops->hurried(q->publisher, q->index, 2);
}

static bool is_hurried(loops *l, medsec_publisher *p, uint32_t index)
{
    question q = {.publisher = p, .index = index};
    loops_run(l, index, ask, &q);
    return q.hurried;
}

/* While messages wait for the confirmation of others, in the loop where that comes. */
static void test_hurried_while_the_window_is_full(void **state)
{
    broker *b = *state;
    broker_start(b);
    medsec_publisher *p = create(b->url);
    loops *l = start(p, 2);
    wait_link(p, true);
    kill(b->pid, SIGSTOP);
    /* mosquitto takes 20, of which one is for our state. */
    for (unsigned i = 1; i <= 19; i++)
        assert_int_equal(publish(p, i, 1), MEDSEC_OK);
    assert_false(is_hurried(l, p, 0));
    for (unsigned i = 20; i <= 100; i++)
        assert_int_equal(publish(p, i, 1), MEDSEC_OK);
    for (int i = 0; !is_hurried(l, p, 0); i++) {
        assert_in_range(i, 0, PATIENCE_MS / 5);
        uv_sleep(5);
    }
    assert_false(is_hurried(l, p, 1));
    kill(b->pid, SIGCONT);
    wait_count(&durable_count, 100);
    assert_false(is_hurried(l, p, 0));
    end(p, l);
}

/* What was under way when the connection broke is given back as well; nothing while it is up. */
static void test_reclaim_takes_what_is_not_confirmed(void **state)
{
    broker *b = *state;
    broker_start(b);
    medsec_publisher *p = create(b->url);
    loops *l = start(p, 1);
    wait_link(p, true);
    kill(b->pid, SIGSTOP);
    for (unsigned i = 1; i <= 200; i++)
        assert_int_equal(publish(p, i, 1), MEDSEC_OK);
    reclaimed r = {.first = 1, .limit = 1000};
    p->ops->reclaim(p, take, &r);
    assert_int_equal(r.count, 0);
    kill(b->pid, SIGKILL);
    broker_stop(b);
    wait_count(&downs, 1);
    p->ops->reclaim(p, take, &r);
    assert_int_equal(r.count + (unsigned)durable_count, 200);
    assert_int_equal(stats_of(p).queued, 0);
    broker_start(b);
    wait_count(&ups, 2);
    const int before = durable_count;
    for (unsigned i = 201; i <= 300; i++)
        assert_int_equal(publish(p, i, 1), MEDSEC_OK);
    wait_count(&durable_count, before + 100);
    for (unsigned i = 201; i <= 300; i++)
        assert_int_equal(durable_ok[i], 1);
    end(p, l);
}

typedef struct slow_take {
    broker *broker;
    medsec_publisher *publisher;
    unsigned left; /* that it takes */
} slow_take;

static bool take_until_it_is_up(void *context, const medsec_message *m)
{
    slow_take *t = context;
    (void)m;
    if (!stats_of(t->publisher).connected) {
        broker_start(t->broker);
        wait_link(t->publisher, true);
        uv_sleep(20); /* the loop looks for something to send, and is told nothing more */
    }
    return t->left-- > 0;
}

/* The connection comes back in the middle of it: what is left leaves when it is over. */
static void test_reclaim_keeps_the_order_when_the_broker_comes_back(void **state)
{
    broker *b = *state;
    medsec_publisher *p = create(b->url);
    loops *l = start(p, 1);
    for (unsigned i = 1; i <= 100; i++)
        assert_int_equal(publish(p, i, 1), MEDSEC_OK);
    slow_take t = {.broker = b, .publisher = p, .left = 50};
    p->ops->reclaim(p, take_until_it_is_up, &t);
    assert_int_equal(t.left, UINT_MAX);
    wait_count(&durable_count, 50);
    for (unsigned i = 1; i <= 100; i++)
        assert_int_equal(durable_ok[i], i > 50);
    end(p, l);
}

static void test_reclaim_that_takes_nothing_holds_nothing_up(void **state)
{
    medsec_publisher *p = create(((broker *)*state)->url);
    loops *l = start(p, 1);
    assert_int_equal(publish(p, 1, 1), MEDSEC_OK);
    slow_take t = {.broker = *state, .publisher = p};
    p->ops->reclaim(p, take_until_it_is_up, &t);
    const uint64_t begun = uv_hrtime();
    wait_count(&durable_count, 1);
    assert_true(uv_hrtime() - begun < UINT64_C(4000000000));
    end(p, l);
}

static void test_full_queue_presses_then_refuses_then_is_relieved(void **state)
{
    broker *b = *state;
    const medsec_mqtt_options options = {
        .url = b->url, .client_id = "medsec-test", .queue_bytes = 4096};
    medsec_publisher *p = create_with(&options);
    loops *l = start(p, 1);
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
    assert_int_equal(stats_of(p).busy, 1);
    broker_start(b);
    wait_count(&relieved, 1);
    assert_false(p->ops->pressed(p, false));
    end(p, l);
    assert_int_equal(relieved, 1);
}

static void test_publish_bad_message_is_refused(void **state)
{
    const broker *b = *state;
    medsec_publisher *p = create(b->url);
    loops *l = start(p, 1);
    const medsec_message bad_topic = {.topic = "a/+", .topic_len = 3};
    assert_int_equal(p->ops->publish(p, &bad_topic), MEDSEC_ERR_TOPIC);
    const medsec_message bad_qos = {.topic = "a", .topic_len = 1, .qos = 2};
    assert_int_equal(p->ops->publish(p, &bad_qos), MEDSEC_ERR_ARGUMENT);
    assert_int_equal(stop(p, l, 0), MEDSEC_OK);
    p->ops->destroy(p);
}

static medsec_publisher *create_with_log(const broker *b, medsec_log *log)
{
    const medsec_mqtt_options options = {.url = b->url, .client_id = "medsec-test", .log = log};
    return create_with(&options);
}

static medsec_status publish_to(medsec_publisher *p, const char *topic, const void *payload,
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
    loops *l = start(p, 1);
    wait_link(p, true);
    assert_int_equal(publish_to(p, "good/1", "x", 1, 1), MEDSEC_OK);
    assert_int_equal(publish_to(p, "secret/plan", "x", 1, 2), MEDSEC_OK);
    assert_int_equal(publish_to(p, "good/big", big, sizeof(big), 3), MEDSEC_OK);
    assert_int_equal(publish_to(p, "good/2", "x", 1, 4), MEDSEC_OK);
    const medsec_message qos_0 = {
        .topic = "good/0", .topic_len = 6, .payload = big, .payload_len = sizeof(big), .token = 5};
    assert_int_equal(p->ops->publish(p, &qos_0), MEDSEC_OK);
    wait_count(&durable_count, 5);
    assert_int_equal(durable_ok[1] + durable_ok[4], 2);
    assert_int_equal(durable_failed[2] + durable_failed[3] + durable_failed[5], 3);
    assert_int_equal(last_failure, MEDSEC_ERR_LIMIT);
    assert_int_equal(stats_of(p).refused, 3);
    assert_int_equal(stats_of(p).published, 2);
    end(p, l);
    assert_int_equal(ups, 1);
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
    loops *l = start(p, 1);
    while (!stats_of(p).trouble)
        uv_sleep(5);
    broker_start(b);
    wait_link(p, true);
    broker_stop(b);
    wait_count(&downs, 1);
    assert_int_equal(publish(p, 1, 1), MEDSEC_OK);
    assert_int_equal(stop(p, l, 0), MEDSEC_ERR_TIMEOUT);
    p->ops->destroy(p);
    assert_true(log_file_has(&f, "broker-unreachable", "nobody listens there"));
    assert_true(log_file_has(&f, "broker-lost", b->url));
    assert_true(log_file_has(&f, "messages-lost", "messages=1"));
    log_file_close(&f);
}

/* Until it comes: a subscription is made at some moment after the connection. */
static void expect_received(medsec_publisher *p, const char *topic, const char *text)
{
    char want[RECEIVED_MAX];
    snprintf(want, sizeof(want), "%s %s", topic, text);
    const int seen = received_count;
    for (int i = 0; i < 100 && received_count == seen; i++) {
        assert_int_equal(publish_to(p, topic, text, strlen(text), 0), MEDSEC_OK);
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
    medsec_publisher *p = create(b->url);
    assert_int_equal(p->ops->subscribe(p, NULL), MEDSEC_ERR_ARGUMENT);
    assert_int_equal(p->ops->subscribe(p, "Pico/+/Command/Config"), MEDSEC_OK);
    assert_int_equal(p->ops->subscribe(p, "other"), MEDSEC_ERR_STATE);
    loops *l = start(p, 1);
    wait_link(p, true);
    expect_received(p, "Pico/dev-1/Command/Config", "{\"version\":1}");
    const int seen = received_count;
    assert_int_equal(publish_to(p, "Pico/dev-1/Command/Config/Result", "{}", 2, 1), MEDSEC_OK);
    assert_int_equal(publish_to(p, "Pico/dev-1/Reading", "{}", 2, 2), MEDSEC_OK);
    wait_count(&durable_count, 2);
    broker_stop(b);
    wait_count(&downs, 1);
    assert_int_equal(received_count, seen);
    broker_start(b);
    wait_count(&ups, 2);
    received_count = 0;
    expect_received(p, "Pico/dev-2/Command/Config", "");
    end(p, l);
}

/* What is retained would come again at each connection, after what was said later. */
static void test_what_is_retained_is_not_received(void **state)
{
    broker *b = *state;
    broker_start(b);
    medsec_publisher *p = create(b->url);
    const medsec_message m = {.topic = "a/b", .topic_len = 3, .qos = 1, .retain = true};
    const medsec_message qos_0 = {
        .topic = "a/d", .topic_len = 3, .retain = true, .payload = "x", .payload_len = 1};
    loops *l = start(p, 1);
    assert_int_equal(p->ops->publish(p, &m), MEDSEC_OK);
    assert_int_equal(p->ops->publish(p, &qos_0), MEDSEC_OK);
    end(p, l);
    subscriber s;
    subscriber_start(&s, b);
    assert_true(subscriber_expect(&s, "a/d 1 x", PATIENCE_MS));
    subscriber_stop(&s);
    p = create(b->url);
    assert_int_equal(p->ops->subscribe(p, "a/#"), MEDSEC_OK);
    l = start(p, 1);
    wait_link(p, true);
    expect_received(p, "a/c", "now");
    end(p, l);
    for (int i = 0; i < received_count; i++)
        assert_string_equal(received[i], "a/c now");
}

static void speak_to_old_broker(bool hangs_up)
{
    old_broker o;
    old_broker_start(&o, hangs_up);
    log_file f;
    log_file_open(&f);
    const medsec_mqtt_options options = {.url = o.url, .client_id = "medsec-test", .log = f.log};
    medsec_publisher *p = create_with(&options);
    assert_int_equal(p->ops->subscribe(p, "Pico/+/Command/Config"), MEDSEC_OK);
    loops *l = start(p, 1);
    wait_link(p, true);
    assert_int_equal(stats_of(p).mqtt_version, 4);
    for (int i = 0; !log_file_has(&f, "subscription-refused", "Pico/+/Command/Config"); i++) {
        assert_in_range(i, 0, PATIENCE_MS / 5);
        uv_sleep(5);
    }
    assert_int_equal(stop(p, l, 1000), MEDSEC_OK);
    p->ops->destroy(p);
    old_broker_end(&o);
    assert_int_equal(o.attempts, 2);
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
    medsec_publisher *p = create(b->url);
    loops *l = start(p, 1);
    for (unsigned i = 1; i <= 500; i++)
        assert_int_equal(publish(p, i, 1), MEDSEC_OK);
    wait_count(&durable_count, 500);
    expect_durable_once(500);
    end(p, l);
    assert_int_equal(ups, 1);
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
        CASE(test_stop_delivers_what_was_never_attached),
        CASE(test_all_loops_publish_while_they_run),
        CASE(test_nothing_waits_for_the_next_message),
        CASE(test_broker_away_at_start_is_waited_for),
        CASE(test_restart_of_the_broker_loses_no_acknowledged_message),
        CASE(test_restart_of_the_broker_at_qos_0_goes_on),
        CASE(test_stop_without_broker_leaves_all_to_be_reclaimed),
        CASE(test_hurried_while_the_window_is_full),
        CASE(test_reclaim_takes_what_is_not_confirmed),
        CASE(test_reclaim_keeps_the_order_when_the_broker_comes_back),
        CASE(test_reclaim_that_takes_nothing_holds_nothing_up),
        CASE(test_full_queue_presses_then_refuses_then_is_relieved),
        CASE(test_publish_bad_message_is_refused),
        CASE(test_what_the_broker_refuses_is_reported),
        CASE(test_loss_and_absence_are_logged_with_the_reason),
        CASE(test_subscription_outlives_the_connection),
        CASE(test_what_is_retained_is_not_received),
        CASE(test_old_broker_is_spoken_to_in_its_version),
        CASE(test_old_broker_that_hangs_up_is_spoken_to_in_its_version),
        CASE(test_receive_maximum_is_kept),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
