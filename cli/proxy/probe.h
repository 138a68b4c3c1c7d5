/* SPDX-License-Identifier: Apache-2.0 */
#ifndef MEDSEC_PROXY_PROBE_H
#define MEDSEC_PROXY_PROBE_H

#include <medsec/publisher.h>

/* True when the broker let us in; else *why says why not, or is NULL when nobody knows. Starts and
 * stops the publisher. */
bool probe_broker(medsec_publisher *publisher, const char **why);

typedef enum probe_result {
    PROBE_FREE,
    PROBE_IN_USE,
    PROBE_NO_ADDRESS,
    PROBE_NOT_OURS /* errno says why */
} probe_result;

/* Whether one can listen on ADDR:PORT; ADDR may be a name unless it must be `numeric`. */
probe_result probe_listen(const char *address, bool numeric);

#endif
