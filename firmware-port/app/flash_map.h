/* SPDX-License-Identifier: Apache-2.0 */
#ifndef FIRMWARE_FLASH_MAP_H
#define FIRMWARE_FLASH_MAP_H

#include "board.h"

#include <medsec/provision.h>

/* What lies where in the flash; offsets from its start. The program's linker script ends below
 * FLASH_DATA. Each thing has whole sectors of its own, so that none is erased with another. */
#define FLASH_DATA MEDSEC_PROVISION_OFFSET
#define FLASH_CREDENTIAL MEDSEC_PROVISION_OFFSET /* one sector, written by medsec-keygen's UF2 */
#define FLASH_BOOT                                                                \
    (FLASH_CREDENTIAL + BOARD_FLASH_SECTOR_LEN) /* two: boot records (boot_log.h) \
                                                 */
#define FLASH_SETTINGS (FLASH_BOOT + 2u * BOARD_FLASH_SECTOR_LEN) /* two slots (settings.h) */
#define FLASH_END (FLASH_SETTINGS + 2u * BOARD_FLASH_SECTOR_LEN)

_Static_assert(FLASH_END <= BOARD_FLASH_LEN, "the data fit the flash");

#endif
