/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Counts the readings that a broker delivers. usage: bench_subscriber PORT FILTER
 * For each line on standard input it prints what came so far. A message of a topic `Readings` holds
 * as many readings as it says "values"; any other message is one.
 */
#include "meter.h"

#include <mosquitto.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>

static atomic_ullong messages, readings, bytes;
static atomic_bool subscribed;

static unsigned long long count(const char *text, size_t len)
{
    static const char word[] = "\"values\"";
    const char *const end = text + len;
    unsigned long long found = 0;

    for (const char *p = text; p < end; p++, found++) {
        p = memmem(p, (size_t)(end - p), word, sizeof word - 1);
        if (!p) {
            break;
        }
    }
    return found;
}

static void on_message(struct mosquitto *client, void *context,
                       const struct mosquitto_message *message)
{
    static const char batch[] = "/Readings";
    const size_t len = strlen(message->topic), tail = sizeof batch - 1;
    const bool many = len > tail && memcmp(message->topic + len - tail, batch, tail) == 0;
    (void)client;
    (void)context;

    atomic_fetch_add(&readings, many ? count(message->payload, (size_t)message->payloadlen) : 1u);
    atomic_fetch_add(&messages, 1);
    atomic_fetch_add(&bytes, (unsigned long long)message->payloadlen);
}

static void on_connect(struct mosquitto *client, void *filter, int code)
{
    if (code == 0) {
        mosquitto_subscribe(client, NULL, filter, 0);
    }
}

static void on_subscribe(struct mosquitto *client, void *context, int id, int count_of,
                         const int *qos)
{
    (void)client;
    (void)context;
    (void)id;
    (void)count_of;
    (void)qos;
    atomic_store(&subscribed, true);
}

static int fail(const char *what)
{
    fprintf(stderr, "bench_subscriber: %s\n", what);
    return 4;
}

int main(int argc, char **argv)
{
    char line[64];

    if (argc != 3) {
        fprintf(stderr, "usage: bench_subscriber PORT FILTER\n");
        return 2;
    }
    mosquitto_lib_init();
    struct mosquitto *client = mosquitto_new(NULL, true, argv[2]);
    if (!client) {
        return fail("no memory");
    }
    mosquitto_connect_callback_set(client, on_connect);
    mosquitto_subscribe_callback_set(client, on_subscribe);
    mosquitto_message_callback_set(client, on_message);
    if (mosquitto_connect(client, "127.0.0.1", (int)meter_number(argv[1], 65535), 60) !=
            MOSQ_ERR_SUCCESS ||
        mosquitto_loop_start(client) != MOSQ_ERR_SUCCESS) {
        return fail("no connection");
    }
    for (int i = 0; i < 500 && !atomic_load(&subscribed); i++) {
        nanosleep(&(struct timespec){.tv_nsec = 10000000}, NULL);
    }
    if (!atomic_load(&subscribed)) {
        return fail("no subscription");
    }
    while (fgets(line, sizeof line, stdin)) {
        printf("{\"messages\":%llu,\"readings\":%llu,\"bytes\":%llu,\"cpu_us\":%.0f}\n",
               atomic_load(&messages), atomic_load(&readings), atomic_load(&bytes),
               meter_cpu_us(0));
        fflush(stdout);
    }
    mosquitto_disconnect(client);
    mosquitto_loop_stop(client, false);
    mosquitto_destroy(client);
    mosquitto_lib_cleanup();
    return 0;
}
