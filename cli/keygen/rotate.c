/* SPDX-License-Identifier: Apache-2.0 */
#include "keygen.h"

#include <sodium.h>
#include <stdio.h>
#include <string.h>

static int check_options(const settings *options, size_t count)
{
    if (options->device_public != NULL && options->keep_key) {
        tool_error("--device-public or --keep-key, not both");
        return EXIT_USAGE;
    }
    if (options->device_public != NULL && count > 1) {
        tool_error("--device-public is the key of one device");
        return EXIT_USAGE;
    }
    return output_check(options, options->device_public != NULL || options->keep_key);
}

/* The next secrets of a device, on top of what it has. */
static int renew(const settings *options, medsec_credential *credential)
{
    int code = EXIT_DONE;
    if (options->device_public != NULL) {
        code = output_read_key(credential->device_public, options->device_public);
    } else if (!options->keep_key) {
        memset(credential->device_public, 0, sizeof credential->device_public);
    }
    medsec_credential_generate(credential);
    return code;
}

/* The device may have been given what is about to be replaced. */
static void warn_pending(medsec_registry *registry, const char *id)
{
    medsec_device_info info;
    if (medsec_registry_get(registry, id, &info) == MEDSEC_OK && info.rotating) {
        tool_error("%s: an unused rotation is replaced; a device that was given it is locked out",
                   id);
    }
}

static int fill(const issue *work, char **ids)
{
    for (uint32_t i = 0; i < work->count; i++) {
        medsec_credential *credential = &work->credentials[i];
        medsec_status status = medsec_registry_get_credential(work->registry, ids[i], credential);
        if (status != MEDSEC_OK) {
            return access_failed(work->registry, ids[i], status);
        }
        if (credential->wire != MEDSEC_WIRE_MEDSEC1) {
            tool_error("%s: a seed device has nothing to rotate", ids[i]);
            return EXIT_FAILED;
        }
        warn_pending(work->registry, ids[i]);
        int code = renew(work->options, credential);
        if (code != EXIT_DONE) {
            return code;
        }
    }
    return EXIT_DONE;
}

static int run(issue *work, char **ids)
{
    int code = access_open(&work->registry, work->options, MEDSEC_REGISTRY_WRITE);
    if (code == EXIT_DONE) {
        code = fill(work, ids);
    }
    if (code == EXIT_DONE) {
        code = issue_all(work);
    }
    medsec_registry_close(work->registry);
    return code;
}

int keygen_rotate(const void *values, char **operands, size_t count)
{
    const settings *options = values;
    int code = check_options(options, count);
    if (code != EXIT_DONE) {
        return code;
    }
    issue work = {.options = options,
                  .count = (uint32_t)count,
                  .credentials = issue_room((uint32_t)count),
                  .enter = medsec_registry_rotate,
                  .done = "rotated"};
    if (work.credentials == NULL) {
        return EXIT_FAILED;
    }
    code = run(&work, operands);
    sodium_free(work.credentials);
    return output_end(code);
}

int keygen_promote(const void *values, char **operands, size_t count)
{
    (void)count;
    const settings *options = values;
    medsec_registry *registry = NULL;
    int code = access_open(&registry, options, MEDSEC_REGISTRY_WRITE);
    if (code != EXIT_DONE) {
        return code;
    }
    /* In a batch it waits for others as long as every command does. */
    medsec_status status = medsec_registry_begin(registry);
    if (status == MEDSEC_OK) {
        status = medsec_registry_promote(registry, operands[0], options->generation);
    }
    if (status == MEDSEC_OK) {
        status = medsec_registry_commit(registry);
    }
    if (status != MEDSEC_OK) {
        code = access_failed(registry, operands[0], status);
    } else {
        printf(options->json ? "{\"promoted\":\"%s\",\"generation\":%lu}\n"
                             : "promoted %s to generation %lu\n",
               operands[0], (unsigned long)options->generation);
    }
    medsec_registry_close(registry);
    return output_end(code);
}
