/* SPDX-License-Identifier: Apache-2.0 */
#include "grants.h"

#include "tool.h"

#include <errno.h>
#include <fnmatch.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#define NAME_CHARACTERS "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_-."

static bool is_name(const char *text, const char *characters, size_t max)
{
    const size_t len = strlen(text);
    return len > 0 && len <= max && strspn(text, characters) == len;
}

bool grants_user_check(const char *user)
{
    return is_name(user, NAME_CHARACTERS, GRANT_USER_MAX);
}

/* Cuts the next word off; "" at the end. */
static char *next_word(char **at)
{
    char *word = *at + strspn(*at, " \t\r");
    char *end = word + strcspn(word, " \t\r");
    *at = *end == '\0' ? end : end + 1;
    *end = '\0';
    return word;
}

static unsigned right_of(const char *word)
{
    if (strcmp(word, "read") == 0) {
        return GRANT_READ;
    }
    return strcmp(word, "command") == 0 ? GRANT_COMMAND : 0;
}

typedef struct reading {
    grants *all;
    const char *path;
    const char *gateway;
    size_t line;
} reading;

static int refuse(const reading *in, const char *why)
{
    tool_error("%s: line %zu: %s", in->path, in->line, why);
    return EXIT_CONFIG;
}

static int add(const reading *in, const grant *model, const char *pattern)
{
    grants *all = in->all;
    if (!is_name(pattern, NAME_CHARACTERS "*?", MEDSEC_DEVICE_ID_MAX)) {
        return refuse(in, "a pattern has letters, digits, `_-.`, `*` and `?`, at most 64");
    }
    if (all->count == GRANTS_MAX) {
        return refuse(in, "more patterns than a grants file may have: use wider ones");
    }
    if (all->items == NULL) {
        all->items = calloc(GRANTS_MAX, sizeof *all->items);
    }
    if (all->items == NULL) {
        tool_error("%s", medsec_strerror(MEDSEC_ERR_MEMORY));
        return EXIT_FAILED;
    }
    grant *item = &all->items[all->count];
    *item = *model;
    snprintf(item->pattern, sizeof item->pattern, "%s", pattern);
    item->used = strcmp(pattern, "*") == 0;
    all->count++;
    return EXIT_DONE;
}

static int take_line(const reading *in, char *text)
{
    text[strcspn(text, "#")] = '\0';
    const char *user = next_word(&text);
    if (user[0] == '\0') {
        return EXIT_DONE;
    }
    if (!grants_user_check(user)) {
        return refuse(in, "a user's name has letters, digits and `_-.`, at most 64");
    }
    if (strcmp(user, in->gateway) == 0) {
        return refuse(in, "that is the gateway's user: nobody else may use its name");
    }
    grant model = {.right = right_of(next_word(&text)), .line = in->line};
    snprintf(model.user, sizeof model.user, "%s", user);
    const char *pattern = next_word(&text);
    if (model.right == 0 || pattern[0] == '\0') {
        return refuse(in, "`USER read|command PATTERN...` is needed");
    }
    int code = EXIT_DONE;
    for (; code == EXIT_DONE && pattern[0] != '\0'; pattern = next_word(&text)) {
        code = add(in, &model, pattern);
    }
    return code;
}

/* A text that stops at a NUL would hide what is behind it. */
static bool is_text(const char *line, size_t len)
{
    for (size_t i = 0; i < len; i++) {
        const unsigned char c = (unsigned char)line[i];
        if (c > '~' || (c < ' ' && c != '\t' && c != '\r')) {
            return false;
        }
    }
    return true;
}

static int take_lines(reading *in, FILE *file)
{
    char *line = NULL;
    size_t cap = 0;
    ssize_t len = 0;
    int code = EXIT_DONE;
    while (code == EXIT_DONE && (len = getline(&line, &cap, file)) > 0) {
        in->line++;
        len -= line[len - 1] == '\n';
        line[len] = '\0';
        code = is_text(line, (size_t)len) ? take_line(in, line)
                                          : refuse(in, "a character that is not plain text");
    }
    free(line);
    if (code == EXIT_DONE && ferror(file)) {
        tool_error("%s: %s", in->path, strerror(errno));
        code = EXIT_FAILED;
    }
    return code;
}

/* Whoever may write the file gives rights. */
static int check_file(const char *path, FILE *file)
{
    struct stat status;
    if (fstat(fileno(file), &status) != 0 || !S_ISREG(status.st_mode)) {
        tool_error("%s: not a file", path);
        return EXIT_CONFIG;
    }
    if ((status.st_mode & S_IWOTH) != 0) {
        tool_error("%s: everybody may write it: chmod o-w", path);
        return EXIT_CONFIG;
    }
    if (status.st_size > GRANTS_FILE_MAX) {
        tool_error("%s: more than 1 MiB", path);
        return EXIT_CONFIG;
    }
    return EXIT_DONE;
}

static int by_user(const void *left, const void *right)
{
    const grant *a = left;
    const grant *b = right;
    const int order = strcmp(a->user, b->user);
    return order != 0 ? order : (a->line > b->line) - (a->line < b->line);
}

int grants_read(grants *all, const char *path, const char *gateway)
{
    FILE *file = fopen(path, "re");
    if (file == NULL) {
        tool_error("%s: %s", path, strerror(errno));
        return EXIT_CONFIG;
    }
    reading in = {.all = all, .path = path, .gateway = gateway};
    int code = check_file(path, file);
    if (code == EXIT_DONE) {
        code = take_lines(&in, file);
    }
    fclose(file);
    if (all->count > 0) {
        qsort(all->items, all->count, sizeof *all->items, by_user);
    }
    return code;
}

void grants_free(grants *all)
{
    free(all->items);
}

size_t grants_next(const grants *all, size_t at)
{
    size_t next = at;
    while (next < all->count && strcmp(all->items[next].user, all->items[at].user) == 0) {
        next++;
    }
    return next;
}

unsigned grants_on_all(const grants *all, size_t at)
{
    unsigned rights = 0;
    const size_t end = grants_next(all, at);
    for (size_t i = at; i < end; i++) {
        if (strcmp(all->items[i].pattern, "*") == 0) {
            rights |= all->items[i].right;
        }
    }
    return rights;
}

unsigned grants_on(grants *all, size_t at, const char *id)
{
    unsigned rights = 0;
    const size_t end = grants_next(all, at);
    for (size_t i = at; i < end; i++) {
        grant *item = &all->items[i];
        if (fnmatch(item->pattern, id, 0) == 0) {
            rights |= item->right;
            item->used = true;
        }
    }
    return rights;
}
