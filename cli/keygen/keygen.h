/* SPDX-License-Identifier: Apache-2.0 */
#ifndef MEDSEC_KEYGEN_H
#define MEDSEC_KEYGEN_H

#include "options.h"
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
    int wire; /* index into keygen_wires */
    int suite; /* index into keygen_suites */
    const char *profile;
    const char *device_public; /* base64; NULL: a key pair is made */
    const char *out;
    uint32_t count; /* 0: one device, without a number */
    bool allow_sample_keys;
    bool seed_keys;
    bool block;
    bool uf2;
    bool qr;
    bool keep_key;
    bool all;
    bool verify;
    bool json;
    int format; /* index into broker_formats */
    const char *grants;
    const char *gateway_user;
    const char *topic_template;
    option_list profiles; /* files */
    bool older;
    uint32_t generation;
} settings;

#define KEYGEN_COUNT_MAX 100000u /* devices of one `add --count` */
#define KEYGEN_OPERANDS_MAX 1000u /* devices of one rotate, revoke, decommission or export */
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
int keygen_setup_key(const void *values, char **operands, size_t count);
int keygen_rotate(const void *values, char **operands, size_t count);
int keygen_gateway_key(const void *values, char **operands, size_t count);
int keygen_audit(const void *values, char **operands, size_t count);
int keygen_backup(const void *values, char **operands, size_t count);
int keygen_restore(const void *values, char **operands, size_t count);
int keygen_promote(const void *values, char **operands, size_t count);
int keygen_broker_acl(const void *values, char **operands, size_t count);

/* The words of --wire and --suite, ended by NULL. */
extern const char *const keygen_wires[];
extern const char *const keygen_suites[];

/* Credentials that come into being: a file each, and one change of the registry. */
typedef struct issue {
    const settings *options;
    medsec_registry *registry;
    medsec_credential *credentials;
    uint32_t count;
    medsec_status (*enter)(medsec_registry *registry, const medsec_credential *credential);
    const char *done; /* "added" */
} issue;

/* Zeroed and locked, for sodium_free. NULL: no memory, which it has told. */
medsec_credential *issue_room(uint32_t count);

/* All of it, and tells what was done: all or nothing. An exit code. */
int issue_all(const issue *work);

/* One file alone. An exit code. */
int issue_file(const settings *options, const medsec_credential *credential);

/* Opens or creates the registry as the options say. After a failure, which it has told, returns an
 * exit code that is not 0. */
int access_open(medsec_registry **registry, const settings *options, medsec_registry_mode mode);
int access_create(const settings *options, char *key_file, size_t cap);

/* medsec_registry_restore as the options say; an exit code. */
int access_restore(const settings *options, const char *copy, medsec_restored *result);

/* Tells a failure of the registry about `what` (a device, or NULL); gives the exit code. */
int access_failed(const medsec_registry *registry, const char *what, medsec_status status);

/* Makes the folder (0700) when it is not there; NULL is this one. An exit code. */
int output_folder(const char *folder);
/* Writes a text that everybody may read (by the umask); what is at `path` is replaced by the whole
 * of it, or stays. An exit code. */
int output_replace(const char *path, const char *text, size_t len);
/* Which kind of file --block and --uf2 ask for; `own_key` says that no private key goes into it. An
 * exit code. */
int output_check(const settings *options, bool own_key);
/* Path of a device's file: ID.json, ID.bin with --block, or ID.uf2. False: too long. */
bool output_path(char *out, size_t cap, const settings *options, const char *id);
/* Reads what --device-public gives. An exit code. */
int output_read_key(uint8_t key[MEDSEC_X25519_LEN], const char *text);
void output_json_text(const char *text);
#define KEYGEN_TIME_MAX 32u
/* ISO 8601, UTC. */
const char *output_time(char out[KEYGEN_TIME_MAX], uint64_t time_ms);
const char *output_state(medsec_device_state state);
/* A QR code of light text on a dark terminal, with its margin. False: no memory. */
bool output_qr(const char *text);
/* Ends standard output: a full disk is a failure too. */
int output_end(int code);

#endif
