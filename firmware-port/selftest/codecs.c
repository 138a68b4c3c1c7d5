/* SPDX-License-Identifier: Apache-2.0 */
#include "selftest.h"

#include "core/cbc_hs256.h"
#include "core/cbor.h"
#include "crypto/bearssl/provider.h"

#include <medsec/record.h>
#include <medsec/seed_frame.h>

#include <string.h>

bool selftest_cbc_hs256(const selftest_vector *v)
{
    const medsec_bytes *f = v->field;
    const medsec__cbc_hs256_context context = {.crypto = medsec_crypto_bearssl(),
                                               .key = f[0].data,
                                               .iv = f[1].data,
                                               .ad = f[2].data,
                                               .ad_len = f[2].len};
    uint8_t tag[MEDSEC__CBC_HS256_TAG_LEN];
    size_t len = f[4].len;
    memcpy(selftest_room, f[3].data, f[3].len);
    return medsec__cbc_hs256_seal(&context, selftest_room, f[3].len, tag) == MEDSEC_OK &&
           selftest_same(selftest_room, len, &f[4]) && selftest_same(tag, sizeof tag, &f[5]) &&
           medsec__cbc_hs256_open(&context, selftest_room, &len, tag) == MEDSEC_OK &&
           selftest_same(selftest_room, len, &f[3]);
}

bool selftest_record(const selftest_vector *v)
{
    const medsec_bytes *f = v->field;
    medsec_record to;
    uint8_t *message = NULL;
    size_t len = 0;
    if (medsec_record_open(&to, medsec_crypto_bearssl(), (medsec_suite)v->flag, f[0].data) !=
        MEDSEC_OK) {
        return false;
    }
    to.sequence = selftest_number(&f[1]);
    medsec_record from = to;
    return medsec_record_seal(&to, selftest_room, SELFTEST_ROOM_LEN, &len, f[2].data, f[2].len) ==
               MEDSEC_OK &&
           selftest_same(selftest_room, len, &f[3]) &&
           medsec_record_unseal(&from, selftest_room, len, &message, &len) == MEDSEC_OK &&
           selftest_same(message, len, &f[2]);
}

/* In the order of vectors.py. */
enum { CBOR_OTHER, CBOR_UINT, CBOR_NEGATIVE, CBOR_NULL, CBOR_ARRAY, CBOR_MAP };

static void put(medsec__writer *writer, const selftest_vector *v)
{
    if (v->flag == CBOR_UINT) {
        medsec__cbor_put_uint(writer, selftest_number(&v->field[1]));
    } else if (v->flag == CBOR_NULL) {
        medsec__cbor_put_null(writer);
    } else if (v->flag == CBOR_ARRAY) {
        medsec__cbor_put_array(writer, (size_t)v->count - 1);
    } else if (v->flag == CBOR_MAP) {
        medsec__cbor_put_map(writer, ((size_t)v->count - 1) / 2);
    }
    for (size_t i = 1; v->flag != CBOR_UINT && i < v->count; i++) {
        medsec__cbor_put_int(writer, (int64_t)selftest_number(&v->field[i]));
    }
}

static bool get(medsec__cbor_reader *reader, const selftest_vector *v)
{
    const size_t items = (size_t)v->count - 1;
    bool good = true;
    if (v->flag == CBOR_UINT) {
        good = medsec__cbor_get_uint(reader, UINT64_MAX) == selftest_number(&v->field[1]);
    } else if (v->flag == CBOR_NULL) {
        good = medsec__cbor_get_null(reader);
    } else if (v->flag == CBOR_ARRAY) {
        good = medsec__cbor_get_array(reader, 0, SIZE_MAX) == items;
    } else if (v->flag == CBOR_MAP) {
        good = medsec__cbor_get_map(reader, 0, SIZE_MAX) == items / 2;
    }
    for (size_t i = 1; v->flag != CBOR_UINT && i < v->count; i++) {
        good &= medsec__cbor_get_int(reader) == (int64_t)selftest_number(&v->field[i]);
    }
    return good && medsec__cbor_get_end(reader) == MEDSEC_OK;
}

static bool nobody_takes(const medsec_bytes *text)
{
    const medsec__cbor_reader begin = {.data = text->data, .len = text->len};
    medsec__cbor_reader as_uint = begin;
    medsec__cbor_reader as_int = begin;
    medsec__cbor_reader as_null = begin;
    (void)medsec__cbor_get_uint(&as_uint, UINT64_MAX);
    (void)medsec__cbor_get_int(&as_int);
    (void)medsec__cbor_get_null(&as_null);
    return medsec__cbor_get_end(&as_uint) != MEDSEC_OK &&
           medsec__cbor_get_end(&as_int) != MEDSEC_OK &&
           medsec__cbor_get_end(&as_null) != MEDSEC_OK;
}

bool selftest_cbor(const selftest_vector *v)
{
    medsec__writer writer = {.out = (char *)selftest_room, .cap = SELFTEST_ROOM_LEN};
    medsec__cbor_reader reader = {.data = v->field[0].data, .len = v->field[0].len};
    if (v->flag == CBOR_OTHER) {
        return nobody_takes(&v->field[0]);
    }
    put(&writer, v);
    return selftest_same(writer.out, writer.len, &v->field[0]) && get(&reader, v);
}

static bool encodes(const selftest_vector *v)
{
    const medsec_bytes *f = v->field;
    medsec_aes_cbc aes;
    size_t len = 0;
    bool good = medsec_aes_cbc_open(&aes, medsec_crypto_bearssl(), MEDSEC_ENCRYPT, f[0].data) ==
                    MEDSEC_OK &&
                medsec_seed_frame_encode((char *)selftest_room, SELFTEST_ROOM_LEN, &len, &aes,
                                         (medsec_seed_chaining)v->flag, f[1].data,
                                         (const char *)f[2].data, f[2].len) == MEDSEC_OK &&
                selftest_same(selftest_room, len, &f[3]);
    medsec_aes_cbc_close(&aes);
    return good;
}

static bool decodes(const selftest_vector *v)
{
    const medsec_bytes *f = v->field;
    medsec_aes_cbc aes;
    size_t len = 0;
    bool good = medsec_aes_cbc_open(&aes, medsec_crypto_bearssl(), MEDSEC_DECRYPT, f[0].data) ==
                    MEDSEC_OK &&
                medsec_seed_frame_decode((char *)selftest_room, SELFTEST_ROOM_LEN, &len, &aes,
                                         (medsec_seed_chaining)v->flag, f[1].data,
                                         (const char *)f[3].data, f[3].len) == MEDSEC_OK &&
                selftest_same(selftest_room, len, &f[2]);
    medsec_aes_cbc_close(&aes);
    return good;
}

/* The texts of its values, by which numbers went into and out of machine words. */
static bool values_are(const medsec_reading *reading, const selftest_vector *v)
{
    bool good = reading->count == v->count - 4;
    for (size_t i = 0; good && i < reading->count; i++) {
        char text[MEDSEC_VALUE_TEXT_MAX];
        size_t len = medsec_value_write(text, reading->value[i]);
        good = selftest_same(text, len, &v->field[4 + i]);
    }
    return good;
}

static bool comes_by_the_stream(const selftest_vector *v)
{
    static medsec_seed_decoder decoder;
    const medsec_bytes *f = v->field;
    const medsec_reading *reading = NULL;
    medsec_seed_event event = MEDSEC_SEED_NONE;
    medsec_status reason = MEDSEC_OK;
    size_t used = 0;
    bool good =
        medsec_seed_decoder_open(&decoder, medsec_crypto_bearssl(), &medsec_profile_pico_vitals,
                                 f[0].data, f[1].data) == MEDSEC_OK &&
        medsec_seed_decoder_push(&decoder, f[3].data, f[3].len, &used, &event, &reading, &reason) ==
            MEDSEC_OK &&
        event == MEDSEC_SEED_READING && values_are(reading, v);
    medsec_seed_decoder_close(&decoder);
    return good;
}

bool selftest_seed(const selftest_vector *v)
{
    return encodes(v) && decodes(v) && (v->count == 4 || comes_by_the_stream(v));
}
