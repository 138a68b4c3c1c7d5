/* SPDX-License-Identifier: Apache-2.0 */
#ifndef MEDSEC_PUBLISHER_MOSQUITTO_PARTS_H
#define MEDSEC_PUBLISHER_MOSQUITTO_PARTS_H

#include "backoff.h"
#include "mqtt_client.h"
#include "tls.h"

#include <mosquitto.h>
#include <stdatomic.h>
#include <uv.h>

/*
 * The back end on libmosquitto: mosquitto.c has the table, mosquitto_loop.c the handles in the
 * user's loop, mosquitto_dial.c makes a connection, in a thread of libuv's pool, mosquitto_link.c
 * is one connection from its first byte to its last, mosquitto_window.c what is under way on it,
 * mosquitto_direct.c writes messages of QoS 0 past libmosquitto.
 *
 * Everything happens in the one loop that it is attached to; stop() has a loop of its own. Other
 * threads put messages into the queue and wake that loop. A new handle is made for each connection,
 * since libmosquitto sends again what it has left after a reconnect, behind our back.
 */
#define MOSQ_REFUSES 0x80 /* reason codes from here on; MQTT 5.0 section 2.4 */

typedef enum mosq_state {
    MOSQ_AWAY, /* until the next attempt */
    MOSQ_DIALLING, /* looks up the address and begins to connect, in the pool */
    MOSQ_GREETING, /* TCP, TLS, CONNECT, CONNACK */
    MOSQ_UP
} mosq_state;

#define MOSQ_SLOTS 256u /* messages under way, of either quality of service */

/* A message that is under way. */
typedef struct mosq_slot {
    uint64_t token;
    const char *topic; /* in the queue */
    medsec_status status;
    uint16_t id; /* of the packet; 0: it went past libmosquitto */
    bool done;
} mosq_slot;

/* What the pool is asked for, and what it made. */
typedef struct mosq_dial {
    uint32_t attempt; /* which of the broker's addresses */
    int version; /* MQTT_PROTOCOL_V5 or _V311 */
    bool unanswered; /* the last attempt ended without a word between TLS and CONNACK */
    struct mosquitto *handle;
    medsec__tls *tls;
    medsec__link_failure failure; /* of ERR_..., when there is no handle */
} mosq_dial;

typedef struct mosq {
    medsec__mqtt_client base;

    _Atomic bool is_due; /* the loop looks at the queue before it waits; also while there is no use
                            in waking it. Written under base's lock, read without */
    bool attached; /* under base's lock */
    bool reclaiming; /* the same; some thread takes messages away */
    _Atomic uv_thread_t home; /* the loop's thread, once it runs */

    uv_loop_t *loop; /* what follows is of its thread */
    uv_async_t wake;
    uv_prepare_t flush; /* before the loop waits: what came in one round leaves as one */
    uv_timer_t retry; /* the next attempt to connect */
    uv_timer_t second; /* keep-alive, and the limit for a greeting */
    uv_poll_t *poll; /* of the socket; in the heap, since it is closed later than the socket */
    int polled; /* what it waits for */
    uv_work_t work;
    bool is_working; /* the thread pool has that */
    bool unanswered; /* for the next one */
    mosq_dial dial;

    mosq_state state;
    struct mosquitto *handle; /* NULL when there is none */
    medsec__tls *tls;
    int version; /* of MQTT, for the next attempt */
    uint32_t attempt;
    medsec__backoff backoff;
    uint64_t since_ms; /* of the state */
    bool reached; /* the broker's machine took the connection */
    bool accepted; /* CONNACK said yes */
    int error; /* errno of its last call */
    bool has_failure; /* the broker said why it does not want us */
    medsec__link_failure failure;
    bool is_old; /* the broker said that it does not know MQTT 5 */
    mosq_slot slots[MOSQ_SLOTS];
    uint64_t handed; /* ordinal of the next message to leave the queue */
    uint64_t released; /* ordinal of the oldest one under way */
    uint64_t confirmed; /* what that was, */
    uint64_t confirmed_ms; /* since when */
    size_t window; /* messages that libmosquitto may have at a time */
    size_t in_flight; /* and has */
    uint32_t packet_max; /* bytes; the broker's */
    uint8_t *out; /* packets of QoS 0 */
    size_t out_len;
    size_t out_sent;
    uint64_t out_first; /* ordinal of the first one */

    bool draining; /* for stop() */
    bool overdue; /* not longer than for a good-bye */
    uv_timer_t deadline;
    int goodbye; /* the packet that says that we go; 0: not said; -1: the broker has it */
} mosq;

/* mosquitto_dial.c. Of any thread: fills in p->dial. */
void medsec__mosq_dial(mosq *p);

/* mosquitto_events.c: the call-backs that a handle gets when it is made. */
void medsec__mosq_listen(struct mosquitto *handle);

/* mosquitto_link.c */
/* What was dialled is there, or is not. */
void medsec__mosq_greet(mosq *p);
/* The socket can be read or written (`events`), or is broken. */
void medsec__mosq_turn(mosq *p, int events, bool broken);
/* Once a second. */
void medsec__mosq_tick(mosq *p);
/* Sends what is queued, as far as window and socket allow. */
void medsec__mosq_flush(mosq *p);
/* The same in another loop, or after it turned. */
void medsec__mosq_go_on(mosq *p);
/* Says that we go. False: it is said, or cannot be said. */
bool medsec__mosq_say_goodbye(mosq *p);
/* Ends the connection without a word; what was under way is queued again. */
void medsec__mosq_hang_up(mosq *p);

/* mosquitto_window.c. Hands over what is next, as far as it goes the same way and the window
 * allows; how many that were. `rc`: libmosquitto's, when the connection is of no use any more. */
size_t medsec__mosq_hand_over(mosq *p, int *rc);
mosq_slot *medsec__mosq_claim(mosq *p, const medsec_message *m);
/* What the broker says of a packet: a reason code of MQTT 5 (section 2.4), or 0. */
void medsec__mosq_settle(mosq *p, int id, int code);
/* Gives up the messages that are settled, and tells. */
void medsec__mosq_release(mosq *p);
/* The lock is held. */
void medsec__mosq_rewind(mosq *p);

/* mosquitto_direct.c. Nothing of libmosquitto may be on its way meanwhile. */
MEDSEC_CHECK bool medsec__mosq_open_direct(mosq *p);
void medsec__mosq_close_direct(mosq *p);
/* Takes messages off the queue as long as they can go this way; how many. The lock is held. */
size_t medsec__mosq_compose(mosq *p);
/* False: the connection is broken. */
bool medsec__mosq_send(mosq *p);
/* Something of it has not left: libmosquitto must not write. */
bool medsec__mosq_is_sending(const mosq *p);

/* mosquitto_loop.c */
MEDSEC_CHECK medsec_status medsec__mosq_attach(mosq *p, uv_loop_t *loop);
void medsec__mosq_detach(mosq *p);
/* Waits for these events at the socket (uv_poll). False: that is not to be had. */
MEDSEC_CHECK bool medsec__mosq_watch(mosq *p, int events);
void medsec__mosq_unwatch(mosq *p);
/* The next attempt in so many milliseconds. */
void medsec__mosq_retry(mosq *p, uint32_t wait_ms);
/* Something was queued; from any thread. The lock is held. */
void medsec__mosq_call(medsec__mqtt_client *client);
/* Delivers what is queued, for so long, and says good-bye. */
void medsec__mosq_drain(mosq *p, uint32_t timeout_ms);
/* Something changed: a drain may have come to its end. */
void medsec__mosq_progress(mosq *p);

#endif
