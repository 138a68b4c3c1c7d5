/* SPDX-License-Identifier: Apache-2.0 */
/* Against a real mosquitto; skipped where there is none. */
#include "log_file.h"
#include "loops.h"
#include "mosquitto.h"

#include "publisher/mosquitto_parts.h"

#include <medsec/publisher.h>

#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <uv.h>

#include <cmocka.h>

#define MESSAGES 3000
#define BYTES 6000u /* together more than the buffers of both sockets */
#define PATIENCE_MS 60000

static atomic_int written[MESSAGES], written_count, ups, downs;

static void on_durable(void *context, uint64_t token, medsec_status status)
{
    (void)context;
    assert_int_equal(status, MEDSEC_OK);
    atomic_fetch_add(&written[token - 1], 1);
    atomic_fetch_add(&written_count, 1);
}

static void on_linked(void *context, bool up)
{
    (void)context;
    atomic_fetch_add(up ? &ups : &downs, 1);
}

static const medsec_publisher_listener listener = {.durable = on_durable, .linked = on_linked};

static void wait_count(const atomic_int *count, int least)
{
    for (int i = 0; atomic_load(count) < least; i++) {
        assert_in_range(i, 0, PATIENCE_MS / 5);
        uv_sleep(5);
    }
}

typedef struct question {
    const mosq *client;
    bool is_blocked;
} question;

/* Between two turns of its loop: the kernel takes no more. */
static void ask(void *context)
{
    question *q = context;
    q->is_blocked = medsec__mosq_is_sending(q->client);
}

static void wait_blocked(loops *l, const medsec_publisher *p)
{
    question q = {.client = (const mosq *)p};
    for (int i = 0; !q.is_blocked; i++) {
        assert_in_range(i, 0, PATIENCE_MS / 5);
        uv_sleep(5);
        loops_run(l, 0, ask, &q);
    }
}

static void publish_all(medsec_publisher *p)
{
    static char payload[BYTES];
    for (unsigned i = 1; i <= MESSAGES; i++) {
        const medsec_message m = {.topic = "t",
                                  .topic_len = 1,
                                  .payload = payload,
                                  .payload_len = sizeof(payload),
                                  .token = i};
        assert_int_equal(p->ops->publish(p, &m), MEDSEC_OK);
    }
}

/* Half of a packet is written when the connection breaks: the next one begins with a whole one. */
static void test_send_that_was_cut_begins_anew(void **state)
{
    broker *b = *state;
    medsec_publisher *p = NULL;
    log_file f;
    log_file_open(&f);
    const medsec_mqtt_options options = {.url = b->url, .client_id = "medsec-test", .log = f.log};
    assert_int_equal(medsec_publisher_mosquitto_create(&p, &options), MEDSEC_OK);
    assert_int_equal(p->ops->start(p, &listener), MEDSEC_OK);
    broker_start(b);
    loops *l = loops_start(p, 1);
    wait_count(&ups, 1);
    kill(b->pid, SIGSTOP);
    publish_all(p);
    wait_count(&written_count, 1);
    wait_blocked(l, p);
    kill(b->pid, SIGKILL);
    broker_stop(b);
    wait_count(&downs, 1);
    assert_in_range(written_count, 1, MESSAGES - 1);
    broker_start(b);
    wait_count(&written_count, MESSAGES);
    loops_stop(l);
    assert_int_equal(p->ops->stop(p, PATIENCE_MS), MEDSEC_OK);
    assert_int_equal(ups, 2);
    for (int i = 0; i < MESSAGES; i++) {
        assert_int_equal(written[i], 1);
    }
    p->ops->destroy(p);
    assert_true(log_file_has(&f, "broker-lost", b->url));
    assert_false(log_file_has(&f, "broker-unreachable", "closed the connection"));
    log_file_close(&f);
}

static broker one;

static int prepare(void **state)
{
    broker_prepare(&one);
    *state = &one;
    return 0;
}

static int clean_up(void **state)
{
    broker_remove(*state);
    return 0;
}

int main(void)
{
    if (!mosquitto_is_there()) {
        puts("skipped: no mosquitto");
        return 77;
    }
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_send_that_was_cut_begins_anew, prepare, clean_up),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
