/* SPDX-License-Identifier: Apache-2.0 */
#include "keygen.h"

#include <errno.h>
#include <limits.h>
#include <sodium.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define PROGRESS_EVERY 100u

/*
 * First the files, then the registry: a device's private key is in its file and nowhere else, and
 * the registry is not kept waiting while files are written. What the registry does not take is
 * removed again.
 */

medsec_credential *issue_room(uint32_t count)
{
    medsec_credential *room =
        sodium_init() < 0 ? NULL : sodium_allocarray(count, sizeof(medsec_credential));
    if (room == NULL) {
        tool_error("%s", medsec_strerror(MEDSEC_ERR_MEMORY));
        return NULL;
    }
    memset(room, 0, count * sizeof *room);
    return room;
}

static medsec_status save(const settings *options, const medsec_credential *credential,
                          const char *path)
{
    if (options->uf2) {
        return medsec_credential_save_uf2(credential, medsec_crypto_openssl(), path);
    }
    return options->block ? medsec_credential_save_block(credential, medsec_crypto_openssl(), path)
                          : medsec_credential_save(credential, path);
}

static const char *why(medsec_status status)
{
    switch (status) {
    case MEDSEC_ERR_IO:
        return strerror(errno);
    case MEDSEC_ERR_STATE: /* of a UF2 file */
        return "the clock is before 2024: the starts of a device are numbered by it";
    default:
        return medsec_strerror(status);
    }
}

int issue_file(const settings *options, const medsec_credential *credential)
{
    char path[PATH_MAX];
    if (!output_path(path, sizeof path, options, credential->device)) {
        tool_error("--out: the name is too long");
        return EXIT_USAGE;
    }
    medsec_status status = save(options, credential, path);
    if (status != MEDSEC_OK) {
        tool_error("%s: %s", path, why(status));
        return EXIT_FAILED;
    }
    return EXIT_DONE;
}

static void remove_files(const issue *work, uint32_t count)
{
    for (uint32_t i = 0; i < count; i++) {
        char path[PATH_MAX];
        if (output_path(path, sizeof path, work->options, work->credentials[i].device)) {
            unlink(path);
        }
    }
}

static int write_files(const issue *work)
{
    for (uint32_t i = 0; i < work->count; i++) {
        int code = issue_file(work->options, &work->credentials[i]);
        if (code != EXIT_DONE) {
            remove_files(work, i);
            return code;
        }
        if (i % PROGRESS_EVERY == 0 && work->count > 1) {
            tool_progress("%u of %u files written", i, work->count);
        }
    }
    return EXIT_DONE;
}

static int enter(const issue *work)
{
    medsec_status status = medsec_registry_begin(work->registry);
    for (uint32_t i = 0; status == MEDSEC_OK && i < work->count; i++) {
        status = work->enter(work->registry, &work->credentials[i]);
        if (status != MEDSEC_OK) {
            return access_failed(work->registry, work->credentials[i].device, status);
        }
        if (i % PROGRESS_EVERY == 0 && work->count > 1) {
            tool_progress("%u of %u registered", i, work->count);
        }
    }
    if (status == MEDSEC_OK) {
        status = medsec_registry_commit(work->registry);
    }
    return status == MEDSEC_OK ? EXIT_DONE : access_failed(work->registry, NULL, status);
}

static void report(const issue *work)
{
    char path[PATH_MAX];
    const char *separator = "";
    bool json = work->options->json;
    if (json) {
        printf("{\"%s\":%u,\"files\":[", work->done, work->count);
    }
    for (uint32_t i = 0; i < work->count; i++) {
        if (!output_path(path, sizeof path, work->options, work->credentials[i].device)) {
            continue;
        }
        if (json) {
            printf("%s", separator);
            output_json_text(path);
            separator = ",";
        } else {
            printf("%s\n", path);
        }
    }
    if (json) {
        printf("]}\n");
    }
}

int issue_all(const issue *work)
{
    int code = output_folder(work->options->out);
    if (code == EXIT_DONE) {
        code = write_files(work);
    }
    if (code != EXIT_DONE) {
        tool_progress_end();
        return code;
    }
    code = enter(work);
    tool_progress_end();
    if (code == EXIT_DONE) {
        report(work);
    } else {
        remove_files(work, work->count);
    }
    return code;
}
