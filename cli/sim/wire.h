/* SPDX-License-Identifier: Apache-2.0 */
#ifndef MEDSEC_SIM_WIRE_H
#define MEDSEC_SIM_WIRE_H

#include "histogram.h"
#include "prng.h"
#include "retry.h"
#include "settings.h"

#include <medsec/credential_file.h>
#include <medsec/device.h>
#include <medsec/seed_frame.h>

/*
 * What a simulated device says and when, without its socket: a table of functions for each wire,
 * all in the steps of medsec/device.h. SEND gives one unit, a frame or a record. `now_ms` counts
 * from the start of the device.
 */
typedef enum wire_choice { WIRE_AUTO, WIRE_SEED, WIRE_SEED_CHAINED, WIRE_MEDSEC1 } wire_choice;

/* What a wire needs of its run. All of it outlives the wire. */
typedef struct wire_setup {
    const settings *set;
    uint32_t boot;
    histogram *latency; /* from sampling to acknowledgement, in microseconds */
    const char *replay; /* NULL: none */
    size_t replay_len;
} wire_setup;

/* Readings, but for the last two. */
typedef struct wire_counts {
    uint64_t sampled;
    uint64_t skipped; /* measured too late, or with no room for them */
    uint64_t sent;
    uint64_t resent;
    uint64_t acknowledged;
    uint64_t dropped; /* pushed out of the ring */
    uint64_t pending; /* not acknowledged yet */
    uint64_t sessions;
    uint64_t faults; /* connections that the device itself gave up */
} wire_counts;

typedef struct wire wire;

typedef struct wire_ops {
    const char *name;
    size_t unit_max; /* bytes of the longest unit */
    uint32_t queue; /* units that may wait for the socket, beside those of --coalesce */
    bool greets; /* the first unit of a connection waits for no other */
    bool acknowledges; /* readings are acknowledged: they can be waited for */
    /* Flips one bit of a unit, so that it still looks like one. */
    void (*corrupt)(uint8_t *unit, size_t len, prng *random);

    medsec_status (*open)(wire *w, const wire_setup *setup, const medsec_credential *credential);
    void (*poll)(wire *w, uint64_t now_ms, uint8_t *out, size_t cap, medsec_step *step);
    /* Takes the reading that poll asked for. */
    void (*sample)(wire *w, uint64_t now_ms, const medsec_reading *reading);
    void (*connected)(wire *w, uint64_t now_ms);
    /* `unsent` units did not leave, of those given. */
    void (*disconnected)(wire *w, uint64_t now_ms, uint32_t unsent);
    void (*written)(wire *w, uint32_t units);
    void (*receive)(wire *w, uint64_t now_ms, const uint8_t *data, size_t len);
    /* Nothing is left to say; CLOSE means an orderly end then. */
    bool (*done)(const wire *w);
    /* Seconds from the last reading to the one that poll asked for. */
    double (*step_s)(const wire *w, uint64_t now_ms);
    void (*add_counts)(const wire *w, wire_counts *sum);
    /* Bytes that it has beside itself. */
    size_t (*memory)(const wire *w);
    void (*close)(wire *w);
} wire_ops;

extern const wire_ops wire_seed_ops;
extern const wire_ops wire_seed_chained_ops;
extern const wire_ops wire_medsec1_ops;
extern const wire_ops wire_replay_ops; /* what was recorded, whatever it is */

/* Frames of the seed wire, chained or not: paced here. */
typedef struct wire_seed {
    medsec_aes_cbc aes;
    uint8_t iv[MEDSEC_AES_BLOCK_LEN];
    retry retry;
    medsec_reading reading;
    bool has_reading; /* it is not encoded yet */
    double interval_ms;
    double next_ms; /* when the next reading is due */
    uint32_t count; /* readings to make; 0: no end */
    uint32_t made; /* and not lost with a connection */
    uint64_t sampled;
    uint64_t skipped;
    uint64_t sent;
} wire_seed;

/* The library's device, and when its unacknowledged readings were measured. */
typedef struct wire_medsec1 {
    medsec_device core;
    uint8_t *ring; /* the device's, then `times` */
    uint32_t *times; /* of the readings in the ring, microseconds */
    uint32_t slots;
    uint32_t oldest; /* index in times */
    uint32_t used;
    uint64_t acknowledged; /* as counted when times was last brought up to date */
    uint64_t dropped;
    histogram *latency;
    uint32_t count; /* readings to make; 0: no end */
    bool gave_up; /* waiting for acknowledgements */
    uint32_t wait_ms; /* how long it does at the end */
    uint64_t give_up_ms; /* 0: the end has not come */
    uint64_t due_ms; /* when the last reading was, by the device's interval */
    uint64_t refused; /* readings that the device did not take */
} wire_medsec1;

typedef struct wire_replay {
    retry retry;
    const char *data;
    size_t len;
    size_t at;
    bool was_connected;
} wire_replay;

struct wire {
    const wire_ops *ops;
    bool finishing; /* set it, and there are no new readings: what there is goes out at once */
    union {
        wire_seed seed;
        wire_medsec1 medsec1;
        wire_replay replay;
    } on;
};

/* What speaks for a credential; NULL: it cannot be used on the wire that was chosen. */
const wire_ops *wire_find(wire_choice choice, const medsec_credential *credential);

/* The credential may be wiped afterwards. Nothing is left to close after an error. */
MEDSEC_CHECK medsec_status wire_open(wire *w, const wire_ops *ops, const wire_setup *setup,
                                     const medsec_credential *credential);
/* Also right for a zeroed wire. */
void wire_close(wire *w);

#endif
