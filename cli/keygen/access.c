/* SPDX-License-Identifier: Apache-2.0 */
#include "keygen.h"

#include "unlock.h"

#include <errno.h>
#include <pwd.h>
#include <stdio.h>
#include <unistd.h>

static const char *actor_of(const settings *options)
{
    static char number[32];
    if (options->actor != NULL) {
        return options->actor;
    }
    const struct passwd *user = getpwuid(getuid());
    if (user != NULL && user->pw_name[0] != '\0') {
        return user->pw_name;
    }
    snprintf(number, sizeof number, "uid %lu", (unsigned long)getuid());
    return number;
}

static unlock_options unlock_options_of(const settings *options)
{
    return (unlock_options){.registry = options->registry,
                            .key_file = options->key_file,
                            .passphrase_file = options->passphrase_file};
}

int access_open(medsec_registry **registry, const settings *options, medsec_registry_mode mode)
{
    const unlock_options how = unlock_options_of(options);
    unlock by = {0};
    int code = unlock_begin(&by, &how, false);
    if (code == EXIT_DONE) {
        errno = 0;
        medsec_status status =
            medsec_registry_open(registry, options->registry, &by.key, mode, actor_of(options));
        code = status == MEDSEC_OK ? EXIT_DONE : unlock_failed(&by, &how, status);
    }
    unlock_end(&by);
    return code;
}

int access_create(const settings *options, char *key_file, size_t cap)
{
    const unlock_options how = unlock_options_of(options);
    unlock by = {0};
    int code = unlock_begin(&by, &how, true);
    if (code == EXIT_DONE) {
        errno = 0;
        medsec_status status =
            medsec_registry_create(options->registry, &by.key, actor_of(options));
        code = status == MEDSEC_OK ? EXIT_DONE : unlock_failed(&by, &how, status);
    }
    snprintf(key_file, cap, "%s", by.key_file);
    unlock_end(&by);
    return code;
}

int access_restore(const settings *options, const char *copy, medsec_restored *result)
{
    const unlock_options how = unlock_options_of(options);
    unlock by = {0};
    int code = unlock_begin(&by, &how, false);
    if (code == EXIT_DONE) {
        const medsec_status status = medsec_registry_restore(
            options->registry, &by.key, copy, options->older ? MEDSEC_RESTORE_OLDER : 0, result);
        code = tool_exit_code(status);
        if (status != MEDSEC_OK) {
            tool_error("%s: %s", copy,
                       result->why[0] != '\0' ? result->why : medsec_strerror(status));
        }
        if (status == MEDSEC_ERR_STATE) {
            tool_error("nothing was changed; to put it there all the same: --older");
        }
    }
    unlock_end(&by);
    return code;
}

int access_failed(const medsec_registry *registry, const char *what, medsec_status status)
{
    const char *sentence = medsec_registry_error(registry);
    tool_error("%s%s%s", what == NULL ? "" : what, what == NULL ? "" : ": ",
               sentence[0] == '\0' ? medsec_strerror(status) : sentence);
    return tool_exit_code(status);
}
