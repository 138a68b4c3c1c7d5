/* SPDX-License-Identifier: Apache-2.0 */
#ifndef MEDSEC_TESTS_V1_GATEWAY_FIXTURE_H
#define MEDSEC_TESTS_V1_GATEWAY_FIXTURE_H

#include "held_publisher.h"
#include "registry_fixture.h"
#include "v1_wire.h"

#include <medsec/gateway.h>
#include <uv.h>

/* The whole gateway on real sockets; its devices speak medsec/1, its broker is the test. */
typedef struct v1_fixture {
    registry_fixture *files; /* dev-1, dev-2: medsec/1; dev-2 in ChaChaPoly; dev-3: seed */
    medsec_registry *watched;
    medsec_profile_set *profiles;
    medsec_publisher *publisher;
    medsec_gateway *gateway;
    medsec_gateway_options options; /* threads 2; to be changed before v1_start */
    uint8_t gateway_public[MEDSEC_X25519_LEN];
    size_t seen; /* messages that v1_expect went past */
} v1_fixture;

#define V1_WAIT_MS 60000u

/* For cmocka: *state is the fixture. */
int v1_fixture_setup(void **state);
int v1_fixture_teardown(void **state);
/* dev-4, of the seed wire, in the registry; and readings of it on a connection that was opened. */
void v1_seed_add(const v1_fixture *fixture);
void v1_start(v1_fixture *fixture);
medsec_gateway_stats v1_stats(const v1_fixture *fixture);
/* Waits until this counter of the gateway is so. */
#define v1_expect_count(fixture, member, wanted)                                                   \
    do {                                                                                           \
        for (unsigned v1_i = 0; v1_i < V1_WAIT_MS && v1_stats(fixture).member != (wanted); v1_i++) \
            uv_sleep(1);                                                                           \
        assert_int_equal(v1_stats(fixture).member, (wanted));                                      \
    } while (0)
/* The next message that begins so and holds `part`. */
const held_message *v1_expect(v1_fixture *fixture, const char *begin, const char *part);

/* A device at the other end of a socket. */
typedef struct v1_client {
    int fd;
    int receive_buffer; /* SO_RCVBUF, before it connects; 0: as usual */
    const char *source; /* the address it connects from; NULL: 127.0.0.1 */
    const char *header; /* what a balancer says first; NULL: there is none */
    medsec_suite suite;
    v1_secrets secrets;
    v1_device device;
    uint32_t next; /* sequence of its next reading */
} v1_client;

/* Device `number` of registry_fixture_medsec1. */
void v1_client_make(const v1_fixture *fixture, v1_client *client, unsigned number);
/* From that address; through a balancer, when there are any. */
void v1_client_come_from(const v1_fixture *fixture, v1_client *client, const char *address);
/* Connects, and no more. */
void v1_client_open(const v1_fixture *fixture, v1_client *client);
/* HELLO and WELCOME too. */
void v1_client_connect(const v1_fixture *fixture, v1_client *client);
void v1_client_send(const v1_client *client, const uint8_t *data, size_t len);
/* A record with the next `rows` readings of boot 7; its length. */
size_t v1_client_seal(v1_client *client, uint8_t out[MEDSEC_RECORD_LEN_MAX], size_t rows);
void v1_client_readings(v1_client *client, size_t rows);
void v1_seed_readings(const v1_client *client, unsigned count);
void v1_client_control(v1_client *client, const medsec_control *control);
/* The next message of the gateway. False: none comes in time, or the end of the stream. */
bool v1_client_hear(v1_client *client, medsec_control *control, uint32_t timeout_ms);
void v1_client_expect_ack(v1_client *client, uint32_t sequence);
void v1_client_expect_close(v1_client *client, medsec_close_reason reason);
/* Nothing comes for this long, and the stream is open. */
void v1_client_expect_silence(const v1_client *client, uint32_t ms);
/* The stream ends, and nothing came before. */
void v1_client_expect_end(const v1_client *client, uint32_t timeout_ms);
void v1_client_close(v1_client *client);

/* As many open files as the system gives. */
void v1_raise_descriptors(void);
/* Connects `count` times, then sends the same on each. */
void v1_client_flood(const v1_fixture *fixture, v1_client *client, int fds[], unsigned count,
                     const uint8_t *data, size_t len);

#endif
