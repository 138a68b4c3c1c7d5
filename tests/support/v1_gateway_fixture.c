/* SPDX-License-Identifier: Apache-2.0 */
#include "v1_gateway_fixture.h"

#include "gateway/proxy_header.h"
#include "seed_wire.h"
#include "unit.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>
#include <uv.h>

static void add_devices(const v1_fixture *f)
{
    medsec_credential c[] = {registry_fixture_medsec1("dev-1", 1),
                             registry_fixture_medsec1("dev-2", 2),
                             registry_fixture_credential("dev-3", 3)};
    c[1].suite = MEDSEC_SUITE_CHACHAPOLY;
    for (size_t i = 0; i < sizeof c / sizeof *c; i++) {
        assert_int_equal(medsec_registry_add(f->files->registry, &c[i], 0), MEDSEC_OK);
    }
}

static void read_gateway_key(v1_fixture *f)
{
    uint8_t keys[2][MEDSEC_X25519_LEN];
    size_t count = 0;
    assert_int_equal(medsec_registry_gateway_public(f->files->registry, keys, &count), MEDSEC_OK);
    memcpy(f->gateway_public, keys[0], sizeof f->gateway_public);
}

int v1_fixture_setup(void **state)
{
    v1_fixture *f = calloc(1, sizeof *f);
    void *files = NULL;
    if (!f || registry_fixture_setup(&files) != 0) {
        return -1;
    }
    f->files = files;
    add_devices(f);
    read_gateway_key(f);
    f->watched = registry_fixture_open(f->files, MEDSEC_REGISTRY_WRITE);
    f->profiles = medsec_profile_set_create();
    f->publisher = held_create();
    f->options = (medsec_gateway_options){.listen = "127.0.0.1:0",
                                          .registry = f->watched,
                                          .profiles = f->profiles,
                                          .publisher = f->publisher,
                                          .threads = 2};
    *state = f;
    return 0;
}

int v1_fixture_teardown(void **state)
{
    v1_fixture *f = *state;
    void *files = f->files;
    held_unblock(f->publisher); /* where a test failed */
    medsec_gateway_destroy(f->gateway);
    f->publisher->ops->destroy(f->publisher);
    medsec_profile_set_destroy(f->profiles);
    medsec_registry_close(f->watched);
    registry_fixture_teardown(&files);
    free(f);
    return 0;
}

static medsec_credential seed_device(void)
{
    medsec_credential c = registry_fixture_credential("dev-4", 4);
    memcpy(c.iv, SEED_IV, sizeof c.iv);
    return c;
}

void v1_seed_add(const v1_fixture *f)
{
    const medsec_credential c = seed_device();
    assert_int_equal(medsec_registry_add(f->files->registry, &c, 0), MEDSEC_OK);
}

void v1_start(v1_fixture *f)
{
    assert_int_equal(medsec_gateway_create(&f->gateway, &f->options), MEDSEC_OK);
    assert_int_equal(medsec_gateway_start(f->gateway), MEDSEC_OK);
}

medsec_gateway_stats v1_stats(const v1_fixture *f)
{
    medsec_gateway_stats stats;
    medsec_gateway_get_stats(f->gateway, &stats);
    return stats;
}

const held_message *v1_expect(v1_fixture *f, const char *begin, const char *part)
{
    return held_find(f->publisher, &f->seen, begin, part);
}

void v1_client_make(const v1_fixture *f, v1_client *client, unsigned number)
{
    const medsec_credential c = registry_fixture_medsec1("x", number);
    memset(client, 0, sizeof *client);
    client->fd = -1;
    client->suite = number == 2 ? MEDSEC_SUITE_CHACHAPOLY : MEDSEC_SUITE_A128CBC_HS256;
    memcpy(client->secrets.device.private_key, c.device_private, MEDSEC_X25519_LEN);
    memcpy(client->secrets.device.public_key, c.device_public, MEDSEC_X25519_LEN);
    memcpy(client->secrets.psk, c.psk, MEDSEC_PSK_LEN);
    memcpy(client->secrets.gateway.public_key, f->gateway_public, MEDSEC_X25519_LEN);
}

void v1_client_come_from(const v1_fixture *f, v1_client *client, const char *address)
{
    static char headers[16][MEDSEC__PROXY_LINE_MAX + 1];
    static unsigned next;
    if (!f->options.proxy_protocol || !address) {
        client->source = address;
        return;
    }
    char *header = headers[next++ % 16];
    snprintf(header, sizeof headers[0], "PROXY TCP4 %s 192.0.2.254 4711 9998\r\n", address);
    client->header = header;
}

static void bind_source(const v1_client *client)
{
    struct sockaddr_in a = {.sin_family = AF_INET};
    if (client->source) {
        assert_int_equal(inet_pton(AF_INET, client->source, &a.sin_addr), 1);
        assert_int_equal(bind(client->fd, (const struct sockaddr *)&a, sizeof a), 0);
    }
}

void v1_client_open(const v1_fixture *f, v1_client *client)
{
    const int on = 1;
    const struct sockaddr_in a = {.sin_family = AF_INET,
                                  .sin_port = htons(medsec_gateway_port(f->gateway)),
                                  .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    client->fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_true(client->fd >= 0);
    bind_source(client);
    if (client->receive_buffer > 0) {
        (void)setsockopt(client->fd, SOL_SOCKET, SO_RCVBUF, &client->receive_buffer,
                         sizeof client->receive_buffer);
    }
    assert_int_equal(connect(client->fd, (const struct sockaddr *)&a, sizeof a), 0);
    (void)setsockopt(client->fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    if (client->header) {
        v1_client_send(client, (const uint8_t *)client->header, strlen(client->header));
    }
}

static bool read_exactly(int fd, uint8_t *out, size_t len, uint32_t timeout_ms)
{
    while (len > 0) {
        struct pollfd p = {.fd = fd, .events = POLLIN};
        ssize_t n = poll(&p, 1, (int)timeout_ms) == 1 ? recv(fd, out, len, 0) : -1;
        if (n <= 0) {
            return false;
        }
        out += n;
        len -= (size_t)n;
    }
    return true;
}

static bool read_record(const v1_client *client, uint8_t *out, size_t *len, uint32_t timeout_ms)
{
    medsec_record_header header;
    if (!read_exactly(client->fd, out, MEDSEC_RECORD_HEADER_LEN, timeout_ms)) {
        return false;
    }
    assert_int_equal(medsec_record_read_header(&header, out), MEDSEC_OK);
    *len = MEDSEC_RECORD_HEADER_LEN + (size_t)header.length;
    return read_exactly(client->fd, out + MEDSEC_RECORD_HEADER_LEN, header.length, timeout_ms);
}

void v1_client_connect(const v1_fixture *f, v1_client *client)
{
    static unsigned connections;
    char ephemeral[32];
    uint8_t record[MEDSEC_RECORD_LEN_MAX];
    size_t len = 0;
    v1_client_open(f, client);
    snprintf(ephemeral, sizeof ephemeral, "ephemeral %u", connections++);
    v1_hello(&client->device, record, &client->secrets, client->suite, ephemeral);
    v1_client_send(client, record, MEDSEC_HELLO_LEN);
    assert_true(read_record(client, record, &len, V1_WAIT_MS));
    assert_int_equal(v1_welcome(&client->device, record, len), MEDSEC_OK);
}

void v1_client_send(const v1_client *client, const uint8_t *data, size_t len)
{
    while (len > 0) {
        ssize_t n = send(client->fd, data, len, MSG_NOSIGNAL);
        assert_true(n > 0);
        data += n;
        len -= (size_t)n;
    }
}

size_t v1_client_seal(v1_client *client, uint8_t out[MEDSEC_RECORD_LEN_MAX], size_t rows)
{
    const medsec_readings_head head = {.boot = 7,
                                       .first_sequence = client->next,
                                       .base_time_ms = 1795262400000u + client->next * 50u,
                                       .time_quality = MEDSEC_TIME_WELCOME};
    client->next += (uint32_t)rows;
    return v1_readings(&client->device, out, &head, rows);
}

void v1_client_readings(v1_client *client, size_t rows)
{
    uint8_t record[MEDSEC_RECORD_LEN_MAX];
    v1_client_send(client, record, v1_client_seal(client, record, rows));
}

void v1_seed_readings(const v1_client *client, unsigned count)
{
    const medsec_credential c = seed_device();
    seed_wire wire = {.len = 0};
    char key[MEDSEC_AES128_KEY_LEN + 1] = "";
    memcpy(key, c.key, MEDSEC_AES128_KEY_LEN);
    for (unsigned i = 0; i < count; i++) {
        seed_wire_frame(&wire, MEDSEC_SEED_PER_BLOCK, key, SEED_READING, strlen(SEED_READING));
    }
    v1_client_send(client, (const uint8_t *)wire.text, wire.len);
}

void v1_client_control(v1_client *client, const medsec_control *control)
{
    uint8_t record[MEDSEC_RECORD_LEN_MAX];
    v1_client_send(client, record, v1_control(&client->device, record, control));
}

bool v1_client_hear(v1_client *client, medsec_control *control, uint32_t timeout_ms)
{
    uint8_t record[MEDSEC_RECORD_LEN_MAX];
    size_t len = 0;
    if (!read_record(client, record, &len, timeout_ms)) {
        return false;
    }
    assert_int_equal(v1_open(&client->device, control, record, len), MEDSEC_OK);
    return true;
}

void v1_client_expect_ack(v1_client *client, uint32_t sequence)
{
    medsec_control control;
    assert_true(v1_client_hear(client, &control, V1_WAIT_MS));
    assert_int_equal(control.kind, MEDSEC_KIND_ACK);
    assert_int_equal(control.body.ack.boot, 7);
    assert_int_equal(control.body.ack.sequence, sequence);
}

void v1_client_expect_close(v1_client *client, medsec_close_reason reason)
{
    medsec_control control;
    assert_true(v1_client_hear(client, &control, V1_WAIT_MS));
    assert_int_equal(control.kind, MEDSEC_KIND_CLOSE);
    assert_int_equal(control.body.close_reason, reason);
    v1_client_expect_end(client, V1_WAIT_MS);
}

void v1_client_expect_silence(const v1_client *client, uint32_t ms)
{
    struct pollfd p = {.fd = client->fd, .events = POLLIN};
    assert_int_equal(poll(&p, 1, (int)ms), 0);
}

void v1_client_expect_end(const v1_client *client, uint32_t timeout_ms)
{
    struct pollfd p = {.fd = client->fd, .events = POLLIN};
    uint8_t byte;
    assert_int_equal(poll(&p, 1, (int)timeout_ms), 1);
    assert_true(recv(client->fd, &byte, 1, 0) <= 0);
}

void v1_client_close(v1_client *client)
{
    close(client->fd);
    client->fd = -1;
}

void v1_raise_descriptors(void)
{
    struct rlimit limit;
    assert_int_equal(getrlimit(RLIMIT_NOFILE, &limit), 0);
    limit.rlim_cur = limit.rlim_max;
    assert_int_equal(setrlimit(RLIMIT_NOFILE, &limit), 0);
}

void v1_client_flood(const v1_fixture *f, v1_client *c, int fds[], unsigned count,
                     const uint8_t *data, size_t len)
{
    for (unsigned i = 0; i < count; i++) {
        v1_client_open(f, c);
        fds[i] = c->fd;
    }
    for (unsigned i = 0; i < count; i++) {
        assert_int_equal(send(fds[i], data, len, MSG_NOSIGNAL), len);
    }
}
