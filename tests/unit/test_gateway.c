/* SPDX-License-Identifier: Apache-2.0 */
/* The whole gateway on real sockets, with the publisher in memory. */
#include "registry_fixture.h"
#include "seed_wire.h"
#include "unit.h"

#include <arpa/inet.h>
#include <medsec/gateway.h>
#include <netinet/in.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>
#include <uv.h>

#define WAIT_MS 60000u
#define ROOM 100000u /* messages that the publisher holds, unless a test says otherwise */

typedef struct fixture {
    registry_fixture *files;
    medsec_registry *watched;
    medsec_profile_set *profiles;
    medsec_publisher *publisher;
    medsec_gateway *gateway;
} fixture;

static medsec_credential credential(const char *id, unsigned number)
{
    medsec_credential c = registry_fixture_credential(id, number);
    memcpy(c.iv, SEED_IV, sizeof(c.iv));
    return c;
}

static void add_device(const fixture *f, const char *id, unsigned number)
{
    const medsec_credential c = credential(id, number);
    assert_int_equal(medsec_registry_add(f->files->registry, &c, 0), MEDSEC_OK);
}

static int setup(void **state)
{
    fixture *f = calloc(1, sizeof(*f));
    void *files = NULL;
    if (!f || registry_fixture_setup(&files) != 0)
        return -1;
    f->files = files;
    add_device(f, "dev-1", 1);
    add_device(f, "dev-2", 2);
    f->watched = registry_fixture_open(f->files, MEDSEC_REGISTRY_READ);
    f->profiles = medsec_profile_set_create();
    *state = f;
    return 0;
}

static int teardown(void **state)
{
    fixture *f = *state;
    void *files = f->files;
    medsec_gateway_destroy(f->gateway);
    if (f->publisher)
        f->publisher->ops->destroy(f->publisher);
    medsec_profile_set_destroy(f->profiles);
    medsec_registry_close(f->watched);
    registry_fixture_teardown(&files);
    free(f);
    return 0;
}

static medsec_gateway_options options_of(fixture *f, size_t room)
{
    assert_int_equal(medsec_publisher_memory_create(&f->publisher, room), MEDSEC_OK);
    return (medsec_gateway_options){.listen = "127.0.0.1:0",
                                    .registry = f->watched,
                                    .profiles = f->profiles,
                                    .publisher = f->publisher,
                                    .threads = 2};
}

static void start(fixture *f, const medsec_gateway_options *options)
{
    assert_int_equal(medsec_gateway_create(&f->gateway, options), MEDSEC_OK);
    assert_int_equal(medsec_gateway_start(f->gateway), MEDSEC_OK);
    assert_int_not_equal(medsec_gateway_port(f->gateway), 0);
}

static void start_usual(fixture *f)
{
    const medsec_gateway_options options = options_of(f, ROOM);
    start(f, &options);
}

static int connect_socket(const fixture *f, int fd)
{
    const struct sockaddr_in a = {.sin_family = AF_INET,
                                  .sin_port = htons(medsec_gateway_port(f->gateway)),
                                  .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    assert_true(fd >= 0);
    assert_int_equal(connect(fd, (const struct sockaddr *)&a, sizeof(a)), 0);
    return fd;
}

static int connect_to(const fixture *f)
{
    return connect_socket(f, socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
}

static uint16_t own_port(int fd)
{
    struct sockaddr_in a = {0};
    socklen_t len = sizeof(a);
    assert_int_equal(getsockname(fd, (struct sockaddr *)&a, &len), 0);
    return ntohs(a.sin_port);
}

static void send_all(int fd, const char *data, size_t len)
{
    while (len > 0) {
        ssize_t n = send(fd, data, len, MSG_NOSIGNAL);
        assert_true(n > 0);
        data += n;
        len -= (size_t)n;
    }
}

/* A frame of the device of this number, whose temperature says which reading it is. */
static void add_frame(seed_wire *wire, unsigned number, unsigned temperature)
{
    const medsec_credential c = credential("x", number);
    char text[160];
    int len = snprintf(text, sizeof(text),
                       "{\"Temp\":\"%u\",\"TempMcu\":\"23.700\",\"PulseSig\":\"1.755\","
                       "\"Acel_x\":\"0.000\",\"Acel_y\":\"-0.50\",\"Acel_z\":\"0.000\","
                       "\"TempMpu\":\"23.400\"}",
                       temperature);
    char key[17];
    snprintf(key, sizeof(key), "%.16s", (const char *)c.key);
    seed_wire_frame(wire, MEDSEC_SEED_PER_BLOCK, key, text, (size_t)len);
}

static void send_frame(int fd, unsigned number, unsigned temperature)
{
    seed_wire wire = {.len = 0};
    add_frame(&wire, number, temperature);
    send_all(fd, wire.text, wire.len);
}

static bool is_closed(int fd, uint32_t timeout_ms)
{
    struct pollfd p = {.fd = fd, .events = POLLIN};
    char byte;
    return poll(&p, 1, (int)timeout_ms) == 1 && recv(fd, &byte, 1, 0) <= 0;
}

/* The next message as `topic payload`. False: none comes. */
static bool next_message(const fixture *f, char *line, size_t cap, uint32_t timeout_ms)
{
    medsec_message m;
    uint64_t end = uv_hrtime() + timeout_ms * 1000000ull;
    while (medsec_publisher_memory_take(f->publisher, &m) != MEDSEC_OK) {
        if (uv_hrtime() > end)
            return false;
        uv_sleep(1);
    }
    snprintf(line, cap, "%.*s %.*s", (int)m.topic_len, m.topic, (int)m.payload_len,
             (const char *)m.payload);
    return true;
}

static void expect_next(const fixture *f, const char *want)
{
    char line[2048];
    assert_true(next_message(f, line, sizeof(line), WAIT_MS));
    if (strncmp(line, want, strlen(want)) != 0)
        assert_string_equal(line, want);
}

/* Skips messages until one that begins so and holds `part`. */
static void expect(const fixture *f, const char *want, const char *part)
{
    char line[2048];
    do
        if (!next_message(f, line, sizeof(line), WAIT_MS))
            fail_msg("no message `%s ... %s`", want, part);
    while (strncmp(line, want, strlen(want)) != 0 || !strstr(line, part));
}

static void expect_temperature(const fixture *f, const char *device, unsigned temperature)
{
    char want[128], line[2048];
    size_t topic =
        (size_t)snprintf(want, sizeof(want), "Pico/%s/Physiological_Data/Temperature ", device);
    snprintf(want + topic, sizeof(want) - topic, "%u", temperature);
    do
        if (!next_message(f, line, sizeof(line), WAIT_MS))
            fail_msg("no message `%s`", want);
    while (strncmp(line, want, topic) != 0);
    assert_string_equal(line, want);
}

static medsec_gateway_stats stats_of(const fixture *f)
{
    medsec_gateway_stats stats;
    medsec_gateway_get_stats(f->gateway, &stats);
    return stats;
}

static void expect_rejected(const fixture *f, medsec_status reason, uint64_t count)
{
    for (unsigned i = 0; i < WAIT_MS && stats_of(f).rejected[-reason] < count; i++)
        uv_sleep(1);
    assert_int_equal(stats_of(f).rejected[-reason], count);
}

static void expect_addresses(const fixture *f, int fd)
{
    char line[64];
    expect_next(f, "Pico/dev-1/Ip_address 127.0.0.1");
    snprintf(line, sizeof(line), "Pico/dev-1/Port_address %u", own_port(fd));
    expect_next(f, line);
    expect_next(f, "Pico/dev-1/Internal_Server/Ip_address 127.0.0.1");
    snprintf(line, sizeof(line), "Pico/dev-1/Internal_Server/Port_address %u",
             medsec_gateway_port(f->gateway));
    expect_next(f, line);
}

static void expect_fields(const fixture *f, unsigned temperature)
{
    char line[64];
    snprintf(line, sizeof(line), "Pico/dev-1/Physiological_Data/Temperature %u", temperature);
    expect_next(f, line);
    expect_next(f, "Pico/dev-1/Physiological_Data/Pulse_Signal 1.755");
    expect_next(f, "Pico/dev-1/Physiological_Data/Accelerometer/x 0.000");
    expect_next(f, "Pico/dev-1/Physiological_Data/Accelerometer/y -0.50");
    expect_next(f, "Pico/dev-1/Physiological_Data/Accelerometer/z 0.000");
    expect_next(f, "Pico/dev-1/Internal_Device_Data/Temperature/MCU 23.700");
    expect_next(f, "Pico/dev-1/Internal_Device_Data/Temperature/MPU 23.400");
}

static void test_create_bad_options_are_refused(void **state)
{
    fixture *f = *state;
    const medsec_gateway_options good = options_of(f, ROOM);
    medsec_gateway_options bad[] = {good, good, good, good, good, good};
    bad[0].listen = "localhost:1";
    bad[1].listen = NULL;
    bad[2].registry = NULL;
    bad[3].publisher = NULL;
    bad[4].publish = 8;
    bad[5].seed_qos = 2;
    for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++)
        assert_int_equal(medsec_gateway_create(&f->gateway, &bad[i]), MEDSEC_ERR_ARGUMENT);
    assert_int_equal(medsec_gateway_create(&f->gateway, NULL), MEDSEC_ERR_ARGUMENT);
    assert_int_equal(medsec_gateway_stop(NULL, 0), MEDSEC_ERR_ARGUMENT);
}

static void test_start_on_an_occupied_port_is_an_error(void **state)
{
    fixture *f = *state;
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    struct sockaddr_in a = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    assert_int_equal(bind(fd, (struct sockaddr *)&a, sizeof(a)), 0);
    assert_int_equal(listen(fd, 1), 0);
    char text[32];
    snprintf(text, sizeof(text), "127.0.0.1:%u", own_port(fd));
    medsec_gateway_options options = options_of(f, ROOM);
    options.listen = text;
    assert_int_equal(medsec_gateway_create(&f->gateway, &options), MEDSEC_OK);
    assert_int_equal(medsec_gateway_start(f->gateway), MEDSEC_ERR_IO);
    assert_int_equal(medsec_gateway_stop(f->gateway, 0), MEDSEC_ERR_STATE);
    close(fd);
}

static void test_start_after_stop_is_refused(void **state)
{
    fixture *f = *state;
    start_usual(f);
    assert_int_equal(medsec_gateway_start(f->gateway), MEDSEC_ERR_STATE);
    assert_int_equal(medsec_gateway_stop(f->gateway, WAIT_MS), MEDSEC_OK);
    assert_int_equal(medsec_gateway_start(f->gateway), MEDSEC_ERR_STATE);
}

static void test_first_reading_publishes_all_topics_in_order(void **state)
{
    fixture *f = *state;
    start_usual(f);
    int fd = connect_to(f);
    send_frame(fd, 1, 36);
    expect_next(f, "Pico/dev-1/Profile {");
    expect_next(f, "Pico/dev-1/Status {\"status\":\"online\",\"wire\":\"seed\",\"authenticated\":"
                   "false,\"sessions\":1,\"reason\":\"connected\",\"time\":\"20");
    expect_fields(f, 36);
    expect_addresses(f, fd);
    send_frame(fd, 1, 37);
    expect_fields(f, 37);
    close(fd);
    expect_next(f, "Pico/dev-1/Status {\"status\":\"offline\",\"wire\":\"seed\",\"authenticated\":"
                   "false,\"sessions\":0,\"reason\":\"closed\",");
}

static void test_addresses_come_every_fifty_readings(void **state)
{
    fixture *f = *state;
    start_usual(f);
    int fd = connect_to(f);
    for (unsigned i = 0; i < 51; i++)
        send_frame(fd, 1, i);
    expect_temperature(f, "dev-1", 0);
    expect(f, "Pico/dev-1/Internal_Server/Port_address ", "");
    for (unsigned i = 1; i <= 50; i++)
        expect_fields(f, i);
    expect_addresses(f, fd);
    close(fd);
}

static void test_frames_in_any_pieces_are_read(void **state)
{
    fixture *f = *state;
    start_usual(f);
    static seed_wire wire;
    wire.len = 0;
    for (unsigned i = 0; i < 40; i++)
        add_frame(&wire, 1, i);
    int whole = connect_to(f), bytes = connect_to(f);
    send_all(whole, wire.text, wire.len);
    for (unsigned i = 0; i < 40; i++)
        expect_temperature(f, "dev-1", i);
    wire.len = 0;
    add_frame(&wire, 2, 1);
    add_frame(&wire, 2, 2);
    for (size_t i = 0; i < wire.len; i++) {
        send_all(bytes, wire.text + i, 1);
        if (i % 64 == 0)
            uv_sleep(1);
    }
    expect_temperature(f, "dev-2", 1);
    expect_temperature(f, "dev-2", 2);
    assert_int_equal(stats_of(f).readings, 42);
    close(whole);
    close(bytes);
}

static void test_publish_reading_gives_one_object(void **state)
{
    fixture *f = *state;
    medsec_gateway_options options = options_of(f, ROOM);
    options.publish = MEDSEC_PUBLISH_READING;
    start(f, &options);
    int fd = connect_to(f);
    send_frame(fd, 1, 36);
    expect_next(f, "Pico/dev-1/Profile ");
    expect_next(f, "Pico/dev-1/Status ");
    expect_next(f, "Pico/dev-1/Reading {\"device\":\"dev-1\",\"wire\":\"seed\",\"time\":\"20");
    close(fd);
    expect_next(f, "Pico/dev-1/Status {\"status\":\"offline\"");
}

/* What one read brings is one message, whatever comes behind it. */
static void test_publish_batch_gives_one_object_a_read(void **state)
{
    fixture *f = *state;
    seed_wire wire = {.len = 0};
    medsec_gateway_options options = options_of(f, ROOM);
    options.publish = MEDSEC_PUBLISH_BATCH;
    options.threads = 1;
    start(f, &options);
    int fd = connect_to(f), other = connect_to(f);
    for (unsigned i = 0; i < 3; i++) {
        add_frame(&wire, 1, 36 + i);
    }
    send_all(fd, wire.text, wire.len);
    expect_next(f, "Pico/dev-1/Profile ");
    expect_next(f, "Pico/dev-1/Status ");
    char line[2048];
    assert_true(next_message(f, line, sizeof(line), WAIT_MS));
    assert_non_null(strstr(line, "Pico/dev-1/Readings {\"device\":\"dev-1\",\"wire\":\"seed\","
                                 "\"time_source\":\"gateway\",\"readings\":[{\"time\":\"20"));
    assert_non_null(strstr(line, "{\"Temp\":36,"));
    assert_non_null(strstr(line, "{\"Temp\":37,"));
    assert_non_null(strstr(line, "{\"Temp\":38,"));
    send_frame(other, 2, 40);
    expect(f, "Pico/dev-2/Readings {\"device\":\"dev-2\"", "\"readings\":[{\"time\":");
    wire.len = 0;
    add_frame(&wire, 1, 39);
    memcpy(wire.text + wire.len, "!", 1);
    send_all(fd, wire.text, wire.len + 1);
    expect_next(f, "Pico/dev-1/Readings {\"device\":\"dev-1\"");
    expect_next(f, "Pico/dev-1/Status {\"status\":\"offline\"");
    close(fd);
    close(other);
}

typedef struct bad_input {
    const char *data;
    medsec_status reason;
} bad_input;

static void test_bad_input_closes_its_connection_alone(void **state)
{
    fixture *f = *state;
    start_usual(f);
    static const bad_input inputs[] = {
        {"GET / HTTP/1.1\r\n", MEDSEC_ERR_WIRE},
        {"\xff", MEDSEC_ERR_WIRE},
        {"6.6.6.6&66", MEDSEC_ERR_FRAME},
        {"00112233445566778899aabbccddeeff", MEDSEC_ERR_UNKNOWN_DEVICE},
        {"aa+bb", MEDSEC_ERR_FRAME},
    };
    int healthy = connect_to(f);
    unsigned sent = 0;
    for (size_t i = 0; i < sizeof(inputs) / sizeof(*inputs); i++) {
        medsec_status reason = inputs[i].reason;
        uint64_t before = stats_of(f).rejected[-reason];
        send_frame(healthy, 1, sent);
        int fd = connect_to(f);
        send_all(fd, inputs[i].data, strlen(inputs[i].data));
        assert_true(is_closed(fd, WAIT_MS));
        expect_rejected(f, reason, before + 1);
        close(fd);
        expect_temperature(f, "dev-1", sent++);
    }
    assert_int_equal(stats_of(f).connections, 1);
    assert_int_equal(stats_of(f).readings, sent);
    close(healthy);
}

static void test_frame_of_another_device_is_rejected(void **state)
{
    fixture *f = *state;
    start_usual(f);
    int fd = connect_to(f);
    send_frame(fd, 1, 1);
    send_frame(fd, 2, 2);
    assert_true(is_closed(fd, WAIT_MS));
    expect_rejected(f, MEDSEC_ERR_CRYPTO, 1);
    expect(f, "Pico/dev-1/Status {\"status\":\"offline\"", "\"reason\":\"crypto\"");
    assert_int_equal(stats_of(f).readings, 1);
    close(fd);
}

static void test_end_in_the_middle_of_a_frame_is_counted(void **state)
{
    fixture *f = *state;
    start_usual(f);
    int fd = connect_to(f);
    seed_wire wire = {.len = 0};
    add_frame(&wire, 1, 1);
    send_all(fd, wire.text, wire.len);
    send_all(fd, wire.text, 40);
    shutdown(fd, SHUT_WR);
    assert_true(is_closed(fd, WAIT_MS));
    expect_rejected(f, MEDSEC_ERR_CLOSED, 1);
    expect(f, "Pico/dev-1/Status {\"status\":\"offline\"", "\"reason\":\"closed\"");
    close(fd);
}

static void test_two_sessions_of_a_device_are_both_served(void **state)
{
    fixture *f = *state;
    start_usual(f);
    int a = connect_to(f), b = connect_to(f);
    send_frame(a, 1, 1);
    expect(f, "Pico/dev-1/Status ", "\"sessions\":1");
    send_frame(b, 1, 2);
    expect(f, "Pico/dev-1/Status ", "\"sessions\":2");
    expect_temperature(f, "dev-1", 2);
    close(b);
    expect(f, "Pico/dev-1/Status {\"status\":\"online\"", "\"sessions\":1");
    send_frame(a, 1, 3);
    expect_temperature(f, "dev-1", 3);
    close(a);
    expect(f, "Pico/dev-1/Status {\"status\":\"offline\"", "\"sessions\":0");
}

static void test_revoked_device_is_closed(void **state)
{
    fixture *f = *state;
    start_usual(f);
    int fd = connect_to(f), other = connect_to(f);
    send_frame(fd, 1, 1);
    send_frame(other, 2, 1);
    for (unsigned i = 0; i < WAIT_MS && stats_of(f).identified < 2; i++) {
        uv_sleep(1);
    }
    assert_int_equal(stats_of(f).identified, 2);
    assert_int_equal(medsec_registry_revoke(f->files->registry, "dev-1"), MEDSEC_OK);
    assert_true(is_closed(fd, WAIT_MS));
    expect(f, "Pico/dev-1/Status {\"status\":\"offline\"", "\"reason\":\"revoked\"");
    close(fd);
    fd = connect_to(f);
    send_frame(fd, 1, 2);
    assert_true(is_closed(fd, WAIT_MS));
    expect_rejected(f, MEDSEC_ERR_REVOKED, 2);
    send_frame(other, 2, 2);
    expect_temperature(f, "dev-2", 2);
    close(fd);
    close(other);
}

static void test_device_that_changes_hands_is_closed(void **state)
{
    fixture *f = *state;
    start_usual(f);
    int fd = connect_to(f);
    send_frame(fd, 1, 1);
    expect(f, "Pico/dev-1/Status ", "online");
    assert_int_equal(medsec_registry_decommission(f->files->registry, "dev-1"), MEDSEC_OK);
    assert_true(is_closed(fd, WAIT_MS));
    close(fd);
}

static void test_added_device_is_known(void **state)
{
    fixture *f = *state;
    start_usual(f);
    add_device(f, "dev-3", 3);
    for (unsigned i = 0; i < WAIT_MS && stats_of(f).reloads == 0; i++)
        uv_sleep(1);
    assert_int_equal(stats_of(f).reloads, 1);
    int fd = connect_to(f);
    send_frame(fd, 3, 5);
    expect_temperature(f, "dev-3", 5);
    close(fd);
}

static void test_reload_reads_the_registry_at_once(void **state)
{
    fixture *f = *state;
    start_usual(f);
    medsec_gateway_reload(f->gateway);
    for (unsigned i = 0; i < WAIT_MS && stats_of(f).reloads == 0; i++)
        uv_sleep(1);
    assert_int_equal(stats_of(f).reloads, 1);
}

static void test_silent_connections_time_out(void **state)
{
    fixture *f = *state;
    medsec_gateway_options options = options_of(f, ROOM);
    options.identify_timeout_ms = 1000;
    options.idle_timeout_ms = 2000;
    start(f, &options);
    int silent = connect_to(f), idle = connect_to(f), trickle = connect_to(f);
    send_frame(idle, 1, 1);
    send_all(trickle, "0", 1);
    assert_true(is_closed(silent, WAIT_MS));
    assert_true(is_closed(trickle, WAIT_MS));
    expect_rejected(f, MEDSEC_ERR_TIMEOUT, 2);
    assert_true(is_closed(idle, WAIT_MS));
    expect(f, "Pico/dev-1/Status {\"status\":\"offline\"", "\"reason\":\"idle-timeout\"");
    close(silent);
    close(idle);
    close(trickle);
}

static void test_more_than_max_connections_are_refused(void **state)
{
    fixture *f = *state;
    medsec_gateway_options options = options_of(f, ROOM);
    options.max_connections = 2;
    start(f, &options);
    int a = connect_to(f), b = connect_to(f);
    send_frame(a, 1, 1);
    expect_temperature(f, "dev-1", 1);
    send_frame(b, 2, 1);
    expect_temperature(f, "dev-2", 1);
    int c = connect_to(f);
    assert_true(is_closed(c, WAIT_MS));
    expect_rejected(f, MEDSEC_ERR_LIMIT, 1);
    close(c);
    close(a);
    for (unsigned i = 0; i < WAIT_MS && stats_of(f).connections > 1; i++)
        uv_sleep(1);
    c = connect_to(f);
    send_frame(c, 1, 1);
    expect_temperature(f, "dev-1", 1);
    close(b);
    close(c);
}

/* In one loop: of another's half-open connections a loop knows nothing. */
static void test_device_finds_a_place_where_a_stranger_has_one(void **state)
{
    fixture *f = *state;
    medsec_gateway_options options = options_of(f, ROOM);
    options.max_connections = 2;
    options.threads = 1;
    start(f, &options);
    int device = connect_to(f);
    send_frame(device, 1, 1);
    expect_temperature(f, "dev-1", 1);
    int stranger = connect_to(f);
    for (unsigned i = 0; i < WAIT_MS && stats_of(f).connections < 2; i++)
        uv_sleep(1);
    int other = connect_to(f);
    send_frame(other, 2, 2);
    expect_temperature(f, "dev-2", 2);
    assert_true(is_closed(stranger, WAIT_MS));
    send_frame(device, 1, 3);
    expect_temperature(f, "dev-1", 3);
    assert_int_equal(stats_of(f).half_open_evicted, 1);
    assert_int_equal(stats_of(f).connections, 2);
    expect_rejected(f, MEDSEC_ERR_LIMIT, 0);
    close(device);
    close(stranger);
    close(other);
}

/* Leaves no descriptor; returns how many were taken for that. */
static size_t take_all_descriptors(int *taken, size_t cap)
{
    size_t count = 0;
    while (count < cap && (taken[count] = dup(STDERR_FILENO)) >= 0)
        count++;
    assert_true(count < cap);
    return count;
}

static void test_without_descriptors_connections_are_shed(void **state)
{
    fixture *f = *state;
    if (getenv("MEDSEC_VALGRIND") != NULL)
        skip(); /* valgrind keeps descriptors for itself */
    medsec_gateway_options options = options_of(f, ROOM);
    options.threads = 1; /* another loop could accept with the descriptor that this one gives up */
    start(f, &options);
    int healthy = connect_to(f);
    send_frame(healthy, 1, 1);
    expect_temperature(f, "dev-1", 1);
    int extra[3];
    for (size_t i = 0; i < 3; i++)
        extra[i] = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    struct rlimit before;
    assert_int_equal(getrlimit(RLIMIT_NOFILE, &before), 0);
    const struct rlimit low = {.rlim_cur = 256, .rlim_max = before.rlim_max};
    assert_int_equal(setrlimit(RLIMIT_NOFILE, &low), 0);
    int taken[256];
    size_t count = take_all_descriptors(taken, 256);
    for (size_t i = 0; i < 3; i++) {
        assert_true(is_closed(connect_socket(f, extra[i]), WAIT_MS));
        expect_rejected(f, MEDSEC_ERR_LIMIT, i + 1);
    }
    while (count > 0)
        close(taken[--count]);
    assert_int_equal(setrlimit(RLIMIT_NOFILE, &before), 0);
    send_frame(healthy, 1, 2);
    expect_temperature(f, "dev-1", 2);
    int late = connect_to(f);
    send_frame(late, 2, 3);
    expect_temperature(f, "dev-2", 3);
    for (size_t i = 0; i < 3; i++)
        close(extra[i]);
    close(healthy);
    close(late);
}

#define PRESSURE_FRAMES 3000u

static void send_many(void *context)
{
    int fd = *(int *)context;
    for (unsigned i = 0; i < PRESSURE_FRAMES; i++)
        send_frame(fd, 1, i);
}

/* Room for what one read brings (62 frames of 7 messages) above the mark, and little more. */
static void test_back_pressure_loses_nothing(void **state)
{
    fixture *f = *state;
    const medsec_gateway_options options = options_of(f, 1200);
    start(f, &options);
    int fd = connect_to(f);
    uv_thread_t sender;
    assert_int_equal(uv_thread_create(&sender, send_many, &fd), 0);
    for (unsigned i = 0; i < WAIT_MS && stats_of(f).paused == 0; i++) {
        uv_sleep(1);
    }
    medsec_publisher_stats stuck;
    f->publisher->ops->stats(f->publisher, &stuck);
    assert_in_range(stuck.queued, 600, 1199);
    for (unsigned i = 0; i < PRESSURE_FRAMES; i++)
        expect_temperature(f, "dev-1", i);
    uv_thread_join(&sender);
    assert_true(stats_of(f).paused > 0);
    assert_int_equal(stats_of(f).dropped, 0);
    assert_int_equal(stats_of(f).readings, PRESSURE_FRAMES);
    close(fd);
}

/* The broker is away, reading has stopped: the end of a stream is to be noticed all the same. */
static void test_who_left_while_paused_holds_no_place(void **state)
{
    fixture *f = *state;
    const medsec_gateway_options options = options_of(f, 40);
    start(f, &options);
    int fd = connect_to(f);
    /* One at a time: what is not read when reading stops would hide the end of the stream. */
    for (unsigned i = 0; i < 40 && !f->publisher->ops->pressed(f->publisher, true); i++) {
        send_frame(fd, 1, i);
        for (unsigned t = 0; t < WAIT_MS && stats_of(f).readings <= i; t++) {
            uv_sleep(1);
        }
    }
    assert_true(f->publisher->ops->pressed(f->publisher, true));
    close(fd);
    for (unsigned i = 0; i < WAIT_MS && stats_of(f).connections > 0; i++) {
        uv_sleep(1);
    }
    assert_int_equal(stats_of(f).connections, 0);
    assert_int_equal(stats_of(f).paused, 1);
}

static void test_stop_takes_what_has_arrived(void **state)
{
    fixture *f = *state;
    start_usual(f);
    int fds[8];
    for (unsigned i = 0; i < 8; i++)
        fds[i] = connect_to(f);
    for (unsigned i = 0; i < 8; i++)
        for (unsigned j = 0; j < 50; j++)
            send_frame(fds[i], 1 + i % 2, j);
    assert_int_equal(medsec_gateway_stop(f->gateway, WAIT_MS), MEDSEC_OK);
    assert_int_equal(stats_of(f).readings, 400);
    assert_int_equal(stats_of(f).connections, 0);
    assert_int_equal(medsec_gateway_stop(f->gateway, 0), MEDSEC_ERR_STATE);
    for (int gone = 0; gone < 2; gone++) /* of either device, in either order */
        expect(f, "Pico/dev-", "\"sessions\":0,\"reason\":\"gateway-stop\"");
    for (unsigned i = 0; i < 8; i++)
        close(fds[i]);
}

static void test_listens_on_ipv6(void **state)
{
    fixture *f = *state;
    medsec_gateway_options options = options_of(f, ROOM);
    options.listen = "[::1]:0";
    assert_int_equal(medsec_gateway_create(&f->gateway, &options), MEDSEC_OK);
    if (medsec_gateway_start(f->gateway) != MEDSEC_OK)
        skip(); /* no IPv6 on this machine */
    int fd = socket(AF_INET6, SOCK_STREAM | SOCK_CLOEXEC, 0);
    const struct sockaddr_in6 a = {.sin6_family = AF_INET6,
                                   .sin6_port = htons(medsec_gateway_port(f->gateway)),
                                   .sin6_addr = IN6ADDR_LOOPBACK_INIT};
    assert_int_equal(connect(fd, (const struct sockaddr *)&a, sizeof(a)), 0);
    send_frame(fd, 1, 1);
    expect(f, "Pico/dev-1/Ip_address ", "::1");
    close(fd);
}

int main(void)
{
#define CASE(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
    const struct CMUnitTest tests[] = {
        CASE(test_create_bad_options_are_refused),
        CASE(test_start_on_an_occupied_port_is_an_error),
        CASE(test_start_after_stop_is_refused),
        CASE(test_first_reading_publishes_all_topics_in_order),
        CASE(test_addresses_come_every_fifty_readings),
        CASE(test_frames_in_any_pieces_are_read),
        CASE(test_publish_reading_gives_one_object),
        CASE(test_publish_batch_gives_one_object_a_read),
        CASE(test_bad_input_closes_its_connection_alone),
        CASE(test_frame_of_another_device_is_rejected),
        CASE(test_end_in_the_middle_of_a_frame_is_counted),
        CASE(test_two_sessions_of_a_device_are_both_served),
        CASE(test_revoked_device_is_closed),
        CASE(test_device_that_changes_hands_is_closed),
        CASE(test_added_device_is_known),
        CASE(test_reload_reads_the_registry_at_once),
        CASE(test_silent_connections_time_out),
        CASE(test_more_than_max_connections_are_refused),
        CASE(test_device_finds_a_place_where_a_stranger_has_one),
        CASE(test_without_descriptors_connections_are_shed),
        CASE(test_back_pressure_loses_nothing),
        CASE(test_who_left_while_paused_holds_no_place),
        CASE(test_stop_takes_what_has_arrived),
        CASE(test_listens_on_ipv6),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
