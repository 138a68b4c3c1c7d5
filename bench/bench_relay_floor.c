/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A gateway that does nothing: for whatever one read brings, one write to the broker of the
 * messages of READINGS readings, which are always the same. What it spends is the kernel's price of
 * the way. usage: bench_relay_floor STYLE READINGS BROKER_PORT SECONDS; prints its port, then, when
 * devices were there for a second, for SECONDS what it spends on a reading.
 */
#include "messages.h"
#include "meter.h"

#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

enum { EVENTS = 64, WARM_UP_S = 1, MESSAGES_MAX = 65536 };

/* What one read brings forth, and behind it the same for as many reads as a round can have. */
static unsigned char messages[EVENTS * MESSAGES_MAX];
static size_t messages_len;

static int fail(const char *what)
{
    fprintf(stderr, "bench_relay_floor: %s: %s\n", what, strerror(errno));
    return 4;
}

/* MQTT 3.1.1, PUBLISH at QoS 0. */
static int add_message(void *context, const char *topic, const char *payload, size_t len)
{
    const size_t topic_len = strlen(topic);
    size_t rest = 2 + topic_len + len;
    unsigned char *p = messages + messages_len;
    (void)context;

    if (messages_len + rest + 5 > MESSAGES_MAX) {
        return 1;
    }
    *p++ = 0x30;
    for (; rest > 127; rest >>= 7) {
        *p++ = (unsigned char)(rest & 127) | 128;
    }
    *p++ = (unsigned char)rest;
    *p++ = (unsigned char)(topic_len >> 8);
    *p++ = (unsigned char)topic_len;
    memcpy(p, topic, topic_len);
    memcpy(p + topic_len, payload, len);
    messages_len = (size_t)(p + topic_len + len - messages);
    return 0;
}

static int open_listener(void)
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t len = sizeof address;
    const int fd = socket(AF_INET, SOCK_STREAM, 0);

    if (bind(fd, (struct sockaddr *)&address, sizeof address) != 0 || listen(fd, 1000) != 0 ||
        getsockname(fd, (struct sockaddr *)&address, &len) != 0) {
        return -1;
    }
    printf("{\"port\":%u}\n", ntohs(address.sin_port));
    fflush(stdout);
    return fd;
}

static int open_broker(long port)
{
    static const unsigned char hello[] = {0x10, 17,  0, 4, 'M', 'Q', 'T', 'T', 4,  2,
                                          0,    255, 0, 5, 'r', 'e', 'l', 'a', 'y'};
    const struct sockaddr_in address = {.sin_family = AF_INET,
                                        .sin_port = htons((uint16_t)port),
                                        .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    const int fd = socket(AF_INET, SOCK_STREAM, 0), on = 1;
    unsigned char answer[4];

    if (connect(fd, (const struct sockaddr *)&address, sizeof address) != 0 ||
        setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on) != 0 ||
        write(fd, hello, sizeof hello) != sizeof hello ||
        recv(fd, answer, sizeof answer, MSG_WAITALL) != sizeof answer || answer[3] != 0) {
        return -1;
    }
    return fd;
}

static void watch(int poll, int fd)
{
    struct epoll_event event = {.events = EPOLLIN, .data.fd = fd};
    epoll_ctl(poll, EPOLL_CTL_ADD, fd, &event);
}

static bool write_all(int fd, size_t len)
{
    for (size_t done = 0; done < len;) {
        const ssize_t part = write(fd, messages + done, len - done);
        if (part <= 0) {
            return false;
        }
        done += (size_t)part;
    }
    return true;
}

/* One round: everything that is ready. Returns how many reads brought something; -1: the broker
 * takes no more. */
static int turn(int poll, int listener, int broker)
{
    static char buffer[16384];
    struct epoll_event events[EVENTS];
    const int ready = epoll_wait(poll, events, EVENTS, 100);
    int reads = 0;

    for (int i = 0; i < ready; i++) {
        const int fd = events[i].data.fd;
        if (fd == listener) {
            watch(poll, accept(listener, NULL, NULL));
        } else if (read(fd, buffer, sizeof buffer) > 0) {
            reads++;
        } else {
            close(fd);
        }
    }
    return write_all(broker, (size_t)reads * messages_len) ? reads : -1;
}

static double now_s(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

/* The number of reads until `seconds` after the first one; -1: a failure. */
static long relay(int poll, int listener, int broker, long seconds)
{
    double end = 0;
    long sum = 0;

    while (end == 0 || now_s() < end) {
        const int reads = turn(poll, listener, broker);
        if (reads < 0) {
            return -1;
        }
        if (reads > 0 && end == 0) {
            end = now_s() + (double)seconds;
        }
        sum += reads;
    }
    return sum;
}

int main(int argc, char **argv)
{
    message_style style;

    if (argc != 5 || !messages_style(&style, argv[1])) {
        fprintf(stderr, "usage: bench_relay_floor fields|reading|batch READINGS BROKER_PORT "
                        "SECONDS\n");
        return 2;
    }
    const uint32_t readings = (uint32_t)meter_number(argv[2], 100);
    int failed = 0;
    for (uint32_t i = 0; i < readings; i += messages_readings(style)) {
        failed += messages_write(style, 1, i, add_message, NULL);
    }
    for (size_t i = 1; i < EVENTS; i++) {
        memcpy(messages + i * messages_len, messages, messages_len);
    }
    const int listener = open_listener(), broker = open_broker(meter_number(argv[3], 65535));
    const int poll = epoll_create1(0);
    if (failed > 0 || listener < 0 || broker < 0 || poll < 0) {
        return fail("cannot start");
    }
    watch(poll, listener);
    if (relay(poll, listener, broker, WARM_UP_S) < 0) {
        return fail("write");
    }
    const double before = meter_cpu_us(0);
    const long reads = relay(poll, listener, broker, meter_number(argv[4], 3600));
    const double spent = meter_cpu_us(0) - before;
    if (reads <= 0) {
        return fail("nothing was relayed");
    }
    printf("{\"bench\":\"relay_floor\",\"reads\":%ld,\"cpu_us\":%.2f}\n", reads,
           spent / ((double)reads * readings));
    return 0;
}
