/* SPDX-License-Identifier: Apache-2.0 */
#include "settings.h"

#include "flash.h"
#include "flash_map.h"

#include "core/big_endian.h"
#include "core/text.h"

#include <string.h>

/* A slot is a sector: the record in its first page; in its second one the mark, a byte that is
 * programmed to 0 when the settings are not fresh any more. Numbers are big-endian. */
#define MAGIC "MSS1"
enum {
    SLOTS = 2,
    MAGIC_LEN = 4,
    NUMBER = MAGIC_LEN,
    PORT = NUMBER + 4,
    SERVER = PORT + 2,
    SSID = SERVER + MEDSEC_SETUP_SERVER_MAX,
    PASSWORD = SSID + MEDSEC_SETUP_SSID_MAX,
    SUM = PASSWORD + MEDSEC_SETUP_PASSWORD_MAX,
    SUM_LEN = 8,
    RECORD_LEN = SUM + SUM_LEN
};

_Static_assert(RECORD_LEN <= BOARD_FLASH_PAGE_LEN, "a record is programmed at once");

static uint32_t slot_offset(unsigned slot)
{
    return FLASH_SETTINGS + slot * BOARD_FLASH_SECTOR_LEN;
}

static bool sum_of(uint8_t sum[MEDSEC_SHA256_LEN], const medsec_crypto *crypto,
                   const uint8_t *record)
{
    const medsec_bytes whole = {record, SUM};
    return crypto->sha256(sum, &whole, 1) == MEDSEC_OK;
}

/* The number of the record in a slot; 0: there is none that checks. */
static uint32_t number_of(const board *board, const medsec_crypto *crypto, unsigned slot)
{
    uint8_t sum[MEDSEC_SHA256_LEN];
    const uint8_t *record = board->flash + slot_offset(slot);
    if (memcmp(record, MAGIC, MAGIC_LEN) != 0 || !sum_of(sum, crypto, record) ||
        !crypto->equal(sum, record + SUM, SUM_LEN)) {
        return 0;
    }
    return (uint32_t)medsec__load_be(record + NUMBER, 4);
}

/* The slot in force and its number; SLOTS: none is. */
static unsigned in_force(const board *board, const medsec_crypto *crypto, uint32_t *number)
{
    unsigned best = SLOTS;
    *number = 0;
    for (unsigned slot = 0; slot < SLOTS; slot++) {
        uint32_t found = number_of(board, crypto, slot);
        if (found > *number) {
            *number = found;
            best = slot;
        }
    }
    return best;
}

static bool is_fresh(const board *board, unsigned slot)
{
    return board->flash[slot_offset(slot) + BOARD_FLASH_PAGE_LEN] != 0;
}

bool settings_load(medsec_setup_settings *settings, bool *fresh, const board *board,
                   const medsec_crypto *crypto)
{
    uint32_t number;
    unsigned slot = in_force(board, crypto, &number);
    memset(settings, 0, sizeof *settings);
    *fresh = false;
    if (slot == SLOTS) {
        return false;
    }
    (void)flash_wipe(board, slot_offset(1 - slot), 1); /* else the next load does */
    const uint8_t *record = board->flash + slot_offset(slot);
    settings->port = (uint16_t)medsec__load_be(record + PORT, 2);
    memcpy(settings->server, record + SERVER, MEDSEC_SETUP_SERVER_MAX);
    memcpy(settings->ssid, record + SSID, MEDSEC_SETUP_SSID_MAX);
    memcpy(settings->password, record + PASSWORD, MEDSEC_SETUP_PASSWORD_MAX);
    *fresh = is_fresh(board, slot);
    return true;
}

static bool compose(uint8_t page[BOARD_FLASH_PAGE_LEN], const medsec_crypto *crypto,
                    const medsec_setup_settings *settings, uint32_t number)
{
    uint8_t sum[MEDSEC_SHA256_LEN];
    memset(page, 0xff, BOARD_FLASH_PAGE_LEN);
    memset(page, 0, SUM);
    memcpy(page, MAGIC, MAGIC_LEN);
    medsec__store_be(page + NUMBER, number, 4);
    medsec__store_be(page + PORT, settings->port, 2);
    memcpy(page + SERVER, settings->server,
           medsec__length(settings->server, MEDSEC_SETUP_SERVER_MAX));
    memcpy(page + SSID, settings->ssid, medsec__length(settings->ssid, MEDSEC_SETUP_SSID_MAX));
    memcpy(page + PASSWORD, settings->password,
           medsec__length(settings->password, MEDSEC_SETUP_PASSWORD_MAX));
    bool summed = sum_of(sum, crypto, page);
    memcpy(page + SUM, sum, SUM_LEN);
    return summed;
}

bool settings_save(const board *board, const medsec_crypto *crypto,
                   const medsec_setup_settings *settings)
{
    uint8_t page[BOARD_FLASH_PAGE_LEN];
    uint32_t number;
    unsigned old = in_force(board, crypto, &number);
    unsigned slot = old == 0 ? 1 : 0;
    uint32_t offset = slot_offset(slot);
    bool stored = number < UINT32_MAX && compose(page, crypto, settings, number + 1) &&
                  flash_wipe(board, offset, 1) &&
                  board->flash_program(board->context, offset, page, sizeof page) &&
                  memcmp(board->flash + offset, page, sizeof page) == 0;
    crypto->wipe(page, sizeof page);
    unsigned useless = stored ? old : slot;
    if (useless != SLOTS) {
        (void)flash_wipe(board, slot_offset(useless), 1); /* else the next load does */
    }
    return stored;
}

void settings_taken(const board *board, const medsec_crypto *crypto)
{
    uint32_t number;
    unsigned slot = in_force(board, crypto, &number);
    if (slot != SLOTS) {
        (void)flash_zero_page(board, slot_offset(slot) + BOARD_FLASH_PAGE_LEN);
    }
}

bool settings_wipe(const board *board)
{
    return flash_wipe(board, FLASH_SETTINGS, SLOTS);
}
