/* SPDX-License-Identifier: Apache-2.0 */
#ifndef MEDSEC_KEYGEN_BROKER_RULES_H
#define MEDSEC_KEYGEN_BROKER_RULES_H

#include <medsec/topic.h>

#include <stdbool.h>
#include <stdio.h>

/*
 * Rules of a broker, all of which allow; what no rule allows is refused. There is none that denies:
 * EMQX looks at a subscription's filter and not at what comes by it, so that a wider filter would
 * go round such a rule.
 */
typedef enum broker_format { BROKER_MOSQUITTO, BROKER_EMQX } broker_format;

extern const char *const broker_formats[]; /* their names, ended by NULL */

typedef struct broker_rules {
    FILE *file;
    broker_format format;
    const medsec_topic *topic;
    const char *user;
    const char *action; /* of the EMQX term that is open; NULL: none is */
    medsec_status status; /* the first failure */
} broker_rules;

void broker_begin(broker_rules *rules);

/* A user may publish to, or subscribe to, these from now on. */
void broker_user(broker_rules *rules, const char *user);

/* One rule. `device` NULL: all there will be. `below`: also all levels below `suffix`. */
void broker_publish(broker_rules *rules, const char *device, const char *suffix, bool below);
void broker_subscribe(broker_rules *rules, const char *device, const char *suffix, bool below);

/* All that the gateway does. */
void broker_gateway(broker_rules *rules, const char *user);

/* Ends the rules. ERR_TOPIC: a character in a topic that no rule can have, or a template that does
 * not end in /{topic}; errors of medsec_topic_expand. */
MEDSEC_CHECK medsec_status broker_end(broker_rules *rules);

#endif
