/* SPDX-License-Identifier: Apache-2.0 */
#include "selftest.h"

/* Semihosting for AArch32 and AArch64, release 2, as M profiles have it; run.mjs answers. */
enum { SYS_WRITE0 = 0x04, SYS_EXIT = 0x18 };

static void call(uint32_t operation, uint32_t argument)
{
    register uint32_t r0 __asm__("r0") = operation;
    register uint32_t r1 __asm__("r1") = argument;
    __asm__ volatile("bkpt 0xab" : "+r"(r0) : "r"(r1) : "memory");
}

void selftest_say(const char *text)
{
    call(SYS_WRITE0, (uint32_t)(uintptr_t)text);
}

void selftest_exit(bool good)
{
    enum { APPLICATION_EXIT = 0x20026, RUN_TIME_ERROR = 0x20023 };
    for (;;) {
        call(SYS_EXIT, good ? APPLICATION_EXIT : RUN_TIME_ERROR);
    }
}
