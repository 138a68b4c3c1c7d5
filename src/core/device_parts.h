/* SPDX-License-Identifier: Apache-2.0 */
#ifndef MEDSEC_CORE_DEVICE_PARTS_H
#define MEDSEC_CORE_DEVICE_PARTS_H

#include "device_ring.h"

/* The files of a device: device.c has its life and its readings, device_step.c the states and the
 * time, device_send.c what it says, device_receive.c what it hears, device_config.c how it
 * measures. */
enum {
    MEDSEC__DEVICE_CLOSED = 0, /* a zeroed struct */
    MEDSEC__DEVICE_IDLE, /* not connected; deadline: not before */
    MEDSEC__DEVICE_CONNECTING,
    MEDSEC__DEVICE_CONNECTED, /* HELLO is due */
    MEDSEC__DEVICE_GREETED, /* waits for WELCOME */
    MEDSEC__DEVICE_OPEN, /* deadline: of the acknowledgement */
    MEDSEC__DEVICE_LEAVING, /* has said CLOSE, which is to be sent before it closes */
    MEDSEC__DEVICE_ENDING, /* CLOSE is due */
    MEDSEC__DEVICE_ENDED /* waits to be told that it is disconnected */
};

#define MEDSEC__NEVER UINT64_MAX

/* The connection is of no use any more: forgets its keys, and goes into that state. */
void medsec__device_end(medsec_device *device, uint8_t state);

/* The same, because of what the other side did or did not do. */
void medsec__device_fault(medsec_device *device, medsec_status reason);

/* UTC is known from now on, as far as that source may say it. */
void medsec__device_set_utc(medsec_device *device, uint64_t now_ms, uint64_t utc_ms,
                            medsec_time_quality quality);

/* The next record to send, if there is any: else *len is 0. `cap` is at least
 * MEDSEC_DEVICE_OUT_MIN. */
medsec_status medsec__device_write(medsec_device *device, uint64_t now_ms, uint8_t *out, size_t cap,
                                   size_t *len);

/* When that has a record by itself; NEVER: not without an event. */
uint64_t medsec__device_write_at(const medsec_device *device, uint64_t now_ms);

/* Takes over what is given in `wanted`, whole; false when a member is outside its limits. */
bool medsec__config_apply(medsec_config *config, const medsec_config *wanted);
void medsec__config_defaults(medsec_config *config);

#endif
