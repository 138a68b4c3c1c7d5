/* SPDX-License-Identifier: Apache-2.0 */
#ifndef FIRMWARE_BOOT_LOG_H
#define FIRMWARE_BOOT_LOG_H

#include "board.h"

#include <medsec/provision.h>

/*
 * The number of this start and the seed of its generator. Each start takes the newest record,
 * writes the next one, and zeroes the old one, before anything is used: a number or a seed is never
 * used twice, whatever moment the power fails. 16 records a sector, two sectors in turn.
 *
 *     seed of this start = HMAC-SHA-256(seed in the record, "medsec this start" || noise)
 *     seed of the next   = HMAC-SHA-256(seed in the record, "medsec next start" || noise)
 *
 * So what lies in the flash tells nothing about the keys of this start.
 *
 * ERR_UNKNOWN_DEVICE: no record that checks: the device was not provisioned, or was decommissioned.
 * ERR_LIMIT: the numbers are used up. ERR_IO: the flash does not hold what was written. Nothing may
 * be used then. ERR_PROVIDER.
 */
MEDSEC_CHECK medsec_status boot_log_next(medsec_boot_record *mine, const board *board,
                                         const medsec_crypto *crypto,
                                         const uint8_t noise[MEDSEC_BOOT_SEED_LEN]);
bool boot_log_wipe(const board *board);

#endif
