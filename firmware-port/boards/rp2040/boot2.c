/* SPDX-License-Identifier: Apache-2.0 */

#include "xip.h"

/*
 * The second stage of the loader (data sheet, 2.8.1.3): the chip's ROM reads the first 256 bytes of
 * the flash slowly, copies them to the end of RAM, and runs them there if their sum (boot2.py) is
 * right. So no word here may depend on its address, and nothing may be called.
 */
#define VECTORS (XIP_BASE + 0x100u)

_Noreturn void boot2(void);

_Noreturn void boot2(void)
{
    xip_start();
    put(VTOR, VECTORS);
    __asm__ volatile("msr msp, %0\n\tbx %1" ::"r"(get(VECTORS)), "r"(get(VECTORS + 4)) : "memory");
    __builtin_unreachable();
}
