/* SPDX-License-Identifier: Apache-2.0 */
#include "emit.h"

#include "internal.h"

#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>

static medsec_status hand_over(const medsec_gateway *gateway, const char *id,
                               const medsec__outgoing *out)
{
    medsec_publisher *publisher = gateway->options.publisher;
    char topic[MEDSEC_TOPIC_MAX];
    medsec_message message = {.topic = topic,
                              .payload = out->payload,
                              .payload_len = out->len,
                              .token = out->token,
                              .lane = out->lane,
                              .qos = out->qos,
                              .retain = out->retain,
                              .droppable = out->droppable};
    medsec_status status = medsec_topic_expand(&gateway->topic, topic, sizeof topic,
                                               &message.topic_len, id, out->suffix);
    return status == MEDSEC_OK ? publisher->ops->publish(publisher, &message) : status;
}

medsec_status medsec__emit(medsec__loop *loop, const char *id, const medsec__outgoing *out)
{
    medsec_status status = hand_over(loop->gateway, id, out);
    if (status == MEDSEC_OK) {
        medsec__count(&loop->counters.messages, 1);
        return MEDSEC_OK;
    }
    medsec__count(&loop->counters.dropped, 1);
    medsec_log_write(loop->gateway->options.log, MEDSEC_LOG_ERROR, "message-dropped",
                     MEDSEC_LOG_STR("device", id),
                     MEDSEC_LOG_STR("reason", medsec_status_word(status)));
    return status;
}

/* Of a reading: while a batch is filled, it waits for this one too. A device of the seed wire
 * waits for nobody, and cannot send again. */
static void publish(medsec__connection *c, const char *suffix, const char *payload, size_t len)
{
    const bool is_v1 = medsec__is_v1(c);
    const medsec__outgoing out = {
        .suffix = suffix,
        .payload = payload,
        .len = len,
        .token = c->filling ? medsec__ledger_add(&c->loop->ledger, c->filling) : 0,
        .lane = c->lane,
        .qos = is_v1 ? 1 : c->loop->gateway->options.seed_qos,
        .droppable = !is_v1};
    medsec_status status = medsec__emit(c->loop, c->id, &out);
    if (c->filling && status != MEDSEC_OK) {
        (void)medsec__ledger_settle(&c->loop->ledger, c->filling, status); /* never the last */
    }
}

uint64_t medsec__emit_now_ms(void)
{
    struct timespec t;
    clock_gettime(CLOCK_REALTIME, &t);
    return (uint64_t)t.tv_sec * 1000 + (uint64_t)t.tv_nsec / 1000000;
}

static void emit_fields(medsec__connection *c, const medsec_reading *reading)
{
    for (unsigned i = 0; i < c->profile->count && i < reading->count; i++) {
        if (reading->value[i].kind == MEDSEC_VALUE_NONE) {
            continue; /* the sensor failed: nothing was measured */
        }
        char text[MEDSEC_VALUE_TEXT_MAX];
        size_t len = medsec_value_write(text, reading->value[i]);
        publish(c, c->profile->vitals[i].topic, text, len);
    }
}

static medsec_reading_origin origin_of(const medsec__connection *c, const medsec_event *event)
{
    bool own = event->sequenced && event->time_quality != MEDSEC_TIME_UNKNOWN;
    return (medsec_reading_origin){.device = c->id,
                                   .wire = medsec_wire_name(medsec_session_wire(&c->session)),
                                   .time_ms =
                                       event->sequenced ? event->time_ms : medsec__emit_now_ms(),
                                   .time_source = own ? "device" : "gateway",
                                   .sequenced = event->sequenced,
                                   .boot = event->boot,
                                   .sequence = event->sequence};
}

/* What is not published is not acknowledged. */
static void give_up(medsec__connection *c)
{
    if (c->filling) {
        atomic_store(&c->filling->failed, true);
    }
}

static void emit_object(medsec__connection *c, const medsec_event *event)
{
    const medsec_reading_origin origin = origin_of(c, event);
    char json[MEDSEC_READING_JSON_MAX];
    size_t len = 0;
    if (medsec_reading_write_json(json, sizeof json, &len, c->profile, event->reading, &origin) ==
        MEDSEC_OK) {
        publish(c, "Reading", json, len);
    } else {
        give_up(c);
    }
}

void medsec__emit_batch(medsec__connection *c)
{
    medsec__loop *loop = c->loop;
    size_t len = 0;
    if (loop->batch.count > 0 && medsec_batch_end(&loop->batch, &len) == MEDSEC_OK) {
        publish(c, "Readings", loop->batch_text, len);
    }
    loop->batch.count = 0;
}

static medsec_status add_to_batch(medsec__connection *c, const medsec_event *event,
                                  const medsec_reading_origin *origin)
{
    medsec__loop *loop = c->loop;
    medsec_status status = MEDSEC_OK;
    if (loop->batch.count == 0) {
        status = medsec_batch_begin(&loop->batch, loop->batch_text, sizeof loop->batch_text,
                                    c->profile, origin);
    }
    return status == MEDSEC_OK
               ? medsec_batch_add(&loop->batch, event->reading, origin->time_ms, origin->sequence)
               : status;
}

/* A batch that is full is published, and another one begun. */
static void emit_in_batch(medsec__connection *c, const medsec_event *event)
{
    const medsec_reading_origin origin = origin_of(c, event);
    medsec_status status = add_to_batch(c, event, &origin);
    if (status == MEDSEC_ERR_BUFFER && c->loop->batch.count > 0) {
        medsec__emit_batch(c);
        status = add_to_batch(c, event, &origin);
    }
    if (status != MEDSEC_OK) {
        give_up(c);
    }
}

static void emit_text(medsec__connection *c, const char *suffix, const char *text)
{
    publish(c, suffix, text, strlen(text));
}

static void emit_address(medsec__connection *c, const medsec__address *address,
                         const char *host_suffix, const char *port_suffix)
{
    char host[MEDSEC__ADDRESS_TEXT_MAX], port[8];
    medsec__address_host(host, address);
    snprintf(port, sizeof port, "%u", medsec__address_port(address));
    emit_text(c, host_suffix, host);
    emit_text(c, port_suffix, port);
}

static void emit_addresses(medsec__connection *c)
{
    emit_address(c, &c->peer, "Ip_address", "Port_address");
    medsec__address own;
    socklen_t len = sizeof own;
    uv_os_fd_t fd;
    if (uv_fileno((uv_handle_t *)&c->tcp, &fd) == 0 && getsockname(fd, &own.any, &len) == 0) {
        emit_address(c, &own, "Internal_Server/Ip_address", "Internal_Server/Port_address");
    }
}

static uint32_t chosen(const medsec__connection *c)
{
    const uint32_t usual =
        medsec__is_v1(c) ? MEDSEC_PUBLISH_FIELDS | MEDSEC_PUBLISH_READING : MEDSEC_PUBLISH_FIELDS;
    const uint32_t what = c->loop->gateway->options.publish;
    return what ? what : usual;
}

void medsec__emit_reading(medsec__connection *c, const medsec_event *event)
{
    const uint32_t what = chosen(c);
    if (what & MEDSEC_PUBLISH_FIELDS) {
        emit_fields(c, event->reading);
        if (c->readings % MEDSEC_GATEWAY_ADDRESS_EVERY == 0) {
            emit_addresses(c);
        }
    }
    if (what & MEDSEC_PUBLISH_READING) {
        emit_object(c, event);
    }
    if (what & MEDSEC_PUBLISH_BATCH) {
        emit_in_batch(c, event);
    }
}
