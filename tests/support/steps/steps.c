/* SPDX-License-Identifier: Apache-2.0 */
#include "steps.h"

#include "unit.h"

#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#define UNDO_MAX 4096
#define NEWCOMERS_MAX 64

static struct {
    _Atomic bool armed;
    _Atomic int left; /* steps until death, or until they fail */
    _Atomic int error; /* 0: death */
    steps_death death;
} fault;

/* What a power cut takes back: bytes overwritten and lengths changed since the last fsync. */
typedef struct undo {
    int fd; /* our own duplicate, as the file may be closed by then */
    ino_t inode;
    off_t at;
    size_t len; /* 0: only the length of the file changed */
    off_t file_len;
    char *bytes;
} undo;

static undo undos[UNDO_MAX];
static size_t undo_count;

/* Names that are new in a folder since its last fsync: a power cut takes them back, too. */
typedef struct newcomer {
    int folder;
    char name[64];
} newcomer;

static newcomer newcomers[NEWCOMERS_MAX];
static size_t newcomer_count;

/* Paths that are new, or name another file, since the folder's last fsync. */
typedef struct naming {
    char path[300];
    char before[320]; /* another name of what it named; "": nothing */
} naming;

static naming namings[NEWCOMERS_MAX];
static size_t naming_count;
static bool newest_stays;
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;

/* What became of the child, in memory that it shares with us. */
static steps_outcome *outcome;

#define REAL(name) ((__typeof__(&name))dlsym(RTLD_NEXT, #name))

static int duplicate(int fd, ino_t inode)
{
    for (size_t i = 0; i < undo_count; i++) {
        if (undos[i].fd >= 0 && undos[i].inode == inode) {
            return undos[i].fd;
        }
    }
    return dup(fd);
}

static void note(int fd, off_t at, size_t len, const struct stat *info)
{
    undo *entry = &undos[undo_count];
    *entry = (undo){.fd = duplicate(fd, info->st_ino),
                    .inode = info->st_ino,
                    .at = at,
                    .file_len = info->st_size,
                    .bytes = malloc(len + 1)};
    undo_count++;
    /* A file may be open for writing only. */
    char path[64];
    snprintf(path, sizeof path, "/proc/self/fd/%d", fd);
    int copy = open(path, O_RDONLY | O_CLOEXEC);
    ssize_t n = entry->bytes == NULL ? 0 : pread(copy, entry->bytes, len, at);
    close(copy);
    entry->len = n > 0 ? (size_t)n : 0;
}

static void remember(int fd, off_t at, size_t len)
{
    struct stat info;
    if (!fault.armed || fault.error != 0 || fault.death != POWER_CUT || fstat(fd, &info) != 0 ||
        !S_ISREG(info.st_mode)) {
        return;
    }
    pthread_mutex_lock(&lock);
    if (undo_count < UNDO_MAX) {
        note(fd, at, len, &info);
    }
    pthread_mutex_unlock(&lock);
}

static void remember_name(int folder, const char *name)
{
    pthread_mutex_lock(&lock);
    if (fault.armed && fault.error == 0 && fault.death == POWER_CUT &&
        newcomer_count < NEWCOMERS_MAX) {
        newcomer *n = &newcomers[newcomer_count++];
        n->folder = dup(folder);
        snprintf(n->name, sizeof n->name, "%s", name);
    }
    pthread_mutex_unlock(&lock);
}

/* `path` is about to name another file. */
static void remember_naming(const char *path)
{
    pthread_mutex_lock(&lock);
    if (fault.armed && fault.error == 0 && fault.death == POWER_CUT &&
        naming_count < NEWCOMERS_MAX) {
        naming *n = &namings[naming_count];
        snprintf(n->path, sizeof n->path, "%s", path);
        snprintf(n->before, sizeof n->before, "%s.before-%zu", path, naming_count);
        if (REAL(link)(path, n->before) != 0) {
            n->before[0] = '\0';
        }
        naming_count++;
    }
    pthread_mutex_unlock(&lock);
}

static void end_namings(bool take_back)
{
    if (take_back && newest_stays && naming_count > 0) {
        (void)REAL(unlink)(namings[--naming_count].before);
    }
    while (naming_count > 0) {
        const naming *n = &namings[--naming_count];
        if (take_back && n->before[0] != '\0') {
            (void)REAL(rename)(n->before, n->path);
        } else {
            (void)REAL(unlink)(take_back ? n->path : n->before);
        }
    }
}

static void forget(int fd)
{
    struct stat info;
    pthread_mutex_lock(&lock);
    if (fstat(fd, &info) == 0 && S_ISDIR(info.st_mode)) { /* a test has one folder */
        newcomer_count = 0;
        end_namings(false);
    }
    bool known = undo_count > 0 && fstat(fd, &info) == 0;
    for (size_t i = 0; known && i < undo_count; i++) {
        if (undos[i].inode == info.st_ino) {
            free(undos[i].bytes);
            undos[i] = (undo){.fd = -1};
        }
    }
    pthread_mutex_unlock(&lock);
}

/* The kernel's way to end: nothing is flushed, nothing else runs, no checker looks for leaks. */
static void end_child(steps_outcome what)
{
    *outcome = what;
    kill(getpid(), SIGKILL);
    for (;;) {
        pause();
    }
}

static void lose_what_is_not_synced(void)
{
    pthread_mutex_lock(&lock);
    while (fault.death == POWER_CUT && undo_count > 0) {
        const undo *entry = &undos[--undo_count];
        if (entry->fd >= 0 && (ftruncate(entry->fd, entry->file_len) != 0 ||
                               pwrite(entry->fd, entry->bytes, entry->len, entry->at) < 0)) {
            end_child(STEPS_FAILED);
        }
    }
    end_namings(true);
    while (newcomer_count > 0) {
        const newcomer *n = &newcomers[--newcomer_count];
        (void)unlinkat(n->folder, n->name, 0);
    }
    pthread_mutex_unlock(&lock);
}

static void die(void)
{
    fault.armed = false;
    lose_what_is_not_synced();
    end_child(STEPS_DIED);
}

/* True: this step is to be torn; the caller does its half and calls tear(). */
static bool step(void)
{
    if (!fault.armed || atomic_fetch_sub(&fault.left, 1) > 0) {
        return false;
    }
    if (fault.error == 0 && fault.death != TORN) {
        die();
    }
    return true;
}

static int tear(void)
{
    if (fault.error == 0) {
        die();
    }
    errno = fault.error;
    return -1;
}

/* Visible, as SQLite's library must find them here first. */
#pragma GCC visibility push(default)

ssize_t pwrite64(int fd, const void *data, size_t len, off_t at)
{
    if (step()) {
        (void)!REAL(pwrite64)(fd, data, len / 2, at);
        return tear();
    }
    remember(fd, at, len);
    return REAL(pwrite64)(fd, data, len, at);
}

ssize_t pwrite(int fd, const void *data, size_t len, off_t at)
{
    return pwrite64(fd, data, len, at);
}

ssize_t write(int fd, const void *data, size_t len)
{
    struct stat info;
    if (fstat(fd, &info) != 0 || !S_ISREG(info.st_mode)) {
        return REAL(write)(fd, data, len);
    }
    if (step()) {
        (void)!REAL(write)(fd, data, len / 2);
        return tear();
    }
    remember(fd, lseek(fd, 0, SEEK_CUR), len);
    return REAL(write)(fd, data, len);
}

int ftruncate64(int fd, off_t len)
{
    if (step()) {
        return tear();
    }
    remember(fd, len, 1u << 20);
    return REAL(ftruncate64)(fd, len);
}

int ftruncate(int fd, off_t len)
{
    return ftruncate64(fd, len);
}

int fsync(int fd)
{
    if (step()) {
        return tear();
    }
    forget(fd);
    return REAL(fsync)(fd);
}

int fdatasync(int fd)
{
    if (step()) {
        return tear();
    }
    forget(fd);
    return REAL(fdatasync)(fd);
}

int link(const char *from, const char *to)
{
    if (step()) {
        return tear();
    }
    remember_naming(to);
    return REAL(link)(from, to);
}

int rename(const char *from, const char *to)
{
    if (step()) {
        return tear();
    }
    remember_naming(to);
    return REAL(rename)(from, to);
}

int unlink(const char *path)
{
    return step() ? tear() : REAL(unlink)(path);
}

int openat(int folder, const char *name, int flags, ...)
{
    va_list rest;
    va_start(rest, flags);
    const mode_t mode = flags & O_CREAT ? va_arg(rest, mode_t) : 0;
    va_end(rest);
    const bool is_new = flags & O_CREAT && faccessat(folder, name, F_OK, 0) != 0;
    if (flags & O_CREAT && step()) {
        return tear();
    }
    int fd = REAL(openat)(folder, name, flags, mode);
    if (is_new && fd >= 0) {
        remember_name(folder, name);
    }
    return fd;
}

int unlinkat(int folder, const char *path, int flags)
{
    return step() ? tear() : REAL(unlinkat)(folder, path, flags);
}

#pragma GCC visibility pop

void steps_go(void)
{
    fault.armed = true;
}

void steps_keep_newest_name(bool keep)
{
    newest_stays = keep;
}

void steps_fail(int error, int left)
{
    fault.left = left;
    fault.error = error;
    fault.armed = error != 0;
}

steps_outcome steps_run(bool (*work)(void *), void *context, steps_death death, int left)
{
    if (outcome == NULL) {
        outcome =
            mmap(NULL, sizeof *outcome, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
        assert_true(outcome != MAP_FAILED);
    }
    *outcome = STEPS_FAILED;
    pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0) {
        fault.death = death;
        fault.left = left;
        fault.error = 0;
        const bool done = work(context);
        fault.armed = false;
        lose_what_is_not_synced(); /* what it says is done outlives a power cut */
        end_child(done ? STEPS_FINISHED : STEPS_FAILED);
    }
    int status = 0;
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_true(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
    return *outcome;
}
