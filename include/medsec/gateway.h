/* SPDX-License-Identifier: Apache-2.0 */
#ifndef MEDSEC_GATEWAY_H
#define MEDSEC_GATEWAY_H

#include <medsec/log.h>
#include <medsec/profile_file.h>
#include <medsec/publisher.h>
#include <medsec/registry.h>
#include <medsec/topic.h>

/*
 * The gateway: listens for devices, identifies them by the registry, publishes what they measure.
 * One loop thread a core, each with its own listening socket; a connection never changes thread.
 * Everything it needs is handed in and stays the caller's: registry, profiles, publisher, log.
 */
typedef struct medsec_gateway medsec_gateway;

/* What is published for a reading: any set of these. */
#define MEDSEC_PUBLISH_FIELDS 1u /* one topic a vital, payload as measured */
#define MEDSEC_PUBLISH_READING 2u /* one JSON object a reading on `Reading` */
#define MEDSEC_PUBLISH_BATCH                                           \
    4u /* one JSON object a batch on `Readings`: a READINGS message of \
          medsec/1; what one read brings of a seed device */

/* All zero is a working default but for the pointers. */
typedef struct medsec_gateway_options {
    const char *listen; /* "0.0.0.0:9998", "[::]:9998"; port 0 takes a free one */
    medsec_registry *registry; /* watched for changes; used from one gateway thread. Opened with
                                  MODE_WRITE it completes rotations; else they stay pending */
    const medsec_profile_set *profiles;
    medsec_publisher *publisher; /* the gateway starts and stops it */
    medsec_log *log; /* may be NULL */
    const medsec_topic *topic; /* NULL: MEDSEC_TOPIC_TEMPLATE_DEFAULT */
    uint32_t threads; /* 0: one a core */
    uint32_t
        publish; /* MEDSEC_PUBLISH_*; 0: fields on the seed wire, fields and reading on medsec/1 */
    uint8_t seed_qos; /* 0 or 1; medsec/1 readings have 1 */
    bool no_heart_rate; /* none is taken from signals, nor published */
    uint32_t max_connections; /* 0: MEDSEC_GATEWAY_CONNECTIONS */
    uint32_t max_half_open; /* connections not identified yet; the oldest gives way; 0: default */
    uint32_t source_rate; /* connections a second from one address; 0: default */
    uint32_t source_burst; /* at once, after a quiet time; 0: default */
    uint32_t identify_timeout_ms; /* 0: MEDSEC_GATEWAY_IDENTIFY_TIMEOUT_MS */
    uint32_t idle_timeout_ms; /* 0: MEDSEC_GATEWAY_IDLE_TIMEOUT_MS */
    /* `10.1.0.5,2001:db8::/64`: the load balancers, of which each connection begins with a header
     * of the PROXY protocol, version 1 or 2, and is of the device whose address that tells. They
     * are believed. NULL: there is none, and such a header is bad input. */
    const char *proxy_protocol;
} medsec_gateway_options;

#define MEDSEC_GATEWAY_PORT 9998
#define MEDSEC_GATEWAY_CONNECTIONS 19000u /* a process may hold 20 000 descriptors here */
#define MEDSEC_GATEWAY_HALF_OPEN 12000u /* a storm of 10 000 devices waits its turn */
#define MEDSEC_GATEWAY_SOURCE_RATE 1000u /* a ward behind one address may come back at once */
#define MEDSEC_GATEWAY_SOURCE_BURST 10000u
#define MEDSEC_GATEWAY_IDENTIFY_TIMEOUT_MS 10000u /* from accept to the first whole reading */
#define MEDSEC_GATEWAY_HEADER_TIMEOUT_MS 5000u /* of a balancer: a lost segment comes in 3 s */
#define MEDSEC_GATEWAY_IDLE_TIMEOUT_MS 300000u /* devices may be silent for minutes */
#define MEDSEC_GATEWAY_READ_BUFFER 16384u /* bytes a thread reads at once: 62 usual frames */
#define MEDSEC_GATEWAY_ADDRESS_EVERY 50u /* readings between two publications of the addresses */
#define MEDSEC_GATEWAY_RELOAD_MS 250u /* how often the registry is looked at */
#define MEDSEC_GATEWAY_STOP_MS 10000u /* to deliver what was accepted */

/* How long readings took from their arrival to be safe: bucket i counts those of at most
 * medsec_gateway_latency_us[i], the last one all others. */
#define MEDSEC_GATEWAY_LATENCIES 16u
typedef struct medsec_gateway_latency {
    uint64_t bucket[MEDSEC_GATEWAY_LATENCIES];
    uint64_t count;
    uint64_t sum_us;
} medsec_gateway_latency;

/* Counters since start. `rejected` is indexed by -status. */
#define MEDSEC_GATEWAY_REASONS 32u
typedef struct medsec_gateway_stats {
    uint64_t accepted;
    uint64_t connections; /* now */
    uint64_t identified; /* now */
    uint64_t readings;
    uint64_t messages;
    uint64_t dropped; /* messages that the publisher did not take */
    uint64_t extra_members;
    uint64_t paused; /* times that reading stopped for back-pressure */
    uint64_t reloads; /* of the registry, in force in all threads */
    uint64_t half_open; /* now: connected, not identified */
    uint64_t half_open_evicted;
    uint64_t queued; /* newcomers that had to wait their turn */
    uint64_t source_limited; /* refused by the rate of their address */
    uint64_t welcomes; /* handshakes answered */
    uint64_t proved; /* of them, by devices that then used their keys */
    uint64_t duplicates; /* readings left out: acknowledged on that connection before */
    uint64_t acknowledged; /* readings covered by acknowledgements sent */
    uint64_t superseded; /* sessions ended by a newer one of the device */
    uint64_t commands; /* sent down to devices */
    uint64_t promotions; /* rotations completed */
    uint64_t devices; /* in the registry, now */
    uint64_t generation; /* of the registry that is in use: the number of its last change */
    uint64_t stalled_ms; /* since the slowest loop last turned; they turn once a second at least */
    medsec_gateway_latency durable; /* batches of medsec/1: from the record to the last PUBACK */
    uint64_t rejected[MEDSEC_GATEWAY_REASONS];
} medsec_gateway_stats;

MEDSEC_BEGIN_DECLS

/* Upper bounds of the buckets but the last, microseconds, ascending. */
MEDSEC_API extern const uint32_t medsec_gateway_latency_us[MEDSEC_GATEWAY_LATENCIES - 1u];

/* Checks the options and loads the registry. ERR_ARGUMENT, ERR_MEMORY, errors of the registry. */
MEDSEC_API MEDSEC_CHECK medsec_status medsec_gateway_create(medsec_gateway **gateway,
                                                            const medsec_gateway_options *options);

/* Whether this can be the option proxy_protocol. ERR_ARGUMENT: an item is no network, or has bits
 * behind its end, as 10.1.0.5/16; ERR_LIMIT: there are more than 32. */
MEDSEC_API MEDSEC_CHECK medsec_status medsec_gateway_check_proxy_protocol(const char *networks);

/* Starts the publisher, listens, and runs in threads of its own. ERR_IO: the address is not to be
 * had. ERR_STATE: it runs, or was stopped: a gateway runs once. */
MEDSEC_API MEDSEC_CHECK medsec_status medsec_gateway_start(medsec_gateway *gateway);

/* The port in use, after start. */
MEDSEC_API uint16_t medsec_gateway_port(const medsec_gateway *gateway);

/* Looks at the registry now, whether it changed or not. From any thread. */
MEDSEC_API void medsec_gateway_reload(medsec_gateway *gateway);

/* From any thread. */
MEDSEC_API void medsec_gateway_get_stats(const medsec_gateway *gateway,
                                         medsec_gateway_stats *stats);

/*
 * Stops listening, takes what has already arrived, publishes the last states, delivers everything
 * accepted, and joins the threads. ERR_TIMEOUT: the publisher could not deliver in `timeout_ms`.
 */
MEDSEC_API MEDSEC_CHECK medsec_status medsec_gateway_stop(medsec_gateway *gateway,
                                                          uint32_t timeout_ms);

/* Frees; stops first if need be. NULL is fine. */
MEDSEC_API void medsec_gateway_destroy(medsec_gateway *gateway);

MEDSEC_END_DECLS

#endif
