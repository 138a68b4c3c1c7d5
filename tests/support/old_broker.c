/* SPDX-License-Identifier: Apache-2.0 */
#include "old_broker.h"

#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

static void must(bool good, const char *what)
{
    if (!good) {
        perror(what);
        abort();
    }
}

static void serve(int fd)
{
    uint8_t packet[256] = {0};
    if (recv(fd, packet, sizeof(packet), 0) > 4 && packet[0] == 0x82) {
        const uint8_t refusal[] = {0x90, 3, packet[2], packet[3], 0x80};
        (void)send(fd, refusal, sizeof(refusal), MSG_NOSIGNAL);
    }
    while (recv(fd, packet, sizeof(packet), 0) > 0) {
    }
}

static void run(void *context)
{
    old_broker *o = context;
    for (int level = 0; level != 4; o->attempts++) {
        const int fd = accept(o->fd, NULL, NULL);
        uint8_t packet[256] = {0};
        if (recv(fd, packet, sizeof(packet), 0) > 8)
            level = packet[8];
        const uint8_t answer[] = {0x20, 2, 0, level == 4 ? 0 : 1};
        if (level == 4 || !o->hangs_up)
            (void)send(fd, answer, sizeof(answer), MSG_NOSIGNAL);
        if (level == 4)
            serve(fd);
        close(fd);
    }
}

void old_broker_start(old_broker *o, bool hangs_up)
{
    struct sockaddr_in a = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t len = sizeof(a);
    *o = (old_broker){.fd = socket(AF_INET, SOCK_STREAM, 0), .hangs_up = hangs_up};
    must(bind(o->fd, (struct sockaddr *)&a, len) == 0, "bind");
    must(listen(o->fd, 8) == 0, "listen");
    must(getsockname(o->fd, (struct sockaddr *)&a, &len) == 0, "getsockname");
    must(uv_thread_create(&o->thread, run, o) == 0, "thread");
    snprintf(o->url, sizeof(o->url), "mqtt://127.0.0.1:%u", ntohs(a.sin_port));
}

void old_broker_end(old_broker *o)
{
    uv_thread_join(&o->thread);
    close(o->fd);
}
