/* SPDX-License-Identifier: Apache-2.0 */
#include "sender.h"

#include "link.h"

#define SLOW_STEP_MS 20u /* shortest pause between writes of --slow */
#define LINGER_MS 1000u /* for the peer to end its stream too */

static void took(device *d, size_t len)
{
    world *w = d->world;

    if (d->number == 0 && w->record != NULL) {
        fwrite(d->box.data + d->box.at, 1, len, w->record);
    }
    w->count.bytes += len;
    const uint32_t units = outbox_took(&d->box, len);
    d->wire.ops->written(&d->wire, w->set->garbage ? 0 : units);
}

static void on_linger_over(uv_timer_t *timer)
{
    link_drop(timer->data);
}

static void on_shutdown(uv_shutdown_t *request, int status)
{
    device *d = request->data;
    (void)status;

    if (d->state == DEVICE_LEAVING) {
        uv_timer_start(&d->timer, on_linger_over, LINGER_MS, 0);
    }
}

static void end_stream(device *d)
{
    d->shutdown.data = d;
    d->state = DEVICE_LEAVING;
    sender_stop(d);
    if (uv_shutdown(&d->shutdown, (uv_stream_t *)&d->tcp, on_shutdown) != 0) {
        link_drop(d);
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
        link_peer_closed(d);
        return;
    }
    took(d, d->writing_len);
    if (d->world->set->slow == 0) {
        pump(d, SIZE_MAX);
    }
    device_drive(d);
}

/* The kernel takes no more: libuv writes the piece when it does, and tells. */
static void write_later(device *d, size_t len)
{
    const uv_buf_t buffer = uv_buf_init((char *)d->box.data + d->box.at, (unsigned)len);

    d->write.data = d;
    d->writing = true;
    d->writing_len = len;
    if (uv_write(&d->write, (uv_stream_t *)&d->tcp, &buffer, 1, on_written) != 0) {
        d->writing = false;
        link_peer_closed(d);
    }
}

static size_t next_piece(const device *d, size_t budget)
{
    const uint32_t split = d->world->set->split;
    size_t len = outbox_pending(&d->box);

    if (split > 0 && len > split) {
        len = split;
    }
    return len < budget ? len : budget;
}

/* Writes what the peer takes of the outbox, at most `budget` bytes. */
static void pump(device *d, size_t budget)
{
    while (!d->writing && budget > 0 && !d->world->dark && outbox_pending(&d->box) > 0) {
        const size_t len = next_piece(d, budget);
        const uv_buf_t buffer = uv_buf_init((char *)d->box.data + d->box.at, (unsigned)len);
        const int written = uv_try_write((uv_stream_t *)&d->tcp, &buffer, 1);
        if (written == UV_EAGAIN) {
            write_later(d, len);
            return;
        }
        if (written < 0) {
            link_peer_closed(d);
            return;
        }
        took(d, (size_t)written);
        budget -= (size_t)written;
    }
    if (d->state == DEVICE_ENDING && outbox_pending(&d->box) == 0 && !d->world->dark) {
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
    device_drive(d); /* there may be room again */
}

static bool enough_collected(const device *d)
{
    const bool greeting = d->wire.ops->greets && d->units == 1;

    return greeting || d->wire.finishing || d->box.units >= d->world->set->coalesce ||
           d->state == DEVICE_ENDING;
}

void sender_flush(device *d)
{
    if (d->world->set->slow == 0 && enough_collected(d)) {
        pump(d, SIZE_MAX);
    }
}

void sender_begin(device *d)
{
    const uint32_t slow = d->world->set->slow;

    d->units = 0;
    if (slow > 0) {
        uv_timer_start(&d->pace, on_slow, slow_step_ms(slow), slow_step_ms(slow));
    }
}

void sender_stop(device *d)
{
    uv_timer_stop(&d->pace);
}
