/* SPDX-License-Identifier: Apache-2.0 */
#include "keygen.h"

#include <errno.h>
#include <fcntl.h>
#include <libgen.h>
#include <limits.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

int output_check(const settings *options, bool own_key)
{
    if (options->uf2 && options->block) {
        tool_error("--block or --uf2, not both");
        return EXIT_USAGE;
    }
    if (options->uf2 && own_key) {
        tool_error("--uf2 is the whole of what a device needs, with a private key");
        return EXIT_USAGE;
    }
    return EXIT_DONE;
}

static const char *suffix_of(const settings *options)
{
    if (options->uf2) {
        return "uf2";
    }
    return options->block ? "bin" : "json";
}

bool output_path(char *out, size_t cap, const settings *options, const char *id)
{
    const char *folder = options->out;
    int len = snprintf(out, cap, "%s%s%s.%s", folder == NULL ? "" : folder,
                       folder == NULL ? "" : "/", id, suffix_of(options));
    return len > 0 && (size_t)len < cap;
}

/* A point of small order would give the same secret with every private key. */
static bool is_usable(const uint8_t key[MEDSEC_X25519_LEN])
{
    uint8_t any[MEDSEC_X25519_LEN];
    uint8_t shared[MEDSEC_X25519_LEN];
    randombytes_buf(any, sizeof any);
    bool good =
        (key[MEDSEC_X25519_LEN - 1] & 0x80) == 0 && crypto_scalarmult(shared, any, key) == 0;
    sodium_memzero(shared, sizeof shared);
    return good;
}

int output_read_key(uint8_t key[MEDSEC_X25519_LEN], const char *text)
{
    size_t len = 0;
    if (sodium_init() < 0 ||
        sodium_base642bin(key, MEDSEC_X25519_LEN, text, strlen(text), NULL, &len, NULL,
                          sodium_base64_VARIANT_ORIGINAL) != 0 ||
        len != MEDSEC_X25519_LEN || !is_usable(key)) {
        tool_error("--device-public: 32 bytes of an X25519 public key in base64 are needed");
        return EXIT_USAGE;
    }
    return EXIT_DONE;
}

int output_folder(const char *folder)
{
    if (folder != NULL && mkdir(folder, 0700) != 0 && errno != EEXIST) {
        tool_error("%s: %s", folder, strerror(errno));
        return EXIT_FAILED;
    }
    const char *path = folder == NULL ? "." : folder;
    if (access(path, W_OK | X_OK) != 0) {
        tool_error("%s: %s", path, strerror(errno));
        return EXIT_FAILED;
    }
    return EXIT_DONE;
}

static bool write_all(int file, const char *text, size_t len)
{
    while (len > 0) {
        const ssize_t done = write(file, text, len);
        if (done < 0) {
            return false;
        }
        text += done;
        len -= (size_t)done;
    }
    return true;
}

/* A rename is on disk when its folder is. */
static bool sync_folder(const char *path)
{
    char folder[PATH_MAX];
    snprintf(folder, sizeof folder, "%s", path);
    const int file = open(dirname(folder), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    const bool good = file >= 0 && fsync(file) == 0;
    if (file >= 0) {
        close(file);
    }
    return good;
}

int output_replace(const char *path, const char *text, size_t len)
{
    char temporary[PATH_MAX];
    const mode_t mask = umask(0);
    umask(mask);
    int length = snprintf(temporary, sizeof temporary, "%s.new-XXXXXX", path);
    int file =
        length > 0 && (size_t)length < sizeof temporary ? mkostemp(temporary, O_CLOEXEC) : -1;
    bool good = file >= 0 && write_all(file, text, len) && fchmod(file, 0666 & ~mask) == 0 &&
                fsync(file) == 0 && rename(temporary, path) == 0 && sync_folder(path);
    if (!good) {
        tool_error("%s: %s", path, strerror(errno));
    }
    if (file >= 0) {
        close(file);
        (void)unlink(temporary);
    }
    return good ? EXIT_DONE : EXIT_FAILED;
}

void output_json_text(const char *text)
{
    putchar('"');
    for (; *text != '\0'; text++) {
        unsigned char c = (unsigned char)*text;
        if (c == '"' || c == '\\') {
            printf("\\%c", c);
        } else if (c < ' ' || c > '~') {
            printf("\\u%04x", c);
        } else {
            putchar(c);
        }
    }
    putchar('"');
}

const char *output_time(char out[KEYGEN_TIME_MAX], uint64_t time_ms)
{
    const time_t seconds = (time_t)(time_ms / 1000);
    struct tm parts;
    if (gmtime_r(&seconds, &parts) == NULL ||
        strftime(out, KEYGEN_TIME_MAX, "%Y-%m-%dT%H:%M:%SZ", &parts) == 0) {
        return "-";
    }
    return out;
}

const char *output_state(medsec_device_state state)
{
    switch (state) {
    case MEDSEC_DEVICE_ACTIVE:
        return "active";
    case MEDSEC_DEVICE_REVOKED:
        return "revoked";
    case MEDSEC_DEVICE_DECOMMISSIONED:
        return "decommissioned";
    default:
        return "unknown";
    }
}

int output_end(int code)
{
    if (fflush(stdout) != 0 || ferror(stdout)) {
        tool_error("standard output cannot be written");
        return code == EXIT_DONE ? EXIT_FAILED : code;
    }
    return code;
}
