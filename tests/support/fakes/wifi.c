/* SPDX-License-Identifier: Apache-2.0 */
#include "fake_wifi.h"

#include "unit.h"

#include <string.h>

enum { EVENTS_MAX = 64, DATA_MAX = 4096 };

fake_wifi fake_network;

static wifi_event events[EVENTS_MAX];
static uint8_t copies[EVENTS_MAX][DATA_MAX];
static size_t first;
static size_t count;

void fake_wifi_reset(void)
{
    memset(&fake_network, 0, sizeof fake_network);
    fake_network.until_ms = UINT64_MAX;
    count = 0;
}

static void push(const wifi_event *event)
{
    assert_true(count < EVENTS_MAX && event->len <= DATA_MAX);
    size_t at = (first + count++) % EVENTS_MAX;
    events[at] = *event;
    if (event->data != NULL) {
        memcpy(copies[at], event->data, event->len);
        events[at].data = copies[at];
    }
}

void fake_wifi_push(wifi_event_type type, uint8_t link)
{
    push(&(wifi_event){.type = type, .link = link});
}

void fake_wifi_push_reason(wifi_event_type type, wifi_reason reason)
{
    push(&(wifi_event){.type = type, .reason = reason});
}

void fake_wifi_push_data(uint8_t link, const void *data, size_t len)
{
    push(&(wifi_event){.type = WIFI_DATA, .link = link, .data = data, .len = len});
}

/* Keeps to the order that wifi.h promises. */
static void happen(const wifi_event *event)
{
    fake_link *link = &fake_network.links[event->link];
    switch (event->type) {
    case WIFI_UP:
        fake_network.up = true;
        break;
    case WIFI_LEFT:
        fake_network.up = false;
        break;
    case WIFI_OPENED:
        assert_false(link->open);
        fake_network.opening = false;
        *link = (fake_link){.open = true};
        break;
    case WIFI_FAILED:
        assert_true(fake_network.opening);
        fake_network.opening = false;
        break;
    case WIFI_SENT:
        assert_non_null(link->data);
        link->data = NULL;
        break;
    case WIFI_CLOSED:
        assert_true(link->open);
        *link = (fake_link){.open = false};
        break;
    default:
        break;
    }
}

void wifi_start(wifi *w, const board *board, const wifi_options *options)
{
    assert_non_null(board);
    memset(w, 0, sizeof *w);
    fake_network.options = *options;
    fake_network.starts++;
}

void wifi_poll(wifi *w, uint64_t now_ms, wifi_event *event)
{
    (void)w;
    (void)now_ms;
    *event = (wifi_event){.type = WIFI_NONE};
    if (count > 0) {
        *event = events[first];
        first = (first + 1) % EVENTS_MAX;
        count--;
        happen(event);
    }
}

uint64_t wifi_until_ms(const wifi *w)
{
    (void)w;
    return fake_network.until_ms;
}

void wifi_open(wifi *w, const char *host, uint16_t port)
{
    (void)w;
    assert_true(fake_network.up && !fake_network.opening && !fake_network.links[0].open);
    fake_network.opening = true;
    fake_network.host = host;
    fake_network.port = port;
    fake_network.opens++;
}

bool wifi_send(wifi *w, uint8_t link, const uint8_t *data, size_t len)
{
    (void)w;
    assert_in_range(link, 0, WIFI_LINKS - 1);
    fake_link *to = &fake_network.links[link];
    if (!to->open || to->closing || to->deaf || to->data != NULL || len == 0) {
        return false;
    }
    to->data = data;
    to->len = len;
    return true;
}

void wifi_close(wifi *w, uint8_t link)
{
    (void)w;
    assert_in_range(link, 0, WIFI_LINKS - 1);
    fake_network.links[link].closing = fake_network.links[link].open;
}
