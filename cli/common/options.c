/* SPDX-License-Identifier: Apache-2.0 */
#include "options_internal.h"
#include "tool.h"

#include <medsec/version.h>

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

static const char *const generate_words[] = {"none", "man", "bash", NULL};

const option_spec option_builtin_specs[] = {
    {"config", "FILE", "take settings from FILE, lines of `option = value`", OPTION_TEXT,
     offsetof(option_builtin, config), 0, 0, NULL, 0},
    {"help", NULL, "print this help", OPTION_FLAG, offsetof(option_builtin, help), 0, 0, NULL, 0},
    {"version", NULL, "print the version", OPTION_FLAG, offsetof(option_builtin, version), 0, 0,
     NULL, 0},
    {NULL, NULL, NULL, OPTION_FLAG, 0, 0, 0, NULL, 0}};

static const option_spec generate_specs[] = {{"generate", "WHAT", "", OPTION_CHOICE,
                                              offsetof(option_builtin, generate), 0, 0,
                                              generate_words, 0},
                                             {NULL, NULL, NULL, OPTION_FLAG, 0, 0, 0, NULL, 0}};

static const option_spec no_specs[] = {{NULL, NULL, NULL, OPTION_FLAG, 0, 0, 0, NULL, 0}};

slot parser_find(parser *p, const char *name, size_t len)
{
    for (enum scope scope = SCOPE_HIDDEN; scope < SCOPES; scope++) {
        const option_spec *spec = option_find(p->table[scope], name, len);
        if (spec != NULL) {
            return (slot){scope, spec, &p->rank[scope][spec - p->table[scope]]};
        }
    }
    return (slot){SCOPES, NULL, NULL};
}

static int usage_hint(const parser *p)
{
    const command_spec *command = p->result->command;
    const bool named = command != NULL && command->name != NULL;

    fprintf(stderr, "Try '%s%s%s --help'.\n", p->tool->name, named ? " " : "",
            named ? command->name : "");
    return EXIT_USAGE;
}

int parser_assign(parser *p, slot at, const char *text, enum rank rank, const char *where)
{
    char reason[OPTION_REASON_MAX] = "";

    if (*at.rank > rank) {
        return OPTIONS_RUN;
    }
    if (at.spec->kind == OPTION_LIST && *at.rank < rank) {
        ((option_list *)((char *)p->values[at.scope] + at.spec->offset))->count = 0;
    }
    *at.rank = (uint8_t)rank;
    const medsec_status status =
        option_value_set(at.spec, p->values[at.scope], text, &p->result->texts, reason);
    if (status == MEDSEC_OK) {
        return OPTIONS_RUN;
    }
    tool_error("%s: %s", where, status == MEDSEC_ERR_SYNTAX ? reason : medsec_strerror(status));
    if (rank == FROM_FILE) {
        return EXIT_CONFIG;
    }
    return status == MEDSEC_ERR_SYNTAX ? usage_hint(p) : EXIT_FAILED;
}

/* A mistyped value may be a secret: only what looks like a name is shown. */
static bool looks_like_name(const char *text, size_t len)
{
    for (size_t i = 0; i < len; i++) {
        if (text[i] != '-' && !islower((unsigned char)text[i])) {
            return false;
        }
    }
    return len > 0 && len <= 24;
}

static int unknown_option(parser *p, const char *name, size_t len)
{
    char text[32];

    if (!looks_like_name(name, len)) {
        tool_error("unknown option");
        return usage_hint(p);
    }
    snprintf(text, sizeof text, "%.*s", (int)len, name);
    for (enum scope scope = SCOPE_BUILTIN; scope < SCOPES; scope++) {
        const char *near = option_nearest(p->table[scope], sizeof(option_spec), text);
        if (near != NULL) {
            tool_error("unknown option --%s; did you mean --%s?", text, near);
            return usage_hint(p);
        }
    }
    tool_error("unknown option --%s", text);
    return usage_hint(p);
}

static int read_option(parser *p, int argc, char **argv, int *index)
{
    const char *name = argv[*index] + 2;
    const size_t len = strcspn(name, "=");
    const slot at = parser_find(p, name, len);
    char where[64];

    if (at.spec == NULL) {
        return unknown_option(p, name, len);
    }
    snprintf(where, sizeof where, "--%s", at.spec->name);
    if (name[len] == '=') {
        return parser_assign(p, at, name + len + 1, FROM_ARGUMENT, where);
    }
    if (at.spec->kind == OPTION_FLAG) {
        return parser_assign(p, at, "true", FROM_ARGUMENT, where);
    }
    if (*index + 1 >= argc) {
        tool_error("%s %s: the value is missing", where, at.spec->metavar);
        return usage_hint(p);
    }
    *index += 1;
    return parser_assign(p, at, argv[*index], FROM_ARGUMENT, where);
}

static int choose_command(parser *p, const char *name)
{
    for (const command_spec *command = p->tool->commands; command->name != NULL; command++) {
        if (strcmp(command->name, name) == 0) {
            p->result->command = command;
            p->table[SCOPE_COMMAND] = command->options;
            return OPTIONS_RUN;
        }
    }
    const bool shown = looks_like_name(name, strlen(name));
    const char *near = option_nearest(p->tool->commands, sizeof(command_spec), name);
    if (near != NULL && shown) {
        tool_error("unknown command '%s'; did you mean '%s'?", name, near);
    } else {
        tool_error("unknown command");
    }
    return usage_hint(p);
}

static int read_arguments(parser *p, int argc, char **argv)
{
    options_result *result = p->result;
    bool options_end = false;

    for (int i = 1; i < argc; i++) {
        int code = OPTIONS_RUN;
        if (!options_end && strcmp(argv[i], "--") == 0) {
            options_end = true;
        } else if (!options_end && strcmp(argv[i], "-h") == 0) {
            p->builtin.help = true;
        } else if (!options_end && strncmp(argv[i], "--", 2) == 0) {
            code = read_option(p, argc, argv, &i);
        } else if (!options_end && argv[i][0] == '-' && argv[i][1] != '\0') {
            tool_error("options are long: --name VALUE or --name=VALUE");
            code = usage_hint(p);
        } else if (result->command == NULL) {
            code = choose_command(p, argv[i]);
        } else {
            result->operands[result->count++] = argv[i];
        }
        if (code != OPTIONS_RUN) {
            return code;
        }
    }
    return OPTIONS_RUN;
}

static int check_required(const parser *p)
{
    for (enum scope scope = SCOPE_TOOL; scope < SCOPES; scope++) {
        for (size_t i = 0; i < option_count(p->table[scope]); i++) {
            const option_spec *spec = &p->table[scope][i];
            char name[80];
            if ((spec->flags & OPTION_REQUIRED) == 0 || p->rank[scope][i] != FROM_DEFAULT) {
                continue;
            }
            option_environment_name(name, sizeof name, spec->name);
            tool_error("--%s %s is needed (or %s, or `%s = ` in the --config file)", spec->name,
                       spec->metavar, name, spec->name);
            return usage_hint(p);
        }
    }
    return OPTIONS_RUN;
}

static int check_operands(const parser *p)
{
    const command_spec *command = p->result->command;

    if (command == NULL) {
        tool_error("a command is needed");
        return usage_hint(p);
    }
    if (p->result->count < command->operands_min) {
        tool_error("%s is needed", command->operands);
        return usage_hint(p);
    }
    if (p->result->count > command->operands_max) {
        tool_error("too many arguments");
        return usage_hint(p);
    }
    return OPTIONS_RUN;
}

/* OPTIONS_RUN when none of them was asked for. */
static int answer_questions(const parser *p)
{
    if (p->builtin.help) {
        help_print(stdout, p->tool, p->result->command);
    } else if (p->builtin.version) {
        printf("%s %s\n", p->tool->name, medsec_version());
    } else if (p->builtin.generate == GENERATE_MAN) {
        man_print(stdout, p->tool);
    } else if (p->builtin.generate == GENERATE_BASH) {
        completion_print(stdout, p->tool);
    } else {
        return OPTIONS_RUN;
    }
    return fflush(stdout) == 0 ? EXIT_DONE : EXIT_FAILED;
}

static int run_steps(parser *p, int argc, char **argv)
{
    int code = read_arguments(p, argc, argv);

    if (code == OPTIONS_RUN) {
        code = answer_questions(p);
    }
    if (code == OPTIONS_RUN) {
        code = check_operands(p);
    }
    if (code == OPTIONS_RUN) {
        code = parser_environment(p);
    }
    if (code == OPTIONS_RUN) {
        code = parser_file(p);
    }
    return code == OPTIONS_RUN ? check_required(p) : code;
}

int options_parse(const tool_spec *tool, int argc, char **argv, void *values,
                  options_result *result)
{
    parser p = {.tool = tool, .result = result};

    tool_set_name(tool->name);
    memcpy(values, tool->defaults, tool->values_size);
    *result =
        (options_result){.command = tool->commands == NULL ? &tool->self : NULL, .operands = argv};
    p.table[SCOPE_HIDDEN] = generate_specs;
    p.table[SCOPE_BUILTIN] = option_builtin_specs;
    p.table[SCOPE_TOOL] = tool->options;
    p.table[SCOPE_COMMAND] = no_specs;
    p.values[SCOPE_HIDDEN] = p.values[SCOPE_BUILTIN] = &p.builtin;
    p.values[SCOPE_TOOL] = p.values[SCOPE_COMMAND] = values;
    return run_steps(&p, argc, argv);
}

void options_free(options_result *result)
{
    while (result->texts != NULL) {
        option_text *next = result->texts->next;
        free(result->texts);
        result->texts = next;
    }
}

int tool_main(const tool_spec *tool, int argc, char **argv, void *values)
{
    options_result result;
    tool_keep_secrets();
    int code = options_parse(tool, argc, argv, values, &result);

    if (code == OPTIONS_RUN) {
        code = result.command->run(values, result.operands, result.count);
    }
    options_free(&result);
    return code;
}
