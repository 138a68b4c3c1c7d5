/* SPDX-License-Identifier: Apache-2.0 */
#include "wifi_internal.h"

static void pause_first(wifi *w)
{
    w->pausing = true;
    w->retry_ms = (uint32_t)w->now_ms + w->pause_ms;
    w->pause_ms = w->pause_ms < WIFI_PAUSE_MAX_MS / 2 ? 2 * w->pause_ms : WIFI_PAUSE_MAX_MS;
}

static void refused(wifi *w, wifi_reason reason)
{
    w->refused_due = true;
    w->reason = (uint8_t)reason;
    pause_first(w);
}

static void came_up(wifi *w)
{
    w->up = true;
    w->up_due = true;
    w->pause_ms = WIFI_PAUSE_MIN_MS;
}

static void nothing_under_way(wifi *w)
{
    w->command = WIFI_COMMAND_NONE;
    w->again = false;
}

/* The command under way goes on, but nobody waits for what becomes of it. One that met `busy` never
 * began: said again, it would be about the next connection of that link. */
static void orphan(wifi *w)
{
    if (w->again) {
        nothing_under_way(w);
        return;
    }
    w->orphan = true;
    w->filler = (uint16_t)(w->filler + w->payload_left);
    w->payload_left = 0;
}

static void link_closed(wifi *w, uint8_t number)
{
    wifi_link *link = &w->links[number];
    if (w->command >= WIFI_COMMAND_OPEN && w->link == number) {
        orphan(w);
    }
    link->closed_due = link->closed_due || (link->open && !link->opened_due);
    link->opened_due = false;
    link->open = false;
    link->closing = false;
    link->data = NULL;
}

static void link_opened(wifi *w, uint8_t number)
{
    wifi_link *link = &w->links[number];
    if (link->open) {
        link_closed(w, number);
    }
    link->open = true;
    link->opened_due = true;
}

/* Not up any more: what was open is gone with it. */
static void lost(wifi *w, wifi_reason reason)
{
    for (uint8_t i = 0; i < WIFI_LINKS; i++) {
        link_closed(w, i);
    }
    w->failed_due = w->failed_due || w->host != NULL;
    w->host = NULL;
    w->reason = (uint8_t)reason;
    w->left_due = w->left_due || w->up;
    w->refused_due = w->refused_due || !w->up;
    w->up = false;
}

void wifi__fault(wifi *w)
{
    lost(w, WIFI_REASON_MODULE);
    pause_first(w);
    at_parser_init(&w->parser);
    w->joined = false;
    w->step = WIFI_COMMAND_RESET;
    nothing_under_way(w);
    w->filler = WIFI_SEND_MAX;
    w->out_len = 0;
    w->out_at = 0;
}

static void broken(wifi *w)
{
    if (w->step == WIFI_COMMAND_RESET) {
        at_parser_init(&w->parser);
    } else {
        wifi__fault(w);
    }
}

/* `ready` without an OK in front of it: AT+RST may not have been heard. What is still to be written
 * of it will be. */
static void reset_again(wifi *w)
{
    if (w->out_at == w->out_len) {
        w->reset = WIFI_RESET_READY;
        w->again = true;
        w->again_ms = (uint32_t)w->now_ms;
    }
}

/* `ready` counts when it was asked for, so behind the filler. Otherwise it may be a peer's word
 * (what was sent to us looks like the module's own once bytes of a +IPD are missing), and an
 * AT+CIPSEND that waits would carry the next commands to that peer, and the password in them. */
static void started(wifi *w)
{
    if (w->command != WIFI_COMMAND_RESET) {
        broken(w);
        return;
    }
    if (w->reset == WIFI_RESET_SAID) {
        reset_again(w);
        return;
    }
    w->step = WIFI_COMMAND_ECHO;
    nothing_under_way(w);
    w->out_len = 0;
    w->out_at = 0;
    w->pausing = false;
    w->lost = w->board->uart_lost(w->board->context);
}

/* It will start anew, and hears nothing until then. */
static void reset_taken(wifi *w)
{
    w->reset = WIFI_RESET_TAKEN;
    w->again = false;
}

static void next_step(wifi *w)
{
    if (w->step == WIFI_COMMAND_SERVER) {
        came_up(w);
    } else if (w->step == WIFI_COMMAND_MUX && w->options.mode == WIFI_STATION) {
        w->step = WIFI_COMMAND_JOIN;
    } else {
        w->step++;
    }
}

static void set_up(wifi *w, uint8_t command, bool good)
{
    if (command == WIFI_COMMAND_STORE) {
        w->current = !good;
    } else if (!good) {
        wifi__fault(w);
        return;
    }
    next_step(w);
}

static void join_ended(wifi *w, bool good)
{
    if (!good) {
        refused(w, (wifi_reason)w->reason);
        return;
    }
    w->joined = true;
    came_up(w);
}

static void open_ended(wifi *w, bool good)
{
    if (w->host == NULL) {
        return;
    }
    w->host = NULL;
    if (good && !w->orphan) {
        link_opened(w, 0);
    } else {
        w->failed_due = true;
    }
}

static void send_ended(wifi *w, bool good)
{
    wifi_link *link = &w->links[w->link];
    w->payload_left = 0;
    if (w->orphan) {
        return;
    }
    if (!good) {
        link->closing = true;
        return;
    }
    link->data += w->piece;
    link->len -= w->piece;
    link->sent_due = link->len == 0;
    if (link->sent_due) {
        link->data = NULL;
    }
}

/* OK or something like it, or ERROR or something like it. */
static void ended(wifi *w, bool good)
{
    uint8_t command = w->command;
    nothing_under_way(w);
    switch (command) {
    case WIFI_COMMAND_JOIN:
        join_ended(w, good);
        break;
    case WIFI_COMMAND_OPEN:
        open_ended(w, good);
        break;
    case WIFI_COMMAND_SEND:
    case WIFI_COMMAND_PAYLOAD:
        send_ended(w, good);
        break;
    case WIFI_COMMAND_CLOSE:
        if (!w->orphan) {
            link_closed(w, w->link);
        }
        break;
    default:
        set_up(w, command, good);
        break;
    }
}

/* After `busy` the next OK or ERROR belongs to something else. */
static bool waits(const wifi *w)
{
    return w->command > WIFI_COMMAND_RESET && !w->again;
}

static void prompted(wifi *w)
{
    if (w->command != WIFI_COMMAND_SEND) {
        return;
    }
    w->command = WIFI_COMMAND_PAYLOAD;
    wifi__wait(w);
    if (w->orphan) {
        w->filler = w->piece;
    } else {
        w->payload = w->links[w->link].data;
        w->payload_left = w->piece;
    }
}

static void joined_by_itself(wifi *w)
{
    bool idle = w->command == WIFI_COMMAND_NONE || w->again;
    if (w->joined && !w->up && idle) {
        nothing_under_way(w);
        came_up(w);
    }
}

static void left(wifi *w)
{
    if (w->options.mode == WIFI_STATION && w->up) {
        lost(w, WIFI_REASON_UNKNOWN);
        pause_first(w);
    }
}

/* What a module says of itself, unasked. */
static void notice(wifi *w, const at_event *event)
{
    switch (event->type) {
    case AT_READY:
        started(w);
        break;
    case AT_CONNECT:
        if (w->options.mode == WIFI_ACCESS_POINT && w->up) {
            link_opened(w, event->link);
        }
        break;
    case AT_CLOSED:
        link_closed(w, event->link);
        break;
    case AT_JOINED:
        joined_by_itself(w);
        break;
    case AT_LEFT:
        left(w);
        break;
    case AT_JOIN_CODE:
        w->reason =
            event->code <= WIFI_REASON_NOT_FOUND ? event->code : (uint8_t)WIFI_REASON_UNKNOWN;
        break;
    case AT_BROKEN:
        broken(w);
        break;
    default:
        break;
    }
}

static void busy(wifi *w)
{
    bool resets = w->command == WIFI_COMMAND_RESET && w->reset == WIFI_RESET_TAKEN;
    if (w->command == WIFI_COMMAND_NONE || w->command == WIFI_COMMAND_PAYLOAD || resets) {
        return;
    }
    if (w->orphan) {
        nothing_under_way(w);
    } else {
        w->again = true;
        w->again_ms = (uint32_t)w->now_ms + WIFI_BUSY_MS;
    }
}

static void done(wifi *w)
{
    if (w->command == WIFI_COMMAND_RESET) {
        reset_taken(w);
    } else if (waits(w) && w->command != WIFI_COMMAND_SEND && w->command != WIFI_COMMAND_PAYLOAD) {
        ended(w, true);
    }
}

void wifi__answer(wifi *w, const at_event *event)
{
    switch (event->type) {
    case AT_OK:
        done(w);
        break;
    case AT_ERROR:
        if (waits(w)) {
            ended(w, false);
        }
        break;
    case AT_BUSY:
        busy(w);
        break;
    case AT_PROMPT:
        prompted(w);
        break;
    case AT_SENT:
    case AT_NOT_SENT:
        if (w->command == WIFI_COMMAND_PAYLOAD) {
            ended(w, event->type == AT_SENT);
        }
        break;
    default:
        notice(w, event);
        break;
    }
}

void wifi__begin(wifi *w, wifi_command command, uint8_t link)
{
    w->command = (uint8_t)command;
    w->link = link;
    w->busy = 0;
    w->reset = WIFI_RESET_SAID;
    w->orphan = false;
    if (command == WIFI_COMMAND_JOIN) {
        w->reason = WIFI_REASON_UNKNOWN;
    }
    if (wifi__say(w)) {
        return;
    }
    nothing_under_way(w);
    if (command == WIFI_COMMAND_OPEN) {
        w->host = NULL;
        w->failed_due = true;
    } else {
        refused(w, WIFI_REASON_UNKNOWN);
    }
}
