/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the messages of a reading cost with a broker client alone, over one connection in clear
 * text: the floor of the gateway's CPU time. usage: bench_publish_floor CLIENT STYLE QOS PORT
 * READINGS_PER_SECOND SECONDS BROKER_PID, where CLIENT is paho or mosquitto and STYLE is fields,
 * reading or batch.
 */
#include "broker_client.h"
#include "messages.h"
#include "meter.h"

#include <stdio.h>
#include <string.h>

typedef struct target {
    const broker_client *client;
    void *connection;
    int qos;
} target;

static int take(void *context, const char *topic, const char *payload, size_t len)
{
    const target *t = context;
    return t->client->publish(t->connection, topic, payload, len, t->qos);
}

static int run(target *t, message_style style, long rate, long seconds, pid_t broker)
{
    const unsigned each = messages_readings(style);
    const long rounds = rate * seconds / each;
    const double own = meter_cpu_us(0), others = meter_cpu_us(broker);
    int failed = 0;
    meter_pace pace;

    meter_pace_start(&pace, (double)rate / each);
    for (long i = 0; i < rounds; i++) {
        failed += messages_write(style, (unsigned)(i % 50) + 1, (uint32_t)i, take, t);
        t->client->turn(t->connection);
        meter_pace_wait(&pace);
    }
    const double readings = (double)rounds * each;
    printf("{\"bench\":\"publish_floor\",\"readings\":%.0f,\"failed\":%d,\"cpu_us\":%.2f,"
           "\"broker_us\":%.2f}\n",
           readings, failed, (meter_cpu_us(0) - own) / readings,
           (meter_cpu_us(broker) - others) / readings);
    return failed == 0 ? 0 : 4;
}

int main(int argc, char **argv)
{
    target t = {.client = NULL};
    message_style style;

    if (argc == 8) {
        t.client = broker_client_find(argv[1]);
    }
    if (!t.client || !messages_style(&style, argv[2])) {
        fprintf(stderr, "usage: bench_publish_floor paho|mosquitto fields|reading|batch QOS PORT "
                        "READINGS_PER_SECOND SECONDS BROKER_PID\n");
        return 2;
    }
    t.qos = strcmp(argv[3], "0") != 0;
    t.connection = t.client->open((int)meter_number(argv[4], 65535));
    if (!t.connection) {
        fprintf(stderr, "bench_publish_floor: no connection\n");
        return 4;
    }
    const int code = run(&t, style, meter_number(argv[5], 1000000), meter_number(argv[6], 3600),
                         (pid_t)meter_number(argv[7], 4194304));
    t.client->close(t.connection);
    return code;
}
