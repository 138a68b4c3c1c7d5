/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the seven messages of a reading cost with paho alone: the floor of the gateway's CPU time.
 * usage: bench_publish_floor BROKER_URL READINGS_PER_SECOND SECONDS
 */
#include <MQTTAsync.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>

static const char *const suffixes[] = {
    "Physiological_Data/Temperature",       "Physiological_Data/Pulse_Signal",
    "Physiological_Data/Accelerometer/x",   "Physiological_Data/Accelerometer/y",
    "Physiological_Data/Accelerometer/z",   "Internal_Device_Data/Temperature/MCU",
    "Internal_Device_Data/Temperature/MPU",
};

static atomic_int connected;

static void on_connected(void *context, MQTTAsync_successData *response)
{
    (void)context;
    (void)response;
    atomic_store(&connected, 1);
}

static double cpu_us(void)
{
    struct rusage usage;

    getrusage(RUSAGE_SELF, &usage);
    return (double)(usage.ru_utime.tv_sec + usage.ru_stime.tv_sec) * 1e6 +
           (double)(usage.ru_utime.tv_usec + usage.ru_stime.tv_usec);
}

static int publish_reading(MQTTAsync client, long number)
{
    char topic[128];
    int failed = 0;

    for (size_t i = 0; i < sizeof suffixes / sizeof suffixes[0]; i++) {
        snprintf(topic, sizeof topic, "Floor/bench-%04ld/%s", number % 50 + 1, suffixes[i]);
        failed |= MQTTAsync_send(client, topic, 6, "36.600", 0, 0, NULL) != MQTTASYNC_SUCCESS;
    }
    return failed;
}

int main(int argc, char **argv)
{
    MQTTAsync client = NULL;
    MQTTAsync_connectOptions options = MQTTAsync_connectOptions_initializer;
    struct timespec next;

    if (argc != 4) {
        fprintf(stderr, "usage: bench_publish_floor BROKER_URL READINGS_PER_SECOND SECONDS\n");
        return 2;
    }
    long rate = strtol(argv[2], NULL, 10);
    long count = rate * strtol(argv[3], NULL, 10);
    if (rate < 1 || rate > 100000 || count < 1 ||
        MQTTAsync_create(&client, argv[1], "bench-floor", MQTTCLIENT_PERSISTENCE_NONE, NULL) !=
            MQTTASYNC_SUCCESS) {
        return 2;
    }
    /* Else paho formats and keeps a trace of every packet. */
    MQTTAsync_setTraceLevel(MQTTASYNC_TRACE_FATAL);
    options.onSuccess = on_connected;
    options.maxInflight = 1000;
    MQTTAsync_connect(client, &options);
    for (int i = 0; i < 500 && !atomic_load(&connected); i++) {
        nanosleep(&(struct timespec){.tv_nsec = 10000000}, NULL);
    }
    if (!atomic_load(&connected)) {
        fprintf(stderr, "bench_publish_floor: no connection to %s\n", argv[1]);
        return 4;
    }
    int failed = 0;
    double before = cpu_us();
    clock_gettime(CLOCK_MONOTONIC, &next);
    for (long i = 0; i < count; i++) {
        failed += publish_reading(client, i);
        next.tv_nsec += 1000000000L / rate;
        if (next.tv_nsec >= 1000000000L) {
            next.tv_nsec -= 1000000000L;
            next.tv_sec++;
        }
        clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &next, NULL);
    }
    printf("{\"bench\":\"publish_floor\",\"readings\":%ld,\"failed\":%d,"
           "\"cpu_us_per_reading\":%.1f}\n",
           count, failed, (cpu_us() - before) / (double)count);
    MQTTAsync_destroy(&client);
    return 0;
}
