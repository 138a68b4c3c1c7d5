/* SPDX-License-Identifier: Apache-2.0 */
#ifndef MEDSEC_GATEWAY_PROXY_HEADER_H
#define MEDSEC_GATEWAY_PROXY_HEADER_H

#include "host/address.h"

#include <stddef.h>

/*
 * What a load balancer says before the first byte of a device: the PROXY protocol, versions 1 and 2
 * (HAProxy's proxy-protocol.txt, sections 2.1 and 2.2). A push parser without a socket: bytes go
 * in, and in the end there is the address of the device, or none.
 */
#define MEDSEC__PROXY_LINE_MAX 107u /* version 1, with CR and LF (section 2.1) */
#define MEDSEC__PROXY_BLOCK_MAX                                                          \
    4096u /* version 2: bytes behind the first 16; names of certificates in its TLVs are \
             long, and they are skipped, not kept */

typedef enum medsec__proxy_event {
    MEDSEC__PROXY_MORE, /* the header is not whole */
    MEDSEC__PROXY_DEVICE, /* whole: `source` is the device's address */
    MEDSEC__PROXY_SENDER, /* whole: it tells none, whoever connected speaks for itself */
    MEDSEC__PROXY_BAD
} medsec__proxy_event;

typedef struct medsec__proxy_header {
    medsec__address source;
    uint32_t len; /* bytes that came */
    uint32_t whole; /* version 2: bytes of the header; 0: not known yet */
    uint8_t event; /* medsec__proxy_event */
    uint8_t bytes[MEDSEC__PROXY_LINE_MAX]; /* the first of them; all that is looked at */
} medsec__proxy_header;

/* All zero is a header of which nothing came. Takes no byte behind its end, and none after BAD.
 * Returns how many it took: all, while there is more to come. */
size_t medsec__proxy_header_push(medsec__proxy_header *header, const uint8_t *data, size_t len,
                                 medsec__proxy_event *event);

#endif
