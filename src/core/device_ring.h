/* SPDX-License-Identifier: Apache-2.0 */
#ifndef MEDSEC_CORE_DEVICE_RING_H
#define MEDSEC_CORE_DEVICE_RING_H

#include <medsec/device.h>

/* A reading that waits, with what is not sent of it. */
typedef struct medsec__entry {
    medsec_sample sample;
    uint32_t at_ms; /* now_ms when it was measured, the low 32 bits */
    uint8_t quality; /* medsec_time_quality */
} medsec__entry;

/* Lays the ring over `len` bytes of memory; false when that is not a number of slots. */
bool medsec__ring_open(medsec_device_ring *ring, uint8_t *memory, size_t len, size_t vitals);

/* Sequence of the oldest; the ring's `end` when there is none. */
static inline uint64_t medsec__ring_begin(const medsec_device_ring *ring)
{
    return ring->end - ring->count;
}

/* Puts a reading behind the newest; true when the oldest had to go for it. */
bool medsec__ring_push(medsec_device_ring *ring, const medsec__entry *entry);

/* The reading of that sequence, which must be in the ring. */
void medsec__ring_get(const medsec_device_ring *ring, uint64_t sequence, medsec__entry *entry);

/* Lets go of all before that sequence, which is at most `end`; how many they were. */
size_t medsec__ring_release(medsec_device_ring *ring, uint64_t sequence);

/* UTC of a moment; what lies after year 9999 becomes its end, which the wire can still say. */
uint64_t medsec__utc_ms(uint64_t now_ms, uint64_t offset_ms);

/* Gives UTC to the readings that have none. */
void medsec__ring_set_utc(medsec_device_ring *ring, uint64_t offset_ms, uint8_t quality);

#endif
