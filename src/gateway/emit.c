/* SPDX-License-Identifier: Apache-2.0 */
#include "internal.h"

#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>

#define STATUS_JSON_MAX 256u

typedef struct outgoing {
    const char *suffix;
    const char *payload;
    size_t len;
    uint8_t qos;
    bool retain;
} outgoing;

static medsec_status hand_over(medsec_gateway *gateway, const char *id, const outgoing *out,
                               uint32_t lane, uint64_t token)
{
    medsec_publisher *publisher = gateway->options.publisher;
    char topic[MEDSEC_TOPIC_MAX];
    medsec_message message = {.topic = topic,
                              .payload = out->payload,
                              .payload_len = out->len,
                              .token = token,
                              .lane = lane,
                              .qos = out->qos,
                              .retain = out->retain};
    medsec_status status = medsec_topic_expand(&gateway->topic, topic, sizeof topic,
                                               &message.topic_len, id, out->suffix);
    return status == MEDSEC_OK ? publisher->ops->publish(publisher, &message) : status;
}

static medsec_status publish_of(medsec__loop *loop, const char *id, const outgoing *out,
                                uint32_t lane, uint64_t token)
{
    medsec_status status = hand_over(loop->gateway, id, out, lane, token);
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

static void publish(medsec__connection *c, outgoing out)
{
    (void)publish_of(c->loop, c->id, &out, c->lane, 0);
}

/* Of a reading: while a batch is filled, it waits for this one too. */
static void publish_part(medsec__connection *c, outgoing out)
{
    uint64_t token = c->filling ? medsec__ledger_add(&c->loop->ledger, c->filling) : 0;
    medsec_status status = publish_of(c->loop, c->id, &out, c->lane, token);
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

static uint8_t qos_of(const medsec__connection *c)
{
    return medsec__is_v1(c) ? 1 : c->loop->gateway->options.seed_qos;
}

static void emit_fields(medsec__connection *c, const medsec_reading *reading)
{
    const uint8_t qos = qos_of(c);
    for (unsigned i = 0; i < c->profile->count && i < reading->count; i++) {
        if (reading->value[i].kind == MEDSEC_VALUE_NONE) {
            continue; /* the sensor failed: nothing was measured */
        }
        char text[MEDSEC_VALUE_TEXT_MAX];
        size_t len = medsec_value_write(text, reading->value[i]);
        publish_part(c, (outgoing){c->profile->vitals[i].topic, text, len, qos, false});
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
        publish_part(c, (outgoing){"Reading", json, len, qos_of(c), false});
    } else {
        give_up(c);
    }
}

void medsec__emit_batch(medsec__connection *c)
{
    medsec__loop *loop = c->loop;
    size_t len = 0;
    if (loop->batch.count > 0 && medsec_batch_end(&loop->batch, &len) == MEDSEC_OK) {
        publish_part(c, (outgoing){"Readings", loop->batch_text, len, qos_of(c), false});
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
    publish_part(c, (outgoing){suffix, text, strlen(text), qos_of(c), false});
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

void medsec__emit_profile(medsec__connection *c)
{
    char json[MEDSEC_PROFILE_JSON_MAX];
    size_t len = 0;
    if (medsec_profile_write_json(json, sizeof json, &len, c->profile) == MEDSEC_OK) {
        publish(c, (outgoing){"Profile", json, len, 1, true});
    }
}

static void write_time(char out[32])
{
    uint64_t ms = medsec__emit_now_ms();
    time_t seconds = (time_t)(ms / 1000);
    struct tm t;
    gmtime_r(&seconds, &t);
    char text[24];
    (void)strftime(text, sizeof text, "%Y-%m-%dT%H:%M:%S", &t);
    snprintf(out, 32, "%s.%03uZ", text, (unsigned)(ms % 1000));
}

void medsec__emit_status(medsec__connection *c, uint32_t live, const char *why)
{
    char json[STATUS_JSON_MAX], now[32];
    write_time(now);
    int len = snprintf(json, sizeof json,
                       "{\"status\":\"%s\",\"wire\":\"%s\",\"authenticated\":%s,"
                       "\"sessions\":%u,\"reason\":\"%s\",\"time\":\"%s\"}",
                       live > 0 ? "online" : "offline",
                       medsec_wire_name(medsec_session_wire(&c->session)),
                       medsec__is_v1(c) ? "true" : "false", live, why, now);
    if (len > 0 && (size_t)len < sizeof json) {
        publish(c, (outgoing){"Status", json, (size_t)len, 1, true});
    }
}

void medsec__emit_result(medsec__loop *loop, const char *id, const uint32_t *version,
                         const char *status, const char *why)
{
    char json[STATUS_JSON_MAX], number[32] = "", reason[64] = "", now[32];
    write_time(now);
    if (version) {
        snprintf(number, sizeof number, "\"version\":%u,", *version);
    }
    if (why) {
        snprintf(reason, sizeof reason, "\"reason\":\"%s\",", why);
    }
    int len = snprintf(json, sizeof json, "{%s\"status\":\"%s\",%s\"time\":\"%s\"}", number, status,
                       reason, now);
    const outgoing out = {MEDSEC__COMMAND_TOPIC "/Result", json, (size_t)len, 1, false};
    (void)publish_of(loop, id, &out, medsec__identify_lane(id), 0);
}
