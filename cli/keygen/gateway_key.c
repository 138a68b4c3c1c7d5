/* SPDX-License-Identifier: Apache-2.0 */
#include "keygen.h"

#include <sodium.h>
#include <stdio.h>
#include <string.h>

static medsec_status nothing(medsec_registry *registry)
{
    (void)registry;
    return MEDSEC_OK;
}

static const struct verb {
    const char *name;
    medsec_registry_mode mode;
    medsec_status (*run)(medsec_registry *registry);
} verbs[] = {{"show", MEDSEC_REGISTRY_READ, nothing},
             {"rotate", MEDSEC_REGISTRY_WRITE, medsec_registry_gateway_rotate},
             {"retire", MEDSEC_REGISTRY_WRITE, medsec_registry_gateway_retire}};

static const struct verb *find(const char *name)
{
    for (size_t i = 0; i < sizeof verbs / sizeof verbs[0]; i++) {
        if (strcmp(verbs[i].name, name) == 0) {
            return &verbs[i];
        }
    }
    return NULL;
}

static void print(bool json, const char *name, const char *label, const uint8_t *key)
{
    char text[sodium_base64_ENCODED_LEN(MEDSEC_X25519_LEN, sodium_base64_VARIANT_ORIGINAL)] = "-";
    if (key != NULL) {
        sodium_bin2base64(text, sizeof text, key, MEDSEC_X25519_LEN,
                          sodium_base64_VARIANT_ORIGINAL);
    }
    if (!json) {
        printf("%-9s%s\n", label, text);
    } else if (key == NULL) {
        printf("\"%s\":null", name);
    } else {
        printf("\"%s\":\"%s\"", name, text);
    }
}

static medsec_status show(medsec_registry *registry, bool json)
{
    uint8_t keys[2][MEDSEC_X25519_LEN];
    size_t count;
    medsec_status status = medsec_registry_gateway_public(registry, keys, &count);
    if (status != MEDSEC_OK) {
        return status;
    }
    printf("%s", json ? "{" : "");
    print(json, "gateway_public", "in use", keys[0]);
    printf("%s", json ? "," : "");
    print(json, "before", "before", count > 1 ? keys[1] : NULL);
    printf("%s", json ? "}\n" : "");
    return MEDSEC_OK;
}

int keygen_gateway_key(const void *values, char **operands, size_t count)
{
    (void)count;
    const settings *options = values;
    const struct verb *verb = find(operands[0]);
    if (verb == NULL) {
        tool_error("gateway-key: show, rotate or retire");
        return EXIT_USAGE;
    }
    medsec_registry *registry = NULL;
    int code = access_open(&registry, options, verb->mode);
    if (code != EXIT_DONE) {
        return code;
    }
    medsec_status status = verb->run(registry);
    if (status == MEDSEC_OK) {
        status = show(registry, options->json);
    }
    if (status != MEDSEC_OK) {
        code = access_failed(registry, NULL, status);
    }
    medsec_registry_close(registry);
    return output_end(code);
}
