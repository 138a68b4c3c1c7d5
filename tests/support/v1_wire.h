/* SPDX-License-Identifier: Apache-2.0 */
#ifndef MEDSEC_TESTS_V1_WIRE_H
#define MEDSEC_TESTS_V1_WIRE_H

#include "splits.h"

#include <medsec/handshake.h>
#include <medsec/session.h>

/* The two ends of medsec/1 in memory. Everything follows from names: the same again each time. */

typedef struct v1_secrets {
    medsec_keypair device;
    medsec_keypair gateway;
    uint8_t psk[MEDSEC_PSK_LEN];
} v1_secrets;

/* 32 bytes, a key pair, of a name. */
void v1_bytes(uint8_t out[MEDSEC_SHA256_LEN], const char *name);
void v1_keypair(medsec_keypair *keys, const char *name);
void v1_secrets_make(v1_secrets *secrets, const char *device, const char *gateway);

/* A device that says whatever a test wants, made of handshake, record and message. */
typedef struct v1_device {
    medsec_suite suite;
    medsec_handshake handshake;
    medsec_record to_gateway;
    medsec_record to_device;
    uint64_t utc_ms; /* of the WELCOME */
} v1_device;

void v1_hello(v1_device *device, uint8_t out[MEDSEC_HELLO_LEN], const v1_secrets *secrets,
              medsec_suite suite, const char *ephemeral);
medsec_status v1_welcome(v1_device *device, const uint8_t *welcome, size_t len);
size_t v1_seal(v1_device *device, uint8_t *out, const void *message, size_t len);
size_t v1_readings(v1_device *device, uint8_t *out, const medsec_readings_head *head, size_t rows);
size_t v1_control(v1_device *device, uint8_t *out, const medsec_control *control);
medsec_status v1_open(v1_device *device, medsec_control *control, uint8_t *record, size_t len);

/* The message that v1_readings seals: row i was measured 50 ms after the one before it. */
size_t v1_readings_message(uint8_t *out, const medsec_readings_head *head, size_t rows);

/* What the gateway's registry knows of a device. */
typedef struct v1_entry {
    const char *id;
    const v1_secrets *secrets;
    medsec_suite suite;
    medsec_status status;
    const uint8_t *pending; /* a second psk, or NULL */
} v1_entry;

/* A gateway's end of one connection, which writes down the events. */
typedef struct v1_session {
    const v1_entry *entries;
    size_t count;
    medsec_keypair keys[2];
    size_t key_count;
    const char *ephemeral; /* another one is another session */
    uint64_t now_ms; /* of the calendar */
    uint64_t steady_ms;
    bool acknowledges; /* at once, whatever is due */
    const medsec_crypto *crypto; /* NULL: the host's */

    medsec_session_owner owner;
    medsec_session session;
    size_t asked;
    uint8_t kept[MEDSEC_RECORD_LEN_MAX]; /* of a record that is not whole */
    size_t kept_len;
    uint8_t out[1 << 14]; /* for the device */
    size_t out_len;
} v1_session;

/*
 * The lines: "welcome", "identified ID PSK", "reading ID BOOT SEQUENCE QUALITY TIME VALUES...",
 * "due ID BOOT SEQUENCE SKIPPED", "config ID VERSION STATUS". The end: V1_CLOSED + reason after
 * CLOSE, the status after a rejection; else 1 where the stream may end, and 0 elsewhere.
 */
enum { V1_CLOSED = 100 };
void v1_session_begin(void *gateway);
void v1_session_push(void *gateway, uint8_t *data, size_t len, trace *log);
int v1_session_end(void *gateway, trace *log);
machine v1_machine(v1_session *gateway);

/* All that a device says on one connection. */
typedef struct v1_flight {
    uint8_t bytes[1 << 14];
    size_t len;
    v1_device device;
} v1_flight;

/* A HELLO, delivered to a gateway that begins anew; the device knows the WELCOME then. */
void v1_connect(v1_flight *flight, v1_session *gateway, const v1_secrets *secrets,
                const char *ephemeral, trace *log);
/* One more record; where it begins. */
size_t v1_say_readings(v1_flight *flight, const medsec_readings_head *head, size_t rows);
size_t v1_say(v1_flight *flight, const medsec_control *control);
/* Everything from a place on, in one piece and as a copy, for it is decrypted in place. */
void v1_deliver(v1_session *gateway, const v1_flight *flight, size_t from, trace *log);

#endif
