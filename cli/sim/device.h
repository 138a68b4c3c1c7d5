/* SPDX-License-Identifier: Apache-2.0 */
#ifndef MEDSEC_SIM_DEVICE_H
#define MEDSEC_SIM_DEVICE_H

#include "tamper.h"
#include "vitals.h"
#include "wheel.h"

#include <uv.h>

#include <stdio.h>

/*
 * One simulated device: does on the loop what its wire asks for step by step, and owns the socket.
 * What the wire says passes through the tamper into the outbox, and from there to the socket
 * (link.h, sender.h).
 */
typedef enum device_state {
    DEVICE_IDLE, /* not started */
    DEVICE_APART, /* no connection; the wire says when there is to be one */
    DEVICE_CONNECTING,
    DEVICE_UP,
    DEVICE_ENDING, /* all is said: the rest goes out, then the end of the stream */
    DEVICE_LEAVING, /* that is sent: waits a moment for the peer's end */
    DEVICE_CLOSING,
    DEVICE_OVER
} device_state;

typedef struct counters {
    uint64_t bytes; /* handed to the kernel */
    uint64_t received; /* bytes */
    uint64_t corrupted; /* units that did not go out as the wire gave them */
    uint32_t connected; /* devices that had a connection */
    uint32_t connections; /* in all */
    uint32_t open; /* now */
    uint32_t refused; /* attempts that failed */
    uint32_t closed; /* by the peer */
    uint32_t cut; /* by --storm and --outage-cuts */
    int last_error; /* of an attempt, as libuv has it */
} counters;

/* What all devices of a run share. */
typedef struct world {
    uv_loop_t *loop;
    wheel wheel; /* when devices are to be driven */
    const settings *set;
    struct sockaddr_storage target;
    struct sockaddr_storage source[OPTION_LIST_MAX];
    size_t sources;
    pulse_beat beat;
    counters count;
    histogram latency; /* microseconds */
    histogram recovery; /* milliseconds from a cut to the next acknowledgement, or connection */
    uint32_t away; /* devices that were cut, and are not counted there yet */
    wire_setup setup;
    FILE *record; /* what the first device sends; NULL: not asked for */
    bool dark; /* an outage: no bytes pass */
    void (*over)(struct world *world); /* a device came to its end */
} world;

typedef struct device {
    world *world;
    uint32_t number; /* 0, 1, 2 ... */
    device_state state;
    char id[MEDSEC_DEVICE_ID_MAX + 1];
    vitals vitals;
    wire wire;
    tamper tamper;
    outbox box;
    uint32_t queue; /* units that may wait in it */
    uint32_t units; /* given to it on this connection */
    uint64_t began_ms; /* the wire's clock counts from here */
    bool was_connected;
    bool aborted; /* comes back no more */
    bool driving; /* a step is being done */
    bool away; /* it was cut; see world */
    uint64_t cut_ms; /* when that was */
    uint64_t cut_acknowledged; /* readings, then */
    bool has_socket;
    bool writing; /* the kernel reads from the outbox */
    size_t writing_len;
    uv_tcp_t tcp;
    wheel_entry due; /* for the wire */
    uv_timer_t timer; /* for the peer's end of the stream */
    uv_timer_t pace; /* of --slow */
    uv_connect_t connect;
    uv_write_t write;
    uv_shutdown_t shutdown;
} device;

/* The credential may be wiped afterwards. Close with device_free when it is OVER. */
MEDSEC_CHECK medsec_status device_init(device *d, world *w, uint32_t number, const wire_ops *ops,
                                       const medsec_credential *credential);
void device_free(device *d);

void device_start(device *d);
/* Ends it in good order, however long that takes. */
void device_finish(device *d);
/* Ends it at once, whatever it is doing. */
void device_abort(device *d);

/* Bytes of memory it takes when its queues are full. */
size_t device_memory(const device *d);

/* For link.h and sender.h: takes the steps that are due; the wire's clock; the connection is gone,
 * and so many units with it. */
void device_drive(device *d);
void device_due(wheel_entry *entry); /* for the wheel of its world */
uint64_t device_now(const device *d);
void device_apart(device *d, uint32_t unsent);

#endif
