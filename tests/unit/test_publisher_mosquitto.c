/* SPDX-License-Identifier: Apache-2.0 */
/* What libmosquitto has of its own: it works in the gateway's loops. */
#include "client_bench.h"
#include "unit.h"

#include "publisher/mosquitto_parts.h"

#include <signal.h>
#include <stdio.h>
#include <uv.h>

typedef struct burst {
    medsec_publisher *publisher;
    unsigned from, to;
} burst;

static void publish_burst(void *context)
{
    const burst *b = context;
    for (unsigned i = b->from; i < b->to; i++)
        assert_int_equal(client_publish(b->publisher, i, i % CLIENT_MIXED == 0), MEDSEC_OK);
}

/* The connection is the first loop's; the others' messages cross over. */
static void test_all_loops_publish_while_they_run(void **state)
{
    broker *b = *state;
    subscriber s;
    broker_start(b);
    subscriber_start(&s, b);
    medsec_publisher *p = client_create(b->url);
    loops *l = client_start(p, 3);
    client_wait_link(p, true);
    for (unsigned i = 1; i < 3000; i += 10) {
        burst some = {.publisher = p, .from = i, .to = i + 10};
        loops_run(l, i / 10 % 3, publish_burst, &some);
        if (i % 500 == 1)
            client_wait(&told.durable, (int)i);
    }
    client_wait(&told.durable, 3000);
    client_expect_each_once(3000);
    assert_true(subscriber_expect_numbers(&s, 3000, CLIENT_MIXED));
    client_end(p, l);
    subscriber_stop(&s);
}

static void stop_clock(void *publisher)
{
    (void)uv_timer_stop(&((mosq *)publisher)->second);
}

/* Of either loop, and large ones: each wakes the connection's loop, which nothing else turns here.
 */
static void test_nothing_waits_for_the_next_message(void **state)
{
    broker *b = *state;
    static char payload[20000];
    broker_start(b);
    medsec_publisher *p = client_create(b->url);
    loops *l = client_start(p, 2);
    client_wait_link(p, true);
    loops_run(l, 0, stop_clock, p);
    for (int i = 1; i <= 16; i++) {
        burst one = {.publisher = p, .from = (unsigned)i, .to = (unsigned)i + 1};
        loops_run(l, (uint32_t)i % 2, publish_burst, &one);
        client_wait(&told.durable, i);
    }
    const medsec_message m = {.topic = "big",
                              .topic_len = 3,
                              .payload = payload,
                              .payload_len = sizeof(payload),
                              .token = 17};
    assert_int_equal(p->ops->publish(p, &m), MEDSEC_OK);
    client_wait(&told.durable, 17);
    client_end(p, l);
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
    medsec_publisher *p = client_create(b->url);
    loops *l = client_start(p, 2);
    client_wait_link(p, true);
    kill(b->pid, SIGSTOP);
    /* mosquitto takes 20, of which one is for our state. */
    for (unsigned i = 1; i <= 19; i++)
        assert_int_equal(client_publish(p, i, 1), MEDSEC_OK);
    assert_false(is_hurried(l, p, 0));
    for (unsigned i = 20; i <= 100; i++)
        assert_int_equal(client_publish(p, i, 1), MEDSEC_OK);
    for (int i = 0; !is_hurried(l, p, 0); i++) {
        assert_in_range(i, 0, CLIENT_PATIENCE_MS / 5);
        uv_sleep(5);
    }
    assert_false(is_hurried(l, p, 1));
    kill(b->pid, SIGCONT);
    client_wait(&told.durable, 100);
    assert_false(is_hurried(l, p, 0));
    client_end(p, l);
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
    if (!client_stats(t->publisher).connected) {
        broker_start(t->broker);
        client_wait_link(t->publisher, true);
        uv_sleep(20); /* the loop looks for something to send, and is told nothing more */
    }
    return t->left-- > 0;
}

/* The connection comes back in the middle of it: what is left leaves when it is over. */
static void test_reclaim_keeps_the_order_when_the_broker_comes_back(void **state)
{
    broker *b = *state;
    medsec_publisher *p = client_create(b->url);
    loops *l = client_start(p, 1);
    for (unsigned i = 1; i <= 100; i++)
        assert_int_equal(client_publish(p, i, 1), MEDSEC_OK);
    slow_take t = {.broker = b, .publisher = p, .left = 50};
    p->ops->reclaim(p, take_until_it_is_up, &t);
    assert_int_equal(t.left, UINT_MAX);
    client_wait(&told.durable, 50);
    for (unsigned i = 1; i <= 100; i++)
        assert_int_equal(told.ok[i], i > 50);
    client_end(p, l);
}

static void test_reclaim_that_takes_nothing_holds_nothing_up(void **state)
{
    medsec_publisher *p = client_create(((broker *)*state)->url);
    loops *l = client_start(p, 1);
    loops_run(l, 0, stop_clock, p); /* which would turn it all the same */
    assert_int_equal(client_publish(p, 1, 1), MEDSEC_OK);
    slow_take t = {.broker = *state, .publisher = p};
    p->ops->reclaim(p, take_until_it_is_up, &t);
    client_wait(&told.durable, 1);
    client_end(p, l);
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
        CASE(test_all_loops_publish_while_they_run),
        CASE(test_nothing_waits_for_the_next_message),
        CASE(test_hurried_while_the_window_is_full),
        CASE(test_reclaim_keeps_the_order_when_the_broker_comes_back),
        CASE(test_reclaim_that_takes_nothing_holds_nothing_up),
    };
    client_use(medsec_publisher_mosquitto_create);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
