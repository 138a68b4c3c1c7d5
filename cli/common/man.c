/* SPDX-License-Identifier: Apache-2.0 */
#include "options_internal.h"
#include "tool.h"

#include <medsec/version.h>

#include <ctype.h>
#include <string.h>

/* roff: man-pages(7), groff_char(7). A line must not begin with a control character. */
static void print_escaped(FILE *out, const char *text, size_t len)
{
    for (size_t i = 0; i < len; i++) {
        const bool line_begins = i == 0 || text[i - 1] == '\n';
        if (line_begins && (text[i] == '.' || text[i] == '\'')) {
            fputs("\\&", out);
        }
        switch (text[i]) {
        case '\\':
            fputs("\\e", out);
            break;
        case '-':
            fputs("\\-", out);
            break;
        case '`':
            fputs("\\(ga", out);
            break;
        default:
            fputc(text[i], out);
        }
    }
}

static void print_text(FILE *out, const char *text)
{
    print_escaped(out, text, strlen(text));
}

static void print_line(FILE *out, const char *line, size_t len, bool *literal)
{
    const bool indented = len > 0 && (line[0] == ' ' || line[0] == '\t');

    if (indented != *literal) {
        fputs(indented ? ".PP\n.nf\n" : ".fi\n", out);
        *literal = indented;
    }
    if (len == 0) {
        fputs(".PP", out);
    }
    print_escaped(out, line, len);
    fputc('\n', out);
}

static void print_section(FILE *out, const char *title, const char *text)
{
    bool literal = false;

    fputs(".SH ", out);
    print_text(out, title);
    fputc('\n', out);
    while (*text != '\0') {
        const size_t len = strcspn(text, "\n");
        print_line(out, text, len, &literal);
        text += len + (text[len] == '\n');
    }
    if (literal) {
        fputs(".fi\n", out);
    }
}

static void print_upper(FILE *out, const char *text)
{
    for (; *text != '\0'; text++) {
        fputc(toupper((unsigned char)*text), out);
    }
}

static void print_name_line(FILE *out, const tool_spec *tool)
{
    fputs(".TH ", out);
    print_upper(out, tool->name);
    fprintf(out, " 1 \"\" \"libmedsec %s\" \"libmedsec manual\"\n.SH NAME\n", medsec_version());
    print_text(out, tool->name);
    fputs(" \\- ", out);
    print_text(out, tool->summary);
    fputc('\n', out);
}

static void print_synopsis_line(FILE *out, const tool_spec *tool, const command_spec *command)
{
    fputs(".B ", out);
    print_text(out, tool->name);
    if (command->name != NULL) {
        fputc(' ', out);
        print_text(out, command->name);
    }
    fputs("\n.RI [ OPTION ...]\n", out);
    if (command->operands != NULL) {
        print_text(out, command->operands);
        fputc('\n', out);
    }
    fputs(".br\n", out);
}

static void print_synopsis(FILE *out, const tool_spec *tool)
{
    fputs(".SH SYNOPSIS\n", out);
    if (tool->commands == NULL) {
        print_synopsis_line(out, tool, &tool->self);
        return;
    }
    for (const command_spec *command = tool->commands; command->name != NULL; command++) {
        print_synopsis_line(out, tool, command);
    }
}

static void print_choices(FILE *out, const option_spec *spec)
{
    fputs(": ", out);
    for (size_t i = 0; spec->choices[i] != NULL; i++) {
        fputs(i == 0 ? "" : ", ", out);
        print_text(out, spec->choices[i]);
    }
}

static void print_option(FILE *out, const option_spec *spec, const void *defaults)
{
    char value[64];

    option_value_print(value, sizeof value, spec, defaults);
    fputs(".TP\n.B \\-\\-", out);
    print_text(out, spec->name);
    if (spec->metavar != NULL) {
        fputs("\\fI ", out);
        print_text(out, spec->metavar);
        fputs("\\fR", out);
    }
    fputc('\n', out);
    print_text(out, spec->help);
    if (spec->choices != NULL) {
        print_choices(out, spec);
    }
    fputs((spec->flags & OPTION_REQUIRED) != 0 ? " (required)" : "", out);
    if (value[0] != '\0') {
        fputs(" (default ", out);
        print_text(out, value);
        fputc(')', out);
    }
    fputs(".\n", out);
}

static void print_options(FILE *out, const option_spec *table, const void *defaults)
{
    for (size_t i = 0; i < option_count(table); i++) {
        print_option(out, &table[i], defaults);
    }
}

static void print_commands(FILE *out, const tool_spec *tool)
{
    if (tool->commands == NULL) {
        return;
    }
    fputs(".SH COMMANDS\n", out);
    for (const command_spec *command = tool->commands; command->name != NULL; command++) {
        fputs(".SS ", out);
        print_text(out, command->name);
        fputc(' ', out);
        print_text(out, command->operands != NULL ? command->operands : "");
        fputc('\n', out);
        print_text(out, command->summary);
        fputs(".\n", out);
        print_options(out, command->options, tool->defaults);
    }
}

static void print_exit_status(FILE *out)
{
    fputs(".SH EXIT STATUS\n", out);
#define EXIT_PRINT(name, number, sentence) fprintf(out, ".TP\n.B %d\n%s.\n", number, sentence);
    EXIT_MAP(EXIT_PRINT)
#undef EXIT_PRINT
}

void man_print(FILE *out, const tool_spec *tool)
{
    print_name_line(out, tool);
    print_synopsis(out, tool);
    print_section(out, "DESCRIPTION", tool->description);
    print_commands(out, tool);
    fputs(".SH OPTIONS\n", out);
    print_options(out, tool->options, tool->defaults);
    print_options(out, option_builtin_specs, NULL);
    print_section(out, "CONFIGURATION",
                  "Every option can be set in the file of --config as `name = value`, one a line, "
                  "where # begins a comment line and a value may stand in double quotes; and in "
                  "the environment as MEDSEC_NAME, in upper case and with _ for -. The command "
                  "line beats the environment, which beats the file.\n"
                  "\n"
                  "Secrets are only ever taken from files that no one else can read.");
    for (const man_section *section = tool->sections; section != NULL && section->title != NULL;
         section++) {
        print_section(out, section->title, section->text);
    }
    print_exit_status(out);
}
