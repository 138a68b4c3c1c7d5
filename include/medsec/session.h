/* SPDX-License-Identifier: Apache-2.0 */
#ifndef MEDSEC_SESSION_H
#define MEDSEC_SESSION_H

#include <medsec/seed_frame.h>

/*
 * The gateway's end of one connection, without the connection: bytes in, events out. The first
 * byte tells the wire (a hex digit: seed; anything else is refused). The session asks its owner
 * who has a key, and says nothing about a device before a whole reading has decrypted under it.
 */

/* What the owner knows of a device. The session copies what it needs and wipes this. */
typedef struct medsec_identity {
    uint8_t key[MEDSEC_AES128_KEY_LEN];
    uint8_t iv[MEDSEC_AES_BLOCK_LEN];
    const medsec_profile *profile; /* must outlive the session */
    void *device; /* the owner's own; comes back in events */
} medsec_identity;

typedef struct medsec_session_owner {
    void *context;
    /*
     * Finds the device whose key turns `block`, the first of a seed stream, into the beginning of a
     * reading (medsec_seed_text_begins_reading). MEDSEC_OK and *identity; ERR_UNKNOWN_DEVICE;
     * ERR_REVOKED when the owner can tell; ERR_BUSY when it will not look now. Called at most once
     * in a session.
     */
    medsec_status (*identify)(void *context, const uint8_t block[MEDSEC_AES_BLOCK_LEN],
                              medsec_identity *identity);
} medsec_session_owner;

typedef enum medsec_event_type {
    MEDSEC_EVENT_NONE = 0, /* nothing to do until more bytes come */
    MEDSEC_EVENT_IDENTIFIED = 1, /* the first reading decrypted; it follows as the next event */
    MEDSEC_EVENT_READING = 2,
    MEDSEC_EVENT_REJECTED = 3 /* close the connection; it stays so */
} medsec_event_type;

typedef struct medsec_event {
    medsec_event_type type;
    medsec_status reason; /* REJECTED: why */
    void *device; /* as the owner gave it; NULL before IDENTIFIED */
    const medsec_reading *reading; /* READING: valid until the next call */
} medsec_event;

typedef struct medsec_session {
    const medsec_crypto *crypto;
    const medsec_session_owner *owner;
    void *device;
    const medsec_reading *first; /* decrypted, and reported after IDENTIFIED */
    uint8_t state;
    uint8_t digits; /* of the first block so far */
    int16_t fault; /* medsec_status, sticky */
    uint8_t block[MEDSEC_SEED_BLOCK_HEX_LEN]; /* the first block, as it came */
    medsec_seed_decoder seed;
} medsec_session;

MEDSEC_BEGIN_DECLS

/*
 * Begins. `owner` and `crypto` must outlive the session, which must stay where it is. Cannot fail;
 * allocates nothing.
 */
MEDSEC_API void medsec_session_open(medsec_session *session, const medsec_crypto *crypto,
                                    const medsec_session_owner *owner);

/*
 * Takes bytes up to and including the next event; `*used` says how many. Call again with the rest,
 * and with none, until the event is NONE:
 *
 *     do {
 *         medsec_session_push(&session, data, len, &used, &event);
 *         data += used; len -= used;
 *         ...
 *     } while (event.type != MEDSEC_EVENT_NONE && event.type != MEDSEC_EVENT_REJECTED);
 *
 * Bytes that are left when the event is NONE belong to an unfinished unit: keep them and
 * present them again with more behind them. (The seed wire never leaves any.) `data` may be
 * decrypted in place: its content afterwards is unspecified.
 */
MEDSEC_API void medsec_session_push(medsec_session *session, uint8_t *data, size_t len,
                                    size_t *used, medsec_event *event);

/* True when the stream may end here: no frame is half read. */
MEDSEC_API bool medsec_session_at_boundary(const medsec_session *session);

/* The wire in use: "seed", or NULL before the first byte. */
MEDSEC_API const char *medsec_session_wire(const medsec_session *session);

/* Wipes keys and plaintext. May be called twice. */
MEDSEC_API void medsec_session_close(medsec_session *session);

MEDSEC_END_DECLS

#endif
