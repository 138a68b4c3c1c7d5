/* SPDX-License-Identifier: Apache-2.0 */
#include <medsec/config.h>

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

typedef struct expected {
    const char *key;
    const char *value;
    unsigned calls;
} expected;

static medsec_status compare(void *context, const char *key, const char *value, unsigned line)
{
    expected *e = context;

    if (line != 1 || strcmp(key, e->key) != 0 || strcmp(value, e->value) != 0) {
        abort();
    }
    e->calls++;
    return MEDSEC_OK;
}

/* Invariant: what was accepted, written again in quotes, is read as the same setting. */
static medsec_status write_again(void *context, const char *key, const char *value, unsigned line)
{
    char text[MEDSEC_CONFIG_KEY_MAX + 2 * MEDSEC_CONFIG_VALUE_MAX + 8];
    size_t len = strlen(key);
    unsigned again = 0;
    expected e = {key, value, 0};
    (void)context;
    (void)line;

    if (len > MEDSEC_CONFIG_KEY_MAX || strlen(value) > MEDSEC_CONFIG_VALUE_MAX) {
        abort();
    }
    memcpy(text, key, len);
    memcpy(text + len, " = \"", 4);
    len += 4;
    for (const char *c = value; *c != '\0'; c++) {
        if (*c == '"' || *c == '\\') {
            text[len++] = '\\';
        }
        text[len++] = *c;
    }
    text[len++] = '"';
    if (medsec_config_parse(text, len, compare, &e, &again) != MEDSEC_OK || e.calls != 1) {
        abort();
    }
    return MEDSEC_OK;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    unsigned line = 0;
    /* A block of its own, so that the sanitizer sees a read past the end. */
    char *text = malloc(size > 0 ? size : 1);

    if (text == NULL) {
        return 0;
    }
    if (size > 0) {
        memcpy(text, data, size);
    }
    const medsec_status status = medsec_config_parse(text, size, write_again, NULL, &line);
    if (status != MEDSEC_OK && status != MEDSEC_ERR_SYNTAX && status != MEDSEC_ERR_LIMIT) {
        abort();
    }
    free(text);
    return 0;
}
