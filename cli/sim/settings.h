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
    int wire; /* wire_choice */
    uint32_t seed;
    double heart_rate_bpm;
    uint32_t ramp; /* connections a second */
    uint32_t patience_ms;
    uint32_t wait_ms; /* for acknowledgements, at the end */
    uint32_t batch; /* readings in a message */
    uint32_t report_ms; /* a reading waits at most so long for others */
    uint32_t ring; /* readings a device keeps */
    uint32_t boot;
    const char *storm; /* N@S */
    const char *outage; /* S@S */
    bool outage_cuts;
    bool menu;
    bool json;
    bool no_reconnect;
    uint32_t split;
    uint32_t coalesce;
    uint32_t slow;
    uint32_t corrupt;
    uint32_t drop_record;
    uint32_t duplicate;
    uint32_t reorder;
    uint32_t truncate;
    bool garbage;
    bool wrong_key;
    bool wrong_psk;
    bool wrong_gateway_key;
    const char *replay;
    const char *record;
} settings;

extern const tool_spec sim_tool;

command_run sim_run;

#endif
