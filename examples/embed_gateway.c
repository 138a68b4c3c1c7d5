/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The gateway inside another program, with a publisher of its own: this one prints. To have
 * something to print, it makes a registry with one device in a temporary folder, and sends itself
 * two frames as that device would.
 */
#include <medsec/medsec.h>

#include <arpa/inet.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

/* A publisher is a struct that begins with a medsec_publisher. */
typedef struct printer {
    medsec_publisher base;
    _Atomic uint64_t messages;
} printer;

static medsec_status printer_start(medsec_publisher *publisher,
                                   const medsec_publisher_listener *listener)
{
    (void)publisher;
    (void)listener; /* wants to know when a message with a token is safe; there is none here */
    return MEDSEC_OK;
}

/* Called by the gateway's threads. */
static medsec_status printer_publish(medsec_publisher *publisher, const medsec_message *message)
{
    printf("%.*s = %.*s\n", (int)message->topic_len, message->topic, (int)message->payload_len,
           (const char *)message->payload);
    ((printer *)publisher)->messages++;
    return MEDSEC_OK;
}

/* Nobody sends commands to a printer. */
static medsec_status printer_subscribe(medsec_publisher *publisher, const char *filter)
{
    (void)publisher;
    (void)filter;
    return MEDSEC_OK;
}

static bool printer_pressed(medsec_publisher *publisher, bool droppable)
{
    (void)publisher;
    (void)droppable;
    return false;
}

static void printer_stats(medsec_publisher *publisher, medsec_publisher_stats *stats)
{
    *stats = (medsec_publisher_stats){.published = ((printer *)publisher)->messages};
}

static medsec_status printer_stop(medsec_publisher *publisher, uint32_t timeout_ms)
{
    (void)publisher;
    (void)timeout_ms;
    return MEDSEC_OK;
}

static void printer_destroy(medsec_publisher *publisher)
{
    (void)publisher;
}

static const medsec_publisher_ops printer_ops = {.start = printer_start,
                                                 .publish = printer_publish,
                                                 .subscribe = printer_subscribe,
                                                 .pressed = printer_pressed,
                                                 .stats = printer_stats,
                                                 .stop = printer_stop,
                                                 .destroy = printer_destroy};

#define CHECK(call)                                                       \
    do {                                                                  \
        medsec_status status_ = (call);                                   \
        if (status_ != MEDSEC_OK) {                                       \
            fprintf(stderr, "%s: %s\n", #call, medsec_strerror(status_)); \
            exit(1);                                                      \
        }                                                                 \
    } while (0)

static void add_device(const char *path, const medsec_registry_unlock *unlock,
                       medsec_credential *device)
{
    medsec_registry *registry = NULL;
    CHECK(medsec_registry_create(path, unlock, "example"));
    CHECK(medsec_registry_open(&registry, path, unlock, MEDSEC_REGISTRY_WRITE, "example"));
    *device =
        (medsec_credential){.device = "demo", .profile = "pico-vitals", .wire = MEDSEC_WIRE_SEED};
    medsec_credential_generate(device);
    CHECK(medsec_registry_add(registry, device, 0));
    medsec_registry_close(registry);
}

/* What the device does: encrypts readings and writes them to a socket. */
static void send_readings(const medsec_credential *device, uint16_t port)
{
    static const char *const readings[] = {
        "{\"Temp\":\"36.600\",\"TempMcu\":\"23.700\",\"PulseSig\":\"1.755\",\"Acel_x\":\"0.000\","
        "\"Acel_y\":\"-0.50\",\"Acel_z\":\"0.000\",\"TempMpu\":\"23.400\"}",
        "{\"Temp\":\"36.650\",\"TempMcu\":\"23.700\",\"PulseSig\":\"1.770\",\"Acel_x\":\"0.000\","
        "\"Acel_y\":\"-0.50\",\"Acel_z\":\"0.000\",\"TempMpu\":\"23.400\"}"};
    const struct sockaddr_in address = {
        .sin_family = AF_INET, .sin_port = htons(port), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    medsec_aes_cbc aes;
    CHECK(medsec_aes_cbc_open(&aes, medsec_crypto_openssl(), MEDSEC_ENCRYPT, device->key));
    int fd = socket(AF_INET, SOCK_STREAM, 0);
    if (fd < 0 || connect(fd, (const struct sockaddr *)&address, sizeof address) != 0) {
        perror("connect");
        exit(1);
    }
    for (size_t i = 0; i < sizeof readings / sizeof readings[0]; i++) {
        char frame[MEDSEC_SEED_FRAME_LEN(MEDSEC_SEED_BLOCKS_MAX)];
        size_t len = 0;
        CHECK(medsec_seed_frame_encode(frame, sizeof frame, &len, &aes, MEDSEC_SEED_PER_BLOCK,
                                       device->iv, readings[i], strlen(readings[i])));
        if (write(fd, frame, len) != (ssize_t)len) {
            perror("write");
            exit(1);
        }
    }
    close(fd);
    medsec_aes_cbc_close(&aes);
}

static medsec_gateway_stats wait_for_readings(const medsec_gateway *gateway, uint64_t count)
{
    medsec_gateway_stats stats;
    const struct timespec pause = {.tv_nsec = 10000000};
    for (int i = 0; i < 6000; i++) {
        medsec_gateway_get_stats(gateway, &stats);
        if (stats.readings >= count && stats.connections == 0) {
            break;
        }
        nanosleep(&pause, NULL);
    }
    return stats;
}

static uint64_t run_gateway(const char *path, const medsec_registry_unlock *unlock,
                            const medsec_credential *device)
{
    printer out = {.base = {&printer_ops}};
    medsec_profile_set *profiles = medsec_profile_set_create();
    medsec_registry *registry = NULL;
    medsec_gateway *gateway = NULL;
    CHECK(medsec_registry_open(&registry, path, unlock, MEDSEC_REGISTRY_READ, NULL));
    const medsec_gateway_options options = {.listen = "127.0.0.1:0",
                                            .registry = registry,
                                            .profiles = profiles,
                                            .publisher = &out.base,
                                            .threads = 1};
    CHECK(medsec_gateway_create(&gateway, &options));
    CHECK(medsec_gateway_start(gateway));
    send_readings(device, medsec_gateway_port(gateway));
    medsec_gateway_stats stats = wait_for_readings(gateway, 2);
    CHECK(medsec_gateway_stop(gateway, 10000));
    medsec_gateway_destroy(gateway);
    medsec_registry_close(registry);
    medsec_profile_set_destroy(profiles);
    printf("%lu readings, %lu messages\n", (unsigned long)stats.readings,
           (unsigned long)out.messages);
    return stats.readings;
}

int main(void)
{
    char folder[] = "/tmp/medsec-example-XXXXXX";
    char path[64], key_file[64];
    if (!mkdtemp(folder)) {
        perror(folder);
        return 1;
    }
    snprintf(path, sizeof path, "%s/medsec.db", folder);
    snprintf(key_file, sizeof key_file, "%s/medsec.key", folder);
    const medsec_registry_unlock unlock = {.key_file = key_file};
    medsec_credential device;
    add_device(path, &unlock, &device);
    uint64_t readings = run_gateway(path, &unlock, &device);
    medsec_credential_wipe(&device);
    unlink(path);
    unlink(key_file);
    rmdir(folder);
    return readings == 2 ? 0 : 1;
}
