/* SPDX-License-Identifier: Apache-2.0 */
#include "outbox.h"

#include <stdlib.h>
#include <string.h>

bool outbox_open(outbox *box, size_t frames, size_t frame_max)
{
    *box = (outbox){.cap = frames * frame_max};
    box->data = malloc(box->cap);
    return box->data != NULL;
}

void outbox_replay(outbox *box, char *data, size_t len)
{
    *box = (outbox){.data = data, .cap = len, .len = len, .shared = true};
}

void outbox_close(outbox *box)
{
    if (!box->shared) {
        free(box->data);
    }
    *box = (outbox){.data = NULL};
}

static void compact(outbox *box)
{
    memmove(box->data, box->data + box->at, box->len - box->at);
    for (uint32_t i = 0; i < box->frames; i++) {
        box->end[i] -= (uint32_t)box->at;
    }
    box->len -= box->at;
    box->at = 0;
}

char *outbox_room(outbox *box, size_t frame_max, bool pinned)
{
    if (box->shared || box->frames == OUTBOX_FRAMES_MAX) {
        return NULL;
    }
    if (box->cap - box->len < frame_max && !pinned) {
        compact(box);
    }
    return box->cap - box->len < frame_max ? NULL : box->data + box->len;
}

void outbox_add(outbox *box, size_t len)
{
    box->len += len;
    box->end[box->frames++] = (uint32_t)box->len;
}

uint32_t outbox_took(outbox *box, size_t len)
{
    uint32_t ended = 0;

    box->at += len;
    while (ended < box->frames && box->end[ended] <= box->at) {
        ended++;
    }
    box->frames -= ended;
    memmove(box->end, box->end + ended, box->frames * sizeof box->end[0]);
    if (box->at == box->len && !box->shared) {
        box->at = box->len = 0;
    }
    return ended;
}

uint32_t outbox_clear(outbox *box)
{
    const uint32_t lost = box->frames;

    box->frames = 0;
    box->at = 0;
    if (!box->shared) {
        box->len = 0;
    }
    return lost;
}

size_t outbox_pending(const outbox *box)
{
    return box->len - box->at;
}
