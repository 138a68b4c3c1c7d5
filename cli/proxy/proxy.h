/* SPDX-License-Identifier: Apache-2.0 */
#ifndef MEDSEC_PROXY_PROXY_H
#define MEDSEC_PROXY_PROXY_H

#include "monitor.h"
#include "settings.h"

#include <medsec/gateway.h>
#include <signal.h>

/* All that is made on the way up, to be given back on the way down. */
typedef struct proxy {
    const settings *settings;
    char name[MEDSEC_DEVICE_ID_MAX + 1];
    medsec_topic topic;
    uint32_t publish;
    medsec_log *log;
    medsec_profile_set *profiles;
    medsec_registry *registry;
    medsec_publisher *publisher;
    medsec_gateway *gateway;
    monitor *monitor;
    sigset_t signals;
} proxy;

/* setup.c: the first steps up, each an exit code; what is wrong has been said. */
int setup_settings(proxy *p);
int setup_log(proxy *p);
int setup_privileges(proxy *p); /* another user, the sandbox */
int setup_profiles(proxy *p);
int setup_registry(proxy *p);
void setup_undo(proxy *p);

#endif
