/* SPDX-License-Identifier: Apache-2.0 */
#include "setup_mode.h"

#include "page.h"
#include "setup_answers.h"

#include <string.h>

enum { LINK_FREE, LINK_READING, LINK_ANSWERING, LINK_CLOSING };

#define LEAVE_MS 3000u /* for the last answer to arrive */

/* For the visitor to close, who knows the answer's length: the module gives the link's number to
 * the next one at once, and our own AT+CIPCLOSE, under way, would be the end of that connection. */
#define VISITOR_CLOSES_MS 500u

_Static_assert(MEDSEC_SETUP_FORM_LEN <= HTTP_QUERY_MAX, "`input` holds either");

medsec_status setup_mode_start(setup_mode *setup, const board *board, const medsec_crypto *crypto,
                               const medsec_credential *credential, drbg *drbg)
{
    static const wifi_options options = {
        .mode = WIFI_ACCESS_POINT, .name = SETUP_SSID, .password = "", .port = SETUP_PORT};
    memset(setup, 0, sizeof *setup);
    setup->board = board;
    setup->crypto = crypto;
    setup->credential = credential;
    setup->drbg = drbg;
    setup->holder = WIFI_LINKS;
    setup->code = LED_CONNECTING;
    wifi_start(&setup->wifi, board, &options);
    return medsec_setup_key(setup->key, crypto, credential);
}

static void close_link(setup_mode *setup, uint8_t link)
{
    setup->links[link].state = LINK_CLOSING;
    wifi_close(&setup->wifi, link);
}

/* The page is sent from where it is, anything else from the link's own memory. */
static void send_answer(setup_mode *setup, uint8_t link, uint64_t now_ms, const void *answer,
                        size_t len)
{
    setup->links[link].state = LINK_ANSWERING;
    setup->links[link].until_ms = now_ms + SETUP_IDLE_MS;
    if (!wifi_send(&setup->wifi, link, answer, len)) { /* closed meanwhile */
        close_link(setup, link);
    }
}

static void release_input(setup_mode *setup, uint8_t link)
{
    if (setup->holder == link) {
        setup->crypto->wipe(setup->input, sizeof setup->input);
        setup->input_len = 0;
        setup->holder = WIFI_LINKS;
    }
}

static void answer(setup_mode *setup, uint8_t link, uint64_t now_ms)
{
    setup_link *of = &setup->links[link];
    if (setup_answers_page(&of->request)) {
        send_answer(setup, link, now_ms, page_response, page_response_len);
    } else {
        size_t len = setup_answers_write(setup, link);
        send_answer(setup, link, now_ms, of->answer, len);
    }
    release_input(setup, link);
    if (setup->outcome != SETUP_WAITS && setup->leave_ms == 0) {
        setup->teller = link;
        setup->leave_ms = now_ms + LEAVE_MS;
    }
}

static void refuse(setup_mode *setup, uint8_t link, uint64_t now_ms, uint16_t status,
                   const char *body)
{
    char *out = setup->links[link].answer;
    release_input(setup, link);
    send_answer(setup, link, now_ms, out, setup_answers_json(out, status, body));
}

/* false: another link is at it. */
static bool keep_input(setup_mode *setup, uint8_t link, const uint8_t *piece, size_t len)
{
    if (!setup_answers_wants_input(setup, &setup->links[link].request)) {
        return true;
    }
    if (setup->holder == WIFI_LINKS) {
        setup->holder = link;
    }
    if (setup->holder != link || len > sizeof setup->input - setup->input_len) {
        return false;
    }
    memcpy(setup->input + setup->input_len, piece, len);
    setup->input_len += (uint16_t)len;
    return true;
}

static void take_data(setup_mode *setup, uint64_t now_ms, uint8_t link, const uint8_t *data,
                      size_t len)
{
    setup_link *of = &setup->links[link];
    http_event event = HTTP_BODY;
    while (of->state == LINK_READING && event != HTTP_MORE) {
        const uint8_t *piece;
        size_t piece_len;
        size_t used = http_request_push(&of->request, data, len, &event, &piece, &piece_len);
        data += used;
        len -= used;
        if ((event == HTTP_QUERY || event == HTTP_BODY) &&
            !keep_input(setup, link, piece, piece_len)) {
            refuse(setup, link, now_ms, 503, "{\"error\":\"busy\"}");
        } else if (event == HTTP_DONE) {
            answer(setup, link, now_ms);
        } else if (event == HTTP_BAD) {
            refuse(setup, link, now_ms, 400, "{\"error\":\"request\"}");
        }
    }
}

static void open_link(setup_mode *setup, uint64_t now_ms, uint8_t link)
{
    setup_link *of = &setup->links[link];
    http_request_init(&of->request);
    of->state = LINK_READING;
    of->until_ms = now_ms + SETUP_IDLE_MS;
}

static void take_event(setup_mode *setup, uint64_t now_ms, const wifi_event *event)
{
    switch (event->type) {
    case WIFI_UP:
        setup->code = LED_SETUP;
        break;
    case WIFI_LEFT:
        setup->code = LED_CONNECTING;
        break;
    case WIFI_REFUSED:
        setup->code = LED_NO_MODULE;
        break;
    case WIFI_OPENED:
        open_link(setup, now_ms, event->link);
        break;
    case WIFI_DATA:
        take_data(setup, now_ms, event->link, event->data, event->len);
        break;
    case WIFI_SENT:
        setup->links[event->link].until_ms = now_ms + VISITOR_CLOSES_MS;
        break;
    case WIFI_CLOSED:
        release_input(setup, event->link);
        setup->links[event->link].state = LINK_FREE;
        break;
    default: /* NONE; a station's */
        break;
    }
}

/* Whoever says nothing leaves room for others: a browser opens connections that it never uses. */
static uint64_t close_idle(setup_mode *setup, uint64_t now_ms)
{
    uint64_t next_ms = UINT64_MAX;
    for (uint8_t link = 0; link < WIFI_LINKS; link++) {
        setup_link *of = &setup->links[link];
        if (of->state != LINK_READING && of->state != LINK_ANSWERING) {
            continue;
        }
        if (now_ms >= of->until_ms) {
            release_input(setup, link);
            close_link(setup, link);
        } else if (of->until_ms < next_ms) {
            next_ms = of->until_ms;
        }
    }
    return next_ms;
}

uint64_t setup_mode_poll(setup_mode *setup, uint64_t now_ms)
{
    wifi_event event;
    do {
        wifi_poll(&setup->wifi, now_ms, &event);
        take_event(setup, now_ms, &event);
    } while (event.type != WIFI_NONE);
    uint64_t next_ms = close_idle(setup, now_ms);
    if (setup->leave_ms != 0 && setup->leave_ms < next_ms) {
        next_ms = setup->leave_ms;
    }
    return wifi_until_ms(&setup->wifi) < next_ms ? wifi_until_ms(&setup->wifi) : next_ms;
}

setup_outcome setup_mode_outcome(const setup_mode *setup, uint64_t now_ms)
{
    bool told = setup->leave_ms != 0 &&
                (setup->links[setup->teller].state == LINK_FREE || now_ms >= setup->leave_ms);
    return told ? (setup_outcome)setup->outcome : SETUP_WAITS;
}

led_code setup_mode_led(const setup_mode *setup)
{
    return (led_code)setup->code;
}
