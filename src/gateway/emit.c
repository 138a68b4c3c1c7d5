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

static void publish(medsec__connection *c, outgoing out)
{
    medsec_gateway *gateway = c->loop->gateway;
    medsec__counters *counters = &c->loop->counters;
    medsec_publisher *publisher = gateway->options.publisher;
    char topic[MEDSEC_TOPIC_MAX];
    medsec_message message = {.topic = topic,
                              .payload = out.payload,
                              .payload_len = out.len,
                              .lane = c->lane,
                              .qos = out.qos,
                              .retain = out.retain};
    medsec_status status = medsec_topic_expand(&gateway->topic, topic, sizeof topic,
                                               &message.topic_len, c->id, out.suffix);
    if (status == MEDSEC_OK) {
        status = publisher->ops->publish(publisher, &message);
    }
    if (status == MEDSEC_OK) {
        medsec__count(&counters->messages, 1);
        return;
    }
    medsec__count(&counters->dropped, 1);
    medsec_log_write(gateway->options.log, MEDSEC_LOG_ERROR, "message-dropped",
                     MEDSEC_LOG_STR("device", c->id),
                     MEDSEC_LOG_STR("reason", medsec_status_word(status)));
}

static uint64_t now_ms(void)
{
    struct timespec t;
    clock_gettime(CLOCK_REALTIME, &t);
    return (uint64_t)t.tv_sec * 1000 + (uint64_t)t.tv_nsec / 1000000;
}

static void emit_fields(medsec__connection *c, const medsec_reading *reading)
{
    const uint8_t qos = c->loop->gateway->options.seed_qos;
    for (unsigned i = 0; i < c->profile->count && i < reading->count; i++) {
        char text[MEDSEC_VALUE_TEXT_MAX];
        size_t len = medsec_value_write(text, reading->value[i]);
        publish(c, (outgoing){c->profile->vitals[i].topic, text, len, qos, false});
    }
}

static void emit_object(medsec__connection *c, const medsec_reading *reading)
{
    const medsec_reading_origin origin = {.device = c->id,
                                          .wire =
                                              medsec_wire_name(medsec_session_wire(&c->session)),
                                          .time_ms = now_ms(),
                                          .time_source = "gateway"};
    char json[MEDSEC_READING_JSON_MAX];
    size_t len = 0;
    if (medsec_reading_write_json(json, sizeof json, &len, c->profile, reading, &origin) ==
        MEDSEC_OK) {
        publish(c, (outgoing){"Reading", json, len, c->loop->gateway->options.seed_qos, false});
    }
}

static void emit_text(medsec__connection *c, const char *suffix, const char *text)
{
    const uint8_t qos = c->loop->gateway->options.seed_qos;
    publish(c, (outgoing){suffix, text, strlen(text), qos, false});
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

void medsec__emit_reading(medsec__connection *c, const medsec_reading *reading)
{
    const uint32_t what = c->loop->gateway->options.publish;
    if (what & MEDSEC_PUBLISH_FIELDS) {
        emit_fields(c, reading);
        if (c->readings % MEDSEC_GATEWAY_ADDRESS_EVERY == 0) {
            emit_addresses(c);
        }
    }
    if (what & MEDSEC_PUBLISH_READING) {
        emit_object(c, reading);
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
    uint64_t ms = now_ms();
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
                       "{\"status\":\"%s\",\"wire\":\"%s\",\"authenticated\":false,"
                       "\"sessions\":%u,\"reason\":\"%s\",\"time\":\"%s\"}",
                       live > 0 ? "online" : "offline",
                       medsec_wire_name(medsec_session_wire(&c->session)), live, why, now);
    if (len > 0 && (size_t)len < sizeof json) {
        publish(c, (outgoing){"Status", json, (size_t)len, 1, true});
    }
}
