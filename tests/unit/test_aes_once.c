/* SPDX-License-Identifier: Apache-2.0 */
#include "unit.h"

#include "guard.h"
#include "heap.h"

#include <medsec/record.h>

#include <openssl/crypto.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

/* The contexts that a thread keeps: what they take from the heap, and what they leave in it. */

enum { BLOCKS_MAX = 1 << 16, KEY_LEN = MEDSEC_AES128_KEY_LEN };

static const uint8_t KEY[KEY_LEN] = "a key for a test";
static const uint8_t RECORD_KEY[MEDSEC_CHACHAPOLY_KEY_LEN] = "the key of one direction; 32 b.";
static const uint8_t OTHER_KEY[MEDSEC_CHACHAPOLY_KEY_LEN] = "that of the next session; 32 b.";

/* What OpenSSL has on the heap at the moment. */
static struct block {
    uint8_t *data;
    size_t len;
} blocks[BLOCKS_MAX];
static pthread_mutex_t blocks_lock = PTHREAD_MUTEX_INITIALIZER;
static size_t blocks_len;

static void note(void *data, size_t len)
{
    pthread_mutex_lock(&blocks_lock);
    if (data != NULL) {
        assert_true(blocks_len < BLOCKS_MAX);
        blocks[blocks_len++] = (struct block){data, len};
    }
    pthread_mutex_unlock(&blocks_lock);
}

/* Returns its length. */
static size_t strike(const void *data)
{
    size_t len = 0;
    pthread_mutex_lock(&blocks_lock);
    for (size_t i = 0; i < blocks_len; i++) {
        if (blocks[i].data == data) {
            len = blocks[i].len;
            blocks[i] = blocks[--blocks_len];
            break;
        }
    }
    pthread_mutex_unlock(&blocks_lock);
    return len;
}

/* Zeroed, for the search looks at all of it. */
static void *noting_malloc(size_t len, const char *file, int line)
{
    (void)file;
    (void)line;
    void *data = calloc(1, len);
    note(data, len);
    return data;
}

static void *noting_realloc(void *data, size_t len, const char *file, int line)
{
    (void)file;
    (void)line;
    size_t old = strike(data);
    uint8_t *moved = realloc(data, len);
    if (moved != NULL && len > old) {
        memset(moved + old, 0, len - old);
    }
    note(moved, len);
    return moved;
}

static void noting_free(void *data, const char *file, int line)
{
    (void)file;
    (void)line;
    (void)strike(data);
    free(data);
}

/* A key schedule holds the key itself: for encryption in front, for decryption at the end. */
static size_t found_on_heap(const uint8_t key[KEY_LEN])
{
    size_t found = 0;
    for (size_t i = 0; i < blocks_len; i++) {
        found += memmem(blocks[i].data, blocks[i].len, key, KEY_LEN) != NULL;
    }
    return found;
}

static void run_once(medsec_direction direction, const uint8_t key[KEY_LEN])
{
    uint8_t text[32] = {0};
    assert_int_equal(
        medsec_crypto_openssl()->aes128_cbc_once(direction, key, KEY, text, text, sizeof text),
        MEDSEC_OK);
}

/* With the cipher that is kept and with the one that is not, in place and apart. */
static void test_once_is_the_same_cipher(void **state)
{
    (void)state;
    const medsec_crypto *crypto = medsec_crypto_openssl();
    for (int direction = MEDSEC_DECRYPT; direction <= MEDSEC_ENCRYPT; direction++) {
        for (size_t len = 0; len <= 2048; len += 16) {
            uint8_t in[2048], expected[2048], out[2048], iv[16];
            memset(in, (int)len / 16, sizeof in);
            memcpy(iv, RECORD_KEY, sizeof iv);
            medsec_cipher cipher;
            assert_int_equal(crypto->aes128_cbc_open(&cipher, (medsec_direction)direction, KEY),
                             MEDSEC_OK);
            assert_int_equal(crypto->aes128_cbc_run(&cipher, iv, expected, in, len), MEDSEC_OK);
            crypto->aes128_cbc_close(&cipher);
            assert_int_equal(
                crypto->aes128_cbc_once((medsec_direction)direction, KEY, RECORD_KEY, out, in, len),
                MEDSEC_OK);
            assert_memory_equal(out, expected, len);
            assert_int_equal(
                crypto->aes128_cbc_once((medsec_direction)direction, KEY, RECORD_KEY, in, in, len),
                MEDSEC_OK);
            assert_memory_equal(in, expected, len);
        }
    }
}

static void test_once_of_nothing(void **state)
{
    (void)state;
    uint8_t *end = guard_end(16);
    for (int direction = MEDSEC_DECRYPT; direction <= MEDSEC_ENCRYPT; direction++) {
        assert_int_equal(medsec_crypto_openssl()->aes128_cbc_once((medsec_direction)direction, KEY,
                                                                  KEY, end, end, 0),
                         MEDSEC_OK);
    }
    guard_free(end, 16);
}

static void test_forget_leaves_no_key(void **state)
{
    (void)state;
    const medsec_crypto *crypto = medsec_crypto_openssl();
    run_once(MEDSEC_ENCRYPT, KEY);
    assert_int_not_equal(found_on_heap(KEY), 0);
    crypto->aes128_cbc_forget();
    assert_int_equal(found_on_heap(KEY), 0);
    run_once(MEDSEC_DECRYPT, KEY);
    assert_int_not_equal(found_on_heap(KEY), 0);
    crypto->aes128_cbc_forget();
    assert_int_equal(found_on_heap(KEY), 0);
}

static void test_record_close_leaves_no_key(void **state)
{
    (void)state;
    medsec_record to;
    uint8_t data[128];
    uint8_t *message;
    size_t len;
    assert_int_equal(
        medsec_record_open(&to, medsec_crypto_openssl(), MEDSEC_SUITE_A128CBC_HS256, RECORD_KEY),
        MEDSEC_OK);
    medsec_record from = to;
    const medsec_record keys = to;
    const uint8_t *enc_key = keys.keys + KEY_LEN;
    const uint8_t *iv_key = keys.keys + (size_t)2 * KEY_LEN;
    assert_int_equal(medsec_record_seal(&to, data, sizeof data, &len, KEY, sizeof KEY), MEDSEC_OK);
    assert_int_equal(medsec_record_unseal(&from, data, len, &message, &len), MEDSEC_OK);
    assert_true(found_on_heap(enc_key) > 0 && found_on_heap(iv_key) > 0);
    medsec_record_close(&from);
    assert_true(found_on_heap(enc_key) == 0 && found_on_heap(iv_key) == 0);
    assert_int_equal(medsec_record_seal(&to, data, sizeof data, &len, KEY, sizeof KEY), MEDSEC_OK);
    data[10] ^= 1;
    assert_int_equal(
        medsec_record_open(&from, medsec_crypto_openssl(), MEDSEC_SUITE_A128CBC_HS256, RECORD_KEY),
        MEDSEC_OK);
    from.sequence = 1;
    assert_int_equal(medsec_record_unseal(&from, data, len, &message, &len), MEDSEC_ERR_CRYPTO);
    assert_true(found_on_heap(enc_key) == 0 && found_on_heap(iv_key) == 0);
}

static void seal_and_open(medsec_record *to, medsec_record *from, size_t message_len)
{
    static const uint8_t message[MEDSEC_MESSAGE_MAX];
    uint8_t data[MEDSEC_RECORD_LEN_MAX];
    uint8_t *text;
    size_t len;
    assert_int_equal(medsec_record_seal(to, data, sizeof data, &len, message, message_len),
                     MEDSEC_OK);
    assert_int_equal(medsec_record_unseal(from, data, len, &text, &len), MEDSEC_OK);
    assert_int_equal(len, message_len);
}

static void test_only_the_first_record_of_a_thread_allocates(void **state)
{
    (void)state;
    for (int suite = MEDSEC_SUITE_A128CBC_HS256; suite <= MEDSEC_SUITE_CHACHAPOLY; suite++) {
        medsec_record to;
        assert_int_equal(
            medsec_record_open(&to, medsec_crypto_openssl(), (medsec_suite)suite, RECORD_KEY),
            MEDSEC_OK);
        medsec_record from = to;
        seal_and_open(&to, &from, 1);
        size_t before = heap_allocations();
        for (size_t len = 1; len <= MEDSEC_MESSAGE_MAX; len++) {
            seal_and_open(&to, &from, len);
        }
        /* Another session in this thread, and a wrong record. */
        medsec_record_close(&to);
        medsec_record_close(&from);
        assert_int_equal(
            medsec_record_open(&to, medsec_crypto_openssl(), (medsec_suite)suite, OTHER_KEY),
            MEDSEC_OK);
        from = to;
        seal_and_open(&to, &from, 100);
        uint8_t *text;
        uint8_t wrong[36] = {MEDSEC_RECORD_DATA, 0, 0, 32};
        size_t len;
        assert_int_equal(medsec_record_unseal(&from, wrong, sizeof wrong, &text, &len),
                         MEDSEC_ERR_CRYPTO);
        assert_int_equal(heap_allocations(), before);
    }
}

static void test_heap_is_counted(void **state)
{
    (void)state;
    size_t before = heap_allocations();
    void *volatile data = malloc(10);
    free(data);
    data = calloc(1, 10);
    data = realloc(data, 100);
    free(data);
    assert_int_equal(heap_allocations(), before + 3);
}

static void *thread_of_records(void *unused)
{
    (void)unused;
    run_once(MEDSEC_ENCRYPT, KEY);
    run_once(MEDSEC_DECRYPT, KEY);
    return NULL;
}

static void test_a_thread_leaves_nothing(void **state)
{
    (void)state;
    pthread_t thread;
    size_t before = 0;
    for (int i = 0; i < 20; i++) {
        assert_int_equal(pthread_create(&thread, NULL, thread_of_records, NULL), 0);
        assert_int_equal(pthread_join(thread, NULL), 0);
        if (i == 0) {
            before = blocks_len; /* OpenSSL makes things once */
        }
    }
    assert_int_equal(blocks_len, before);
    assert_int_equal(found_on_heap(KEY), 0);
}

static void *thread_of_its_own_key(void *key)
{
    medsec_record to;
    if (medsec_record_open(&to, medsec_crypto_openssl(), MEDSEC_SUITE_A128CBC_HS256, key) !=
        MEDSEC_OK) {
        return NULL;
    }
    medsec_record from = to;
    for (size_t i = 0; i < 2000; i++) {
        uint8_t data[128];
        uint8_t *message;
        size_t len;
        if (medsec_record_seal(&to, data, sizeof data, &len, key, 32) != MEDSEC_OK ||
            medsec_record_unseal(&from, data, len, &message, &len) != MEDSEC_OK || len != 32 ||
            memcmp(message, key, len) != 0) {
            return NULL;
        }
    }
    medsec_record_close(&to);
    return key;
}

static void test_threads_at_once(void **state)
{
    (void)state;
    enum { THREADS = 4 };
    static uint8_t keys[THREADS][MEDSEC_CHACHAPOLY_KEY_LEN];
    pthread_t threads[THREADS];
    for (size_t i = 0; i < THREADS; i++) {
        memset(keys[i], (int)i + 1, sizeof keys[i]);
        assert_int_equal(pthread_create(&threads[i], NULL, thread_of_its_own_key, keys[i]), 0);
    }
    for (size_t i = 0; i < THREADS; i++) {
        void *result = NULL;
        assert_int_equal(pthread_join(threads[i], &result), 0);
        assert_ptr_equal(result, keys[i]);
    }
}

static void test_forget_before_the_first_record(void **state)
{
    (void)state;
    size_t before = heap_allocations();
    medsec_crypto_openssl()->aes128_cbc_forget();
    assert_int_equal(heap_allocations(), before);
}

int main(void)
{
    if (CRYPTO_set_mem_functions(noting_malloc, noting_realloc, noting_free) != 1) {
        return 1;
    }
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_forget_before_the_first_record),
        cmocka_unit_test(test_once_is_the_same_cipher),
        cmocka_unit_test(test_once_of_nothing),
        cmocka_unit_test(test_forget_leaves_no_key),
        cmocka_unit_test(test_record_close_leaves_no_key),
        cmocka_unit_test(test_only_the_first_record_of_a_thread_allocates),
        cmocka_unit_test(test_heap_is_counted),
        cmocka_unit_test(test_a_thread_leaves_nothing),
        cmocka_unit_test(test_threads_at_once),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
