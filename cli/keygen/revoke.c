/* SPDX-License-Identifier: Apache-2.0 */
#include "keygen.h"

#include <stdio.h>

typedef medsec_status change_fn(medsec_registry *registry, const char *id);

/* Several devices are one change: all of them, or none. */
static int change_all(medsec_registry *registry, change_fn *change, char **ids, size_t count)
{
    medsec_status status = medsec_registry_begin(registry);
    for (size_t i = 0; status == MEDSEC_OK && i < count; i++) {
        status = change(registry, ids[i]);
        if (status != MEDSEC_OK) {
            return access_failed(registry, ids[i], status);
        }
    }
    if (status == MEDSEC_OK) {
        status = medsec_registry_commit(registry);
    }
    return status == MEDSEC_OK ? EXIT_DONE : access_failed(registry, NULL, status);
}

static int run(const settings *options, change_fn *change, const char *done, char **ids,
               size_t count)
{
    medsec_registry *registry = NULL;
    int code = access_open(&registry, options, MEDSEC_REGISTRY_WRITE);
    if (code != EXIT_DONE) {
        return code;
    }
    code = change_all(registry, change, ids, count);
    medsec_registry_close(registry);
    if (code == EXIT_DONE && options->json) {
        printf("{\"%s\":%zu}\n", done, count);
    } else if (code == EXIT_DONE) {
        printf("%s %zu\n", done, count);
    }
    return output_end(code);
}

int keygen_revoke(const void *values, char **operands, size_t count)
{
    return run(values, medsec_registry_revoke, "revoked", operands, count);
}

int keygen_decommission(const void *values, char **operands, size_t count)
{
    return run(values, medsec_registry_decommission, "decommissioned", operands, count);
}
