/* SPDX-License-Identifier: Apache-2.0 */
#ifndef MEDSEC_BENCH_BROKER_CLIENT_H
#define MEDSEC_BENCH_BROKER_CLIENT_H

#include <stddef.h>

/* A client library as anybody would use it: one connection to a broker at 127.0.0.1. */
typedef struct broker_client {
    const char *name;
    void *(*open)(int port); /* connected; NULL: it is not */
    int (*publish)(void *connection, const char *topic, const char *payload, size_t len, int qos);
    void (*turn)(void *connection); /* reads what the broker answered, if that needs doing */
    void (*close)(void *connection);
} broker_client;

/* "paho", "mosquitto"; NULL: neither. */
const broker_client *broker_client_find(const char *name);

#endif
