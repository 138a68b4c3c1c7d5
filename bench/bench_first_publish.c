/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The time from connect() of a device to its first reading at a subscriber, both in this process
 * and on one clock. usage: bench_first_publish GATEWAY_PORT BROKER_URL CREDENTIALS AT_ONCE ROUNDS
 * CREDENTIALS/bench-0001.json ... are the devices: AT_ONCE of them connect, send one reading, wait
 * until all are published or 5 s are over, and hang up; ROUNDS times.
 */
#include <medsec/medsec.h>

#include <MQTTAsync.h>
#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#define DEVICES_MAX 1000
#define WAIT_MS 5000.0
#define READING                                                                                \
    "{\"Temp\":\"36.600\",\"TempMcu\":\"23.700\",\"PulseSig\":\"1.755\",\"Acel_x\":\"0.000\"," \
    "\"Acel_y\":\"-0.50\",\"Acel_z\":\"0.000\",\"TempMpu\":\"23.400\"}"

typedef struct bench_device {
    int socket;
    double started_ms;
    _Atomic double published_ms; /* 0: not yet */
    char frame[MEDSEC_SEED_FRAME_LEN(8)];
    size_t frame_len;
} bench_device;

static bench_device devices[DEVICES_MAX];
static atomic_int subscribed;

static double now_ms(void)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec * 1e3 + (double)now.tv_nsec / 1e6;
}

static void pause_ms(long ms)
{
    const struct timespec pause = {.tv_nsec = ms * 1000000L};

    nanosleep(&pause, NULL);
}

static int on_message(void *context, char *topic, int topic_len, MQTTAsync_message *message)
{
    unsigned number = 0;

    (void)context;
    (void)topic_len;
    if (sscanf(topic, "Pico/bench-%u/", &number) == 1 && number >= 1 && number <= DEVICES_MAX) {
        atomic_store(&devices[number - 1].published_ms, now_ms());
    }
    MQTTAsync_freeMessage(&message);
    MQTTAsync_free(topic);
    return 1;
}

static void on_subscribed(void *context, MQTTAsync_successData *response)
{
    (void)context;
    (void)response;
    atomic_store(&subscribed, 1);
}

static void on_connected(void *context, MQTTAsync_successData *response)
{
    MQTTAsync_responseOptions options = MQTTAsync_responseOptions_initializer;

    (void)response;
    options.onSuccess = on_subscribed;
    MQTTAsync_subscribe(context, "Pico/+/Physiological_Data/Temperature", 0, &options);
}

static MQTTAsync subscribe(const char *url)
{
    MQTTAsync client = NULL;
    MQTTAsync_connectOptions options = MQTTAsync_connectOptions_initializer;

    if (MQTTAsync_create(&client, url, "bench-subscriber", MQTTCLIENT_PERSISTENCE_NONE, NULL) !=
        MQTTASYNC_SUCCESS) {
        return NULL;
    }
    MQTTAsync_setCallbacks(client, NULL, NULL, on_message, NULL);
    options.cleansession = 1;
    options.onSuccess = on_connected;
    options.context = client;
    MQTTAsync_connect(client, &options);
    for (double start = now_ms(); !atomic_load(&subscribed);) {
        if (now_ms() - start > WAIT_MS) {
            return NULL;
        }
        pause_ms(1);
    }
    return client;
}

static medsec_status prepare(bench_device *device, const char *path)
{
    medsec_credential credential;
    medsec_aes_cbc aes;
    medsec_status status = medsec_credential_load(&credential, path);

    if (status != MEDSEC_OK) {
        return status;
    }
    status = medsec_aes_cbc_open(&aes, medsec_crypto_openssl(), MEDSEC_ENCRYPT, credential.key);
    if (status == MEDSEC_OK) {
        status = medsec_seed_frame_encode(device->frame, sizeof device->frame, &device->frame_len,
                                          &aes, MEDSEC_SEED_PER_BLOCK, credential.iv, READING,
                                          strlen(READING));
        medsec_aes_cbc_close(&aes);
    }
    medsec_credential_wipe(&credential);
    return status;
}

static void start(bench_device *device, const struct sockaddr_in *gateway)
{
    const int on = 1;

    atomic_store(&device->published_ms, 0);
    device->started_ms = now_ms();
    device->socket = socket(AF_INET, SOCK_STREAM, 0);
    if (connect(device->socket, (const struct sockaddr *)gateway, sizeof *gateway) != 0) {
        return;
    }
    setsockopt(device->socket, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    if (send(device->socket, device->frame, device->frame_len, MSG_NOSIGNAL) < 0) {
        perror("send");
    }
}

static bool all_published(int count)
{
    for (int i = 0; i < count; i++) {
        if (atomic_load(&devices[i].published_ms) <= 0) {
            return false;
        }
    }
    return true;
}

/* Appends the times of one round; returns how many there are now. */
static int run_round(double *times, int have, int at_once, const struct sockaddr_in *gateway)
{
    double begin = now_ms();

    for (int i = 0; i < at_once; i++) {
        start(&devices[i], gateway);
    }
    while (!all_published(at_once) && now_ms() - begin < WAIT_MS) {
        pause_ms(1);
    }
    for (int i = 0; i < at_once; i++) {
        double published = atomic_load(&devices[i].published_ms);

        if (published > 0) {
            times[have++] = published - devices[i].started_ms;
        }
        close(devices[i].socket);
    }
    pause_ms(20);
    return have;
}

static int by_time(const void *a, const void *b)
{
    double left = *(const double *)a;
    double right = *(const double *)b;

    return (left > right) - (left < right);
}

static double percentile(const double *times, int count, int percent)
{
    return count == 0 ? 0 : times[(count * percent + 99) / 100 - 1];
}

int main(int argc, char **argv)
{
    if (argc != 6) {
        fprintf(stderr, "usage: bench_first_publish GATEWAY_PORT BROKER_URL CREDENTIALS AT_ONCE "
                        "ROUNDS\n");
        return 2;
    }
    struct sockaddr_in gateway = {.sin_family = AF_INET,
                                  .sin_port = htons((uint16_t)strtoul(argv[1], NULL, 10)),
                                  .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    int at_once = (int)strtol(argv[4], NULL, 10);
    int rounds = (int)strtol(argv[5], NULL, 10);

    if (at_once < 1 || at_once > DEVICES_MAX || rounds < 1 || rounds > 10000) {
        return 2;
    }
    for (int i = 0; i < at_once; i++) {
        char path[4096];

        snprintf(path, sizeof path, "%s/bench-%04d.json", argv[3], i + 1);
        medsec_status status = prepare(&devices[i], path);
        if (status != MEDSEC_OK) {
            fprintf(stderr, "%s: %s\n", path, medsec_strerror(status));
            return 3;
        }
    }
    double *times = calloc((size_t)at_once * (size_t)rounds, sizeof *times);
    MQTTAsync client = subscribe(argv[2]);
    if (times == NULL || client == NULL) {
        fprintf(stderr, "bench_first_publish: no subscription at %s\n", argv[2]);
        return 4;
    }
    int count = 0;
    for (int i = 0; i < rounds; i++) {
        count = run_round(times, count, at_once, &gateway);
    }
    qsort(times, (size_t)count, sizeof *times, by_time);
    printf("{\"bench\":\"first_publish\",\"at_once\":%d,\"connects\":%d,\"unserved\":%d,"
           "\"p50_ms\":%.3f,\"p99_ms\":%.3f,\"max_ms\":%.3f}\n",
           at_once, at_once * rounds, at_once * rounds - count, percentile(times, count, 50),
           percentile(times, count, 99), percentile(times, count, 100));
    MQTTAsync_destroy(&client);
    free(times);
    return 0;
}
