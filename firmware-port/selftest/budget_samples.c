/* SPDX-License-Identifier: Apache-2.0 */
#include "budget.h"

#include "rp2040.h"
#include "sensors.h"

/* Counted from one sample to the one a second later; while the core sleeps no cycles pass. */
enum { INTERVAL_MS = 50, BEFORE = 20, COUNTED = 20 };

static bool is_whole(const medsec_reading *reading)
{
    bool whole = true;
    for (size_t i = 0; i < reading->count; i++) {
        whole = whole && reading->value[i].kind != MEDSEC_VALUE_NONE;
    }
    return whole;
}

/* One more, whatever it takes. */
static bool wait_for_sample(sensors *all, const board *board)
{
    medsec_reading reading;
    uint64_t at_ms = 0;
    while (!sensors_next(all, &reading, &at_ms)) {
        uint64_t until_ms = sensors_poll(all, board->now_us(board->context) / 1000);
        board->sleep(board->context, until_ms * 1000);
    }
    return is_whole(&reading);
}

bool budget_of_samples(void)
{
    static sensors all;
    const board *board = board_rp2040();
    bool whole = true;
    sensors_start(&all, board, INTERVAL_MS);
    for (unsigned i = 0; i < BEFORE; i++) {
        (void)wait_for_sample(&all, board);
    }
    budget_begin("20 samples in a second: sensors, bus, values");
    for (unsigned i = 0; i < COUNTED; i++) {
        whole = wait_for_sample(&all, board) && whole;
    }
    budget_end();
    board->tick(board->context, INTERVAL_MS * 1000, NULL, NULL);
    return whole;
}
