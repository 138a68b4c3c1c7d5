/* SPDX-License-Identifier: Apache-2.0 */
#include <dirent.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Runs a fuzz target over every file of a corpus folder: what ctest does without libFuzzer. */
#define INPUT_MAX 1048576u /* bytes; the largest input of a corpus is far below */

static int replay_file(const char *folder, const char *name)
{
    char path[4096];
    uint8_t *data = malloc(INPUT_MAX);

    snprintf(path, sizeof(path), "%s/%s", folder, name);
    FILE *file = fopen(path, "rb");
    if (file == NULL || data == NULL) {
        perror(path);
        free(data);
        return -1;
    }
    const size_t len = fread(data, 1, INPUT_MAX, file);
    fclose(file);
    /* Exact size, so that a sanitizer sees a read past the end. */
    uint8_t *exact = realloc(data, len > 0 ? len : 1);
    if (exact == NULL) {
        free(data);
        return -1;
    }
    LLVMFuzzerTestOneInput(exact, len);
    free(exact);
    return 0;
}

int main(int argc, char **argv)
{
    size_t count = 0;
    DIR *folder = argc == 2 ? opendir(argv[1]) : NULL;

    if (folder == NULL) {
        fprintf(stderr, "usage: %s CORPUS\n", argv[0]);
        return 2;
    }
    for (const struct dirent *entry = readdir(folder); entry != NULL; entry = readdir(folder)) {
        if (entry->d_name[0] != '.') {
            if (replay_file(argv[1], entry->d_name) != 0) {
                closedir(folder);
                return 1;
            }
            count++;
        }
    }
    closedir(folder);
    printf("%zu inputs\n", count);
    return count > 0 ? 0 : 1;
}
