/* SPDX-License-Identifier: Apache-2.0 */
#include "keygen.h"

#include <limits.h>
#include <stdio.h>

int keygen_init(const void *values, char **operands, size_t count)
{
    (void)operands;
    (void)count;
    const settings *options = values;
    char key_file[PATH_MAX];
    int code = access_create(options, key_file, sizeof key_file);
    if (code != EXIT_DONE) {
        return code;
    }
    bool by_file = options->passphrase_file == NULL;
    if (options->json) {
        printf("{\"registry\":");
        output_json_text(options->registry);
        printf(",\"unlock\":\"%s\",\"key_file\":", by_file ? "key-file" : "passphrase");
        if (by_file) {
            output_json_text(key_file);
        } else {
            printf("null");
        }
        printf("}\n");
    } else {
        printf("%s\n", options->registry);
        if (by_file) {
            printf("%s\n", key_file);
        }
    }
    return output_end(EXIT_DONE);
}
