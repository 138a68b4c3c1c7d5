/* SPDX-License-Identifier: Apache-2.0 */
#ifndef FIRMWARE_LIBC_DIVIDE_H
#define FIRMWARE_LIBC_DIVIDE_H

#include <stdint.h>

/*
 * Division for a processor without it, a bit at a time: libgcc's takes five times the room, for a
 * speed that nothing here needs. The divisor must not be 0.
 */

/* Quotient in the low half, remainder in the high one: as the processor's two registers. */
uint64_t divide_32(uint32_t number, uint32_t by);
uint64_t divide_signed_32(int32_t number, int32_t by);

uint64_t divide_64(uint64_t number, uint64_t by, uint64_t *remainder);
int64_t divide_signed_64(int64_t number, int64_t by, int64_t *remainder);

#endif
