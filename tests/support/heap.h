/* SPDX-License-Identifier: Apache-2.0 */
#ifndef MEDSEC_TESTS_HEAP_H
#define MEDSEC_TESTS_HEAP_H

#include <stddef.h>

/*
 * How often this program has taken memory from the heap, libraries included. A test that includes
 * this header gets its malloc() from heap/heap.c (tests/CMakeLists.txt sees to it).
 */
size_t heap_allocations(void);

#endif
