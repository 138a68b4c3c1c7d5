/* SPDX-License-Identifier: Apache-2.0 */
#include "keygen.h"

#include <errno.h>
#include <limits.h>
#include <pwd.h>
#include <sodium.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define KEY_FILE_NAME "medsec.key"

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

static bool key_file_of(const settings *options, char *out, size_t cap)
{
    if (options->key_file != NULL) {
        return snprintf(out, cap, "%s", options->key_file) < (int)cap;
    }
    const char *slash = strrchr(options->registry, '/');
    int folder = slash == NULL ? 0 : (int)(slash - options->registry) + 1;
    return snprintf(out, cap, "%.*s" KEY_FILE_NAME, folder, options->registry) < (int)cap;
}

typedef struct unlocking {
    medsec_registry_unlock unlock;
    char key_file[PATH_MAX];
    char *passphrase; /* locked memory */
} unlocking;

static size_t read_passphrase(unlocking *by, const settings *options, const char *prompt)
{
    if (strcmp(options->passphrase_file, "-") == 0) {
        return passphrase_ask(by->passphrase, KEYGEN_PASSPHRASE_MAX, prompt);
    }
    return passphrase_load(by->passphrase, KEYGEN_PASSPHRASE_MAX, options->passphrase_file);
}

static bool confirm_passphrase(const unlocking *by)
{
    char *again = sodium_malloc(KEYGEN_PASSPHRASE_MAX);
    if (again == NULL) {
        return false;
    }
    size_t len = passphrase_ask(again, KEYGEN_PASSPHRASE_MAX, "The same again: ");
    bool same = len == by->unlock.passphrase_len && memcmp(again, by->passphrase, len) == 0;
    sodium_free(again);
    if (!same) {
        tool_error("the two passphrases differ");
    }
    return same;
}

static int unlock_by_passphrase(unlocking *by, const settings *options, bool create)
{
    if (sodium_init() < 0 || (by->passphrase = sodium_malloc(KEYGEN_PASSPHRASE_MAX)) == NULL) {
        tool_error("no memory for the passphrase");
        return EXIT_FAILED;
    }
    size_t len = read_passphrase(by, options, create ? "New passphrase: " : "Passphrase: ");
    if (len == 0) {
        return EXIT_CONFIG;
    }
    by->unlock.passphrase = by->passphrase;
    by->unlock.passphrase_len = len;
    if (create && len < MEDSEC_PASSPHRASE_MIN) {
        tool_error("the passphrase must have at least %u characters", MEDSEC_PASSPHRASE_MIN);
        return EXIT_CONFIG;
    }
    bool ask_again =
        create && strcmp(options->passphrase_file, "-") == 0 && isatty(STDIN_FILENO) == 1;
    return ask_again && !confirm_passphrase(by) ? EXIT_CONFIG : EXIT_DONE;
}

static int unlock_prepare(unlocking *by, const settings *options, bool create)
{
    if (options->passphrase_file != NULL && options->key_file != NULL) {
        tool_error("--key-file or --passphrase-file, not both");
        return EXIT_USAGE;
    }
    if (options->passphrase_file != NULL) {
        return unlock_by_passphrase(by, options, create);
    }
    if (!key_file_of(options, by->key_file, sizeof by->key_file)) {
        tool_error("the name of the key file is too long");
        return EXIT_USAGE;
    }
    by->unlock.key_file = by->key_file;
    return EXIT_DONE;
}

/* There is no registry object to ask what went wrong. */
static int tell_closed(const settings *options, const unlocking *by, medsec_status status)
{
    const char *key = by->unlock.key_file == NULL ? "the passphrase" : by->unlock.key_file;
    switch (status) {
    case MEDSEC_ERR_EXISTS:
        tool_error("%s exists already", options->registry);
        return EXIT_FAILED;
    case MEDSEC_ERR_NOT_FOUND:
        tool_error("%s or %s is not there; 'medsec-keygen init' makes a registry",
                   options->registry, key);
        return EXIT_CONFIG;
    case MEDSEC_ERR_CRYPTO:
        tool_error("%s is not unlocked by %s", options->registry, key);
        return EXIT_CONFIG;
    case MEDSEC_ERR_PERMISSION:
        tool_error("others must not read %s nor write %s: chmod go-rwx", key, options->registry);
        return EXIT_CONFIG;
    case MEDSEC_ERR_ARGUMENT:
        tool_error("a passphrase has at least %u characters, an actor 1 to %u printable ones",
                   MEDSEC_PASSPHRASE_MIN, MEDSEC_ACTOR_MAX);
        return EXIT_USAGE;
    case MEDSEC_ERR_BUSY:
        tool_error("%s is in use; try again", options->registry);
        return EXIT_FAILED;
    default:
        tool_error("%s: %s%s%s", options->registry, medsec_strerror(status),
                   status == MEDSEC_ERR_IO && errno != 0 ? ": " : "",
                   status == MEDSEC_ERR_IO && errno != 0 ? strerror(errno) : "");
        return EXIT_CONFIG;
    }
}

int access_open(medsec_registry **registry, const settings *options, medsec_registry_mode mode)
{
    unlocking by = {0};
    int code = unlock_prepare(&by, options, false);
    if (code == EXIT_DONE) {
        errno = 0;
        medsec_status status =
            medsec_registry_open(registry, options->registry, &by.unlock, mode, actor_of(options));
        code = status == MEDSEC_OK ? EXIT_DONE : tell_closed(options, &by, status);
    }
    sodium_free(by.passphrase);
    return code;
}

int access_create(const settings *options, char *key_file, size_t cap)
{
    unlocking by = {0};
    int code = unlock_prepare(&by, options, true);
    if (code == EXIT_DONE) {
        errno = 0;
        medsec_status status =
            medsec_registry_create(options->registry, &by.unlock, actor_of(options));
        code = status == MEDSEC_OK ? EXIT_DONE : tell_closed(options, &by, status);
    }
    snprintf(key_file, cap, "%s", by.key_file);
    sodium_free(by.passphrase);
    return code;
}

int access_failed(const medsec_registry *registry, const char *what, medsec_status status)
{
    const char *sentence = medsec_registry_error(registry);
    tool_error("%s%s%s", what == NULL ? "" : what, what == NULL ? "" : ": ",
               sentence[0] == '\0' ? medsec_strerror(status) : sentence);
    return tool_exit_code(status);
}
