/* SPDX-License-Identifier: Apache-2.0 */
#include "unlock.h"

#include "passphrase.h"
#include "tool.h"

#include <errno.h>
#include <sodium.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define KEY_FILE_NAME "medsec.key"

static bool key_file_of(const unlock_options *options, char *out, size_t cap)
{
    if (options->key_file != NULL) {
        return snprintf(out, cap, "%s", options->key_file) < (int)cap;
    }
    const char *slash = strrchr(options->registry, '/');
    int folder = slash == NULL ? 0 : (int)(slash - options->registry) + 1;
    return snprintf(out, cap, "%.*s" KEY_FILE_NAME, folder, options->registry) < (int)cap;
}

static size_t read_passphrase(unlock *u, const unlock_options *options, const char *prompt)
{
    if (strcmp(options->passphrase_file, "-") == 0) {
        return passphrase_ask(u->passphrase, PASSPHRASE_MAX, prompt);
    }
    return passphrase_load(u->passphrase, PASSPHRASE_MAX, options->passphrase_file, "passphrase");
}

static bool confirm_passphrase(const unlock *u)
{
    char *again = sodium_malloc(PASSPHRASE_MAX);
    if (again == NULL) {
        return false;
    }
    size_t len = passphrase_ask(again, PASSPHRASE_MAX, "The same again: ");
    bool same = len == u->key.passphrase_len && memcmp(again, u->passphrase, len) == 0;
    sodium_free(again);
    if (!same) {
        tool_error("the two passphrases differ");
    }
    return same;
}

static int by_passphrase(unlock *u, const unlock_options *options, bool create)
{
    if (sodium_init() < 0 || (u->passphrase = sodium_malloc(PASSPHRASE_MAX)) == NULL) {
        tool_error("no memory for the passphrase");
        return EXIT_FAILED;
    }
    size_t len = read_passphrase(u, options, create ? "New passphrase: " : "Passphrase: ");
    if (len == 0) {
        return EXIT_CONFIG;
    }
    u->key.passphrase = u->passphrase;
    u->key.passphrase_len = len;
    if (create && len < MEDSEC_PASSPHRASE_MIN) {
        tool_error("the passphrase must have at least %u characters", MEDSEC_PASSPHRASE_MIN);
        return EXIT_CONFIG;
    }
    bool ask_again =
        create && strcmp(options->passphrase_file, "-") == 0 && isatty(STDIN_FILENO) == 1;
    return ask_again && !confirm_passphrase(u) ? EXIT_CONFIG : EXIT_DONE;
}

int unlock_begin(unlock *u, const unlock_options *options, bool create)
{
    if (options->passphrase_file != NULL && options->key_file != NULL) {
        tool_error("--key-file or --passphrase-file, not both");
        return EXIT_USAGE;
    }
    if (options->passphrase_file != NULL) {
        return by_passphrase(u, options, create);
    }
    if (!key_file_of(options, u->key_file, sizeof u->key_file)) {
        tool_error("the name of the key file is too long");
        return EXIT_USAGE;
    }
    u->key.key_file = u->key_file;
    return EXIT_DONE;
}

void unlock_end(unlock *u)
{
    sodium_free(u->passphrase);
    u->passphrase = NULL;
}

/* There is no registry object to ask what went wrong. */
int unlock_failed(const unlock *u, const unlock_options *options, medsec_status status)
{
    const char *key = u->key.key_file == NULL ? "the passphrase" : u->key.key_file;
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
