/* SPDX-License-Identifier: Apache-2.0 */
#include "announce.h"

#include "command.h"
#include "emit.h"
#include "identify.h"
#include "internal.h"

#include <stdio.h>
#include <time.h>

#define STATUS_JSON_MAX 256u

static void retain(const medsec__connection *c, const char *suffix, const char *payload, size_t len)
{
    const medsec__outgoing out = {.suffix = suffix,
                                  .payload = payload,
                                  .len = len,
                                  .lane = c->lane,
                                  .qos = 1,
                                  .retain = true};
    (void)medsec__emit(c->loop, c->id, &out);
}

void medsec__announce_profile(medsec__connection *c)
{
    char json[MEDSEC_PROFILE_JSON_MAX];
    size_t len = 0;
    if (medsec_profile_write_json(json, sizeof json, &len, c->profile) == MEDSEC_OK) {
        retain(c, "Profile", json, len);
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

void medsec__announce_status(medsec__connection *c, uint32_t live, const char *why)
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
        retain(c, "Status", json, (size_t)len);
    }
}

void medsec__announce_result(medsec__loop *loop, const char *id, const uint32_t *version,
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
    const medsec__outgoing out = {.suffix = MEDSEC__COMMAND_TOPIC "/Result",
                                  .payload = json,
                                  .len = (size_t)len,
                                  .lane = medsec__identify_lane(id),
                                  .qos = 1};
    (void)medsec__emit(loop, id, &out);
}

static bool may_announce(const medsec__loop *loop)
{
    medsec_publisher *publisher = loop->gateway->options.publisher;
    return !TAILQ_EMPTY(&loop->forgotten) && !publisher->ops->pressed(publisher, false);
}

static void on_timer(uv_timer_t *timer)
{
    medsec__loop *loop = timer->data;
    for (unsigned i = 0; i < MEDSEC__ANNOUNCE_AT_ONCE && may_announce(loop); i++) {
        medsec__connection *c = TAILQ_FIRST(&loop->forgotten);
        medsec__announce_forget(c);
        medsec__presence_announce(loop->gateway->presence, c);
    }
    if (TAILQ_EMPTY(&loop->forgotten)) {
        (void)uv_timer_stop(timer);
    }
}

medsec_status medsec__announce_open(medsec__loop *loop)
{
    TAILQ_INIT(&loop->forgotten);
    loop->announce.data = loop;
    return uv_timer_init(&loop->uv, &loop->announce) == 0 ? MEDSEC_OK : MEDSEC_ERR_MEMORY;
}

static void note(medsec__loop *loop, medsec__connection *c)
{
    if (c->identified && !c->is_forgotten) {
        c->is_forgotten = true;
        TAILQ_INSERT_TAIL(&loop->forgotten, c, forgotten_link);
    }
}

void medsec__announce_again(medsec__loop *loop)
{
    medsec__connection *c;
    for (unsigned i = 0; i < MEDSEC__PLACES; i++) {
        TAILQ_FOREACH(c, &loop->places[i], link)
        {
            note(loop, c);
        }
    }
    (void)uv_timer_start(&loop->announce, on_timer, 0, MEDSEC__ANNOUNCE_MS);
}

void medsec__announce_forget(medsec__connection *c)
{
    if (c->is_forgotten) {
        c->is_forgotten = false;
        TAILQ_REMOVE(&c->loop->forgotten, c, forgotten_link);
    }
}
