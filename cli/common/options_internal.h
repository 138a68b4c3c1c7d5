/* SPDX-License-Identifier: Apache-2.0 */
#ifndef MEDSEC_CLI_OPTIONS_INTERNAL_H
#define MEDSEC_CLI_OPTIONS_INTERNAL_H

#include "options.h"

#include <medsec/status.h>

#include <stdio.h>

#define OPTIONS_MAX 64u /* options in one table */
#define OPTION_REASON_MAX 128u /* characters of what is wrong with a value */

struct option_text {
    option_text *next;
    char text[];
};

/* What every tool has. */
typedef struct option_builtin {
    bool help;
    bool version;
    int generate; /* enum option_generate */
    const char *config;
} option_builtin;

enum option_generate { GENERATE_NONE, GENERATE_MAN, GENERATE_BASH };

extern const option_spec option_builtin_specs[];

/* Appends to a NUL-terminated text; what does not fit is cut. */
void option_append(char *out, size_t cap, const char *text);

size_t option_count(const option_spec *table);
const option_spec *option_find(const option_spec *table, const char *name, size_t len);

/* Sets the value, copying texts to `texts`. ERR_SYNTAX with the reason; ERR_MEMORY. */
medsec_status option_value_set(const option_spec *spec, void *values, const char *text,
                               option_text **texts, char reason[OPTION_REASON_MAX]);
/* The value as text; empty when there is nothing to show. */
void option_value_print(char *out, size_t cap, const option_spec *spec, const void *values);

/* MEDSEC_<NAME>. */
void option_environment_name(char *out, size_t cap, const char *name);

void help_print(FILE *out, const tool_spec *tool, const command_spec *command);
void man_print(FILE *out, const tool_spec *tool);
void completion_print(FILE *out, const tool_spec *tool);

/* The name in the table nearest to `name`, or NULL when none is near. Names are `stride` apart. */
const char *option_nearest(const void *table, size_t stride, const char *name);

/* Where a value comes from; the higher one stays. */
enum rank { FROM_DEFAULT, FROM_FILE, FROM_ENVIRONMENT, FROM_ARGUMENT };

enum scope { SCOPE_HIDDEN, SCOPE_BUILTIN, SCOPE_TOOL, SCOPE_COMMAND, SCOPES };

typedef struct parser {
    const tool_spec *tool;
    const option_spec *table[SCOPES]; /* NULL: none */
    void *values[SCOPES];
    uint8_t rank[SCOPES][OPTIONS_MAX];
    option_builtin builtin;
    options_result *result;
    const char *path; /* of the file being read */
} parser;

typedef struct slot {
    enum scope scope;
    const option_spec *spec; /* NULL: not found */
    uint8_t *rank;
} slot;

/* Where an option stands; spec is NULL when there is none of that name. */
slot parser_find(parser *p, const char *name, size_t len);

/* Sets a value unless a higher source has; `where` names it in the error. An OPTIONS_RUN or exit
 * code, as of all that follow. */
int parser_assign(parser *p, slot at, const char *text, enum rank rank, const char *where);
int parser_environment(parser *p);
int parser_file(parser *p);

#endif
