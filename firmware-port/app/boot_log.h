/* SPDX-License-Identifier: Apache-2.0 */
#ifndef FIRMWARE_BOOT_LOG_H
#define FIRMWARE_BOOT_LOG_H

#include "board.h"

#include <medsec/provision.h>

/*
 * The number of this start and the seed of the generator. Each start takes the newest record,
 * writes the next one, and zeroes the old one, before anything is used: a number or a seed is never
 * used twice, whatever moment the power fails. 16 records a sector, two sectors in turn.
 *
 * ERR_UNKNOWN: no record that checks: the device was not provisioned, or was decommissioned.
 * ERR_IO: the flash does not hold what was written; nothing may be used then.
 */
MEDSEC_CHECK medsec_status boot_log_next(medsec_boot_record *mine, const board *board,
                                         const medsec_crypto *crypto,
                                         const uint8_t noise[MEDSEC_BOOT_SEED_LEN]);
bool boot_log_wipe(const board *board);

#endif
