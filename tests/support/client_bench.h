/* SPDX-License-Identifier: Apache-2.0 */
#ifndef MEDSEC_TESTS_CLIENT_BENCH_H
#define MEDSEC_TESTS_CLIENT_BENCH_H

#include "loops.h"
#include "mosquitto.h"

#include <stdatomic.h>

/* A client of the broker under test, and what it told its owner. One at a time. */
#define CLIENT_TOKENS 4000
#define CLIENT_PATIENCE_MS 60000 /* for something to change */
#define CLIENT_RECEIVED_MAX 256u
#define CLIENT_MIXED 16u /* of mixed messages every 16th has QoS 1 */

typedef medsec_status client_creator(medsec_publisher **, const medsec_mqtt_options *);

extern struct client_told {
    atomic_int ok[CLIENT_TOKENS]; /* durable, by token */
    atomic_int failed[CLIENT_TOKENS];
    atomic_int durable; /* both, all tokens */
    atomic_int last_failure;
    atomic_int relieved;
    atomic_int ups, downs;
    char received[8][CLIENT_RECEIVED_MAX]; /* topic, space, payload */
    atomic_int received_count;
} told;

extern const medsec_publisher_listener client_listener;

/* Which one the others are about; for the setup of a test. */
void client_use(client_creator *create);
/* Nothing was told yet. */
medsec_publisher *client_create_with(const medsec_mqtt_options *options);
medsec_publisher *client_create(const char *url);
/* With so many loops that it is attached to. */
loops *client_start(medsec_publisher *p, uint32_t count);
medsec_status client_stop(medsec_publisher *p, loops *l, uint32_t timeout_ms);
/* Stops it with all delivered, and destroys it. */
void client_end(medsec_publisher *p, loops *l);

/* The number is payload, token and, in part, lane and droppable. */
medsec_status client_publish(medsec_publisher *p, unsigned number, uint8_t qos);
medsec_status client_publish_to(medsec_publisher *p, const char *topic, const void *payload,
                                size_t len, unsigned token);
medsec_publisher_stats client_stats(medsec_publisher *p);

void client_wait_link(medsec_publisher *p, bool up);
void client_wait(const atomic_int *count, int least);
/* Tokens 1..count. */
void client_expect_each_once(unsigned count);
/* Publishes it, and sees it come back: the link is up when the subscription is on its way. */
void client_expect_received(medsec_publisher *p, const char *topic, const char *text);

/* Setup and teardown of a test whose state is a broker, which has not begun. */
int client_broker_prepare(void **state);
int client_broker_remove(void **state);

#endif
