/* SPDX-License-Identifier: Apache-2.0 */
#include "options_internal.h"

#include <ctype.h>
#include <string.h>

void option_append(char *out, size_t cap, const char *text)
{
    const size_t len = strlen(out);

    snprintf(out + len, cap - len, "%s", text);
}

size_t option_count(const option_spec *table)
{
    size_t count = 0;

    while (table != NULL && table[count].name != NULL && count < OPTIONS_MAX) {
        count++;
    }
    return count;
}

const option_spec *option_find(const option_spec *table, const char *name, size_t len)
{
    for (size_t i = 0; i < option_count(table); i++) {
        if (strncmp(table[i].name, name, len) == 0 && table[i].name[len] == '\0') {
            return &table[i];
        }
    }
    return NULL;
}

void option_environment_name(char *out, size_t cap, const char *name)
{
    snprintf(out, cap, "MEDSEC_%s", name);
    for (; *out != '\0'; out++) {
        *out = *out == '-' ? '_' : (char)toupper((unsigned char)*out);
    }
}

static size_t smallest(size_t a, size_t b, size_t c)
{
    const size_t ab = a < b ? a : b;

    return ab < c ? ab : c;
}

/* Levenshtein distance, one row of the matrix at a time. */
static size_t distance(const char *a, const char *b)
{
    size_t row[OPTIONS_MAX];
    const size_t len = strlen(b);

    if (len >= OPTIONS_MAX) {
        return OPTIONS_MAX;
    }
    for (size_t j = 0; j <= len; j++) {
        row[j] = j;
    }
    for (size_t i = 1; a[i - 1] != '\0'; i++) {
        size_t diagonal = row[0];
        row[0] = i;
        for (size_t j = 1; j <= len; j++) {
            const size_t above = row[j];
            row[j] = smallest(row[j] + 1, row[j - 1] + 1, diagonal + (a[i - 1] != b[j - 1]));
            diagonal = above;
        }
    }
    return row[len];
}

const char *option_nearest(const void *table, size_t stride, const char *name)
{
    const char *best = NULL;
    size_t best_distance = 3; /* two slips of the finger */

    for (const char *at = table; at != NULL; at += stride) {
        const char *candidate = NULL;
        memcpy(&candidate, at, sizeof candidate);
        if (candidate == NULL) {
            break;
        }
        const size_t d = distance(name, candidate);
        if (d < best_distance && d < strlen(candidate)) {
            best = candidate;
            best_distance = d;
        }
    }
    return best;
}
