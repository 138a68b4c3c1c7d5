/* SPDX-License-Identifier: Apache-2.0 */
#include "keygen.h"

#include <stdio.h>

int keygen_backup(const void *values, char **operands, size_t count)
{
    (void)operands;
    (void)count;
    const settings *options = values;
    medsec_registry *registry = NULL;
    medsec_audit_end end;
    int code = access_open(&registry, options, MEDSEC_REGISTRY_READ);
    if (code != EXIT_DONE) {
        return code;
    }
    const medsec_status status = medsec_registry_backup(registry, options->out, &end);
    if (status != MEDSEC_OK) {
        code = access_failed(registry, NULL, status);
    } else {
        printf(options->json ? "{\"rows\":%llu,\"hash\":\"%s\"}\n"
                             : "verified %llu rows, hash %s\n",
               (unsigned long long)end.rows, end.hash);
    }
    medsec_registry_close(registry);
    return output_end(code);
}

static void print_json(const medsec_restored *result)
{
    printf("{\"rows\":%llu,\"hash\":\"%s\",\"rows_before\":%llu,\"kept\":",
           (unsigned long long)result->now.rows, result->now.hash,
           (unsigned long long)result->before.rows);
    output_json_text(result->kept);
    printf("}\n");
}

int keygen_restore(const void *values, char **operands, size_t count)
{
    (void)count;
    static medsec_restored result;
    const settings *options = values;
    const int code = access_restore(options, operands[0], &result);
    if (code == EXIT_DONE && options->json) {
        print_json(&result);
    } else if (code == EXIT_DONE) {
        printf("verified %llu rows, hash %s\n", (unsigned long long)result.now.rows,
               result.now.hash);
        if (result.kept[0] != '\0') {
            printf("kept %s\n", result.kept);
        }
    }
    return output_end(code);
}
