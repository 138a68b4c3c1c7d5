/* SPDX-License-Identifier: Apache-2.0 */
#ifndef MEDSEC_GATEWAY_INTERNAL_H
#define MEDSEC_GATEWAY_INTERNAL_H

#include "admission.h"
#include "budget.h"
#include "host/address.h"
#include "ledger.h"
#include "round.h"

#include <medsec/device.h>
#include <medsec/gateway.h>
#include <medsec/session.h>

#include <stdatomic.h>
#include <sys/queue.h>
#include <uv.h>

/*
 * A gateway is some loops, each a thread with its own listening socket and its own connections,
 * and what they share: who is there (presence.c), who may connect (admission.c), and the directory
 * of devices, which another thread keeps up to date (watch.c). Other threads leave word in a loop's
 * mailbox (mailbox.c) or in its ledger (ledger.c), and wake it.
 */

#define MEDSEC__THREADS_MAX 256u /* a token names its loop by a byte */
#define MEDSEC__HINTS 1024u /* addresses of which a loop remembers the device */
#define MEDSEC__ACCEPT_BURST 64u /* connections accepted before others are served */
#define MEDSEC__KEEP_ALIVE_S 60 /* first TCP probe of a silent connection */
/* Bytes that a device may leave unread; some 100 acknowledgements on their way fit. */
#define MEDSEC__SEND_BUFFER 65536
#define MEDSEC__DRAIN_QUIET_MS 50u /* stop: nothing came for so long */
#define MEDSEC__DRAIN_WAIT_MS 5u /* stop: between two looks whether the other loops are done */
#define MEDSEC__DRAIN_MAX_MS 500u /* stop: however much comes */
/* Bytes of a command; the longest that means something has 120. */
#define MEDSEC__COMMAND_MAX 512u
#define MEDSEC__COMMANDS_PER_S 10u /* for one device */
#define MEDSEC__COMMANDS_BURST 20u
#define MEDSEC__COMMANDS_WAITING 256u /* of a loop */
#define MEDSEC__RESUMED_AT_ONCE 64u /* of those who were paused */
/* Between two looks at who is queued, and how many then have their turn: no more work at a time
 * than those who are connected already notice. */
#define MEDSEC__TURN_MS 2u
#define MEDSEC__TURNS_AT_ONCE 8u
/* 19 000 devices on two loops are announced again within half a minute. */
#define MEDSEC__ANNOUNCE_MS 100u
#define MEDSEC__ANNOUNCE_AT_ONCE 40u
#define MEDSEC__BATCH_JSON_MAX 32768u /* bytes of a message on `Readings`; some 180 readings */
#define MEDSEC__PROMOTIONS_AT_ONCE 32u /* between two looks at the registry */
#define MEDSEC__PROMOTIONS_WAITING 100000u /* when the registry cannot be written: some 9 MB */

typedef struct medsec__loop medsec__loop;
typedef struct medsec__presence medsec__presence;

/* Where a connection stands; it is in the list of that name. */
typedef enum medsec__place {
    MEDSEC__WAITING, /* no device yet; or it was said good-bye to */
    MEDSEC__LIVE,
    MEDSEC__PAUSED, /* not read from: back-pressure */
    MEDSEC__HELD, /* the same, and no device yet */
    MEDSEC__QUEUED /* not read from before its turn; no device yet */
} medsec__place;
#define MEDSEC__PLACES 5u

/* What a connection is about to do. */
typedef enum medsec__course {
    MEDSEC__STAYS,
    MEDSEC__LEAVES, /* is not read from; says good-bye when all is acknowledged */
    MEDSEC__LEFT /* has said it; what still comes is thrown away until the device closes */
} medsec__course;

typedef struct medsec__connection {
    uv_tcp_t tcp;
    TAILQ_ENTRY(medsec__connection) link;
    LIST_ENTRY(medsec__connection) session_link; /* of its device; under the lock of presence.c */
    TAILQ_ENTRY(medsec__connection) due_link; /* an acknowledgement may be due */
    TAILQ_ENTRY(medsec__connection) forgotten_link; /* its status is to be published again */
    medsec__loop *loop;
    medsec_session session;
    const medsec_profile *profile;
    struct medsec__batches batches; /* not acknowledged, oldest first */
    medsec__batch *filling; /* of the message that is being reported */
    uint8_t *partial; /* a record that is not whole; a block of the loop's, or NULL */
    uint64_t since_ms; /* accepted, or last reading; orders the lists */
    uint64_t readings;
    uint64_t searched_ns; /* of CPU time: what finding its device, or its HELLO, took */
    uint32_t lane;
    uint32_t generation[2]; /* of the secrets that were tried; [0]: that was right, if identified */
    medsec__address peer;
    uint16_t partial_len;
    uint8_t generations; /* how many of them */
    uint8_t pending; /* bit i: generation[i] is pending */
    uint8_t place; /* medsec__place */
    uint8_t course; /* medsec__course */
    uint8_t close_reason; /* medsec_close_reason; when it leaves */
    uint8_t unanswered; /* CONFIGs; above MEDSEC_DEVICE_ANSWERS_MAX a device ends the session */
    bool is_due; /* linked by due_link */
    bool is_forgotten; /* linked by forgotten_link */
    bool superseded; /* it was told so; under the lock of presence.c */
    bool has_turn; /* and may ask for that */
    bool heard; /* its device said something, and proved it */
    bool identified;
    char id[MEDSEC_DEVICE_ID_MAX + 1]; /* "" before identification */
} medsec__connection;

TAILQ_HEAD(medsec__connections, medsec__connection);

/* Written by one loop, read by whoever wants statistics. */
typedef struct medsec__counters {
    _Atomic uint64_t accepted;
    _Atomic uint64_t connections;
    _Atomic uint64_t identified;
    _Atomic uint64_t readings;
    _Atomic uint64_t messages;
    _Atomic uint64_t dropped;
    _Atomic uint64_t extra_members;
    _Atomic uint64_t paused;
    _Atomic uint64_t half_open;
    _Atomic uint64_t half_open_evicted;
    _Atomic uint64_t queued;
    _Atomic uint64_t source_limited;
    _Atomic uint64_t welcomes;
    _Atomic uint64_t proved;
    _Atomic uint64_t duplicates;
    _Atomic uint64_t acknowledged;
    _Atomic uint64_t superseded;
    _Atomic uint64_t commands;
    _Atomic uint64_t latencies[MEDSEC_GATEWAY_LATENCIES];
    _Atomic uint64_t latency_sum_us;
    _Atomic uint64_t rejected[MEDSEC_GATEWAY_REASONS];
} medsec__counters;

typedef struct medsec__hint {
    uint8_t address[16];
    char id[MEDSEC_DEVICE_ID_MAX + 1];
} medsec__hint;

/* Word for a connection from another thread. */
typedef struct medsec__mail {
    STAILQ_ENTRY(medsec__mail) link;
    medsec__connection *to; /* its loop throws away what it did not come to read */
    bool is_command; /* else: a newer session of the device is there */
    size_t len;
    char payload[]; /* of the command, with a NUL behind it */
} medsec__mail;

STAILQ_HEAD(medsec__mails, medsec__mail);

typedef struct medsec__mailbox {
    uv_mutex_t lock;
    struct medsec__mails mails;
    size_t commands;
} medsec__mailbox;

/* A block for a record that is not whole, or the next one that is free. */
typedef union medsec__block {
    union medsec__block *next;
    uint8_t bytes[MEDSEC_RECORD_LEN_MAX];
} medsec__block;

/* A device has used its pending secrets. */
typedef struct medsec__promotion {
    STAILQ_ENTRY(medsec__promotion) link;
    uint32_t generation;
    bool is_logged; /* that it did not work the first time */
    char id[MEDSEC_DEVICE_ID_MAX + 1];
} medsec__promotion;

STAILQ_HEAD(medsec__promotions, medsec__promotion);

struct medsec__loop {
    medsec_gateway *gateway;
    uv_loop_t uv;
    uv_thread_t thread;
    uv_poll_t listener;
    uv_async_t wake;
    uv_timer_t tick;
    int listen_fd;
    int reserve_fd; /* given up to accept and close when there are no more descriptors */
    medsec_directory *directory;
    medsec_session_owner owner; /* of all its sessions */
    medsec_aes_cbc scratch; /* for trying keys */
    medsec__budget budget;
    medsec__round round;
    struct medsec__connections places[MEDSEC__PLACES];
    struct medsec__connections due; /* for an acknowledgement */
    struct medsec__connections forgotten; /* by the broker */
    uv_prepare_t before_wait;
    uv_timer_t announce;
    uv_timer_t turn;
    medsec__ledger ledger;
    medsec__mailbox mailbox;
    medsec__block *blocks; /* that are free */
    bool is_stirred; /* by itself: something is to be heard before it waits */
    bool attached; /* the publisher works in it */
    bool draining;
    bool drained; /* and said good-bye to all */
    bool quiet; /* nothing came since the last tick */
    uint64_t drain_end_ms;
    _Atomic uint64_t turned_ms; /* when it ticked last, as uv_now; 0: it does not run */
    _Atomic bool told_stop;
    _Atomic bool told_relieved;
    _Atomic bool told_linked;
    _Atomic bool told_directory;
    medsec__counters counters;
    medsec__hint hints[MEDSEC__HINTS];
    medsec_batch_writer batch; /* of the connection that is being served */
    char batch_text[MEDSEC__BATCH_JSON_MAX];
    /* What is left of the last record of a connection is put in front of what it sends next. */
    uint8_t buffer[MEDSEC_RECORD_LEN_MAX + MEDSEC_GATEWAY_READ_BUFFER];
};

struct medsec_gateway {
    medsec_gateway_options options; /* defaults filled in */
    medsec_topic topic;
    medsec__address address;
    medsec_publisher_listener listener;
    medsec__presence *presence;
    medsec__admission *admission;
    medsec__loop *loops;
    uint32_t half_open_share; /* of each loop */
    _Atomic uint32_t config_version; /* of the last command that brought none */
    _Atomic uint32_t connections; /* of all loops, against max_connections */
    _Atomic bool was_linked; /* to the broker, once */
    _Atomic uint32_t undrained; /* loops that have not said good-bye to all of theirs */
    bool started;

    uv_mutex_t wake_lock;
    bool awake; /* the loops may be woken */

    uv_mutex_t directory_lock;
    medsec_directory *directory;

    uv_thread_t watcher;
    uv_mutex_t watch_lock;
    uv_cond_t watch_changed;
    bool watch_stop;
    bool watch_now;
    struct medsec__promotions promotions;
    size_t promotions_waiting; /* in that list */
    bool promotions_pause; /* the first of them did not work just now */
    _Atomic uint64_t reloads;
    _Atomic uint64_t promoted;
    _Atomic uint64_t devices; /* in the directory */
    _Atomic uint64_t generation; /* of the registry, as it is there */
};

static inline bool medsec__is_v1(const medsec__connection *connection)
{
    return medsec_session_wire(&connection->session) == MEDSEC_WIRE_MEDSEC1;
}

static inline void medsec__count(_Atomic uint64_t *counter, uint64_t n)
{
    atomic_fetch_add_explicit(counter, n, memory_order_relaxed);
}

static inline void medsec__count_rejected(medsec__counters *counters, medsec_status reason)
{
    medsec__count(&counters->rejected[(unsigned)-(int)reason % MEDSEC_GATEWAY_REASONS], 1);
}

/* listener.c: the listening socket of a loop, bound to gateway->address; a port 0 in it is replaced
 * by the one that was given. ERR_IO. */
MEDSEC_CHECK medsec_status medsec__listener_bind(medsec__loop *loop);
MEDSEC_CHECK medsec_status medsec__listener_start(medsec__loop *loop);
/* Takes the connections that are already there, then listens no more. */
void medsec__listener_stop(medsec__loop *loop);
/* Listens again after a shortage of descriptors. */
void medsec__listener_retry(medsec__loop *loop);

/* gateway.c: from any thread, unless the gateway stops. From its own thread it costs nothing: the
 * loop looks before it waits. */
void medsec__loop_wake(medsec__loop *loop);

/* loop.c */
bool medsec__loop_is_own(const medsec__loop *loop);
MEDSEC_CHECK medsec_status medsec__loop_open(medsec__loop *loop);
/* Lets the publisher work in it; it goes when the loop ends. */
MEDSEC_CHECK medsec_status medsec__loop_attach(medsec__loop *loop);
MEDSEC_CHECK medsec_status medsec__loop_run(medsec__loop *loop);
/* Of one that was opened and never ran. */
void medsec__loop_abandon(medsec__loop *loop);
void medsec__loop_close(medsec__loop *loop);

/* connection.c: takes over `fd`, closes it on failure. */
void medsec__connection_open(medsec__loop *loop, int fd, const medsec__address *peer);
/* `why` is a word for the log and the device's status. */
void medsec__connection_close(medsec__connection *connection, const char *why);
void medsec__connection_reject(medsec__connection *connection, medsec_status reason);
/* To the end of the list of `place`, with the time of now. */
void medsec__connection_move(medsec__connection *connection, medsec__place place);
void medsec__connection_resume(medsec__connection *connection);
bool medsec__connection_pressed(const medsec__connection *connection);
/* Closes the oldest that is no device yet, as long as there are more than `allowed`. False: there
 * were not. */
bool medsec__connection_evict(medsec__loop *loop, uint64_t allowed);
void medsec__connection_log(const medsec__connection *connection, medsec_log_level level,
                            const char *event, const char *why);
/* At once or not at all: whoever does not take so little is closed. False: so it was. */
bool medsec__connection_send(medsec__connection *connection, const uint8_t *data, size_t len);
/* Says CLOSE and closes. */
void medsec__connection_goodbye(medsec__connection *connection, medsec_close_reason reason);
/* The same when all that it sent is acknowledged; it is not read from any more. */
void medsec__connection_leave(medsec__connection *connection, medsec_close_reason reason);
/* Says CLOSE, and closes when the device does: it shall read the last acknowledgement. */
void medsec__connection_part(medsec__connection *connection);

/* turn.c: newcomers ask for work before they have proved anything. When the budget for that is used
 * up they wait their turn, first come, first served. */
MEDSEC_CHECK medsec_status medsec__turn_open(medsec__loop *loop);
bool medsec__turn_must_wait(medsec__connection *connection);
void medsec__turn_wait(medsec__connection *connection);

/* events.c: what a device says. Of `*data` what is left belongs to a record that is not whole.
 * False: the connection is closed. */
bool medsec__events_take(medsec__connection *connection, uint8_t **data, size_t *len);

/* acknowledge.c: from readings to the acknowledgement. `context` is the gateway. */
void medsec__acknowledge_durable(void *context, uint64_t token, medsec_status status);
/* A batch for the message that is being reported, unless there is one. False: out of memory. */
bool medsec__acknowledge_begin(medsec__connection *connection);
/* The message is reported whole. */
void medsec__acknowledge_end(medsec__connection *connection, uint32_t boot, uint32_t sequence);
/* Acknowledges what has become durable. */
void medsec__acknowledge_run(medsec__loop *loop);
/* The connection is finished: its batches are nobody's. */
void medsec__acknowledge_forget(medsec__connection *connection);

/* mailbox.c. A connection gets mail as long as presence.c knows it; finishing it, its loop takes it
 * out there first and purges its mail then: no mail outlives its connection. */
MEDSEC_CHECK medsec_status medsec__mailbox_open(medsec__mailbox *mailbox);
void medsec__mailbox_close(medsec__mailbox *mailbox);
/* False: out of memory, or too many commands wait. */
bool medsec__mailbox_supersede(medsec__connection *to);
bool medsec__mailbox_command(medsec__connection *to, const uint8_t *payload, size_t len);
/* The oldest mail, for the caller to free; NULL: none. */
medsec__mail *medsec__mailbox_take(medsec__mailbox *mailbox);
/* The same, of one connection. */
medsec__mail *medsec__mailbox_take_of(medsec__connection *connection);

/* command.c: commands for devices. `context` is the gateway. */
#define MEDSEC__COMMAND_TOPIC "Command/Config"
void medsec__command_received(void *context, const char *topic, size_t topic_len,
                              const uint8_t *payload, size_t payload_len);
/* Reads {"sample_interval_ms":..,...}; NULL, or a word for what is wrong with it. `*versioned`: it
 * brings a version. `text` has a NUL at its end. */
const char *medsec__command_parse(medsec_config *config, bool *versioned, const char *text,
                                  size_t len);
void medsec__command_run(medsec__loop *loop);
/* They will not be sent any more. */
void medsec__command_purge(medsec__connection *connection);
void medsec__command_result(medsec__connection *connection, const medsec_config_ack *ack);

/* identify.c: the session's questions, `context` is the connection. */
medsec_status medsec__identify(void *context, const uint8_t block[MEDSEC_AES_BLOCK_LEN],
                               medsec_identity *identity);
medsec_status medsec__identify_public(void *context, const uint8_t public_key[MEDSEC_X25519_LEN],
                                      medsec_suite suite, medsec_peer *peer);
uint32_t medsec__identify_lane(const char *id);
/* The seed device of this connection proved itself: try it first the next time. */
void medsec__identify_remember(const medsec__connection *connection);
/* The directory in use is out of date: takes the new one and closes whom it does not know. */
void medsec__identify_renew(medsec__loop *loop);
/* The loop's first, or its next. */
void medsec__identify_use(medsec__loop *loop, medsec_directory *directory);

/* emit.c: what is published. */
void medsec__emit_reading(medsec__connection *connection, const medsec_event *event);
/* The readings since the last time, as one message, when such are published. */
void medsec__emit_batch(medsec__connection *connection);
uint64_t medsec__emit_now_ms(void);
typedef struct medsec__outgoing {
    const char *suffix; /* of the topic */
    const char *payload;
    size_t len;
    uint64_t token;
    uint32_t lane;
    uint8_t qos;
    bool retain;
    bool droppable;
} medsec__outgoing;
/* Publishes and counts; what the publisher does not take is logged too. */
medsec_status medsec__emit(medsec__loop *loop, const char *id, const medsec__outgoing *out);

/* announce.c: what is published about a device. */
void medsec__announce_profile(medsec__connection *connection);
/* `live` sessions of the device are left. */
void medsec__announce_status(medsec__connection *connection, uint32_t live, const char *why);
/* What became of a command; `version` NULL: it has none. */
void medsec__announce_result(medsec__loop *loop, const char *id, const uint32_t *version,
                             const char *status, const char *why);
/* The broker may have forgotten what it retained: profile and status of all who are here are
 * published again, some at a time. */
MEDSEC_CHECK medsec_status medsec__announce_open(medsec__loop *loop);
void medsec__announce_again(medsec__loop *loop);
void medsec__announce_forget(medsec__connection *connection);

/* presence.c: counts the sessions of a device over all loops, and publishes its status in order.
 * Its lock is held while a session gets mail. */
MEDSEC_CHECK medsec_status medsec__presence_create(medsec__presence **presence);
void medsec__presence_destroy(medsec__presence *presence);
/* On medsec/1 the older sessions of the device are told to end. False: out of memory. */
bool medsec__presence_enter(medsec__presence *presence, medsec__connection *connection);
/* Its status again, if it is the device's newest session. */
void medsec__presence_announce(medsec__presence *presence, medsec__connection *connection);
void medsec__presence_leave(medsec__presence *presence, medsec__connection *connection,
                            const char *why);
/* To the newest session of the device. ERR_NOT_FOUND: it is not here; ERR_BUSY; ERR_FLOOD: too
 * many, which is not even answered. */
MEDSEC_CHECK medsec_status medsec__presence_command(medsec__presence *presence, const char *id,
                                                    const uint8_t *payload, size_t len);

/* watch.c */
MEDSEC_CHECK medsec_status medsec__watch_load(medsec_gateway *gateway);
void medsec__watch_run(void *context);
medsec_directory *medsec__watch_directory(medsec_gateway *gateway);

/* promote.c: rotations, which the watch thread completes. */
void medsec__promote_ask(const medsec__connection *connection);
/* True: the registry is another one now. */
bool medsec__promote_run(medsec_gateway *gateway);
void medsec__promote_abandon(medsec_gateway *gateway);

#endif
