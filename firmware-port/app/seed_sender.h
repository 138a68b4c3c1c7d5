/* SPDX-License-Identifier: Apache-2.0 */
#ifndef FIRMWARE_SEED_SENDER_H
#define FIRMWARE_SEED_SENDER_H

#include <medsec/device.h>
#include <medsec/seed_frame.h>

/*
 * The device's end of the seed wire, driven as medsec_device is: frames as the real Pico sends
 * them, chained. There is no answer on that wire: a reading is done with when the module has it,
 * and sent again when the connection ended before. While there is no connection the newest ones are
 * kept. A reading with a sensor that failed is not sent, since the wire has no null.
 */
#define SEED_SENDER_VITALS 7u /* of the profile pico-vitals */
#define SEED_SENDER_SLOT_LEN (4u * SEED_SENDER_VITALS)
#define SEED_SENDER_FRAME_MAX 512u /* characters; with less room nothing is sent */

typedef struct seed_sender_options {
    const medsec_crypto *crypto;
    const medsec_credential *credential; /* of the seed wire; copied */
    void (*random)(void *context, uint8_t *out, size_t len);
    void *random_context;
    uint8_t *ring; /* the caller's */
    size_t ring_len; /* at least one SEED_SENDER_SLOT_LEN */
} seed_sender_options;

/* Do not touch members; they are here to give the size. */
typedef struct seed_sender {
    const medsec_crypto *crypto;
    void (*random)(void *context, uint8_t *out, size_t len);
    void *random_context;
    medsec_aes_cbc aes;
    uint8_t iv[MEDSEC_AES_BLOCK_LEN];
    uint8_t state;
    uint8_t *ring;
    size_t slots;
    size_t oldest; /* its slot */
    size_t count;
    size_t sending; /* of the oldest ones: handed out in SEND */
    uint32_t dropped; /* the ring was full */
    uint32_t incomplete; /* a sensor had failed */
    uint32_t backoff_ms; /* the longest that the next pause may be */
    uint64_t retry_ms; /* not connected: not before */
} seed_sender;

/* ERR_ARGUMENT: another wire, no room; ERR_PROVIDER. */
MEDSEC_CHECK medsec_status seed_sender_open(seed_sender *sender, const seed_sender_options *options,
                                            uint64_t now_ms);
/* As medsec_device_poll: WAIT, CONNECT, SEND. Give a `cap` of 0 until what was given was sent. */
void seed_sender_poll(seed_sender *sender, uint64_t now_ms, char *out, size_t cap,
                      medsec_step *step);
void seed_sender_sample(seed_sender *sender, const medsec_reading *reading);
void seed_sender_connected(seed_sender *sender);
/* The last SEND is with the other side. */
void seed_sender_sent(seed_sender *sender);
void seed_sender_disconnected(seed_sender *sender, uint64_t now_ms);
bool seed_sender_is_connected(const seed_sender *sender);

#endif
