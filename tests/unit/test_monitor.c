/* SPDX-License-Identifier: Apache-2.0 */
#include "unit.h"
#include "v1_gateway_fixture.h"

#include <arpa/inet.h>
#include <medsec/metrics.h>
#include <monitor.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

/* A publisher that is nothing but what it says of itself. */
typedef struct told_publisher {
    medsec_publisher base;
    medsec_publisher_stats stats;
} told_publisher;

static void tell(medsec_publisher *publisher, medsec_publisher_stats *stats)
{
    *stats = ((told_publisher *)publisher)->stats;
}

static const medsec_publisher_ops told = {.stats = tell};

typedef struct fixture {
    v1_fixture *v1;
    told_publisher publisher;
    monitor *monitor;
} fixture;

static int set_up(void **state)
{
    fixture *f = calloc(1, sizeof *f);
    void *v1 = NULL;
    if (!f || v1_fixture_setup(&v1) != 0) {
        return -1;
    }
    f->v1 = v1;
    v1_start(f->v1);
    f->publisher.base.ops = &told;
    *state = f;
    return monitor_open(&f->monitor, "127.0.0.1:0", f->v1->gateway, &f->publisher.base) == MEDSEC_OK
               ? 0
               : -1;
}

static int tear_down(void **state)
{
    fixture *f = *state;
    void *v1 = f->v1;
    monitor_close(f->monitor);
    free(f);
    return v1_fixture_teardown(&v1);
}

static void receive_all(int fd, char *text, size_t cap)
{
    size_t len = 0;
    for (ssize_t n; len + 1 < cap && (n = recv(fd, text + len, cap - 1 - len, 0)) > 0;) {
        len += (size_t)n;
    }
    text[len] = '\0';
}

/* Asks, and expects this status and, at the end, this text. */
static void expect(const fixture *f, const char *path, const char *status, const char *text)
{
    static char answer[2 * MEDSEC_METRICS_MAX];
    const struct sockaddr_in at = {.sin_family = AF_INET,
                                   .sin_port = htons(monitor_port(f->monitor)),
                                   .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    const int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_int_equal(connect(fd, (const struct sockaddr *)&at, sizeof at), 0);
    assert_true(dprintf(fd, "GET %s HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n", path) > 0);
    receive_all(fd, answer, sizeof answer);
    close(fd);
    assert_non_null(strstr(answer, status));
    assert_true(strlen(answer) > strlen(text));
    assert_string_equal(answer + strlen(answer) - strlen(text), text);
}

static void expect_ready(fixture *f, const medsec_publisher_stats *stats, const char *text)
{
    f->publisher.stats = *stats;
    expect(f, "/readyz", strncmp(text, "ok", 2) == 0 ? " 200 " : " 503 ", text);
}

static void test_ready_follows_the_state(void **state)
{
    fixture *f = *state;
    const medsec_publisher_stats up = {.connected = true};
    expect_ready(f, &up, "starting\n");
    monitor_set(f->monitor, MONITOR_SERVING);
    expect_ready(f, &up, "ok\n");
    monitor_set(f->monitor, MONITOR_STOPPING);
    expect_ready(f, &up, "stopping\n");
}

static void test_ready_follows_broker_and_spool(void **state)
{
    fixture *f = *state;
    const medsec_publisher_stats away = {.trouble = "for a reason"};
    const medsec_publisher_stats unknown = {.connected = false};
    const medsec_publisher_stats spooling = {.spooling = true, .trouble = "for a reason"};
    const medsec_publisher_stats full = {.spooling = true, .spool_full = true};
    const medsec_publisher_stats draining = {.connected = true, .spool_full = true};
    const medsec_publisher_stats failed = {.spooling = true, .spool_failed = true};
    const medsec_publisher_stats passing = {.connected = true, .spool_failed = true};
    monitor_set(f->monitor, MONITOR_SERVING);
    expect_ready(f, &away, "\nthe broker is away: for a reason\n");
    expect_ready(f, &unknown, "\nthe broker is away\n");
    expect_ready(f, &spooling, "ok: the broker is away, spooling: for a reason\n");
    expect_ready(f, &full, "\nthe spool is full\n");
    expect_ready(f, &draining, "\nthe spool is full\n");
    expect_ready(f, &failed, "\nthe broker is away, and the spool's disk fails\n");
    expect_ready(f, &passing, "ok\n");
}

static void test_metrics_hold_what_the_publisher_says(void **state)
{
    fixture *f = *state;
    f->publisher.stats.spool_syncs = 77;
    expect(f, "/metrics", "application/openmetrics-text", "medsec_spool_syncs_total 77\n# EOF\n");
}

static void wait_health(const fixture *f, bool healthy)
{
    for (unsigned i = 0; i < V1_WAIT_MS && monitor_is_healthy(f->v1->gateway, 1500) != healthy;
         i++) {
        usleep(1000);
    }
    assert_int_equal(monitor_is_healthy(f->v1->gateway, 1500), healthy);
}

/* A loop that publishes to one that waits does not turn. */
static void test_health_follows_the_loops(void **state)
{
    fixture *f = *state;
    v1_client c;
    wait_health(f, true);
    v1_client_make(f->v1, &c, 1);
    v1_client_connect(f->v1, &c);
    held_block(f->v1->publisher);
    v1_client_readings(&c, 1);
    wait_health(f, false);
    expect(f, "/healthz", " 200 ", "ok\n"); /* not for long enough */
    held_unblock(f->v1->publisher);
    v1_client_close(&c);
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        CASE(test_ready_follows_the_state), CASE(test_ready_follows_broker_and_spool),
        CASE(test_metrics_hold_what_the_publisher_says), CASE(test_health_follows_the_loops)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
