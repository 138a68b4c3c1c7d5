/* SPDX-License-Identifier: Apache-2.0 */
#include "linux.h"

void linux_call(uint32_t number, uint32_t first, uint32_t second, uint32_t third)
{
    register uint32_t r0 __asm__("r0") = number;
    register uint32_t r3 __asm__("r3") = first;
    register uint32_t r4 __asm__("r4") = second;
    register uint32_t r5 __asm__("r5") = third;
    __asm__ volatile("sc"
                     : "+r"(r0), "+r"(r3), "+r"(r4), "+r"(r5)
                     :
                     : "r6", "r7", "r8", "r9", "r10", "r11", "r12", "cr0", "ctr", "memory");
}
