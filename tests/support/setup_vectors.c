/* SPDX-License-Identifier: Apache-2.0 */
#include "setup_vectors.h"

#include "vectors.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void get_text(char *out, size_t cap, const cJSON *row, const char *member)
{
    const char *text = vectors_text(row, member);
    if (strlen(text) >= cap) {
        fprintf(stderr, "setup_forms.jsonl: %s is too long\n", member);
        exit(1);
    }
    memcpy(out, text, strlen(text) + 1);
}

static void get_bytes(uint8_t *out, size_t len, const cJSON *row, const char *member)
{
    if (vectors_bytes(vectors_text(row, member), out, len) != len) {
        fprintf(stderr, "setup_forms.jsonl: %s is too short\n", member);
        exit(1);
    }
}

static uint16_t get_number(const cJSON *row, const char *member)
{
    return (uint16_t)cJSON_GetObjectItem(row, member)->valueint;
}

static void get_form(medsec_setup_form *form, const cJSON *row)
{
    medsec_setup_settings *settings = &form->settings;
    form->kind = (medsec_setup_kind)get_number(row, "kind");
    get_text(settings->server, sizeof settings->server, row, "server");
    settings->port = get_number(row, "port");
    get_text(settings->ssid, sizeof settings->ssid, row, "ssid");
    get_text(settings->password, sizeof settings->password, row, "password");
}

static void get_key(setup_vector *vector)
{
    char *key = vector->key;
    for (const char *c = vector->text; *c != '\0'; c++) {
        if (*c != '-') {
            *key++ = *c;
        }
    }
}

static setup_vector read_row(const cJSON *row)
{
    setup_vector vector;
    memset(&vector, 0, sizeof vector);
    get_text(vector.device, sizeof vector.device, row, "device");
    get_bytes(vector.secret, sizeof vector.secret, row, "secret");
    get_text(vector.text, sizeof vector.text, row, "text");
    get_key(&vector);
    get_bytes(vector.salt, MEDSEC_SETUP_NONCE_LEN, row, "nonce");
    get_bytes(vector.salt + MEDSEC_SETUP_NONCE_LEN, MEDSEC_SETUP_NONCE_LEN, row, "page");
    get_form(&vector.form, row);
    get_bytes(vector.plain, sizeof vector.plain, row, "plain");
    get_bytes(vector.sealed, sizeof vector.sealed, row, "form");
    vector.status = (medsec_setup_status)get_number(row, "status");
    get_bytes(vector.answer, sizeof vector.answer, row, "answer");
    return vector;
}

size_t setup_vectors_each(void (*each)(const setup_vector *vector))
{
    size_t count = 0;
    cJSON *row;
    FILE *file = fopen(MEDSEC_SOURCE_DIR "/tests/vectors/setup_forms.jsonl", "r");
    while (file != NULL && (row = vectors_next(file)) != NULL) {
        const setup_vector vector = read_row(row);
        cJSON_Delete(row);
        each(&vector);
        count++;
    }
    if (file != NULL) {
        fclose(file);
    }
    return count;
}
