/* SPDX-License-Identifier: Apache-2.0 */
#ifndef MEDSEC_PUBLISHER_H
#define MEDSEC_PUBLISHER_H

#include <medsec/export.h>
#include <medsec/log.h>
#include <medsec/status.h>

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct uv_loop_s; /* libuv's uv_loop_t */

/*
 * Where messages go. A publisher is a struct that begins with a medsec_publisher and fills in the
 * table. Back ends bring messages to a broker: paho, mosquitto, and one in memory. Two others stand
 * in front of back ends: the fan spreads lanes over several, the spool keeps on disk what the
 * broker is not there for. A program that embeds the gateway may write its own of either kind.
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
    uint64_t token; /* 0: nobody asks; else reported by `durable`, exactly once a message. Below
                       2^63: what stands in front of a back end has its own above it */
    uint32_t lane; /* messages of one device share a lane, in every run */
    uint8_t qos; /* 0 or 1 */
    bool retain;
    bool droppable; /* who sent it cannot send it again, and does not wait for room: where there
                       is none, the oldest such message goes. For readings of the seed wire */
} medsec_message;

/* What a publisher tells its user. Called from any thread, without a lock that publish() takes: do
 * no more than wake your own. After stop() nothing is told. Any of them may be NULL. */
typedef struct medsec_publisher_listener {
    void *context;
    /* It is safe: the broker has it (QoS 1: PUBACK; QoS 0: written), or a disk; or it never will be
     * (status is not OK; ERR_REFUSED: the broker does not want it, now; ERR_LIMIT: it is larger
     * than the broker takes). */
    void (*durable)(void *context, uint64_t token, medsec_status status);
    /* `pressed` turned false: read on. */
    void (*relieved)(void *context);
    /* The broker connection came up, or was lost. Several of them: all are up, or one is not. */
    void (*linked)(void *context, bool up);
    /* A message came on a topic that was subscribed to. Copy what you need. */
    void (*received)(void *context, const char *topic, size_t topic_len, const uint8_t *payload,
                     size_t payload_len);
} medsec_publisher_listener;

/* Each publisher fills in what it knows, and adds to what those behind it say. */
typedef struct medsec_publisher_stats {
    uint64_t published; /* handed to the broker connection (QoS 0) or acknowledged by it (QoS 1) */
    uint64_t busy; /* publish() said ERR_BUSY */
    uint64_t refused; /* by the broker, for good (an ACL, say) */
    uint64_t lost; /* accepted, then given up */
    uint64_t connects; /* to the broker, since start */
    uint64_t queued; /* messages in memory and not confirmed, now */
    uint64_t queued_bytes;
    uint32_t links; /* broker connections there should be */
    uint32_t links_up; /* and are, now */
    bool connected; /* all of them */
    const char *trouble; /* why not, in words; a constant. NULL: connected, or not known yet */
    uint8_t mqtt_version; /* 5, 4 (3.1.1); 0: not connected yet */
    bool spooling; /* messages go to the disk now */
    bool spool_full; /* and there is no more room there: medsec/1 devices wait */
    bool spool_failed; /* the disk does not take them */
    uint64_t spool_messages; /* on disk, now */
    uint64_t spool_bytes;
    uint64_t spool_age_ms; /* of the oldest */
    uint64_t spool_stored; /* messages that went to the disk since start */
    uint64_t spool_delivered; /* from there to the broker */
    uint64_t spool_dropped; /* droppable ones that made room for others */
    uint64_t spool_expired; /* older than they may be */
    uint64_t spool_syncs; /* groups that were made safe together */
} medsec_publisher_stats;

typedef struct medsec_publisher medsec_publisher;

/* Takes one message that a publisher gives back. False: not taken, it stays; no more now. */
typedef bool medsec_reclaim_fn(void *context, const medsec_message *message);

typedef struct medsec_publisher_ops {
    /* Once, before the first publish(). `listener` outlives the publisher. */
    medsec_status (*start)(medsec_publisher *publisher, const medsec_publisher_listener *listener);
    /* From any thread. ERR_BUSY: at the hard limit, not taken. ERR_LIMIT: larger than the queue. */
    medsec_status (*publish)(medsec_publisher *publisher, const medsec_message *message);
    /* Before start; renewed on each new connection to the broker, at QoS 1. One filter: ERR_STATE
     * for another. NULL in a table: this publisher brings nothing down. */
    medsec_status (*subscribe)(medsec_publisher *publisher, const char *filter);
    /* From any thread, cheap. True: publish no more, or no more that is not droppable. */
    bool (*pressed)(medsec_publisher *publisher, bool droppable);
    void (*stats)(medsec_publisher *publisher, medsec_publisher_stats *stats);
    /*
     * For a publisher that works in its user's event loops; NULL: it has threads of its own.
     * attach: after start, for each of `count` loops, before it runs; detach: for each that was
     * attached, from its thread, or when it runs no more. Between the two the publisher may use
     * handles in that loop; detach asks for their closing, for which the loop must turn once more.
     */
    medsec_status (*attach)(medsec_publisher *publisher, struct uv_loop_s *loop, uint32_t index,
                            uint32_t count);
    void (*detach)(medsec_publisher *publisher, uint32_t index, uint32_t count);
    /* From the thread of a loop that is attached, each time before it waits. True: messages wait
     * for the broker's word on others, which comes through this loop: it should not put off its
     * next round. NULL: never. */
    bool (*hurried)(medsec_publisher *publisher, uint32_t index, uint32_t count);
    /*
     * Gives back what is queued and not confirmed, oldest first in each lane, and forgets it;
     * tokens are not reported. From any thread, while the broker connection is down or after stop;
     * of several connections, those that are down. NULL: it keeps what it has.
     */
    void (*reclaim)(medsec_publisher *publisher, medsec_reclaim_fn *take, void *context);
    /* After the loops are detached. Delivers what is queued, for at most `timeout_ms`, says
     * good-bye, and stops. ERR_TIMEOUT: something is left, to be reclaimed or lost. */
    medsec_status (*stop)(medsec_publisher *publisher, uint32_t timeout_ms);
    void (*destroy)(medsec_publisher *publisher);
} medsec_publisher_ops;

struct medsec_publisher {
    const medsec_publisher_ops *ops;
};

/*
 * The broker connection, for either back end: connects and reconnects by itself with back-off and
 * jitter, in MQTT 5 or, where the broker does not know it, 3.1.1. What was handed to a
 * connection that is lost and not yet confirmed (QoS 1: PUBACK; QoS 0: written) is sent again on
 * the next one, in order: at least once. What the broker says no to is reported and logged with
 * its reason (MQTT 5; 3.1.1 brokers say nothing).
 *
 * Over mqtts:// the broker must show a certificate for its name by a known authority (RFC 5280, RFC
 * 6125), TLS 1.2 or later; with `pin` also that public key. Over mqtt:// everything is in the
 * clear: only to loopback, link-local and private addresses (RFC 1918, RFC 4193), unless
 * `allow_clear_text`.
 */
typedef struct medsec_mqtt_options {
    const char *url; /* "mqtt://host[:1883]", "mqtts://host[:8883]" */
    const char *client_id; /* unique at the broker */
    const char *username; /* NULL: none */
    const char *password; /* with a username; kept in locked memory */
    const char *ca_file; /* PEM; NULL: those that the system trusts */
    const char *pin; /* "sha256//BASE64" of the public key (SubjectPublicKeyInfo, RFC 7469 section
                        2.4), several joined by `;`; NULL: any that the authority vouches for.
                        mosquitto only */
    const char *cert_file; /* PEM; our own certificate, with */
    const char *key_file; /* PEM, not encrypted; NULL: none */
    bool allow_clear_text;
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

/*
 * The spool: files in one folder, sealed (XChaCha20-Poly1305), for messages while the broker is
 * away. A message is safe, and reported `durable`, when its group is on the disk (fdatasync). Back
 * at the broker it delivers them in order; what comes meanwhile goes behind them. One process at a
 * time uses a folder.
 *
 * Full, `pressed` is true for messages that are not droppable, and the oldest droppable ones make
 * room. What is older than `age_s` is thrown away, acknowledged or not, and counted. A disk that
 * fails is tried again each second; meanwhile the spool is as good as none, and memory bounds.
 */
typedef struct medsec_spool_options {
    const char *folder; /* made (0700) when it is not there */
    const uint8_t *key; /* 32 bytes, copied: medsec_registry_derive_key(). NULL: not allowed */
    uint64_t bytes; /* 0: MEDSEC_SPOOL_BYTES */
    uint32_t age_s; /* 0: MEDSEC_SPOOL_AGE_S */
    size_t queue_bytes; /* of memory on the way to the disk; 0: MEDSEC_SPOOL_QUEUE_BYTES */
    medsec_log *log; /* may be NULL */
} medsec_spool_options;

#define MEDSEC_SPOOL_KEY_LEN 32u
#define MEDSEC_SPOOL_MESSAGE_MAX 1000000u /* bytes of topic and payload; beyond it ERR_LIMIT */
#define MEDSEC_SPOOL_BYTES                                                \
    (1024u * 1024u * 1024u) /* 5 000 devices at 1 Hz batches: some 20 min \
                             */
#define MEDSEC_SPOOL_AGE_S (7u * 86400u)
#define MEDSEC_SPOOL_QUEUE_BYTES (8u * 1024u * 1024u)

MEDSEC_BEGIN_DECLS

/*
 * The broker back end on paho.mqtt.c (MQTTAsync), with threads of its own. ERR_ARGUMENT: the URL is
 * not understood; half a pair; a pin, which paho has no place for; files or a pin without TLS.
 * ERR_CLEAR_TEXT: an address, given as a number, that is not private, without TLS. ERR_IO,
 * ERR_CORRUPT, ERR_PERMISSION: a file of certificates or keys cannot be used, which is logged.
 * ERR_MEMORY. Strings are copied.
 */
MEDSEC_API MEDSEC_CHECK medsec_status
medsec_publisher_paho_create(medsec_publisher **publisher, const medsec_mqtt_options *options);

/* The same on libmosquitto, which runs in the loop that it is attached to: nobody is woken for a
 * message, and what became of one round of the loop leaves as one. Also takes a pin. Over TLS it
 * writes by write(2): the program has to ignore SIGPIPE (libmosquitto does so for it). */
MEDSEC_API MEDSEC_CHECK medsec_status
medsec_publisher_mosquitto_create(medsec_publisher **publisher, const medsec_mqtt_options *options);

/* Lane by lane over `count` publishers, which it owns from then on (also on failure); the first one
 * subscribes, number i works in loop i modulo their count. ERR_ARGUMENT, ERR_MEMORY. */
MEDSEC_API MEDSEC_CHECK medsec_status medsec_publisher_fan_create(medsec_publisher **publisher,
                                                                  medsec_publisher *const *behind,
                                                                  uint32_t count);

/* In front of `behind`, which it owns from then on (also on failure) and which can reclaim.
 * ERR_ARGUMENT; ERR_IO, ERR_PERMISSION: the folder cannot be had, or its group or others may write
 * to it; ERR_BUSY: another process has it; ERR_CRYPTO: what lies there was sealed under another
 * key. ERR_MEMORY. */
MEDSEC_API MEDSEC_CHECK medsec_status medsec_publisher_spool_create(
    medsec_publisher **publisher, medsec_publisher *behind, const medsec_spool_options *options);

/*
 * In memory, for tests and embedding: keeps up to `limit` messages, pressed from half of it on;
 * `take` removes the oldest (ERR_NOT_FOUND when empty), which then counts as durable. The message
 * taken is valid until the next take. `set_link` plays the broker connection, which is up at first:
 * while it is down nothing can be taken, and everything reclaimed.
 */
MEDSEC_API MEDSEC_CHECK medsec_status medsec_publisher_memory_create(medsec_publisher **publisher,
                                                                     size_t limit);
MEDSEC_API MEDSEC_CHECK medsec_status medsec_publisher_memory_take(medsec_publisher *publisher,
                                                                   medsec_message *message);
MEDSEC_API void medsec_publisher_memory_set_link(medsec_publisher *publisher, bool up);
/* A message from the broker, for tests and embedding: what `received` is told, if anybody
 * subscribed. */
MEDSEC_API void medsec_publisher_memory_deliver(medsec_publisher *publisher, const char *topic,
                                                const uint8_t *payload, size_t payload_len);

MEDSEC_END_DECLS

#endif
