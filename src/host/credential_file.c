/* SPDX-License-Identifier: Apache-2.0 */
#include <medsec/credential_file.h>
#include <medsec/topic.h>

#include "credential_check.h"
#include "flat_json.h"
#include "secret_file.h"

#include <sodium.h>
#include <stdbool.h>
#include <string.h>

#define FORMAT "medsec-credential/1"

/* 64 characters: 6 bits each, 96 bits in 16. */
static const char alphabet[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

static bool is_printable(const uint8_t *text, size_t len)
{
    for (size_t i = 0; i < len; i++) {
        if (text[i] < ' ' || text[i] > '~') {
            return false;
        }
    }
    return true;
}

static bool is_profile_name(const char *name)
{
    size_t len = strnlen(name, MEDSEC_PROFILE_NAME_MAX + 1);
    return len > 0 && len <= MEDSEC_PROFILE_NAME_MAX &&
           strspn(name, "abcdefghijklmnopqrstuvwxyz0123456789-") == len;
}

medsec_status medsec__credential_check(const medsec_credential *credential)
{
    size_t len = strnlen(credential->device, sizeof credential->device);
    medsec_status status = medsec_device_id_check(credential->device, len);
    if (status != MEDSEC_OK) {
        return status;
    }
    bool good = is_printable(credential->key, sizeof credential->key) &&
                is_printable(credential->iv, sizeof credential->iv) &&
                is_profile_name(credential->profile);
    return good ? MEDSEC_OK : MEDSEC_ERR_ARGUMENT;
}

static bool steps_through(const char *circle, size_t step, const uint8_t *key)
{
    size_t count = strlen(circle);
    const char *first = key[0] == '\0' ? NULL : strchr(circle, key[0]);
    for (size_t i = 0; first != NULL && i < MEDSEC_AES128_KEY_LEN; i++) {
        if (key[i] != (uint8_t)circle[((size_t)(first - circle) + i * step) % count]) {
            return false;
        }
    }
    return first != NULL;
}

bool medsec__key_is_sample(const uint8_t key[MEDSEC_AES128_KEY_LEN])
{
    static const char *const circles[] = {"0123456789", "0123456789abcdef", "0123456789ABCDEF",
                                          "abcdefghijklmnopqrstuvwxyz",
                                          "ABCDEFGHIJKLMNOPQRSTUVWXYZ"};
    const char one[2] = {(char)key[0], '\0'};
    if (steps_through(one, 0, key)) {
        return true;
    }
    for (size_t i = 0; i < sizeof circles / sizeof circles[0]; i++) {
        if (steps_through(circles[i], 1, key) ||
            steps_through(circles[i], strlen(circles[i]) - 1, key)) {
            return true;
        }
    }
    return false;
}

/* The texts of a credential as they stand in a file. */
typedef struct credential_text {
    char format[32];
    char wire[16];
    char key[MEDSEC_AES128_KEY_LEN + 1];
    char iv[MEDSEC_AES_BLOCK_LEN + 1];
} credential_text;

enum { FORMAT_MEMBER, DEVICE, WIRE, PROFILE, KEY, IV, MEMBERS };

static medsec_status check_members(const medsec__member *members, const credential_text *text)
{
    if (!members[FORMAT_MEMBER].given || strcmp(text->format, FORMAT) != 0) {
        return MEDSEC_ERR_SYNTAX;
    }
    if (!members[WIRE].given) {
        return MEDSEC_ERR_SYNTAX;
    }
    if (strcmp(text->wire, "seed") != 0) {
        return MEDSEC_ERR_STATE;
    }
    if (!members[DEVICE].given || !members[KEY].given || !members[IV].given) {
        return MEDSEC_ERR_SYNTAX;
    }
    if (members[DEVICE].len > MEDSEC_DEVICE_ID_MAX) {
        return MEDSEC_ERR_DEVICE_ID;
    }
    bool sized = members[KEY].len == MEDSEC_AES128_KEY_LEN &&
                 members[IV].len == MEDSEC_AES_BLOCK_LEN &&
                 members[PROFILE].len <= MEDSEC_PROFILE_NAME_MAX;
    return sized ? MEDSEC_OK : MEDSEC_ERR_ARGUMENT;
}

static medsec_status parse(medsec_credential *credential, credential_text *text, const char *json,
                           size_t len)
{
    medsec__member members[MEMBERS] = {
        [FORMAT_MEMBER] = {.name = "format", .value = text->format, .cap = sizeof text->format},
        [DEVICE] = {.name = "device",
                    .value = credential->device,
                    .cap = sizeof credential->device},
        [WIRE] = {.name = "wire", .value = text->wire, .cap = sizeof text->wire},
        [PROFILE] = {.name = "profile",
                     .value = credential->profile,
                     .cap = sizeof credential->profile},
        [KEY] = {.name = "key", .value = text->key, .cap = sizeof text->key},
        [IV] = {.name = "iv", .value = text->iv, .cap = sizeof text->iv},
    };
    medsec_status status = medsec__flat_json_parse(members, MEMBERS, json, len);
    if (status == MEDSEC_OK) {
        status = check_members(members, text);
    }
    if (status != MEDSEC_OK) {
        return status;
    }
    if (!members[PROFILE].given) {
        memcpy(credential->profile, MEDSEC_PROFILE_DEFAULT, sizeof MEDSEC_PROFILE_DEFAULT);
    }
    credential->wire = MEDSEC_WIRE_SEED;
    memcpy(credential->key, text->key, sizeof credential->key);
    memcpy(credential->iv, text->iv, sizeof credential->iv);
    return medsec__credential_check(credential);
}

medsec_status medsec_credential_parse(medsec_credential *credential, const char *json, size_t len)
{
    if (credential == NULL || (json == NULL && len > 0)) {
        return MEDSEC_ERR_ARGUMENT;
    }
    medsec_credential_wipe(credential);
    if (len > MEDSEC_CREDENTIAL_JSON_MAX) {
        return MEDSEC_ERR_SYNTAX;
    }
    credential_text text;
    medsec_status status = parse(credential, &text, json, len);
    sodium_memzero(&text, sizeof text);
    if (status != MEDSEC_OK) {
        medsec_credential_wipe(credential);
    }
    return status;
}

medsec_status medsec_credential_load(medsec_credential *credential, const char *path)
{
    if (credential == NULL || path == NULL) {
        return MEDSEC_ERR_ARGUMENT;
    }
    medsec_credential_wipe(credential);
    char json[MEDSEC_CREDENTIAL_JSON_MAX];
    size_t len;
    medsec_status status = medsec__secret_file_read(path, json, sizeof json, &len);
    if (status == MEDSEC_ERR_LIMIT) {
        status = MEDSEC_ERR_SYNTAX;
    }
    if (status == MEDSEC_OK) {
        status = medsec_credential_parse(credential, json, len);
    }
    sodium_memzero(json, sizeof json);
    return status;
}

medsec_status medsec_credential_save(const medsec_credential *credential, const char *path)
{
    if (credential == NULL || path == NULL) {
        return MEDSEC_ERR_ARGUMENT;
    }
    char json[MEDSEC_CREDENTIAL_JSON_MAX];
    size_t len;
    medsec_status status = medsec_credential_write(json, sizeof json, &len, credential);
    if (status == MEDSEC_OK) {
        status = medsec__secret_file_create(path, json, len);
    }
    sodium_memzero(json, sizeof json);
    return status;
}

/* Output that remembers whether it was too much. */
typedef struct output {
    char *text;
    size_t cap;
    size_t len;
    bool full;
} output;

static void put(output *out, const char *text, size_t len)
{
    if (out->full || len > out->cap - out->len) {
        out->full = true;
        return;
    }
    memcpy(out->text + out->len, text, len);
    out->len += len;
}

static void put_member(output *out, const char *before, const void *value, size_t len)
{
    put(out, before, strlen(before));
    const char *text = value;
    for (size_t i = 0; i < len; i++) {
        if (text[i] == '"' || text[i] == '\\') {
            put(out, "\\", 1);
        }
        put(out, &text[i], 1);
    }
}

medsec_status medsec_credential_write(char *out, size_t cap, size_t *len,
                                      const medsec_credential *credential)
{
    if (out == NULL || len == NULL || credential == NULL) {
        return MEDSEC_ERR_ARGUMENT;
    }
    medsec_status status = medsec__credential_check(credential);
    if (status != MEDSEC_OK) {
        return status;
    }
    output json = {.text = out, .cap = cap};
    put_member(&json, "{\"format\":\"" FORMAT "\",\"device\":\"", credential->device,
               strlen(credential->device));
    put_member(&json, "\",\"wire\":\"seed\",\"profile\":\"", credential->profile,
               strlen(credential->profile));
    put_member(&json, "\",\"key\":\"", credential->key, sizeof credential->key);
    put_member(&json, "\",\"iv\":\"", credential->iv, sizeof credential->iv);
    put_member(&json, "\"}\n", "", 0);
    if (json.full) {
        sodium_memzero(out, cap);
        return MEDSEC_ERR_BUFFER;
    }
    *len = json.len;
    return MEDSEC_OK;
}

static void fill_random(uint8_t *text, size_t len)
{
    randombytes_buf(text, len);
    for (size_t i = 0; i < len; i++) {
        text[i] = (uint8_t)alphabet[text[i] % 64];
    }
}

void medsec_credential_generate(medsec_credential *credential)
{
    if (sodium_init() < 0) {
        sodium_misuse();
    }
    credential->wire = MEDSEC_WIRE_SEED;
    do {
        fill_random(credential->key, sizeof credential->key);
    } while (medsec__key_is_sample(credential->key));
    fill_random(credential->iv, sizeof credential->iv);
}

void medsec_credential_wipe(medsec_credential *credential)
{
    if (credential != NULL) {
        sodium_memzero(credential, sizeof *credential);
    }
}
