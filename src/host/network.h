/* SPDX-License-Identifier: Apache-2.0 */
#ifndef MEDSEC_HOST_NETWORK_H
#define MEDSEC_HOST_NETWORK_H

#include "address.h"

#include <stddef.h>

#define MEDSEC__NETWORKS_MAX 32u

/* Some networks, each the first bits of an address in IPv6 form. */
typedef struct medsec__networks {
    size_t count;
    struct {
        uint8_t address[16];
        uint8_t bits;
    } item[MEDSEC__NETWORKS_MAX];
} medsec__networks;

/* `10.1.0.0/16,192.0.2.7,2001:db8::/32`: without bits it is one address. ERR_ARGUMENT: not so, or
 * an address has bits behind those of its network, which is a slip; ERR_LIMIT: too many. */
MEDSEC_CHECK medsec_status medsec__networks_parse(medsec__networks *networks, const char *text);

bool medsec__networks_hold(const medsec__networks *networks, const medsec__address *address);

#endif
