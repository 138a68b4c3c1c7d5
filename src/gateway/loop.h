/* SPDX-License-Identifier: Apache-2.0 */
#ifndef MEDSEC_GATEWAY_LOOP_H
#define MEDSEC_GATEWAY_LOOP_H

#include "budget.h"
#include "connection.h"
#include "counters.h"
#include "mailbox.h"
#include "round.h"

#define MEDSEC__HINTS 1024u /* addresses of which a loop remembers the device */
#define MEDSEC__BATCH_JSON_MAX 32768u /* bytes of a message on `Readings`; some 180 readings */
#define MEDSEC__RESUMED_AT_ONCE 64u /* of those who were paused */

typedef struct medsec__hint {
    uint8_t address[16];
    char id[MEDSEC_DEVICE_ID_MAX + 1];
} medsec__hint;

struct medsec__loop {
    medsec_gateway *gateway;
    uv_loop_t uv;
    uv_thread_t thread;
    uv_poll_t listener;
    uv_async_t wake;
    uv_timer_t tick;
    int listen_fd;
    int reserve_fd; /* given up to accept and close when there are no more descriptors */
    medsec_directory *directory;
    medsec_session_owner owner; /* of all its sessions */
    medsec_aes_cbc scratch; /* for trying keys */
    medsec__budget budget;
    medsec__round round;
    struct medsec__connections places[MEDSEC__PLACES];
    struct medsec__connections half_open[2]; /* [is_known], oldest first */
    struct medsec__connections due; /* for an acknowledgement */
    struct medsec__connections forgotten; /* by the broker */
    uv_prepare_t before_wait;
    uv_timer_t announce;
    uv_timer_t turn;
    uint64_t half_open_known;
    uint32_t turns; /* that were given */
    medsec__ledger ledger;
    medsec__mailbox mailbox;
    medsec__block *blocks; /* that are free */
    bool is_stirred; /* by itself: something is to be heard before it waits */
    bool attached; /* the publisher works in it */
    bool draining;
    bool drained; /* and said good-bye to all */
    bool quiet; /* nothing came since the last tick */
    uint32_t drain_looks;
    _Atomic uint64_t turned_ms; /* when it ticked last, as uv_now; 0: it does not run */
    _Atomic bool told_stop;
    _Atomic bool told_relieved;
    _Atomic bool told_linked;
    _Atomic bool told_directory;
    _Atomic uint64_t reloads; /* that it has taken */
    medsec__counters counters;
    medsec__hint hints[MEDSEC__HINTS];
    medsec_batch_writer batch; /* of the connection that is being served */
    char batch_text[MEDSEC__BATCH_JSON_MAX];
    /* What is left of the last record of a connection is put in front of what it sends next. */
    uint8_t buffer[MEDSEC_RECORD_LEN_MAX + MEDSEC_GATEWAY_READ_BUFFER];
};

/* From any thread, unless the gateway stops. From its own thread it costs nothing: the
 * loop looks before it waits. */
void medsec__loop_wake(medsec__loop *loop);

bool medsec__loop_is_own(const medsec__loop *loop);
MEDSEC_CHECK medsec_status medsec__loop_open(medsec__loop *loop);
/* Lets the publisher work in it; it goes when the loop ends. */
MEDSEC_CHECK medsec_status medsec__loop_attach(medsec__loop *loop);
MEDSEC_CHECK medsec_status medsec__loop_run(medsec__loop *loop);
/* Of one that was opened and never ran. */
void medsec__loop_abandon(medsec__loop *loop);
void medsec__loop_close(medsec__loop *loop);

/* What other threads left word of. */
void medsec__loop_hear(medsec__loop *loop);
/* Reads on from those who were paused, some at a time: what these bring may be all that there is
 * room for. False: nobody may. */
bool medsec__loop_resume(medsec__loop *loop);
bool medsec__loop_is_any_paused(const medsec__loop *loop);
/* The publisher goes. */
void medsec__loop_detach(medsec__loop *loop);

#endif
