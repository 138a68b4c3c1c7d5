/* SPDX-License-Identifier: Apache-2.0 */
#include "options_internal.h"

#include <string.h>

#define HELP_WIDTH 96u
#define HELP_COLUMN 28u

/* Breaks `text` into lines; the first one begins at column `at`, the others at HELP_COLUMN. */
static void wrap(FILE *out, size_t at, const char *text)
{
    while (*text != '\0') {
        const size_t len = strcspn(text, " ");
        if (at + 1 + len > HELP_WIDTH) {
            fprintf(out, "\n%*s", (int)HELP_COLUMN, "");
            at = HELP_COLUMN;
        } else if (at > HELP_COLUMN) {
            fputc(' ', out);
            at++;
        }
        fwrite(text, 1, len, out);
        at += len;
        text += len + strspn(text + len, " ");
    }
    fputc('\n', out);
}

static void print_row(FILE *out, const char *term, const char *text)
{
    fprintf(out, "  %-*s", (int)HELP_COLUMN - 2, term);
    if (strlen(term) + 3 > HELP_COLUMN) {
        fprintf(out, "\n%*s", (int)HELP_COLUMN, "");
    }
    wrap(out, HELP_COLUMN, text);
}

static void print_option(FILE *out, const option_spec *spec, const void *defaults)
{
    char term[96];
    char value[64];
    char text[512];

    option_value_print(value, sizeof value, spec, defaults);
    snprintf(term, sizeof term, "--%s%s%s", spec->name, spec->metavar != NULL ? " " : "",
             spec->metavar != NULL ? spec->metavar : "");
    snprintf(text, sizeof text, "%s", spec->help);
    for (size_t i = 0; spec->choices != NULL && spec->choices[i] != NULL; i++) {
        option_append(text, sizeof text, i == 0 ? ": " : ", ");
        option_append(text, sizeof text, spec->choices[i]);
    }
    if ((spec->flags & OPTION_REQUIRED) != 0) {
        option_append(text, sizeof text, " (required)");
    }
    if (value[0] != '\0') {
        option_append(text, sizeof text, " (default ");
        option_append(text, sizeof text, value);
        option_append(text, sizeof text, ")");
    }
    print_row(out, term, text);
}

static void print_options(FILE *out, const char *title, const option_spec *table,
                          const void *defaults)
{
    const size_t count = option_count(table);

    if (count == 0) {
        return;
    }
    fprintf(out, "\n%s:\n", title);
    for (size_t i = 0; i < count; i++) {
        print_option(out, &table[i], defaults);
    }
}

static void print_commands(FILE *out, const tool_spec *tool)
{
    fputs("\nCommands:\n", out);
    for (const command_spec *command = tool->commands; command->name != NULL; command++) {
        char term[96];
        snprintf(term, sizeof term, "%s %s", command->name,
                 command->operands != NULL ? command->operands : "");
        print_row(out, term, command->summary);
    }
}

void help_print(FILE *out, const tool_spec *tool, const command_spec *command)
{
    const bool choose = command == NULL;
    const bool named = !choose && command->name != NULL;
    const char *operands = choose ? "COMMAND ..." : command->operands;

    fprintf(out, "Usage: %s%s%s [OPTION...]%s%s\n", tool->name, named ? " " : "",
            named ? command->name : "", operands != NULL ? " " : "",
            operands != NULL ? operands : "");
    fprintf(out, "%s.\n", named ? command->summary : tool->summary);
    if (choose) {
        print_commands(out, tool);
    }
    if (named) {
        print_options(out, "Options of the command", command->options, tool->defaults);
    }
    print_options(out, "Options", tool->options, tool->defaults);
    print_options(out, "General", option_builtin_specs, NULL);
    fputs("\nAn option can also stand in the --config file (`name = value`) or in the environment "
          "(MEDSEC_NAME).\n",
          out);
    if (choose) {
        fprintf(out, "'%s COMMAND --help' tells more of a command.\n", tool->name);
    }
}
