/* SPDX-License-Identifier: Apache-2.0 */

#include "rp2040.h"

#define INTERRUPTS 32u
#define EXCEPTIONS (16u + INTERRUPTS)

typedef void (*handler)(void);

/* rp2040.ld: addresses */
extern uint32_t stack_top[], data_begin[], data_load[], bss_begin[];
extern const uint8_t data_len[], bss_len[]; /* numbers: the address is the length */

int main(void);
_Noreturn void start(void);

/* A fault, an interrupt that nobody asked for, or an instruction of __builtin_trap: the chip starts
 * anew. */
static RAM_CODE _Noreturn void fault(void)
{
    uint32_t number;
    __asm__ volatile("mrs %0, ipsr" : "=r"(number));
    put(WATCHDOG_SCRATCH0, PICO_FAULT_MARK | number);
    chip_reset();
}

/* Until data are copied nothing but a fault may come. */
__attribute__((section(".vectors"), used)) static const handler first_vectors[4] = {
    (handler)stack_top, start, fault, fault};

/* In RAM, because the UART's interrupt comes also while flash is written. */
__attribute__((section(".ram_vectors"), aligned(256))) static handler vectors[EXCEPTIONS];

static void vectors_start(void)
{
    for (size_t i = 0; i < EXCEPTIONS; i++) {
        vectors[i] = fault;
    }
    vectors[16 + IRQ_TIMER(0)] = time_on_tick;
    vectors[16 + IRQ_TIMER(1)] = time_on_wake;
    vectors[16 + IRQ_UART0] = uart_on_interrupt;
    put(VTOR, (uint32_t)(uintptr_t)vectors);
}

_Noreturn void start(void)
{
    for (size_t i = 0; i < (uintptr_t)data_len / sizeof data_begin[0]; i++) {
        data_begin[i] = data_load[i];
    }
    for (size_t i = 0; i < (uintptr_t)bss_len / sizeof bss_begin[0]; i++) {
        bss_begin[i] = 0;
    }
    vectors_start();
    clocks_start();
    main();
    chip_reset();
}
