/* SPDX-License-Identifier: Apache-2.0 */
#ifndef MEDSEC_KEYGEN_H
#define MEDSEC_KEYGEN_H

#include "tool.h"

#include <medsec/registry.h>

#include <stdbool.h>
#include <stdint.h>

/* The values of all options. */
typedef struct settings {
    const char *registry;
    const char *key_file; /* NULL: medsec.key beside the registry */
    const char *passphrase_file; /* NULL: a key file; "-": ask */
    const char *actor; /* NULL: the login name */
    const char *wire;
    const char *profile;
    const char *out;
    uint32_t count; /* 0: one device, without a number */
    bool allow_sample_keys;
    bool seed_keys;
    bool all;
    bool verify;
    bool json;
} settings;

#define KEYGEN_COUNT_MAX 100000u /* devices of one `add --count` */
#define KEYGEN_OPERANDS_MAX 1000u /* devices of one revoke, decommission or export */
#define KEYGEN_IMPORT_MAX (64u * 1024u * 1024u) /* bytes of a key file of the seed */

/* Commands; each returns an exit code. */
int keygen_init(const void *values, char **operands, size_t count);
int keygen_add(const void *values, char **operands, size_t count);
int keygen_list(const void *values, char **operands, size_t count);
int keygen_show(const void *values, char **operands, size_t count);
int keygen_import(const void *values, char **operands, size_t count);
int keygen_export(const void *values, char **operands, size_t count);
int keygen_revoke(const void *values, char **operands, size_t count);
int keygen_decommission(const void *values, char **operands, size_t count);
int keygen_audit(const void *values, char **operands, size_t count);

/* Opens or creates the registry as the options say. After a failure, which it has told, returns an
 * exit code that is not 0. */
int access_open(medsec_registry **registry, const settings *options, medsec_registry_mode mode);
int access_create(const settings *options, char *key_file, size_t cap);

/* Tells a failure of the registry about `what` (a device, or NULL); gives the exit code. */
int access_failed(const medsec_registry *registry, const char *what, medsec_status status);

/* Makes the folder (0700) when it is not there; NULL is this one. An exit code. */
int output_folder(const char *folder);
/* `path` of a file in a folder (NULL: here): ID.json. False: too long. */
bool output_path(char *out, size_t cap, const char *folder, const char *id);
void output_json_text(const char *text);
#define KEYGEN_TIME_MAX 32u
/* ISO 8601, UTC. */
const char *output_time(char out[KEYGEN_TIME_MAX], uint64_t time_ms);
const char *output_state(medsec_device_state state);
/* Ends standard output: a full disk is a failure too. */
int output_end(int code);

#endif
