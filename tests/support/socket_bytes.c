/* SPDX-License-Identifier: Apache-2.0 */
#include "socket_bytes.h"

/* Not <netinet/tcp.h>, whose struct ends before the bytes. */
#include <linux/tcp.h>
#include <netinet/in.h>
#include <sys/socket.h>

uint64_t socket_bytes_sent(int fd)
{
    struct tcp_info info = {.tcpi_state = 0};
    socklen_t len = sizeof(info);
    return getsockopt(fd, IPPROTO_TCP, TCP_INFO, &info, &len) == 0 ? info.tcpi_bytes_sent : 0;
}
