/* SPDX-License-Identifier: Apache-2.0 */
#ifndef MEDSEC_PROXY_SANDBOX_H
#define MEDSEC_PROXY_SANDBOX_H

#include <medsec/status.h>

/*
 * From now on this thread and those it makes may call of the kernel what a gateway needs, and
 * nothing else: files, sockets of the internet and the machine, threads. No program is started, no
 * process made or looked into, no memory both written and run.
 */
typedef enum sandbox_mode {
    SANDBOX_OFF,
    SANDBOX_ON, /* what no gateway does ends the process; what is unknown fails with ENOSYS, which
                   the C library takes for an older kernel */
    SANDBOX_STRICT /* what is unknown ends the process too: for tests */
} sandbox_mode;

/* ERR_STATE: not in this build (sanitizers need more); ERR_IO: not with this kernel. */
MEDSEC_CHECK medsec_status sandbox_enter(sandbox_mode mode);

#endif
