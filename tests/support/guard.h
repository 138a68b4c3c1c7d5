/* SPDX-License-Identifier: Apache-2.0 */
#ifndef MEDSEC_TESTS_GUARD_H
#define MEDSEC_TESTS_GUARD_H

#include <stddef.h>
#include <stdint.h>

/*
 * Memory in front of an inaccessible page: place an input so that it ends at `guard_end`, and one
 * byte read too many ends the program.
 */
uint8_t *guard_end(size_t cap);
void guard_free(uint8_t *end, size_t cap);

#endif
