/* SPDX-License-Identifier: Apache-2.0 */
#include <medsec/session.h>

#include "hex_table.h"

#include <medsec/hex.h>
#include <string.h>

_Static_assert(sizeof(medsec_session) < MEDSEC_SESSION_SIZE_MAX, "a session stays below its limit");

enum state {
    NO_BYTE, /* the wire is not known */
    SEED_FIRST_BLOCK, /* whose device is not known */
    SEED_FIRST_FRAME, /* a key opens the first block; the rest has to prove it */
    SEED_IDENTIFIED, /* and did; the reading is due */
    SEED_FRAMES
};

/* Bytes that a step may take; it counts those that it took. */
typedef struct input {
    const uint8_t *data;
    size_t len;
    size_t used;
} input;

static bool is_at_end(const input *in)
{
    return in->used == in->len;
}

static medsec_status tell_wire(medsec_session *session, uint8_t first)
{
    if (medsec__hex_digit((char)first) < 0) {
        return MEDSEC_ERR_WIRE;
    }
    session->state = SEED_FIRST_BLOCK;
    session->wire = MEDSEC_WIRE_SEED;
    return MEDSEC_OK;
}

static void report_reading(medsec_session *session, medsec_event *event,
                           const medsec_reading *reading)
{
    event->type = MEDSEC_EVENT_READING;
    event->device = session->device;
    event->reading = reading;
    session->state = SEED_FRAMES;
}

/* On this wire nothing is authenticated: a reading that is not valid ends the session. */
static medsec_status take_frames(medsec_session *session, input *in, const medsec_reading **reading)
{
    size_t used = 0;
    medsec_seed_event found = MEDSEC_SEED_NONE;
    medsec_status reason = MEDSEC_OK;
    medsec_status status =
        medsec_seed_decoder_push(&session->on.seed.decoder, in->data + in->used, in->len - in->used,
                                 &used, &found, reading, &reason);
    in->used += used;
    return status == MEDSEC_OK && found == MEDSEC_SEED_BAD_READING ? reason : status;
}

static medsec_status take_first_frame(medsec_session *session, input *in, medsec_event *event)
{
    medsec_status status = take_frames(session, in, &session->on.seed.first);
    if (status == MEDSEC_OK && session->on.seed.first != NULL) {
        event->type = MEDSEC_EVENT_IDENTIFIED;
        event->device = session->device;
        session->state = SEED_IDENTIFIED;
    }
    return status;
}

static medsec_status take_next_frame(medsec_session *session, input *in, medsec_event *event)
{
    const medsec_reading *reading = NULL;
    medsec_status status = take_frames(session, in, &reading);
    if (status == MEDSEC_OK && reading != NULL) {
        report_reading(session, event, reading);
    }
    return status;
}

static medsec_status identify(medsec_session *session)
{
    uint8_t block[MEDSEC_AES_BLOCK_LEN];
    medsec_status status = medsec_hex_decode(block, (const char *)session->on.seed.block,
                                             sizeof session->on.seed.block);
    if (status != MEDSEC_OK) {
        return status;
    }
    medsec_identity identity = {0};
    status = session->owner->identify(session->context, block, &identity);
    if (status == MEDSEC_OK) {
        session->device = identity.device;
        session->state = SEED_FIRST_FRAME;
        status = medsec_seed_decoder_open(&session->on.seed.decoder, session->crypto,
                                          identity.profile, identity.key, identity.iv);
    }
    session->crypto->wipe(&identity, sizeof identity);
    return status;
}

static medsec_status take_first_block(medsec_session *session, input *in, medsec_event *event)
{
    while (!is_at_end(in) && session->on.seed.digits < sizeof session->on.seed.block) {
        uint8_t c = in->data[in->used++];
        if (medsec__hex_digit((char)c) < 0) {
            return MEDSEC_ERR_FRAME;
        }
        session->on.seed.block[session->on.seed.digits++] = c;
    }
    if (session->on.seed.digits < sizeof session->on.seed.block) {
        return MEDSEC_OK;
    }
    medsec_status status = identify(session);
    if (status != MEDSEC_OK) {
        return status;
    }
    input replay = {session->on.seed.block, sizeof session->on.seed.block, 0};
    return take_first_frame(session, &replay, event);
}

static medsec_status advance(medsec_session *session, input *in, medsec_event *event)
{
    switch (session->state) {
    case NO_BYTE:
        return tell_wire(session, in->data[in->used]);
    case SEED_FIRST_BLOCK:
        return take_first_block(session, in, event);
    case SEED_FIRST_FRAME:
        return take_first_frame(session, in, event);
    case SEED_IDENTIFIED:
        report_reading(session, event, session->on.seed.first);
        return MEDSEC_OK;
    case SEED_FRAMES:
        return take_next_frame(session, in, event);
    default:
        return MEDSEC_ERR_STATE;
    }
}

void medsec_session_open(medsec_session *session, const medsec_crypto *crypto,
                         const medsec_session_owner *owner, void *context)
{
    memset(session, 0, sizeof *session);
    session->crypto = crypto;
    session->owner = owner;
    session->context = context;
}

void medsec_session_push(medsec_session *session, uint8_t *data, size_t len, size_t *used,
                         medsec_event *event)
{
    input in = {data, len, 0};
    memset(event, 0, sizeof *event);
    while (session->fault == MEDSEC_OK && event->type == MEDSEC_EVENT_NONE &&
           (!is_at_end(&in) || session->state == SEED_IDENTIFIED)) {
        session->fault = (int16_t)advance(session, &in, event);
    }
    *used = in.used;
    if (session->fault != MEDSEC_OK) {
        event->type = MEDSEC_EVENT_REJECTED;
        event->reason = (medsec_status)session->fault;
        event->device = session->state == SEED_FRAMES ? session->device : NULL;
    }
}

bool medsec_session_at_boundary(const medsec_session *session)
{
    bool framed = session->state == SEED_FRAMES || session->state == SEED_IDENTIFIED;
    return session->state == NO_BYTE ||
           (framed && medsec_seed_decoder_at_boundary(&session->on.seed.decoder));
}

medsec_wire medsec_session_wire(const medsec_session *session)
{
    return (medsec_wire)session->wire;
}

void medsec_session_close(medsec_session *session)
{
    const medsec_crypto *crypto = session->crypto;
    if (session->wire == MEDSEC_WIRE_SEED) {
        medsec_seed_decoder_close(&session->on.seed.decoder);
    }
    crypto->wipe(session, sizeof *session);
    session->crypto = crypto;
    session->fault = MEDSEC_ERR_STATE;
}
