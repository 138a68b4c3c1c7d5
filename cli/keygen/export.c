/* SPDX-License-Identifier: Apache-2.0 */
#include "keygen.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define SEED_FILE_NAME "DEVICES_KEYS.txt"
#define PROGRESS_EVERY 100u

typedef struct export_job {
    const settings *options;
    medsec_registry *registry;
    FILE *seed_keys; /* NULL: a credential file each */
    char **ids;
    size_t count;
    size_t capacity;
    size_t noted; /* the first ones of ids */
    size_t written;
    size_t keyless; /* files without the device's private key */
} export_job;

/* `--all` is all that may connect. */
static medsec_status collect(void *context, const medsec_device_info *info)
{
    export_job *work = context;
    if (info->state != MEDSEC_DEVICE_ACTIVE ||
        (work->options->seed_keys && info->wire != MEDSEC_WIRE_SEED)) {
        return MEDSEC_OK;
    }
    if (work->count == work->capacity) {
        size_t capacity = work->capacity == 0 ? 256 : 2 * work->capacity;
        char **grown = realloc(work->ids, capacity * sizeof *grown);
        if (grown == NULL) {
            return MEDSEC_ERR_MEMORY;
        }
        work->ids = grown;
        work->capacity = capacity;
    }
    work->ids[work->count] = strdup(info->id);
    return work->ids[work->count++] == NULL ? MEDSEC_ERR_MEMORY : MEDSEC_OK;
}

static void free_collected(export_job *work)
{
    for (size_t i = 0; work->capacity > 0 && i < work->count; i++) {
        free(work->ids[i]);
    }
    if (work->capacity > 0) {
        free(work->ids);
    }
}

static void put_escaped(FILE *file, const uint8_t *text, size_t len)
{
    for (size_t i = 0; i < len; i++) {
        if (text[i] == '"' || text[i] == '\\') {
            fputc('\\', file);
        }
        fputc(text[i], file);
    }
}

static int write_line(export_job *work, const medsec_credential *credential)
{
    fprintf(work->seed_keys, "{ \"id\":\"%s\", \"key\":\"", credential->device);
    put_escaped(work->seed_keys, credential->key, sizeof credential->key);
    fputs("\", \"iv\":\"", work->seed_keys);
    put_escaped(work->seed_keys, credential->iv, sizeof credential->iv);
    fputs("\"}\n", work->seed_keys);
    return ferror(work->seed_keys) ? EXIT_FAILED : EXIT_DONE;
}

static int write_file(export_job *work, const medsec_credential *credential)
{
    char path[PATH_MAX];
    int code = issue_file(work->options, credential);
    if (code != EXIT_DONE) {
        return code;
    }
    work->keyless += credential->wire == MEDSEC_WIRE_MEDSEC1;
    if (!work->options->json && output_path(path, sizeof path, work->options, credential->device)) {
        printf("%s\n", path);
    }
    return EXIT_DONE;
}

/* Whether there is a secret to give, and a note that it was given. */
static int note_one(export_job *work, const char *id)
{
    medsec_credential credential;
    medsec_status status = medsec_registry_get_credential(work->registry, id, &credential);
    uint8_t wire = credential.wire;
    medsec_credential_wipe(&credential);
    if (status == MEDSEC_OK && work->options->seed_keys && wire != MEDSEC_WIRE_SEED) {
        tool_error("%s: no device of the seed wire", id);
        return EXIT_FAILED;
    }
    if (status == MEDSEC_OK && work->options->uf2 && wire == MEDSEC_WIRE_MEDSEC1) {
        tool_error("%s: its private key is in the device and its first file alone; "
                   "'medsec-keygen rotate --uf2' makes a new one",
                   id);
        return EXIT_FAILED;
    }
    if (status == MEDSEC_OK) {
        status = medsec_registry_note_export(work->registry, id);
    }
    return status == MEDSEC_OK ? EXIT_DONE : access_failed(work->registry, id, status);
}

/* The notes come first, as one change: no secret leaves without one. */
static int note_all(export_job *work)
{
    int worst = EXIT_DONE;
    size_t kept = 0;
    medsec_status status = medsec_registry_begin(work->registry);
    for (size_t i = 0; status == MEDSEC_OK && i < work->count; i++) {
        char *id = work->ids[i];
        int code = note_one(work, id);
        worst = code == EXIT_DONE ? worst : code;
        if (code == EXIT_DONE) {
            work->ids[i] = work->ids[kept];
            work->ids[kept++] = id;
        }
    }
    if (status == MEDSEC_OK) {
        status = medsec_registry_commit(work->registry);
    }
    work->noted = status == MEDSEC_OK ? kept : 0;
    return status == MEDSEC_OK ? worst : access_failed(work->registry, NULL, status);
}

static int export_one(export_job *work, const char *id)
{
    medsec_credential credential;
    medsec_status status = medsec_registry_get_credential(work->registry, id, &credential);
    int code;
    if (status != MEDSEC_OK) {
        code = access_failed(work->registry, id, status);
    } else if (work->seed_keys != NULL) {
        code = write_line(work, &credential);
    } else {
        code = write_file(work, &credential);
    }
    medsec_credential_wipe(&credential);
    return code;
}

static int export_each(export_job *work)
{
    int worst = note_all(work);
    for (size_t i = 0; i < work->noted; i++) {
        int code = export_one(work, work->ids[i]);
        work->written += code == EXIT_DONE;
        worst = code == EXIT_DONE ? worst : code;
        if (i % PROGRESS_EVERY == 0 && work->noted > 1) {
            tool_progress("%zu of %zu exported", i, work->noted);
        }
    }
    tool_progress_end();
    return worst;
}

static int export_seed_keys(export_job *work, const char *path)
{
    int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    work->seed_keys = fd < 0 ? NULL : fdopen(fd, "w");
    if (work->seed_keys == NULL) {
        tool_error("%s: %s", path, strerror(errno));
        return EXIT_FAILED;
    }
    int code = export_each(work);
    bool whole = fflush(work->seed_keys) == 0 && fsync(fd) == 0;
    whole = fclose(work->seed_keys) == 0 && whole;
    if (!whole) {
        tool_error("%s: %s", path, strerror(errno));
    }
    if (!whole || work->written == 0) {
        unlink(path);
        return code == EXIT_DONE ? EXIT_FAILED : code;
    }
    if (!work->options->json) {
        printf("%s\n", path);
    }
    return code;
}

static int run(export_job *work)
{
    const settings *options = work->options;
    if (options->all) {
        medsec_status status = medsec_registry_list(work->registry, collect, work);
        if (status != MEDSEC_OK) {
            return access_failed(work->registry, NULL, status);
        }
    }
    int code = output_folder(options->out);
    if (code != EXIT_DONE) {
        return code;
    }
    if (!options->seed_keys) {
        return export_each(work);
    }
    char path[PATH_MAX];
    if (snprintf(path, sizeof path, "%s/" SEED_FILE_NAME,
                 options->out == NULL ? "." : options->out) >= (int)sizeof path) {
        tool_error("--out: the name is too long");
        return EXIT_USAGE;
    }
    return export_seed_keys(work, path);
}

int keygen_export(const void *values, char **operands, size_t count)
{
    export_job work = {.options = values, .ids = operands, .count = count};
    if ((work.options->block || work.options->uf2) && work.options->seed_keys) {
        tool_error("--seed-keys is a kind of file of its own");
        return EXIT_USAGE;
    }
    if (work.options->all == (count > 0)) {
        tool_error("either ID... or --all is needed");
        return EXIT_USAGE;
    }
    if (work.options->all) {
        work.ids = NULL;
    }
    int code = output_check(work.options, false);
    if (code == EXIT_DONE) {
        code = access_open(&work.registry, work.options, MEDSEC_REGISTRY_WRITE);
    }
    if (code != EXIT_DONE) {
        return code;
    }
    code = run(&work);
    if (work.options->json) {
        printf("{\"exported\":%zu}\n", work.written);
    }
    if (work.keyless > 0) {
        tool_error("note: without private keys, which only the devices and their first files have; "
                   "'medsec-keygen rotate' makes new ones");
    }
    medsec_registry_close(work.registry);
    free_collected(&work);
    return output_end(code);
}
