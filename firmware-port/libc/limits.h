/* SPDX-License-Identifier: Apache-2.0 */
/* Of <limits.h>, what BearSSL asks for: the compiler's own goes on to one of a C library. */
#ifndef FIRMWARE_LIBC_LIMITS_H
#define FIRMWARE_LIBC_LIMITS_H

#define CHAR_BIT __CHAR_BIT__
#define INT_MAX __INT_MAX__
#define UINT_MAX (INT_MAX * 2U + 1U)
#define LONG_MAX __LONG_MAX__
#define ULONG_MAX (LONG_MAX * 2UL + 1UL)

#endif
