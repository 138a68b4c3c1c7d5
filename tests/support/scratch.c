/* SPDX-License-Identifier: Apache-2.0 */
#include "scratch.h"

#include <dirent.h>
#include <fcntl.h>
#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static void stop(const char *what)
{
    perror(what);
    exit(99);
}

void scratch_open(scratch *files)
{
    snprintf(files->folder, sizeof files->folder, "/tmp/medsec-test-XXXXXX");
    if (mkdtemp(files->folder) == NULL) {
        stop("mkdtemp");
    }
}

static int remove_one(const char *path, const struct stat *info, int kind, struct FTW *level)
{
    (void)info;
    (void)kind;
    (void)level;
    return remove(path);
}

void scratch_close(scratch *files)
{
    nftw(files->folder, remove_one, 16, FTW_DEPTH | FTW_PHYS);
}

const char *scratch_path(const scratch *files, const char *name)
{
    static char paths[8][512];
    static unsigned next;
    char *path = paths[next++ % 8];
    snprintf(path, sizeof paths[0], "%s/%s", files->folder, name);
    return path;
}

size_t scratch_count(const scratch *files)
{
    size_t count = 0;
    DIR *folder = opendir(files->folder);
    if (folder == NULL) {
        stop("opendir");
    }
    for (struct dirent *entry = readdir(folder); entry != NULL; entry = readdir(folder)) {
        count += entry->d_name[0] != '.';
    }
    closedir(folder);
    return count;
}

void scratch_write(const char *path, const void *data, size_t len, unsigned mode)
{
    int fd = open(path, O_CREAT | O_TRUNC | O_WRONLY | O_CLOEXEC, 0600);
    if (fd < 0 || write(fd, data, len) != (ssize_t)len || fchmod(fd, mode) != 0) {
        stop(path);
    }
    close(fd);
}

char *scratch_read(const char *path, size_t *len)
{
    FILE *file = fopen(path, "rbe");
    char *data = malloc(1u << 24);
    if (file == NULL || data == NULL) {
        stop(path);
    }
    *len = fread(data, 1, 1u << 24, file);
    fclose(file);
    return data;
}
