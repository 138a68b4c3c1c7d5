/* SPDX-License-Identifier: Apache-2.0 */
#include "big_endian.h"
#include "device_parts.h"
#include "greeting.h"

#include <string.h>

/* What a record adds to a message at the most: header, padding, tag. */
#define RECORD_OVERHEAD (MEDSEC_RECORD_HEADER_LEN + MEDSEC_AES_BLOCK_LEN + MEDSEC_RECORD_TAG_LEN)

static medsec_status begin_handshake(medsec_device *device)
{
    uint8_t ephemeral[MEDSEC_X25519_LEN];
    medsec_status status = medsec__greeting_open(
        &device->handshake, device->crypto, MEDSEC_INITIATOR, MEDSEC_RECORD_FLAGS(device->suite));
    if (status == MEDSEC_OK) {
        status = medsec_handshake_set_static(&device->handshake, device->device_private,
                                             device->device_public);
    }
    if (status == MEDSEC_OK) {
        medsec_handshake_set_remote_static(&device->handshake, device->gateway_public);
        medsec_handshake_set_psk(&device->handshake, device->psk);
        device->random(device->random_context, ephemeral, sizeof ephemeral);
        status = medsec_handshake_set_ephemeral(&device->handshake, ephemeral);
        device->crypto->wipe(ephemeral, sizeof ephemeral);
    }
    return status;
}

static medsec_status write_hello(medsec_device *device, uint8_t *out, size_t cap, size_t *len)
{
    uint8_t payload[8];
    size_t body = 0;
    medsec__store_be(payload, device->boot, 4);
    medsec__store_be(payload + 4, device->features, 4);
    medsec_status status = begin_handshake(device);
    if (status == MEDSEC_OK) {
        status =
            medsec_handshake_write(&device->handshake, out + MEDSEC_RECORD_HEADER_LEN,
                                   cap - MEDSEC_RECORD_HEADER_LEN, &body, payload, sizeof payload);
    }
    if (status == MEDSEC_OK) {
        medsec_record_write_header(
            out, (medsec_record_header){.type = MEDSEC_RECORD_HELLO,
                                        .flags = MEDSEC_RECORD_FLAGS(device->suite),
                                        .length = (uint16_t)body});
        *len = MEDSEC_RECORD_HEADER_LEN + body;
        device->state = MEDSEC__DEVICE_GREETED;
    }
    return status;
}

/* Seals the message that stands behind the place of the header. */
static medsec_status seal(medsec_device *device, uint8_t *out, size_t cap, size_t *len,
                          size_t message_len)
{
    medsec_status status = medsec_record_seal(&device->to_gateway, out, cap, len,
                                              out + MEDSEC_RECORD_HEADER_LEN, message_len);
    device->stats.records += status == MEDSEC_OK ? 1 : 0;
    return status;
}

static medsec_status write_control(medsec_device *device, uint8_t *out, size_t cap, size_t *len,
                                   const medsec_control *control)
{
    size_t message_len = 0;
    medsec_status status = medsec_control_encode(out + MEDSEC_RECORD_HEADER_LEN,
                                                 cap - RECORD_OVERHEAD, &message_len, control);
    return status == MEDSEC_OK ? seal(device, out, cap, len, message_len) : status;
}

static medsec_status write_answer(medsec_device *device, uint8_t *out, size_t cap, size_t *len)
{
    medsec_control control = {.kind = MEDSEC_KIND_CONFIG_ACK,
                              .body.config_ack = device->answers[0]};
    device->answer_count--;
    memmove(device->answers, device->answers + 1,
            device->answer_count * sizeof control.body.config_ack);
    return write_control(device, out, cap, len, &control);
}

static medsec_status write_close(medsec_device *device, uint64_t now_ms, uint8_t *out, size_t cap,
                                 size_t *len, medsec_close_reason reason)
{
    medsec_control control = {.kind = MEDSEC_KIND_CLOSE, .body.close_reason = reason};
    medsec_status status = write_control(device, out, cap, len, &control);
    medsec__device_end(device, MEDSEC__DEVICE_LEAVING);
    device->deadline_ms = now_ms + device->ack_timeout_ms;
    return status;
}

/* Sequence of the first reading that was not sent on this connection. */
static uint64_t unsent_begin(const medsec_device *device)
{
    uint64_t begin = medsec__ring_begin(&device->ring);
    return device->sent_end > begin ? device->sent_end : begin;
}

static uint64_t ms_until_due(const medsec_device *device, uint64_t now_ms)
{
    uint64_t begin = unsent_begin(device);
    bool first = device->sent_end == device->first_sent;
    if (first || device->finishing || device->ring.end - begin >= device->config.batch_max) {
        return 0;
    }
    medsec__entry oldest;
    medsec__ring_get(&device->ring, begin, &oldest);
    uint32_t age_ms = (uint32_t)now_ms - oldest.at_ms;
    return age_ms < device->config.report_interval_ms ? device->config.report_interval_ms - age_ms
                                                      : 0;
}

/* How many readings from `begin` on may stand in one message. */
static size_t rows_from(const medsec_device *device, uint64_t begin)
{
    medsec__entry first;
    medsec__entry next;
    medsec__ring_get(&device->ring, begin, &first);
    uint64_t last_ms = first.sample.time_ms;
    uint64_t sequence = begin + 1;
    for (; sequence < device->ring.end && sequence - begin < device->config.batch_max; sequence++) {
        medsec__ring_get(&device->ring, sequence, &next);
        if (next.quality != first.quality || next.sample.time_ms < last_ms ||
            next.sample.time_ms - first.sample.time_ms > UINT32_MAX) {
            break;
        }
        last_ms = next.sample.time_ms;
    }
    return (size_t)(sequence - begin);
}

static medsec_status encode_rows(const medsec_device *device, uint8_t *out, size_t cap, size_t *len,
                                 uint64_t begin, size_t rows)
{
    medsec__entry entry;
    medsec_readings_writer writer;
    medsec__ring_get(&device->ring, begin, &entry);
    medsec_readings_head head = {.boot = device->boot,
                                 .first_sequence = (uint32_t)begin,
                                 .base_time_ms = entry.sample.time_ms,
                                 .time_quality = entry.quality};
    medsec_status status = medsec_readings_begin(&writer, out, cap, device->profile, &head, rows);
    for (size_t i = 0; i < rows && status == MEDSEC_OK; i++) {
        medsec__ring_get(&device->ring, begin + i, &entry);
        status = medsec_readings_add(&writer, &entry.sample);
    }
    return status == MEDSEC_OK ? medsec_readings_end(&writer, len) : status;
}

static void note_sent(medsec_device *device, uint64_t now_ms, uint64_t begin, size_t rows)
{
    if (device->sent_end == device->first_sent) {
        device->first_sent = begin;
        device->acked_end = begin;
        device->sent_end = begin;
    }
    if (device->acked_end == device->sent_end) {
        device->deadline_ms = now_ms + device->ack_timeout_ms;
    }
    device->sent_end = begin + rows;
    device->stats.sent += rows;
    if (begin < device->ever_sent_end) {
        uint64_t again = device->ever_sent_end - begin;
        device->stats.resent += again < rows ? again : rows;
    }
    if (device->ever_sent_end < device->sent_end) {
        device->ever_sent_end = device->sent_end;
    }
}

static medsec_status write_readings(medsec_device *device, uint64_t now_ms, uint8_t *out,
                                    size_t cap, size_t *len)
{
    uint64_t begin = unsent_begin(device);
    size_t rows = rows_from(device, begin);
    size_t room =
        cap - RECORD_OVERHEAD < MEDSEC_MESSAGE_MAX ? cap - RECORD_OVERHEAD : MEDSEC_MESSAGE_MAX;
    size_t message_len = 0;
    medsec_status status =
        encode_rows(device, out + MEDSEC_RECORD_HEADER_LEN, room, &message_len, begin, rows);
    while (status == MEDSEC_ERR_BUFFER && rows > 1) {
        rows /= 2;
        status =
            encode_rows(device, out + MEDSEC_RECORD_HEADER_LEN, room, &message_len, begin, rows);
    }
    if (status == MEDSEC_OK) {
        status = seal(device, out, cap, len, message_len);
    }
    if (status == MEDSEC_OK) {
        note_sent(device, now_ms, begin, rows);
    }
    return status;
}

/* The last record that may be sealed is kept for the CLOSE. */
static bool is_expired(const medsec_device *device, uint64_t now_ms)
{
    return now_ms >= device->session_end_ms ||
           device->to_gateway.sequence >= MEDSEC_RECORDS_MAX - 1u;
}

static bool has_unsent(const medsec_device *device)
{
    return unsent_begin(device) < device->ring.end;
}

static medsec_status write_in_session(medsec_device *device, uint64_t now_ms, uint8_t *out,
                                      size_t cap, size_t *len)
{
    if (is_expired(device, now_ms)) {
        return write_close(device, now_ms, out, cap, len, MEDSEC_CLOSE_EXPIRED);
    }
    if (device->answer_count > 0) {
        return write_answer(device, out, cap, len);
    }
    if (has_unsent(device) && ms_until_due(device, now_ms) == 0) {
        return write_readings(device, now_ms, out, cap, len);
    }
    if (device->finishing && device->ring.count == 0) {
        return write_close(device, now_ms, out, cap, len, MEDSEC_CLOSE_DONE);
    }
    return MEDSEC_OK;
}

medsec_status medsec__device_write(medsec_device *device, uint64_t now_ms, uint8_t *out, size_t cap,
                                   size_t *len)
{
    *len = 0;
    switch (device->state) {
    case MEDSEC__DEVICE_CONNECTED:
        return write_hello(device, out, cap, len);
    case MEDSEC__DEVICE_OPEN:
        return write_in_session(device, now_ms, out, cap, len);
    default:
        return MEDSEC_OK;
    }
}

uint64_t medsec__device_write_at(const medsec_device *device, uint64_t now_ms)
{
    if (device->state != MEDSEC__DEVICE_OPEN) {
        return MEDSEC__NEVER;
    }
    uint64_t at_ms = has_unsent(device) ? now_ms + ms_until_due(device, now_ms) : MEDSEC__NEVER;
    return at_ms < device->session_end_ms ? at_ms : device->session_end_ms;
}
