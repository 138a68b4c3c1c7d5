/* SPDX-License-Identifier: Apache-2.0 */
#ifndef MEDSEC_PROXY_SETTINGS_H
#define MEDSEC_PROXY_SETTINGS_H

#include "options.h"

/* What medsec-proxy is told by options, environment and file. */
typedef struct settings {
    const char *registry;
    const char *key_file;
    bool registry_read_only;
    const char *passphrase_file;
    option_list profiles;
    const char *listen;
    const char *broker;
    const char *broker_ca;
    const char *broker_pin;
    const char *broker_cert;
    const char *broker_key;
    const char *broker_user;
    const char *broker_password_file;
    bool insecure_broker;
    int mqtt_client; /* enum mqtt_client */
    uint32_t broker_connections;
    const char *spool;
    uint32_t spool_mebibytes;
    uint32_t spool_age_ms;
    const char *name;
    const char *topic_template;
    option_list publish;
    uint32_t seed_qos;
    bool no_heart_rate;
    uint32_t threads;
    uint32_t queue_bytes;
    uint32_t max_connections;
    uint32_t max_half_open;
    uint32_t source_rate;
    uint32_t source_burst;
    uint32_t identify_timeout_ms;
    uint32_t idle_timeout_ms;
    const char *proxy_protocol;
    const char *metrics;
    const char *user;
    int sandbox; /* sandbox_mode */
    bool check;
    int log_level;
    int log_format;
} settings;

enum mqtt_client { MQTT_CLIENT_PAHO, MQTT_CLIENT_MOSQUITTO };

/* options.c */
extern const option_spec proxy_options[];
extern const settings proxy_defaults;

/* proxy.c; for the option table. */
command_run proxy_run;

#endif
