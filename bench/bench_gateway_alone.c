/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A gateway without a broker: whatever it publishes is durable at once. For measuring what stands
 * in front of it. Usage: bench_gateway_alone REGISTRY KEYFILE ADDR:PORT reading|batch; prints the
 * port, and runs until standard input ends.
 */
#include <medsec/medsec.h>

#include <stdio.h>
#include <string.h>

typedef struct abyss {
    medsec_publisher base;
    const medsec_publisher_listener *listener;
} abyss;

static medsec_status abyss_start(medsec_publisher *publisher,
                                 const medsec_publisher_listener *listener)
{
    ((abyss *)publisher)->listener = listener;
    return MEDSEC_OK;
}

static medsec_status abyss_publish(medsec_publisher *publisher, const medsec_message *message)
{
    const medsec_publisher_listener *listener = ((abyss *)publisher)->listener;

    if (message->token != 0) {
        listener->durable(listener->context, message->token, MEDSEC_OK);
    }
    return MEDSEC_OK;
}

static bool abyss_pressed(medsec_publisher *publisher, bool droppable)
{
    (void)publisher;
    (void)droppable;
    return false;
}

static void abyss_stats(medsec_publisher *publisher, medsec_publisher_stats *stats)
{
    (void)publisher;
    *stats = (medsec_publisher_stats){.connected = true};
}

static medsec_status abyss_stop(medsec_publisher *publisher, uint32_t timeout_ms)
{
    (void)publisher;
    (void)timeout_ms;
    return MEDSEC_OK;
}

static void abyss_destroy(medsec_publisher *publisher)
{
    (void)publisher;
}

static const medsec_publisher_ops abyss_ops = {.start = abyss_start,
                                               .publish = abyss_publish,
                                               .pressed = abyss_pressed,
                                               .stats = abyss_stats,
                                               .stop = abyss_stop,
                                               .destroy = abyss_destroy};

static int run(medsec_registry *registry, const medsec_profile_set *profiles, char **argv)
{
    abyss publisher = {.base = {.ops = &abyss_ops}};
    medsec_gateway *gateway = NULL;
    const medsec_gateway_options options = {
        .listen = argv[3],
        .registry = registry,
        .profiles = profiles,
        .publisher = &publisher.base,
        .publish = strcmp(argv[4], "batch") == 0 ? MEDSEC_PUBLISH_BATCH : MEDSEC_PUBLISH_READING};

    medsec_status status = medsec_gateway_create(&gateway, &options);
    if (status == MEDSEC_OK) {
        status = medsec_gateway_start(gateway);
    }
    if (status == MEDSEC_OK) {
        printf("%u\n", medsec_gateway_port(gateway));
        fflush(stdout);
        while (getchar() != EOF) {
        }
        status = medsec_gateway_stop(gateway, 1000);
    }
    medsec_gateway_destroy(gateway);
    return status == MEDSEC_OK ? 0 : 1;
}

static int open_and_run(char **argv)
{
    const medsec_registry_unlock unlock = {.key_file = argv[2]};
    medsec_registry *registry = NULL;
    medsec_profile_set *profiles = medsec_profile_set_create();

    const medsec_status status =
        medsec_registry_open(&registry, argv[1], &unlock, MEDSEC_REGISTRY_READ, NULL);
    if (status != MEDSEC_OK || profiles == NULL) {
        fprintf(stderr, "bench_gateway_alone: %s: %s\n", argv[1], medsec_strerror(status));
    }
    const int code = status == MEDSEC_OK && profiles != NULL ? run(registry, profiles, argv) : 1;
    medsec_registry_close(registry);
    medsec_profile_set_destroy(profiles);
    return code;
}

int main(int argc, char **argv)
{
    if (argc != 5) {
        fprintf(stderr, "usage: bench_gateway_alone REGISTRY KEYFILE ADDR:PORT reading|batch\n");
        return 2;
    }
    return open_and_run(argv);
}
