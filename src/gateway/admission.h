/* SPDX-License-Identifier: Apache-2.0 */
#ifndef MEDSEC_GATEWAY_ADMISSION_H
#define MEDSEC_GATEWAY_ADMISSION_H

#include "host/address.h"

#include <stdbool.h>

/*
 * How often one source may connect: a token bucket for each IPv4 address and each /64 of IPv6 (what
 * one subscriber has), kept as the time at which it will be full (GCRA, ITU-T I.371). The table is
 * of fixed size and shared by the loops; a bucket that is full is as good as none, and gives way
 * first. Places follow from a keyed hash, so that nobody can aim at a place.
 *
 * And which sources a device proved itself from, in a table of the same kind without a lock: who
 * comes to a place takes it, and nobody comes there who has not proved to be a device.
 */
#define MEDSEC__ADMISSION_WAYS 4u
#define MEDSEC__ADMISSION_SETS 2048u /* 128 KiB in all */
#define MEDSEC__ADMISSION_KNOWN 65536u /* 512 KiB in all */

typedef struct medsec__admission medsec__admission;

/* Takes a token out of a bucket that will be full at *full_ns (0: it is); one token comes in
 * `token_ns`, all of them in `burst_ns`. False: there is none. */
bool medsec__bucket_take(uint64_t *full_ns, uint64_t now_ns, uint64_t token_ns, uint64_t burst_ns);

/* ERR_MEMORY. */
MEDSEC_CHECK medsec_status medsec__admission_create(medsec__admission **admission,
                                                    uint32_t rate_per_s, uint32_t burst);
void medsec__admission_destroy(medsec__admission *admission);

/* Takes a token, from any thread. False: there is none. */
bool medsec__admission_allows(medsec__admission *admission, const medsec__address *source,
                              uint64_t now_ns);

/* A device proved itself, by something fresh, from there. From any thread, as the next. */
void medsec__admission_remember(medsec__admission *admission, const medsec__address *source);
bool medsec__admission_knows(const medsec__admission *admission, const medsec__address *source);

#endif
