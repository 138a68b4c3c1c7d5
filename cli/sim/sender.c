/* SPDX-License-Identifier: Apache-2.0 */
#include "sender.h"

#include "faults.h"

#define SLOW_STEP_MS 20u /* shortest pause between writes of --slow */

static void took(device *d, size_t len)
{
    world *w = d->world;

    if (d->number == 0 && w->record != NULL) {
        fwrite(d->box.data + d->box.at, 1, len, w->record);
    }
    w->count.bytes += len;
    const uint32_t frames = outbox_took(&d->box, len);
    w->count.sent += w->set->garbage ? 0 : frames;
}

static void on_shutdown(uv_shutdown_t *request, int status)
{
    device *d = request->data;
    (void)status;

    if (d->state == DEVICE_DRAINING) {
        device_drop(d);
    }
}

static void end_stream(device *d)
{
    d->shutdown.data = d;
    uv_timer_stop(&d->timer);
    if (uv_shutdown(&d->shutdown, (uv_stream_t *)&d->tcp, on_shutdown) != 0) {
        device_drop(d);
    }
}

static void pump(device *d, size_t budget);

static void on_written(uv_write_t *request, int status)
{
    device *d = request->data;

    d->writing = false;
    if (d->state == DEVICE_CLOSING) {
        return;
    }
    if (status != 0) {
        device_peer_closed(d);
        return;
    }
    took(d, d->writing_len);
    if (d->world->set->slow == 0) {
        pump(d, SIZE_MAX);
    }
}

/* The kernel takes no more: libuv writes the piece when it does, and tells. */
static void write_later(device *d, size_t len)
{
    const uv_buf_t buffer = uv_buf_init(d->box.data + d->box.at, (unsigned)len);

    d->write.data = d;
    d->writing = true;
    d->writing_len = len;
    if (uv_write(&d->write, (uv_stream_t *)&d->tcp, &buffer, 1, on_written) != 0) {
        d->writing = false;
        device_peer_closed(d);
    }
}

static size_t next_piece(const device *d, size_t budget)
{
    const uint32_t split = d->world->set->split;
    size_t len = outbox_pending(&d->box);

    if (split > 0 && len > split) {
        len = split;
    }
    if (len > UINT16_MAX) { /* a recording goes out in pieces */
        len = UINT16_MAX;
    }
    return len < budget ? len : budget;
}

/* Writes what the peer takes of the outbox, at most `budget` bytes. */
static void pump(device *d, size_t budget)
{
    while (!d->writing && budget > 0 && outbox_pending(&d->box) > 0) {
        const size_t len = next_piece(d, budget);
        const uv_buf_t buffer = uv_buf_init(d->box.data + d->box.at, (unsigned)len);
        const int written = uv_try_write((uv_stream_t *)&d->tcp, &buffer, 1);
        if (written == UV_EAGAIN) {
            write_later(d, len);
            return;
        }
        if (written < 0) {
            device_peer_closed(d);
            return;
        }
        took(d, (size_t)written);
        budget -= (size_t)written;
    }
    if (d->state == DEVICE_DRAINING && outbox_pending(&d->box) == 0) {
        end_stream(d);
    }
}

static uint64_t slow_step_ms(uint32_t bytes_per_s)
{
    const uint64_t step = 1000u / bytes_per_s;

    return step > SLOW_STEP_MS ? step : SLOW_STEP_MS;
}

static void on_slow(uv_timer_t *timer)
{
    device *d = timer->data;
    const uint32_t rate = d->world->set->slow;
    const uint64_t bytes = rate * slow_step_ms(rate) / 1000u;

    pump(d, bytes > 0 ? (size_t)bytes : 1);
}

static bool enough_collected(const device *d)
{
    return d->box.frames >= d->world->set->coalesce || d->state == DEVICE_DRAINING;
}

void sender_flush(device *d)
{
    if (d->world->set->slow == 0 && enough_collected(d)) {
        pump(d, SIZE_MAX);
    }
}

static void make_frame(device *d, char *room, const medsec_reading *reading)
{
    const settings *set = d->world->set;
    size_t len = MEDSEC_SEED_FRAME_LEN(8);

    if (set->garbage) {
        fault_garbage(room, len, &d->random);
    } else if (wire_encode(&d->wire, room, WIRE_FRAME_MAX, &len, reading) != MEDSEC_OK) {
        d->world->count.skipped++;
        return;
    }
    d->frames++;
    if (set->corrupt > 0 && !set->garbage && d->frames % set->corrupt == 0) {
        fault_corrupt(room, len, &d->random);
        d->world->count.corrupted++;
    }
    outbox_add(&d->box, len);
    d->made++;
}

void sender_reading(device *d)
{
    const settings *set = d->world->set;
    const medsec_reading *reading = vitals_next(&d->vitals, 1 / set->rate_hz);
    char *room = outbox_room(&d->box, WIRE_FRAME_MAX, d->writing);

    if (room == NULL) {
        d->world->count.skipped++;
        return;
    }
    make_frame(d, room, reading);
    if (set->count > 0 && d->made >= set->count) {
        device_finish(d);
        return;
    }
    sender_flush(d);
}

void sender_begin(device *d)
{
    const uint32_t slow = d->world->set->slow;

    if (slow > 0) {
        uv_timer_start(&d->timer, on_slow, slow_step_ms(slow), slow_step_ms(slow));
    }
}
