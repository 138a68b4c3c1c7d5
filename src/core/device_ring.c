/* SPDX-License-Identifier: Apache-2.0 */
#include "device_ring.h"

#include <string.h>

/* A slot: this, then the values. The memory is the caller's and need not be aligned. */
typedef struct slot_head {
    uint64_t time_ms;
    uint32_t at_ms;
    uint16_t present;
    uint8_t quality;
    uint8_t unused;
} slot_head;

_Static_assert(sizeof(slot_head) == MEDSEC_DEVICE_SLOT_LEN(0), "what the header tells callers");
_Static_assert(MEDSEC_VITALS_MAX <= 16, "bits of slot_head.present");

bool medsec__ring_open(medsec_device_ring *ring, uint8_t *memory, size_t len, size_t vitals)
{
    size_t slot_len = MEDSEC_DEVICE_SLOT_LEN(vitals);
    if (memory == NULL || len == 0 || len % slot_len != 0) {
        return false;
    }
    *ring = (medsec_device_ring){.memory = memory, .slot_len = slot_len, .slots = len / slot_len};
    return true;
}

/* The slot that is `index` behind the oldest. */
static uint8_t *slot_at(const medsec_device_ring *ring, size_t index)
{
    return ring->memory + (ring->oldest + index) % ring->slots * ring->slot_len;
}

static void let_go(medsec_device_ring *ring, size_t count)
{
    ring->oldest = (ring->oldest + count) % ring->slots;
    ring->count -= count;
}

bool medsec__ring_push(medsec_device_ring *ring, const medsec__entry *entry)
{
    bool full = ring->count == ring->slots;
    if (full) {
        let_go(ring, 1);
    }
    slot_head head = {.time_ms = entry->sample.time_ms,
                      .at_ms = entry->at_ms,
                      .present = (uint16_t)entry->sample.present,
                      .quality = entry->quality};
    uint8_t *slot = slot_at(ring, ring->count);
    memcpy(slot, &head, sizeof head);
    memcpy(slot + sizeof head, entry->sample.value, ring->slot_len - sizeof head);
    ring->count++;
    ring->end++;
    return full;
}

void medsec__ring_get(const medsec_device_ring *ring, uint64_t sequence, medsec__entry *entry)
{
    slot_head head;
    const uint8_t *slot = slot_at(ring, (size_t)(sequence - medsec__ring_begin(ring)));
    memset(entry, 0, sizeof *entry);
    memcpy(&head, slot, sizeof head);
    memcpy(entry->sample.value, slot + sizeof head, ring->slot_len - sizeof head);
    entry->sample.time_ms = head.time_ms;
    entry->sample.present = head.present;
    entry->at_ms = head.at_ms;
    entry->quality = head.quality;
}

size_t medsec__ring_release(medsec_device_ring *ring, uint64_t sequence)
{
    uint64_t begin = medsec__ring_begin(ring);
    if (sequence <= begin) {
        return 0;
    }
    size_t count = (size_t)(sequence - begin);
    let_go(ring, count);
    return count;
}

uint64_t medsec__utc_ms(uint64_t now_ms, uint64_t offset_ms)
{
    uint64_t utc_ms = now_ms + offset_ms; /* the offset may be negative: modulo 2^64 */
    return utc_ms < MEDSEC_TIME_MS_MAX ? utc_ms : MEDSEC_TIME_MS_MAX;
}

void medsec__ring_set_utc(medsec_device_ring *ring, uint64_t offset_ms, uint8_t quality)
{
    for (size_t i = 0; i < ring->count; i++) {
        slot_head head;
        uint8_t *slot = slot_at(ring, i);
        memcpy(&head, slot, sizeof head);
        if (head.quality == MEDSEC_TIME_UNKNOWN) {
            head.time_ms = medsec__utc_ms(head.time_ms, offset_ms);
            head.quality = quality;
            memcpy(slot, &head, sizeof head);
        }
    }
}
