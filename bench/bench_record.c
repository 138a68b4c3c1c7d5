/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What it costs to seal and to open a record of a 128-byte message, against the bare primitives
 * that nobody can do without, with contexts that were prepared for the key, in the same run, in
 * turns: AES-128-CBC and HMAC-SHA-256 of OpenSSL's EVP for suite 1, the provider's own
 * ChaCha20-Poly1305 for suite 2.
 */
#include <medsec/medsec.h>

#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/params.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { MESSAGE_LEN = 128, PADDED_LEN = 144, RECORDS = 1000, ROUNDS = 201, TAG_LEN = 16 };
enum { AD_LEN = 12, ROOM = 256 };

static const uint8_t KEY[MEDSEC_CHACHAPOLY_KEY_LEN] = "the key of one direction; 32 b.";
static const uint8_t IV[MEDSEC_AES_BLOCK_LEN] = "and a vector too";

static void must(bool good, const char *what)
{
    if (!good) {
        fprintf(stderr, "bench_record: %s\n", what);
        exit(1);
    }
}

static uint64_t now_ns(void)
{
    struct timespec t;
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
    return (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
}

/* The bare primitives of suite 1. */

static EVP_CIPHER_CTX *ciphers[2]; /* by medsec_direction */
static EVP_MAC_CTX *mac;

static void prepare(void)
{
    char digest[] = "SHA256";
    const OSSL_PARAM params[] = {OSSL_PARAM_construct_utf8_string("digest", digest, 0),
                                 OSSL_PARAM_construct_end()};
    EVP_MAC *hmac = EVP_MAC_fetch(NULL, "HMAC", NULL);
    mac = EVP_MAC_CTX_new(hmac);
    must(mac != NULL && EVP_MAC_init(mac, KEY, 16, params) == 1, "mac");
    EVP_MAC_free(hmac);
    for (int direction = MEDSEC_DECRYPT; direction <= MEDSEC_ENCRYPT; direction++) {
        ciphers[direction] = EVP_CIPHER_CTX_new();
        must(ciphers[direction] != NULL &&
                 EVP_CipherInit_ex(ciphers[direction], EVP_aes_128_cbc(), NULL, KEY, IV,
                                   direction) == 1 &&
                 EVP_CIPHER_CTX_set_padding(ciphers[direction], 0) == 1,
             "cipher");
    }
}

static void bare_cipher(medsec_direction direction, uint8_t *data)
{
    int done = 0;
    must(EVP_CipherInit_ex(ciphers[direction], NULL, NULL, NULL, IV, -1) == 1 &&
             EVP_CipherUpdate(ciphers[direction], data, &done, data, PADDED_LEN) == 1,
         "cipher");
}

/* Over as many bytes as a record authenticates: AAD, IV, ciphertext, length. */
static void bare_mac(const uint8_t *data, uint8_t tag[MEDSEC_SHA256_LEN])
{
    size_t len = 0;
    must(EVP_MAC_init(mac, NULL, 0, NULL) == 1 && EVP_MAC_update(mac, IV, AD_LEN) == 1 &&
             EVP_MAC_update(mac, IV, sizeof IV) == 1 &&
             EVP_MAC_update(mac, data, PADDED_LEN) == 1 && EVP_MAC_update(mac, IV, 8) == 1 &&
             EVP_MAC_final(mac, tag, &len, MEDSEC_SHA256_LEN) == 1,
         "mac");
}

static void bare_seal_aes(uint8_t *data, uint64_t sequence)
{
    uint8_t tag[MEDSEC_SHA256_LEN];
    (void)sequence;
    bare_cipher(MEDSEC_ENCRYPT, data);
    bare_mac(data, tag);
    memcpy(data + PADDED_LEN, tag, TAG_LEN);
}

static void bare_open_aes(uint8_t *data, uint64_t sequence)
{
    uint8_t tag[MEDSEC_SHA256_LEN];
    (void)sequence;
    bare_mac(data, tag);
    must(CRYPTO_memcmp(tag, data + PADDED_LEN, TAG_LEN) == 0, "tag");
    bare_cipher(MEDSEC_DECRYPT, data);
}

static void bare_seal_chacha(uint8_t *data, uint64_t sequence)
{
    must(medsec_crypto_openssl()->chachapoly_seal(data, KEY, sequence, IV, AD_LEN, data,
                                                  MESSAGE_LEN) == MEDSEC_OK,
         "seal");
}

static void bare_open_chacha(uint8_t *data, uint64_t sequence)
{
    must(medsec_crypto_openssl()->chachapoly_open(data, KEY, sequence, IV, AD_LEN, data,
                                                  MESSAGE_LEN + TAG_LEN) == MEDSEC_OK,
         "open");
}

typedef struct costs {
    uint64_t seal;
    uint64_t open;
} costs;

typedef void bare_fn(uint8_t *data, uint64_t sequence);

static uint8_t rows[RECORDS][ROOM];

static costs run_bare(bare_fn *seal, bare_fn *open)
{
    costs spent;
    uint64_t start = now_ns();
    for (size_t i = 0; i < RECORDS; i++) {
        seal(rows[i], i);
    }
    spent.seal = now_ns() - start;
    start = now_ns();
    for (size_t i = 0; i < RECORDS; i++) {
        open(rows[i], i);
    }
    spent.open = now_ns() - start;
    return spent;
}

static costs run_ours(medsec_suite suite)
{
    medsec_record to;
    size_t len = 0;
    costs spent;
    must(medsec_record_open(&to, medsec_crypto_openssl(), suite, KEY) == MEDSEC_OK, "record");
    medsec_record from = to;
    uint64_t start = now_ns();
    for (size_t i = 0; i < RECORDS; i++) {
        must(medsec_record_seal(&to, rows[i], ROOM, &len, rows[i] + MEDSEC_RECORD_HEADER_LEN,
                                MESSAGE_LEN) == MEDSEC_OK,
             "seal");
    }
    spent.seal = now_ns() - start;
    start = now_ns();
    for (size_t i = 0; i < RECORDS; i++) {
        uint8_t *message = NULL;
        size_t message_len = 0;
        must(medsec_record_unseal(&from, rows[i], len, &message, &message_len) == MEDSEC_OK &&
                 message_len == MESSAGE_LEN,
             "open");
    }
    spent.open = now_ns() - start;
    medsec_record_close(&to);
    medsec_record_close(&from);
    return spent;
}

static int ascending(const void *a, const void *b)
{
    const uint64_t *x = a;
    const uint64_t *y = b;
    return (*x > *y) - (*x < *y);
}

static double median(uint64_t values[ROUNDS])
{
    qsort(values, ROUNDS, sizeof values[0], ascending);
    return (double)values[ROUNDS / 2] / RECORDS;
}

static void print(medsec_suite suite, const char *what, uint64_t ours[ROUNDS],
                  uint64_t bare[ROUNDS])
{
    double ours_ns = median(ours);
    double bare_ns = median(bare);
    printf("{\"bench\": \"record\", \"suite\": \"%s\", \"do\": \"%s\", \"message_bytes\": %d, "
           "\"ns\": %.0f, \"bare_ns\": %.0f, \"of_bare\": %.2f, \"target\": 1.6}\n",
           medsec_suite_name(suite), what, MESSAGE_LEN, ours_ns, bare_ns, ours_ns / bare_ns);
}

static void measure(medsec_suite suite, bare_fn *seal, bare_fn *open)
{
    static uint64_t ours[2][ROUNDS], bare[2][ROUNDS];
    for (size_t i = 0; i < ROUNDS; i++) {
        costs floor = run_bare(seal, open);
        costs spent = run_ours(suite);
        bare[0][i] = floor.seal;
        bare[1][i] = floor.open;
        ours[0][i] = spent.seal;
        ours[1][i] = spent.open;
    }
    print(suite, "seal", ours[0], bare[0]);
    print(suite, "open", ours[1], bare[1]);
}

int main(void)
{
    prepare();
    measure(MEDSEC_SUITE_A128CBC_HS256, bare_seal_aes, bare_open_aes);
    measure(MEDSEC_SUITE_CHACHAPOLY, bare_seal_chacha, bare_open_chacha);
    return 0;
}
