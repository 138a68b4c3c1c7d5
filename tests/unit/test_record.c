/* SPDX-License-Identifier: Apache-2.0 */
#include "unit.h"

#include "guard.h"
#include "vectors.h"

#include <medsec/record.h>

#include "core/cbc_hs256.h"

#include <string.h>

enum { ROOM = MEDSEC_RECORD_LEN_MAX };

static const uint8_t KEY[MEDSEC_CHACHAPOLY_KEY_LEN] = "the key of one direction; 32 b.";
static const uint8_t MESSAGE[] = "forty letters, or a few less or more....";

#define FOR_SUITES(suite) \
    for (medsec_suite suite = MEDSEC_SUITE_A128CBC_HS256; suite <= MEDSEC_SUITE_CHACHAPOLY; suite++)

static medsec_record opened(medsec_suite suite)
{
    medsec_record record;
    assert_int_equal(medsec_record_open(&record, medsec_crypto_openssl(), suite, KEY), MEDSEC_OK);
    return record;
}

static size_t seal(medsec_record *record, uint8_t out[ROOM], const void *message, size_t len)
{
    size_t sealed = 0;
    assert_int_equal(medsec_record_seal(record, out, ROOM, &sealed, message, len), MEDSEC_OK);
    return sealed;
}

static void expect_opens(medsec_record *record, uint8_t *data, size_t len, const void *message,
                         size_t message_len)
{
    uint8_t *text = NULL;
    size_t text_len = 0;
    assert_int_equal(medsec_record_unseal(record, data, len, &text, &text_len), MEDSEC_OK);
    assert_int_equal(text_len, message_len);
    assert_ptr_equal(text, data + MEDSEC_RECORD_HEADER_LEN);
    assert_memory_equal(text, message, message_len);
}

static void expect_zero(const void *data, size_t len)
{
    const uint8_t *bytes = data;
    for (size_t i = 0; i < len; i++) {
        assert_int_equal(bytes[i], 0);
    }
}

/* Refused, wiped, and nothing opens after it. */
static void expect_refused(medsec_record *record, uint8_t *data, size_t len, medsec_status expected)
{
    uint8_t *text = NULL;
    size_t text_len = 77;
    medsec_record same = *record;
    same.crypto = medsec_crypto_openssl();
    uint8_t next[ROOM];
    medsec_suite suite = (medsec_suite)record->suite;
    assert_int_equal(medsec_record_unseal(record, data, len, &text, &text_len), expected);
    expect_zero(data, len);
    expect_zero(record, sizeof *record);
    assert_null(text);
    assert_int_equal(text_len, 77);
    size_t next_len = suite == 0 ? 0 : seal(&same, next, MESSAGE, sizeof MESSAGE);
    assert_int_equal(medsec_record_unseal(record, next, next_len, &text, &text_len),
                     MEDSEC_ERR_STATE);
}

static void test_read_header_takes_what_there_is_and_nothing_else(void **state)
{
    (void)state;
    unsigned good = 0;
    for (unsigned word = 0; word < 0x10000; word++) {
        const uint8_t bytes[] = {(uint8_t)(word >> 8), (uint8_t)word, 0, 44};
        medsec_record_header header = {0};
        if (medsec_record_read_header(&header, bytes) == MEDSEC_OK) {
            assert_true(word == 0xA111 || word == 0xA112 || word == 0xA211 || word == 0xA212 ||
                        word == 0xA300);
            assert_int_equal(header.type, word >> 8);
            assert_int_equal(header.flags, word & 0xff);
            assert_int_equal(header.length, 44);
            good++;
        }
    }
    assert_int_equal(good, 5);
}

static void test_read_header_every_length(void **state)
{
    (void)state;
    for (unsigned length = 0; length < 0x10000; length++) {
        const medsec_record_header in = {.type = MEDSEC_RECORD_DATA, .length = (uint16_t)length};
        medsec_record_header out = {0};
        uint8_t bytes[MEDSEC_RECORD_HEADER_LEN];
        medsec_record_write_header(bytes, in);
        assert_int_equal(bytes[2] * 256 + bytes[3], length);
        assert_int_equal(medsec_record_read_header(&out, bytes),
                         length >= 1 && length <= 2048 ? MEDSEC_OK : MEDSEC_ERR_FRAME);
        assert_true(out.length == length || length > 2048);
    }
    assert_int_equal(medsec_record_read_header(NULL, MESSAGE), MEDSEC_ERR_ARGUMENT);
    medsec_record_header header;
    assert_int_equal(medsec_record_read_header(&header, NULL), MEDSEC_ERR_ARGUMENT);
}

static void test_seal_and_unseal_vectors(void **state)
{
    (void)state;
    static uint8_t key[ROOM], message[ROOM], expected[ROOM], out[ROOM];
    FILE *file = fopen(MEDSEC_SOURCE_DIR "/tests/vectors/records.jsonl", "r");
    assert_non_null(file);
    unsigned count = 0;
    for (cJSON *vector; (vector = vectors_next(file)) != NULL; count++) {
        int suite = cJSON_GetObjectItemCaseSensitive(vector, "suite")->valueint;
        assert_int_equal(vectors_bytes(vectors_text(vector, "key"), key, ROOM), sizeof KEY);
        size_t len = vectors_bytes(vectors_text(vector, "message"), message, ROOM);
        size_t sealed = vectors_bytes(vectors_text(vector, "record"), expected, ROOM);
        medsec_record record;
        assert_int_equal(
            medsec_record_open(&record, medsec_crypto_openssl(), (medsec_suite)suite, key),
            MEDSEC_OK);
        record.sequence =
            (uint64_t)cJSON_GetObjectItemCaseSensitive(vector, "sequence")->valuedouble;
        medsec_record other = record;
        assert_int_equal(seal(&record, out, message, len), sealed);
        assert_memory_equal(out, expected, sealed);
        expect_opens(&other, expected, sealed, message, len);
        cJSON_Delete(vector);
    }
    fclose(file);
    assert_int_equal(count, 14);
}

/* Against an inaccessible page, from apart and in place. */
static void test_seal_every_length(void **state)
{
    (void)state;
    uint8_t *end = guard_end(ROOM);
    uint8_t *message_end = guard_end(ROOM);
    FOR_SUITES(suite)
    {
        medsec_record to = opened(suite);
        medsec_record from = opened(suite);
        for (size_t len = 1; len <= MEDSEC_MESSAGE_MAX; len++) {
            size_t whole = medsec_record_len(suite, len);
            uint8_t *out = end - whole;
            uint8_t *message = message_end - len;
            size_t sealed = 0;
            memset(message, (int)len, len);
            assert_int_equal(medsec_record_seal(&to, out, whole - 1, &sealed, message, len),
                             MEDSEC_ERR_BUFFER);
            const uint8_t *source = message;
            if (len % 2 == 1) {
                memcpy(out + MEDSEC_RECORD_HEADER_LEN, message, len);
                source = out + MEDSEC_RECORD_HEADER_LEN;
            }
            assert_int_equal(medsec_record_seal(&to, out, whole, &sealed, source, len), MEDSEC_OK);
            assert_int_equal(sealed, whole);
            expect_opens(&from, out, whole, message, len);
        }
        medsec_record_close(&to);
        medsec_record_close(&from);
    }
    guard_free(end, ROOM);
    guard_free(message_end, ROOM);
}

static void test_seal_limits(void **state)
{
    (void)state;
    static uint8_t out[2 * ROOM];
    static const uint8_t message[MEDSEC_MESSAGE_MAX + 1];
    size_t len = 0;
    FOR_SUITES(suite)
    {
        medsec_record record = opened(suite);
        assert_int_equal(medsec_record_seal(&record, out, sizeof out, &len, message, 0),
                         MEDSEC_ERR_LIMIT);
        assert_int_equal(
            medsec_record_seal(&record, out, sizeof out, &len, message, sizeof message),
            MEDSEC_ERR_LIMIT);
        assert_int_equal(medsec_record_seal(&record, NULL, 0, &len, message, 1),
                         MEDSEC_ERR_ARGUMENT);
        assert_int_equal(record.sequence, 0);
        assert_int_equal(medsec_record_len(suite, MEDSEC_MESSAGE_MAX) <= ROOM, 1);
    }
    assert_int_equal(medsec_record_len(MEDSEC_SUITE_A128CBC_HS256, MEDSEC_MESSAGE_MAX), ROOM);
}

static void test_unseal_every_flipped_bit(void **state)
{
    (void)state;
    FOR_SUITES(suite)
    {
        uint8_t sealed[ROOM];
        medsec_record to = opened(suite);
        size_t len = seal(&to, sealed, MESSAGE, sizeof MESSAGE);
        for (size_t bit = 0; bit < 8 * len; bit++) {
            medsec_record from = opened(suite);
            uint8_t data[ROOM];
            memcpy(data, sealed, len);
            data[bit / 8] ^= (uint8_t)(1u << bit % 8);
            expect_refused(&from, data, len,
                           bit < 8 * MEDSEC_RECORD_HEADER_LEN ? MEDSEC_ERR_FRAME
                                                              : MEDSEC_ERR_CRYPTO);
        }
    }
}

/* Cut with the header as it was, and with one that has the shorter length. */
static void test_unseal_every_truncation(void **state)
{
    (void)state;
    FOR_SUITES(suite)
    {
        uint8_t sealed[ROOM];
        medsec_record to = opened(suite);
        size_t len = seal(&to, sealed, MESSAGE, sizeof MESSAGE);
        for (size_t cut = 0; cut < len; cut++) {
            medsec_record from = opened(suite);
            uint8_t *end = guard_end(ROOM);
            uint8_t *data = end - cut;
            memcpy(data, sealed, cut);
            expect_refused(&from, data, cut, MEDSEC_ERR_FRAME);
            if (cut > MEDSEC_RECORD_HEADER_LEN) {
                from = opened(suite);
                memcpy(data, sealed, cut);
                medsec_record_write_header(
                    data,
                    (medsec_record_header){.type = MEDSEC_RECORD_DATA,
                                           .length = (uint16_t)(cut - MEDSEC_RECORD_HEADER_LEN)});
                expect_refused(&from, data, cut, MEDSEC_ERR_CRYPTO);
            }
            guard_free(end, ROOM);
        }
    }
}

/* Three records arrive as `order` says: those before `good` open, the next one does not. */
static void expect_order(medsec_suite suite, const char *order, size_t good)
{
    uint8_t sealed[3][ROOM];
    size_t len[3];
    medsec_record to = opened(suite);
    medsec_record from = opened(suite);
    for (size_t i = 0; i < 3; i++) {
        len[i] = seal(&to, sealed[i], MESSAGE, sizeof MESSAGE - i);
    }
    for (size_t at = 0; order[at] != '\0'; at++) {
        size_t which = (size_t)(order[at] - '0');
        uint8_t data[ROOM];
        memcpy(data, sealed[which], len[which]);
        if (at == good) {
            expect_refused(&from, data, len[which], MEDSEC_ERR_CRYPTO);
            return;
        }
        expect_opens(&from, data, len[which], MESSAGE, sizeof MESSAGE - which);
    }
    assert_int_equal(good, 3);
}

static void test_unseal_wants_the_next_one(void **state)
{
    (void)state;
    FOR_SUITES(suite)
    {
        expect_order(suite, "012", 3);
        expect_order(suite, "00", 1); /* twice */
        expect_order(suite, "0120", 3);
        expect_order(suite, "02", 1); /* one is missing */
        expect_order(suite, "1", 0);
        expect_order(suite, "021", 1); /* out of order */
        expect_order(suite, "102", 0);
    }
}

static void test_unseal_another_key_or_suite(void **state)
{
    (void)state;
    uint8_t key[sizeof KEY];
    for (size_t bit = 0; bit < 8 * sizeof key; bit++) {
        FOR_SUITES(suite)
        {
            uint8_t data[ROOM];
            medsec_record to = opened(suite);
            medsec_record from;
            memcpy(key, KEY, sizeof key);
            key[bit / 8] ^= (uint8_t)(1u << bit % 8);
            size_t len = seal(&to, data, MESSAGE, sizeof MESSAGE);
            assert_int_equal(medsec_record_open(&from, medsec_crypto_openssl(), suite, key),
                             MEDSEC_OK);
            expect_refused(&from, data, len, MEDSEC_ERR_CRYPTO);
        }
    }
    medsec_record to = opened(MEDSEC_SUITE_CHACHAPOLY);
    medsec_record from = opened(MEDSEC_SUITE_A128CBC_HS256);
    uint8_t data[ROOM];
    size_t len = seal(&to, data, MESSAGE, 32);
    expect_refused(&from, data, len, MEDSEC_ERR_CRYPTO);
}

static void test_unseal_wants_a_data_record(void **state)
{
    static const uint16_t others[] = {0xA111, 0xA112, 0xA211, 0xA301, 0xA310, 0x0000};
    (void)state;
    for (size_t i = 0; i < sizeof others / sizeof others[0]; i++) {
        uint8_t data[ROOM];
        medsec_record to = opened(MEDSEC_SUITE_CHACHAPOLY);
        medsec_record from = to;
        size_t len = seal(&to, data, MESSAGE, 32);
        data[0] = (uint8_t)(others[i] >> 8);
        data[1] = (uint8_t)others[i];
        expect_refused(&from, data, len, MEDSEC_ERR_FRAME);
    }
}

/* Authentic, and yet no message. */
static void test_unseal_no_message(void **state)
{
    (void)state;
    const medsec_crypto *crypto = medsec_crypto_openssl();
    uint8_t ad[12] = {MEDSEC_RECORD_DATA, 0, 0, MEDSEC_RECORD_TAG_LEN};
    uint8_t data[ROOM];
    uint8_t iv[MEDSEC_AES_BLOCK_LEN] = {0};
    medsec_record from = opened(MEDSEC_SUITE_CHACHAPOLY);
    memcpy(data, ad, MEDSEC_RECORD_HEADER_LEN);
    assert_int_equal(crypto->chachapoly_seal(data + 4, KEY, 0, ad, sizeof ad, data, 0), MEDSEC_OK);
    expect_refused(&from, data, 20, MEDSEC_ERR_CRYPTO);

    from = opened(MEDSEC_SUITE_A128CBC_HS256);
    ad[3] = 32;
    memcpy(data, ad, MEDSEC_RECORD_HEADER_LEN);
    assert_int_equal(crypto->aes128_cbc_once(MEDSEC_ENCRYPT, from.keys + 32, iv, iv, iv, sizeof iv),
                     MEDSEC_OK);
    const medsec__cbc_hs256_context context = {
        .crypto = crypto, .key = from.keys, .iv = iv, .ad = ad, .ad_len = sizeof ad};
    assert_int_equal(medsec__cbc_hs256_seal(&context, data + 4, 0, data + 20), MEDSEC_OK);
    expect_refused(&from, data, 36, MEDSEC_ERR_CRYPTO);
}

static void test_sequence_ends_at_2_to_the_32(void **state)
{
    (void)state;
    FOR_SUITES(suite)
    {
        uint8_t data[ROOM];
        size_t len = 0;
        medsec_record to = opened(suite);
        to.sequence = 0xffffffffu;
        medsec_record from = to;
        len = seal(&to, data, MESSAGE, 5);
        expect_opens(&from, data, len, MESSAGE, 5);
        assert_int_equal(medsec_record_seal(&to, data, ROOM, &len, MESSAGE, 5), MEDSEC_ERR_EXPIRED);
        assert_int_equal(medsec_record_seal(&to, data, ROOM, &len, MESSAGE, 5), MEDSEC_ERR_EXPIRED);
        uint8_t *text = NULL;
        assert_int_equal(medsec_record_unseal(&from, data, len, &text, &len), MEDSEC_ERR_EXPIRED);
        expect_zero(&from, sizeof from);
    }
}

static void test_open_arguments(void **state)
{
    (void)state;
    medsec_record record;
    const medsec_crypto *crypto = medsec_crypto_openssl();
    assert_int_equal(medsec_record_open(&record, crypto, (medsec_suite)0, KEY),
                     MEDSEC_ERR_ARGUMENT);
    assert_int_equal(medsec_record_open(&record, crypto, (medsec_suite)3, KEY),
                     MEDSEC_ERR_ARGUMENT);
    assert_int_equal(medsec_record_open(&record, crypto, MEDSEC_SUITE_A128CBC_HS256, NULL),
                     MEDSEC_ERR_ARGUMENT);
    assert_int_equal(medsec_record_open(&record, NULL, MEDSEC_SUITE_A128CBC_HS256, KEY),
                     MEDSEC_ERR_ARGUMENT);
    assert_int_equal(medsec_record_open(NULL, crypto, MEDSEC_SUITE_A128CBC_HS256, KEY),
                     MEDSEC_ERR_ARGUMENT);
}

static void test_close_wipes(void **state)
{
    (void)state;
    FOR_SUITES(suite)
    {
        uint8_t data[ROOM];
        size_t len = 0;
        medsec_record record = opened(suite);
        medsec_record_close(&record);
        expect_zero(&record, sizeof record);
        medsec_record_close(&record);
        assert_int_equal(medsec_record_seal(&record, data, ROOM, &len, MESSAGE, 5),
                         MEDSEC_ERR_STATE);
    }
    medsec_record_close(NULL);
}

static medsec_status refuse_once(medsec_direction direction,
                                 const uint8_t key[MEDSEC_AES128_KEY_LEN],
                                 const uint8_t iv[MEDSEC_AES_BLOCK_LEN], uint8_t *out,
                                 const uint8_t *in, size_t len)
{
    (void)direction;
    (void)key;
    (void)iv;
    (void)out;
    (void)in;
    (void)len;
    return MEDSEC_ERR_PROVIDER;
}

static medsec_status refuse_hmac(uint8_t out[MEDSEC_SHA256_LEN], const uint8_t *key, size_t key_len,
                                 const medsec_bytes *parts, size_t count)
{
    (void)key;
    (void)key_len;
    (void)parts;
    (void)count;
    memset(out, 0x5a, MEDSEC_SHA256_LEN);
    return MEDSEC_ERR_PROVIDER;
}

static void test_provider_fails(void **state)
{
    (void)state;
    medsec_crypto failing = *medsec_crypto_openssl();
    medsec_record record;
    uint8_t data[ROOM];
    size_t len = 0;
    failing.hmac_sha256 = refuse_hmac;
    assert_int_equal(medsec_record_open(&record, &failing, MEDSEC_SUITE_A128CBC_HS256, KEY),
                     MEDSEC_ERR_PROVIDER);
    expect_zero(&record, sizeof record);
    failing = *medsec_crypto_openssl();
    failing.aes128_cbc_once = refuse_once;
    assert_int_equal(medsec_record_open(&record, &failing, MEDSEC_SUITE_A128CBC_HS256, KEY),
                     MEDSEC_OK);
    medsec_record to = opened(MEDSEC_SUITE_A128CBC_HS256);
    size_t whole = seal(&to, data, MESSAGE, sizeof MESSAGE);
    assert_int_equal(medsec_record_seal(&record, data, ROOM, &len, MESSAGE, sizeof MESSAGE),
                     MEDSEC_ERR_PROVIDER);
    expect_zero(data, whole);
    assert_int_equal(record.sequence, 0);
    to = opened(MEDSEC_SUITE_A128CBC_HS256);
    whole = seal(&to, data, MESSAGE, sizeof MESSAGE);
    expect_refused(&record, data, whole, MEDSEC_ERR_PROVIDER);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_read_header_takes_what_there_is_and_nothing_else),
        cmocka_unit_test(test_read_header_every_length),
        cmocka_unit_test(test_seal_and_unseal_vectors),
        cmocka_unit_test(test_seal_every_length),
        cmocka_unit_test(test_seal_limits),
        cmocka_unit_test(test_unseal_every_flipped_bit),
        cmocka_unit_test(test_unseal_every_truncation),
        cmocka_unit_test(test_unseal_wants_the_next_one),
        cmocka_unit_test(test_unseal_another_key_or_suite),
        cmocka_unit_test(test_unseal_wants_a_data_record),
        cmocka_unit_test(test_unseal_no_message),
        cmocka_unit_test(test_sequence_ends_at_2_to_the_32),
        cmocka_unit_test(test_open_arguments),
        cmocka_unit_test(test_close_wipes),
        cmocka_unit_test(test_provider_fails),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
