/* SPDX-License-Identifier: Apache-2.0 */
#include "ledger.h"

#include <stdlib.h>
#include <string.h>

/* A token: generation, ledger, slot. A generation is never 0, so neither is a token; it has 31
 * bits, so a token has 63. */
#define SLOT_BITS 24u
#define LEDGER_BITS 8u
#define SLOT_MASK ((1u << SLOT_BITS) - 1u)

_Static_assert(MEDSEC__LEDGER_CHUNK *MEDSEC__LEDGER_CHUNKS <= SLOT_MASK, "a slot fits a token");

void medsec__ledger_open(medsec__ledger *ledger, uint8_t number)
{
    memset(ledger, 0, sizeof *ledger);
    ledger->number = number;
    TAILQ_INIT(&ledger->free);
}

void medsec__ledger_close(medsec__ledger *ledger)
{
    for (uint32_t i = 0; i < ledger->chunk_count; i++) {
        free(ledger->chunks[i]);
    }
    ledger->chunk_count = 0;
}

static void grow(medsec__ledger *ledger)
{
    if (ledger->chunk_count == MEDSEC__LEDGER_CHUNKS) {
        return;
    }
    medsec__batch *chunk = calloc(MEDSEC__LEDGER_CHUNK, sizeof *chunk);
    if (!chunk) {
        return;
    }
    for (uint32_t i = 0; i < MEDSEC__LEDGER_CHUNK; i++) {
        chunk[i].slot = ledger->chunk_count * MEDSEC__LEDGER_CHUNK + i;
        TAILQ_INSERT_TAIL(&ledger->free, &chunk[i], link);
    }
    atomic_store(&ledger->chunks[ledger->chunk_count++], chunk);
}

medsec__batch *medsec__ledger_begin(medsec__ledger *ledger, void *owner)
{
    if (TAILQ_EMPTY(&ledger->free)) {
        grow(ledger);
    }
    medsec__batch *batch = TAILQ_FIRST(&ledger->free);
    if (!batch) {
        return NULL;
    }
    TAILQ_REMOVE(&ledger->free, batch, link);
    batch->owner = owner;
    batch->done = false;
    batch->boot = batch->sequence = batch->readings = 0;
    atomic_store(&batch->failed, false);
    if (atomic_fetch_add(&batch->generation, 1) >= INT32_MAX) {
        atomic_store(&batch->generation, 1);
    }
    atomic_store(&batch->left, 1);
    return batch;
}

uint64_t medsec__ledger_add(medsec__ledger *ledger, medsec__batch *batch)
{
    atomic_fetch_add(&batch->left, 1);
    return (uint64_t)atomic_load(&batch->generation) << (SLOT_BITS + LEDGER_BITS) |
           (uint64_t)ledger->number << SLOT_BITS | batch->slot;
}

/* True when the list was empty: whoever fills it first wakes the loop. */
static bool finish(medsec__ledger *ledger, medsec__batch *batch)
{
    medsec__batch *head = atomic_load(&ledger->finished);
    do {
        batch->next_finished = head;
    } while (!atomic_compare_exchange_weak(&ledger->finished, &head, batch));
    return head == NULL;
}

bool medsec__ledger_settle(medsec__ledger *ledger, medsec__batch *batch, medsec_status status)
{
    if (status != MEDSEC_OK) {
        atomic_store(&batch->failed, true);
    }
    return atomic_fetch_sub(&batch->left, 1) == 1 && finish(ledger, batch);
}

bool medsec__ledger_report(medsec__ledger *ledger, uint64_t token, medsec_status status)
{
    const uint32_t slot = (uint32_t)token & SLOT_MASK;
    if (slot >= MEDSEC__LEDGER_CHUNK * MEDSEC__LEDGER_CHUNKS) {
        return false;
    }
    medsec__batch *chunk = atomic_load(&ledger->chunks[slot / MEDSEC__LEDGER_CHUNK]);
    if (!chunk) {
        return false;
    }
    medsec__batch *batch = &chunk[slot % MEDSEC__LEDGER_CHUNK];
    bool current = atomic_load(&batch->generation) == token >> (SLOT_BITS + LEDGER_BITS);
    return current && atomic_load(&batch->left) > 0 && medsec__ledger_settle(ledger, batch, status);
}

uint8_t medsec__ledger_of(uint64_t token)
{
    return (uint8_t)(token >> SLOT_BITS);
}

/* They were put in front one by one. */
static medsec__batch *reverse(medsec__batch *list)
{
    medsec__batch *turned = NULL, *next;
    for (; list; list = next) {
        next = list->next_finished;
        list->next_finished = turned;
        turned = list;
    }
    return turned;
}

medsec__batch *medsec__ledger_take(medsec__ledger *ledger)
{
    return reverse(atomic_exchange(&ledger->finished, NULL));
}

void medsec__ledger_free(medsec__ledger *ledger, medsec__batch *batch)
{
    batch->owner = NULL;
    TAILQ_INSERT_HEAD(&ledger->free, batch, link);
}
