/* SPDX-License-Identifier: Apache-2.0 */
#include "guard.h"

#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

static size_t page(void)
{
    return (size_t)sysconf(_SC_PAGESIZE);
}

static size_t whole_pages(size_t cap)
{
    return (cap / page() + 1) * page();
}

uint8_t *guard_end(size_t cap)
{
    size_t size = whole_pages(cap);
    uint8_t *map =
        mmap(NULL, size + page(), PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (map == MAP_FAILED || mprotect(map + size, page(), PROT_NONE) != 0) {
        abort();
    }
    return map + size;
}

void guard_free(uint8_t *end, size_t cap)
{
    size_t size = whole_pages(cap);
    munmap(end - size, size + page());
}
