/* SPDX-License-Identifier: Apache-2.0 */
#include "session_internal.h"

#include "hex_table.h"

#include <string.h>

_Static_assert(sizeof(medsec_session) < MEDSEC_SESSION_SIZE_MAX, "a session stays below its limit");

static medsec_status tell_wire(medsec_session *session, uint8_t first)
{
    if (medsec__hex_digit((char)first) >= 0 && session->owner->identify != NULL) {
        session->wire = MEDSEC_WIRE_SEED;
        session->state = MEDSEC__SEED_FIRST_BLOCK;
        return MEDSEC_OK;
    }
    if (first == MEDSEC_RECORD_HELLO && session->owner->key_count > 0) {
        session->wire = MEDSEC_WIRE_MEDSEC1;
        session->state = MEDSEC__V1_HELLO;
        return MEDSEC_OK;
    }
    return MEDSEC_ERR_WIRE;
}

static medsec_status take(medsec_session *session, medsec__input *in, medsec_event *event)
{
    switch (session->wire) {
    case MEDSEC_WIRE_SEED:
        return medsec__seed_take(session, in, event);
    case MEDSEC_WIRE_MEDSEC1:
        return medsec__v1_take(session, in, event);
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

void medsec__session_end(medsec_session *session, medsec_status fault)
{
    if (session->wire == MEDSEC_WIRE_SEED) {
        medsec_seed_decoder_close(&session->on.seed.decoder);
    } else if (session->wire == MEDSEC_WIRE_MEDSEC1) {
        medsec_record_close(&session->on.v1.to_gateway);
        medsec_record_close(&session->on.v1.to_device);
    }
    session->crypto->wipe(&session->on, sizeof session->on);
    session->state = MEDSEC__SESSION_ENDED;
    session->fault = (int16_t)fault;
}

/* The end, told as often as it is asked for. */
static void report_end(const medsec_session *session, medsec_event *event)
{
    event->type = session->fault == MEDSEC_OK ? MEDSEC_EVENT_CLOSED : MEDSEC_EVENT_REJECTED;
    event->reason = (medsec_status)session->fault;
    event->close_reason = session->close_reason;
}

static medsec_status advance(medsec_session *session, medsec__input *in, medsec_event *event)
{
    if (session->state == MEDSEC__SESSION_NO_BYTE) {
        if (in->len == 0) {
            return MEDSEC_OK;
        }
        medsec_status status = tell_wire(session, in->data[0]);
        if (status != MEDSEC_OK) {
            return status;
        }
    }
    return take(session, in, event);
}

void medsec_session_push(medsec_session *session, uint8_t *data, size_t len, size_t *used,
                         medsec_event *event)
{
    medsec__input in = {data, len, 0};
    memset(event, 0, sizeof *event);
    if (session->state != MEDSEC__SESSION_ENDED) {
        medsec_status status = advance(session, &in, event);
        if (status != MEDSEC_OK) {
            medsec__session_end(session, status);
        }
    }
    *used = in.used;
    if (session->state == MEDSEC__SESSION_ENDED) {
        report_end(session, event);
    }
    if (event->type == MEDSEC_EVENT_IDENTIFIED) {
        session->identified = true;
    }
    event->device = session->identified ? session->device : NULL;
}

bool medsec_session_at_boundary(const medsec_session *session)
{
    switch (session->state) {
    case MEDSEC__SESSION_ENDED:
        return session->fault == MEDSEC_OK;
    case MEDSEC__SEED_IDENTIFIED:
    case MEDSEC__SEED_FRAMES:
        return medsec_seed_decoder_at_boundary(&session->on.seed.decoder);
    case MEDSEC__SESSION_NO_BYTE:
    case MEDSEC__V1_HELLO:
    case MEDSEC__V1_FIRST_RECORD:
    case MEDSEC__V1_RECORDS:
        return true;
    default:
        return false;
    }
}

medsec_wire medsec_session_wire(const medsec_session *session)
{
    return (medsec_wire)session->wire;
}

void medsec_session_close(medsec_session *session)
{
    const medsec_crypto *crypto = session->crypto;
    medsec__session_end(session, MEDSEC_ERR_STATE);
    crypto->wipe(session, sizeof *session);
    session->crypto = crypto;
    session->state = MEDSEC__SESSION_ENDED;
    session->fault = MEDSEC_ERR_STATE;
}
