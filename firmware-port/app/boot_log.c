/* SPDX-License-Identifier: Apache-2.0 */
#include "boot_log.h"

#include "flash.h"
#include "flash_map.h"

#include <string.h>

#define THIS_START "medsec this start"
#define NEXT_START "medsec next start"
_Static_assert(sizeof THIS_START == sizeof NEXT_START, "derive() takes either");

enum {
    SECTORS = 2,
    SECTOR_PAGES = BOARD_FLASH_SECTOR_LEN / BOARD_FLASH_PAGE_LEN,
    PAGES = SECTORS * SECTOR_PAGES /* a record each, at its beginning */
};

_Static_assert(FLASH_BOOT + SECTORS * BOARD_FLASH_SECTOR_LEN == FLASH_SETTINGS, "as in the map");
_Static_assert(MEDSEC_BOOT_RECORD_LEN <= BOARD_FLASH_PAGE_LEN, "a record is programmed at once");

static uint32_t page_offset(unsigned page)
{
    return FLASH_BOOT + page * BOARD_FLASH_PAGE_LEN;
}

static bool read_page(medsec_boot_record *record, const board *board, const medsec_crypto *crypto,
                      unsigned page)
{
    return medsec_boot_record_read(record, crypto, board->flash + page_offset(page)) == MEDSEC_OK;
}

/* The page of the newest record; PAGES: there is none. */
static unsigned find_newest(medsec_boot_record *newest, const board *board,
                            const medsec_crypto *crypto)
{
    unsigned found = PAGES;
    medsec_boot_record record;
    for (unsigned page = 0; page < PAGES; page++) {
        if (read_page(&record, board, crypto, page) &&
            (found == PAGES || record.boot > newest->boot)) {
            *newest = record;
            found = page;
        }
    }
    crypto->wipe(&record, sizeof record);
    return found;
}

/* The first erased page from `page` on to the end of its sector; PAGES: there is none. */
static unsigned find_free(const board *board, unsigned page)
{
    for (; page % SECTOR_PAGES != 0; page++) {
        if (flash_is_erased(board, page_offset(page), BOARD_FLASH_PAGE_LEN)) {
            return page;
        }
    }
    return PAGES;
}

/* Where the next record goes: behind the newest one, or to the beginning of the other sector, which
 * is erased for it. */
static unsigned make_room(const board *board, unsigned newest)
{
    unsigned page = find_free(board, newest + 1);
    if (page == PAGES) {
        page = newest < SECTOR_PAGES ? SECTOR_PAGES : 0;
        if (!flash_wipe(board, page_offset(page), 1)) {
            return PAGES;
        }
    }
    return page;
}

/* `label` is one of two texts of one length. */
static medsec_status derive(uint8_t out[MEDSEC_BOOT_SEED_LEN], const medsec_crypto *crypto,
                            const uint8_t seed[MEDSEC_BOOT_SEED_LEN], const char *label,
                            const uint8_t noise[MEDSEC_BOOT_SEED_LEN])
{
    const medsec_bytes parts[] = {{(const uint8_t *)label, sizeof THIS_START - 1},
                                  {noise, MEDSEC_BOOT_SEED_LEN}};
    return crypto->hmac_sha256(out, seed, MEDSEC_BOOT_SEED_LEN, parts, 2);
}

static medsec_status write_record(const board *board, const medsec_crypto *crypto, unsigned page,
                                  const medsec_boot_record *record)
{
    uint8_t bytes[BOARD_FLASH_PAGE_LEN];
    memset(bytes, 0xff, sizeof bytes);
    medsec_status status = medsec_boot_record_write(bytes, crypto, record);
    if (status == MEDSEC_OK &&
        (!board->flash_program(board->context, page_offset(page), bytes, sizeof bytes) ||
         memcmp(board->flash + page_offset(page), bytes, sizeof bytes) != 0)) {
        status = MEDSEC_ERR_IO;
    }
    crypto->wipe(bytes, sizeof bytes);
    return status;
}

/* The old record, and what starts that were cut have left. */
static medsec_status zero_all_but(const board *board, unsigned kept)
{
    for (unsigned page = 0; page < PAGES; page++) {
        if (page != kept && !flash_is_erased(board, page_offset(page), BOARD_FLASH_PAGE_LEN) &&
            !flash_zero_page(board, page_offset(page))) {
            return MEDSEC_ERR_IO;
        }
    }
    return MEDSEC_OK;
}

/* The record of the next start takes the place of `old`. */
static medsec_status move_on(const board *board, const medsec_crypto *crypto, unsigned old,
                             const medsec_boot_record *next)
{
    unsigned page = make_room(board, old);
    if (page == PAGES) {
        return MEDSEC_ERR_IO;
    }
    medsec_status status = write_record(board, crypto, page, next);
    return status == MEDSEC_OK ? zero_all_but(board, page) : status;
}

medsec_status boot_log_next(medsec_boot_record *mine, const board *board,
                            const medsec_crypto *crypto, const uint8_t noise[MEDSEC_BOOT_SEED_LEN])
{
    medsec_boot_record old = {0};
    medsec_boot_record next;
    memset(mine, 0, sizeof *mine);
    unsigned page = find_newest(&old, board, crypto);
    if (page == PAGES) {
        return MEDSEC_ERR_UNKNOWN_DEVICE;
    }
    medsec_status status = old.boot == UINT32_MAX ? MEDSEC_ERR_LIMIT : MEDSEC_OK;
    next.boot = old.boot + 1;
    if (status == MEDSEC_OK) {
        status = derive(next.seed, crypto, old.seed, NEXT_START, noise);
    }
    if (status == MEDSEC_OK) {
        status = move_on(board, crypto, page, &next);
    }
    if (status == MEDSEC_OK) {
        mine->boot = old.boot;
        status = derive(mine->seed, crypto, old.seed, THIS_START, noise);
    }
    if (status != MEDSEC_OK) {
        crypto->wipe(mine, sizeof *mine);
    }
    crypto->wipe(&old, sizeof old);
    crypto->wipe(&next, sizeof next);
    return status;
}

bool boot_log_wipe(const board *board)
{
    return flash_wipe(board, FLASH_BOOT, SECTORS);
}
