/* SPDX-License-Identifier: Apache-2.0 */
#include "session_internal.h"

#include "hex_table.h"

#include <medsec/hex.h>

static bool is_at_end(const medsec__input *in)
{
    return in->used == in->len;
}

static void report_reading(medsec_session *session, medsec_event *event,
                           const medsec_reading *reading)
{
    event->type = MEDSEC_EVENT_READING;
    event->reading = reading;
    session->state = MEDSEC__SEED_FRAMES;
}

/* On this wire nothing is authenticated: a reading that is not valid ends the session. */
static medsec_status take_frames(medsec_session *session, medsec__input *in,
                                 const medsec_reading **reading)
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

static medsec_status take_first_frame(medsec_session *session, medsec__input *in,
                                      medsec_event *event)
{
    medsec_status status = take_frames(session, in, &session->on.seed.first);
    if (status == MEDSEC_OK && session->on.seed.first != NULL) {
        event->type = MEDSEC_EVENT_IDENTIFIED;
        session->state = MEDSEC__SEED_IDENTIFIED;
    }
    return status;
}

static medsec_status take_next_frame(medsec_session *session, medsec__input *in,
                                     medsec_event *event)
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
        session->state = MEDSEC__SEED_FIRST_FRAME;
        status = medsec_seed_decoder_open(&session->on.seed.decoder, session->crypto,
                                          identity.profile, identity.key, identity.iv);
    }
    session->crypto->wipe(&identity, sizeof identity);
    return status;
}

static medsec_status take_first_block(medsec_session *session, medsec__input *in,
                                      medsec_event *event)
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
    medsec__input replay = {session->on.seed.block, sizeof session->on.seed.block, 0};
    return take_first_frame(session, &replay, event);
}

static medsec_status advance(medsec_session *session, medsec__input *in, medsec_event *event)
{
    switch (session->state) {
    case MEDSEC__SEED_FIRST_BLOCK:
        return take_first_block(session, in, event);
    case MEDSEC__SEED_FIRST_FRAME:
        return take_first_frame(session, in, event);
    case MEDSEC__SEED_IDENTIFIED:
        report_reading(session, event, session->on.seed.first);
        return MEDSEC_OK;
    case MEDSEC__SEED_FRAMES:
        return take_next_frame(session, in, event);
    default:
        return MEDSEC_ERR_STATE;
    }
}

medsec_status medsec__seed_take(medsec_session *session, medsec__input *in, medsec_event *event)
{
    medsec_status status = MEDSEC_OK;
    while (status == MEDSEC_OK && event->type == MEDSEC_EVENT_NONE &&
           (!is_at_end(in) || session->state == MEDSEC__SEED_IDENTIFIED)) {
        status = advance(session, in, event);
    }
    return status;
}
