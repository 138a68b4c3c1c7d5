/* SPDX-License-Identifier: Apache-2.0 */
#include "mosquitto.h"

#include <arpa/inet.h>
#include <dirent.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <poll.h>
#include <signal.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define PATIENCE_MS 60000
#define LOG "log"

static const char *find_program(const char *const *paths)
{
    while (*paths && access(*paths, X_OK) != 0)
        paths++;
    return *paths;
}

static const char *mosquitto_program(void)
{
    static const char *const paths[] = {"/usr/sbin/mosquitto", "/usr/local/sbin/mosquitto", NULL};
    return find_program(paths);
}

static const char *subscriber_program(void)
{
    static const char *const paths[] = {"/usr/bin/mosquitto_sub", "/usr/local/bin/mosquitto_sub",
                                        NULL};
    return find_program(paths);
}

bool mosquitto_is_there(void)
{
    return mosquitto_program() && subscriber_program();
}

static _Noreturn void give_up(const char *what)
{
    perror(what);
    abort();
}

static void sleep_ms(long ms)
{
    nanosleep(&(struct timespec){.tv_sec = ms / 1000, .tv_nsec = ms % 1000 * 1000000}, NULL);
}

static struct sockaddr_in loopback(uint16_t port)
{
    return (struct sockaddr_in){
        .sin_family = AF_INET, .sin_port = htons(port), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
}

static bool is_free(uint16_t port)
{
    const int fd = socket(AF_INET, SOCK_STREAM, 0);
    const struct sockaddr_in a = loopback(port);
    const bool found = fd >= 0 && bind(fd, (const struct sockaddr *)&a, sizeof a) == 0;
    close(fd);
    return found;
}

/* Below those that the system gives to connections: a broker that starts again finds it free. */
static uint16_t free_port(void)
{
    for (unsigned i = 0; i < 100; i++) {
        const uint16_t port = (uint16_t)(10000 + randombytes_uniform(22000));
        if (is_free(port)) {
            return port;
        }
    }
    give_up("free port");
}

static FILE *open_file(const char *path, const char *mode)
{
    FILE *f = fopen(path, mode);
    if (!f)
        give_up(path);
    return f;
}

static const char *path_of(const broker *b, const char *name)
{
    static char path[512];
    snprintf(path, sizeof(path), "%s/%s", b->dir, name);
    return path;
}

static void write_configuration(const broker *b)
{
    FILE *f = open_file(path_of(b, "mosquitto.conf"), "w");
    fprintf(f,
            "listener %u 127.0.0.1\nallow_anonymous true\npersistence true\n"
            "persistence_location %s/\nqueue_qos0_messages true\nmax_queued_messages 0\n"
            "log_dest file %s/" LOG "\nlog_type subscribe\n%s",
            b->port, b->dir, b->dir, geteuid() == 0 ? "user root\n" : "");
    fclose(f);
}

void broker_configure(const broker *b, const char *lines)
{
    FILE *f = open_file(path_of(b, "mosquitto.conf"), "a");
    fputs(lines, f);
    fclose(f);
}

const char *broker_file(const broker *b, const char *name, const char *text)
{
    const char *path = path_of(b, name);
    FILE *f = open_file(path, "w");
    fputs(text, f);
    fclose(f);
    return path;
}

void broker_prepare(broker *b)
{
    memset(b, 0, sizeof(*b));
    snprintf(b->dir, sizeof(b->dir), "/tmp/medsec-broker-XXXXXX");
    if (!mkdtemp(b->dir))
        give_up(b->dir);
    b->port = free_port();
    snprintf(b->url, sizeof(b->url), "mqtt://127.0.0.1:%u", b->port);
    write_configuration(b);
}

static bool accepts(uint16_t port)
{
    int fd = socket(AF_INET, SOCK_STREAM, 0);
    struct sockaddr_in a = loopback(port);
    bool ok = fd >= 0 && connect(fd, (struct sockaddr *)&a, sizeof(a)) == 0;
    close(fd);
    return ok;
}

/* A test that fails does not come to its end, and whoever waits for its output would wait on. */
static void end_with_parent(void)
{
    (void)prctl(PR_SET_PDEATHSIG, SIGTERM);
}

static bool has_ended(pid_t pid)
{
    return waitpid(pid, NULL, WNOHANG) != 0;
}

/* Until it listens: that depends on the machine, not on the broker. */
static void wait_until_it_accepts(const broker *b)
{
    for (int i = 0; !accepts(b->port); i++) {
        if (has_ended(b->pid) || i == PATIENCE_MS / 10) {
            fprintf(stderr, "mosquitto on port %u of 127.0.0.1 did not begin to listen\n", b->port);
            abort();
        }
        sleep_ms(10);
    }
}

void broker_start(broker *b)
{
    const char *path = path_of(b, "mosquitto.conf");
    const char *program = mosquitto_program();
    b->pid = fork();
    if (b->pid == 0) {
        end_with_parent();
        int null = open("/dev/null", O_WRONLY | O_CLOEXEC);
        dup2(null, STDERR_FILENO);
        execl(program, program, "-c", path, (char *)NULL);
        _exit(127);
    }
    wait_until_it_accepts(b);
}

static void stop_process(pid_t *pid, int sign)
{
    if (*pid <= 0)
        return;
    kill(*pid, sign);
    kill(*pid, SIGCONT); /* one that a test has stopped would not hear it */
    waitpid(*pid, NULL, 0);
    *pid = 0;
}

void broker_stop(broker *b)
{
    stop_process(&b->pid, SIGTERM);
}

void broker_remove(broker *b)
{
    broker_stop(b);
    DIR *dir = opendir(b->dir);
    for (struct dirent *e = dir ? readdir(dir) : NULL; e; e = readdir(dir))
        unlink(path_of(b, e->d_name));
    if (dir)
        closedir(dir);
    rmdir(b->dir);
}

/* How often one like ours has subscribed. */
static unsigned subscriptions(const broker *b)
{
    char line[512];
    unsigned count = 0;
    FILE *log = open_file(path_of(b, LOG), "r");
    while (fgets(line, sizeof(line), log))
        count += strstr(line, ": watcher ") != NULL;
    fclose(log);
    return count;
}

void subscriber_start(subscriber *s, const broker *b)
{
    memset(s, 0, sizeof(*s));
    int fds[2];
    char port[8];
    if (pipe2(fds, O_CLOEXEC) != 0)
        give_up("pipe");
    snprintf(port, sizeof(port), "%u", b->port);
    const char *program = subscriber_program();
    const unsigned before = subscriptions(b);
    s->pid = fork();
    if (s->pid == 0) {
        end_with_parent();
        dup2(fds[1], STDOUT_FILENO);
        execl(program, program, "-h", "127.0.0.1", "-p", port, "-c", "-i", "watcher", "-q", "1",
              "-t", "#", "-F", "%t %r %p", (char *)NULL);
        _exit(127);
    }
    close(fds[1]);
    s->fd = fds[0];
    for (int i = 0; subscriptions(b) == before; i++) {
        if (i == PATIENCE_MS / 10)
            give_up("mosquitto_sub did not subscribe");
        sleep_ms(10);
    }
}

static bool take_line(subscriber *s, char *line, size_t cap)
{
    char *end = memchr(s->buffer, '\n', s->len);
    if (!end)
        return false;
    size_t len = (size_t)(end - s->buffer);
    snprintf(line, cap, "%.*s", (int)len, s->buffer);
    s->len -= len + 1;
    memmove(s->buffer, end + 1, s->len);
    return true;
}

bool subscriber_line(subscriber *s, char *line, size_t cap)
{
    while (!take_line(s, line, cap)) {
        struct pollfd p = {.fd = s->fd, .events = POLLIN};
        if (poll(&p, 1, PATIENCE_MS) <= 0)
            return false;
        ssize_t n = read(s->fd, s->buffer + s->len, sizeof(s->buffer) - s->len);
        if (n <= 0)
            return false;
        s->len += (size_t)n;
    }
    return true;
}

bool subscriber_expect(subscriber *s, const char *line)
{
    char got[512];
    while (subscriber_line(s, got, sizeof(got)))
        if (strcmp(got, line) == 0)
            return true;
    return false;
}

#define NUMBERS_MAX 4096u

static unsigned predecessor(unsigned number, unsigned mixed)
{
    if (mixed > 0 && number % mixed == 0)
        return number - mixed;
    return mixed > 0 && number > 1 && (number - 1) % mixed == 0 ? number - 2 : number - 1;
}

bool subscriber_expect_numbers(subscriber *s, unsigned count, unsigned mixed)
{
    static const char begin[] = "t/number 0 ";
    bool seen[NUMBERS_MAX] = {true};
    char line[256];
    for (unsigned arrived = 0; arrived < count;) {
        if (!subscriber_line(s, line, sizeof(line)))
            return false;
        if (strncmp(line, begin, sizeof(begin) - 1) != 0)
            continue;
        const unsigned long number = strtoul(line + sizeof(begin) - 1, NULL, 10);
        if (number < 1 || number > count || count >= NUMBERS_MAX ||
            !seen[predecessor((unsigned)number, mixed)])
            return false;
        arrived += !seen[number];
        seen[number] = true;
    }
    return true;
}

void subscriber_stop(subscriber *s)
{
    /* mosquitto_sub may never come back from a good-bye to a broker that was restarted. */
    stop_process(&s->pid, SIGKILL);
    close(s->fd);
}
