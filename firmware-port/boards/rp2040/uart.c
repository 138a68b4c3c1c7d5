/* SPDX-License-Identifier: Apache-2.0 */

#include "rp2040.h"

/* 16 times the baud rate go into the clock so many times, in 64ths. */
#define DIVISOR ((CLOCK_SYS * 4u + PICO_BAUD / 2u) / PICO_BAUD)

static volatile uint8_t received_bytes[PICO_RECEIVE_LEN], to_send_bytes[PICO_SEND_LEN];
static pico_ring received = {.bytes = received_bytes, .len = sizeof received_bytes};
static pico_ring to_send = {.bytes = to_send_bytes, .len = sizeof to_send_bytes};
static volatile uint32_t lost;

ALWAYS_INLINE void receive(void)
{
    while (!(get(UART_FR) & UART_FR_RXFE)) {
        uint32_t byte = get(UART_DR);
        if (byte & UART_DR_OVERRUN) {
            lost++;
        }
        if (!pico_ring_put(&received, (uint8_t)byte)) {
            lost++;
        }
    }
}

/* The interrupt for sending comes when the chip's FIFO runs low; so it is filled by hand first. */
static RAM_CODE void send(void)
{
    while (!pico_ring_empty(&to_send) && !(get(UART_FR) & UART_FR_TXFF)) {
        put(UART_DR, pico_ring_take(&to_send));
    }
    put(UART_IMSC,
        UART_INT_RX | UART_INT_RX_TIMEOUT | (pico_ring_empty(&to_send) ? 0 : UART_INT_TX));
}

void uart_start(void)
{
    blocks_start(RESET_UART0);
    put(UART_IBRD, DIVISOR / 64u);
    put(UART_FBRD, DIVISOR % 64u);
    put(UART_LCR_H, UART_LCR_H_8_BITS | UART_LCR_H_FIFOS);
    put(UART_CR, UART_CR_ON | UART_CR_TX | UART_CR_RX);
    pin_start(PIN_UART_TX, IO_UART, PADS_INPUT | PADS_SCHMITT | PADS_4MA);
    pin_start(PIN_UART_RX, IO_UART, PADS_INPUT | PADS_SCHMITT | PADS_PULL_UP);
    send();
    put(NVIC_ISER, 1u << IRQ_UART0);
}

RAM_CODE void uart_on_interrupt(void)
{
    receive();
    send();
}

size_t uart_read(void *context, uint8_t *out, size_t cap)
{
    (void)context;
    return pico_ring_read(&received, out, cap);
}

size_t uart_write(void *context, const uint8_t *data, size_t len)
{
    (void)context;
    size_t taken = pico_ring_write(&to_send, data, len);
    uint32_t before = interrupts_off();
    send();
    interrupts_restore(before);
    return taken;
}

uint32_t uart_lost(void *context)
{
    (void)context;
    return lost;
}
