/* SPDX-License-Identifier: Apache-2.0 */
#include "linux.h"

/* The chip's code, under the system calls of a larger Arm. */
void linux_call(uint32_t number, uint32_t first, uint32_t second, uint32_t third)
{
    register uint32_t r7 __asm__("r7") = number;
    register uint32_t r0 __asm__("r0") = first;
    register uint32_t r1 __asm__("r1") = second;
    register uint32_t r2 __asm__("r2") = third;
    __asm__ volatile("svc 0" : "+r"(r0) : "r"(r1), "r"(r2), "r"(r7) : "memory");
}
