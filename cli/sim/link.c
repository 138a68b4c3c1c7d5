/* SPDX-License-Identifier: Apache-2.0 */
#include "link.h"

#include "sender.h"

static void forget_connection(device *d)
{
    const uint32_t unsent = outbox_clear(&d->box);

    d->has_socket = false;
    d->writing = false;
    tamper_reset(&d->tamper);
    device_apart(d, unsent);
}

static void on_closed(uv_handle_t *handle)
{
    device *d = handle->data;

    forget_connection(d);
}

static bool is_connected(const device *d)
{
    return d->state == DEVICE_UP || d->state == DEVICE_ENDING || d->state == DEVICE_LEAVING;
}

void link_drop(device *d)
{
    if (is_connected(d)) {
        d->world->count.open--;
    }
    d->state = DEVICE_CLOSING;
    wheel_clear(&d->due);
    uv_timer_stop(&d->timer);
    sender_stop(d);
    if (d->has_socket) {
        uv_close((uv_handle_t *)&d->tcp, on_closed);
    } else {
        forget_connection(d);
    }
}

void link_peer_closed(device *d)
{
    if (d->state == DEVICE_UP || (d->state == DEVICE_ENDING && outbox_pending(&d->box) > 0)) {
        d->world->count.closed++;
    }
    if (d->state != DEVICE_CLOSING) {
        link_drop(d);
    }
}

static uint64_t acknowledged(const device *d)
{
    wire_counts sum = {.sampled = 0};

    d->wire.ops->add_counts(&d->wire, &sum);
    return sum.acknowledged;
}

/* A second cut does not start the time anew. */
static void note_cut(device *d)
{
    if (!d->away) {
        d->away = true;
        d->cut_ms = device_now(d);
        d->cut_acknowledged = acknowledged(d);
        d->world->away++;
    }
}

static void note_return(device *d)
{
    if (d->away && (!d->wire.ops->acknowledges || acknowledged(d) > d->cut_acknowledged)) {
        d->away = false;
        d->world->away--;
        histogram_add(&d->world->recovery, (uint32_t)(device_now(d) - d->cut_ms));
    }
}

static void on_alloc(uv_handle_t *handle, size_t suggested, uv_buf_t *buffer)
{
    static char shared[16384]; /* used up before the next is asked for */
    (void)handle;
    (void)suggested;

    *buffer = uv_buf_init(shared, sizeof shared);
}

static void on_read(uv_stream_t *stream, ssize_t len, const uv_buf_t *buffer)
{
    device *d = stream->data;

    if (len < 0) {
        link_peer_closed(d);
    } else if (len > 0) {
        d->world->count.received += (uint64_t)len;
        d->wire.ops->receive(&d->wire, device_now(d), (const uint8_t *)buffer->base, (size_t)len);
        note_return(d);
        device_drive(d);
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

static void begin_connection(device *d)
{
    d->state = DEVICE_UP;
    count_connection(d);
    uv_tcp_nodelay(&d->tcp, 1);
    if (!d->world->dark && uv_read_start((uv_stream_t *)&d->tcp, on_alloc, on_read) != 0) {
        link_drop(d);
        return;
    }
    sender_begin(d);
    d->wire.ops->connected(&d->wire, device_now(d));
    note_return(d);
    device_drive(d);
}

static void refused(device *d, int error)
{
    d->world->count.refused++;
    d->world->count.last_error = error;
    link_drop(d);
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
    begin_connection(d);
}

/* The port is chosen at connect: bind() would search long among thousands, and take none that is
 * in use towards anybody. */
static int bind_to(uv_tcp_t *tcp, const struct sockaddr *source)
{
    const int on = 1;
    uv_os_fd_t fd = -1;

    const int error = uv_fileno((const uv_handle_t *)tcp, &fd);
    if (error == 0) {
        (void)setsockopt(fd, IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT, &on, sizeof on);
    }
    return error != 0 ? error : uv_tcp_bind(tcp, source, 0);
}

static int open_socket(device *d)
{
    const world *w = d->world;
    int error = 0;

    if (w->sources > 0) {
        const struct sockaddr_storage *source = &w->source[d->number % w->sources];
        error = bind_to(&d->tcp, (const struct sockaddr *)source);
    }
    if (error == 0) {
        d->connect.data = d;
        error =
            uv_tcp_connect(&d->connect, &d->tcp, (const struct sockaddr *)&w->target, on_connect);
    }
    return error;
}

/* In an outage the attempt hangs until that is over, or the wire gives it up. */
void link_connect(device *d)
{
    d->state = DEVICE_CONNECTING;
    if (d->world->dark) {
        return;
    }
    int error = uv_tcp_init_ex(d->world->loop, &d->tcp, d->world->target.ss_family);
    d->tcp.data = d;
    d->has_socket = error == 0;
    if (error == 0) {
        error = open_socket(d);
    }
    if (error != 0) {
        refused(d, error);
    }
}

bool link_cut(device *d)
{
    if (d->state != DEVICE_UP) {
        return false;
    }
    d->world->count.cut++;
    note_cut(d);
    link_drop(d);
    return true;
}

static void resume(device *d)
{
    if (uv_read_start((uv_stream_t *)&d->tcp, on_alloc, on_read) != 0) {
        link_drop(d);
        return;
    }
    sender_flush(d);
    device_drive(d);
}

void link_weather(device *d)
{
    if (!d->world->dark) {
        if (d->state == DEVICE_CONNECTING && !d->has_socket) {
            link_connect(d);
        } else if (is_connected(d)) {
            resume(d);
        }
    } else if (is_connected(d)) {
        uv_read_stop((uv_stream_t *)&d->tcp);
        if (d->world->set->outage_cuts) {
            link_cut(d);
        }
    }
}
