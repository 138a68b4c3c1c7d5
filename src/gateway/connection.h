/* SPDX-License-Identifier: Apache-2.0 */
#ifndef MEDSEC_GATEWAY_CONNECTION_H
#define MEDSEC_GATEWAY_CONNECTION_H

#include "host/address.h"
#include "ledger.h"
#include "proxy_header.h"

#include <medsec/gateway.h>
#include <medsec/session.h>
#include <sys/queue.h>
#include <uv.h>

typedef struct medsec__loop medsec__loop;
typedef struct medsec__heart medsec__heart;

/* Where a connection stands; it is in the list of that name. */
typedef enum medsec__place {
    MEDSEC__WAITING, /* no device yet; or it was said good-bye to */
    MEDSEC__LIVE,
    MEDSEC__PAUSED, /* not read from: back-pressure */
    MEDSEC__HELD, /* the same, and no device yet */
    MEDSEC__QUEUED, /* not read from before its turn; no device yet */
    MEDSEC__RETURNED, /* the same, and its address is known; served first */
    MEDSEC__HEADER /* of a balancer, who has not said yet for whom: origin.h */
} medsec__place;
#define MEDSEC__PLACES 7u

/* What a connection is about to do. */
typedef enum medsec__course {
    MEDSEC__STAYS,
    MEDSEC__LEAVES, /* is not read from; says good-bye when all is acknowledged */
    MEDSEC__LEFT /* has said it; what still comes is thrown away until the device closes */
} medsec__course;

typedef struct medsec__connection medsec__connection;
struct medsec__connection {
    uv_tcp_t tcp;
    TAILQ_ENTRY(medsec__connection) link;
    TAILQ_ENTRY(medsec__connection) half_open_link; /* no device yet */
    LIST_ENTRY(medsec__connection) session_link; /* of its device; under the lock of presence.c */
    TAILQ_ENTRY(medsec__connection) due_link; /* an acknowledgement may be due */
    TAILQ_ENTRY(medsec__connection) forgotten_link; /* its status is to be published again */
    medsec__loop *loop;
    medsec__proxy_header *header; /* that is not whole; NULL: peer is the device */
    medsec_session session;
    const medsec_profile *profile;
    struct medsec__batches batches; /* not acknowledged, oldest first */
    medsec__batch *filling; /* of the message that is being reported */
    medsec__heart *heart; /* of its device; NULL before the second reading of a signal */
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
    bool is_known; /* a device proved itself from there before */
    bool heard; /* its device said something, and proved it */
    bool identified;
    char id[MEDSEC_DEVICE_ID_MAX + 1]; /* "" before identification */
};

TAILQ_HEAD(medsec__connections, medsec__connection);

/* A block for a record that is not whole, or the next one that is free. */
typedef union medsec__block {
    union medsec__block *next;
    uint8_t bytes[MEDSEC_RECORD_LEN_MAX];
} medsec__block;

static inline bool medsec__is_v1(const medsec__connection *connection)
{
    return medsec_session_wire(&connection->session) == MEDSEC_WIRE_MEDSEC1;
}

/* Takes over `fd`, closes it on failure. */
void medsec__connection_open(medsec__loop *loop, int fd, const medsec__address *peer);
/* Who it is, of one that is no device yet. */
void medsec__connection_set_peer(medsec__connection *connection, const medsec__address *peer);
/* `why` is a word for the log and the device's status. */
void medsec__connection_close(medsec__connection *connection, const char *why);
void medsec__connection_reject(medsec__connection *connection, medsec_status reason);
/* To the end of the list of `place`, with the time of now. */
void medsec__connection_move(medsec__connection *connection, medsec__place place);
void medsec__connection_resume(medsec__connection *connection);
bool medsec__connection_pressed(const medsec__connection *connection);
/* It proved to be a device. */
void medsec__connection_prove(medsec__connection *connection);
/* Closes the oldest that is no device yet, as long as there are more than `allowed`; from a known
 * address last, unless those have most of the places. False: there were not. */
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

#endif
