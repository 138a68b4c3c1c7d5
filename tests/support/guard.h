/* SPDX-License-Identifier: Apache-2.0 */
#ifndef MEDSEC_TESTS_GUARD_H
#define MEDSEC_TESTS_GUARD_H

#include <stddef.h>

/* A copy of `data` that ends at an inaccessible page: one byte read too many ends the program. */
void *guard_copy(const void *data, size_t len);
void guard_free(void *copy, size_t len);

#endif
