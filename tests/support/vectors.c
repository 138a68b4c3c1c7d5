/* SPDX-License-Identifier: Apache-2.0 */
#include "vectors.h"

#include <medsec/hex.h>

#include <stdlib.h>
#include <string.h>

static void fail(const char *what, const char *name)
{
    fprintf(stderr, "vectors: %s: %s\n", name, what);
    abort();
}

FILE *vectors_open(const char *name)
{
    const char *folder = getenv("MEDSEC_VECTORS");
    char path[4096];
    snprintf(path, sizeof path, "%s/%s",
             folder != NULL ? folder : MEDSEC_SOURCE_DIR "/../shared/vectors", name);
    FILE *file = fopen(path, "rb");
    if (file == NULL) {
        printf("skipped: no ../shared/vectors (%s)\n", name);
    }
    return file;
}

char *vectors_read(FILE *file, size_t *len)
{
    size_t cap = 1 << 16;
    char *text = malloc(cap);
    *len = 0;
    while (text != NULL) {
        *len += fread(text + *len, 1, cap - *len - 1, file);
        if (*len < cap - 1) {
            text[*len] = '\0';
            return text;
        }
        cap *= 2;
        char *more = realloc(text, cap);
        if (more == NULL) {
            free(text);
        }
        text = more;
    }
    fail("out of memory", "read");
    return NULL;
}

cJSON *vectors_next(FILE *file)
{
    char *line = NULL;
    size_t cap = 0;
    cJSON *json = NULL;
    if (getline(&line, &cap, file) > 0) {
        json = cJSON_Parse(line);
        if (json == NULL) {
            fail("not JSON", line);
        }
    }
    free(line);
    return json;
}

const char *vectors_text(const cJSON *object, const char *member)
{
    const char *text = cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(object, member));
    if (text == NULL) {
        fail("no such text", member);
    }
    return text;
}

size_t vectors_bytes(const char *hex, uint8_t *out, size_t cap)
{
    size_t len = strlen(hex);
    if (len / 2 > cap || medsec_hex_decode(out, hex, len) != MEDSEC_OK) {
        fail("not hex, or too long", hex);
    }
    return len / 2;
}
