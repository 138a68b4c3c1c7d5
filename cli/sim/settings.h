/* SPDX-License-Identifier: Apache-2.0 */
#ifndef MEDSEC_SIM_SETTINGS_H
#define MEDSEC_SIM_SETTINGS_H

#include "options.h"

/* What the command line says. A number that is 0 stands for "not asked for". */
typedef struct settings {
    const char *connect;
    const char *credentials;
    option_list source;
    uint32_t devices;
    double rate_hz;
    uint32_t duration_ms;
    uint32_t count;
    int wire; /* wire_kind */
    uint32_t seed;
    double heart_rate_bpm;
    uint32_t ramp; /* connections a second */
    uint32_t patience_ms;
    bool menu;
    bool json;
    bool no_reconnect;
    uint32_t split;
    uint32_t coalesce;
    uint32_t corrupt;
    uint32_t slow;
    bool garbage;
    bool wrong_key;
    const char *replay;
    const char *record;
} settings;

extern const tool_spec sim_tool;

command_run sim_run;

#endif
