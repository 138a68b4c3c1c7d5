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
 * A reading is kept until the gateway has acknowledged it, over any number of connections; when the
 * ring is full the oldest one is dropped and counted.
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
#define MEDSEC_DEVICE_OUT_LEN (MEDSEC_RECORD_HEADER_LEN + MEDSEC_RECORD_BODY_MAX)
#define MEDSEC_DEVICE_OUT_MIN 256u /* with less than this, poll gives ERR_BUFFER at open */

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
    uint32_t handshake_timeout_ms; /* from connected to WELCOME; 0: default */
    uint32_t ack_timeout_ms; /* without any acknowledgement: connect anew; 0: default */
    uint32_t backoff_min_ms; /* first pause before connecting again; doubles; 0: default */
    uint32_t backoff_max_ms;
    bool no_sampling; /* never SAMPLE: the caller has a pace of its own */
} medsec_device_options;

typedef struct medsec_device_stats {
    uint64_t sampled; /* readings given to medsec_device_sample */
    uint64_t acknowledged;
    uint64_t dropped; /* the ring was full */
    uint64_t missed; /* samples that came due while the one before was */
    uint64_t sent; /* readings handed out in SEND, with those sent again */
    uint64_t resent; /* of them, not for the first time */
    uint64_t records; /* DATA records sealed */
    uint64_t connects; /* connected */
    uint64_t sessions; /* WELCOMEs that opened */
    uint64_t faults; /* connections that this side ended for a reason */
    uint32_t pending; /* in the ring now */
    medsec_status last_fault;
} medsec_device_stats;

typedef struct medsec_device medsec_device;

/* Do not touch members; they are here to give the size. */
struct medsec_device {
    const medsec_crypto *crypto;
    const medsec_profile *profile;
    void (*random)(void *context, uint8_t *out, size_t len);
    void *random_context;
    uint8_t suite;
    uint8_t state;
    bool no_sampling;
    bool config_due; /* a CONFIG_ACK is to be sent */
    bool finishing;
    uint8_t time_quality;
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
    medsec_config_ack config_ack;
    uint32_t boot;
    uint32_t features;
    uint32_t handshake_timeout_ms;
    uint32_t ack_timeout_ms;
    uint32_t backoff_min_ms;
    uint32_t backoff_max_ms;
    uint32_t attempts; /* since the last acknowledgement */
    uint8_t *ring;
    uint32_t slots;
    uint32_t oldest; /* slot of the oldest reading */
    uint32_t count; /* readings in the ring */
    uint32_t sent; /* of them, on this connection */
    uint32_t ever_sent; /* of them, on any */
    uint32_t next_sequence; /* of the next reading */
    uint64_t clock_offset_ms; /* UTC less now_ms, once known */
    uint64_t next_sample_ms;
    uint64_t deadline_ms; /* of the state */
    uint64_t session_began_ms;
    medsec_device_stats stats;
};

MEDSEC_BEGIN_DECLS

/* ERR_ARGUMENT: a credential of another wire, without a private key or for another profile; a ring
 * that holds nothing; a config outside its limits. */
MEDSEC_API MEDSEC_CHECK medsec_status medsec_device_open(medsec_device *device,
                                                         const medsec_device_options *options,
                                                         uint64_t now_ms);

/* What to do next. `out` holds what SEND means until it was sent. */
MEDSEC_API void medsec_device_poll(medsec_device *device, uint64_t now_ms, uint8_t *out, size_t cap,
                                   medsec_step *step);

/* Takes a reading. ERR_NUMBER: a value that the profile cannot hold; ERR_ARGUMENT: not a reading of
 * the profile. */
MEDSEC_API MEDSEC_CHECK medsec_status medsec_device_sample(medsec_device *device, uint64_t now_ms,
                                                           const medsec_reading *reading);

/* The connection stands; or it failed or ended, whoever ended it. */
MEDSEC_API void medsec_device_connected(medsec_device *device, uint64_t now_ms);
MEDSEC_API void medsec_device_disconnected(medsec_device *device, uint64_t now_ms);

/* Takes all bytes that came, in any pieces. What is not to be believed makes the next step CLOSE.
 */
MEDSEC_API void medsec_device_receive(medsec_device *device, uint64_t now_ms, const uint8_t *data,
                                      size_t len);

/* The device's own clock, which is then used instead of the gateway's. */
MEDSEC_API void medsec_device_set_clock(medsec_device *device, uint64_t now_ms, uint64_t utc_ms);

/* No new readings; what is in the ring is sent and awaited, then CLOSE is said, and poll gives
 * CLOSE, and after medsec_device_disconnected only WAIT. */
MEDSEC_API void medsec_device_finish(medsec_device *device);
/* True after that, and when the ring is empty. */
MEDSEC_API bool medsec_device_finished(const medsec_device *device);

/* How it measures now. */
MEDSEC_API void medsec_device_get_config(const medsec_device *device, medsec_config *config);
MEDSEC_API void medsec_device_get_stats(const medsec_device *device, medsec_device_stats *stats);

/* Wipes keys and readings. May be called twice, and on a zeroed struct. */
MEDSEC_API void medsec_device_close(medsec_device *device);

MEDSEC_END_DECLS

#endif
