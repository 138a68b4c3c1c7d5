/* SPDX-License-Identifier: Apache-2.0 */
#include "unit.h"

#include "guard.h"
#include "seed_wire.h"
#include "vectors.h"

#include <string.h>

#define IV ((const uint8_t *)SEED_IV)

enum { TEXT_MAX = MEDSEC_SEED_BLOCKS_MAX * 16, WIRE_MAX = MEDSEC_SEED_FRAME_LEN(64) };

static void open_aes(medsec_aes_cbc *aes, medsec_direction direction, const char *key)
{
    assert_int_equal(
        medsec_aes_cbc_open(aes, medsec_crypto_openssl(), direction, (const uint8_t *)key),
        MEDSEC_OK);
}

static medsec_seed_chaining chaining_of(const cJSON *vector)
{
    return strcmp(vectors_text(vector, "mode"), "pico") == 0 ? MEDSEC_SEED_CHAINED
                                                             : MEDSEC_SEED_PER_BLOCK;
}

/* encode(json) is the wire, decode(wire) the json, byte for byte. */
static void check_pair(const cJSON *vector, const char *json, const char *frame, size_t frame_len)
{
    const char *key = vectors_text(vector, "key");
    const uint8_t *iv = (const uint8_t *)vectors_text(vector, "iv");
    uint8_t *end = guard_end(WIRE_MAX);
    medsec_aes_cbc aes;
    char out[WIRE_MAX];
    size_t len = 0;

    memcpy(end - strlen(json), json, strlen(json));
    open_aes(&aes, MEDSEC_ENCRYPT, key);
    assert_int_equal(medsec_seed_frame_encode(out, frame_len, &len, &aes, chaining_of(vector), iv,
                                              (const char *)end - strlen(json), strlen(json)),
                     MEDSEC_OK);
    assert_int_equal(len, frame_len);
    assert_memory_equal(out, frame, frame_len);
    assert_int_equal(medsec_seed_frame_encode(out, frame_len - 1, &len, &aes, chaining_of(vector),
                                              iv, json, strlen(json)),
                     MEDSEC_ERR_BUFFER);
    medsec_aes_cbc_close(&aes);

    memcpy(end - frame_len, frame, frame_len);
    open_aes(&aes, MEDSEC_DECRYPT, key);
    size_t cap = (strlen(json) / 16 + 1) * 16;
    assert_int_equal(medsec_seed_frame_decode(out, cap, &len, &aes, chaining_of(vector), iv,
                                              (const char *)end - frame_len, frame_len),
                     MEDSEC_OK);
    assert_int_equal(len, strlen(json));
    assert_memory_equal(out, json, len);
    assert_int_equal(medsec_seed_frame_decode(out, cap - 1, &len, &aes, chaining_of(vector), iv,
                                              frame, frame_len),
                     MEDSEC_ERR_BUFFER);
    medsec_aes_cbc_close(&aes);
    guard_free(end, WIRE_MAX);
}

static void check_file(FILE *file, size_t expected)
{
    size_t count = 0;
    if (file == NULL) {
        skip();
    }
    for (cJSON *vector; (vector = vectors_next(file)) != NULL; cJSON_Delete(vector)) {
        const char *frame = cJSON_GetStringValue(cJSON_GetObjectItem(vector, "wire"));
        if (frame != NULL) { /* the seed's own encoder fails on one text of decode_quirks */
            check_pair(vector, vectors_text(vector, "json"), frame, strlen(frame));
            count++;
        }
    }
    fclose(file);
    assert_int_equal(count, expected);
}

static void check_frames(const char *name, size_t expected)
{
    check_file(vectors_open(name), expected);
}

static void test_examples(void **state)
{
    (void)state;
    FILE *file = fopen(MEDSEC_SOURCE_DIR "/tests/vectors/seed_frames.jsonl", "r");
    assert_non_null(file);
    check_file(file, 10);
}

static void test_pseudo(void **state)
{
    (void)state;
    check_frames("seed/pseudo.jsonl", 130);
}

static void test_pico(void **state)
{
    (void)state;
    check_frames("seed/pico.jsonl", 130);
}

static void test_quirks(void **state)
{
    (void)state;
    check_frames("seed/decode_quirks.jsonl", 31);
}

static void check_streams(const char *name)
{
    FILE *file = vectors_open(name);
    if (file == NULL) {
        skip();
    }
    for (cJSON *vector; (vector = vectors_next(file)) != NULL; cJSON_Delete(vector)) {
        const cJSON *jsons = cJSON_GetObjectItem(vector, "jsons");
        const cJSON *lens = cJSON_GetObjectItem(vector, "frame_lens");
        const char *at = vectors_text(vector, "stream");
        for (int i = 0; i < cJSON_GetArraySize(jsons); i++) {
            size_t len = (size_t)cJSON_GetArrayItem(lens, i)->valueint;
            check_pair(vector, cJSON_GetArrayItem(jsons, i)->valuestring, at, len);
            at += len;
        }
        assert_int_equal(*at, '\0');
    }
    fclose(file);
}

static void test_streams(void **state)
{
    (void)state;
    check_streams("seed/streams_pseudo.jsonl");
    check_streams("seed/streams_pico.jsonl");
}

static void test_every_length(void **state)
{
    medsec_aes_cbc encrypt;
    medsec_aes_cbc decrypt;
    (void)state;
    open_aes(&encrypt, MEDSEC_ENCRYPT, SEED_KEY);
    open_aes(&decrypt, MEDSEC_DECRYPT, SEED_KEY);
    for (size_t text_len = 0; text_len < TEXT_MAX; text_len += text_len < 40 ? 1 : 61) {
        for (int c = MEDSEC_SEED_PER_BLOCK; c <= MEDSEC_SEED_CHAINED; c++) {
            static char text[TEXT_MAX];
            static char wire[WIRE_MAX];
            static char back[TEXT_MAX];
            size_t len = 0;
            memset(text, 'x', text_len);
            assert_int_equal(medsec_seed_frame_encode(wire, sizeof wire, &len, &encrypt,
                                                      (medsec_seed_chaining)c, IV, text, text_len),
                             MEDSEC_OK);
            assert_int_equal(len, MEDSEC_SEED_FRAME_LEN(text_len / 16 + 1));
            assert_int_equal(medsec_seed_frame_decode(back, sizeof back, &len, &decrypt,
                                                      (medsec_seed_chaining)c, IV, wire, len),
                             MEDSEC_OK);
            assert_int_equal(len, text_len);
            assert_memory_equal(back, text, text_len);
        }
    }
    medsec_aes_cbc_close(&encrypt);
    medsec_aes_cbc_close(&decrypt);
}

static void test_encode_refused(void **state)
{
    static char text[TEXT_MAX];
    static char wire[WIRE_MAX + 33];
    medsec_aes_cbc aes;
    size_t len = 0;
    (void)state;
    open_aes(&aes, MEDSEC_ENCRYPT, SEED_KEY);
    assert_int_equal(medsec_seed_frame_encode(wire, sizeof wire, &len, &aes, MEDSEC_SEED_CHAINED,
                                              IV, text, TEXT_MAX),
                     MEDSEC_ERR_LIMIT);
    assert_int_equal(medsec_seed_frame_encode(wire, sizeof wire, &len, &aes, MEDSEC_SEED_CHAINED,
                                              IV, text, SIZE_MAX),
                     MEDSEC_ERR_LIMIT);
    assert_int_equal(
        medsec_seed_frame_encode(wire, sizeof wire, &len, &aes, MEDSEC_SEED_UNDECIDED, IV, text, 1),
        MEDSEC_ERR_ARGUMENT);
    assert_int_equal(
        medsec_seed_frame_decode(wire, sizeof wire, &len, &aes, MEDSEC_SEED_CHAINED, IV, text, 32),
        MEDSEC_ERR_ARGUMENT);
    medsec_aes_cbc_close(&aes);
}

static void test_decode_refused(void **state)
{
    char out[256];
    size_t len = 0;
    seed_wire w = {.len = 0};
    medsec_aes_cbc aes;
    (void)state;
    seed_wire_add(&w, MEDSEC_SEED_PER_BLOCK, SEED_READING);
    open_aes(&aes, MEDSEC_DECRYPT, SEED_KEY);
    for (size_t cut = 0; cut < w.len; cut++) { /* whole blocks remain, but without fill */
        assert_int_equal(medsec_seed_frame_decode(out, sizeof out, &len, &aes,
                                                  MEDSEC_SEED_PER_BLOCK, IV, w.text, cut),
                         MEDSEC_ERR_FRAME);
    }
    for (size_t i = 0; i < w.len; i++) {
        char before = w.text[i];
        w.text[i] = before == '+' ? '0' : '+';
        assert_int_equal(medsec_seed_frame_decode(out, sizeof out, &len, &aes,
                                                  MEDSEC_SEED_PER_BLOCK, IV, w.text, w.len),
                         MEDSEC_ERR_FRAME);
        w.text[i] = before;
    }
    w.len = 0;
    for (size_t i = 0; i <= MEDSEC_SEED_BLOCKS_MAX; i++) {
        if (i > 0) {
            w.text[w.len++] = '+';
        }
        seed_wire_block(&w, SEED_KEY, "&&&&&&&&&&&&&&&&");
    }
    assert_int_equal(medsec_seed_frame_decode(out, sizeof out, &len, &aes, MEDSEC_SEED_PER_BLOCK,
                                              IV, w.text, w.len),
                     MEDSEC_ERR_LIMIT);
    medsec_aes_cbc_close(&aes);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_examples),       cmocka_unit_test(test_pseudo),
        cmocka_unit_test(test_pico),           cmocka_unit_test(test_quirks),
        cmocka_unit_test(test_streams),        cmocka_unit_test(test_every_length),
        cmocka_unit_test(test_encode_refused), cmocka_unit_test(test_decode_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
