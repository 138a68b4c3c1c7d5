/* SPDX-License-Identifier: Apache-2.0 */
#include "command.h"

#include "announce.h"
#include "internal.h"

#include <cjson/cJSON.h>
#include <stdlib.h>
#include <string.h>

void medsec__command_received(void *context, const char *topic, size_t topic_len,
                              const uint8_t *payload, size_t payload_len)
{
    medsec_gateway *gateway = context;
    char id[MEDSEC_DEVICE_ID_MAX + 1];
    if (medsec_topic_match(&gateway->topic, id, MEDSEC__COMMAND_TOPIC, topic, topic_len) !=
        MEDSEC_OK) {
        return;
    }
    /* One byte too many is enough to see that it is too long. */
    size_t len = payload_len > MEDSEC__COMMAND_MAX ? MEDSEC__COMMAND_MAX + 1 : payload_len;
    if (medsec__presence_command(gateway->presence, id, payload, len) == MEDSEC_ERR_BUSY) {
        medsec__announce_result(&gateway->loops[0], id, NULL, "not-sent", "busy");
    }
}

typedef struct member {
    const char *name;
    uint32_t given;
    uint32_t *value;
} member;

static bool is_whole(const cJSON *item)
{
    return cJSON_IsNumber(item) && item->valuedouble >= 0 && item->valuedouble <= UINT32_MAX &&
           (double)(uint32_t)item->valuedouble == item->valuedouble;
}

#define VERSION_GIVEN 0x80000000u

static const char *take_member(medsec_config *config, const cJSON *item)
{
    const member members[] = {
        {"sample_interval_ms", MEDSEC_CONFIG_SAMPLE_INTERVAL, &config->sample_interval_ms},
        {"batch_max", MEDSEC_CONFIG_BATCH_MAX, &config->batch_max},
        {"report_interval_ms", MEDSEC_CONFIG_REPORT_INTERVAL, &config->report_interval_ms},
        {"version", VERSION_GIVEN, &config->version}};
    for (size_t i = 0; i < sizeof members / sizeof *members; i++) {
        if (strcmp(item->string, members[i].name) != 0) {
            continue;
        }
        if (config->given & members[i].given) {
            return "duplicate-member";
        }
        if (!is_whole(item)) {
            return "number";
        }
        config->given |= members[i].given;
        *members[i].value = (uint32_t)item->valuedouble;
        return NULL;
    }
    return "unknown-member";
}

static const char *take_members(medsec_config *config, const cJSON *object)
{
    const cJSON *item;
    if (!cJSON_IsObject(object)) {
        return "syntax";
    }
    cJSON_ArrayForEach(item, object)
    {
        const char *wrong = take_member(config, item);
        if (wrong) {
            return wrong;
        }
    }
    return NULL;
}

const char *medsec__command_parse(medsec_config *config, bool *versioned, const char *text,
                                  size_t len)
{
    *config = (medsec_config){.given = 0};
    *versioned = false;
    if (len > MEDSEC__COMMAND_MAX) {
        return "limit";
    }
    if (strlen(text) != len) {
        return "syntax";
    }
    cJSON *object = cJSON_ParseWithLengthOpts(text, len + 1, NULL, true);
    const char *wrong = take_members(config, object);
    cJSON_Delete(object);
    *versioned = (config->given & VERSION_GIVEN) != 0;
    config->given &= ~VERSION_GIVEN;
    return wrong;
}

/* NULL, or why it was not sent. */
static const char *send_config(medsec__connection *c, const medsec_config *config)
{
    uint8_t out[MEDSEC_SESSION_OUT_LEN];
    size_t len = 0;
    if (!medsec__is_v1(c)) {
        return "wire";
    }
    if (c->unanswered == MEDSEC_DEVICE_ANSWERS_MAX) {
        return "busy";
    }
    if (medsec_session_config(&c->session, out, &len, config) != MEDSEC_OK) {
        return "closed";
    }
    c->unanswered++;
    return medsec__connection_send(c, out, len) ? NULL : "closed";
}

static void run_command(medsec__connection *c, const medsec__mail *mail)
{
    medsec__loop *loop = c->loop;
    char id[sizeof c->id];
    medsec_config config;
    bool versioned = false;
    memcpy(id, c->id, sizeof id);
    const char *why = medsec__command_parse(&config, &versioned, mail->payload, mail->len);
    if (why) {
        medsec__announce_result(loop, id, versioned ? &config.version : NULL, "invalid", why);
        return;
    }
    if (!versioned) {
        config.version = atomic_fetch_add(&loop->gateway->config_version, 1) + 1;
    }
    why = send_config(c, &config);
    if (why) {
        medsec__announce_result(loop, id, &config.version, "not-sent", why);
        return;
    }
    medsec__count(&loop->counters.commands, 1);
    medsec_log_write(loop->gateway->options.log, MEDSEC_LOG_INFO, "command-sent",
                     MEDSEC_LOG_STR("device", id), MEDSEC_LOG_INT("version", config.version));
}

static void supersede(medsec__connection *c)
{
    medsec__count(&c->loop->counters.superseded, 1);
    medsec__connection_goodbye(c, MEDSEC_CLOSE_SUPERSEDED);
}

void medsec__command_run(medsec__loop *loop)
{
    medsec__mail *mail;
    while ((mail = medsec__mailbox_take(&loop->mailbox))) {
        if (mail->is_command) {
            run_command(mail->to, mail);
        } else {
            supersede(mail->to);
        }
        free(mail);
    }
}

void medsec__command_purge(medsec__connection *c)
{
    medsec__mail *mail;
    while ((mail = medsec__mailbox_take_of(c))) {
        if (mail->is_command) {
            medsec__announce_result(c->loop, c->id, NULL, "not-sent", "closed");
        }
        free(mail);
    }
}

void medsec__command_result(medsec__connection *c, const medsec_config_ack *ack)
{
    bool applied = ack->status == MEDSEC_CONFIG_APPLIED;
    if (c->unanswered > 0) {
        c->unanswered--;
    }
    medsec__announce_result(c->loop, c->id, &ack->version, applied ? "applied" : "refused",
                            applied ? NULL : "limit");
}
