/* SPDX-License-Identifier: Apache-2.0 */
#ifndef MEDSEC_PROXY_SETTINGS_H
#define MEDSEC_PROXY_SETTINGS_H

#include "options.h"

/* What medsec-proxy is told by options, environment and file. */
typedef struct settings {
    const char *registry;
    const char *key_file;
    const char *passphrase_file;
    option_list profiles;
    const char *listen;
    const char *broker;
    const char *name;
    const char *topic_template;
    option_list publish;
    uint32_t seed_qos;
    uint32_t threads;
    uint32_t queue_bytes;
    uint32_t max_connections;
    uint32_t max_half_open;
    uint32_t source_rate;
    uint32_t source_burst;
    uint32_t identify_timeout_ms;
    uint32_t idle_timeout_ms;
    int log_level;
    int log_format;
} settings;

/* proxy.c; for the option table. */
command_run proxy_run;

#endif
