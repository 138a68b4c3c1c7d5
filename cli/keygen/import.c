/* SPDX-License-Identifier: Apache-2.0 */
#include "keygen.h"

#include <errno.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

typedef struct import {
    const settings *options;
    const char *path;
    medsec_registry *registry;
    size_t refused;
} import;

static void tell_refused(void *context, size_t line, const char *id, medsec_status reason)
{
    import *work = context;
    const char *sentence = medsec_registry_error(work->registry);
    tool_error("%s:%zu: %s%s%s", work->path, line, id, id[0] == '\0' ? "" : ": ", sentence);
    if (work->options->json) {
        printf("%s{\"line\":%zu,\"device\":", work->refused == 0 ? "" : ",", line);
        output_json_text(id);
        printf(",\"reason\":\"%s\"}", medsec_status_word(reason));
    }
    work->refused++;
}

/* The text, for read_end; NULL after a failure, which it has told. */
static char *read_file(const char *path, size_t *len)
{
    FILE *file = fopen(path, "rbe");
    if (file == NULL) {
        tool_error("%s: %s", path, strerror(errno));
        return NULL;
    }
    char *text = malloc(KEYGEN_IMPORT_MAX + 1u);
    *len = text == NULL ? 0 : fread(text, 1, KEYGEN_IMPORT_MAX + 1u, file);
    bool bad = text == NULL || ferror(file) || *len > KEYGEN_IMPORT_MAX;
    fclose(file);
    if (bad) {
        tool_error("%s: cannot be read, or is larger than %u bytes", path, KEYGEN_IMPORT_MAX);
        free(text);
        return NULL;
    }
    return text;
}

static void read_end(char *text, size_t len)
{
    sodium_memzero(text, len);
    free(text);
}

static int run(import *work, const char *text, size_t len)
{
    medsec_import_result result = {0};
    unsigned flags = work->options->allow_sample_keys ? MEDSEC_ADD_ALLOW_SAMPLE_KEY : 0;
    if (work->options->json) {
        printf("{\"refused\":[");
    }
    medsec_status status =
        medsec_registry_import(work->registry, text, len, flags, tell_refused, work, &result);
    if (work->options->json) {
        printf("],\"added\":%zu,\"blank\":%zu}\n", result.added, result.blank);
    } else if (status == MEDSEC_OK) {
        printf("added %zu, refused %zu, blank or comment %zu\n", result.added, result.refused,
               result.blank);
    }
    if (status != MEDSEC_OK) {
        return access_failed(work->registry, work->path, status);
    }
    return result.refused == 0 ? EXIT_DONE : EXIT_FAILED;
}

int keygen_import(const void *values, char **operands, size_t count)
{
    (void)count;
import work = {.options = values, .path = operands[0] };
    size_t len = 0;
    char *text = read_file(work.path, &len);
    if (text == NULL) {
        return EXIT_FAILED;
    }
    int code = access_open(&work.registry, work.options, MEDSEC_REGISTRY_WRITE);
    if (code == EXIT_DONE) {
        code = run(&work, text, len);
    }
    medsec_registry_close(work.registry);
    read_end(text, len);
    return output_end(code);
}
