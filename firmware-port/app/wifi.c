/* SPDX-License-Identifier: Apache-2.0 */
#include "wifi_internal.h"

#include <string.h>

#define OUTPUT_MS 5u /* while there is something to write: the board takes 256 bytes in 22 ms */

/* Ends in a line end, however much of its beginning is left out. */
static const uint8_t blank[] = {' ', ' ', ' ', ' ', ' ', ' ', ' ',  ' ',
                                ' ', ' ', ' ', ' ', ' ', ' ', '\r', '\n'};

void wifi_start(wifi *w, const board *board, const wifi_options *options)
{
    memset(w, 0, sizeof *w);
    w->board = board;
    w->options = *options;
    w->step = WIFI_COMMAND_RESET;
    w->pause_ms = WIFI_PAUSE_MIN_MS;
    w->filler = WIFI_SEND_MAX; /* the chip may have been reset without the module */
    at_parser_init(&w->parser);
}

static bool tell(wifi_event *event, wifi_event_type type, bool *due)
{
    if (*due) {
        event->type = type;
        *due = false;
    }
    return event->type != WIFI_NONE;
}

static bool tell_due(wifi *w, wifi_event *event)
{
    for (uint8_t i = 0; i < WIFI_LINKS; i++) {
        wifi_link *link = &w->links[i];
        event->link = i;
        if (tell(event, WIFI_CLOSED, &link->closed_due) ||
            tell(event, WIFI_OPENED, &link->opened_due) ||
            tell(event, WIFI_SENT, &link->sent_due)) {
            return true;
        }
    }
    event->link = 0;
    event->reason = (wifi_reason)w->reason;
    return tell(event, WIFI_FAILED, &w->failed_due) || tell(event, WIFI_LEFT, &w->left_due) ||
           tell(event, WIFI_REFUSED, &w->refused_due) || tell(event, WIFI_UP, &w->up_due);
}

static bool receive(wifi *w)
{
    if (w->in_at < w->in_len) {
        return true;
    }
    w->in_at = 0;
    w->in_len = (uint16_t)w->board->uart_read(w->board->context, w->in, sizeof w->in);
    if (w->in_len > 0) {
        w->data_ms = (uint32_t)w->now_ms;
    }
    return w->in_len > 0;
}

static bool tell_data(const wifi *w, const at_event *bytes, wifi_event *event)
{
    if (!w->links[bytes->link].open) {
        return false;
    }
    event->type = WIFI_DATA;
    event->link = bytes->link;
    event->data = bytes->data;
    event->len = bytes->len;
    return true;
}

/* Takes what has come; true: there is an event. What one line of the module makes due is told
 * before the next one is looked at. */
static bool listen(wifi *w, wifi_event *event)
{
    while (!tell_due(w, event)) {
        at_event heard;
        if (!receive(w)) {
            return false;
        }
        size_t used =
            at_parser_push(&w->parser, w->in + w->in_at, (size_t)(w->in_len - w->in_at), &heard);
        w->in_at = (uint16_t)(w->in_at + used);
        if (heard.type != AT_DATA) {
            wifi__answer(w, &heard);
        } else if (tell_data(w, &heard, event)) {
            return true;
        }
    }
    return true;
}

static bool bytes_were_lost(const wifi *w)
{
    return w->step != WIFI_COMMAND_RESET && w->lost != w->board->uart_lost(w->board->context);
}

/* What the time asks for. */
static void look_at_clock(wifi *w)
{
    static const at_event broken = {.type = AT_BROKEN};
    if (at_parser_in_data(&w->parser) && wifi__is_due(w, w->data_ms + WIFI_SILENCE_MS)) {
        wifi__answer(w, &broken);
    }
    bool late = w->command != WIFI_COMMAND_NONE && wifi__is_due(w, w->deadline_ms);
    bool again = w->again && wifi__is_due(w, w->again_ms);
    if (late || (again && w->busy == WIFI_BUSY_MAX)) {
        wifi__fault(w);
    } else if (again) {
        w->busy++;
        wifi__say(w);
    }
}

static bool is_writing(const wifi *w)
{
    return w->filler > 0 || w->out_at < w->out_len || w->payload_left > 0;
}

static void send_piece(wifi *w, uint8_t link)
{
    size_t len = w->links[link].len;
    w->piece = (uint16_t)(len < WIFI_SEND_MAX ? len : WIFI_SEND_MAX);
    wifi__begin(w, WIFI_COMMAND_SEND, link);
}

/* The links in turn, from behind the last one that was served. One that is to be closed sends no
 * more. */
static bool begin_for_link(wifi *w)
{
    for (uint8_t i = 1; i <= WIFI_LINKS; i++) {
        uint8_t number = (uint8_t)((w->link + i) % WIFI_LINKS);
        const wifi_link *link = &w->links[number];
        if (link->closing) {
            wifi__begin(w, WIFI_COMMAND_CLOSE, number);
            return true;
        }
        if (link->data != NULL) {
            send_piece(w, number);
            return true;
        }
    }
    return false;
}

static void begin_next(wifi *w)
{
    if (w->command != WIFI_COMMAND_NONE || is_writing(w)) {
        return;
    }
    if (!w->up) {
        if (!w->pausing || wifi__is_due(w, w->retry_ms)) {
            wifi__begin(w, (wifi_command)w->step, 0);
        }
    } else if (!begin_for_link(w) && w->host != NULL) {
        wifi__begin(w, WIFI_COMMAND_OPEN, 0);
    }
}

static size_t write_bytes(const wifi *w, const void *data, size_t len)
{
    return w->board->uart_write(w->board->context, data, len);
}

static void write_filler(wifi *w)
{
    size_t wrote = 1;
    while (w->filler > 0 && wrote > 0) {
        size_t rest = w->filler % sizeof blank;
        size_t len = rest > 0 ? rest : sizeof blank;
        wrote = write_bytes(w, blank + sizeof blank - len, len);
        w->filler = (uint16_t)(w->filler - wrote);
    }
}

static void write_out(wifi *w)
{
    write_filler(w);
    if (w->out_at < w->out_len) {
        size_t left = (size_t)(w->out_len - w->out_at);
        w->out_at = (uint16_t)(w->out_at + write_bytes(w, w->out + w->out_at, left));
    }
    if (w->payload_left > 0) {
        size_t wrote = write_bytes(w, w->payload, w->payload_left);
        w->payload += wrote;
        w->payload_left = (uint16_t)(w->payload_left - wrote);
    }
}

void wifi_poll(wifi *w, uint64_t now_ms, wifi_event *event)
{
    memset(event, 0, sizeof *event);
    w->now_ms = now_ms;
    if (bytes_were_lost(w)) {
        wifi__fault(w); /* before what lies behind the gap is taken for the module's words */
    }
    if (!listen(w, event)) {
        look_at_clock(w);
        write_out(w);
        begin_next(w);
        write_out(w);
        tell_due(w, event);
    }
    w->more = event->type != WIFI_NONE;
}

static bool has_work(const wifi *w)
{
    bool work = w->host != NULL;
    for (size_t i = 0; i < WIFI_LINKS; i++) {
        work = work || w->links[i].closing || w->links[i].data != NULL;
    }
    return work;
}

static void no_later(uint32_t *wait_ms, const wifi *w, uint32_t at_ms)
{
    uint32_t left = wifi__is_due(w, at_ms) ? 0 : at_ms - (uint32_t)w->now_ms;
    *wait_ms = *wait_ms < left ? *wait_ms : left;
}

uint64_t wifi_until_ms(const wifi *w)
{
    const uint32_t now_ms = (uint32_t)w->now_ms;
    uint32_t wait_ms = w->more || w->failed_due ? 0 : UINT32_MAX;
    if (w->command != WIFI_COMMAND_NONE) {
        no_later(&wait_ms, w, w->again ? w->again_ms : w->deadline_ms);
    }
    if (is_writing(w)) {
        no_later(&wait_ms, w, now_ms + OUTPUT_MS);
    } else if (w->command == WIFI_COMMAND_NONE && !w->up) {
        no_later(&wait_ms, w, w->retry_ms);
    } else if (w->command == WIFI_COMMAND_NONE && has_work(w)) {
        wait_ms = 0;
    }
    if (at_parser_in_data(&w->parser)) {
        no_later(&wait_ms, w, w->data_ms + WIFI_SILENCE_MS);
    }
    return wait_ms == UINT32_MAX ? UINT64_MAX : w->now_ms + wait_ms;
}

void wifi_open(wifi *w, const char *host, uint16_t port)
{
    bool possible =
        w->options.mode == WIFI_STATION && w->up && !w->links[0].open && w->host == NULL;
    if (possible) {
        w->host = host;
        w->port = port;
    } else {
        w->failed_due = true;
    }
}

bool wifi_send(wifi *w, uint8_t link, const uint8_t *data, size_t len)
{
    if (link >= WIFI_LINKS || len == 0) {
        return false;
    }
    wifi_link *to = &w->links[link];
    if (!to->open || to->closing || to->data != NULL) {
        return false;
    }
    to->data = data;
    to->len = len;
    return true;
}

void wifi_close(wifi *w, uint8_t link)
{
    if (link < WIFI_LINKS && w->links[link].open) {
        w->links[link].closing = true;
    }
}
