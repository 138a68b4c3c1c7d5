/* SPDX-License-Identifier: Apache-2.0 */
#include "big_endian.h"
#include "device_parts.h"

void medsec__device_end(medsec_device *device, uint8_t state)
{
    medsec_handshake_close(&device->handshake);
    medsec_record_close(&device->to_gateway);
    medsec_record_close(&device->to_device);
    device->crypto->wipe(device->input, sizeof device->input);
    device->input_len = 0;
    device->answer_count = 0;
    device->state = state;
}

void medsec__device_fault(medsec_device *device, medsec_status reason)
{
    device->stats.faults++;
    device->stats.last_fault = reason;
    medsec__device_end(device, MEDSEC__DEVICE_ENDING);
}

/* Half of it to the whole, so that a fleet does not come at once. */
static uint32_t jittered(const medsec_device *device, uint32_t pause_ms)
{
    uint8_t bytes[4];
    device->random(device->random_context, bytes, sizeof bytes);
    return pause_ms - (uint32_t)medsec__load_be(bytes, sizeof bytes) % (pause_ms / 2 + 1);
}

void medsec_device_connected(medsec_device *device, uint64_t now_ms)
{
    if (device->state == MEDSEC__DEVICE_CONNECTING) {
        device->state = MEDSEC__DEVICE_CONNECTED;
        device->deadline_ms = now_ms + device->handshake_timeout_ms;
        device->stats.connects++;
    }
}

void medsec_device_disconnected(medsec_device *device, uint64_t now_ms)
{
    if (device->state == MEDSEC__DEVICE_CLOSED || device->state == MEDSEC__DEVICE_IDLE) {
        return;
    }
    medsec__device_end(device, MEDSEC__DEVICE_IDLE);
    device->deadline_ms = now_ms + jittered(device, device->backoff_ms);
    device->backoff_ms = device->backoff_ms < device->backoff_max_ms / 2 ? device->backoff_ms * 2
                                                                         : device->backoff_max_ms;
}

static bool samples(const medsec_device *device)
{
    return device->state != MEDSEC__DEVICE_CLOSED && !device->no_sampling && !device->finishing;
}

/* The next sample is an interval after this one, or the first such moment that is still to come. */
static void plan_sample(medsec_device *device, uint64_t now_ms)
{
    uint32_t interval_ms = device->config.sample_interval_ms;
    uint64_t late = (now_ms - device->next_sample_ms) / interval_ms;
    device->stats.missed += late;
    device->next_sample_ms += (late + 1) * interval_ms;
}

/* Every state that waits for the other side has a deadline. */
static bool has_deadline(const medsec_device *device)
{
    return device->state >= MEDSEC__DEVICE_CONNECTING && device->state <= MEDSEC__DEVICE_LEAVING;
}

static bool wants_connection(const medsec_device *device)
{
    return device->state == MEDSEC__DEVICE_IDLE && device->ring.count > 0;
}

static void earlier(uint64_t *until_ms, uint64_t other_ms)
{
    if (other_ms < *until_ms) {
        *until_ms = other_ms;
    }
}

static uint64_t wait_until(const medsec_device *device, uint64_t now_ms, bool can_send)
{
    uint64_t until_ms = MEDSEC__NEVER;
    if (samples(device)) {
        earlier(&until_ms, device->next_sample_ms);
    }
    if (wants_connection(device) || has_deadline(device)) {
        earlier(&until_ms, device->deadline_ms);
    }
    if (can_send) {
        earlier(&until_ms, medsec__device_write_at(device, now_ms));
    }
    return until_ms;
}

static void give_close(medsec_device *device, medsec_step *step)
{
    device->state = MEDSEC__DEVICE_ENDED;
    step->type = MEDSEC_STEP_CLOSE;
}

void medsec_device_poll(medsec_device *device, uint64_t now_ms, uint8_t *out, size_t cap,
                        medsec_step *step)
{
    bool can_send = cap >= MEDSEC_DEVICE_OUT_MIN;
    *step = (medsec_step){.type = MEDSEC_STEP_WAIT, .until_ms = MEDSEC__NEVER};
    if (has_deadline(device) && now_ms >= device->deadline_ms) {
        medsec__device_fault(device, MEDSEC_ERR_TIMEOUT);
    }
    if (device->state == MEDSEC__DEVICE_ENDING ||
        (device->state == MEDSEC__DEVICE_LEAVING && can_send)) {
        give_close(device, step);
        return;
    }
    if (samples(device) && now_ms >= device->next_sample_ms) {
        plan_sample(device, now_ms);
        step->type = MEDSEC_STEP_SAMPLE;
        return;
    }
    if (wants_connection(device) && now_ms >= device->deadline_ms) {
        device->state = MEDSEC__DEVICE_CONNECTING;
        device->deadline_ms = now_ms + device->handshake_timeout_ms;
        step->type = MEDSEC_STEP_CONNECT;
        return;
    }
    if (can_send) {
        medsec_status status = medsec__device_write(device, now_ms, out, cap, &step->len);
        if (status != MEDSEC_OK) {
            medsec__device_fault(device, status);
            give_close(device, step);
            return;
        }
        if (step->len > 0) {
            step->type = MEDSEC_STEP_SEND;
            return;
        }
    }
    step->until_ms = wait_until(device, now_ms, can_send);
}
