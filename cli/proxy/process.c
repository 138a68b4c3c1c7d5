/* SPDX-License-Identifier: Apache-2.0 */
#include "process.h"

#include <errno.h>
#include <inttypes.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

#define OTHER_DESCRIPTORS 512u /* besides connections: broker, registry, spool, loops */

static void raise_descriptors(uint32_t connections)
{
    struct rlimit files;
    if (getrlimit(RLIMIT_NOFILE, &files) != 0) {
        return;
    }
    const rlim_t wanted = (rlim_t)connections + OTHER_DESCRIPTORS;
    const struct rlimit more = {wanted, wanted};
    if (files.rlim_max < wanted && setrlimit(RLIMIT_NOFILE, &more) == 0) {
        return;
    }
    files.rlim_cur = files.rlim_max;
    (void)setrlimit(RLIMIT_NOFILE, &files);
}

void process_prepare(uint32_t connections)
{
    raise_descriptors(connections);
    (void)signal(SIGPIPE, SIG_IGN);
}

void process_block_signals(sigset_t *signals)
{
    sigemptyset(signals);
    sigaddset(signals, SIGTERM);
    sigaddset(signals, SIGINT);
    sigaddset(signals, SIGHUP);
    (void)pthread_sigmask(SIG_BLOCK, signals, NULL);
}

int process_wait_signal(const sigset_t *signals, uint32_t timeout_ms)
{
    const struct timespec timeout = {.tv_sec = timeout_ms / 1000,
                                     .tv_nsec = (long)(timeout_ms % 1000) * 1000000};
    int number;
    do {
        number =
            timeout_ms == 0 ? sigwaitinfo(signals, NULL) : sigtimedwait(signals, NULL, &timeout);
    } while (number < 0 && errno == EINTR);
    return number < 0 ? 0 : number;
}

void process_notify(const char *state)
{
    const char *path = getenv("NOTIFY_SOCKET");
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    const size_t len = path != NULL ? strlen(path) : 0;
    if (len < 2 || len >= sizeof address.sun_path || (path[0] != '/' && path[0] != '@')) {
        return;
    }
    memcpy(address.sun_path, path, len);
    if (path[0] == '@') {
        address.sun_path[0] = '\0'; /* an abstract socket */
    }
    const int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    if (fd < 0) {
        return;
    }
    (void)sendto(fd, state, strlen(state), MSG_NOSIGNAL, (const struct sockaddr *)&address,
                 (socklen_t)(offsetof(struct sockaddr_un, sun_path) + len));
    close(fd);
}

void process_notify_reloading(void)
{
    struct timespec now;
    char state[64];
    clock_gettime(CLOCK_MONOTONIC, &now);
    snprintf(state, sizeof state, "RELOADING=1\nMONOTONIC_USEC=%" PRIu64,
             (uint64_t)now.tv_sec * 1000000u + (uint64_t)now.tv_nsec / 1000u);
    process_notify(state);
}

/* Half of the limit, as sd_watchdog_enabled(3) advises. */
uint32_t process_watchdog_ms(void)
{
    const char *limit = getenv("WATCHDOG_USEC");
    const char *pid = getenv("WATCHDOG_PID");
    if (limit == NULL || (pid != NULL && strtoull(pid, NULL, 10) != (uint64_t)getpid())) {
        return 0;
    }
    const uint64_t ms = strtoull(limit, NULL, 10) / 2000;
    return ms > 3600000 ? 3600000 : (uint32_t)ms;
}
