/* SPDX-License-Identifier: Apache-2.0 */
#include "identity.h"

#include "boot_log.h"
#include "flash.h"
#include "flash_map.h"
#include "settings.h"

/* The credential is in the sector's first page. The last one says that the device is to be wiped:
 * it is programmed before all else, and goes when the sector is erased after all else. */
#define MARK (FLASH_CREDENTIAL + BOARD_FLASH_SECTOR_LEN - BOARD_FLASH_PAGE_LEN)

_Static_assert(MEDSEC_CREDENTIAL_BLOCK_MAX <= BOARD_FLASH_SECTOR_LEN - BOARD_FLASH_PAGE_LEN,
               "the mark is behind the longest block");

bool identity_wipe(const board *board)
{
    bool wiped = flash_zero_page(board, MARK);
    wiped = settings_wipe(board) && wiped;
    wiped = boot_log_wipe(board) && wiped;
    return flash_wipe(board, FLASH_CREDENTIAL, 1) && wiped;
}

bool identity_load(medsec_credential *credential, const board *board, const medsec_crypto *crypto)
{
    size_t len;
    if (!flash_is_erased(board, MARK, BOARD_FLASH_PAGE_LEN)) {
        (void)identity_wipe(board); /* else the next start does */
        crypto->wipe(credential, sizeof *credential);
        return false;
    }
    return medsec_credential_block_read(credential, crypto, board->flash + FLASH_CREDENTIAL,
                                        BOARD_FLASH_PAGE_LEN, &len) == MEDSEC_OK;
}
