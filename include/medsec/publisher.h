/* SPDX-License-Identifier: Apache-2.0 */
#ifndef MEDSEC_PUBLISHER_H
#define MEDSEC_PUBLISHER_H

#include <medsec/export.h>
#include <medsec/log.h>
#include <medsec/status.h>

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*
 * Where messages go. A back end is a struct that begins with a medsec_publisher and fills in the
 * table: paho and the in-memory one are here, a program that embeds the gateway writes its own.
 *
 * publish() copies the message and returns at once; messages with the same `lane` keep their
 * order. A publisher is bounded: above its high-water mark `pressed` turns true and the gateway
 * stops reading from devices, so that memory stays bounded and the pressure reaches them. Between
 * that mark and the hard limit there is room for what was already read.
 */
typedef struct medsec_message {
    const char *topic; /* no NUL needed */
    size_t topic_len;
    const void *payload;
    size_t payload_len;
    uint64_t token; /* 0: nobody asks; else reported by `durable`, exactly once a message */
    uint32_t lane; /* messages of one device share a lane */
    uint8_t qos; /* 0 or 1 */
    bool retain;
} medsec_message;

/* What a publisher tells its user. Called from any thread, without a lock that publish() takes: do
 * no more than wake your own. After stop() nothing is told. */
typedef struct medsec_publisher_listener {
    void *context;
    /* The broker has it (QoS 1: PUBACK; QoS 0: written), or never will (status is not OK). */
    void (*durable)(void *context, uint64_t token, medsec_status status);
    /* `pressed` turned false: read on. */
    void (*relieved)(void *context);
    /* A message came on a topic that was subscribed to. Copy what you need. */
    void (*received)(void *context, const char *topic, size_t topic_len, const uint8_t *payload,
                     size_t payload_len);
} medsec_publisher_listener;

typedef struct medsec_publisher_stats {
    uint64_t published; /* handed to the broker connection (QoS 0) or acknowledged by it (QoS 1) */
    uint64_t refused; /* publish() said ERR_BUSY */
    uint64_t lost; /* accepted, then given up at close or by the broker */
    uint64_t connects; /* to the broker, since start */
    uint64_t queued; /* now */
    bool connected; /* now */
} medsec_publisher_stats;

typedef struct medsec_publisher medsec_publisher;

typedef struct medsec_publisher_ops {
    /* Once, before the first publish(). `listener` outlives the publisher. */
    medsec_status (*start)(medsec_publisher *publisher, const medsec_publisher_listener *listener);
    /* From any thread. ERR_BUSY: at the hard limit, not taken. ERR_LIMIT: larger than the queue. */
    medsec_status (*publish)(medsec_publisher *publisher, const medsec_message *message);
    /* Before start; renewed on each new connection to the broker, at QoS 1. One filter: ERR_STATE
     * for another. NULL in a table: this back end brings nothing down. */
    medsec_status (*subscribe)(medsec_publisher *publisher, const char *filter);
    /* From any thread, cheap. */
    bool (*pressed)(medsec_publisher *publisher);
    void (*stats)(medsec_publisher *publisher, medsec_publisher_stats *stats);
    /* Delivers what is queued, for at most `timeout_ms`, says good-bye, and stops. ERR_TIMEOUT. */
    medsec_status (*stop)(medsec_publisher *publisher, uint32_t timeout_ms);
    void (*destroy)(medsec_publisher *publisher);
} medsec_publisher_ops;

struct medsec_publisher {
    const medsec_publisher_ops *ops;
};

/*
 * The broker back end on paho.mqtt.c (MQTTAsync): connects and reconnects by itself with back-off
 * and jitter, in MQTT 5 or, where the broker does not know it, 3.1.1. What was handed to a
 * connection that is lost and not yet confirmed (QoS 1: PUBACK; QoS 0: written) is sent again on
 * the next one, in order: at least once.
 */
typedef struct medsec_mqtt_options {
    const char *url; /* "mqtt://host:port" */
    const char *client_id; /* unique at the broker */
    const char *will_topic; /* retained last will; NULL: none */
    const char *will_payload;
    const char *online_payload; /* published retained on will_topic after each connect */
    const char *offline_payload; /* the same at an orderly stop */
    size_t queue_bytes; /* high-water mark; 0: MEDSEC_MQTT_QUEUE_BYTES */
    uint32_t keep_alive_s; /* 0: MEDSEC_MQTT_KEEP_ALIVE_S */
    medsec_log *log; /* may be NULL */
} medsec_mqtt_options;

#define MEDSEC_MQTT_QUEUE_BYTES (8u * 1024u * 1024u) /* about 10 s of 50 devices at 20 Hz */
/* Above it: what was already read, and a last state of each of 19 000 connections. */
#define MEDSEC_MQTT_QUEUE_SLACK (16u * 1024u * 1024u)
#define MEDSEC_MQTT_IN_FLIGHT 50u /* messages in paho: its own queue is searched linearly */
#define MEDSEC_MQTT_KEEP_ALIVE_S 15u
#define MEDSEC_MQTT_BACKOFF_MIN_MS 100u /* first wait before reconnecting; doubles */
#define MEDSEC_MQTT_BACKOFF_MAX_MS 5000u

MEDSEC_BEGIN_DECLS

/* ERR_ARGUMENT: the URL is not understood. ERR_MEMORY. Strings are copied. */
MEDSEC_API MEDSEC_CHECK medsec_status
medsec_publisher_paho_create(medsec_publisher **publisher, const medsec_mqtt_options *options);

/*
 * In memory, for tests and embedding: keeps up to `limit` messages, pressed from half of it on;
 * `take` removes the oldest (ERR_NOT_FOUND when empty), which then counts as durable. The message
 * taken is valid until the next take.
 */
MEDSEC_API MEDSEC_CHECK medsec_status medsec_publisher_memory_create(medsec_publisher **publisher,
                                                                     size_t limit);
MEDSEC_API MEDSEC_CHECK medsec_status medsec_publisher_memory_take(medsec_publisher *publisher,
                                                                   medsec_message *message);
/* A message from the broker, for tests and embedding: what `received` is told, if anybody
 * subscribed. */
MEDSEC_API void medsec_publisher_memory_deliver(medsec_publisher *publisher, const char *topic,
                                                const uint8_t *payload, size_t payload_len);

MEDSEC_END_DECLS

#endif
