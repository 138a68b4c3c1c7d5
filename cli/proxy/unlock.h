/* SPDX-License-Identifier: Apache-2.0 */
#ifndef MEDSEC_PROXY_UNLOCK_H
#define MEDSEC_PROXY_UNLOCK_H

#include <medsec/registry.h>

/*
 * How the proxy is told the sealing key: --key-file, --passphrase-file (first line), or nothing:
 * `medsec.key` beside the registry.
 */
#define UNLOCK_PASSPHRASE_MAX 1024u /* characters */

typedef struct unlock {
    medsec_registry_unlock registry;
    char key_file[4096];
    char passphrase[UNLOCK_PASSPHRASE_MAX + 1];
} unlock;

/* Returns an exit code, after saying what is wrong. `unlock` must stay where it is while used. */
int unlock_read(unlock *u, const char *registry, const char *key_file, const char *passphrase_file);
void unlock_wipe(unlock *u);

#endif
