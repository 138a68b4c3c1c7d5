/* SPDX-License-Identifier: Apache-2.0 */
/* Devices that come through a load balancer, at 127.0.0.1. */
#include "gate.h"
#include "log_file.h"
#include "unit.h"
#include "v1_gateway_fixture.h"

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <uv.h>

#define BALANCER "127.0.0.1"
#define QUIET_MS 100u
#define LOCAL "\r\n\r\n\0\r\nQUIT\n\x20\0\0\0"

static v1_fixture *start(void **state)
{
    v1_fixture *f = *state;
    f->options.proxy_protocol = "192.0.2.77," BALANCER;
    f->options.publish = MEDSEC_PUBLISH_FIELDS;
    v1_start(f);
    return f;
}

static void open_and_send(v1_fixture *f, v1_client *c, const void *data, size_t len)
{
    v1_client_make(f, c, 1);
    v1_client_open(f, c);
    v1_client_send(c, data, len);
}

static void expect_rejected(v1_fixture *f, v1_client *c, medsec_status reason)
{
    v1_client_expect_end(c, V1_WAIT_MS);
    v1_expect_count(f, connections, 0);
    assert_int_equal(v1_stats(f).rejected[-reason], 1);
    v1_client_close(c);
}

static void test_address_is_that_of_the_header(void **state)
{
    v1_fixture *f = start(state);
    v1_client c;
    v1_client_make(f, &c, 1);
    v1_client_come_from(f, &c, "192.0.2.7");
    v1_client_connect(f, &c);
    v1_client_readings(&c, 1);
    v1_expect(f, "Pico/dev-1/Ip_address", "192.0.2.7");
    v1_expect(f, "Pico/dev-1/Port_address", "4711");
    v1_expect(f, "Pico/dev-1/Internal_Server/Ip_address", "127.0.0.1");
    v1_client_close(&c);
}

static void test_seed_device_behind_a_balancer(void **state)
{
    v1_fixture *f = *state;
    v1_client c;
    v1_seed_add(f);
    start(state);
    v1_client_make(f, &c, 1);
    v1_client_come_from(f, &c, "192.0.2.8");
    v1_client_open(f, &c);
    v1_seed_readings(&c, 1);
    v1_expect(f, "Pico/dev-4/Ip_address", "192.0.2.8");
    v1_client_close(&c);
}

/* Sent byte by byte: each may come alone. */
static void test_header_in_pieces(void **state)
{
    v1_fixture *f = *state;
    v1_client c;
    v1_seed_add(f);
    start(state);
    static const char header[] = "PROXY TCP6 2001:db8::7 2001:db8::1 4711 9998\r\n";
    v1_client_make(f, &c, 1);
    v1_client_open(f, &c);
    for (size_t i = 0; i < sizeof header - 1; i++) {
        v1_client_send(&c, (const uint8_t *)header + i, 1);
        uv_sleep(1);
    }
    v1_seed_readings(&c, 1);
    v1_expect(f, "Pico/dev-4/Ip_address", "2001:db8::7");
    v1_client_close(&c);
}

/* What comes in the same segment is the device's. */
static void test_header_with_the_first_bytes_of_the_device(void **state)
{
    v1_fixture *f = *state;
    v1_client c;
    const int on = 1, off = 0;
    v1_seed_add(f);
    start(state);
    v1_client_make(f, &c, 1);
    v1_client_open(f, &c);
    assert_int_equal(setsockopt(c.fd, IPPROTO_TCP, TCP_CORK, &on, sizeof on), 0);
    v1_client_send(&c, (const uint8_t *)"PROXY UNKNOWN\r\n", 15);
    v1_seed_readings(&c, 1);
    assert_int_equal(setsockopt(c.fd, IPPROTO_TCP, TCP_CORK, &off, sizeof off), 0);
    v1_expect(f, "Pico/dev-4/Ip_address", "127.0.0.1");
    v1_client_close(&c);
}

/* An address of the header has its limit, the balancer none. */
static void test_limit_is_that_of_the_device(void **state)
{
    enum { DEVICES = 20 };
    v1_fixture *f = *state;
    v1_client c[DEVICES], again, stranger;
    gate_stop_time();
    f->options.source_rate = 1;
    f->options.source_burst = 1;
    start(state);
    for (unsigned i = 0; i < DEVICES; i++) {
        char address[32];
        snprintf(address, sizeof address, "192.0.2.%u", i);
        v1_client_make(f, &c[i], 1);
        v1_client_come_from(f, &c[i], address);
        v1_client_open(f, &c[i]);
    }
    v1_expect_count(f, accepted, DEVICES);
    v1_client_expect_silence(&c[0], QUIET_MS);
    assert_int_equal(v1_stats(f).source_limited, 0);
    v1_client_make(f, &again, 1);
    v1_client_come_from(f, &again, "192.0.2.3");
    v1_client_open(f, &again);
    v1_client_expect_end(&again, V1_WAIT_MS);
    v1_expect_count(f, source_limited, 1);
    v1_expect_count(f, rejected[-MEDSEC_ERR_FLOOD], 1);
    v1_client_make(f, &stranger, 1);
    stranger.source = "127.0.0.9"; /* is not the balancer */
    v1_client_open(f, &stranger);
    v1_expect_count(f, accepted, DEVICES + 2);
    v1_client_close(&stranger);
    v1_client_open(f, &stranger);
    v1_client_expect_end(&stranger, V1_WAIT_MS);
    v1_expect_count(f, source_limited, 2); /* counted after it was closed */
    v1_client_close(&stranger);
    v1_client_close(&again);
    for (unsigned i = 0; i < DEVICES; i++) {
        v1_client_close(&c[i]);
    }
}

/* What a balancer does for itself is welcome as often as it likes. */
static void test_balancer_itself_is_not_limited(void **state)
{
    enum { TIMES = 20 };
    v1_fixture *f = *state;
    gate_stop_time();
    f->options.source_rate = 1;
    f->options.source_burst = 1;
    start(state);
    for (unsigned i = 0; i < TIMES; i++) {
        v1_client c;
        open_and_send(f, &c, LOCAL, sizeof LOCAL - 1);
        v1_expect_count(f, accepted, i + 1);
        v1_client_expect_silence(&c, 5);
        v1_client_close(&c);
    }
    v1_expect_count(f, connections, 0);
    assert_int_equal(v1_stats(f).source_limited, 0);
    assert_int_equal(v1_stats(f).rejected[-MEDSEC_ERR_FLOOD], 0);
}

static void test_balancer_without_a_header_is_refused(void **state)
{
    v1_fixture *f = start(state);
    v1_client c;
    uint8_t hello[MEDSEC_HELLO_LEN];
    v1_client_make(f, &c, 1);
    v1_hello(&c.device, hello, &c.secrets, c.suite, "no header");
    v1_client_open(f, &c);
    v1_client_send(&c, hello, sizeof hello);
    expect_rejected(f, &c, MEDSEC_ERR_SYNTAX);
    assert_int_equal(v1_stats(f).welcomes, 0);
}

/* A device that speaks of an address, too, is not heard. */
static void test_header_comes_once(void **state)
{
    v1_fixture *f = start(state);
    v1_client c;
    static const char headers[] = "PROXY TCP4 192.0.2.1 192.0.2.2 1 2\r\n"
                                  "PROXY TCP4 192.0.2.3 192.0.2.2 1 2\r\n";
    open_and_send(f, &c, headers, sizeof headers - 1);
    expect_rejected(f, &c, MEDSEC_ERR_WIRE);
}

static void test_header_that_is_bad(void **state)
{
    v1_fixture *f = start(state);
    v1_client c;
    static const char header[] = "PROXY TCP4 192.0.2.1 192.0.2.2 1 65536\r\n";
    open_and_send(f, &c, header, sizeof header - 1);
    expect_rejected(f, &c, MEDSEC_ERR_SYNTAX);
}

static void test_header_that_ends_early(void **state)
{
    v1_fixture *f = start(state);
    v1_client c;
    open_and_send(f, &c, "PROXY TCP4 192.0", 16);
    v1_expect_count(f, accepted, 1);
    assert_int_equal(shutdown(c.fd, SHUT_WR), 0);
    expect_rejected(f, &c, MEDSEC_ERR_CLOSED);
}

/* Whether somebody listens is asked so. */
static void test_balancer_that_says_nothing_and_goes(void **state)
{
    v1_fixture *f = start(state);
    v1_client c;
    v1_client_make(f, &c, 1);
    v1_client_open(f, &c);
    v1_expect_count(f, accepted, 1);
    v1_client_close(&c);
    v1_expect_count(f, connections, 0);
    for (unsigned i = 0; i < MEDSEC_GATEWAY_REASONS; i++) {
        assert_int_equal(v1_stats(f).rejected[i], 0);
    }
}

/* The peer of a line is the balancer until there is a header, then the device. */
static void test_header_or_device_that_does_not_come(void **state)
{
    v1_fixture *f = *state;
    v1_client c, device;
    log_file log;
    log_file_open(&log);
    f->options.log = log.log;
    f->options.identify_timeout_ms = 1000;
    start(state);
    open_and_send(f, &c, "PROXY ", 6);
    v1_client_expect_end(&c, V1_WAIT_MS);
    expect_rejected(f, &c, MEDSEC_ERR_TIMEOUT);
    assert_true(log_file_has(&log, "proxy-header-bad", "peer=" BALANCER ":"));
    v1_client_make(f, &device, 1);
    v1_client_come_from(f, &device, "192.0.2.7");
    v1_client_open(f, &device);
    v1_client_expect_end(&device, V1_WAIT_MS);
    v1_expect_count(f, rejected[-MEDSEC_ERR_TIMEOUT], 2);
    assert_true(log_file_has(&log, " rejected", "peer=192.0.2.7:4711"));
    v1_client_close(&device);
    medsec_gateway_destroy(f->gateway);
    f->gateway = NULL;
    log_file_close(&log);
}

/* Also where a device proved itself from the balancer's own address: who it is is not known yet. */
static void test_header_that_is_not_whole_gives_way_first(void **state)
{
    v1_fixture *f = *state;
    v1_client c, strangers[2];
    f->options.threads = 1;
    f->options.max_half_open = 2;
    start(state);
    v1_client_make(f, &c, 1);
    c.header = "PROXY UNKNOWN\r\n";
    v1_client_connect(f, &c);
    v1_client_readings(&c, 1);
    v1_expect(f, "Pico/dev-1/Ip_address", BALANCER);
    v1_client_close(&c);
    v1_expect_count(f, connections, 0);
    open_and_send(f, &c, "PROXY ", 6);
    v1_expect_count(f, half_open, 1);
    for (unsigned i = 0; i < 2; i++) {
        v1_client_make(f, &strangers[i], 1);
        strangers[i].source = "127.0.0.9";
        v1_client_open(f, &strangers[i]);
    }
    v1_client_expect_end(&c, V1_WAIT_MS);
    v1_client_expect_silence(&strangers[0], QUIET_MS);
    v1_client_close(&c);
    v1_client_close(&strangers[0]);
    v1_client_close(&strangers[1]);
}

/* Nobody else is believed, nor needs it. */
static void test_header_of_somebody_else_is_bad_input(void **state)
{
    static const char header[] = "PROXY TCP4 192.0.2.1 192.0.2.2 1 2\r\n";
    v1_fixture *f = start(state);
    v1_client c, device;
    v1_client_make(f, &c, 1);
    c.source = "127.0.0.9";
    c.header = header;
    v1_client_open(f, &c);
    expect_rejected(f, &c, MEDSEC_ERR_WIRE);
    v1_client_make(f, &device, 1);
    device.source = "127.0.0.9";
    v1_client_connect(f, &device);
    v1_client_readings(&device, 1);
    v1_expect(f, "Pico/dev-1/Ip_address", "127.0.0.9");
    v1_client_close(&device);
}

static void test_stop_with_a_header_that_is_not_whole(void **state)
{
    v1_fixture *f = start(state);
    v1_client c;
    open_and_send(f, &c, "PROXY ", 6);
    v1_expect_count(f, accepted, 1);
    assert_int_equal(medsec_gateway_stop(f->gateway, V1_WAIT_MS), MEDSEC_OK);
    v1_client_expect_end(&c, V1_WAIT_MS);
    v1_client_close(&c);
}

/* Under pressure a header is read all the same: whose place it takes has to be known. */
static void test_header_under_back_pressure(void **state)
{
    v1_fixture *f = *state;
    v1_client c;
    gate_stop_time();
    f->options.source_rate = 1;
    f->options.source_burst = 1;
    start(state);
    held_press(f->publisher, true);
    for (unsigned i = 0; i < 2; i++) {
        v1_client_make(f, &c, 1);
        v1_client_come_from(f, &c, "192.0.2.1");
        v1_client_open(f, &c);
        v1_client_send(&c, (const uint8_t *)"x", 1);
        if (i == 0) {
            v1_client_expect_silence(&c, QUIET_MS);
        } else {
            v1_client_expect_end(&c, V1_WAIT_MS);
        }
        v1_client_close(&c);
    }
    v1_expect_count(f, source_limited, 1);
    held_press(f->publisher, false);
    held_relieve(f->publisher);
}

static void test_check_proxy_protocol(void **state)
{
    v1_fixture *f = *state;
    assert_int_equal(medsec_gateway_check_proxy_protocol("10.0.0.0/8,::1"), MEDSEC_OK);
    assert_int_equal(medsec_gateway_check_proxy_protocol("10.0.0.1/8"), MEDSEC_ERR_ARGUMENT);
    assert_int_equal(medsec_gateway_check_proxy_protocol(NULL), MEDSEC_ERR_ARGUMENT);
    f->options.proxy_protocol = "nowhere";
    assert_int_equal(medsec_gateway_create(&f->gateway, &f->options), MEDSEC_ERR_ARGUMENT);
}

static int teardown(void **state)
{
    gate_reset();
    return v1_fixture_teardown(state);
}

int main(void)
{
#define CASE(name) cmocka_unit_test_setup_teardown(name, v1_fixture_setup, teardown)
    const struct CMUnitTest tests[] = {
        CASE(test_address_is_that_of_the_header),
        CASE(test_seed_device_behind_a_balancer),
        CASE(test_header_in_pieces),
        CASE(test_header_with_the_first_bytes_of_the_device),
        CASE(test_limit_is_that_of_the_device),
        CASE(test_balancer_itself_is_not_limited),
        CASE(test_balancer_without_a_header_is_refused),
        CASE(test_header_comes_once),
        CASE(test_header_that_is_bad),
        CASE(test_header_that_ends_early),
        CASE(test_balancer_that_says_nothing_and_goes),
        CASE(test_header_or_device_that_does_not_come),
        CASE(test_header_that_is_not_whole_gives_way_first),
        CASE(test_header_of_somebody_else_is_bad_input),
        CASE(test_stop_with_a_header_that_is_not_whole),
        CASE(test_header_under_back_pressure),
        CASE(test_check_proxy_protocol),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
