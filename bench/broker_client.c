/* SPDX-License-Identifier: Apache-2.0 */
#include "broker_client.h"

#include <MQTTAsync.h>
#include <mosquitto.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#define IN_FLIGHT 1000 /* messages in flight, so that nobody waits */

static atomic_int connected;

static void wait_connected(void (*turn)(void *), void *connection)
{
    for (int i = 0; i < 500 && !atomic_load(&connected); i++) {
        turn(connection);
        nanosleep(&(struct timespec){.tv_nsec = 10000000}, NULL);
    }
}

static void paho_connected(void *context, MQTTAsync_successData *response)
{
    (void)context;
    (void)response;
    atomic_store(&connected, 1);
}

static void paho_turn(void *connection)
{
    (void)connection; /* it has threads */
}

static void *paho_open(int port)
{
    MQTTAsync client = NULL;
    MQTTAsync_connectOptions options = MQTTAsync_connectOptions_initializer;
    char url[64];

    snprintf(url, sizeof url, "tcp://127.0.0.1:%d", port);
    if (MQTTAsync_create(&client, url, "bench-floor", MQTTCLIENT_PERSISTENCE_NONE, NULL) !=
        MQTTASYNC_SUCCESS) {
        return NULL;
    }
    /* Else paho formats and keeps a trace of every packet. */
    MQTTAsync_setTraceLevel(MQTTASYNC_TRACE_FATAL);
    options.onSuccess = paho_connected;
    options.maxInflight = IN_FLIGHT;
    MQTTAsync_connect(client, &options);
    wait_connected(paho_turn, client);
    return atomic_load(&connected) ? client : NULL;
}

static int paho_publish(void *connection, const char *topic, const char *payload, size_t len,
                        int qos)
{
    return MQTTAsync_send(connection, topic, (int)len, payload, qos, 0, NULL) != MQTTASYNC_SUCCESS;
}

static void paho_close(void *connection)
{
    MQTTAsync client = connection;
    MQTTAsync_destroy(&client);
}

static void mosquitto_connected(struct mosquitto *client, void *context, int code)
{
    (void)client;
    (void)context;
    atomic_store(&connected, code == 0);
}

static void mosquitto_turn(void *connection)
{
    mosquitto_loop(connection, 0, 1);
}

static void *mosquitto_open(int port)
{
    mosquitto_lib_init();
    struct mosquitto *client = mosquitto_new("bench-floor", true, NULL);
    if (!client) {
        return NULL;
    }
    mosquitto_connect_callback_set(client, mosquitto_connected);
    mosquitto_max_inflight_messages_set(client, IN_FLIGHT);
    if (mosquitto_connect(client, "127.0.0.1", port, 60) == MOSQ_ERR_SUCCESS) {
        wait_connected(mosquitto_turn, client);
    }
    return atomic_load(&connected) ? client : NULL;
}

static int mosquitto_publish_one(void *connection, const char *topic, const char *payload,
                                 size_t len, int qos)
{
    return mosquitto_publish(connection, NULL, topic, (int)len, payload, qos, false) !=
           MOSQ_ERR_SUCCESS;
}

static void mosquitto_close(void *connection)
{
    mosquitto_disconnect(connection);
    mosquitto_destroy(connection);
    mosquitto_lib_cleanup();
}

static const broker_client clients[] = {
    {"paho", paho_open, paho_publish, paho_turn, paho_close},
    {"mosquitto", mosquitto_open, mosquitto_publish_one, mosquitto_turn, mosquitto_close}};

const broker_client *broker_client_find(const char *name)
{
    for (size_t i = 0; i < sizeof clients / sizeof clients[0]; i++) {
        if (strcmp(name, clients[i].name) == 0) {
            return &clients[i];
        }
    }
    return NULL;
}
