/* SPDX-License-Identifier: Apache-2.0 */
#include "options_internal.h"

#include <string.h>

static void print_function_name(FILE *out, const tool_spec *tool)
{
    fputc('_', out);
    for (const char *at = tool->name; *at != '\0'; at++) {
        fputc(*at == '-' ? '_' : *at, out);
    }
}

/* What completes the argument of an option: its choices, paths, or nothing. */
static void print_argument_case(FILE *out, const option_spec *spec)
{
    if (spec->metavar == NULL) {
        return;
    }
    fprintf(out, "        --%s)\n            ", spec->name);
    if (spec->choices != NULL) {
        fputs("COMPREPLY=($(compgen -W '", out);
        for (size_t i = 0; spec->choices[i] != NULL; i++) {
            fprintf(out, "%s%s", i == 0 ? "" : " ", spec->choices[i]);
        }
        fputs("' -- \"$cur\"))\n            ", out);
    } else if (strstr(spec->metavar, "FILE") != NULL) {
        fputs("COMPREPLY=($(compgen -f -- \"$cur\"))\n            ", out);
    } else if (strcmp(spec->metavar, "DIR") == 0) {
        fputs("COMPREPLY=($(compgen -d -- \"$cur\"))\n            ", out);
    }
    fputs("return ;;\n", out);
}

static void print_argument_cases(FILE *out, const option_spec *table)
{
    for (size_t i = 0; i < option_count(table); i++) {
        print_argument_case(out, &table[i]);
    }
}

static void print_option_words(FILE *out, const option_spec *table)
{
    for (size_t i = 0; i < option_count(table); i++) {
        fprintf(out, " --%s", table[i].name);
    }
}

static void print_command_words(FILE *out, const tool_spec *tool)
{
    fputs("    for word in \"${COMP_WORDS[@]:1:COMP_CWORD-1}\"; do\n        case $word in\n", out);
    for (const command_spec *command = tool->commands; command->name != NULL; command++) {
        fprintf(out, "        %s) command=$word; words+='", command->name);
        print_option_words(out, command->options);
        fputs("' ;;\n", out);
    }
    fputs("        esac\n    done\n    [[ $command ]] || words+='", out);
    for (const command_spec *command = tool->commands; command->name != NULL; command++) {
        fprintf(out, " %s", command->name);
    }
    fputs("'\n", out);
}

void completion_print(FILE *out, const tool_spec *tool)
{
    fprintf(out, "# bash completion of %s\n", tool->name);
    print_function_name(out, tool);
    fputs("()\n{\n    local cur=${COMP_WORDS[COMP_CWORD]} prev=${COMP_WORDS[COMP_CWORD-1]} word "
          "command= words='",
          out);
    print_option_words(out, tool->options);
    print_option_words(out, option_builtin_specs);
    fputs("'\n    COMPREPLY=()\n    case $prev in\n", out);
    print_argument_cases(out, tool->options);
    print_argument_cases(out, option_builtin_specs);
    for (const command_spec *c = tool->commands; c != NULL && c->name != NULL; c++) {
        print_argument_cases(out, c->options);
    }
    fputs("    esac\n", out);
    if (tool->commands != NULL) {
        print_command_words(out, tool);
    }
    fputs("    COMPREPLY=($(compgen -W \"$words\" -- \"$cur\"))\n}\ncomplete -o default -F ", out);
    print_function_name(out, tool);
    fprintf(out, " %s\n", tool->name);
}
