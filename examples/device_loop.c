/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A medsec/1 device: the whole loop, over a POSIX socket. On a microcontroller the socket, the
 * clock and the random numbers are other ones, and the rest is this. To have somebody to talk to,
 * the program runs a gateway of its own, with a registry in a temporary folder and a publisher
 * that keeps messages in memory.
 */
#include <medsec/medsec.h>

#include <arpa/inet.h>
#include <poll.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

enum { RING_READINGS = 256, READINGS = 40 };

#define CHECK(call)                                                       \
    do {                                                                  \
        medsec_status status_ = (call);                                   \
        if (status_ != MEDSEC_OK) {                                       \
            fprintf(stderr, "%s: %s\n", #call, medsec_strerror(status_)); \
            exit(1);                                                      \
        }                                                                 \
    } while (0)

static uint64_t now_ms(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * 1000u + (uint64_t)now.tv_nsec / 1000000u;
}

static void random_bytes(void *context, uint8_t *out, size_t len)
{
    (void)context;
    if (getrandom(out, len, 0) != (ssize_t)len) {
        abort(); /* without random numbers there is no secret */
    }
}

/* What the sensors say. */
static medsec_reading measure(uint32_t number)
{
    const int32_t values[] = {36600 + (int32_t)(number % 3), 1755, 0, -50, 998, 23700, 23400};
    medsec_reading reading = {.count = medsec_profile_pico_vitals.count};
    for (size_t i = 0; i < reading.count; i++) {
        reading.value[i] =
            (medsec_value){.mantissa = values[i], .decimals = 3, .kind = MEDSEC_VALUE_NUMBER};
    }
    return reading;
}

static int connect_to(uint16_t port)
{
    const struct sockaddr_in address = {
        .sin_family = AF_INET, .sin_port = htons(port), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    int fd = socket(AF_INET, SOCK_STREAM, 0);
    if (fd >= 0 && connect(fd, (const struct sockaddr *)&address, sizeof address) != 0) {
        close(fd);
        fd = -1;
    }
    return fd;
}

static void disconnect(medsec_device *device, int *fd)
{
    if (*fd >= 0) {
        close(*fd);
    }
    *fd = -1;
    medsec_device_disconnected(device, now_ms());
}

static void send_all(medsec_device *device, int *fd, const uint8_t *data, size_t len)
{
    while (len > 0) {
        ssize_t count = send(*fd, data, len, MSG_NOSIGNAL);
        if (count <= 0) {
            disconnect(device, fd);
            return;
        }
        data += count;
        len -= (size_t)count;
    }
}

/* Sleeps until bytes come or the time is there. */
static void wait_for_bytes(medsec_device *device, int *fd, uint64_t until_ms)
{
    uint8_t data[512];
    uint64_t now = now_ms();
    uint64_t left = until_ms > now ? until_ms - now : 0;
    struct pollfd poll_fd = {.fd = *fd, .events = POLLIN};
    if (poll(&poll_fd, 1, left < 1000 ? (int)left : 1000) <= 0) {
        return;
    }
    ssize_t count = recv(*fd, data, sizeof data, 0);
    if (count > 0) {
        medsec_device_receive(device, now_ms(), data, (size_t)count);
    } else {
        disconnect(device, fd);
    }
}

static void run_device(medsec_device *device, uint16_t port)
{
    uint8_t out[MEDSEC_DEVICE_OUT_LEN];
    uint32_t measured = 0;
    int fd = -1;
    while (!medsec_device_finished(device)) {
        medsec_step step;
        medsec_device_poll(device, now_ms(), out, sizeof out, &step);
        switch (step.type) {
        case MEDSEC_STEP_WAIT:
            wait_for_bytes(device, &fd, step.until_ms);
            break;
        case MEDSEC_STEP_SAMPLE: {
            medsec_reading reading = measure(measured);
            CHECK(medsec_device_sample(device, now_ms(), &reading));
            if (++measured == READINGS) {
                medsec_device_finish(device);
            }
            break;
        }
        case MEDSEC_STEP_CONNECT:
            fd = connect_to(port);
            if (fd >= 0) {
                medsec_device_connected(device, now_ms());
            } else {
                disconnect(device, &fd);
            }
            break;
        case MEDSEC_STEP_SEND:
            send_all(device, &fd, out, step.len);
            break;
        case MEDSEC_STEP_CLOSE:
            disconnect(device, &fd);
            break;
        }
    }
}

static void make_device(medsec_registry *registry, medsec_credential *credential)
{
    uint8_t gateway_public[2][MEDSEC_X25519_LEN];
    size_t count = 0;
    *credential = (medsec_credential){.device = "bed-7",
                                      .profile = MEDSEC_PROFILE_DEFAULT,
                                      .wire = MEDSEC_WIRE_MEDSEC1,
                                      .suite = MEDSEC_SUITE_A128CBC_HS256,
                                      .has_private = true};
    medsec_credential_generate(credential);
    CHECK(medsec_registry_gateway_public(registry, gateway_public, &count));
    memcpy(credential->gateway_public, gateway_public[0], MEDSEC_X25519_LEN);
    CHECK(medsec_registry_add(registry, credential, 0));
}

/* The device's life: started, measuring, finished. */
static medsec_device_stats be_device(const medsec_credential *credential, uint16_t port)
{
    static uint8_t ring[RING_READINGS * MEDSEC_DEVICE_SLOT_LEN(7)];
    medsec_device device;
    medsec_device_stats stats;
    const medsec_device_options options = {
        .crypto = medsec_crypto_openssl(),
        .profile = &medsec_profile_pico_vitals,
        .credential = credential,
        .random = random_bytes,
        .boot = 1,
        .ring = ring,
        .ring_len = sizeof ring,
        .config = {.given = MEDSEC_CONFIG_SAMPLE_INTERVAL, .sample_interval_ms = 5},
    };
    CHECK(medsec_device_open(&device, &options, now_ms()));
    run_device(&device, port);
    medsec_device_get_stats(&device, &stats);
    medsec_device_close(&device);
    return stats;
}

static atomic_bool stopping;

/* In place of a broker: what is taken is safe, and then the gateway acknowledges it. */
static void *take_messages(void *publisher)
{
    const struct timespec pause = {.tv_nsec = 1000000};
    while (!stopping) {
        medsec_message message;
        if (medsec_publisher_memory_take(publisher, &message) != MEDSEC_OK) {
            nanosleep(&pause, NULL);
        }
    }
    return NULL;
}

static medsec_device_stats run(medsec_registry *registry)
{
    pthread_t broker;
    medsec_credential credential;
    medsec_publisher *publisher = NULL;
    medsec_gateway *gateway = NULL;
    medsec_profile_set *profiles = medsec_profile_set_create();
    make_device(registry, &credential);
    CHECK(medsec_publisher_memory_create(&publisher, 10000));
    const medsec_gateway_options options = {.listen = "127.0.0.1:0",
                                            .registry = registry,
                                            .profiles = profiles,
                                            .publisher = publisher,
                                            .threads = 1};
    CHECK(medsec_gateway_create(&gateway, &options));
    CHECK(medsec_gateway_start(gateway));
    if (pthread_create(&broker, NULL, take_messages, publisher) != 0) {
        abort();
    }
    medsec_device_stats stats = be_device(&credential, medsec_gateway_port(gateway));
    CHECK(medsec_gateway_stop(gateway, 10000));
    stopping = true;
    pthread_join(broker, NULL);
    medsec_gateway_destroy(gateway);
    publisher->ops->destroy(publisher);
    medsec_profile_set_destroy(profiles);
    medsec_credential_wipe(&credential);
    return stats;
}

int main(void)
{
    char folder[] = "/tmp/medsec-example-XXXXXX";
    if (mkdtemp(folder) == NULL || chdir(folder) != 0) {
        perror(folder);
        return 1;
    }
    const medsec_registry_unlock unlock = {.key_file = "medsec.key"};
    medsec_registry *registry = NULL;
    CHECK(medsec_registry_create("medsec.db", &unlock, "example"));
    CHECK(medsec_registry_open(&registry, "medsec.db", &unlock, MEDSEC_REGISTRY_WRITE, "example"));
    medsec_device_stats stats = run(registry);
    medsec_registry_close(registry);
    unlink("medsec.db");
    unlink("medsec.key");
    rmdir(folder);
    printf("%lu readings measured, %lu acknowledged, in %lu records\n",
           (unsigned long)stats.sampled, (unsigned long)stats.acknowledged,
           (unsigned long)stats.records);
    return stats.acknowledged == READINGS ? 0 : 1;
}
