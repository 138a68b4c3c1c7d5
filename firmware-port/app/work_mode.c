/* SPDX-License-Identifier: Apache-2.0 */
#include "work_mode.h"

#include <string.h>

enum { LINK_NONE, LINK_OPENING, LINK_OPEN, LINK_CLOSING };

/* Handshakes take a third of a second: never an older moment than this one. */
static uint64_t now(const work_mode *work)
{
    return work->board->now_us(work->board->context) / 1000;
}

static medsec_status open_device(work_mode *work, const work_mode_options *options)
{
    const medsec_device_options device = {
        .crypto = options->crypto,
        .profile = &medsec_profile_pico_vitals,
        .credential = options->credential,
        .random = options->random,
        .random_context = options->random_context,
        .boot = options->boot,
        .ring = work->ring,
        .ring_len = sizeof work->ring,
        .no_sampling = true,
    };
    return medsec_device_open(&work->wire.device, &device, now(work));
}

static medsec_status open_sender(work_mode *work, const work_mode_options *options)
{
    const seed_sender_options sender = {
        .crypto = options->crypto,
        .credential = options->credential,
        .random = options->random,
        .random_context = options->random_context,
        .ring = work->ring,
        .ring_len = sizeof work->ring,
    };
    return seed_sender_open(&work->wire.sender, &sender, now(work));
}

medsec_status work_mode_start(work_mode *work, const work_mode_options *options)
{
    const wifi_options network = {.mode = WIFI_STATION,
                                  .name = options->settings->ssid,
                                  .password = options->settings->password};
    memset(work, 0, sizeof *work);
    work->board = options->board;
    work->settings = options->settings;
    work->is_seed = options->credential->wire == MEDSEC_WIRE_SEED;
    work->interval_ms = MEDSEC_SAMPLE_INTERVAL_MS_DEFAULT;
    work->code = LED_CONNECTING;
    medsec_status status = work->is_seed ? open_sender(work, options) : open_device(work, options);
    if (status == MEDSEC_OK) {
        wifi_start(&work->wifi, options->board, &network);
        sensors_start(&work->sensors, options->board, work->interval_ms);
    }
    return status;
}

static void disconnected(work_mode *work)
{
    work->link = LINK_NONE;
    work->sending = false;
    work->unwanted = false;
    if (work->is_seed) {
        seed_sender_disconnected(&work->wire.sender, now(work));
    } else {
        medsec_device_disconnected(&work->wire.device, now(work));
    }
}

static void connected(work_mode *work)
{
    work->link = LINK_OPEN;
    if (work->is_seed) {
        seed_sender_connected(&work->wire.sender);
    } else {
        medsec_device_stats stats;
        medsec_device_get_stats(&work->wire.device, &stats);
        work->sessions = stats.sessions;
        medsec_device_connected(&work->wire.device, now(work));
    }
}

/* The device has done with the connection, which may not even stand yet. */
static void close_connection(work_mode *work)
{
    switch (work->link) {
    case LINK_OPENING:
        work->unwanted = true;
        break;
    case LINK_OPEN:
        work->link = LINK_CLOSING;
        wifi_close(&work->wifi, 0);
        break;
    default: /* never opened, or closed already */
        disconnected(work);
        break;
    }
}

static void opened(work_mode *work)
{
    if (work->unwanted) {
        work->link = LINK_CLOSING;
        wifi_close(&work->wifi, 0);
    } else {
        connected(work);
    }
}

/* A gateway may ask for another pace. Nothing is said down the seed wire. */
static void receive(work_mode *work, const uint8_t *data, size_t len)
{
    if (work->is_seed) {
        return;
    }
    medsec_config config;
    medsec_device_receive(&work->wire.device, now(work), data, len);
    medsec_device_get_config(&work->wire.device, &config);
    if (config.sample_interval_ms != work->interval_ms) {
        work->interval_ms = config.sample_interval_ms;
        sensors_set_interval(&work->sensors, work->interval_ms);
    }
}

static void sent(work_mode *work)
{
    work->sending = false;
    if (work->is_seed) {
        seed_sender_sent(&work->wire.sender);
    }
}

static led_code code_of(wifi_reason reason)
{
    switch (reason) {
    case WIFI_REASON_PASSWORD:
    case WIFI_REASON_NOT_FOUND:
        return LED_REFUSED;
    case WIFI_REASON_MODULE:
        return LED_NO_MODULE;
    default:
        return LED_CONNECTING;
    }
}

static void take_event(work_mode *work, const wifi_event *event)
{
    switch (event->type) {
    case WIFI_UP:
        work->up = true;
        work->code = LED_CONNECTING;
        break;
    case WIFI_LEFT:
    case WIFI_REFUSED:
        work->up = false;
        work->code = (uint8_t)code_of(event->reason);
        break;
    case WIFI_OPENED:
        opened(work);
        break;
    case WIFI_FAILED:
    case WIFI_CLOSED:
        disconnected(work);
        break;
    case WIFI_DATA:
        receive(work, event->data, event->len);
        break;
    case WIFI_SENT:
        sent(work);
        break;
    default: /* NONE */
        break;
    }
}

static void take_events(work_mode *work)
{
    wifi_event event;
    do {
        wifi_poll(&work->wifi, now(work), &event);
        take_event(work, &event);
    } while (event.type != WIFI_NONE);
}

static void take_samples(work_mode *work)
{
    medsec_reading reading;
    uint64_t at_ms;
    while (sensors_next(&work->sensors, &reading, &at_ms)) {
        if (work->is_seed) {
            seed_sender_sample(&work->wire.sender, &reading);
        } else if (medsec_device_sample(&work->wire.device, at_ms, &reading) != MEDSEC_OK) {
            work->unfit++;
        }
    }
}

static void poll_wire(work_mode *work, medsec_step *step)
{
    size_t cap = work->sending ? 0 : sizeof work->out;
    if (work->is_seed) {
        seed_sender_poll(&work->wire.sender, now(work), (char *)work->out, cap, step);
    } else {
        medsec_device_poll(&work->wire.device, now(work), work->out, cap, step);
    }
}

/* Does what the wire wants until it waits; gives until when. It is not asked while there is no
 * network, so that its pauses are for gateways that refuse. */
static uint64_t do_steps(work_mode *work)
{
    medsec_step step = {.type = MEDSEC_STEP_WAIT, .until_ms = UINT64_MAX};
    while (work->up && work->link != LINK_CLOSING) {
        poll_wire(work, &step);
        switch (step.type) {
        case MEDSEC_STEP_CONNECT:
            work->link = LINK_OPENING;
            wifi_open(&work->wifi, work->settings->server, work->settings->port);
            break;
        case MEDSEC_STEP_SEND:
            work->sending = wifi_send(&work->wifi, 0, work->out, step.len);
            if (!work->sending) {
                close_connection(work);
            }
            break;
        case MEDSEC_STEP_CLOSE:
            close_connection(work);
            break;
        default:
            return step.until_ms;
        }
    }
    return UINT64_MAX;
}

static uint64_t earlier(uint64_t a, uint64_t b)
{
    return a < b ? a : b;
}

uint64_t work_mode_poll(work_mode *work)
{
    take_events(work);
    uint64_t until_ms = sensors_poll(&work->sensors, now(work));
    take_samples(work);
    until_ms = earlier(until_ms, do_steps(work));
    return earlier(until_ms, wifi_until_ms(&work->wifi));
}

led_code work_mode_led(const work_mode *work)
{
    if (work->link != LINK_OPEN) {
        return (led_code)work->code;
    }
    if (work->is_seed) {
        return LED_WORKING;
    }
    medsec_device_stats stats;
    medsec_device_get_stats(&work->wire.device, &stats);
    return stats.sessions > work->sessions ? LED_WORKING : LED_CONNECTING;
}
