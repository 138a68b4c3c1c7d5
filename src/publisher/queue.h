/* SPDX-License-Identifier: Apache-2.0 */
#ifndef MEDSEC_PUBLISHER_QUEUE_H
#define MEDSEC_PUBLISHER_QUEUE_H

#include <medsec/publisher.h>

/*
 * Messages in one ring of bytes, first in, first out. A message stays where it is between next()
 * and release(), so that it can be sent from there, and again after rewind(). No lock: its owner's.
 * What an outage filled beyond MEDSEC__QUEUE_KEPT goes back to the system when the ring is empty.
 */
#define MEDSEC__QUEUE_KEPT ((size_t)4 << 20) /* bytes: more than what waits in ordinary times */

typedef struct medsec__queue {
    uint8_t *ring;
    size_t size;
    size_t head; /* oldest record */
    size_t next; /* first record not handed out */
    size_t tail; /* where the next record goes */
    size_t wrap; /* records end here and go on at 0; `size` when the tail has not wrapped */
    size_t used; /* bytes between head and tail */
    size_t count; /* records */
    size_t handed; /* of them handed out by next() */
    size_t peak; /* the farthest tail since the ring was empty */
} medsec__queue;

/* ERR_MEMORY. */
MEDSEC_CHECK medsec_status medsec__queue_open(medsec__queue *queue, size_t size);
void medsec__queue_close(medsec__queue *queue);

/* Copies the message in. ERR_BUSY: no room now; ERR_LIMIT: never any room. */
MEDSEC_CHECK medsec_status medsec__queue_push(medsec__queue *queue, const medsec_message *message);

/* The oldest one not handed out yet; its topic has a NUL behind it. False: there is none. */
bool medsec__queue_next(medsec__queue *queue, medsec_message *message);

/* The same, and it stays the next one. */
bool medsec__queue_peek(const medsec__queue *queue, medsec_message *message);

/* Gives up the oldest record. False: there is none. */
bool medsec__queue_release(medsec__queue *queue);

/* What was handed out and not released is handed out again. */
void medsec__queue_rewind(medsec__queue *queue);

#endif
