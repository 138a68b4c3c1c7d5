/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What devices without a gateway do: each has a TLS connection of its own to the broker, and
 * publishes there. usage: bench_tls_clients PORT SECURITY STYLE QOS CLIENTS RATE_HZ SECONDS
 * BROKER_PID FOLDER, where SECURITY is plain, psk or cert and FOLDER has `psk` (lines of
 * IDENTITY:HEX) or ca.pem, client.pem and client.key.
 */
#include "messages.h"
#include "meter.h"

#include <linux/tcp.h>
#include <mosquitto.h>
#include <netinet/in.h>
#include <openssl/ssl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

enum { CLIENTS_MAX = 1000, CONNECTS = 500, IP_OVERHEAD = 52 }; /* IPv4, TCP, time stamps */

typedef struct settings {
    int port;
    const char *security;
    message_style style;
    int qos;
    unsigned clients;
    long rate_hz;
    long seconds;
    pid_t broker;
    const char *folder;
} settings;

typedef struct traffic {
    double bytes; /* both ways, as TCP carries them */
    double segments;
} traffic;

typedef struct one {
    struct mosquitto *mosquitto;
    bool connected;
} one;

static one all[CLIENTS_MAX];
static struct pollfd ready[CLIENTS_MAX];

static void on_connect(struct mosquitto *client, void *context, int code)
{
    (void)client;
    ((one *)context)->connected = code == 0;
}

/* Line `number` of the file of keys. */
static bool set_psk(struct mosquitto *client, const char *folder, unsigned number)
{
    char path[512], line[256] = "";
    snprintf(path, sizeof path, "%s/psk", folder);
    FILE *file = fopen(path, "r");
    for (unsigned i = 0; file && i <= number && fgets(line, sizeof line, file); i++) {
        line[strcspn(line, "\n")] = '\0';
    }
    if (file) {
        fclose(file);
    }
    char *key = strchr(line, ':');
    if (!key) {
        return false;
    }
    *key++ = '\0';
    return mosquitto_tls_psk_set(client, key, line, NULL) == MOSQ_ERR_SUCCESS;
}

static bool set_certificate(struct mosquitto *client, const char *folder)
{
    char ca[512], own[512], key[512];
    snprintf(ca, sizeof ca, "%s/ca.pem", folder);
    snprintf(own, sizeof own, "%s/client.pem", folder);
    snprintf(key, sizeof key, "%s/client.key", folder);
    return mosquitto_tls_set(client, ca, NULL, own, key, NULL) == MOSQ_ERR_SUCCESS;
}

static bool set_security(struct mosquitto *client, const settings *s, unsigned number)
{
    if (strcmp(s->security, "psk") == 0) {
        return set_psk(client, s->folder, number);
    }
    return strcmp(s->security, "cert") != 0 || set_certificate(client, s->folder);
}

/* By poll(): mosquitto_loop() selects, which ends at 1024 descriptors. */
static bool wait_answer(struct mosquitto *client)
{
    const bool writes = mosquitto_want_write(client);
    struct pollfd poll_one = {.fd = mosquitto_socket(client),
                              .events = (short)(writes ? POLLIN | POLLOUT : POLLIN)};

    return poll(&poll_one, 1, 10000) == 1 &&
           ((poll_one.revents & POLLOUT) == 0 ||
            mosquitto_loop_write(client, 1) == MOSQ_ERR_SUCCESS) &&
           ((poll_one.revents & ~POLLOUT) == 0 ||
            mosquitto_loop_read(client, 1) == MOSQ_ERR_SUCCESS);
}

static bool connect_one(one *c, const settings *s, unsigned number)
{
    char id[32];
    snprintf(id, sizeof id, "bench-%04u", number + 1);
    *c = (one){.mosquitto = mosquitto_new(id, true, c)};
    if (!c->mosquitto || !set_security(c->mosquitto, s, number)) {
        return false;
    }
    mosquitto_connect_callback_set(c->mosquitto, on_connect);
    if (mosquitto_connect(c->mosquitto, "127.0.0.1", s->port, 3600) != MOSQ_ERR_SUCCESS) {
        return false;
    }
    while (!c->connected && wait_answer(c->mosquitto)) {
    }
    return c->connected;
}

static void disconnect_all(unsigned count)
{
    for (unsigned i = 0; i < count; i++) {
        mosquitto_disconnect(all[i].mosquitto);
        mosquitto_destroy(all[i].mosquitto);
    }
}

static traffic count_traffic(unsigned clients)
{
    traffic sum = {0, 0};

    for (unsigned i = 0; i < clients; i++) {
        struct tcp_info info;
        socklen_t len = sizeof info;
        memset(&info, 0, sizeof info);
        getsockopt(mosquitto_socket(all[i].mosquitto), IPPROTO_TCP, TCP_INFO, &info, &len);
        sum.bytes += (double)(info.tcpi_bytes_sent + info.tcpi_bytes_received);
        sum.segments += (double)info.tcpi_segs_out + (double)info.tcpi_segs_in;
    }
    return sum;
}

static void print_connects(const settings *s, double cpu_us, unsigned connects)
{
    const traffic t = count_traffic(s->clients);
    SSL *ssl = mosquitto_ssl_get(all[0].mosquitto);

    printf("{\"security\":\"%s\",\"tls\":\"%s\",\"cipher\":\"%s\","
           "\"broker_us_per_connect\":%.1f,\"bytes_per_connect\":%.0f,"
           "\"ip_bytes_per_connect\":%.0f,",
           s->security, ssl ? SSL_get_version(ssl) : "none", ssl ? SSL_get_cipher(ssl) : "none",
           cpu_us / connects, t.bytes / s->clients,
           (t.bytes + IP_OVERHEAD * t.segments) / s->clients);
}

/* So often that there is a mean; the last time stays. */
static bool connect_all(const settings *s)
{
    const double before = meter_cpu_us(s->broker);
    const unsigned rounds = s->clients < CONNECTS ? CONNECTS / s->clients : 1;

    for (unsigned round = 0; round < rounds; round++) {
        if (round > 0) {
            disconnect_all(s->clients);
        }
        for (unsigned i = 0; i < s->clients; i++) {
            if (!connect_one(&all[i], s, i)) {
                fprintf(stderr, "bench_tls_clients: client %u is not let in\n", i + 1);
                return false;
            }
        }
    }
    print_connects(s, meter_cpu_us(s->broker) - before, rounds * s->clients);
    return true;
}

static int take(void *context, const char *topic, const char *payload, size_t len)
{
    const one *c = ((void **)context)[0];
    const settings *s = ((void **)context)[1];
    return mosquitto_publish(c->mosquitto, NULL, topic, (int)len, payload, s->qos, false);
}

static int read_answers(unsigned clients)
{
    int failed = 0;

    if (poll(ready, clients, 0) <= 0) {
        return 0;
    }
    for (unsigned i = 0; i < clients; i++) {
        if (ready[i].revents != 0) {
            failed += mosquitto_loop_read(all[i].mosquitto, 1) != MOSQ_ERR_SUCCESS;
        }
    }
    return failed;
}

static int publish_all(settings *s, long rounds, double rate)
{
    int failed = 0;
    meter_pace pace;

    for (unsigned i = 0; i < s->clients; i++) {
        ready[i] = (struct pollfd){.fd = mosquitto_socket(all[i].mosquitto), .events = POLLIN};
    }
    meter_pace_start(&pace, rate);
    for (long i = 0; i < rounds; i++) {
        const unsigned number = (unsigned)(i % s->clients);
        void *context[] = {&all[number], s};
        const uint32_t sequence =
            (uint32_t)(i / s->clients) * (uint32_t)messages_readings(s->style);
        failed += messages_write(s->style, number + 1, sequence, take, context);
        failed += read_answers(s->clients);
        meter_pace_wait(&pace);
    }
    return failed + read_answers(s->clients);
}

static int run(settings *s)
{
    const unsigned each = messages_readings(s->style);
    const double rate = (double)s->clients * (double)s->rate_hz / each;
    const long rounds = (long)(rate * (double)s->seconds);
    const traffic start = count_traffic(s->clients);
    const double cpu = meter_cpu_us(s->broker);
    const int failed = publish_all(s, rounds, rate);
    const double spent = meter_cpu_us(s->broker) - cpu, readings = (double)rounds * each;
    const traffic end = count_traffic(s->clients);
    const double bytes = end.bytes - start.bytes, segments = end.segments - start.segments;

    printf("\"readings\":%.0f,\"failed\":%d,\"broker_us\":%.2f,\"bytes_per_reading\":%.1f,"
           "\"ip_bytes_per_reading\":%.1f}\n",
           readings, failed, spent / readings, bytes / readings,
           (bytes + IP_OVERHEAD * segments) / readings);
    return failed == 0 ? 0 : 4;
}

int main(int argc, char **argv)
{
    if (argc != 10) {
        fprintf(stderr, "usage: bench_tls_clients PORT plain|psk|cert fields|reading|batch QOS "
                        "CLIENTS RATE_HZ SECONDS BROKER_PID FOLDER\n");
        return 2;
    }
    settings s = {.port = (int)meter_number(argv[1], 65535),
                  .security = argv[2],
                  .qos = strcmp(argv[4], "0") != 0,
                  .clients = (unsigned)meter_number(argv[5], CLIENTS_MAX),
                  .rate_hz = meter_number(argv[6], 1000),
                  .seconds = meter_number(argv[7], 3600),
                  .broker = (pid_t)meter_number(argv[8], 4194304),
                  .folder = argv[9]};
    if (!messages_style(&s.style, argv[3])) {
        return 2;
    }
    mosquitto_lib_init();
    const int code = connect_all(&s) ? run(&s) : 4;
    mosquitto_lib_cleanup();
    return code;
}
