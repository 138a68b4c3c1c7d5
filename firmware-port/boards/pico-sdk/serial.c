/* SPDX-License-Identifier: Apache-2.0 */

#include <hardware/gpio.h>
#include <hardware/irq.h>
#include <hardware/sync.h>
#include <hardware/uart.h>

#include "pico_sdk.h"

static volatile uint8_t received_bytes[PICO_RECEIVE_LEN], to_send_bytes[PICO_SEND_LEN];
static pico_ring received = {.bytes = received_bytes, .len = sizeof received_bytes};
static pico_ring to_send = {.bytes = to_send_bytes, .len = sizeof to_send_bytes};
static volatile uint32_t lost;

/* The interrupt for sending comes when the chip's FIFO runs low; so it is filled by hand first. */
static void __not_in_flash_func(send)(void)
{
    while (!pico_ring_empty(&to_send) && !(uart_get_hw(uart0)->fr & UART_UARTFR_TXFF_BITS)) {
        uart_get_hw(uart0)->dr = pico_ring_take(&to_send);
    }
    uart_get_hw(uart0)->imsc = UART_UARTIMSC_RXIM_BITS | UART_UARTIMSC_RTIM_BITS |
                               (pico_ring_empty(&to_send) ? 0u : UART_UARTIMSC_TXIM_BITS);
}

static void __not_in_flash_func(on_interrupt)(void)
{
    while (!(uart_get_hw(uart0)->fr & UART_UARTFR_RXFE_BITS)) {
        uint32_t byte = uart_get_hw(uart0)->dr;
        lost += byte & UART_UARTDR_OE_BITS ? 1u : 0u;
        lost += pico_ring_put(&received, (uint8_t)byte) ? 0u : 1u;
    }
    send();
}

void serial_start(void)
{
    (void)uart_init(uart0, PICO_BAUD);
    gpio_set_function(PIN_UART_TX, GPIO_FUNC_UART);
    gpio_set_function(PIN_UART_RX, GPIO_FUNC_UART);
    gpio_pull_up(PIN_UART_RX);
    irq_set_exclusive_handler(UART0_IRQ, on_interrupt);
    irq_set_enabled(UART0_IRQ, true);
    send();
}

size_t serial_read(void *context, uint8_t *out, size_t cap)
{
    (void)context;
    return pico_ring_read(&received, out, cap);
}

size_t serial_write(void *context, const uint8_t *data, size_t len)
{
    (void)context;
    size_t taken = pico_ring_write(&to_send, data, len);
    uint32_t before = save_and_disable_interrupts();
    send();
    restore_interrupts(before);
    return taken;
}

uint32_t serial_lost(void *context)
{
    (void)context;
    return lost;
}
