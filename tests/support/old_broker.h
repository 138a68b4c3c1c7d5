/* SPDX-License-Identifier: Apache-2.0 */
#ifndef MEDSEC_TESTS_OLD_BROKER_H
#define MEDSEC_TESTS_OLD_BROKER_H

#include <stdbool.h>
#include <uv.h>

/* A broker of before MQTT 5: refuses protocol level 5 as MQTT 3.1.1 section 3.2.2.3 has it, or
 * hangs up on it, and takes level 4. It refuses the subscription that may come next, and says
 * nothing more. */
typedef struct old_broker {
    char url[64];
    bool hangs_up;
    int attempts; /* to connect; read it after the end */
    int fd;
    uv_thread_t thread;
} old_broker;

void old_broker_start(old_broker *o, bool hangs_up);
/* When the one that it took is gone. */
void old_broker_end(old_broker *o);

#endif
