/* SPDX-License-Identifier: Apache-2.0 */
#ifndef FIRMWARE_SELFTEST_LINUX_H
#define FIRMWARE_SELFTEST_LINUX_H

#include <stdint.h>

/* A system call of Linux on a 32-bit machine, for a program without a C library. */
void linux_call(uint32_t number, uint32_t first, uint32_t second, uint32_t third);

#endif
