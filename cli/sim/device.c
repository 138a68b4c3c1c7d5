/* SPDX-License-Identifier: Apache-2.0 */
#include "device.h"

#include "faults.h"
#include "sender.h"

#define PAUSE_FIRST_MS 250u /* before the second attempt; doubles, with jitter */
#define PAUSE_MAX_MS 8000u
#define LASTING_NS 5000000000u /* a connection that held so long starts the pauses anew */
#define OUTBOX_FRAMES 8u /* beyond what --coalesce collects */

medsec_status device_init(device *d, world *w, uint32_t number, const medsec_credential *credential)
{
    const settings *set = w->set;
    const uint64_t seed = ((uint64_t)set->seed << 32) + number;
    const vitals_format format = set->wire == WIRE_SEED_CHAINED ? VITALS_PICO : VITALS_PSEUDO;
    medsec_credential used = *credential;

    *d = (device){.world = w, .number = number, .random = {~seed}};
    snprintf(d->id, sizeof d->id, "%s", credential->device);
    /* The first device beats exactly as asked, the others up to a tenth faster or slower. */
    const double spread = number == 0 ? 0 : 0.2 * prng_unit(&d->random) - 0.1;
    vitals_init(&d->vitals, format, &w->beat, set->heart_rate_bpm * (1 + spread), seed);
    if (set->wrong_key) {
        fault_wrong_key(&used, &d->random);
    }
    const medsec_status status = wire_open(&d->wire, (wire_kind)set->wire, &used);
    medsec_credential_wipe(&used);
    if (status != MEDSEC_OK) {
        return status;
    }
    if (w->replay != NULL) {
        outbox_replay(&d->box, w->replay, w->replay_len);
    } else if (!outbox_open(&d->box, set->coalesce + OUTBOX_FRAMES, WIRE_FRAME_MAX)) {
        wire_close(&d->wire);
        return MEDSEC_ERR_MEMORY;
    }
    d->timer.data = d->tcp.data = d;
    return uv_timer_init(w->loop, &d->timer) == 0 ? MEDSEC_OK : MEDSEC_ERR_MEMORY;
}

void device_free(device *d)
{
    wire_close(&d->wire);
    outbox_close(&d->box);
}

static void end(device *d)
{
    d->state = DEVICE_OVER;
    uv_close((uv_handle_t *)&d->timer, NULL);
    d->world->over(d->world);
}

static void on_pause_over(uv_timer_t *timer)
{
    device_start(timer->data);
}

/* Full jitter on the upper half: a thousand devices do not come back in one moment. */
static void wait_and_retry(device *d)
{
    const uint32_t doublings = d->attempts < 6 ? d->attempts : 6;
    uint64_t pause = (uint64_t)PAUSE_FIRST_MS << doublings;

    pause = pause < PAUSE_MAX_MS ? pause : PAUSE_MAX_MS;
    pause = pause / 2 + prng_next(&d->random) % (pause / 2 + 1);
    d->attempts++;
    d->state = DEVICE_WAITING;
    uv_timer_start(&d->timer, on_pause_over, pause, 0);
}

static bool is_finished(const device *d)
{
    const world *w = d->world;
    const bool replayed = w->replay != NULL && d->was_connected;
    const bool counted = w->set->count > 0 && d->made >= w->set->count;

    return w->stopping || w->set->no_reconnect || replayed || counted;
}

static void on_closed(uv_handle_t *handle)
{
    device *d = handle->data;

    d->made -= outbox_clear(&d->box);
    d->writing = false;
    if (is_finished(d)) {
        end(d);
    } else {
        wait_and_retry(d);
    }
}

void device_drop(device *d)
{
    if (d->state == DEVICE_SENDING || d->state == DEVICE_DRAINING) {
        d->world->count.open--;
        d->attempts = uv_hrtime() - d->connected_ns >= LASTING_NS ? 0 : d->attempts;
    }
    d->state = DEVICE_CLOSING;
    uv_timer_stop(&d->timer);
    uv_close((uv_handle_t *)&d->tcp, on_closed);
}

void device_peer_closed(device *d)
{
    if (d->state == DEVICE_SENDING ||
        (d->state == DEVICE_DRAINING && outbox_pending(&d->box) > 0)) {
        d->world->count.closed++;
    }
    if (d->state != DEVICE_CLOSING) {
        device_drop(d);
    }
}

void device_tick(device *d, uint64_t now_ns)
{
    const uint64_t half_period_ns = (uint64_t)(5e8 / d->world->set->rate_hz);

    if (d->state == DEVICE_SENDING && now_ns - d->connected_ns >= half_period_ns &&
        !d->box.shared) {
        sender_reading(d);
    }
}

static void on_alloc(uv_handle_t *handle, size_t suggested, uv_buf_t *buffer)
{
    static char ignored[4096]; /* the seed wire has no answers */
    (void)handle;
    (void)suggested;

    *buffer = uv_buf_init(ignored, sizeof ignored);
}

static void on_read(uv_stream_t *stream, ssize_t len, const uv_buf_t *buffer)
{
    (void)buffer;
    if (len < 0) {
        device_peer_closed(stream->data);
    }
}

static void count_connection(device *d)
{
    counters *count = &d->world->count;

    count->connections++;
    count->open++;
    if (!d->was_connected) {
        count->connected++;
        d->was_connected = true;
    }
}

static void begin_sending(device *d)
{
    d->state = DEVICE_SENDING;
    d->connected_ns = uv_hrtime();
    count_connection(d);
    uv_tcp_nodelay(&d->tcp, 1);
    if (uv_read_start((uv_stream_t *)&d->tcp, on_alloc, on_read) != 0) {
        device_drop(d);
        return;
    }
    sender_begin(d);
    if (d->box.shared) {
        device_finish(d);
    } else {
        sender_reading(d);
    }
}

static void refused(device *d, int error)
{
    d->world->count.refused++;
    d->world->count.last_error = error;
    device_drop(d);
}

static void on_connect(uv_connect_t *request, int status)
{
    device *d = request->data;

    if (d->state == DEVICE_CLOSING) {
        return;
    }
    if (status != 0) {
        refused(d, status);
        return;
    }
    begin_sending(d);
}

static int open_socket(device *d)
{
    const world *w = d->world;
    int error = 0;

    if (w->sources > 0) {
        const struct sockaddr_storage *source = &w->source[d->number % w->sources];
        error = uv_tcp_bind(&d->tcp, (const struct sockaddr *)source, 0);
    }
    if (error == 0) {
        d->connect.data = d;
        error =
            uv_tcp_connect(&d->connect, &d->tcp, (const struct sockaddr *)&w->target, on_connect);
    }
    return error;
}

void device_start(device *d)
{
    d->state = DEVICE_CONNECTING;
    if (uv_tcp_init(d->world->loop, &d->tcp) != 0) {
        d->world->count.refused++;
        wait_and_retry(d);
        return;
    }
    d->tcp.data = d;
    const int error = open_socket(d);
    if (error != 0) {
        refused(d, error);
    }
}

void device_finish(device *d)
{
    switch (d->state) {
    case DEVICE_SENDING:
        d->state = DEVICE_DRAINING;
        sender_flush(d);
        break;
    case DEVICE_CONNECTING:
        device_drop(d);
        break;
    case DEVICE_IDLE:
    case DEVICE_WAITING:
        uv_timer_stop(&d->timer);
        end(d);
        break;
    default: /* it is on its way to the end */
        break;
    }
}

void device_abort(device *d)
{
    if (d->state == DEVICE_SENDING || d->state == DEVICE_DRAINING) {
        device_drop(d);
    } else {
        device_finish(d);
    }
}
