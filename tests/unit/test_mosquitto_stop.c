/* SPDX-License-Identifier: Apache-2.0 */
/* What a stop does that has no time; the broker is a socket that listens. */
#include "unit.h"

#include <arpa/inet.h>
#include <errno.h>
#include <medsec/publisher.h>
#include <netinet/in.h>
#include <stdio.h>
#include <sys/socket.h>
#include <unistd.h>

static int listen_somewhere(char *url, size_t cap)
{
    struct sockaddr_in a = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t len = sizeof a;
    const int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    assert_true(fd >= 0);
    assert_int_equal(bind(fd, (const struct sockaddr *)&a, sizeof a), 0);
    assert_int_equal(listen(fd, 8), 0);
    assert_int_equal(getsockname(fd, (struct sockaddr *)&a, &len), 0);
    snprintf(url, cap, "mqtt://127.0.0.1:%u", ntohs(a.sin_port));
    return fd;
}

static void on_durable(void *context, uint64_t token, medsec_status status)
{
    (void)context;
    (void)token;
    (void)status;
}

static void on_relieved(void *context)
{
    (void)context;
}

/* A name may take the resolver longer than whoever stops it wants to wait. */
static void test_stop_without_time_does_not_connect(void **state)
{
    (void)state;
    static const medsec_publisher_listener listener = {.durable = on_durable,
                                                       .relieved = on_relieved};
    static const medsec_message m = {
        .topic = "t", .topic_len = 1, .payload = "1", .payload_len = 1, .qos = 1};
    char url[64];
    medsec_publisher *p = NULL;
    medsec_publisher_stats stats;
    const int fd = listen_somewhere(url, sizeof url);
    const medsec_mqtt_options options = {.url = url, .client_id = "medsec-test"};
    assert_int_equal(medsec_publisher_mosquitto_create(&p, &options), MEDSEC_OK);
    assert_int_equal(p->ops->start(p, &listener), MEDSEC_OK);
    assert_int_equal(p->ops->publish(p, &m), MEDSEC_OK);
    assert_int_equal(p->ops->stop(p, 0), MEDSEC_ERR_TIMEOUT);
    assert_int_equal(accept(fd, NULL, NULL), -1);
    assert_int_equal(errno, EAGAIN);
    p->ops->stats(p, &stats);
    assert_int_equal(stats.queued, 1);
    p->ops->destroy(p);
    close(fd);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_stop_without_time_does_not_connect),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
