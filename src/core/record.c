/* SPDX-License-Identifier: Apache-2.0 */
#include <medsec/record.h>

#include "big_endian.h"
#include "cbc_hs256.h"
#include "hkdf.h"

#include <string.h>

enum {
    KEYS_LEN = MEDSEC__CBC_HS256_KEY_LEN + MEDSEC_AES128_KEY_LEN,
    IV_KEY_AT = MEDSEC__CBC_HS256_KEY_LEN,
    SEQUENCE_LEN = 8,
    AD_LEN = MEDSEC_RECORD_HEADER_LEN + SEQUENCE_LEN
};

static bool known_suite(unsigned suite)
{
    return suite == MEDSEC_SUITE_A128CBC_HS256 || suite == MEDSEC_SUITE_CHACHAPOLY;
}

static bool known_flags(uint8_t type, uint8_t flags)
{
    switch (type) {
    case MEDSEC_RECORD_HELLO:
    case MEDSEC_RECORD_WELCOME:
        return flags == MEDSEC_RECORD_FLAGS(MEDSEC_SUITE_A128CBC_HS256) ||
               flags == MEDSEC_RECORD_FLAGS(MEDSEC_SUITE_CHACHAPOLY);
    case MEDSEC_RECORD_DATA:
        return flags == 0;
    default:
        return false;
    }
}

medsec_status medsec_record_read_header(medsec_record_header *header,
                                        const uint8_t bytes[MEDSEC_RECORD_HEADER_LEN])
{
    if (header == NULL || bytes == NULL) {
        return MEDSEC_ERR_ARGUMENT;
    }
    uint16_t length = (uint16_t)medsec__load_be(bytes + 2, 2);
    if (!known_flags(bytes[0], bytes[1]) || length == 0 || length > MEDSEC_RECORD_BODY_MAX) {
        return MEDSEC_ERR_FRAME;
    }
    *header = (medsec_record_header){.type = bytes[0], .flags = bytes[1], .length = length};
    return MEDSEC_OK;
}

void medsec_record_write_header(uint8_t out[MEDSEC_RECORD_HEADER_LEN], medsec_record_header header)
{
    out[0] = header.type;
    out[1] = header.flags;
    medsec__store_be(out + 2, header.length, 2);
}

medsec_status medsec_record_open(medsec_record *record, const medsec_crypto *crypto,
                                 medsec_suite suite, const uint8_t key[MEDSEC_CHACHAPOLY_KEY_LEN])
{
    static const uint8_t info[] = "medsec/1 A128CBC-HS256"; /* without the NUL */
    if (record == NULL || crypto == NULL || key == NULL || !known_suite(suite)) {
        return MEDSEC_ERR_ARGUMENT;
    }
    memset(record, 0, sizeof *record);
    record->crypto = crypto;
    if (suite == MEDSEC_SUITE_CHACHAPOLY) {
        memcpy(record->keys, key, MEDSEC_CHACHAPOLY_KEY_LEN);
    } else {
        medsec_status status =
            medsec__hkdf_expand(crypto, record->keys, KEYS_LEN, key, info, sizeof info - 1);
        if (status != MEDSEC_OK) {
            medsec_record_close(record);
            return status;
        }
    }
    record->suite = (uint8_t)suite;
    return MEDSEC_OK;
}

static size_t body_len(unsigned suite, size_t message_len)
{
    size_t sealed =
        suite == MEDSEC_SUITE_A128CBC_HS256 ? medsec__cbc_hs256_len(message_len) : message_len;
    return sealed + MEDSEC_RECORD_TAG_LEN;
}

size_t medsec_record_len(medsec_suite suite, size_t message_len)
{
    return MEDSEC_RECORD_HEADER_LEN + body_len(suite, message_len);
}

/* AAD and IV of the next record (docs/wire.md). */
typedef struct place {
    uint8_t ad[AD_LEN];
    uint8_t iv[MEDSEC_AES_BLOCK_LEN];
    medsec__cbc_hs256_context context;
} place;

static medsec_status find_place(const medsec_record *record, place *at,
                                const uint8_t header[MEDSEC_RECORD_HEADER_LEN])
{
    static const uint8_t zero[MEDSEC_AES_BLOCK_LEN];
    memcpy(at->ad, header, MEDSEC_RECORD_HEADER_LEN);
    medsec__store_be(at->ad + MEDSEC_RECORD_HEADER_LEN, record->sequence, SEQUENCE_LEN);
    medsec__store_be(at->iv, record->sequence, sizeof at->iv);
    at->context = (medsec__cbc_hs256_context){.crypto = record->crypto,
                                              .key = record->keys,
                                              .iv = at->iv,
                                              .ad = at->ad,
                                              .ad_len = sizeof at->ad};
    if (record->suite != MEDSEC_SUITE_A128CBC_HS256) {
        return MEDSEC_OK;
    }
    return record->crypto->aes128_cbc_once(MEDSEC_ENCRYPT, record->keys + IV_KEY_AT, zero, at->iv,
                                           at->iv, sizeof at->iv);
}

static medsec_status seal_body(const medsec_record *record, const place *at, uint8_t *body,
                               size_t len)
{
    if (record->suite == MEDSEC_SUITE_A128CBC_HS256) {
        return medsec__cbc_hs256_seal(&at->context, body, len, body + medsec__cbc_hs256_len(len));
    }
    return record->crypto->chachapoly_seal(body, record->keys, record->sequence, at->ad, AD_LEN,
                                           body, len);
}

/* Whether the direction can take one more record. */
static medsec_status ready(const medsec_record *record)
{
    if (!known_suite(record->suite)) {
        return MEDSEC_ERR_STATE;
    }
    return record->sequence < MEDSEC_RECORDS_MAX ? MEDSEC_OK : MEDSEC_ERR_EXPIRED;
}

medsec_status medsec_record_seal(medsec_record *record, uint8_t *out, size_t cap, size_t *len,
                                 const uint8_t *message, size_t message_len)
{
    if (record == NULL || out == NULL || len == NULL || (message == NULL && message_len > 0)) {
        return MEDSEC_ERR_ARGUMENT;
    }
    medsec_status status = ready(record);
    if (status != MEDSEC_OK) {
        return status;
    }
    if (message_len == 0 || message_len > MEDSEC_MESSAGE_MAX) {
        return MEDSEC_ERR_LIMIT;
    }
    size_t body = body_len(record->suite, message_len);
    if (cap < MEDSEC_RECORD_HEADER_LEN + body) {
        return MEDSEC_ERR_BUFFER;
    }
    place at;
    memmove(out + MEDSEC_RECORD_HEADER_LEN, message, message_len);
    medsec_record_write_header(
        out, (medsec_record_header){.type = MEDSEC_RECORD_DATA, .length = (uint16_t)body});
    status = find_place(record, &at, out);
    if (status == MEDSEC_OK) {
        status = seal_body(record, &at, out + MEDSEC_RECORD_HEADER_LEN, message_len);
    }
    record->crypto->wipe(&at, sizeof at);
    if (status != MEDSEC_OK) {
        record->crypto->wipe(out, MEDSEC_RECORD_HEADER_LEN + body);
        return status;
    }
    record->sequence++;
    *len = MEDSEC_RECORD_HEADER_LEN + body;
    return MEDSEC_OK;
}

/* `*len` comes with the tag and leaves as that of the message. */
static medsec_status open_body(const medsec_record *record, const uint8_t *header, uint8_t *body,
                               size_t *len)
{
    place at;
    if (*len < MEDSEC_RECORD_TAG_LEN) {
        return MEDSEC_ERR_CRYPTO;
    }
    medsec_status status = find_place(record, &at, header);
    size_t sealed = *len - MEDSEC_RECORD_TAG_LEN;
    if (status == MEDSEC_OK && record->suite == MEDSEC_SUITE_A128CBC_HS256) {
        status = medsec__cbc_hs256_open(&at.context, body, &sealed, body + sealed);
    } else if (status == MEDSEC_OK) {
        status = record->crypto->chachapoly_open(body, record->keys, record->sequence, at.ad,
                                                 AD_LEN, body, *len);
    }
    record->crypto->wipe(&at, sizeof at);
    *len = sealed;
    return status;
}

static medsec_status open_record(const medsec_record *record, uint8_t *data, size_t *len)
{
    medsec_record_header header;
    medsec_status status = ready(record);
    if (status != MEDSEC_OK) {
        return status;
    }
    if (*len <= MEDSEC_RECORD_HEADER_LEN || medsec_record_read_header(&header, data) != MEDSEC_OK ||
        header.type != MEDSEC_RECORD_DATA || header.length != *len - MEDSEC_RECORD_HEADER_LEN) {
        return MEDSEC_ERR_FRAME;
    }
    *len = header.length;
    status = open_body(record, data, data + MEDSEC_RECORD_HEADER_LEN, len);
    return status == MEDSEC_OK && *len == 0 ? MEDSEC_ERR_CRYPTO : status;
}

medsec_status medsec_record_unseal(medsec_record *record, uint8_t *data, size_t len,
                                   uint8_t **message, size_t *message_len)
{
    if (record == NULL || data == NULL || message == NULL || message_len == NULL) {
        return MEDSEC_ERR_ARGUMENT;
    }
    if (!known_suite(record->suite)) {
        return MEDSEC_ERR_STATE;
    }
    size_t plain = len;
    medsec_status status = open_record(record, data, &plain);
    if (status != MEDSEC_OK) {
        record->crypto->wipe(data, len);
        medsec_record_close(record);
        return status;
    }
    record->sequence++;
    *message = data + MEDSEC_RECORD_HEADER_LEN;
    *message_len = plain;
    return MEDSEC_OK;
}

void medsec_record_close(medsec_record *record)
{
    if (record == NULL || record->crypto == NULL) {
        return;
    }
    const medsec_crypto *crypto = record->crypto;
    crypto->wipe(record, sizeof *record);
    crypto->aes128_cbc_forget();
}
