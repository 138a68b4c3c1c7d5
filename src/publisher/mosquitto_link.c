/* SPDX-License-Identifier: Apache-2.0 */
#include "broker_socket.h"
#include "link_log.h"
#include "mosquitto_parts.h"

#include <errno.h>
#include <mqtt_protocol.h>
#include <string.h>
#include <sys/socket.h>

#define GREETING_MAX_MS 10000u /* from TCP connect to CONNACK */

/* A loop has other things to do: after so many windows of messages it turns once. */
#define WINDOWS_A_TURN 8u

/* The socket did not take all. */
static bool is_blocked(const mosq *p)
{
    return medsec__mosq_is_sending(p) || mosquitto_want_write(p->handle);
}

/* What libmosquitto returned, with what the system said. */
static int note(mosq *p, int rc)
{
    p->error = errno;
    return rc;
}

/* As far as the socket takes it. */
static int write_out(mosq *p)
{
    if (!medsec__mosq_send(p)) {
        return note(p, MOSQ_ERR_ERRNO);
    }
    if (medsec__mosq_is_sending(p) || !mosquitto_want_write(p->handle)) {
        return MOSQ_ERR_SUCCESS;
    }
    return note(p, mosquitto_loop_write(p->handle, 1));
}

static int wanted(const mosq *p)
{
    const SSL *ssl = mosquitto_ssl_get(p->handle);
    if (!p->reached) {
        return UV_WRITABLE;
    }
    if (ssl && !SSL_is_init_finished(ssl)) {
        return UV_DISCONNECT | (SSL_want_write(ssl) ? UV_WRITABLE : UV_READABLE);
    }
    return UV_READABLE | (is_blocked(p) ? UV_WRITABLE : 0);
}

void medsec__mosq_hang_up(mosq *p)
{
    medsec__mosq_unwatch(p);
    if (p->handle) {
        mosquitto_destroy(p->handle);
        p->handle = NULL;
    }
    medsec__tls_destroy(p->tls);
    p->tls = NULL;
    p->reached = p->accepted = p->has_failure = false;
    p->state = MOSQ_AWAY;
    uv_mutex_lock(&p->base.lock);
    p->base.linked = false;
    p->is_due = true;
    medsec__mosq_rewind(p);
    uv_mutex_unlock(&p->base.lock);
}

/* A broker that was up in 3.1.1 and had not said that it knows nothing else is asked again. */
static void choose_version(mosq *p, bool was_up, bool hung_up_on_us)
{
    if (p->is_old) {
        p->version = MQTT_PROTOCOL_V311;
    } else if (was_up) {
        p->version = MQTT_PROTOCOL_V5;
    } else if (hung_up_on_us) {
        p->version = p->version == MQTT_PROTOCOL_V5 ? MQTT_PROTOCOL_V311 : MQTT_PROTOCOL_V5;
    }
}

static void lose(mosq *p, const medsec__link_failure *failure, bool hung_up_on_us)
{
    const bool was_up = p->state == MOSQ_UP;
    const uint32_t wait_ms =
        medsec__backoff_next(&p->backoff, was_up ? uv_now(p->loop) - p->since_ms : 0);
    choose_version(p, was_up, hung_up_on_us);
    p->attempt += !was_up;
    medsec__mosq_hang_up(p);
    uv_mutex_lock(&p->base.lock);
    const size_t queued = p->base.queue.count;
    p->base.counts.trouble = failure->reason;
    uv_mutex_unlock(&p->base.lock);
    medsec__link_log_down(&p->base.options, failure, was_up, queued, wait_ms);
    if (was_up) {
        medsec__mqtt_client_tell_linked(&p->base, false);
    }
    medsec__mosq_retry(p, wait_ms);
    medsec__mosq_progress(p);
}

static void lose_to(mosq *p, medsec_status status)
{
    const medsec__link_failure failure = medsec__status_failure(status);
    lose(p, &failure, false);
}

static medsec_status status_of(int rc, int error)
{
    switch (rc) {
    case MOSQ_ERR_SUCCESS:
    case MOSQ_ERR_CONN_LOST:
    case MOSQ_ERR_NO_CONN:
        return MEDSEC_ERR_CLOSED;
    case MOSQ_ERR_KEEPALIVE:
        return MEDSEC_ERR_TIMEOUT;
    case MOSQ_ERR_NOMEM:
        return MEDSEC_ERR_MEMORY;
    case MOSQ_ERR_ERRNO:
        return error == EPIPE || error == 0 ? MEDSEC_ERR_CLOSED : MEDSEC_ERR_IO;
    default:
        return MEDSEC_ERR_MESSAGE;
    }
}

static medsec__link_failure why(const mosq *p, int rc)
{
    medsec__link_failure failure;
    if (p->has_failure) {
        return p->failure;
    }
    if (p->tls && medsec__tls_failure(&failure, p->tls)) {
        return failure;
    }
    const medsec_status status = status_of(rc, p->error);
    const bool unanswered = status == MEDSEC_ERR_CLOSED && p->state != MOSQ_UP;
    return medsec__status_failure(unanswered ? MEDSEC_ERR_STATE : status);
}

static void announce(mosq *p, const char *payload, int *id)
{
    if (p->base.options.will_topic && payload) {
        (void)mosquitto_publish(p->handle, id, p->base.options.will_topic, (int)strlen(payload),
                                payload, 1, true);
    }
}

/* What is queued leaves before the loop waits again. */
static void come_up(mosq *p)
{
    p->state = MOSQ_UP;
    p->since_ms = uv_now(p->loop);
    announce(p, p->base.options.online_payload, NULL);
    if (p->base.filter) {
        (void)mosquitto_subscribe(p->handle, NULL, p->base.filter, 1);
    }
    uv_mutex_lock(&p->base.lock);
    p->base.linked = true;
    p->base.counts.connects++;
    p->base.counts.mqtt_version = p->version == MQTT_PROTOCOL_V5 ? 5 : 4;
    uv_mutex_unlock(&p->base.lock);
    medsec__link_log_up(&p->base.options, p->version == MQTT_PROTOCOL_V5 ? 5 : 4);
    medsec__mqtt_client_tell_linked(&p->base, true);
}

/* After libmosquitto did something; `spoken`: the broker had our CONNECT before. */
static void look(mosq *p, int rc, bool spoken)
{
    if (rc != MOSQ_ERR_SUCCESS || mosquitto_socket(p->handle) < 0) {
        const medsec__link_failure failure = why(p, rc);
        p->unanswered = p->tls && p->state != MOSQ_UP && !p->has_failure;
        lose(p, &failure, spoken && !p->has_failure);
    } else if (p->state == MOSQ_GREETING && p->accepted) {
        come_up(p);
    } else if (!medsec__mosq_watch(p, wanted(p))) {
        lose_to(p, MEDSEC_ERR_MEMORY);
    } else {
        medsec__mosq_progress(p);
    }
}

void medsec__mosq_greet(mosq *p)
{
    const mosq_dial *d = &p->dial;
    if (!d->handle) {
        lose(p, &d->failure, false);
        return;
    }
    p->handle = d->handle;
    p->tls = d->tls;
    p->state = MOSQ_GREETING;
    p->since_ms = uv_now(p->loop);
    look(p, MOSQ_ERR_SUCCESS, false);
}

static bool reach(mosq *p)
{
    int error = 0;
    socklen_t len = sizeof error;
    if (getsockopt(mosquitto_socket(p->handle), SOL_SOCKET, SO_ERROR, &error, &len) != 0 ||
        error != 0) {
        lose_to(p, MEDSEC_ERR_IO);
        return false;
    }
    p->reached = true;
    return true;
}

static bool shakes_hands(const mosq *p)
{
    const SSL *ssl = mosquitto_ssl_get(p->handle);
    return ssl && !SSL_is_init_finished(ssl);
}

/* libmosquitto shakes hands where it reads, and says nothing of a connection that ends in it. */
static int read_and_write(mosq *p, int events, bool broken)
{
    const bool hears = (events & UV_READABLE) != 0 || broken || p->state == MOSQ_GREETING;
    int rc = hears ? note(p, mosquitto_loop_read(p->handle, 1)) : MOSQ_ERR_SUCCESS;
    if (rc == MOSQ_ERR_SUCCESS && mosquitto_socket(p->handle) >= 0) {
        rc = write_out(p);
    }
    const bool ended = broken || ((events & UV_DISCONNECT) != 0 && shakes_hands(p));
    return rc == MOSQ_ERR_SUCCESS && ended ? MOSQ_ERR_CONN_LOST : rc;
}

void medsec__mosq_turn(mosq *p, int events, bool broken)
{
    const bool spoken = p->state == MOSQ_GREETING && p->reached && !shakes_hands(p);
    if (!p->reached && !reach(p)) {
        return;
    }
    const int rc = read_and_write(p, events, broken);
    medsec__mosq_release(p);
    if (rc == MOSQ_ERR_SUCCESS && p->state == MOSQ_UP && mosquitto_socket(p->handle) >= 0) {
        medsec__mosq_flush(p);
    } else {
        look(p, rc, spoken);
    }
}

/* A broker that answers pings, and confirms nothing. */
static bool is_stuck(mosq *p)
{
    const uint64_t now = uv_now(p->loop);
    if (p->handed == p->released || p->released != p->confirmed) {
        p->confirmed = p->released;
        p->confirmed_ms = now;
    }
    return now - p->confirmed_ms >= MEDSEC__UNCONFIRMED_MAX_MS;
}

void medsec__mosq_tick(mosq *p)
{
    const bool is_late =
        p->state == MOSQ_GREETING && uv_now(p->loop) - p->since_ms >= GREETING_MAX_MS;
    if (is_late || (p->state == MOSQ_UP && is_stuck(p))) {
        lose_to(p, MEDSEC_ERR_TIMEOUT);
    } else if (p->state == MOSQ_UP) {
        int rc = mosquitto_loop_misc(p->handle);
        if (rc == MOSQ_ERR_SUCCESS) {
            rc = write_out(p);
        }
        look(p, rc, false);
    }
}

/* One window after the other; packets that libmosquitto writes one by one leave together. */
static int send_windows(mosq *p, bool *corked)
{
    int rc = write_out(p);
    size_t count = 1;
    for (unsigned i = 0; rc == MOSQ_ERR_SUCCESS && i < WINDOWS_A_TURN && count > 0 &&
                         mosquitto_socket(p->handle) >= 0 && !is_blocked(p);
         i++) {
        count = medsec__mosq_hand_over(p, &rc);
        if (count > 1 && !*corked && !medsec__mosq_is_sending(p)) {
            *corked = true;
            medsec__broker_cork(mosquitto_socket(p->handle), true);
        }
        rc = rc == MOSQ_ERR_SUCCESS ? write_out(p) : rc;
        medsec__mosq_release(p);
    }
    if (rc == MOSQ_ERR_SUCCESS && count > 0 && !is_blocked(p)) {
        medsec__mosq_retry(p, 0);
    }
    return rc;
}

void medsec__mosq_flush(mosq *p)
{
    bool corked = false;
    if (p->state != MOSQ_UP) {
        return;
    }
    const int rc = send_windows(p, &corked);
    if (corked) {
        medsec__broker_cork(mosquitto_socket(p->handle), false);
    }
    look(p, rc, false);
}

void medsec__mosq_go_on(mosq *p)
{
    if (p->state == MOSQ_UP) {
        medsec__mosq_flush(p);
    } else {
        look(p, MOSQ_ERR_SUCCESS, false);
    }
}

bool medsec__mosq_say_goodbye(mosq *p)
{
    if (p->state != MOSQ_UP) {
        return false;
    }
    if (p->goodbye == 0) {
        announce(p, p->base.options.offline_payload, &p->goodbye);
        p->goodbye = p->goodbye == 0 ? -1 : p->goodbye;
    }
    if (p->goodbye < 0) {
        (void)mosquitto_disconnect(p->handle);
    }
    return write_out(p) == MOSQ_ERR_SUCCESS && mosquitto_socket(p->handle) >= 0;
}
