/* SPDX-License-Identifier: Apache-2.0 */
#include "session_internal.h"

#include "big_endian.h"
#include "greeting.h"

#include <medsec/handshake.h>
#include <string.h>

enum { TIME_LEN = 8, BODY_LEN = MEDSEC_HELLO_LEN - MEDSEC_RECORD_HEADER_LEN };

/* All that one HELLO needs: nothing of it outlives the call, and it is wiped as one. */
typedef struct exchange {
    medsec_handshake sender; /* read up to the point where the psk is needed */
    medsec_handshake handshake; /* a copy of that, for the psk that is tried */
    medsec_peer peer;
    uint8_t payload[BODY_LEN]; /* boot and features: the messages repeat what matters of them */
    uint8_t ephemeral[MEDSEC_X25519_LEN];
    uint8_t to_gateway[MEDSEC_CHACHAPOLY_KEY_LEN];
    uint8_t to_device[MEDSEC_CHACHAPOLY_KEY_LEN];
} exchange;

/* MEDSEC_OK: the sender's public key is known, and the psk is wanted next. */
static medsec_status read_sender_under(medsec_session *session, exchange *x,
                                       const medsec_keypair *keys, const uint8_t *hello)
{
    medsec_status status =
        medsec__greeting_open(&x->sender, session->crypto, MEDSEC_RESPONDER, hello[1]);
    if (status == MEDSEC_OK) {
        status = medsec_handshake_set_static(&x->sender, keys->private_key, keys->public_key);
    }
    if (status != MEDSEC_OK) {
        return status;
    }
    size_t len = 0;
    status = medsec_handshake_read(&x->sender, x->payload, &len, hello + MEDSEC_RECORD_HEADER_LEN,
                                   BODY_LEN);
    return status == MEDSEC_ERR_STATE ? MEDSEC_OK : status;
}

static medsec_status read_sender(medsec_session *session, exchange *x, const uint8_t *hello)
{
    const medsec_session_owner *owner = session->owner;
    medsec_status status = MEDSEC_ERR_CRYPTO;
    for (size_t i = 0; i < owner->key_count && status == MEDSEC_ERR_CRYPTO; i++) {
        status = read_sender_under(session, x, &owner->keys[i], hello);
    }
    return status;
}

static medsec_status find(medsec_session *session, exchange *x, medsec_suite suite)
{
    medsec_peer *peer = &x->peer;
    medsec_status status = session->owner->find(
        session->context, medsec_handshake_remote_static(&x->sender), suite, peer);
    if (status != MEDSEC_OK) {
        return status;
    }
    if (peer->profile == NULL || peer->psks < 1 || peer->psks > 2) {
        return MEDSEC_ERR_ARGUMENT;
    }
    session->device = peer->device;
    session->on.v1.profile = peer->profile;
    return MEDSEC_OK;
}

static medsec_status read_rest(medsec_session *session, exchange *x, const uint8_t *hello)
{
    medsec_status status = MEDSEC_ERR_CRYPTO;
    for (uint8_t i = 0; i < x->peer.psks && status == MEDSEC_ERR_CRYPTO; i++) {
        size_t len = 0;
        x->handshake = x->sender;
        medsec_handshake_set_psk(&x->handshake, x->peer.psk[i]);
        status = medsec_handshake_read(&x->handshake, x->payload, &len,
                                       hello + MEDSEC_RECORD_HEADER_LEN, BODY_LEN);
        session->on.v1.psk = i;
    }
    return status;
}

static medsec_status write_welcome(medsec_session *session, exchange *x, uint8_t flags)
{
    medsec_session_v1 *v1 = &session->on.v1;
    uint8_t time[TIME_LEN];
    size_t len = 0;
    v1->began_ms = medsec__session_steady_ms(session);
    medsec__store_be(time, session->owner->utc_ms(session->context), sizeof time);
    session->owner->random(session->context, x->ephemeral, sizeof x->ephemeral);
    medsec_status status = medsec_handshake_set_ephemeral(&x->handshake, x->ephemeral);
    if (status != MEDSEC_OK) {
        return status;
    }
    const size_t room = sizeof v1->welcome - MEDSEC_RECORD_HEADER_LEN;
    const medsec_record_header header = {MEDSEC_RECORD_WELCOME, flags, (uint16_t)room};
    medsec_record_write_header(v1->welcome, header);
    return medsec_handshake_write(&x->handshake, v1->welcome + MEDSEC_RECORD_HEADER_LEN, room, &len,
                                  time, sizeof time);
}

static medsec_status open_records(medsec_session *session, exchange *x, medsec_suite suite)
{
    medsec_session_v1 *v1 = &session->on.v1;
    medsec_status status = medsec_handshake_split(&x->handshake, x->to_gateway, x->to_device);
    if (status == MEDSEC_OK) {
        status = medsec_record_open(&v1->to_gateway, session->crypto, suite, x->to_gateway);
    }
    if (status == MEDSEC_OK) {
        status = medsec_record_open(&v1->to_device, session->crypto, suite, x->to_device);
    }
    return status;
}

static medsec_status answer(medsec_session *session, exchange *x, const uint8_t *hello)
{
    medsec_suite suite = (medsec_suite)(hello[1] & 0x0f);
    medsec_status status = read_sender(session, x, hello);
    if (status == MEDSEC_OK) {
        status = find(session, x, suite);
    }
    if (status == MEDSEC_OK) {
        status = read_rest(session, x, hello);
    }
    if (status == MEDSEC_OK) {
        status = write_welcome(session, x, hello[1]);
    }
    return status == MEDSEC_OK ? open_records(session, x, suite) : status;
}

medsec_status medsec__v1_hello(medsec_session *session, const uint8_t hello[MEDSEC_HELLO_LEN])
{
    exchange x;
    memset(&x, 0, sizeof x);
    medsec_status status = answer(session, &x, hello);
    session->crypto->wipe(&x, sizeof x);
    return status;
}
