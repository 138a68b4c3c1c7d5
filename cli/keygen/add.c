/* SPDX-License-Identifier: Apache-2.0 */
#include "keygen.h"

#include <medsec/topic.h>

#include <limits.h>
#include <sodium.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

const char *const keygen_wires[] = {"medsec1", "seed", NULL};
static const medsec_wire wires[] = {MEDSEC_WIRE_MEDSEC1, MEDSEC_WIRE_SEED};

const char *const keygen_suites[] = {"A128CBC-HS256", "ChaChaPoly", NULL};
static const medsec_suite suites[] = {MEDSEC_SUITE_A128CBC_HS256, MEDSEC_SUITE_CHACHAPOLY};

typedef struct job {
    const char *name;
    unsigned digits; /* of the number behind the name; 0: none */
    medsec_credential common; /* what all of them have */
    issue made;
} job;

static bool make_id(const job *work, uint32_t index, char id[MEDSEC_DEVICE_ID_MAX + 1])
{
    int len = work->digits == 0 ? snprintf(id, MEDSEC_DEVICE_ID_MAX + 1, "%s", work->name)
                                : snprintf(id, MEDSEC_DEVICE_ID_MAX + 1, "%s-%0*u", work->name,
                                           (int)work->digits, index + 1);
    return len > 0 && len <= (int)MEDSEC_DEVICE_ID_MAX &&
           medsec_device_id_check(id, (size_t)len) == MEDSEC_OK;
}

/* What only medsec/1 has, and the device's own key, which is one device's. */
static int check_key_options(const settings *options, medsec_wire wire)
{
    if (wire == MEDSEC_WIRE_SEED && (options->suite != 0 || options->device_public != NULL)) {
        tool_error("--suite and --device-public are for the wire medsec1");
        return EXIT_USAGE;
    }
    if (options->device_public != NULL && options->count != 0) {
        tool_error("--device-public is the key of one device: not with --count");
        return EXIT_USAGE;
    }
    return output_check(options, options->device_public != NULL);
}

static int read_options(const settings *options, medsec_credential *common)
{
    const medsec_wire wire = wires[options->wire];
    if (strlen(options->profile) > MEDSEC_PROFILE_NAME_MAX) {
        tool_error("--profile: at most %u characters", MEDSEC_PROFILE_NAME_MAX);
        return EXIT_USAGE;
    }
    int code = check_key_options(options, wire);
    if (code != EXIT_DONE) {
        return code;
    }
    memcpy(common->profile, options->profile, strlen(options->profile));
    common->wire = (uint8_t)wire;
    if (wire == MEDSEC_WIRE_MEDSEC1) {
        common->suite = (uint8_t)suites[options->suite];
    }
    return options->device_public == NULL
               ? EXIT_DONE
               : output_read_key(common->device_public, options->device_public);
}

static int check_file(const settings *options, const char *id)
{
    char path[PATH_MAX];
    if (!output_path(path, sizeof path, options, id)) {
        tool_error("--out: the name is too long");
        return EXIT_USAGE;
    }
    if (access(path, F_OK) == 0) {
        tool_error("%s exists already", path);
        return EXIT_FAILED;
    }
    return EXIT_DONE;
}

/* What can be known to fail later fails now, before the first file is there. */
static int fill(job *work)
{
    for (uint32_t i = 0; i < work->made.count; i++) {
        medsec_credential *credential = &work->made.credentials[i];
        *credential = work->common;
        if (!make_id(work, i, credential->device)) {
            tool_error("%s", medsec_strerror(MEDSEC_ERR_DEVICE_ID));
            return EXIT_USAGE;
        }
        int code = check_file(work->made.options, credential->device);
        if (code != EXIT_DONE) {
            return code;
        }
        medsec_credential_generate(credential);
    }
    return EXIT_DONE;
}

static int read_gateway_key(medsec_registry *registry, medsec_credential *common)
{
    uint8_t keys[2][MEDSEC_X25519_LEN];
    size_t count;
    medsec_status status = medsec_registry_gateway_public(registry, keys, &count);
    if (status != MEDSEC_OK) {
        return access_failed(registry, NULL, status);
    }
    memcpy(common->gateway_public, keys[0], MEDSEC_X25519_LEN);
    return EXIT_DONE;
}

static medsec_status enter(medsec_registry *registry, const medsec_credential *credential)
{
    return medsec_registry_add(registry, credential, 0);
}

static int run(job *work)
{
    issue *made = &work->made;
    int code = access_open(&made->registry, made->options, MEDSEC_REGISTRY_WRITE);
    if (code == EXIT_DONE && work->common.wire == MEDSEC_WIRE_MEDSEC1) {
        code = read_gateway_key(made->registry, &work->common);
    }
    if (code == EXIT_DONE) {
        code = fill(work);
    }
    if (code == EXIT_DONE) {
        code = issue_all(made);
    }
    medsec_registry_close(made->registry);
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
    job work = {.name = operands[0],
                .digits = digits_of(options->count),
                .made = {.options = options,
                         .count = options->count == 0 ? 1 : options->count,
                         .enter = enter,
                         .done = "added"}};
    int code = read_options(options, &work.common);
    if (code != EXIT_DONE) {
        return code;
    }
    work.made.credentials = issue_room(work.made.count);
    if (work.made.credentials == NULL) {
        return EXIT_FAILED;
    }
    code = run(&work);
    sodium_free(work.made.credentials);
    return output_end(code);
}
