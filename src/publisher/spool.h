/* SPDX-License-Identifier: Apache-2.0 */
#ifndef MEDSEC_PUBLISHER_SPOOL_H
#define MEDSEC_PUBLISHER_SPOOL_H

#include "queue.h"
#include "spool_disk.h"

#include <stdatomic.h>
#include <uv.h>

/*
 * The spool is direct, and publish() goes through to the publisher behind; or it is not, and
 * publish() puts the message into a ring, from which the spool's thread takes it to the disk, or
 * on when nothing is on disk. Only the thread touches the disk.
 *
 * Order: what is behind is older than what is on disk, and that is older than the ring. Where
 * messages that went through (not from the disk) are still behind, nothing from the disk is
 * handed over; sequence numbers are reserved for them in case they come back.
 */
#define MEDSEC__SPOOL_OWN (UINT64_C(1) << 63) /* tokens of what comes from the disk */
#define MEDSEC__SPOOL_WINDOW 8192u /* of them behind, and not confirmed */
#define MEDSEC__SPOOL_STRIPES 16u
#define MEDSEC__SPOOL_CACHE_LINE 64u

typedef enum medsec__spool_slot_state {
    MEDSEC__SPOOL_SENT,
    MEDSEC__SPOOL_UNSENT, /* it came back */
    MEDSEC__SPOOL_DONE
} medsec__spool_slot_state;

/* One message from the disk that was handed over. */
typedef struct medsec__spool_slot {
    uint64_t sequence;
    medsec__spool_kind kind;
    _Atomic int state;
} medsec__spool_slot;

/* How many are inside the publisher behind, of some lanes. */
typedef struct medsec__spool_stripe {
    _Alignas(MEDSEC__SPOOL_CACHE_LINE) _Atomic uint32_t inside;
} medsec__spool_stripe;

/* A message that came back from behind. */
typedef struct medsec__spool_returned {
    struct medsec__spool_returned *next;
    medsec_message message;
    char text[];
} medsec__spool_returned;

typedef struct medsec__spool {
    medsec_publisher base;
    medsec_publisher *behind;
    const medsec_publisher_listener *listener;
    medsec_publisher_listener own; /* what the one behind is told to tell */
    medsec_log *log;
    size_t high_water;

    _Atomic bool direct;
    _Atomic bool linked;
    _Atomic bool full; /* the disk: who can wait should */
    _Atomic bool told_pressed;
    _Atomic bool resend; /* there are slots that came back */
    _Atomic uint64_t paused_until_ns; /* the broker said no to one */
    _Atomic size_t ring_used;
    _Atomic uint64_t busy;
    medsec__spool_stripe stripes[MEDSEC__SPOOL_STRIPES];

    uv_mutex_t lock; /* of what follows */
    uv_cond_t changed;
    medsec__queue ring;
    medsec_publisher_stats shown;
    bool waiting; /* the thread, for a message */
    bool poked;
    bool stopping;
    bool started;

    uv_thread_t thread; /* which has what follows */
    medsec__spool_disk disk;
    uint64_t deadline_ns;
    uint64_t next; /* sequence number */
    uint64_t reserved; /* for what went through and comes back */
    uint64_t reserved_end;
    uint64_t handed; /* sequence number of the last one handed over from the disk */
    uint64_t behind_queued;
    uint64_t behind_published;
    uint64_t slow_since_ns;
    uint64_t retry_ns; /* when a disk that failed is tried again; 0: it works */
    uint64_t expired_ns;
    bool was_direct;
    bool went_through; /* something that did may still be behind */
    bool crowded; /* the disk takes no more */
    medsec__spool_returned *returned;
    medsec__spool_returned **returned_end;
    uint64_t stored;
    uint64_t delivered;
    uint64_t stored_before; /* when the log was told last */
    uint64_t delivered_before;
    _Atomic uint64_t lost; /* also by who is behind */
    uint64_t *tokens[MEDSEC__SPOOL_KINDS]; /* of the group */
    uint32_t token_count[MEDSEC__SPOOL_KINDS];
    medsec__spool_slot *slots;
    _Atomic uint64_t head; /* oldest slot not confirmed */
    _Atomic uint64_t tail;
    uint64_t cursor; /* slot of the next record that is read */
} medsec__spool;

/* spool.c; from any thread. */
bool medsec__spool_is_pressed(medsec__spool *spool, bool droppable);
void medsec__spool_poke(medsec__spool *spool);
/* The listener of who is behind. */
void medsec__spool_report(medsec__spool *spool, uint64_t token, medsec_status status);

/* spool_thread.c */
void medsec__spool_run(void *context);
/* Keeps what the one behind, which has stopped, gives back. */
void medsec__spool_finish(medsec__spool *spool);

/* spool_store.c: from memory to the disk. */
/* Takes back what is behind, if it gives anything. */
void medsec__spool_take_back(medsec__spool *spool);
/* Makes one group safe. True: there was one. */
bool medsec__spool_store(medsec__spool *spool, bool force);
/* The oldest message in memory, and giving it up. */
bool medsec__spool_first(medsec__spool *spool, medsec_message *message);
void medsec__spool_drop_first(medsec__spool *spool);

/* spool_deliver.c: from the disk to the one behind. */
/* Hands over some. True: there were some. */
bool medsec__spool_deliver(medsec__spool *spool);
/* True: the one behind has had all that is on disk. */
bool medsec__spool_all_handed(medsec__spool *spool);
/* Forgets what was confirmed; with `whole`, also files that would grow. */
void medsec__spool_retire(medsec__spool *spool, bool whole);
/* What the one behind says of a message from the disk, from any thread. */
void medsec__spool_confirm(medsec__spool *spool, uint64_t token, medsec_status status);
/* A message from the disk came back. */
void medsec__spool_unsend(medsec__spool *spool, uint64_t token);

#endif
