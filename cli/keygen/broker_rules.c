/* SPDX-License-Identifier: Apache-2.0 */
#include "broker_rules.h"

#include <string.h>

#define ROOM (MEDSEC_TOPIC_MAX + 8u)
/* Neither format needs these escaped, and none is a variable's beginning (`%`, `$`). */
#define FILTER_CHARACTERS "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_-./+#"

const char *const broker_formats[] = {"mosquitto", "emqx", NULL};

static const char *const publish = "publish";
static const char *const subscribe = "subscribe";
static const char *const head =
    "Written by medsec-keygen broker-acl: a change here is lost with the next.";

void broker_begin(broker_rules *rules)
{
    fprintf(rules->file, "%s %s\n", rules->format == BROKER_EMQX ? "%%" : "#", head);
}

static void end_term(broker_rules *rules)
{
    if (rules->action != NULL) {
        fputs("]}.\n", rules->file);
    }
    rules->action = NULL;
}

void broker_user(broker_rules *rules, const char *user)
{
    end_term(rules);
    rules->user = user;
    if (rules->format == BROKER_MOSQUITTO) {
        fprintf(rules->file, "\nuser %s\n", user);
    }
}

/* One term an action: EMQX looks at all terms for each message. */
static void write_emqx(broker_rules *rules, const char *action, const char *filter)
{
    if (rules->action == action) {
        fprintf(rules->file, ",\n  \"%s\"", filter);
        return;
    }
    end_term(rules);
    fprintf(rules->file, "{allow, {username, \"%s\"}, %s,\n [\"%s\"", rules->user, action, filter);
    rules->action = action;
}

static void write_rule(broker_rules *rules, const char *action, const char *filter)
{
    if (strspn(filter, FILTER_CHARACTERS) != strlen(filter)) {
        rules->status = MEDSEC_ERR_TOPIC;
    } else if (rules->format == BROKER_EMQX) {
        write_emqx(rules, action, filter);
    } else {
        fprintf(rules->file, "topic %s %s\n", action == publish ? "write" : "read", filter);
    }
}

static void add(broker_rules *rules, const char *action, const char *device, const char *suffix,
                bool below)
{
    char filter[ROOM];
    size_t len = 0;
    medsec_status status =
        device == NULL
            ? medsec_topic_filter(rules->topic, filter, MEDSEC_TOPIC_MAX, &len, suffix)
            : medsec_topic_expand(rules->topic, filter, MEDSEC_TOPIC_MAX, &len, device, suffix);
    if (status == MEDSEC_OK && rules->status == MEDSEC_OK) {
        snprintf(filter + len, sizeof filter - len, "%s", below ? "/#" : "");
        write_rule(rules, action, filter);
    } else if (rules->status == MEDSEC_OK) {
        rules->status = status;
    }
}

void broker_publish(broker_rules *rules, const char *device, const char *suffix, bool below)
{
    add(rules, publish, device, suffix, below);
}

void broker_subscribe(broker_rules *rules, const char *device, const char *suffix, bool below)
{
    add(rules, subscribe, device, suffix, below);
}

/* Everything under the template: the filter of a topic of one level, with `#` in its place. */
static void add_everything(broker_rules *rules)
{
    char filter[ROOM];
    size_t len = 0;
    medsec_status status = medsec_topic_filter(rules->topic, filter, MEDSEC_TOPIC_MAX, &len, "x");
    if (status == MEDSEC_OK && (len < 2 || memcmp(filter + len - 2, "/x", 2) != 0)) {
        status = MEDSEC_ERR_TOPIC;
    }
    if (status != MEDSEC_OK) {
        rules->status = status;
        return;
    }
    filter[len - 1] = '#';
    filter[len] = '\0';
    write_rule(rules, publish, filter);
}

void broker_gateway(broker_rules *rules, const char *user)
{
    broker_user(rules, user);
    add_everything(rules);
    write_rule(rules, publish, "medsec/gateway/+/status");
    broker_subscribe(rules, NULL, "Command/Config", false);
}

medsec_status broker_end(broker_rules *rules)
{
    end_term(rules);
    if (rules->format == BROKER_EMQX) {
        fputs("{deny, all}.\n", rules->file);
    }
    return rules->status;
}
