/* SPDX-License-Identifier: Apache-2.0 */
#include "outbox.h"

#include <stdlib.h>
#include <string.h>

bool outbox_open(outbox *box, size_t units, size_t unit_max)
{
    *box = (outbox){.cap = units * unit_max};
    box->data = malloc(box->cap);
    return box->data != NULL;
}

void outbox_close(outbox *box)
{
    free(box->data);
    *box = (outbox){.data = NULL};
}

static void compact(outbox *box)
{
    memmove(box->data, box->data + box->at, box->len - box->at);
    for (uint32_t i = 0; i < box->units; i++) {
        box->end[i] -= (uint32_t)box->at;
    }
    box->len -= box->at;
    box->at = 0;
}

uint8_t *outbox_room(outbox *box, size_t len, bool pinned)
{
    if (box->units == OUTBOX_UNITS_MAX) {
        return NULL;
    }
    if (box->cap - box->len < len && !pinned) {
        compact(box);
    }
    return box->cap - box->len < len ? NULL : box->data + box->len;
}

void outbox_add(outbox *box, size_t len)
{
    box->len += len;
    box->end[box->units++] = (uint32_t)box->len;
}

uint32_t outbox_took(outbox *box, size_t len)
{
    uint32_t ended = 0;

    box->at += len;
    while (ended < box->units && box->end[ended] <= box->at) {
        ended++;
    }
    box->units -= ended;
    memmove(box->end, box->end + ended, box->units * sizeof box->end[0]);
    if (box->at == box->len) {
        box->at = box->len = 0;
    }
    return ended;
}

uint32_t outbox_clear(outbox *box)
{
    const uint32_t lost = box->units;

    box->units = 0;
    box->at = box->len = 0;
    return lost;
}

size_t outbox_pending(const outbox *box)
{
    return box->len - box->at;
}
