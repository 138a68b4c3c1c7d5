/* SPDX-License-Identifier: Apache-2.0 */
#include "preload.h"

#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <link.h>
#include <pthread.h>
#include <semaphore.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/time.h>
#include <sys/types.h>
#include <sys/uio.h>
#include <time.h>
#include <unistd.h>

/* The page is a file that the harness has mapped too; without it everything works as ever. */
static faults_page none;
static faults_page *page = &none;
static uintptr_t program_begin, program_end; /* its instructions */

#define REAL(name) ((__typeof__(&name))dlsym(RTLD_NEXT, #name))
#define CLOCK_TIMES_BEGIN                                                  \
    500000000 /* seconds; a monotonic clock is far below, a calendar above \
               */

/* Memory: glibc's own functions under the names that it keeps for this. */
void *__libc_malloc(size_t len);
void *__libc_calloc(size_t count, size_t len);
void *__libc_realloc(void *data, size_t len);

/* The program is the first in the list of what is loaded. */
static int note_program(struct dl_phdr_info *info, size_t len, void *context)
{
    (void)len;
    (void)context;
    for (unsigned i = 0; i < info->dlpi_phnum; i++) {
        const ElfW(Phdr) *const part = &info->dlpi_phdr[i];
        if (part->p_type == PT_LOAD && (part->p_flags & PF_X) != 0) {
            program_begin = info->dlpi_addr + part->p_vaddr;
            program_end = program_begin + part->p_memsz;
        }
    }
    return 1;
}

__attribute__((constructor)) static void map_page(void)
{
    (void)dl_iterate_phdr(note_program, NULL);
    const char *path = getenv("MEDSEC_FAULTS_PAGE");
    const int fd = path != NULL ? open(path, O_RDWR | O_CLOEXEC) : -1;
    if (fd < 0) {
        return;
    }
    void *const at = mmap(NULL, sizeof *page, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    if (at != MAP_FAILED) {
        page = at;
    }
    close(fd);
}

static bool is_own(const void *caller)
{
    return (uintptr_t)caller >= program_begin && (uintptr_t)caller < program_end;
}

static bool out_of_memory(const void *caller)
{
    const uint64_t at = atomic_load(&page->memory_fails_at);
    if (at == 0 || (atomic_load(&page->memory_own) != 0 && !is_own(caller))) {
        return false;
    }
    const uint64_t call = atomic_fetch_add(&page->memory_calls, 1) + 1;
    if (call < at || call >= at + atomic_load(&page->memory_fails_for)) {
        return false;
    }
    atomic_fetch_add(&page->memory_failed, 1);
    errno = ENOMEM;
    return true;
}

void *malloc(size_t len)
{
    return out_of_memory(__builtin_return_address(0)) ? NULL : __libc_malloc(len);
}

void *calloc(size_t count, size_t len)
{
    return out_of_memory(__builtin_return_address(0)) ? NULL : __libc_calloc(count, len);
}

void *realloc(void *data, size_t len)
{
    return out_of_memory(__builtin_return_address(0)) ? NULL : __libc_realloc(data, len);
}

/* The disk: what would change something below the folder fails. */
static bool is_below(const char *path)
{
    const size_t len = strlen(page->disk_folder);
    return len > 0 && strncmp(path, page->disk_folder, len) == 0;
}

static bool disk_fails(void)
{
    errno = (int)atomic_load(&page->disk_error);
    atomic_fetch_add(&page->disk_failed, 1);
    return true;
}

static bool path_fails(const char *path)
{
    return atomic_load(&page->disk_error) != 0 && is_below(path) && disk_fails();
}

static bool file_fails(int fd)
{
    char link[32], path[4096];
    if (atomic_load(&page->disk_error) == 0) {
        return false;
    }
    snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
    const ssize_t len = readlink(link, path, sizeof path - 1);
    path[len > 0 ? len : 0] = '\0';
    return is_below(path) && disk_fails();
}

ssize_t write(int fd, const void *data, size_t len)
{
    return file_fails(fd) ? -1 : REAL(write)(fd, data, len);
}

ssize_t pwrite(int fd, const void *data, size_t len, off_t at)
{
    return file_fails(fd) ? -1 : REAL(pwrite)(fd, data, len, at);
}

ssize_t pwrite64(int fd, const void *data, size_t len, off64_t at)
{
    return file_fails(fd) ? -1 : REAL(pwrite64)(fd, data, len, at);
}

ssize_t writev(int fd, const struct iovec *parts, int count)
{
    return file_fails(fd) ? -1 : REAL(writev)(fd, parts, count);
}

ssize_t pwritev(int fd, const struct iovec *parts, int count, off_t at)
{
    return file_fails(fd) ? -1 : REAL(pwritev)(fd, parts, count, at);
}

int fsync(int fd)
{
    return file_fails(fd) ? -1 : REAL(fsync)(fd);
}

int fdatasync(int fd)
{
    return file_fails(fd) ? -1 : REAL(fdatasync)(fd);
}

int ftruncate(int fd, off_t len)
{
    return file_fails(fd) ? -1 : REAL(ftruncate)(fd, len);
}

int ftruncate64(int fd, off64_t len)
{
    return file_fails(fd) ? -1 : REAL(ftruncate64)(fd, len);
}

int rename(const char *from, const char *to)
{
    return path_fails(to) ? -1 : REAL(rename)(from, to);
}

int mkdir(const char *path, mode_t mode)
{
    return path_fails(path) ? -1 : REAL(mkdir)(path, mode);
}

/* On a full disk a file can still be opened for writing; none can be made. */
static bool open_fails(const char *path, int flags)
{
    const bool full = atomic_load(&page->disk_error) == ENOSPC;
    const bool writes = full ? (flags & O_CREAT) != 0 && access(path, F_OK) != 0
                             : (flags & O_ACCMODE) != O_RDONLY || (flags & O_CREAT) != 0;
    return writes && path_fails(path);
}

static mode_t mode_of(int flags, va_list arguments)
{
    return (flags & (O_CREAT | O_TMPFILE)) != 0 ? va_arg(arguments, mode_t) : 0;
}

#define OPEN(name)                                                           \
    int name(const char *path, int flags, ...)                               \
    {                                                                        \
        va_list arguments;                                                   \
        va_start(arguments, flags);                                          \
        const mode_t mode = mode_of(flags, arguments);                       \
        va_end(arguments);                                                   \
        return open_fails(path, flags) ? -1 : REAL(name)(path, flags, mode); \
    }

#define OPEN_AT(name)                                                                         \
    int name(int folder, const char *path, int flags, ...)                                    \
    {                                                                                         \
        va_list arguments;                                                                    \
        va_start(arguments, flags);                                                           \
        const mode_t mode = mode_of(flags, arguments);                                        \
        va_end(arguments);                                                                    \
        const bool fails =                                                                    \
            (flags & O_ACCMODE) != O_RDONLY && folder != AT_FDCWD && file_fails(folder);      \
        return fails || open_fails(path, flags) ? -1 : REAL(name)(folder, path, flags, mode); \
    }

OPEN(open)
OPEN(open64)
OPEN_AT(openat)
OPEN_AT(openat64)

/* The calendar clock. Whoever waits for a time of it gets the time that the kernel knows. */
static bool is_calendar(clockid_t clock)
{
    return clock == CLOCK_REALTIME || clock == CLOCK_REALTIME_COARSE;
}

int clock_gettime(clockid_t clock, struct timespec *now)
{
    static __typeof__(&clock_gettime) real;
    if (real == NULL) {
        real = REAL(clock_gettime);
    }
    const int result = real(clock, now);
    if (result == 0 && is_calendar(clock)) {
        now->tv_sec += atomic_load(&page->clock_offset_s);
    }
    return result;
}

int gettimeofday(struct timeval *restrict now, void *restrict zone)
{
    (void)zone;
    struct timespec exact;
    const int result = clock_gettime(CLOCK_REALTIME, &exact);
    *now = (struct timeval){exact.tv_sec, exact.tv_nsec / 1000};
    return result;
}

time_t time(time_t *out)
{
    struct timespec now;
    (void)clock_gettime(CLOCK_REALTIME, &now);
    if (out != NULL) {
        *out = now.tv_sec;
    }
    return now.tv_sec;
}

static struct timespec kernel_time(const struct timespec *time)
{
    struct timespec known = *time;
    if (known.tv_sec > CLOCK_TIMES_BEGIN) {
        known.tv_sec -= atomic_load(&page->clock_offset_s);
    }
    return known;
}

int pthread_cond_timedwait(pthread_cond_t *restrict condition, pthread_mutex_t *restrict mutex,
                           const struct timespec *restrict end)
{
    static __typeof__(&pthread_cond_timedwait) real;
    if (real == NULL) {
        real = (__typeof__(real))dlvsym(RTLD_NEXT, "pthread_cond_timedwait", "GLIBC_2.3.2");
    }
    const struct timespec known = kernel_time(end);
    return real(condition, mutex, &known);
}

int sem_timedwait(sem_t *restrict semaphore, const struct timespec *restrict end)
{
    const struct timespec known = kernel_time(end);
    return REAL(sem_timedwait)(semaphore, &known);
}
