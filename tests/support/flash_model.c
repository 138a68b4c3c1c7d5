/* SPDX-License-Identifier: Apache-2.0 */
#include "flash_model.h"

#include "unit.h"

#include "flash_map.h"

#include <stdlib.h>
#include <string.h>

void flash_model_renew(flash_model *model)
{
    memset(model->bytes + FLASH_DATA, 0xff, FLASH_END - FLASH_DATA);
    flash_model_power(model, 0, TEAR_NOTHING);
    model->worn = false;
    model->lies = false;
    model->keeps = false;
}

void flash_model_open(flash_model *model)
{
    *model = (flash_model){.random = 1, .bytes = malloc(BOARD_FLASH_LEN)};
    assert_non_null(model->bytes);
    memset(model->bytes, 0xff, BOARD_FLASH_LEN);
    flash_model_renew(model);
}

void flash_model_close(flash_model *model)
{
    free(model->bytes);
    model->bytes = NULL;
}

void flash_model_power(flash_model *model, unsigned cut_at, flash_tear tear)
{
    model->dead = false;
    model->steps = 0;
    model->erased = 0;
    model->cut_at = cut_at;
    model->tear = tear;
}

static uint8_t some_bits(flash_model *model)
{
    model->random = model->random * 6364136223846793005u + 1442695040888963407u;
    return (uint8_t)(model->random >> 56);
}

/* Bits of `from` become those of `to`, as far as the power lasts. */
static void change(flash_model *model, uint8_t *at, const uint8_t *to, size_t len, bool cut)
{
    for (size_t i = 0; i < len; i++) {
        uint8_t mask = 0xff;
        if (cut) {
            mask = model->tear == TEAR_NOTHING ? 0 : mask;
            mask = model->tear == TEAR_HALF && i >= len / 2 ? 0 : mask;
            mask = model->tear == TEAR_BITS ? some_bits(model) : mask;
        }
        at[i] = (uint8_t)((at[i] & ~mask) | (to[i] & mask));
    }
}

/* false: power has failed, or fails now. */
static bool step(flash_model *model, bool *cut)
{
    if (model->dead) {
        return false;
    }
    model->steps++;
    *cut = model->steps == model->cut_at;
    model->dead = *cut;
    return true;
}

bool flash_model_erase(void *context, uint32_t offset)
{
    static uint8_t ones[BOARD_FLASH_SECTOR_LEN];
    flash_model *model = context;
    bool cut;
    assert_true(offset % BOARD_FLASH_SECTOR_LEN == 0);
    assert_true(offset >= FLASH_DATA && offset < FLASH_END);
    if (!step(model, &cut)) {
        return false;
    }
    memset(ones, 0xff, sizeof ones);
    model->erased++;
    if (!model->keeps) {
        change(model, model->bytes + offset, ones, sizeof ones, cut);
    }
    return !cut;
}

static bool program_page(flash_model *model, uint32_t offset, const uint8_t *data)
{
    static uint8_t wanted[BOARD_FLASH_PAGE_LEN]; /* no secret of a model's is left on the stack */
    bool cut;
    if (!step(model, &cut)) {
        return false;
    }
    for (size_t i = 0; i < sizeof wanted; i++) {
        wanted[i] = model->bytes[offset + i] & data[i];
    }
    if (!model->worn && !model->lies) {
        change(model, model->bytes + offset, wanted, sizeof wanted, cut);
    }
    return model->lies || (!cut && memcmp(model->bytes + offset, data, sizeof wanted) == 0);
}

bool flash_model_program(void *context, uint32_t offset, const uint8_t *data, size_t len)
{
    flash_model *model = context;
    bool same = true;
    assert_true(offset % BOARD_FLASH_PAGE_LEN == 0 && len % BOARD_FLASH_PAGE_LEN == 0);
    assert_true(len > 0 && offset >= FLASH_DATA && offset + len <= FLASH_END);
    for (uint32_t at = 0; at < len; at += BOARD_FLASH_PAGE_LEN) {
        same = program_page(model, offset + at, data + at) && same;
    }
    return same;
}

void flash_model_board(flash_model *model, board *table)
{
    *table = (board){.context = model,
                     .flash = model->bytes,
                     .flash_erase = flash_model_erase,
                     .flash_program = flash_model_program};
}

bool flash_model_holds(const flash_model *model, const void *bytes, size_t len)
{
    return memmem(model->bytes + FLASH_DATA, FLASH_END - FLASH_DATA, bytes, len) != NULL;
}

bool flash_model_is_empty(const flash_model *model)
{
    for (uint32_t at = FLASH_DATA; at < FLASH_END; at++) {
        if (model->bytes[at] != 0xff) {
            return false;
        }
    }
    return true;
}
