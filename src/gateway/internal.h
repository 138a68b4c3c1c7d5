/* SPDX-License-Identifier: Apache-2.0 */
#ifndef MEDSEC_GATEWAY_INTERNAL_H
#define MEDSEC_GATEWAY_INTERNAL_H

#include "address.h"
#include "budget.h"

#include <medsec/gateway.h>
#include <medsec/session.h>

#include <stdatomic.h>
#include <sys/queue.h>
#include <uv.h>

/*
 * A gateway is some loops, each a thread with its own listening socket and its own connections,
 * and two things that they share: who is there (presence.c) and the directory of devices, which
 * another thread keeps up to date (watch.c).
 */

#define MEDSEC__HINTS 1024u /* addresses of which a loop remembers the device */
#define MEDSEC__ACCEPT_BURST 64u /* connections accepted before others are served */
#define MEDSEC__KEEP_ALIVE_S 60 /* first TCP probe of a silent connection */
#define MEDSEC__DRAIN_QUIET_MS 50u /* stop: nothing came for so long */
#define MEDSEC__DRAIN_MAX_MS 500u /* stop: however much comes */

typedef struct medsec__loop medsec__loop;
typedef struct medsec__presence medsec__presence;

/* Where a connection stands; it is in the list of that name. */
typedef enum medsec__place {
    MEDSEC__WAITING, /* no whole reading yet */
    MEDSEC__LIVE,
    MEDSEC__PAUSED /* not read from: back-pressure */
} medsec__place;
#define MEDSEC__PLACES 3u

typedef struct medsec__connection {
    uv_tcp_t tcp;
    TAILQ_ENTRY(medsec__connection) link;
    medsec__loop *loop;
    medsec_session session;
    const medsec_profile *profile;
    medsec__address peer;
    uint64_t since_ms; /* accepted, or last reading; orders the lists */
    uint64_t readings;
    uint64_t searched_ns; /* what finding its device took, until it proves itself */
    uint32_t lane;
    uint8_t place; /* medsec__place */
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
    _Atomic uint64_t rejected[MEDSEC_GATEWAY_REASONS];
} medsec__counters;

typedef struct medsec__hint {
    uint8_t address[16];
    char id[MEDSEC_DEVICE_ID_MAX + 1];
} medsec__hint;

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
    struct medsec__connections places[MEDSEC__PLACES];
    bool draining;
    bool quiet; /* nothing came since the last tick */
    uint64_t drain_end_ms;
    _Atomic bool told_stop;
    _Atomic bool told_relieved;
    _Atomic bool told_directory;
    medsec__counters counters;
    medsec__hint hints[MEDSEC__HINTS];
    uint8_t buffer[MEDSEC_GATEWAY_READ_BUFFER];
};

struct medsec_gateway {
    medsec_gateway_options options; /* defaults filled in */
    medsec_topic topic;
    medsec__address address;
    medsec_publisher_listener listener;
    medsec__presence *presence;
    medsec__loop *loops;
    _Atomic uint32_t connections; /* of all loops, against max_connections */
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
    _Atomic uint64_t reloads;
};

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

/* loop.c */
MEDSEC_CHECK medsec_status medsec__loop_open(medsec__loop *loop);
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
bool medsec__connection_pressed(const medsec__loop *loop);

/* identify.c: the session's question, `context` is the connection. */
medsec_status medsec__identify(void *context, const uint8_t block[MEDSEC_AES_BLOCK_LEN],
                               medsec_identity *identity);
/* The device of this connection proved itself: try it first the next time, and charge nothing. */
void medsec__identify_remember(const medsec__connection *connection);
/* The directory in use is out of date: takes the new one and closes whom it does not know. */
void medsec__identify_renew(medsec__loop *loop);

/* emit.c: what is published. */
void medsec__emit_reading(medsec__connection *connection, const medsec_reading *reading);
void medsec__emit_profile(medsec__connection *connection);
/* `live` sessions of the device are left. */
void medsec__emit_status(medsec__connection *connection, uint32_t live, const char *why);

/* presence.c: counts the sessions of a device over all loops, and publishes its status in order. */
MEDSEC_CHECK medsec_status medsec__presence_create(medsec__presence **presence);
void medsec__presence_destroy(medsec__presence *presence);
/* False: out of memory. */
bool medsec__presence_enter(medsec__presence *presence, medsec__connection *connection);
void medsec__presence_leave(medsec__presence *presence, medsec__connection *connection,
                            const char *why);

/* watch.c */
MEDSEC_CHECK medsec_status medsec__watch_load(medsec_gateway *gateway);
void medsec__watch_run(void *context);
medsec_directory *medsec__watch_directory(medsec_gateway *gateway);

#endif
