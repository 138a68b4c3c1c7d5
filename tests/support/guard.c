/* SPDX-License-Identifier: Apache-2.0 */
#include "guard.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

static size_t readable(size_t len)
{
    size_t page = (size_t)sysconf(_SC_PAGESIZE);
    return (len / page + 1) * page;
}

void *guard_copy(const void *data, size_t len)
{
    size_t size = readable(len);
    size_t page = (size_t)sysconf(_SC_PAGESIZE);
    uint8_t *map =
        mmap(NULL, size + page, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (map == MAP_FAILED || mprotect(map + size, page, PROT_NONE) != 0) {
        abort();
    }
    uint8_t *copy = map + size - len;
    if (len > 0) {
        memcpy(copy, data, len);
    }
    return copy;
}

void guard_free(void *copy, size_t len)
{
    size_t size = readable(len);
    munmap((uint8_t *)copy + len - size, size + (size_t)sysconf(_SC_PAGESIZE));
}
