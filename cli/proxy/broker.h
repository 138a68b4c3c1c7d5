/* SPDX-License-Identifier: Apache-2.0 */
#ifndef MEDSEC_PROXY_BROKER_H
#define MEDSEC_PROXY_BROKER_H

#include "settings.h"

#include <medsec/publisher.h>
#include <medsec/registry.h>

/* The way to the broker, put together of what the settings ask for: the client's connections, the
 * fan over several of them, the spool in front. */
typedef struct broker_context {
    const settings *settings;
    const char *name; /* of this gateway */
    medsec_registry *registry;
    medsec_log *log;
    bool check; /* only to see whether the broker lets us in: one connection under a name of its
                   own, which says nothing, and no spool */
} broker_context;

/* An exit code; what is wrong has been said. */
int broker_create(medsec_publisher **publisher, const broker_context *context);

/* What is wrong with an existing folder for the spool; NULL: nothing, or it is not there. */
const char *broker_spool_fault(const char *folder);

#endif
