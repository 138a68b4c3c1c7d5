/* SPDX-License-Identifier: Apache-2.0 */
#include "mosquitto_parts.h"

#include <errno.h>
#include <mqtt_protocol.h>
#include <openssl/err.h>
#include <sodium.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

/*
 * A message of QoS 0 is forgotten when it is written, so that libmosquitto need not know of it. It
 * would take two system calls and five blocks of the heap for each; here a round is one buffer,
 * one system call, and with TLS one record.
 */
#define OUT_BYTES 65536u
#define HEADER_MAX 5u /* type, remaining length; MQTT 5.0 section 2.1 */

bool medsec__mosq_open_direct(mosq *p)
{
    p->out = malloc(OUT_BYTES);
    return p->out != NULL;
}

void medsec__mosq_close_direct(mosq *p)
{
    if (p->out) {
        sodium_memzero(p->out, OUT_BYTES); /* vitals */
    }
    free(p->out);
}

bool medsec__mosq_is_sending(const mosq *p)
{
    return p->out_sent < p->out_len;
}

/* Behind the fixed header. MQTT 5 has the length of the properties, of which there are none. */
static size_t remaining_length(const mosq *p, const medsec_message *m)
{
    return 2 + m->topic_len + (p->version == MQTT_PROTOCOL_V5) + m->payload_len;
}

/* What may not be sent so is left to libmosquitto, which knows what the broker takes. */
static bool can_go(const mosq *p, const medsec_message *m)
{
    const size_t most = HEADER_MAX + remaining_length(p, m);
    return m->qos == 0 && !m->retain && most <= OUT_BYTES - p->out_len && most <= p->packet_max;
}

/* MQTT 5.0 section 3.3: PUBLISH. */
static void compose(mosq *p, const medsec_message *m)
{
    uint8_t *at = p->out + p->out_len;
    size_t length = remaining_length(p, m);
    *at++ = CMD_PUBLISH;
    do {
        *at++ = (uint8_t)((length & 0x7f) | (length > 0x7f ? 0x80 : 0));
        length >>= 7;
    } while (length > 0);
    *at++ = (uint8_t)(m->topic_len >> 8);
    *at++ = (uint8_t)m->topic_len;
    memcpy(at, m->topic, m->topic_len);
    at += m->topic_len;
    if (p->version == MQTT_PROTOCOL_V5) {
        *at++ = 0;
    }
    if (m->payload_len > 0) {
        memcpy(at, m->payload, m->payload_len);
    }
    p->out_len = (size_t)(at - p->out) + m->payload_len;
}

size_t medsec__mosq_compose(mosq *p)
{
    medsec_message m;
    size_t count = 0;
    p->out_len = p->out_sent = 0;
    p->out_first = p->handed;
    while (p->handed - p->released < MOSQ_SLOTS && medsec__queue_peek(&p->base.queue, &m) &&
           can_go(p, &m)) {
        (void)medsec__queue_next(&p->base.queue, &m);
        (void)medsec__mosq_claim(p, &m);
        compose(p, &m);
        count++;
    }
    return count;
}

/* 0: the socket takes no more now; below: it is broken. */
static ssize_t send_tls(SSL *ssl, const uint8_t *data, size_t len)
{
    ERR_clear_error();
    errno = 0;
    const int n = SSL_write(ssl, data, (int)len);
    if (n > 0) {
        return n;
    }
    const int error = SSL_get_error(ssl, n);
    return error == SSL_ERROR_WANT_READ || error == SSL_ERROR_WANT_WRITE ? 0 : -1;
}

static ssize_t send_some(const mosq *p, const uint8_t *data, size_t len)
{
    SSL *ssl = mosquitto_ssl_get(p->handle);
    if (ssl) {
        return send_tls(ssl, data, len);
    }
    const ssize_t n = send(mosquitto_socket(p->handle), data, len, MSG_NOSIGNAL | MSG_DONTWAIT);
    return n < 0 && (errno == EAGAIN || errno == EINTR) ? 0 : n;
}

bool medsec__mosq_send(mosq *p)
{
    if (!medsec__mosq_is_sending(p)) {
        return true;
    }
    ssize_t n = 1;
    while (n > 0 && medsec__mosq_is_sending(p)) {
        n = send_some(p, p->out + p->out_sent, p->out_len - p->out_sent);
        p->out_sent += n > 0 ? (size_t)n : 0;
    }
    for (uint64_t i = p->out_first; i < p->handed && !medsec__mosq_is_sending(p); i++) {
        p->slots[i % MOSQ_SLOTS].done = true;
    }
    return n >= 0;
}
