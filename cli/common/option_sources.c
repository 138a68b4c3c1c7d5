/* SPDX-License-Identifier: Apache-2.0 */
#include "options_internal.h"
#include "tool.h"

#include <medsec/config.h>

#include <errno.h>
#include <stdlib.h>
#include <string.h>

int parser_environment(parser *p)
{
    for (enum scope scope = SCOPE_BUILTIN; scope < SCOPES; scope++) {
        for (size_t i = 0; i < option_count(p->table[scope]); i++) {
            const option_spec *spec = &p->table[scope][i];
            char name[80];
            option_environment_name(name, sizeof name, spec->name);
            const char *text = getenv(name);
            const bool asks = scope == SCOPE_BUILTIN && spec->kind == OPTION_FLAG;
            if (text == NULL || text[0] == '\0' || asks) {
                continue;
            }
            const int code = parser_assign(p, (slot){scope, spec, &p->rank[scope][i]}, text,
                                           FROM_ENVIRONMENT, name);
            if (code != OPTIONS_RUN) {
                return code;
            }
        }
    }
    return OPTIONS_RUN;
}

static bool known_to_a_command(const tool_spec *tool, const char *name)
{
    for (const command_spec *c = tool->commands; c != NULL && c->name != NULL; c++) {
        if (option_find(c->options, name, strlen(name)) != NULL) {
            return true;
        }
    }
    return false;
}

static medsec_status read_setting(void *context, const char *key, const char *value, unsigned line)
{
    parser *p = context;
    const slot at = parser_find(p, key, strlen(key));
    char where[256];

    if (at.spec != NULL && at.scope >= SCOPE_TOOL) {
        snprintf(where, sizeof where, "%s:%u: %s", p->path, line, key);
        return parser_assign(p, at, value, FROM_FILE, where) == OPTIONS_RUN ? MEDSEC_OK
                                                                            : MEDSEC_ERR_ARGUMENT;
    }
    if (known_to_a_command(p->tool, key)) {
        return MEDSEC_OK;
    }
    tool_error("%s:%u: no such setting; '%s --help' lists them", p->path, line, p->tool->name);
    return MEDSEC_ERR_ARGUMENT;
}

int parser_file(parser *p)
{
    unsigned line = 0;

    p->path = p->builtin.config;
    if (p->path == NULL) {
        return OPTIONS_RUN;
    }
    const medsec_status status = medsec_config_load(p->path, read_setting, p, &line);
    switch (status) {
    case MEDSEC_OK:
        return OPTIONS_RUN;
    case MEDSEC_ERR_ARGUMENT: /* read_setting has said why */
        return EXIT_CONFIG;
    case MEDSEC_ERR_IO:
        tool_error("%s: %s", p->path, strerror(errno));
        return EXIT_CONFIG;
    default:
        tool_error("%s:%u: %s", p->path, line, medsec_strerror(status));
        return EXIT_CONFIG;
    }
}
