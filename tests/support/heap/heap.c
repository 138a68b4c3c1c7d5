/* SPDX-License-Identifier: Apache-2.0 */
#include "heap.h"

#include "sanitizer.h"

#include <stdatomic.h>
#include <stdlib.h>

static atomic_size_t allocations;

size_t heap_allocations(void)
{
    return atomic_load(&allocations);
}

#if SANITIZED

/* A sanitizer has a malloc() of its own, and calls back. */
int __sanitizer_install_malloc_and_free_hooks(void (*)(const volatile void *, size_t),
                                              void (*)(const volatile void *));

static void count(const volatile void *data, size_t len)
{
    (void)data;
    (void)len;
    atomic_fetch_add(&allocations, 1);
}

static void ignore(const volatile void *data)
{
    (void)data;
}

__attribute__((constructor)) static void install(void)
{
    (void)__sanitizer_install_malloc_and_free_hooks(count, ignore);
}

#else

/* glibc's own, under the names that it keeps for this. */
void *__libc_malloc(size_t len);
void *__libc_calloc(size_t count, size_t len);
void *__libc_realloc(void *data, size_t len);
void *__libc_memalign(size_t alignment, size_t len);

void *malloc(size_t len)
{
    atomic_fetch_add(&allocations, 1);
    return __libc_malloc(len);
}

void *calloc(size_t count, size_t len)
{
    atomic_fetch_add(&allocations, 1);
    return __libc_calloc(count, len);
}

void *realloc(void *data, size_t len)
{
    atomic_fetch_add(&allocations, 1);
    return __libc_realloc(data, len);
}

void *aligned_alloc(size_t alignment, size_t len)
{
    atomic_fetch_add(&allocations, 1);
    return __libc_memalign(alignment, len);
}

#endif
