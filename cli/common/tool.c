/* SPDX-License-Identifier: Apache-2.0 */
#include "tool.h"

#include <netdb.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <unistd.h>

static const char *name_of_tool = "medsec";
static bool progress_shown;

void tool_set_name(const char *name)
{
    name_of_tool = name;
}

const char *tool_name(void)
{
    return name_of_tool;
}

void tool_keep_secrets(void)
{
    const struct rlimit none = {0, 0};
    (void)setrlimit(RLIMIT_CORE, &none);
    (void)prctl(PR_SET_DUMPABLE, 0);
}

void tool_error(const char *format, ...)
{
    va_list arguments;

    tool_progress_end();
    fprintf(stderr, "%s: ", name_of_tool);
    va_start(arguments, format);
    vfprintf(stderr, format, arguments);
    va_end(arguments);
    fputc('\n', stderr);
}

int tool_exit_code(medsec_status status)
{
    switch (status) {
    case MEDSEC_OK:
        return EXIT_DONE;
    case MEDSEC_ERR_PERMISSION:
    case MEDSEC_ERR_CORRUPT:
    case MEDSEC_ERR_CRYPTO:
    case MEDSEC_ERR_SYNTAX:
        return EXIT_CONFIG;
    case MEDSEC_ERR_CLOSED:
    case MEDSEC_ERR_TIMEOUT:
        return EXIT_NETWORK;
    default:
        return EXIT_FAILED;
    }
}

void tool_progress(const char *format, ...)
{
    va_list arguments;

    if (isatty(STDERR_FILENO) != 1) {
        return;
    }
    fputs("\r\033[K", stderr);
    va_start(arguments, format);
    vfprintf(stderr, format, arguments);
    va_end(arguments);
    fflush(stderr);
    progress_shown = true;
}

void tool_progress_end(void)
{
    if (progress_shown) {
        fputc('\n', stderr);
        progress_shown = false;
    }
}

static medsec_status port_parse(uint16_t *port, const char *text)
{
    const size_t len = strlen(text);

    if (len == 0 || len > 5 || strspn(text, "0123456789") != len) {
        return MEDSEC_ERR_SYNTAX;
    }
    const unsigned long number = strtoul(text, NULL, 10);
    if (number > UINT16_MAX) {
        return MEDSEC_ERR_SYNTAX;
    }
    *port = (uint16_t)number;
    return MEDSEC_OK;
}

medsec_status address_split(char *host, size_t cap, uint16_t *port, const char *text)
{
    const bool bracket = text[0] == '[';
    const char *begin = bracket ? text + 1 : text;
    const size_t len = strcspn(begin, bracket ? "]" : ":");
    const char *colon = begin + len + (bracket && begin[len] == ']' ? 1 : 0);

    if (*colon != ':') {
        return MEDSEC_ERR_SYNTAX;
    }
    if (len >= cap) {
        return MEDSEC_ERR_BUFFER;
    }
    memcpy(host, begin, len);
    host[len] = '\0';
    return port_parse(port, colon + 1);
}

medsec_status address_resolve(struct sockaddr_storage *out, const char *text)
{
    const struct addrinfo hints = {.ai_socktype = SOCK_STREAM, .ai_flags = AI_NUMERICSERV};
    struct addrinfo *found = NULL;
    char host[256];
    char service[8];
    uint16_t port = 0;

    const medsec_status status = address_split(host, sizeof host, &port, text);
    if (status != MEDSEC_OK) {
        return status;
    }
    snprintf(service, sizeof service, "%u", (unsigned)port);
    if (getaddrinfo(host[0] == '\0' ? NULL : host, service, &hints, &found) != 0) {
        return MEDSEC_ERR_NOT_FOUND;
    }
    memset(out, 0, sizeof *out);
    memcpy(out, found->ai_addr, found->ai_addrlen);
    freeaddrinfo(found);
    return MEDSEC_OK;
}
