/* SPDX-License-Identifier: Apache-2.0 */
#include "session_internal.h"

#include <string.h>

/* The next record's length once it is there, else 0. What it may be is known from its header. */
static medsec_status next_record(const medsec__input *in, medsec_record_type type, size_t *len)
{
    medsec_record_header header;
    *len = 0;
    if (in->len < MEDSEC_RECORD_HEADER_LEN) {
        return MEDSEC_OK;
    }
    medsec_status status = medsec_record_read_header(&header, in->data);
    if (status != MEDSEC_OK) {
        return status;
    }
    size_t whole = MEDSEC_RECORD_HEADER_LEN + (size_t)header.length;
    if (header.type != type || (type == MEDSEC_RECORD_HELLO && whole != MEDSEC_HELLO_LEN)) {
        return MEDSEC_ERR_FRAME;
    }
    *len = in->len < whole ? 0 : whole;
    return MEDSEC_OK;
}

static medsec_status take_hello(medsec_session *session, medsec__input *in, medsec_event *event)
{
    size_t len = 0;
    medsec_status status = next_record(in, MEDSEC_RECORD_HELLO, &len);
    if (status != MEDSEC_OK || len == 0) {
        return status;
    }
    status = medsec__v1_hello(session, in->data);
    if (status == MEDSEC_OK) {
        in->used = len;
        session->state = MEDSEC__V1_FIRST_RECORD;
        event->type = MEDSEC_EVENT_WELCOME;
        event->output = session->on.v1.welcome;
        event->output_len = sizeof session->on.v1.welcome;
    }
    return status;
}

uint64_t medsec__session_steady_ms(const medsec_session *session)
{
    const medsec_session_owner *owner = session->owner;
    return (owner->steady_ms ? owner->steady_ms : owner->utc_ms)(session->context);
}

/* A clock that is set back makes a session no older. */
static bool is_expired(const medsec_session *session)
{
    const uint64_t began_ms = session->on.v1.began_ms, now_ms = medsec__session_steady_ms(session);
    return now_ms > began_ms && now_ms - began_ms >= MEDSEC_SESSION_LIFETIME_MS;
}

/* Opens the next record if it is there: v1->record_len says so. */
static medsec_status open_record(medsec_session *session, medsec__input *in)
{
    medsec_session_v1 *v1 = &session->on.v1;
    size_t len = 0;
    medsec_status status = next_record(in, MEDSEC_RECORD_DATA, &len);
    if (status != MEDSEC_OK || len == 0) {
        return status;
    }
    v1->received_ms = session->owner->utc_ms(session->context);
    if (is_expired(session)) {
        return MEDSEC_ERR_EXPIRED;
    }
    uint8_t *message = NULL;
    status = medsec_record_unseal(&v1->to_gateway, in->data, len, &message, &v1->message_len);
    v1->message = message;
    v1->record_len = len;
    return status;
}

static void use_up_record(medsec_session *session, medsec__input *in)
{
    medsec_session_v1 *v1 = &session->on.v1;
    in->used = v1->record_len;
    v1->record_len = 0;
    session->state = MEDSEC__V1_RECORDS;
}

static bool is_acknowledged(const medsec_session_v1 *v1, uint32_t boot, uint32_t sequence)
{
    return v1->has_acknowledged && boot == v1->acknowledged.boot &&
           sequence <= v1->acknowledged.sequence;
}

/* A device without the time counts from its start: the last row was measured when it was sent. */
static uint64_t time_of(const medsec_session_v1 *v1, uint64_t time_ms)
{
    if (v1->reader.head.time_quality != MEDSEC_TIME_UNKNOWN) {
        return time_ms;
    }
    uint64_t ago_ms = v1->last_ms - time_ms;
    return v1->received_ms > ago_ms ? v1->received_ms - ago_ms : 0;
}

static void report_reading(medsec_session_v1 *v1, const medsec_sample *sample, uint32_t sequence,
                           medsec_event *event)
{
    const medsec_readings_head *head = &v1->reader.head;
    medsec_sample_to_reading(&v1->reading, v1->profile, sample);
    event->type = MEDSEC_EVENT_READING;
    event->reading = &v1->reading;
    event->sequenced = true;
    event->time_quality = head->time_quality;
    event->boot = head->boot;
    event->sequence = sequence;
    event->time_ms = time_of(v1, sample->time_ms);
}

static medsec_status take_row(medsec_session *session, medsec__input *in, medsec_event *event)
{
    medsec_session_v1 *v1 = &session->on.v1;
    medsec_sample sample;
    uint32_t sequence = 0;
    while (medsec_readings_next(&v1->reader, &sample, &sequence)) {
        v1->last_sequence = sequence;
        if (!is_acknowledged(v1, v1->reader.head.boot, sequence)) {
            report_reading(v1, &sample, sequence, event);
            return MEDSEC_OK;
        }
        v1->skipped++;
    }
    event->type = MEDSEC_EVENT_ACK_DUE;
    event->boot = v1->reader.head.boot;
    event->sequence = v1->last_sequence;
    event->skipped = v1->skipped;
    use_up_record(session, in);
    return MEDSEC_OK;
}

static uint64_t last_time_of(medsec_readings_reader reader)
{
    medsec_sample sample = {0};
    uint32_t sequence = 0;
    while (medsec_readings_next(&reader, &sample, &sequence)) {
    }
    return sample.time_ms;
}

static medsec_status take_readings(medsec_session *session, medsec__input *in, medsec_event *event)
{
    medsec_session_v1 *v1 = &session->on.v1;
    medsec_status status =
        medsec_readings_open(&v1->reader, v1->profile, v1->message, v1->message_len);
    if (status != MEDSEC_OK) {
        return status;
    }
    if (v1->reader.head.time_quality == MEDSEC_TIME_UNKNOWN) {
        v1->last_ms = last_time_of(v1->reader);
    }
    v1->skipped = 0;
    session->state = MEDSEC__V1_READINGS;
    return take_row(session, in, event);
}

static medsec_status take_control(medsec_session *session, medsec__input *in, medsec_event *event)
{
    medsec_control control;
    medsec_status status =
        medsec_control_decode(&control, session->on.v1.message, session->on.v1.message_len);
    if (status != MEDSEC_OK) {
        return status;
    }
    use_up_record(session, in);
    switch (control.kind) {
    case MEDSEC_KIND_CONFIG_ACK:
        event->type = MEDSEC_EVENT_CONFIG_RESULT;
        event->config = control.body.config_ack;
        return MEDSEC_OK;
    case MEDSEC_KIND_CLOSE:
        session->close_reason = control.body.close_reason;
        medsec__session_end(session, MEDSEC_OK);
        return MEDSEC_OK;
    default: /* what only a gateway says */
        return MEDSEC_ERR_MESSAGE;
    }
}

static medsec_status take_message(medsec_session *session, medsec__input *in, medsec_event *event)
{
    medsec_kind kind = MEDSEC_KIND_READINGS;
    medsec_status status =
        medsec_message_kind(&kind, session->on.v1.message, session->on.v1.message_len);
    if (status != MEDSEC_OK) {
        return status;
    }
    return kind == MEDSEC_KIND_READINGS ? take_readings(session, in, event)
                                        : take_control(session, in, event);
}

static medsec_status take_first_record(medsec_session *session, medsec__input *in,
                                       medsec_event *event)
{
    medsec_status status = open_record(session, in);
    if (status == MEDSEC_OK && session->on.v1.record_len > 0) {
        session->state = MEDSEC__V1_IDENTIFIED;
        event->type = MEDSEC_EVENT_IDENTIFIED;
        event->psk = session->on.v1.psk;
    }
    return status;
}

static medsec_status take_record(medsec_session *session, medsec__input *in, medsec_event *event)
{
    medsec_status status = open_record(session, in);
    return status == MEDSEC_OK && session->on.v1.record_len > 0 ? take_message(session, in, event)
                                                                : status;
}

medsec_status medsec__v1_take(medsec_session *session, medsec__input *in, medsec_event *event)
{
    if (in->len < session->on.v1.record_len) {
        return MEDSEC_ERR_ARGUMENT; /* the record that is being reported was taken away */
    }
    switch (session->state) {
    case MEDSEC__V1_HELLO:
        return take_hello(session, in, event);
    case MEDSEC__V1_FIRST_RECORD:
        return take_first_record(session, in, event);
    case MEDSEC__V1_IDENTIFIED:
        return take_message(session, in, event);
    case MEDSEC__V1_READINGS:
        return take_row(session, in, event);
    case MEDSEC__V1_RECORDS:
        return take_record(session, in, event);
    default:
        return MEDSEC_ERR_STATE;
    }
}

/* From IDENTIFIED to the end. */
static bool may_send(const medsec_session *session)
{
    return session->state == MEDSEC__V1_IDENTIFIED || session->state == MEDSEC__V1_READINGS ||
           session->state == MEDSEC__V1_RECORDS;
}

static medsec_status send(medsec_session *session, uint8_t out[MEDSEC_SESSION_OUT_LEN], size_t *len,
                          const medsec_control *control)
{
    uint8_t *message = out + MEDSEC_RECORD_HEADER_LEN;
    size_t message_len = 0;
    if (!may_send(session)) {
        return MEDSEC_ERR_STATE;
    }
    medsec_status status =
        medsec_control_encode(message, MEDSEC_CONTROL_LEN_MAX, &message_len, control);
    return status != MEDSEC_OK
               ? status
               : medsec_record_seal(&session->on.v1.to_device, out, MEDSEC_SESSION_OUT_LEN, len,
                                    message, message_len);
}

medsec_status medsec_session_ack(medsec_session *session, uint8_t out[MEDSEC_SESSION_OUT_LEN],
                                 size_t *len, uint32_t boot, uint32_t sequence)
{
    medsec_session_v1 *v1 = &session->on.v1;
    const medsec_control control = {.kind = MEDSEC_KIND_ACK, .body.ack = {boot, sequence}};
    medsec_status status = send(session, out, len, &control);
    if (status == MEDSEC_OK && !is_acknowledged(v1, boot, sequence)) {
        v1->acknowledged = control.body.ack;
        v1->has_acknowledged = true;
    }
    return status;
}

medsec_status medsec_session_config(medsec_session *session, uint8_t out[MEDSEC_SESSION_OUT_LEN],
                                    size_t *len, const medsec_config *config)
{
    const medsec_control control = {.kind = MEDSEC_KIND_CONFIG, .body.config = *config};
    return send(session, out, len, &control);
}

medsec_status medsec_session_goodbye(medsec_session *session, uint8_t out[MEDSEC_SESSION_OUT_LEN],
                                     size_t *len, medsec_close_reason reason)
{
    const medsec_control control = {.kind = MEDSEC_KIND_CLOSE,
                                    .body.close_reason = (uint32_t)reason};
    medsec_status status = send(session, out, len, &control);
    if (status == MEDSEC_OK) {
        medsec__session_end(session, MEDSEC_ERR_STATE);
    }
    return status;
}
