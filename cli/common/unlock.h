/* SPDX-License-Identifier: Apache-2.0 */
#ifndef MEDSEC_CLI_UNLOCK_H
#define MEDSEC_CLI_UNLOCK_H

#include <medsec/registry.h>

#include <limits.h>

/* What a tool was told of a registry and its key. */
typedef struct unlock_options {
    const char *registry;
    const char *key_file; /* NULL: medsec.key beside the registry */
    const char *passphrase_file; /* NULL: a key file; "-": ask */
} unlock_options;

/* A key file's name, or a passphrase in locked memory. */
typedef struct unlock {
    medsec_registry_unlock key;
    char key_file[PATH_MAX];
    char *passphrase;
} unlock;

/* Fills in a zeroed struct, which must stay where it is; `create` asks for a new passphrase, twice.
 * Returns an exit code, after telling what is wrong; unlock_end is due in any case. */
int unlock_begin(unlock *u, const unlock_options *options, bool create);
void unlock_end(unlock *u);

/* Tells why a registry could not be opened or created, right after the attempt; gives the exit
 * code. */
int unlock_failed(const unlock *u, const unlock_options *options, medsec_status status);

#endif
