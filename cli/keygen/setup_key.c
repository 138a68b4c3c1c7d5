/* SPDX-License-Identifier: Apache-2.0 */
#include "keygen.h"

#include <medsec/setup.h>

#include <sodium.h>
#include <stdio.h>

/* The page takes the key from behind the `#`, which a browser sends to nobody. */
#define PAGE "http://192.168.4.1/#"

typedef struct shown_key {
    char text[MEDSEC_SETUP_KEY_TEXT_LEN + 1];
} shown_key;

enum { KEYS_MAX = 2 }; /* in use, and pending */

typedef struct shown_keys {
    shown_key key[KEYS_MAX];
    size_t count;
} shown_keys;

static medsec_status derive(shown_key *shown, const medsec_credential *credential)
{
    char key[MEDSEC_SETUP_KEY_LEN];
    medsec_status status = medsec_setup_key(key, medsec_crypto_openssl(), credential);
    if (status == MEDSEC_OK) {
        medsec_setup_key_text(shown->text, key);
        shown->text[MEDSEC_SETUP_KEY_TEXT_LEN] = '\0';
    }
    sodium_memzero(key, sizeof key);
    return status;
}

static medsec_status read_keys(shown_keys *shown, medsec_registry *registry, const char *id)
{
    medsec_credential credentials[KEYS_MAX];
    medsec_status status =
        medsec_registry_get_credentials(registry, id, credentials, &shown->count);
    if (status != MEDSEC_OK) {
        return status;
    }
    for (size_t i = 0; status == MEDSEC_OK && i < shown->count && i < KEYS_MAX; i++) {
        status = derive(&shown->key[i], &credentials[i]);
    }
    sodium_memzero(credentials, sizeof credentials);
    return status;
}

static void print_json(const char *id, const shown_keys *shown)
{
    printf("{\"device\":");
    output_json_text(id);
    printf(",\"setup_key\":\"%s\",\"pending\":", shown->key[0].text);
    if (shown->count > 1) {
        printf("\"%s\"}\n", shown->key[1].text);
    } else {
        printf("null}\n");
    }
}

static bool print_qr(const shown_key *shown)
{
    char address[sizeof PAGE + MEDSEC_SETUP_KEY_TEXT_LEN];
    snprintf(address, sizeof address, PAGE "%s", shown->text);
    bool drawn = output_qr(address);
    sodium_memzero(address, sizeof address);
    return drawn;
}

static int print_text(const shown_keys *shown, bool qr)
{
    static const char *const labels[KEYS_MAX] = {"in use", "pending"};
    for (size_t i = 0; i < shown->count && i < KEYS_MAX; i++) {
        if (shown->count > 1) {
            printf("%-9s", labels[i]);
        }
        printf("%s\n", shown->key[i].text);
        if (qr && !print_qr(&shown->key[i])) {
            tool_error("%s", medsec_strerror(MEDSEC_ERR_MEMORY));
            return EXIT_FAILED;
        }
    }
    return EXIT_DONE;
}

/* The note comes first: no secret leaves without one. */
static int run(const settings *options, medsec_registry *registry, const char *id)
{
    shown_keys shown = {0};
    medsec_status status = read_keys(&shown, registry, id);
    if (status == MEDSEC_OK) {
        status = medsec_registry_note_setup_key(registry, id);
    }
    int code = EXIT_DONE;
    if (status != MEDSEC_OK) {
        code = access_failed(registry, id, status);
    } else if (options->json) {
        print_json(id, &shown);
    } else {
        code = print_text(&shown, options->qr);
    }
    sodium_memzero(&shown, sizeof shown);
    return code;
}

int keygen_setup_key(const void *values, char **operands, size_t count)
{
    (void)count;
    const settings *options = values;
    medsec_registry *registry = NULL;
    if (options->json && options->qr) {
        tool_error("--json or --qr, not both");
        return EXIT_USAGE;
    }
    int code = access_open(&registry, options, MEDSEC_REGISTRY_WRITE);
    if (code != EXIT_DONE) {
        return code;
    }
    code = run(options, registry, operands[0]);
    medsec_registry_close(registry);
    return output_end(code);
}
