/* SPDX-License-Identifier: Apache-2.0 */
/* All that the portable core may call: it is compiled with this and the compiler's own headers. */
#ifndef MEDSEC_TEST_STRING_H
#define MEDSEC_TEST_STRING_H

#include <stddef.h>

void *memcpy(void *restrict to, const void *restrict from, size_t len);
void *memmove(void *to, const void *from, size_t len);
void *memset(void *to, int byte, size_t len);
int memcmp(const void *a, const void *b, size_t len);

#endif
