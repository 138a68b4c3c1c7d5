/* SPDX-License-Identifier: Apache-2.0 */
#include "slide.h"

void slide_start(slide *slide, const board *board, uint64_t now_ms)
{
    bool work = board->switch_work(board->context);
    *slide = (struct slide){.board = board, .work = work, .seen = work, .since_ms = now_ms};
}

uint64_t slide_poll(slide *slide, uint64_t now_ms)
{
    bool work = slide->board->switch_work(slide->board->context);
    if (work != slide->seen) {
        slide->seen = work;
        slide->since_ms = now_ms;
    }
    if (slide->seen != slide->work && now_ms - slide->since_ms >= SLIDE_SETTLE_MS) {
        slide->work = slide->seen;
    }
    return now_ms + SLIDE_SETTLE_MS;
}
