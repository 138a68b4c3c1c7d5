/* SPDX-License-Identifier: Apache-2.0 */
#ifndef MEDSEC_GATEWAY_WATCH_H
#define MEDSEC_GATEWAY_WATCH_H

#include "connection.h"

#define MEDSEC__PROMOTIONS_AT_ONCE 32u /* between two looks at the registry */
#define MEDSEC__PROMOTIONS_WAITING 100000u /* when the registry cannot be written: some 9 MB */

/* A device has used its pending secrets. */
typedef struct medsec__promotion {
    STAILQ_ENTRY(medsec__promotion) link;
    uint32_t generation;
    bool is_logged; /* that it did not work the first time */
    char id[MEDSEC_DEVICE_ID_MAX + 1];
} medsec__promotion;

STAILQ_HEAD(medsec__promotions, medsec__promotion);

/* The thread that keeps the directory up to date. */
MEDSEC_CHECK medsec_status medsec__watch_load(medsec_gateway *gateway);
void medsec__watch_run(void *context);
medsec_directory *medsec__watch_directory(medsec_gateway *gateway);

/* Rotations, which the watch thread completes. */
void medsec__promote_ask(const medsec__connection *connection);
/* True: the registry is another one now. */
bool medsec__promote_run(medsec_gateway *gateway);
void medsec__promote_abandon(medsec_gateway *gateway);

#endif
