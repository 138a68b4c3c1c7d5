/* SPDX-License-Identifier: Apache-2.0 */
#include "broker_socket.h"

#include "host/address.h"

#include <dirent.h>
#include <fcntl.h>
#include <netinet/tcp.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

static bool leads_to(int fd, uint16_t port)
{
    medsec__address peer = {.any.sa_family = AF_UNSPEC};
    socklen_t len = sizeof peer;
    return getpeername(fd, &peer.any, &len) == 0 &&
           (peer.any.sa_family == AF_INET || peer.any.sa_family == AF_INET6) &&
           medsec__address_port(&peer) == port;
}

static bool is_new(int fd)
{
    int on = 0;
    socklen_t len = sizeof on;
    return getsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, &len) == 0 && !on;
}

/* Of a socket that waits for the other side the system does not tell the port; nothing but a broker
 * client connects to anywhere here. */
static bool is_connecting(int fd)
{
    struct tcp_info info;
    socklen_t len = sizeof info;
    return getsockopt(fd, IPPROTO_TCP, TCP_INFO, &info, &len) == 0 &&
           info.tcpi_state == TCP_SYN_SENT;
}

static int find(DIR *dir, uint16_t port)
{
    for (const struct dirent *e = readdir(dir); e; e = readdir(dir)) {
        int fd = (int)strtol(e->d_name, NULL, 10);
        if (is_new(fd) && (leads_to(fd, port) || is_connecting(fd))) {
            return fd;
        }
    }
    return -1;
}

/* ThreadSanitizer knows of a descriptor's beginning from open(), not from opendir(), and of its end
 * from closedir(): it would take this one for the socket that had the number before. */
static DIR *open_descriptors(void)
{
    int fd = open("/proc/self/fd", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    DIR *dir = fd >= 0 ? fdopendir(fd) : NULL;
    if (fd >= 0 && !dir) {
        close(fd);
    }
    return dir;
}

static uint64_t cookie_of(int fd)
{
    uint64_t cookie = 0;
    socklen_t len = sizeof cookie;
    return getsockopt(fd, SOL_SOCKET, SO_COOKIE, &cookie, &len) == 0 ? cookie : 0;
}

bool medsec__broker_socket_find(medsec__broker_socket *found, uint16_t port)
{
    const int on = 1;
    DIR *dir = open_descriptors();
    if (!dir) {
        return false;
    }
    const int fd = find(dir, port);
    closedir(dir);
    if (fd < 0) {
        return false;
    }
    (void)setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    medsec__broker_keep_private(fd);
    *found = (medsec__broker_socket){.fd = fd, .cookie = cookie_of(fd)};
    return true;
}

int medsec__broker_socket_fd(const medsec__broker_socket *found, uint16_t port)
{
    const bool same =
        found->fd >= 0 && cookie_of(found->fd) == found->cookie && leads_to(found->fd, port);
    return same ? found->fd : -1;
}

void medsec__broker_keep_private(int fd)
{
    if (fd >= 0) {
        (void)fcntl(fd, F_SETFD, FD_CLOEXEC);
    }
}

void medsec__broker_cork(int fd, bool on)
{
    const int value = on;
    if (fd >= 0) {
        (void)setsockopt(fd, IPPROTO_TCP, TCP_CORK, &value, sizeof value);
    }
}
