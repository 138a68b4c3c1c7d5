/* SPDX-License-Identifier: Apache-2.0 */
#ifndef MEDSEC_DEVICE_H
#define MEDSEC_DEVICE_H

#include <medsec/credential.h>
#include <medsec/handshake.h>
#include <medsec/message.h>
#include <medsec/record.h>

/*
 * The device's end of medsec/1, without sockets, clock or sensors: the simulator and the firmware
 * drive this one and nothing else. `now_ms` is any clock that never goes back.
 *
 *     for (;;) {
 *         medsec_device_poll(&device, now_ms(), out, sizeof out, &step);
 *         switch (step.type) {
 *         case MEDSEC_STEP_WAIT:    sleep until step.until_ms, or until bytes come; break;
 *         case MEDSEC_STEP_SAMPLE:  measure; medsec_device_sample(&device, now_ms(), &reading);
 * break; case MEDSEC_STEP_CONNECT: begin a TCP connection; later medsec_device_connected, or
 *                                   medsec_device_disconnected when it fails; break;
 *         case MEDSEC_STEP_SEND:    send all step.len bytes of `out`; break;
 *         case MEDSEC_STEP_CLOSE:   close the connection; medsec_device_disconnected; break;
 *         }
 *     }
 *     bytes that come: medsec_device_receive.
 *
 * CONNECT and CLOSE come once each. Poll again after every other call.
 *
 * Readings. Each gets the next sequence number, and is kept until the gateway has acknowledged it,
 * over any number of connections; when the ring is full the oldest one is dropped and counted, so
 * what is kept has no gap. A message goes out when `batch_max` readings wait or the oldest of them
 * was measured `report_interval_ms` ago; the first of a session at once, because the gateway
 * believes nothing before. A message holds readings of one time quality in which time does not go
 * back, and half of them when they do not fit. After a reconnect all that is not acknowledged goes
 * out again, oldest first.
 *
 * Time. Before the first WELCOME a reading has `now_ms`; the WELCOME tells UTC, and those that wait
 * are converted (MEDSEC_TIME_WELCOME). They keep that time: a later WELCOME is for later readings
 * only, so that a reading sent twice is the same twice. medsec_device_set_clock does as a WELCOME
 * does (MEDSEC_TIME_OWN), and from then on WELCOMEs change nothing.
 *
 * Connections. It connects while there is a reading to send, and stays. It closes without a word on
 * anything that is not exactly what it expects: a record that does not open, an acknowledgement of
 * another boot or of what was not sent on this connection, a message of another kind. It says CLOSE
 * (EXPIRED) after MEDSEC_DEVICE_LIFETIME_MS or MEDSEC_RECORDS_MAX records, and comes back. The
 * pause before an attempt doubles from backoff_min_ms to backoff_max_ms, with the upper half of it
 * at random, until an acknowledgement comes: a gateway that accepts and then refuses must not be
 * hammered. A CLOSE of the gateway changes nothing of that, except that after DONE the pause is the
 * longest.
 */
typedef enum medsec_step_type {
    MEDSEC_STEP_WAIT,
    MEDSEC_STEP_SAMPLE,
    MEDSEC_STEP_CONNECT,
    MEDSEC_STEP_SEND,
    MEDSEC_STEP_CLOSE
} medsec_step_type;

typedef struct medsec_step {
    medsec_step_type type;
    uint64_t until_ms; /* WAIT: poll again then at the latest; UINT64_MAX: when something happens */
    size_t len; /* SEND */
} medsec_step;

/* A reading in the ring: how many bytes one takes, for `vitals` values. */
#define MEDSEC_DEVICE_SLOT_LEN(vitals) (16u + 4u * (vitals))
/* Bytes for `out` of medsec_device_poll that are always enough for the largest batch sent. */
#define MEDSEC_DEVICE_OUT_LEN MEDSEC_RECORD_LEN_MAX
#define MEDSEC_DEVICE_OUT_MIN 256u /* enough for a reading alone; with less nothing is sent */
#define MEDSEC_DEVICE_ANSWERS_MAX 4u /* CONFIGs that may come before an answer can be sent */

typedef struct medsec_device_options {
    const medsec_crypto *crypto;
    const medsec_profile *profile; /* must outlive the device */
    const medsec_credential *credential; /* of medsec/1, with a private key; copied */
    /* Fills `out` with bytes from a cryptographic generator. */
    void (*random)(void *context, uint8_t *out, size_t len);
    void *random_context;
    uint32_t boot; /* another one at each start: a counter in flash */
    uint32_t features; /* told in HELLO; 0 */
    uint8_t *ring; /* the caller's, for readings that are not acknowledged */
    size_t ring_len; /* a multiple of MEDSEC_DEVICE_SLOT_LEN; at least one */
    medsec_config config; /* to begin with; what is not `given` is the default of limits.h */
    uint32_t handshake_timeout_ms; /* CONNECT to connected, then to WELCOME; 0: default */
    uint32_t ack_timeout_ms; /* nothing acknowledged of what was sent: connect anew; 0: default */
    uint32_t backoff_min_ms; /* first pause before connecting again; 0: default */
    uint32_t backoff_max_ms; /* 0: default */
    bool no_sampling; /* never SAMPLE: the caller has a pace of its own */
} medsec_device_options;

typedef struct medsec_device_stats {
    uint64_t sampled; /* readings given to medsec_device_sample */
    uint64_t acknowledged;
    uint64_t dropped; /* the ring was full */
    uint64_t missed; /* samples that came due before the one before them could be asked for */
    uint64_t sent; /* readings handed out in SEND, with those sent again */
    uint64_t resent; /* of them, not for the first time */
    uint64_t records; /* DATA records sealed */
    uint64_t connects; /* connected */
    uint64_t sessions; /* WELCOMEs that opened */
    uint64_t faults; /* connections that this side ended for a reason */
    uint64_t pending; /* in the ring now */
    medsec_status last_fault;
} medsec_device_stats;

/* The readings that wait for their acknowledgement, in the caller's memory. */
typedef struct medsec_device_ring {
    uint8_t *memory;
    size_t slot_len;
    size_t slots;
    size_t oldest; /* its slot */
    size_t count;
    uint64_t end; /* sequence of the next reading; the oldest one's is end - count */
} medsec_device_ring;

/* Do not touch members; they are here to give the size. */
typedef struct medsec_device {
    const medsec_crypto *crypto;
    const medsec_profile *profile;
    void (*random)(void *context, uint8_t *out, size_t len);
    void *random_context;
    uint8_t state;
    uint8_t suite;
    uint8_t time_quality; /* of the readings to come */
    bool no_sampling;
    bool finishing;
    uint8_t answer_count;
    medsec_config_ack answers[MEDSEC_DEVICE_ANSWERS_MAX]; /* to be sent */
    uint8_t device_private[MEDSEC_X25519_LEN];
    uint8_t device_public[MEDSEC_X25519_LEN];
    uint8_t psk[MEDSEC_PSK_LEN];
    uint8_t gateway_public[MEDSEC_X25519_LEN];
    medsec_handshake handshake; /* between HELLO and WELCOME */
    medsec_record to_gateway;
    medsec_record to_device;
    uint8_t input[MEDSEC_DEVICE_INPUT_MAX]; /* a record half received */
    size_t input_len;
    medsec_config config;
    uint32_t boot;
    uint32_t features;
    uint32_t handshake_timeout_ms;
    uint32_t ack_timeout_ms;
    uint32_t backoff_min_ms;
    uint32_t backoff_max_ms;
    uint32_t backoff_ms; /* the longest that the next pause may be */
    medsec_device_ring ring;
    uint64_t first_sent; /* sequence of the first reading sent on this connection */
    uint64_t sent_end; /* after the last one; equal: none yet */
    uint64_t acked_end; /* after the last one acknowledged on this connection */
    uint64_t ever_sent_end; /* after the last one sent on any */
    uint64_t clock_offset_ms; /* UTC less now_ms, once known */
    uint64_t next_sample_ms;
    uint64_t deadline_ms; /* of the state: the next attempt, WELCOME, an acknowledgement */
    uint64_t session_end_ms;
    medsec_device_stats stats;
} medsec_device;

MEDSEC_BEGIN_DECLS

/*
 * Begins. ERR_ARGUMENT: a credential of another wire, without a private key or for another profile;
 * a profile of no values or too many; a ring that is not a number of slots; a config outside the
 * limits of limits.h; a longest pause below the shortest. Nothing is left to close then.
 */
MEDSEC_API MEDSEC_CHECK medsec_status medsec_device_open(medsec_device *device,
                                                         const medsec_device_options *options,
                                                         uint64_t now_ms);

/*
 * What to do next. After SEND `out` must be left as it is until it was sent; while that lasts, poll
 * with a `cap` of 0 (`out` may be NULL): there is no SEND then, but sampling and time go on.
 */
MEDSEC_API void medsec_device_poll(medsec_device *device, uint64_t now_ms, uint8_t *out, size_t cap,
                                   medsec_step *step);

/*
 * Takes a reading, at any time, asked for or not. `at_ms` is when it was measured: now, or earlier
 * than the last poll when something kept it until now, but not before the reading before it.
 * ERR_NUMBER: a value that the profile cannot hold; ERR_ARGUMENT: not a reading of the profile;
 * ERR_STATE: after medsec_device_finish; ERR_LIMIT: the sequence numbers of this boot are used up:
 * open again with the next one.
 */
MEDSEC_API MEDSEC_CHECK medsec_status medsec_device_sample(medsec_device *device, uint64_t at_ms,
                                                           const medsec_reading *reading);

/* The connection stands; or it failed or ended, whoever ended it. */
MEDSEC_API void medsec_device_connected(medsec_device *device, uint64_t now_ms);
MEDSEC_API void medsec_device_disconnected(medsec_device *device, uint64_t now_ms);

/*
 * Takes all bytes that came, in any pieces. What is not to be believed makes the next step CLOSE,
 * and says why in the stats: ERR_FRAME, ERR_LIMIT (a record longer than MEDSEC_DEVICE_INPUT_MAX, or
 * more than MEDSEC_DEVICE_ANSWERS_MAX CONFIGs at once), ERR_CRYPTO, ERR_MESSAGE, ERR_EXPIRED.
 * A CONFIG is applied whole at once or, when a member is outside its limits, refused whole.
 */
MEDSEC_API void medsec_device_receive(medsec_device *device, uint64_t now_ms, const uint8_t *data,
                                      size_t len);

/* The device's own clock, which is then used instead of the gateway's. */
MEDSEC_API void medsec_device_set_clock(medsec_device *device, uint64_t now_ms, uint64_t utc_ms);

/*
 * No new readings; what is in the ring is sent at once and awaited, then CLOSE (DONE) is said, and
 * poll gives CLOSE, and after medsec_device_disconnected only WAIT.
 */
MEDSEC_API void medsec_device_finish(medsec_device *device);
/* True after that, and when the ring is empty. */
MEDSEC_API bool medsec_device_finished(const medsec_device *device);

/* How it measures now; all members are given, `version` is of the last CONFIG applied. */
MEDSEC_API void medsec_device_get_config(const medsec_device *device, medsec_config *config);
MEDSEC_API void medsec_device_get_stats(const medsec_device *device, medsec_device_stats *stats);

/* Wipes keys and readings. May be called twice, and on a zeroed struct. */
MEDSEC_API void medsec_device_close(medsec_device *device);

MEDSEC_END_DECLS

#endif
