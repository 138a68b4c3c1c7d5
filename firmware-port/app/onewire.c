/* SPDX-License-Identifier: Apache-2.0 */
#include "onewire.h"

/* Microseconds. A delay that is locked may take 2 more, and each keeps its limit with that. */
enum {
    RESET_LOW = 480, /* at least */
    PRESENCE_AT = 70, /* it comes after 60 at the latest and lasts 60 at least */
    RESET_REST = 410, /* 480 from the release on */
    SHORT_LOW = 2, /* write 1, read: 1 to 15 */
    READ_AT = 8, /* after that: what is read is good until 15 from the edge on */
    ZERO_LOW = 62, /* write 0: 60 to 120 */
    SLOT_REST = 60, /* of a slot that was not low for so long; 60 in all */
    RECOVERY = 3 /* high between two slots: at least 1, and the line rises slowly */
};

bool onewire_reset(const board *board)
{
    void *context = board->context;
    board->wire_low(context, true);
    board->delay_us(context, RESET_LOW);
    board->lock(context);
    board->wire_low(context, false);
    board->delay_us(context, PRESENCE_AT);
    bool answered = !board->wire_level(context);
    board->unlock(context);
    board->delay_us(context, RESET_REST);
    return answered && board->wire_level(context);
}

/* A slot that begins low for a moment: a 1 for who reads it, or one that the other end may hold. */
static bool short_slot(const board *board)
{
    void *context = board->context;
    board->lock(context);
    board->wire_low(context, true);
    board->delay_us(context, SHORT_LOW);
    board->wire_low(context, false);
    board->delay_us(context, READ_AT);
    bool high = board->wire_level(context);
    board->unlock(context);
    board->delay_us(context, SLOT_REST);
    return high;
}

static void zero_slot(const board *board)
{
    void *context = board->context;
    board->lock(context);
    board->wire_low(context, true);
    board->delay_us(context, ZERO_LOW);
    board->wire_low(context, false);
    board->unlock(context);
    board->delay_us(context, RECOVERY);
}

void onewire_write(const board *board, uint8_t byte)
{
    for (unsigned bit = 0; bit < 8; bit++) {
        if ((byte >> bit & 1) != 0) {
            (void)short_slot(board);
        } else {
            zero_slot(board);
        }
    }
}

uint8_t onewire_read(const board *board)
{
    unsigned byte = 0;
    for (unsigned bit = 0; bit < 8; bit++) {
        byte |= short_slot(board) ? 1u << bit : 0u;
    }
    return (uint8_t)byte;
}

uint8_t onewire_crc(const uint8_t *data, size_t len)
{
    unsigned crc = 0;
    for (size_t i = 0; i < len; i++) {
        crc ^= data[i];
        for (unsigned bit = 0; bit < 8; bit++) {
            crc = (crc & 1) != 0 ? crc >> 1 ^ 0x8c : crc >> 1;
        }
    }
    return (uint8_t)crc;
}
