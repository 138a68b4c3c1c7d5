/* SPDX-License-Identifier: Apache-2.0 */
#include "unlock.h"

#include "tool.h"

#include <errno.h>
#include <fcntl.h>
#include <sodium.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static int key_file_beside(unlock *u, const char *registry)
{
    const char *slash = strrchr(registry, '/');
    const int folder = slash != NULL ? (int)(slash - registry) + 1 : 0;
    const int len = snprintf(u->key_file, sizeof u->key_file, "%.*smedsec.key", folder, registry);
    if (len < 0 || (size_t)len >= sizeof u->key_file) {
        tool_error("the path of the registry is too long");
        return EXIT_USAGE;
    }
    u->registry.key_file = u->key_file;
    return EXIT_DONE;
}

/* -1 unless only its owner can read it. */
static int open_private(const char *path)
{
    struct stat info;
    const int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0) {
        tool_error("%s: %s", path, strerror(errno));
        return -1;
    }
    if (fstat(fd, &info) != 0 || (info.st_mode & (S_IRWXG | S_IRWXO)) != 0) {
        tool_error("%s: others may read it; run `chmod 600` on it", path);
        close(fd);
        return -1;
    }
    return fd;
}

static int read_passphrase(unlock *u, const char *path)
{
    const int fd = open_private(path);
    if (fd < 0) {
        return EXIT_CONFIG;
    }
    const ssize_t n = read(fd, u->passphrase, sizeof u->passphrase);
    close(fd);
    const size_t len = n > 0 ? strcspn(u->passphrase, "\r\n") : 0;
    if (len == 0 || len > UNLOCK_PASSPHRASE_MAX) {
        tool_error("%s: the first line is not a passphrase", path);
        return EXIT_CONFIG;
    }
    u->passphrase[len] = '\0';
    u->registry.passphrase = u->passphrase;
    u->registry.passphrase_len = len;
    return EXIT_DONE;
}

int unlock_read(unlock *u, const char *registry, const char *key_file, const char *passphrase_file)
{
    memset(u, 0, sizeof *u);
    if (key_file != NULL && passphrase_file != NULL) {
        tool_error("give one of --key-file and --passphrase-file");
        return EXIT_USAGE;
    }
    if (passphrase_file != NULL) {
        return read_passphrase(u, passphrase_file);
    }
    if (key_file == NULL) {
        return key_file_beside(u, registry);
    }
    u->registry.key_file = key_file;
    return EXIT_DONE;
}

void unlock_wipe(unlock *u)
{
    sodium_memzero(u, sizeof *u);
}
