/* SPDX-License-Identifier: Apache-2.0 */
#include <medsec/config.h>

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* One line, without its end. */
typedef struct cursor {
    const char *at;
    const char *end;
} cursor;

static bool is_blank(char c)
{
    return c == ' ' || c == '\t' || c == '\r';
}

static void skip_blanks(cursor *c)
{
    while (c->at < c->end && is_blank(*c->at)) {
        c->at++;
    }
}

static bool is_key_character(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-';
}

static medsec_status read_key(char key[MEDSEC_CONFIG_KEY_MAX + 1], cursor *c)
{
    size_t len = 0;

    while (c->at < c->end && is_key_character(*c->at)) {
        if (len == MEDSEC_CONFIG_KEY_MAX) {
            return MEDSEC_ERR_LIMIT;
        }
        key[len++] = *c->at++;
    }
    key[len] = '\0';
    skip_blanks(c);
    if (len == 0 || c->at == c->end || *c->at != '=') {
        return MEDSEC_ERR_SYNTAX;
    }
    c->at++;
    skip_blanks(c);
    return MEDSEC_OK;
}

/* Control characters would end up in messages and file names. */
static medsec_status store(char value[MEDSEC_CONFIG_VALUE_MAX + 1], size_t *len, char c)
{
    if ((unsigned char)c < ' ' && c != '\t') {
        return MEDSEC_ERR_SYNTAX;
    }
    if (*len == MEDSEC_CONFIG_VALUE_MAX) {
        return MEDSEC_ERR_LIMIT;
    }
    value[(*len)++] = c;
    value[*len] = '\0';
    return MEDSEC_OK;
}

static medsec_status read_quoted(char value[MEDSEC_CONFIG_VALUE_MAX + 1], cursor *c)
{
    size_t len = 0;

    for (c->at++; c->at < c->end && *c->at != '"'; c->at++) {
        if (*c->at == '\\') {
            c->at++;
            if (c->at == c->end || (*c->at != '"' && *c->at != '\\')) {
                return MEDSEC_ERR_SYNTAX;
            }
        }
        const medsec_status status = store(value, &len, *c->at);
        if (status != MEDSEC_OK) {
            return status;
        }
    }
    if (c->at == c->end) {
        return MEDSEC_ERR_SYNTAX;
    }
    c->at++;
    skip_blanks(c);
    return c->at == c->end ? MEDSEC_OK : MEDSEC_ERR_SYNTAX;
}

static medsec_status read_plain(char value[MEDSEC_CONFIG_VALUE_MAX + 1], cursor *c)
{
    size_t len = 0;

    while (c->end > c->at && is_blank(c->end[-1])) {
        c->end--;
    }
    for (; c->at < c->end; c->at++) {
        const medsec_status status = store(value, &len, *c->at);
        if (status != MEDSEC_OK) {
            return status;
        }
    }
    return MEDSEC_OK;
}

static medsec_status read_line(cursor c, medsec_config_fn *setting, void *context, unsigned line)
{
    char key[MEDSEC_CONFIG_KEY_MAX + 1];
    char value[MEDSEC_CONFIG_VALUE_MAX + 1] = "";

    skip_blanks(&c);
    if (c.at == c.end || *c.at == '#') {
        return MEDSEC_OK;
    }
    medsec_status status = read_key(key, &c);
    if (status != MEDSEC_OK) {
        return status;
    }
    status = c.at < c.end && *c.at == '"' ? read_quoted(value, &c) : read_plain(value, &c);
    return status == MEDSEC_OK ? setting(context, key, value, line) : status;
}

medsec_status medsec_config_parse(const char *text, size_t len, medsec_config_fn *setting,
                                  void *context, unsigned *line)
{
    *line = 0;
    if (len > MEDSEC_CONFIG_FILE_MAX) {
        return MEDSEC_ERR_LIMIT;
    }
    for (size_t at = 0; at < len;) {
        const char *end = memchr(text + at, '\n', len - at);
        const size_t line_len = end != NULL ? (size_t)(end - text) - at : len - at;
        *line += 1;
        const medsec_status status =
            read_line((cursor){text + at, text + at + line_len}, setting, context, *line);
        if (status != MEDSEC_OK) {
            return status;
        }
        at += line_len + 1;
    }
    return MEDSEC_OK;
}

/* One byte more than the limit, so that a longer file is seen to be one. */
static medsec_status read_all(int fd, char *buffer, size_t *len)
{
    *len = 0;
    while (*len <= MEDSEC_CONFIG_FILE_MAX) {
        const ssize_t got = read(fd, buffer + *len, MEDSEC_CONFIG_FILE_MAX + 1 - *len);
        if (got < 0 && errno == EINTR) {
            continue;
        }
        if (got < 0) {
            return MEDSEC_ERR_IO;
        }
        if (got == 0) {
            break;
        }
        *len += (size_t)got;
    }
    return MEDSEC_OK;
}

static medsec_status read_file(const char *path, char *buffer, size_t *len)
{
    const int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY);

    if (fd < 0) {
        return MEDSEC_ERR_IO;
    }
    const medsec_status status = read_all(fd, buffer, len);
    const int cause = errno;
    close(fd);
    errno = cause;
    return status;
}

medsec_status medsec_config_load(const char *path, medsec_config_fn *setting, void *context,
                                 unsigned *line)
{
    size_t len = 0;
    char *buffer = malloc(MEDSEC_CONFIG_FILE_MAX + 1);

    *line = 0;
    if (buffer == NULL) {
        return MEDSEC_ERR_MEMORY;
    }
    medsec_status status = read_file(path, buffer, &len);
    if (status == MEDSEC_OK) {
        status = medsec_config_parse(buffer, len, setting, context, line);
    }
    const int cause = errno;
    free(buffer);
    errno = cause;
    return status;
}
