/* SPDX-License-Identifier: Apache-2.0 */
#include "keygen.h"

#include <medsec/topic.h>

#include <errno.h>
#include <limits.h>
#include <sodium.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define PROGRESS_EVERY 100u

/*
 * First the registry commits, then the files are written: a crash in between leaves devices whose
 * file is missing, and `export` writes it. The other way round it would leave files whose keys
 * nobody knows.
 */
typedef struct job {
    const settings *options;
    const char *name;
    unsigned digits; /* of the number behind the name; 0: none */
    uint32_t count;
    medsec_registry *registry;
    medsec_credential *credentials;
} job;

static bool make_id(const job *work, uint32_t index, char id[MEDSEC_DEVICE_ID_MAX + 1])
{
    int len = work->digits == 0 ? snprintf(id, MEDSEC_DEVICE_ID_MAX + 1, "%s", work->name)
                                : snprintf(id, MEDSEC_DEVICE_ID_MAX + 1, "%s-%0*u", work->name,
                                           (int)work->digits, index + 1);
    return len > 0 && len <= (int)MEDSEC_DEVICE_ID_MAX &&
           medsec_device_id_check(id, (size_t)len) == MEDSEC_OK;
}

static int check_wire(const settings *options)
{
    if (options->wire == NULL) {
        tool_error("--wire seed is needed: this version has no other wire, and the next one's "
                   "default will be medsec/1");
        return EXIT_USAGE;
    }
    if (strcmp(options->wire, "seed") != 0) {
        tool_error("--wire: this version knows the wire `seed` only");
        return EXIT_USAGE;
    }
    if (strlen(options->profile) > MEDSEC_PROFILE_NAME_MAX) {
        tool_error("--profile: at most %u characters", MEDSEC_PROFILE_NAME_MAX);
        return EXIT_USAGE;
    }
    return EXIT_DONE;
}

static int check_file(const job *work, const char *id)
{
    char path[PATH_MAX];
    if (!output_path(path, sizeof path, work->options->out, id)) {
        tool_error("--out: the name is too long");
        return EXIT_USAGE;
    }
    if (access(path, F_OK) == 0) {
        tool_error("%s exists already", path);
        return EXIT_FAILED;
    }
    return EXIT_DONE;
}

/* What can be known to fail later fails now, while nothing is registered. */
static int prepare(job *work)
{
    int made = output_folder(work->options->out);
    if (made != EXIT_DONE) {
        return made;
    }
    for (uint32_t i = 0; i < work->count; i++) {
        medsec_credential *credential = &work->credentials[i];
        if (!make_id(work, i, credential->device)) {
            tool_error("%s", medsec_strerror(MEDSEC_ERR_DEVICE_ID));
            return EXIT_USAGE;
        }
        int code = check_file(work, credential->device);
        if (code != EXIT_DONE) {
            return code;
        }
        memcpy(credential->profile, work->options->profile, strlen(work->options->profile));
        credential->wire = MEDSEC_WIRE_SEED;
        medsec_credential_generate(credential);
    }
    return EXIT_DONE;
}

static int enter(job *work)
{
    medsec_status status = medsec_registry_begin(work->registry);
    for (uint32_t i = 0; status == MEDSEC_OK && i < work->count; i++) {
        status = medsec_registry_add(work->registry, &work->credentials[i], 0);
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

static int write_files(const job *work)
{
    for (uint32_t i = 0; i < work->count; i++) {
        char path[PATH_MAX];
        const char *id = work->credentials[i].device;
        bool named = output_path(path, sizeof path, work->options->out, id);
        medsec_status status =
            named ? medsec_credential_save(&work->credentials[i], path) : MEDSEC_ERR_LIMIT;
        if (status != MEDSEC_OK) {
            tool_error("%s: %s; the device is registered: 'medsec-keygen export' writes its file",
                       path, status == MEDSEC_ERR_IO ? strerror(errno) : medsec_strerror(status));
            return EXIT_FAILED;
        }
        if (i % PROGRESS_EVERY == 0 && work->count > 1) {
            tool_progress("%u of %u files written", i, work->count);
        }
    }
    return EXIT_DONE;
}

static void report(const job *work)
{
    char path[PATH_MAX];
    const char *separator = "";
    if (work->options->json) {
        printf("{\"added\":%u,\"files\":[", work->count);
    }
    for (uint32_t i = 0; i < work->count; i++) {
        if (!output_path(path, sizeof path, work->options->out, work->credentials[i].device)) {
            continue;
        }
        if (work->options->json) {
            printf("%s", separator);
            output_json_text(path);
            separator = ",";
        } else {
            printf("%s\n", path);
        }
    }
    if (work->options->json) {
        printf("]}\n");
    }
}

static int run(job *work)
{
    int code = prepare(work);
    if (code == EXIT_DONE) {
        code = access_open(&work->registry, work->options, MEDSEC_REGISTRY_WRITE);
    }
    if (code == EXIT_DONE) {
        code = enter(work);
    }
    if (code == EXIT_DONE) {
        code = write_files(work);
    }
    tool_progress_end();
    if (code == EXIT_DONE) {
        report(work);
    }
    medsec_registry_close(work->registry);
    return code;
}

static unsigned digits_of(uint32_t count)
{
    unsigned digits = 4;
    for (uint32_t limit = 10000; count >= limit; limit *= 10) {
        digits++;
    }
    return count == 0 ? 0 : digits;
}

int keygen_add(const void *values, char **operands, size_t count)
{
    (void)count;
    const settings *options = values;
    int code = check_wire(options);
    if (code != EXIT_DONE) {
        return code;
    }
    job work = {.options = options,
                .name = operands[0],
                .digits = digits_of(options->count),
                .count = options->count == 0 ? 1 : options->count};
    if (sodium_init() < 0 ||
        (work.credentials = sodium_allocarray(work.count, sizeof *work.credentials)) == NULL) {
        tool_error("%s", medsec_strerror(MEDSEC_ERR_MEMORY));
        return EXIT_FAILED;
    }
    memset(work.credentials, 0, work.count * sizeof *work.credentials);
    code = run(&work);
    sodium_free(work.credentials);
    return output_end(code);
}
