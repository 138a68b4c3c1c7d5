/* SPDX-License-Identifier: Apache-2.0 */
#ifndef FIRMWARE_RP2040_REGISTERS_H
#define FIRMWARE_RP2040_REGISTERS_H

#include <stdint.h>

/*
 * The registers that this board uses, by the names of the RP2040 data sheet (chapters 2 and 4).
 * set_bits and clear_bits go through the aliases of section 2.1.2: one bus access, so that an
 * interrupt in between spoils nothing. The processor's own and SIO have no such aliases.
 */
#define ALWAYS_INLINE static inline __attribute__((always_inline))

ALWAYS_INLINE uint32_t get(uint32_t address)
{
    return *(const volatile uint32_t *)(uintptr_t)address;
}

ALWAYS_INLINE void put(uint32_t address, uint32_t value)
{
    *(volatile uint32_t *)(uintptr_t)address = value;
}

ALWAYS_INLINE void set_bits(uint32_t address, uint32_t bits)
{
    put(address + 0x2000u, bits);
}

ALWAYS_INLINE void clear_bits(uint32_t address, uint32_t bits)
{
    put(address + 0x3000u, bits);
}

ALWAYS_INLINE void wait_for(uint32_t address, uint32_t bits)
{
    while ((get(address) & bits) != bits) {
    }
}

/* Serial interface of the flash, behind the window at XIP_BASE (4.10) */
#define XIP_BASE 0x10000000u
#define SSI_CTRLR0 0x18000000u
#define SSI_CTRLR1 0x18000004u
#define SSI_SSIENR 0x18000008u
#define SSI_BAUDR 0x18000014u
#define SSI_SPI_CTRLR0 0x180000f4u

/* Clocks (2.15), crystal (2.16), ring oscillator (2.17), PLLs (2.18) */
#define CLK_REF_CTRL 0x40008030u
#define CLK_REF_SELECTED 0x40008038u
#define CLK_SYS_CTRL 0x4000803cu
#define CLK_SYS_SELECTED 0x40008044u
#define CLK_PERI_CTRL 0x40008048u
#define CLK_ADC_CTRL 0x40008060u
#define CLK_SYS_RESUS_CTRL 0x40008078u
#define CLK_ENABLE (1u << 11)
#define XOSC_CTRL 0x40024000u
#define XOSC_STATUS 0x40024004u
#define XOSC_STARTUP 0x4002400cu
#define XOSC_STABLE (1u << 31)
#define ROSC_RANDOMBIT 0x4006001cu
#define PLL_SYS 0x40028000u
#define PLL_USB 0x4002c000u
#define PLL_CS 0x0u
#define PLL_PWR 0x4u
#define PLL_FBDIV_INT 0x8u
#define PLL_PRIM 0xcu
#define PLL_CS_LOCK (1u << 31)
#define PLL_PWR_PD (1u << 0)
#define PLL_PWR_POSTDIVPD (1u << 3)
#define PLL_PWR_VCOPD (1u << 5)

/* Resets (2.14), power-on state machine (2.13), watchdog (4.7) */
#define RESETS_RESET 0x4000c000u
#define RESETS_RESET_DONE 0x4000c008u
#define RESET_ADC (1u << 0)
#define RESET_I2C1 (1u << 4)
#define RESET_IO_BANK0 (1u << 5)
#define RESET_PADS_BANK0 (1u << 8)
#define RESET_PLL_SYS (1u << 12)
#define RESET_PLL_USB (1u << 13)
#define RESET_TIMER (1u << 21)
#define RESET_UART0 (1u << 22)
#define PSM_WDSEL 0x40010008u
#define PSM_ALL_BUT_OSCILLATORS 0x1fffcu
#define WATCHDOG_CTRL 0x40058000u
#define WATCHDOG_LOAD 0x40058004u
#define WATCHDOG_SCRATCH0 0x4005800cu
#define WATCHDOG_SCRATCH4 0x4005801cu
#define WATCHDOG_TICK 0x4005802cu
#define WATCHDOG_ENABLE (1u << 30)
#define WATCHDOG_TRIGGER (1u << 31)
#define WATCHDOG_TICK_ENABLE (1u << 9)

/* Pins: function (2.19), pad, level */
#define IO_CTRL(pin) (0x40014004u + 8u * (pin))
#define IO_UART 2u
#define IO_I2C 3u
#define IO_SIO 5u
#define IO_NONE 0x1fu
#define PADS(pin) (0x4001c004u + 4u * (pin))
#define PADS_SCHMITT (1u << 1)
#define PADS_PULL_UP (1u << 3)
#define PADS_4MA (1u << 4)
#define PADS_INPUT (1u << 6)
#define PADS_NO_OUTPUT (1u << 7)
#define SIO_GPIO_IN 0xd0000004u
#define SIO_GPIO_OUT_SET 0xd0000014u
#define SIO_GPIO_OUT_CLR 0xd0000018u
#define SIO_GPIO_OE_SET 0xd0000024u
#define SIO_GPIO_OE_CLR 0xd0000028u

/* UART0 (4.2) */
#define UART_DR 0x40034000u
#define UART_FR 0x40034018u
#define UART_IBRD 0x40034024u
#define UART_FBRD 0x40034028u
#define UART_LCR_H 0x4003402cu
#define UART_CR 0x40034030u
#define UART_IMSC 0x40034038u
#define UART_DR_OVERRUN (1u << 11)
#define UART_FR_RXFE (1u << 4)
#define UART_FR_TXFF (1u << 5)
#define UART_LCR_H_FIFOS (1u << 4)
#define UART_LCR_H_8_BITS (3u << 5)
#define UART_CR_ON (1u << 0)
#define UART_CR_TX (1u << 8)
#define UART_CR_RX (1u << 9)
#define UART_INT_RX (1u << 4)
#define UART_INT_TX (1u << 5)
#define UART_INT_RX_TIMEOUT (1u << 6)

/* I2C1 (4.3) */
#define IC_CON 0x40048000u
#define IC_TAR 0x40048004u
#define IC_DATA_CMD 0x40048010u
#define IC_FS_SCL_HCNT 0x4004801cu
#define IC_FS_SCL_LCNT 0x40048020u
#define IC_RAW_INTR_STAT 0x40048034u
#define IC_CLR_TX_ABRT 0x40048054u
#define IC_CLR_STOP_DET 0x40048060u
#define IC_ENABLE 0x4004806cu
#define IC_STATUS 0x40048070u
#define IC_SDA_HOLD 0x4004807cu
#define IC_FS_SPKLEN 0x400480a0u
#define IC_CON_MASTER (1u << 0)
#define IC_CON_FAST (2u << 1)
#define IC_CON_RESTART (1u << 5)
#define IC_CON_NO_SLAVE (1u << 6)
#define IC_CMD_READ (1u << 8)
#define IC_CMD_STOP (1u << 9)
#define IC_CMD_RESTART (1u << 10)
#define IC_INTR_TX_ABRT (1u << 6)
#define IC_INTR_STOP_DET (1u << 9)
#define IC_STATUS_TX_ROOM (1u << 1)
#define IC_STATUS_RX_BYTE (1u << 3)

/* ADC (4.9) */
#define ADC_CS 0x4004c000u
#define ADC_RESULT 0x4004c004u
#define ADC_CS_EN (1u << 0)
#define ADC_CS_TEMPERATURE (1u << 1)
#define ADC_CS_START (1u << 2)
#define ADC_CS_READY (1u << 8)
#define ADC_CS_CHANNEL(n) ((n) << 12)

/* Timer (4.6): its clock is the watchdog's tick */
#define TIMER_ALARM(n) (0x40054010u + 4u * (n))
#define TIMER_ARMED 0x40054020u
#define TIMER_TIMERAWH 0x40054024u
#define TIMER_TIMERAWL 0x40054028u
#define TIMER_INTR 0x40054034u
#define TIMER_INTE 0x40054038u

/* The processor's own (2.4): interrupts, vector table */
#define NVIC_ISER 0xe000e100u
#define NVIC_ICER 0xe000e180u
#define VTOR 0xe000ed08u
#define IRQ_TIMER(n) (n)
#define IRQ_UART0 20u

#endif
