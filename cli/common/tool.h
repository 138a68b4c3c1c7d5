/* SPDX-License-Identifier: Apache-2.0 */
#ifndef MEDSEC_CLI_TOOL_H
#define MEDSEC_CLI_TOOL_H

#include <medsec/export.h>
#include <medsec/status.h>

#include <stddef.h>
#include <stdint.h>
#include <sys/socket.h>

/* Exit codes of all tools: number, and sentence for the man page. */
#define EXIT_MAP(X)                                                                            \
    X(EXIT_DONE, 0, "success")                                                                 \
    X(EXIT_FAILED, 1, "failure")                                                               \
    X(EXIT_USAGE, 2, "usage error")                                                            \
    X(EXIT_CONFIG, 3, "a configuration, credential or key file is missing, unsafe or invalid") \
    X(EXIT_NETWORK, 4, "network or broker failure")

enum exit_code {
#define EXIT_ENUM(name, number, sentence) name = (number),
    EXIT_MAP(EXIT_ENUM)
#undef EXIT_ENUM
};

/* The name that errors begin with; options_parse sets it. */
void tool_set_name(const char *name);
const char *tool_name(void);

/* No core dump and no debugger: what the process holds stays in it. */
void tool_keep_secrets(void);

/* One line on stderr: `<tool>: <text>`. Say what to do next; never put a secret into it. */
void tool_error(const char *format, ...) MEDSEC_PRINTF(1, 2);

/* The exit code that goes with a failure. */
int tool_exit_code(medsec_status status);

/* A line that is overwritten by the next one, on stderr if that is a terminal, else nothing. */
void tool_progress(const char *format, ...) MEDSEC_PRINTF(1, 2);
void tool_progress_end(void);

/* The parts of `ADDR:PORT` or `[v6]:PORT`. ERR_SYNTAX; ERR_BUFFER: the address is too long. */
MEDSEC_CHECK medsec_status address_split(char *host, size_t cap, uint16_t *port, const char *text);

/* The same, resolved; an empty ADDR is the loopback. Also ERR_NOT_FOUND: no such host. */
MEDSEC_CHECK medsec_status address_resolve(struct sockaddr_storage *out, const char *text);

#endif
