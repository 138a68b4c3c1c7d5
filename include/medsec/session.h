/* SPDX-License-Identifier: Apache-2.0 */
#ifndef MEDSEC_SESSION_H
#define MEDSEC_SESSION_H

#include <medsec/message.h>
#include <medsec/record.h>
#include <medsec/seed_frame.h>

/*
 * The gateway's end of one connection, without the connection: bytes in, events out. The first
 * byte tells the wire: a hex digit is the seed wire, 0xA1 is medsec/1, anything else is refused.
 * The session asks its owner who has a key, and says nothing about a device before a whole reading
 * has decrypted under it (seed) or a DATA record has opened (medsec/1).
 */

/* What the owner knows of a seed device. The session copies what it needs and wipes this. */
typedef struct medsec_identity {
    uint8_t key[MEDSEC_AES128_KEY_LEN];
    uint8_t iv[MEDSEC_AES_BLOCK_LEN];
    const medsec_profile *profile; /* must outlive the session */
    void *device; /* the owner's own; comes back in events */
} medsec_identity;

/* What the owner knows of a medsec/1 device. The session copies what it needs and wipes this. */
typedef struct medsec_peer {
    uint8_t psk[2][MEDSEC_PSK_LEN]; /* tried in this order; event.psk says which it was */
    uint8_t psks; /* 1 or 2: a rotation is under way */
    const medsec_profile *profile; /* must outlive the session */
    void *device; /* the owner's own; comes back in events */
} medsec_peer;

/*
 * What a session needs from outside. One owner serves many sessions, each with a `context` of its
 * own.
 */
typedef struct medsec_session_owner {
    /*
     * Finds the device whose key turns `block`, the first of a seed stream, into the beginning of a
     * reading (medsec_seed_text_begins_reading). MEDSEC_OK and *identity; ERR_UNKNOWN_DEVICE;
     * ERR_REVOKED when the owner can tell; ERR_BUSY when it will not look now. Called at most once
     * in a session. NULL: no seed wire.
     */
    medsec_status (*identify)(void *context, const uint8_t block[MEDSEC_AES_BLOCK_LEN],
                              medsec_identity *identity);
    /*
     * Finds the medsec/1 device that has this public key and speaks this suite. Whoever asks has
     * proved nothing yet. The same errors as identify. Called at most once in a session.
     */
    medsec_status (*find)(void *context, const uint8_t public_key[MEDSEC_X25519_LEN],
                          medsec_suite suite, medsec_peer *peer);
    void (*random)(void *context, uint8_t *out, size_t len); /* cryptographic */
    uint64_t (*utc_ms)(void *context); /* for the WELCOME, and for readings of unknown time */
    /* For the age of a session: a clock that nobody sets. NULL: utc_ms serves. */
    uint64_t (*steady_ms)(void *context);
    const medsec_keypair
        *keys; /* the gateway's: its own, then the one before it; NULL: no medsec/1 */
    size_t key_count; /* 0, 1 or 2 */
} medsec_session_owner;

typedef enum medsec_event_type {
    MEDSEC_EVENT_NONE = 0, /* nothing to do until more bytes come */
    MEDSEC_EVENT_IDENTIFIED = 1, /* the device is proved; what it said follows as further events */
    MEDSEC_EVENT_READING = 2,
    MEDSEC_EVENT_REJECTED = 3, /* close the connection without a word; it stays so */
    MEDSEC_EVENT_WELCOME = 4, /* send event.output; the device is not proved yet */
    MEDSEC_EVENT_ACK_DUE = 5, /* once all readings so far are durable: medsec_session_ack */
    MEDSEC_EVENT_CONFIG_RESULT = 6, /* the device's answer to medsec_session_config */
    MEDSEC_EVENT_CLOSED = 7 /* the device said goodbye; it stays so */
} medsec_event_type;

typedef struct medsec_event {
    medsec_event_type type;
    medsec_status reason; /* REJECTED: why */
    void *device; /* as the owner gave it; NULL before IDENTIFIED */
    const medsec_reading *reading; /* READING: valid until the next call */
    bool sequenced; /* READING on medsec/1: the next four are there */
    uint8_t time_quality; /* medsec_time_quality; UNKNOWN: time_ms is the gateway's */
    uint32_t boot; /* ACK_DUE too */
    uint32_t sequence; /* ACK_DUE: of the last reading */
    uint64_t time_ms; /* UTC, since 1970 */
    uint32_t skipped; /* ACK_DUE: readings left out because they were acknowledged here before */
    uint8_t psk; /* IDENTIFIED on medsec/1: index in medsec_peer.psk */
    medsec_config_ack config; /* CONFIG_RESULT */
    uint32_t close_reason; /* CLOSED: medsec_close_reason */
    const uint8_t *output; /* WELCOME: valid until the next call */
    size_t output_len;
} medsec_event;

/* medsec/1 after the HELLO. */
typedef struct medsec_session_v1 {
    medsec_record to_gateway;
    medsec_record to_device;
    const medsec_profile *profile;
    medsec_readings_reader reader; /* of the message that is being reported */
    medsec_reading reading;
    uint8_t welcome[MEDSEC_WELCOME_LEN];
    size_t record_len; /* of the record that is being reported; 0: none */
    const uint8_t *message; /* in it */
    size_t message_len;
    uint64_t began_ms; /* of the WELCOME, by steady_ms: a session has a lifetime */
    uint64_t received_ms; /* UTC when the record came, for readings of unknown time */
    uint64_t last_ms; /* the device's time of the last reading of such a message */
    uint32_t last_sequence;
    medsec_ack acknowledged; /* last one on this connection */
    bool has_acknowledged;
    uint8_t psk;
    uint32_t skipped;
} medsec_session_v1;

typedef struct medsec_session {
    const medsec_crypto *crypto;
    const medsec_session_owner *owner;
    void *context;
    void *device;
    uint8_t state;
    uint8_t wire; /* medsec_wire; 0 before the first byte */
    bool identified;
    int16_t fault; /* medsec_status, sticky */
    uint32_t close_reason; /* the device's */
    union {
        struct {
            const medsec_reading *first; /* decrypted, and reported after IDENTIFIED */
            uint8_t digits; /* of the first block so far */
            uint8_t block[MEDSEC_SEED_BLOCK_HEX_LEN]; /* the first block, as it came */
            medsec_seed_decoder decoder;
        } seed;
        medsec_session_v1 v1;
    } on;
} medsec_session;

MEDSEC_BEGIN_DECLS

/*
 * Begins. `owner` and `crypto` must outlive the session, which must stay where it is. Cannot fail;
 * allocates nothing.
 */
MEDSEC_API void medsec_session_open(medsec_session *session, const medsec_crypto *crypto,
                                    const medsec_session_owner *owner, void *context);

/*
 * Takes bytes up to and including the next event; `*used` says how many. Call again with the rest,
 * and with none, until the event is NONE:
 *
 *     do {
 *         medsec_session_push(&session, data, len, &used, &event);
 *         data += used; len -= used;
 *         ...
 *     } while (event.type != MEDSEC_EVENT_NONE && ... not REJECTED, not CLOSED);
 *
 * Between two events the rest must stay where it is, untouched: `data` is decrypted in place, and a
 * record is used up only with the last event that comes out of it. Bytes that are left when the
 * event is NONE belong to a record that is not whole, at most MEDSEC_RECORD_LEN_MAX of them: keep
 * them and present them again with more behind them. (The seed wire never leaves any.)
 */
MEDSEC_API void medsec_session_push(medsec_session *session, uint8_t *data, size_t len,
                                    size_t *used, medsec_event *event);

/*
 * Records for the device, medsec/1 only; `out` has room for MEDSEC_SESSION_OUT_LEN bytes, of which
 * *len are to be sent in the order of the calls. ERR_STATE: not after IDENTIFIED, or closed;
 * ERR_EXPIRED; ERR_PROVIDER.
 *
 * ack: every reading of that boot up to that sequence is durable; what comes again is left out.
 */
#define MEDSEC_SESSION_OUT_LEN 96u
MEDSEC_API MEDSEC_CHECK medsec_status medsec_session_ack(medsec_session *session,
                                                         uint8_t out[MEDSEC_SESSION_OUT_LEN],
                                                         size_t *len, uint32_t boot,
                                                         uint32_t sequence);
MEDSEC_API MEDSEC_CHECK medsec_status medsec_session_config(medsec_session *session,
                                                            uint8_t out[MEDSEC_SESSION_OUT_LEN],
                                                            size_t *len,
                                                            const medsec_config *config);
MEDSEC_API MEDSEC_CHECK medsec_status medsec_session_goodbye(medsec_session *session,
                                                             uint8_t out[MEDSEC_SESSION_OUT_LEN],
                                                             size_t *len,
                                                             medsec_close_reason reason);

/* True when the stream may end here: no frame is half read. (A record that is not whole is with the
 * caller, who knows.) */
MEDSEC_API bool medsec_session_at_boundary(const medsec_session *session);

/* The wire in use; 0 before the first byte. */
MEDSEC_API medsec_wire medsec_session_wire(const medsec_session *session);

/* Wipes keys and plaintext. May be called twice. */
MEDSEC_API void medsec_session_close(medsec_session *session);

MEDSEC_END_DECLS

#endif
