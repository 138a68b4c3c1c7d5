/* SPDX-License-Identifier: Apache-2.0 */
#include "big_endian.h"
#include "device_parts.h"

#include <string.h>

static medsec_status begin_session(medsec_device *device)
{
    uint8_t to_gateway[MEDSEC_CHACHAPOLY_KEY_LEN];
    uint8_t to_device[MEDSEC_CHACHAPOLY_KEY_LEN];
    const medsec_crypto *crypto = device->crypto;
    medsec_status status = medsec_handshake_split(&device->handshake, to_gateway, to_device);
    if (status == MEDSEC_OK) {
        status = medsec_record_open(&device->to_gateway, crypto, device->suite, to_gateway);
    }
    if (status == MEDSEC_OK) {
        status = medsec_record_open(&device->to_device, crypto, device->suite, to_device);
    }
    crypto->wipe(to_gateway, sizeof to_gateway);
    crypto->wipe(to_device, sizeof to_device);
    medsec_handshake_close(&device->handshake);
    return status;
}

static medsec_status take_welcome(medsec_device *device, uint64_t now_ms, const uint8_t *body,
                                  size_t len)
{
    uint8_t payload[MEDSEC_WELCOME_LEN];
    size_t payload_len = 0;
    medsec_status status =
        medsec_handshake_read(&device->handshake, payload, &payload_len, body, len);
    if (status != MEDSEC_OK) {
        return status;
    }
    uint64_t utc_ms = medsec__load_be(payload, payload_len);
    if (utc_ms > MEDSEC_TIME_MS_MAX) {
        return MEDSEC_ERR_MESSAGE;
    }
    status = begin_session(device);
    if (status == MEDSEC_OK) {
        medsec__device_set_utc(device, now_ms, utc_ms, MEDSEC_TIME_WELCOME);
        device->first_sent = medsec__ring_begin(&device->ring);
        device->sent_end = device->first_sent;
        device->acked_end = device->first_sent;
        device->deadline_ms = MEDSEC__NEVER;
        device->session_end_ms = now_ms + MEDSEC_DEVICE_LIFETIME_MS;
        device->stats.sessions++;
        device->state = MEDSEC__DEVICE_OPEN;
    }
    return status;
}

static medsec_status take_ack(medsec_device *device, uint64_t now_ms, medsec_ack ack)
{
    if (ack.boot != device->boot || ack.sequence < device->first_sent ||
        ack.sequence >= device->sent_end) {
        return MEDSEC_ERR_MESSAGE;
    }
    if (ack.sequence >= device->acked_end) {
        device->acked_end = (uint64_t)ack.sequence + 1;
        device->stats.acknowledged += medsec__ring_release(&device->ring, device->acked_end);
        device->backoff_ms = device->backoff_min_ms;
        device->deadline_ms =
            device->acked_end < device->sent_end ? now_ms + device->ack_timeout_ms : MEDSEC__NEVER;
    }
    return MEDSEC_OK;
}

static medsec_status take_config(medsec_device *device, uint64_t now_ms,
                                 const medsec_config *wanted)
{
    if (device->answer_count == MEDSEC_DEVICE_ANSWERS_MAX) {
        return MEDSEC_ERR_LIMIT;
    }
    uint32_t interval_ms = device->config.sample_interval_ms;
    bool applied = medsec__config_apply(&device->config, wanted);
    if (device->config.sample_interval_ms != interval_ms) {
        device->next_sample_ms = now_ms + device->config.sample_interval_ms;
    }
    device->answers[device->answer_count++] = (medsec_config_ack){
        .version = wanted->version,
        .status = applied ? MEDSEC_CONFIG_APPLIED : MEDSEC_CONFIG_REFUSED,
    };
    return MEDSEC_OK;
}

static medsec_status take_close(medsec_device *device, uint32_t reason)
{
    /* A newer session that is not this device's: two with one credential would chase each other. */
    if (reason == MEDSEC_CLOSE_DONE || reason == MEDSEC_CLOSE_SUPERSEDED) {
        device->backoff_ms = device->backoff_max_ms;
    }
    medsec__device_end(device, MEDSEC__DEVICE_ENDING);
    return MEDSEC_OK;
}

static medsec_status take_data(medsec_device *device, uint64_t now_ms)
{
    uint8_t *message = NULL;
    size_t len = 0;
    medsec_control control;
    medsec_status status =
        medsec_record_unseal(&device->to_device, device->input, device->input_len, &message, &len);
    if (status == MEDSEC_OK) {
        status = medsec_control_decode(&control, message, len);
    }
    if (status != MEDSEC_OK) {
        return status;
    }
    switch (control.kind) {
    case MEDSEC_KIND_ACK:
        return take_ack(device, now_ms, control.body.ack);
    case MEDSEC_KIND_CONFIG:
        return take_config(device, now_ms, &control.body.config);
    case MEDSEC_KIND_CLOSE:
        return take_close(device, control.body.close_reason);
    default: /* what only a device says */
        return MEDSEC_ERR_MESSAGE;
    }
}

static medsec_status check_header(const medsec_device *device)
{
    medsec_record_header header;
    medsec_status status = medsec_record_read_header(&header, device->input);
    if (status != MEDSEC_OK) {
        return status;
    }
    if (device->state == MEDSEC__DEVICE_OPEN && header.type == MEDSEC_RECORD_DATA) {
        return MEDSEC_RECORD_HEADER_LEN + header.length <= sizeof device->input ? MEDSEC_OK
                                                                                : MEDSEC_ERR_LIMIT;
    }
    if (device->state == MEDSEC__DEVICE_GREETED && header.type == MEDSEC_RECORD_WELCOME &&
        header.flags == MEDSEC_RECORD_FLAGS(device->suite) &&
        MEDSEC_RECORD_HEADER_LEN + header.length == MEDSEC_WELCOME_LEN) {
        return MEDSEC_OK;
    }
    return MEDSEC_ERR_FRAME;
}

static medsec_status take_record(medsec_device *device, uint64_t now_ms)
{
    medsec_status status =
        device->state == MEDSEC__DEVICE_GREETED
            ? take_welcome(device, now_ms, device->input + MEDSEC_RECORD_HEADER_LEN,
                           device->input_len - MEDSEC_RECORD_HEADER_LEN)
            : take_data(device, now_ms);
    device->input_len = 0;
    return status;
}

/* Bytes of the record that is coming; of its header, while that is not whole. */
static size_t record_len(const medsec_device *device)
{
    return device->input_len < MEDSEC_RECORD_HEADER_LEN
               ? MEDSEC_RECORD_HEADER_LEN
               : MEDSEC_RECORD_HEADER_LEN + (size_t)medsec__load_be(device->input + 2, 2);
}

static bool is_connected(const medsec_device *device)
{
    return device->state == MEDSEC__DEVICE_CONNECTED || device->state == MEDSEC__DEVICE_GREETED ||
           device->state == MEDSEC__DEVICE_OPEN;
}

void medsec_device_receive(medsec_device *device, uint64_t now_ms, const uint8_t *data, size_t len)
{
    while (len > 0 && is_connected(device)) {
        size_t missing = record_len(device) - device->input_len;
        size_t count = missing < len ? missing : len;
        memcpy(device->input + device->input_len, data, count);
        device->input_len += count;
        data += count;
        len -= count;
        medsec_status status = MEDSEC_OK;
        if (device->input_len == MEDSEC_RECORD_HEADER_LEN) {
            status = check_header(device);
        } else if (device->input_len == record_len(device)) {
            status = take_record(device, now_ms);
        }
        if (status != MEDSEC_OK) {
            medsec__device_fault(device, status);
        }
    }
}
