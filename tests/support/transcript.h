/* SPDX-License-Identifier: Apache-2.0 */
#ifndef MEDSEC_TESTS_TRANSCRIPT_H
#define MEDSEC_TESTS_TRANSCRIPT_H

#include "vectors.h"

#include <medsec/crypto.h>
#include <medsec/wire.h>

#include <stdbool.h>

/* A whole session of medsec/1 from tests/vectors/transcripts.jsonl. */

enum { TRANSCRIPT_STEPS = 16 };

typedef struct transcript_step {
    bool of_device;
    uint8_t record[MEDSEC_RECORD_LEN_MAX];
    size_t len;
    uint8_t message[MEDSEC_RECORD_LEN_MAX]; /* what is sealed in it, or the handshake's payload */
    size_t message_len;
} transcript_step;

typedef struct transcript {
    medsec_suite suite;
    uint32_t boot;
    uint64_t utc_ms;
    medsec_keypair device;
    medsec_keypair gateway;
    uint8_t device_ephemeral[MEDSEC_X25519_LEN];
    uint8_t gateway_ephemeral[MEDSEC_X25519_LEN];
    uint8_t psk[MEDSEC_PSK_LEN];
    transcript_step steps[TRANSCRIPT_STEPS]; /* HELLO, WELCOME, DATA... */
    size_t count;
} transcript;

/* Runs a test on every transcript, or on those of one name; returns how many there were. */
unsigned transcripts(void (*test)(const transcript *t), const char *name);

#endif
