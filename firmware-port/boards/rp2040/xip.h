/* SPDX-License-Identifier: Apache-2.0 */
#ifndef FIRMWARE_RP2040_XIP_H
#define FIRMWARE_RP2040_XIP_H

#include "registers.h"

/*
 * Makes the flash readable at XIP_BASE: each cache line is a serial read (command 03h, 24 address
 * bits, 32 data bits) at a quarter of the system clock, 31 MHz. Every flash chip knows that command
 * without being configured, below 50 MHz; the 16 KiB cache holds what takes time (X25519).
 * For the second stage of the loader, and after each write; neither runs in flash.
 */
ALWAYS_INLINE void xip_start(void)
{
    put(SSI_SSIENR, 0);
    put(SSI_BAUDR, 4);
    put(SSI_CTRLR0, 31u << 16 /* frames of 32 bits */ | 3u << 8 /* command, address, then data */);
    put(SSI_SPI_CTRLR0, 0x03u << 24 | 2u << 8 /* command: 8 bits */ | 6u << 2 /* address: 24 */);
    put(SSI_CTRLR1, 0);
    put(SSI_SSIENR, 1);
}

#endif
