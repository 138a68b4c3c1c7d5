/* SPDX-License-Identifier: Apache-2.0 */
#ifndef MEDSEC_SIM_DEVICE_H
#define MEDSEC_SIM_DEVICE_H

#include "outbox.h"
#include "settings.h"
#include "vitals.h"
#include "wire.h"

#include <uv.h>

#include <stdio.h>

/* One simulated device: its connection as a state machine on the loop. */
typedef enum device_state {
    DEVICE_IDLE, /* not started */
    DEVICE_CONNECTING,
    DEVICE_SENDING,
    DEVICE_DRAINING, /* no new readings; the rest goes out, then the end of the stream */
    DEVICE_CLOSING,
    DEVICE_WAITING, /* before the next attempt */
    DEVICE_OVER
} device_state;

typedef struct counters {
    uint64_t sent; /* readings handed to the kernel whole */
    uint64_t bytes;
    uint64_t corrupted; /* among those made */
    uint64_t skipped; /* readings that found the outbox full, or came too late */
    uint32_t connected; /* devices that had a connection */
    uint32_t connections; /* in all */
    uint32_t open; /* now */
    uint32_t refused; /* attempts that failed */
    uint32_t closed; /* by the peer */
    int last_error; /* of an attempt, as libuv has it */
} counters;

/* What all devices of a run share. */
typedef struct world {
    uv_loop_t *loop;
    const settings *set;
    struct sockaddr_storage target;
    struct sockaddr_storage source[OPTION_LIST_MAX];
    size_t sources;
    ecg_beat beat;
    counters count;
    char *replay; /* NULL: none */
    size_t replay_len;
    FILE *record; /* what the first device sends; NULL: not asked for */
    bool stopping;
    void (*over)(struct world *world); /* a device came to its end */
} world;

typedef struct device {
    world *world;
    uint32_t number; /* 0, 1, 2 ... */
    device_state state;
    char id[MEDSEC_DEVICE_ID_MAX + 1];
    vitals vitals;
    wire wire;
    prng random; /* for faults and pauses */
    outbox box;
    uint32_t made; /* readings put into the outbox and not lost there */
    uint64_t frames; /* for --corrupt */
    uint64_t connected_ns;
    uint32_t attempts; /* since the last connection that lasted */
    bool was_connected;
    bool writing; /* the kernel reads from the outbox */
    size_t writing_len;
    uv_tcp_t tcp;
    uv_timer_t timer; /* pause before an attempt; pace of --slow */
    uv_connect_t connect;
    uv_write_t write;
    uv_shutdown_t shutdown;
} device;

/* The credential may be wiped afterwards. Close with device_free when it is OVER. */
MEDSEC_CHECK medsec_status device_init(device *d, world *w, uint32_t number,
                                       const medsec_credential *credential);
void device_free(device *d);

void device_start(device *d);
/* Time for a reading; does nothing unless it is sending. */
void device_tick(device *d, uint64_t now_ns);
/* Ends it: in good order when it is sending; else at once. */
void device_finish(device *d);
/* Ends it at once, whatever it is doing. */
void device_abort(device *d);

#endif
