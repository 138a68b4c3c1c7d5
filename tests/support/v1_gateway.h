/* SPDX-License-Identifier: Apache-2.0 */
#ifndef MEDSEC_TESTS_V1_GATEWAY_H
#define MEDSEC_TESTS_V1_GATEWAY_H

#include <medsec/credential.h>
#include <medsec/handshake.h>
#include <medsec/message.h>
#include <medsec/record.h>

/* A gateway's end of medsec/1 that says what a test wants it to say, made of handshake, record and
 * message only. Everything is deterministic. */

/* Bytes from a counter: the context is a uint64_t, the seed. */
void v1_random(void *context, uint8_t *out, size_t len);

/* Who talks to whom. */
typedef struct v1_keys {
    medsec_suite suite;
    medsec_keypair device;
    medsec_keypair gateway;
    uint8_t psk[MEDSEC_PSK_LEN];
} v1_keys;

medsec_status v1_keys_make(v1_keys *keys, uint64_t seed, medsec_suite suite);
/* What the device gets of them; of the profile pico-vitals. */
void v1_credential(medsec_credential *credential, const v1_keys *keys);

typedef struct v1_gateway {
    const v1_keys *keys;
    uint64_t seed; /* of ephemeral keys */
    uint32_t boot; /* from the last HELLO */
    uint32_t features;
    medsec_record to_gateway;
    medsec_record to_device;
} v1_gateway;

/* Answers a whole HELLO record with a WELCOME of MEDSEC_WELCOME_LEN bytes. */
medsec_status v1_gateway_welcome(v1_gateway *gateway, const uint8_t *hello, size_t len,
                                 uint64_t utc_ms, uint8_t out[MEDSEC_WELCOME_LEN]);

/* Opens a whole DATA record in place. */
medsec_status v1_gateway_open(v1_gateway *gateway, uint8_t *data, size_t len, medsec_kind *kind,
                              uint8_t **message, size_t *message_len);

/* A DATA record of these bytes, or of a control message; its length, or 0. */
size_t v1_gateway_seal(v1_gateway *gateway, uint8_t out[MEDSEC_RECORD_LEN_MAX],
                       const uint8_t *message, size_t len);
size_t v1_gateway_say(v1_gateway *gateway, uint8_t out[MEDSEC_RECORD_LEN_MAX],
                      const medsec_control *control);

#endif
