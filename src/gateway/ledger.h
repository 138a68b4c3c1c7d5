/* SPDX-License-Identifier: Apache-2.0 */
#ifndef MEDSEC_GATEWAY_LEDGER_H
#define MEDSEC_GATEWAY_LEDGER_H

#include <medsec/export.h>
#include <medsec/status.h>

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/queue.h>

/*
 * What is published and not yet durable, message by message of devices: a batch is all that became
 * of one READINGS message. Its publications carry one token. The publisher reports them from any
 * thread; whoever reports the last one puts the batch on the list of finished ones, which the loop
 * that owns the ledger takes. Batches are never given back to the heap while the ledger is open, so
 * that no report, however late, finds anything but a batch.
 */
#define MEDSEC__LEDGER_CHUNK 256u /* batches taken from the heap at once */
#define MEDSEC__LEDGER_CHUNKS 1024u /* a full queue of the publisher holds fewer messages */

typedef struct medsec__batch {
    /* of any thread */
    _Atomic uint32_t left; /* messages not reported, and one while the batch is filled */
    _Atomic uint32_t generation; /* counts uses: a token of an earlier one is stale */
    _Atomic bool failed; /* at least one will never be durable */
    /* of whoever finishes it, then of the loop */
    struct medsec__batch *next_finished;
    /* of the loop */
    uint32_t slot;
    bool done; /* finished, and seen to be */
    uint64_t begun_ns; /* when its record was read */
    void *owner; /* whom to acknowledge to; NULL: gone */
    uint32_t boot; /* what the acknowledgement will say */
    uint32_t sequence;
    uint32_t readings;
    TAILQ_ENTRY(medsec__batch) link; /* of its owner, oldest first; or free */
} medsec__batch;

TAILQ_HEAD(medsec__batches, medsec__batch);

typedef struct medsec__ledger {
    medsec__batch *_Atomic chunks[MEDSEC__LEDGER_CHUNKS];
    uint32_t chunk_count;
    uint8_t number; /* in its tokens: which ledger it is */
    struct medsec__batches free;
    medsec__batch *_Atomic finished; /* last one first */
} medsec__ledger;

void medsec__ledger_open(medsec__ledger *ledger, uint8_t number);
/* Nobody may report any more. */
void medsec__ledger_close(medsec__ledger *ledger);

/* A batch to be filled; NULL: out of memory, or more than anybody should have. */
medsec__batch *medsec__ledger_begin(medsec__ledger *ledger, void *owner);

/* Counts one more message before it is published; its token, never 0. */
uint64_t medsec__ledger_add(medsec__ledger *ledger, medsec__batch *batch);

/* It is filled, or a message of it was not even taken. True: wake the loop. */
bool medsec__ledger_settle(medsec__ledger *ledger, medsec__batch *batch, medsec_status status);

/* The publisher's report, from any thread; a token that was settled already is ignored. */
bool medsec__ledger_report(medsec__ledger *ledger, uint64_t token, medsec_status status);
uint8_t medsec__ledger_of(uint64_t token);

/* All that finished since the last call, in the order of next_finished; NULL: nothing. */
medsec__batch *medsec__ledger_take(medsec__ledger *ledger);

void medsec__ledger_free(medsec__ledger *ledger, medsec__batch *batch);

#endif
