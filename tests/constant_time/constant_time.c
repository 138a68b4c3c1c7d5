/* SPDX-License-Identifier: Apache-2.0 */
#include "core/cbc_hs256.h"
#include "core/pkcs7.h"
#include "crypto/bearssl/provider.h"
#include "host/key_table.h"

#include <medsec/handshake.h>
#include <medsec/record.h>
#include <medsec/setup.h>

#include <dlfcn.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <valgrind/memcheck.h>

/*
 * Whether code branches on a secret, or takes an address from one: what is secret is marked as
 * undefined memory, and memcheck complains of exactly that. Named by its argument, one case runs;
 * a second argument `leaks` puts a part in that does branch, so that the check can be seen to work.
 *
 * What an attacker sees anyway (a record on the wire, whether it was accepted) is declassified
 * where it leaves: by `reveal`, and in the provider below.
 */

static medsec_crypto crypto;
static bool leaks;
static size_t text_len; /* of the record that is being opened, for `once` */

#define HIDE(object) (void)VALGRIND_MAKE_MEM_UNDEFINED(&(object), sizeof(object))
#define REVEAL(object) reveal(&(object), sizeof(object))

static void reveal(const void *data, size_t len)
{
    (void)VALGRIND_MAKE_MEM_DEFINED(data, len);
}

static void *find_real(const char *name)
{
    void *found = dlsym(RTLD_NEXT, name);
    if (found == NULL) {
        fprintf(stderr, "constant_time: no %s\n", name);
        exit(1);
    }
    return found;
}

static void need(medsec_status status)
{
    REVEAL(status);
    if (status != MEDSEC_OK) {
        fprintf(stderr, "constant_time: %s\n", medsec_strerror(status));
        exit(1);
    }
}

/*
 * libsodium's functions, through here. That two were equal is what the other side sees; how far
 * they were is not.
 */
int sodium_memcmp(const void *a, const void *b, size_t len)
{
    const uint8_t *x = a;
    const uint8_t *y = b;
    for (size_t i = 0; leaks && i < len; i++) {
        if (x[i] != y[i]) {
            return -1;
        }
    }
    int (*real)(const void *, const void *, size_t) = find_real("sodium_memcmp");
    int result = real(a, b, len);
    REVEAL(result);
    return result;
}

/* SipHash under a random key: what it tells of a public key is a place that nobody can foresee. */
int crypto_shorthash(unsigned char *out, const unsigned char *in, unsigned long long len,
                     const unsigned char *key)
{
    uint8_t copy[MEDSEC_X25519_LEN];
    memcpy(copy, in, sizeof copy);
    REVEAL(copy);
    int (*real)(unsigned char *, const unsigned char *, unsigned long long, const unsigned char *) =
        find_real("crypto_shorthash");
    return real(out, copy, len, key);
}

static size_t branching_pkcs7_len(const uint8_t block[MEDSEC_AES_BLOCK_LEN])
{
    size_t pad = block[MEDSEC_AES_BLOCK_LEN - 1];
    for (size_t i = 1; i <= pad && i <= MEDSEC_AES_BLOCK_LEN; i++) {
        if (block[MEDSEC_AES_BLOCK_LEN - i] != pad) {
            return 0;
        }
    }
    return pad;
}

/*
 * After the tag was right the padding is the peer's own, and its length becomes that of the
 * message; the case `padding` looks at how it is examined. The message stays secret.
 */
static medsec_status once(medsec_direction direction, const uint8_t key[MEDSEC_AES128_KEY_LEN],
                          const uint8_t iv[MEDSEC_AES_BLOCK_LEN], uint8_t *out, const uint8_t *in,
                          size_t len)
{
    medsec_status status =
        medsec_crypto_openssl()->aes128_cbc_once(direction, key, iv, out, in, len);
    REVEAL(status);
    if (direction == MEDSEC_DECRYPT && !leaks) {
        reveal(out + text_len, len - text_len);
    }
    return status;
}

/* libsodium's functions check a result and branch on that: they get copies that are no secret. */

static medsec_status x25519(uint8_t out[MEDSEC_X25519_LEN],
                            const uint8_t private_key[MEDSEC_X25519_LEN],
                            const uint8_t public_key[MEDSEC_X25519_LEN])
{
    uint8_t private_copy[MEDSEC_X25519_LEN];
    uint8_t public_copy[MEDSEC_X25519_LEN];
    memcpy(private_copy, private_key, sizeof private_copy);
    memcpy(public_copy, public_key, sizeof public_copy);
    REVEAL(private_copy);
    REVEAL(public_copy);
    medsec_status status = medsec_crypto_openssl()->x25519(out, private_copy, public_copy);
    (void)VALGRIND_MAKE_MEM_UNDEFINED(out, MEDSEC_X25519_LEN);
    return status;
}

static medsec_status chachapoly_open(uint8_t *out, const uint8_t key[MEDSEC_CHACHAPOLY_KEY_LEN],
                                     uint64_t nonce, const uint8_t *ad, size_t ad_len,
                                     const uint8_t *in, size_t len)
{
    uint8_t key_copy[MEDSEC_CHACHAPOLY_KEY_LEN];
    uint8_t ad_copy[MEDSEC_SHA256_LEN];
    memcpy(key_copy, key, sizeof key_copy);
    memcpy(ad_copy, ad, ad_len);
    REVEAL(key_copy);
    REVEAL(ad_copy);
    medsec_status status =
        medsec_crypto_openssl()->chachapoly_open(out, key_copy, nonce, ad_copy, ad_len, in, len);
    (void)VALGRIND_MAKE_MEM_UNDEFINED(out, len - MEDSEC_CHACHAPOLY_TAG_LEN);
    return status;
}

static void setup(void)
{
    crypto = *medsec_crypto_openssl();
    crypto.aes128_cbc_once = once;
    crypto.x25519 = x25519;
    crypto.chachapoly_open = chachapoly_open;
}

/* The primitives themselves, as far as the provider has them from OpenSSL. */
static void primitives(void)
{
    const medsec_crypto *real = medsec_crypto_openssl();
    uint8_t key[100] = {1};
    uint8_t text[160] = {2};
    uint8_t out[MEDSEC_SHA256_LEN];
    const medsec_bytes parts[] = {{text, 100}, {text + 100, 60}};
    HIDE(key);
    HIDE(text);
    need(real->sha256(out, parts, 2));
    need(real->hmac_sha256(out, key, 16, parts, 2));
    need(real->hmac_sha256(out, key, sizeof key, parts, 2));
    need(real->aes128_cbc_once(MEDSEC_ENCRYPT, key, key + 16, text, text, sizeof text));
    need(real->aes128_cbc_once(MEDSEC_DECRYPT, key, key + 16, text, text, sizeof text));
    (void)real->equal(out, text, sizeof out);
    if (leaks && text[0] == out[0]) {
        puts("leak");
    }
}

/*
 * The device's provider, whole. Its own comparison goes through here (the linker's --wrap): whether
 * a tag was right, or a Diffie-Hellman result zero, is what the other side sees.
 */
bool __real_medsec__bear_equal(const void *a, const void *b, size_t len);
bool __wrap_medsec__bear_equal(const void *a, const void *b, size_t len);

bool __wrap_medsec__bear_equal(const void *a, const void *b, size_t len)
{
    if (leaks && *(const uint8_t *)a != *(const uint8_t *)b) {
        return false;
    }
    bool same = __real_medsec__bear_equal(a, b, len);
    REVEAL(same);
    return same;
}

static void bearssl(void)
{
    const medsec_crypto *real = medsec_crypto_bearssl();
    medsec_cipher cipher;
    uint8_t key[100] = {1};
    uint8_t text[160 + MEDSEC_CHACHAPOLY_TAG_LEN] = {2};
    uint8_t iv[MEDSEC_AES_BLOCK_LEN] = {3};
    uint8_t out[MEDSEC_SHA256_LEN];
    const medsec_bytes parts[] = {{text, 100}, {text + 100, 60}};
    HIDE(key);
    HIDE(text);
    HIDE(iv);
    need(real->sha256(out, parts, 2));
    need(real->hmac_sha256(out, key, 16, parts, 2));
    need(real->hmac_sha256(out, key, sizeof key, parts, 2));
    need(real->aes128_cbc_once(MEDSEC_ENCRYPT, key, iv, text, text, 160));
    need(real->aes128_cbc_open(&cipher, MEDSEC_DECRYPT, key));
    need(real->aes128_cbc_run(&cipher, iv, text, text, 160));
    need(real->x25519_public(out, key));
    need(real->x25519(out, key, out));
    need(real->chachapoly_seal(text, key, 1, iv, sizeof iv, text, 160));
    need(real->chachapoly_open(text, key, 1, iv, sizeof iv, text, sizeof text));
}

static void padding(void)
{
    size_t (*const len_of)(const uint8_t *) = leaks ? branching_pkcs7_len : medsec__pkcs7_len;
    for (unsigned last = 0; last < 256; last++) {
        uint8_t block[MEDSEC_AES_BLOCK_LEN];
        memset(block, (int)last, sizeof block);
        HIDE(block);
        size_t len = len_of(block);
        REVEAL(len);
        if (len != (last >= 1 && last <= sizeof block ? last : 0)) {
            need(MEDSEC_ERR_CRYPTO);
        }
    }
}

/* A right tag, and one that is wrong from each byte on. */
static void tag(void)
{
    for (size_t wrong = 0; wrong <= MEDSEC__CBC_HS256_TAG_LEN; wrong++) {
        uint8_t key[MEDSEC__CBC_HS256_KEY_LEN] = {1};
        uint8_t iv[MEDSEC_AES_BLOCK_LEN] = {2};
        uint8_t data[MEDSEC_AES_BLOCK_LEN] = "text";
        uint8_t sealed[MEDSEC__CBC_HS256_TAG_LEN];
        size_t len = sizeof data;
        HIDE(key);
        HIDE(iv);
        HIDE(data);
        text_len = 4;
        const medsec__cbc_hs256_context context = {
            .crypto = &crypto, .key = key, .iv = iv, .ad = data, .ad_len = 0};
        need(medsec__cbc_hs256_seal(&context, data, text_len, sealed));
        REVEAL(data);
        if (wrong < sizeof sealed) {
            sealed[wrong] ^= 1;
        }
        medsec_status status = medsec__cbc_hs256_open(&context, data, &len, sealed);
        bool good = wrong == sizeof sealed;
        if (status != (good ? MEDSEC_OK : MEDSEC_ERR_CRYPTO) || (good && len != text_len)) {
            need(MEDSEC_ERR_CRYPTO);
        }
    }
}

typedef struct peer {
    medsec_handshake handshake;
    uint8_t static_key[MEDSEC_X25519_LEN];
    uint8_t ephemeral_key[MEDSEC_X25519_LEN];
    uint8_t psk[MEDSEC_PSK_LEN];
    uint8_t to_gateway[MEDSEC_CHACHAPOLY_KEY_LEN];
    uint8_t to_device[MEDSEC_CHACHAPOLY_KEY_LEN];
} peer;

static void begin(peer *self, medsec_role role, uint8_t seed)
{
    uint8_t public_key[MEDSEC_X25519_LEN];
    memset(self->static_key, seed, sizeof self->static_key);
    memset(self->ephemeral_key, seed + 1, sizeof self->ephemeral_key);
    memset(self->psk, 9, sizeof self->psk);
    need(medsec_crypto_openssl()->x25519_public(public_key, self->static_key));
    HIDE(self->static_key);
    HIDE(self->ephemeral_key);
    HIDE(self->psk);
    need(medsec_handshake_open(&self->handshake, &crypto, MEDSEC_PATTERN_IKPSK1, role, NULL, 0));
    need(medsec_handshake_set_static(&self->handshake, self->static_key, public_key));
    need(medsec_handshake_set_ephemeral(&self->handshake, self->ephemeral_key));
    medsec_handshake_set_psk(&self->handshake, self->psk);
}

static void say(peer *from, peer *to)
{
    uint8_t payload[8] = {0};
    uint8_t message[256];
    uint8_t read[256];
    size_t len = 0;
    HIDE(payload);
    need(medsec_handshake_write(&from->handshake, message, sizeof message, &len, payload,
                                sizeof payload));
    REVEAL(message); /* it goes out */
    need(medsec_handshake_read(&to->handshake, read, &len, message, len));
}

/* One record of every length of padding; then a forged one. */
static void records(const uint8_t from_key[MEDSEC_CHACHAPOLY_KEY_LEN],
                    const uint8_t to_key[MEDSEC_CHACHAPOLY_KEY_LEN], medsec_suite suite)
{
    medsec_record from;
    medsec_record to;
    uint8_t message[32] = {0};
    uint8_t data[128];
    uint8_t *text;
    size_t len;
    need(medsec_record_open(&from, &crypto, suite, from_key));
    need(medsec_record_open(&to, &crypto, suite, to_key));
    HIDE(message);
    for (text_len = 1; text_len <= sizeof message; text_len++) {
        need(medsec_record_seal(&from, data, sizeof data, &len, message, text_len));
        REVEAL(data);
        need(medsec_record_unseal(&to, data, len, &text, &len));
    }
    need(medsec_record_seal(&from, data, sizeof data, &len, message, sizeof message));
    REVEAL(data);
    data[len - 1] ^= 1;
    if (medsec_record_unseal(&to, data, len, &text, &len) != MEDSEC_ERR_CRYPTO) {
        need(MEDSEC_ERR_CRYPTO);
    }
    medsec_record_close(&from);
}

/* From the first message of the handshake to records in both suites. */
static void session(void)
{
    static peer device;
    static peer gateway;
    begin(&device, MEDSEC_INITIATOR, 1);
    begin(&gateway, MEDSEC_RESPONDER, 3);
    uint8_t known[MEDSEC_X25519_LEN];
    memcpy(known, gateway.handshake.static_public, sizeof known);
    medsec_handshake_set_remote_static(&device.handshake, known);
    say(&device, &gateway);
    say(&gateway, &device);
    need(medsec_handshake_split(&device.handshake, device.to_gateway, device.to_device));
    need(medsec_handshake_split(&gateway.handshake, gateway.to_gateway, gateway.to_device));
    records(device.to_gateway, gateway.to_gateway, MEDSEC_SUITE_A128CBC_HS256);
    records(gateway.to_device, device.to_device, MEDSEC_SUITE_CHACHAPOLY);
}

/* A key that is there, and others that differ from it in one byte, some in its place. */
static void lookup(void)
{
    uint8_t key[MEDSEC_X25519_LEN] = {1};
    uint32_t owner = 0;
    HIDE(key);
    medsec__key_table *table = medsec__key_table_create(1);
    bool good = table != NULL && medsec__key_table_add(table, key, 7) &&
                medsec__key_table_find(table, key, &owner) && owner == 7;
    for (unsigned bit = 0; good && bit < 8 * sizeof key; bit++) {
        uint8_t other[MEDSEC_X25519_LEN];
        memcpy(other, key, sizeof other);
        other[bit / 8] ^= (uint8_t)(1u << bit % 8);
        good = !medsec__key_table_find(table, other, &owner);
    }
    medsec__key_table_destroy(table);
    need(good ? MEDSEC_OK : MEDSEC_ERR_NOT_FOUND);
}

/* What comes of a secret is one: that a psk is not all zero may be told. */
static medsec_status hmac_of_a_secret(uint8_t out[MEDSEC_SHA256_LEN], const uint8_t *key,
                                      size_t key_len, const medsec_bytes *parts, size_t count)
{
    medsec_status status = medsec_crypto_openssl()->hmac_sha256(out, key, key_len, parts, count);
    (void)VALGRIND_MAKE_MEM_UNDEFINED(out, MEDSEC_SHA256_LEN);
    return status;
}

/* A device's setup key, a form under it, and one that was changed. What is in a form is the
 * device's to look at once it has opened. */
static void setup_page(void)
{
    const medsec_credential credential = {.device = "device",
                                          .profile = MEDSEC_PROFILE_DEFAULT,
                                          .wire = MEDSEC_WIRE_MEDSEC1,
                                          .suite = MEDSEC_SUITE_CHACHAPOLY,
                                          .device_public = {1},
                                          .psk = {1, 2, 3}};
    medsec_crypto hiding = crypto;
    const uint8_t salt[MEDSEC_SETUP_SALT_LEN] = {7};
    medsec_setup_form form = {.kind = MEDSEC_SETUP_DECOMMISSION};
    char key[MEDSEC_SETUP_KEY_LEN];
    char text[MEDSEC_SETUP_KEY_TEXT_LEN];
    uint8_t sealed[MEDSEC_SETUP_FORM_LEN];
    uint8_t answer_key[MEDSEC_CHACHAPOLY_KEY_LEN];
    uint8_t answer[MEDSEC_SETUP_ANSWER_LEN];
    hiding.hmac_sha256 = hmac_of_a_secret;
    need(medsec_setup_key(key, &hiding, &credential));
    medsec_setup_key_text(text, key);
    if (leaks && text[0] == 'A') {
        puts("leak");
    }
    need(medsec_setup_form_seal(sealed, answer_key, &crypto, key, salt, &form));
    need(medsec_setup_answer_seal(answer, &crypto, answer_key, MEDSEC_SETUP_DONE));
    REVEAL(sealed);
    sealed[sizeof sealed - 1] ^= 1;
    if (medsec_setup_form_open(&form, answer_key, &crypto, key, salt, sealed, sizeof sealed) !=
        MEDSEC_ERR_CRYPTO) {
        need(MEDSEC_ERR_CRYPTO);
    }
}

int main(int argc, char **argv)
{
    static const struct {
        const char *name;
        void (*run)(void);
    } cases[] = {
        {"primitives", primitives}, {"bearssl", bearssl}, {"padding", padding},      {"tag", tag},
        {"session", session},       {"lookup", lookup},   {"setup_page", setup_page}};
    if (!RUNNING_ON_VALGRIND) {
        fputs("constant_time: run it under valgrind\n", stderr);
        return 2;
    }
    leaks = argc == 3 && strcmp(argv[2], "leaks") == 0;
    setup();
    for (size_t i = 0; argc >= 2 && i < sizeof cases / sizeof cases[0]; i++) {
        if (strcmp(argv[1], cases[i].name) == 0) {
            cases[i].run();
            return 0;
        }
    }
    fputs("constant_time: no such case\n", stderr);
    return 2;
}
