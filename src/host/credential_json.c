/* SPDX-License-Identifier: Apache-2.0 */
#include <medsec/credential_file.h>

#include "../core/credential_check.h"
#include "../core/writer.h"
#include "flat_json.h"

#include <sodium.h>
#include <string.h>

#define FORMAT "medsec-credential/1"
#define BASE64_LEN \
    sodium_base64_ENCODED_LEN(MEDSEC_X25519_LEN, sodium_base64_VARIANT_ORIGINAL) /* with NUL */

/* The texts of a credential as they stand in a file. */
typedef struct credential_text {
    char format[32];
    char wire[16];
    char suite[16];
    char key[MEDSEC_AES128_KEY_LEN + 1];
    char iv[MEDSEC_AES_BLOCK_LEN + 1];
    char device_private[BASE64_LEN];
    char device_public[BASE64_LEN];
    char psk[BASE64_LEN];
    char gateway_public[BASE64_LEN];
} credential_text;

enum {
    FORMAT_MEMBER,
    DEVICE,
    WIRE,
    PROFILE,
    KEY,
    IV,
    SUITE,
    DEVICE_PRIVATE,
    DEVICE_PUBLIC,
    PSK,
    GATEWAY_PUBLIC,
    MEMBERS
};

static medsec_status read_seed(medsec_credential *credential, const medsec__member *members)
{
    if (!members[KEY].given || !members[IV].given) {
        return MEDSEC_ERR_SYNTAX;
    }
    if (members[KEY].len != MEDSEC_AES128_KEY_LEN || members[IV].len != MEDSEC_AES_BLOCK_LEN) {
        return MEDSEC_ERR_ARGUMENT;
    }
    memcpy(credential->key, members[KEY].value, sizeof credential->key);
    memcpy(credential->iv, members[IV].value, sizeof credential->iv);
    return MEDSEC_OK;
}

static bool read_base64(uint8_t key[MEDSEC_X25519_LEN], const medsec__member *member)
{
    size_t len = 0;
    return member->len == BASE64_LEN - 1 &&
           sodium_base642bin(key, MEDSEC_X25519_LEN, member->value, member->len, NULL, &len, NULL,
                             sodium_base64_VARIANT_ORIGINAL) == 0 &&
           len == MEDSEC_X25519_LEN;
}

static bool is_pair(const medsec_credential *credential)
{
    uint8_t public_key[MEDSEC_X25519_LEN];
    return crypto_scalarmult_base(public_key, credential->device_private) == 0 &&
           sodium_memcmp(public_key, credential->device_public, sizeof public_key) == 0;
}

static medsec_status read_suite(medsec_credential *credential, const medsec__member *member)
{
    medsec_suite suite;
    if (!member->given) {
        return MEDSEC_ERR_SYNTAX;
    }
    if (medsec_suite_parse(&suite, member->value) != MEDSEC_OK) {
        return MEDSEC_ERR_STATE;
    }
    credential->suite = (uint8_t)suite;
    return MEDSEC_OK;
}

static medsec_status read_medsec1(medsec_credential *credential, const medsec__member *members)
{
    medsec_status status = read_suite(credential, &members[SUITE]);
    if (status != MEDSEC_OK) {
        return status;
    }
    if (!members[DEVICE_PUBLIC].given || !members[PSK].given || !members[GATEWAY_PUBLIC].given) {
        return MEDSEC_ERR_SYNTAX;
    }
    credential->has_private = members[DEVICE_PRIVATE].given;
    bool good = read_base64(credential->device_public, &members[DEVICE_PUBLIC]) &&
                read_base64(credential->psk, &members[PSK]) &&
                read_base64(credential->gateway_public, &members[GATEWAY_PUBLIC]) &&
                (!credential->has_private ||
                 (read_base64(credential->device_private, &members[DEVICE_PRIVATE]) &&
                  is_pair(credential)));
    return good ? MEDSEC_OK : MEDSEC_ERR_ARGUMENT;
}

static medsec_status read_wire(medsec_credential *credential, const medsec__member *members)
{
    medsec_wire wire;
    if (!members[FORMAT_MEMBER].given || strcmp(members[FORMAT_MEMBER].value, FORMAT) != 0 ||
        !members[WIRE].given) {
        return MEDSEC_ERR_SYNTAX;
    }
    if (medsec_wire_parse(&wire, members[WIRE].value) != MEDSEC_OK) {
        return MEDSEC_ERR_STATE;
    }
    credential->wire = (uint8_t)wire;
    return wire == MEDSEC_WIRE_SEED ? read_seed(credential, members)
                                    : read_medsec1(credential, members);
}

static medsec_status read_members(medsec_credential *credential, const medsec__member *members)
{
    medsec_status status = read_wire(credential, members);
    if (status != MEDSEC_OK) {
        return status;
    }
    if (!members[DEVICE].given) {
        return MEDSEC_ERR_SYNTAX;
    }
    if (members[DEVICE].len > MEDSEC_DEVICE_ID_MAX) {
        return MEDSEC_ERR_DEVICE_ID;
    }
    if (members[PROFILE].len > MEDSEC_PROFILE_NAME_MAX) {
        return MEDSEC_ERR_ARGUMENT;
    }
    if (!members[PROFILE].given) {
        memcpy(credential->profile, MEDSEC_PROFILE_DEFAULT, sizeof MEDSEC_PROFILE_DEFAULT);
    }
    return medsec__credential_check_whole(credential);
}

#define MEMBER(text, place)                                    \
    {                                                          \
        .name = (text), .value = (place), .cap = sizeof(place) \
    }

static medsec_status parse(medsec_credential *credential, credential_text *text, const char *json,
                           size_t len)
{
    medsec__member members[MEMBERS] = {
        [FORMAT_MEMBER] = MEMBER("format", text->format),
        [DEVICE] = MEMBER("device", credential->device),
        [WIRE] = MEMBER("wire", text->wire),
        [PROFILE] = MEMBER("profile", credential->profile),
        [KEY] = MEMBER("key", text->key),
        [IV] = MEMBER("iv", text->iv),
        [SUITE] = MEMBER("suite", text->suite),
        [DEVICE_PRIVATE] = MEMBER("device_private", text->device_private),
        [DEVICE_PUBLIC] = MEMBER("device_public", text->device_public),
        [PSK] = MEMBER("psk", text->psk),
        [GATEWAY_PUBLIC] = MEMBER("gateway_public", text->gateway_public),
    };
    medsec_status status = medsec__flat_json_parse(members, MEMBERS, json, len);
    return status == MEDSEC_OK ? read_members(credential, members) : status;
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
    credential_text text = {0};
    medsec_status status = parse(credential, &text, json, len);
    sodium_memzero(&text, sizeof text);
    if (status != MEDSEC_OK) {
        medsec_credential_wipe(credential);
    }
    return status;
}

static void put_member(medsec__writer *json, const char *before, const void *value, size_t len)
{
    medsec__write_text(json, before);
    const char *text = value;
    for (size_t i = 0; i < len; i++) {
        if (text[i] == '"' || text[i] == '\\') {
            medsec__write(json, "\\", 1);
        }
        medsec__write(json, &text[i], 1);
    }
}

static void put_text(medsec__writer *json, const char *before, const char *text)
{
    put_member(json, before, text, strlen(text));
}

static void put_key(medsec__writer *json, const char *before, const uint8_t key[MEDSEC_X25519_LEN])
{
    char text[BASE64_LEN];
    sodium_bin2base64(text, sizeof text, key, MEDSEC_X25519_LEN, sodium_base64_VARIANT_ORIGINAL);
    put_text(json, before, text);
    sodium_memzero(text, sizeof text);
}

static void put_seed(medsec__writer *json, const medsec_credential *credential)
{
    put_text(json, "\",\"profile\":\"", credential->profile);
    put_member(json, "\",\"key\":\"", credential->key, sizeof credential->key);
    put_member(json, "\",\"iv\":\"", credential->iv, sizeof credential->iv);
}

static void put_medsec1(medsec__writer *json, const medsec_credential *credential)
{
    put_text(json, "\",\"suite\":\"", medsec_suite_name((medsec_suite)credential->suite));
    put_text(json, "\",\"profile\":\"", credential->profile);
    if (credential->has_private) {
        put_key(json, "\",\"device_private\":\"", credential->device_private);
    }
    put_key(json, "\",\"device_public\":\"", credential->device_public);
    put_key(json, "\",\"psk\":\"", credential->psk);
    put_key(json, "\",\"gateway_public\":\"", credential->gateway_public);
}

medsec_status medsec_credential_write(char *out, size_t cap, size_t *len,
                                      const medsec_credential *credential)
{
    if (out == NULL || len == NULL || credential == NULL) {
        return MEDSEC_ERR_ARGUMENT;
    }
    medsec_status status = medsec__credential_check_whole(credential);
    if (status != MEDSEC_OK) {
        return status;
    }
    medsec__writer json = {.out = out, .cap = cap};
    put_text(&json, "{\"format\":\"" FORMAT "\",\"device\":\"", credential->device);
    put_text(&json, "\",\"wire\":\"", medsec_wire_name((medsec_wire)credential->wire));
    if (credential->wire == MEDSEC_WIRE_SEED) {
        put_seed(&json, credential);
    } else {
        put_medsec1(&json, credential);
    }
    medsec__write_text(&json, "\"}\n");
    status = medsec__write_end(&json, len);
    if (status != MEDSEC_OK) {
        sodium_memzero(out, cap);
    }
    return status;
}
