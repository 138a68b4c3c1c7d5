/* SPDX-License-Identifier: Apache-2.0 */
#ifndef FIRMWARE_FLASH_H
#define FIRMWARE_FLASH_H

#include "board.h"

/* What settings, boot records and decommissioning need of the flash. `offset` begins a page. */

bool flash_is_erased(const board *board, uint32_t offset, size_t len);
/* All bits of the page to 0, when they are not; that needs no erasing. false: they are not. */
bool flash_zero_page(const board *board, uint32_t offset);
/* So that no secret can be read back: all bits of `sectors` to 0, then erased. What is erased
 * already is left alone. false: it could not. */
bool flash_wipe(const board *board, uint32_t offset, size_t sectors);

#endif
