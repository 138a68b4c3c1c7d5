/* SPDX-License-Identifier: Apache-2.0 */
#ifndef MEDSEC_CLI_OPTIONS_H
#define MEDSEC_CLI_OPTIONS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*
 * One table a tool. It gives parsing, --help, --version, the man page and the bash completion
 * (hidden `--generate man|bash`), the configuration file and the environment.
 *
 * A value comes from the command line, else from MEDSEC_<NAME> in the environment (upper case, `-`
 * as `_`), else from the file of --config (`name = value`), else from `defaults`. Values are never
 * echoed in an error, for one may be a secret in the wrong place.
 */
typedef enum option_kind {
    OPTION_FLAG, /* bool; `--name`, or `--name=true|false` */
    OPTION_TEXT, /* const char *; not empty */
    OPTION_LIST, /* option_list: may be repeated; in file and environment also `a, b` */
    OPTION_U32, /* uint32_t */
    OPTION_REAL, /* double */
    OPTION_SECONDS, /* uint32_t milliseconds, given in seconds with decimals */
    OPTION_CHOICE /* int: index into `choices` */
} option_kind;

#define OPTION_LIST_MAX 64u /* items of one list option */

typedef struct option_list {
    const char *item[OPTION_LIST_MAX];
    size_t count;
} option_list;

#define OPTION_REQUIRED 1u /* without it: usage error */

typedef struct option_spec {
    const char *name; /* the long option, without dashes; NULL ends a table */
    const char *metavar; /* `FILE` and `DIR` complete to paths; NULL for a flag */
    const char *help; /* one sentence, no full stop; the default is added by itself */
    option_kind kind;
    size_t offset; /* of the value in the tool's struct of values: offsetof() */
    double min; /* of a number, as it is written; both 0: what the type holds, not negative */
    double max;
    const char *const *choices; /* NULL-terminated words */
    unsigned flags;
} option_spec;

/* Runs a tool or a command of it; returns an exit code (tool.h). */
typedef int command_run(const void *values, char **operands, size_t count);

typedef struct command_spec {
    const char *name; /* NULL ends a table */
    const char *operands; /* as the usage line shows them: "ID", "[ID...]"; NULL: none */
    size_t operands_min;
    size_t operands_max;
    const char *summary; /* one sentence, no full stop */
    const option_spec *options; /* of this command alone; NULL: none */
    command_run *run;
} command_spec;

/* A section of the man page. A paragraph ends at an empty line; lines that begin with white space
 * stand as they are. */
typedef struct man_section {
    const char *title; /* "FILES"; NULL ends a table */
    const char *text;
} man_section;

typedef struct tool_spec {
    const char *name; /* "medsec-sim" */
    const char *summary; /* one sentence, no full stop */
    const char *description; /* prose, as in a man_section */
    const man_section *sections; /* further ones: FILES, EXAMPLES, SEE ALSO */
    const option_spec *options; /* of the tool, before or after the command's name */
    const command_spec *commands; /* NULL: a tool without commands, described by `self` */
    command_spec self; /* operands, run; its name, summary and options are not used */
    const void *defaults; /* a struct of values */
    size_t values_size;
} tool_spec;

typedef struct option_text option_text; /* copies of what came from a file */

typedef struct options_result {
    const command_spec *command; /* the one chosen, or &tool->self */
    char **operands; /* in argv, which is reordered for it */
    size_t count;
    option_text *texts;
} options_result;

#define OPTIONS_RUN (-1) /* from options_parse: go on */

/*
 * Fills `values` (of tool->values_size) and `result`. Returns OPTIONS_RUN, or the code to exit
 * with: 0 after --help and the like, EXIT_USAGE or EXIT_CONFIG after an error, which it has
 * printed. In either case options_free releases what texts in `values` may point to.
 */
int options_parse(const tool_spec *tool, int argc, char **argv, void *values,
                  options_result *result);
void options_free(options_result *result);

/* All of main(): parse, run, release. `values` is zeroed storage of tool->values_size. */
int tool_main(const tool_spec *tool, int argc, char **argv, void *values);

#endif
