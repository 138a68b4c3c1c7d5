/* SPDX-License-Identifier: Apache-2.0 */
#ifndef FIRMWARE_PICO_H
#define FIRMWARE_PICO_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* What the two boards for the Pico share: its pins (docs/hardware.md), and the rings of its UART.
 */
enum {
    PIN_UART_TX = 0,
    PIN_UART_RX = 1,
    PIN_SDA = 14,
    PIN_SCL = 15,
    PIN_WIRE = 16,
    PIN_SWITCH = 17,
    PIN_LED = 25,
    PIN_PULSE = 26
};

#define PICO_BAUD 115200u
#define PICO_RECEIVE_LEN 2048u /* bytes; both are powers of two */
#define PICO_SEND_LEN 256u

/* In the watchdog's first scratch register after a fault, with the exception's number: for who
 * looks with a debugger. */
#define PICO_FAULT_MARK 0xfa000000u

/* Put in by one side and taken out by the other, one of which is an interrupt: so each moves only
 * its own index, which grows for ever and is taken modulo the length. */
typedef struct pico_ring {
    volatile uint8_t *bytes;
    uint32_t len;
    volatile uint32_t in, out;
} pico_ring;

/* The interrupt comes also while flash cannot be read: nothing may be called there, not even this.
 */
#define PICO_INLINE static inline __attribute__((always_inline))

PICO_INLINE bool pico_ring_empty(const pico_ring *ring)
{
    return ring->in == ring->out;
}

/* false: full */
PICO_INLINE bool pico_ring_put(pico_ring *ring, uint8_t byte)
{
    if (ring->in - ring->out == ring->len) {
        return false;
    }
    ring->bytes[ring->in & (ring->len - 1)] = byte;
    ring->in++;
    return true;
}

/* Not from an empty one. */
PICO_INLINE uint8_t pico_ring_take(pico_ring *ring)
{
    uint8_t byte = ring->bytes[ring->out & (ring->len - 1)];
    ring->out++;
    return byte;
}

PICO_INLINE size_t pico_ring_read(pico_ring *ring, uint8_t *out, size_t cap)
{
    size_t len = 0;
    while (len < cap && !pico_ring_empty(ring)) {
        out[len++] = pico_ring_take(ring);
    }
    return len;
}

PICO_INLINE size_t pico_ring_write(pico_ring *ring, const uint8_t *data, size_t len)
{
    size_t taken = 0;
    while (taken < len && pico_ring_put(ring, data[taken])) {
        taken++;
    }
    return taken;
}

#endif
