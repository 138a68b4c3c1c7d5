/* SPDX-License-Identifier: Apache-2.0 */
#include "passphrase.h"

#include "tool.h"

#include <errno.h>
#include <fcntl.h>
#include <medsec/credential_file.h>
#include <string.h>
#include <termios.h>
#include <unistd.h>

#define INTERRUPT '\x03'

/* One line, byte by byte: what follows it belongs to somebody else. 0: none, or too long. */
static size_t read_line(int fd, char *out, size_t cap)
{
    size_t len = 0;
    for (;;) {
        char c;
        ssize_t n = read(fd, &c, 1);
        if (n < 0 && errno == EINTR) {
            continue;
        }
        if (n < 0 || (n > 0 && c == INTERRUPT)) {
            return 0;
        }
        if (n == 0 || c == '\n') {
            return len > 0 && out[len - 1] == '\r' ? len - 1 : len;
        }
        if (len == cap) {
            return 0;
        }
        out[len++] = c;
    }
}

static size_t ask_terminal(char *out, size_t cap, const char *prompt)
{
    struct termios before;
    if (tcgetattr(STDIN_FILENO, &before) != 0) {
        return 0;
    }
    struct termios hidden = before;
    /* Signals off too: an interrupt must not leave the terminal without echo. */
    hidden.c_lflag &= ~(tcflag_t)(ECHO | ISIG);
    if (tcsetattr(STDIN_FILENO, TCSAFLUSH, &hidden) != 0) {
        return 0;
    }
    (void)!write(STDERR_FILENO, prompt, strlen(prompt));
    size_t len = read_line(STDIN_FILENO, out, cap);
    (void)tcsetattr(STDIN_FILENO, TCSAFLUSH, &before);
    (void)!write(STDERR_FILENO, "\n", 1);
    return len;
}

size_t passphrase_ask(char *out, size_t cap, const char *prompt)
{
    size_t len = isatty(STDIN_FILENO) == 1 ? ask_terminal(out, cap, prompt)
                                           : read_line(STDIN_FILENO, out, cap);
    if (len == 0) {
        tool_error("no passphrase was given, or one that is too long");
    }
    return len;
}

static size_t load(int fd, char *out, size_t cap, const char *path, const char *what)
{
    if (medsec_secret_file_check(fd) != MEDSEC_OK) {
        tool_error("others must not read the %s file: chmod go-rwx %s", what, path);
        return 0;
    }
    size_t len = read_line(fd, out, cap);
    if (len == 0) {
        tool_error("%s holds no %s in its first line, or one that is too long", path, what);
    }
    return len;
}

size_t passphrase_load(char *out, size_t cap, const char *path, const char *what)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY);
    if (fd < 0) {
        tool_error("%s: %s", path, strerror(errno));
        return 0;
    }
    size_t len = load(fd, out, cap, path, what);
    close(fd);
    return len;
}
