/* SPDX-License-Identifier: Apache-2.0 */
#include "unit.h"

#include "sanitizer.h"
#include "secrets.h"

#include <medsec/handshake.h>
#include <medsec/record.h>

#include <string.h>

/* Handshakes and records; structs, records and messages lie elsewhere than on the stack. */

enum { PART_LEN = SECRETS_PART_LEN, MESSAGE_LEN = 160 };

static const uint8_t KEY[MEDSEC_CHACHAPOLY_KEY_LEN] = "the key of one direction; 32 b.";
static uint8_t message[MESSAGE_LEN];
static medsec_record to;
static medsec_record from;
static medsec_record copy;
static uint8_t data[512];
static medsec_suite suite;
static bool good;
static medsec_crypto crypto;

static void add_masked(const uint8_t part[PART_LEN], uint8_t mask)
{
    uint8_t masked[PART_LEN];
    for (size_t i = 0; i < PART_LEN; i++) {
        masked[i] = part[i] ^ mask;
    }
    secrets_add(masked);
}

/* As a number of 32 bits each, the way SHA-256 has them in memory. */
static void add_words(const uint8_t *bytes)
{
    uint8_t words[PART_LEN];
    for (size_t i = 0; i < PART_LEN; i++) {
        words[i] = bytes[i ^ 3u];
    }
    secrets_add(words);
}

static void seal_and_open(void)
{
    uint8_t *text = NULL;
    size_t len = 0;
    good = medsec_record_open(&to, &crypto, suite, KEY) == MEDSEC_OK &&
           medsec_record_open(&from, &crypto, suite, KEY) == MEDSEC_OK &&
           medsec_record_seal(&to, data, sizeof data, &len, message, sizeof message) == MEDSEC_OK &&
           medsec_record_unseal(&from, data, len, &text, &len) == MEDSEC_OK &&
           medsec_record_seal(&to, data, sizeof data, &len, message, sizeof message) == MEDSEC_OK;
    data[len - 1] ^= 1; /* what is computed of it is the tag that the sender wants to know */
    good = good && medsec_record_unseal(&from, data, len, &text, &len) == MEDSEC_ERR_CRYPTO;
    medsec_record_close(&to);
}

static void leave_one(void)
{
    uint8_t left[1024]; /* deep enough that the way back does not overwrite its beginning */
    memcpy(left, KEY, PART_LEN);
    __asm__ volatile("" : : "r"(left) : "memory"); /* somebody might read it */
    good = true;
}

static size_t left_by(void (*run)(void))
{
    good = false;
    size_t left = secrets_left_by(run);
    assert_true(good);
    return left;
}

static void expect_wiped(const unsigned *expected, size_t count)
{
    assert_int_equal(secrets_count(), count);
    for (size_t i = 0; i < count; i++) {
        assert_int_equal(secrets_wiped(i), expected[i]);
    }
}

static int setup(void **state)
{
    (void)state;
    crypto = *medsec_crypto_openssl();
    crypto.wipe = secrets_wipe;
    return 0;
}

static void add_iv(uint64_t sequence)
{
    uint8_t iv[MEDSEC_AES_BLOCK_LEN] = {0};
    const uint8_t zero[MEDSEC_AES_BLOCK_LEN] = {0};
    iv[sizeof iv - 1] = (uint8_t)sequence;
    assert_int_equal(
        crypto.aes128_cbc_once(MEDSEC_ENCRYPT, copy.keys + 2 * PART_LEN, zero, iv, iv, sizeof iv),
        MEDSEC_OK);
    secrets_add(iv);
}

static void expect_nothing_left(void)
{
    secrets_clear();
    for (size_t i = 0; i < sizeof message; i++) {
        message[i] = (uint8_t)(i * 37 + 11);
    }
    secrets_add(KEY);
    secrets_add(KEY + PART_LEN);
    assert_int_equal(left_by(leave_one), 1);
    for (size_t at = 0; at < sizeof message; at += PART_LEN) {
        secrets_add(message + at);
    }
    assert_int_equal(medsec_record_open(&copy, medsec_crypto_openssl(), suite, KEY), MEDSEC_OK);
    if (suite == MEDSEC_SUITE_A128CBC_HS256) {
        size_t len = 0;
        for (size_t i = 0; i < 3; i++) {
            secrets_add(copy.keys + i * PART_LEN);
        }
        add_iv(1);
        copy.sequence = 1;
        assert_int_equal(
            medsec_record_seal(&copy, data, sizeof data, &len, message, sizeof message), MEDSEC_OK);
        secrets_add(data + len - PART_LEN); /* the tag that a forger wants to know */
        add_words(data + len - PART_LEN);
        add_masked(copy.keys, 0x36); /* HMAC's two pads */
        add_masked(copy.keys, 0x5c);
        medsec_record_close(&copy);
    }
    assert_int_equal(left_by(seal_and_open), 0);
}

static void test_cbc_leaves_nothing_on_the_stack(void **state)
{
    (void)state;
    suite = MEDSEC_SUITE_A128CBC_HS256;
    expect_nothing_left();
    /* Keys at both ends; IV_KEY also in HKDF. IV and tag where they were computed. */
    const unsigned expected[] = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 2, 2, 4, 2, 2, 0, 0, 0};
    expect_wiped(expected, sizeof expected / sizeof expected[0]);
}

static void test_chachapoly_leaves_nothing_on_the_stack(void **state)
{
    (void)state;
    suite = MEDSEC_SUITE_CHACHAPOLY;
    expect_nothing_left();
    const unsigned expected[] = {2, 2, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0};
    expect_wiped(expected, sizeof expected / sizeof expected[0]);
}

typedef struct peer {
    medsec_handshake handshake;
    uint8_t private_key[MEDSEC_X25519_LEN];
    uint8_t public_key[MEDSEC_X25519_LEN];
    uint8_t ephemeral[MEDSEC_X25519_LEN];
    uint8_t to_gateway[MEDSEC_CHACHAPOLY_KEY_LEN];
    uint8_t to_device[MEDSEC_CHACHAPOLY_KEY_LEN];
} peer;

static const uint8_t PSK[MEDSEC_PSK_LEN] = "a key that only one device has.";
static peer device;
static peer gateway;
static uint8_t hello[128];
static uint8_t payload[128];
static uint8_t welcome[128];
static uint8_t first_chain[MEDSEC_SHA256_LEN]; /* chaining keys: of the name, and the last one */
static uint8_t last_chain[MEDSEC_SHA256_LEN];
static size_t hello_len;
static size_t welcome_len;

static bool begin(peer *self, medsec_role role)
{
    medsec_handshake *h = &self->handshake;
    return medsec_handshake_open(h, &crypto, MEDSEC_PATTERN_IKPSK1, role, NULL, 0) == MEDSEC_OK &&
           medsec_handshake_set_static(h, self->private_key, NULL) == MEDSEC_OK &&
           medsec_handshake_set_ephemeral(h, self->ephemeral) == MEDSEC_OK;
}

static bool end(peer *self)
{
    medsec_status status =
        medsec_handshake_split(&self->handshake, self->to_gateway, self->to_device);
    medsec_handshake_close(&self->handshake);
    return status == MEDSEC_OK;
}

static void say_hello(void)
{
    good = begin(&device, MEDSEC_INITIATOR);
    memcpy(first_chain, device.handshake.chaining_key, sizeof first_chain);
    medsec_handshake_set_remote_static(&device.handshake, gateway.public_key);
    medsec_handshake_set_psk(&device.handshake, PSK);
    good = good && medsec_handshake_write(&device.handshake, hello, sizeof hello, &hello_len,
                                          message, 8) == MEDSEC_OK;
}

static void answer(void)
{
    medsec_handshake *h = &gateway.handshake;
    size_t len = 0;
    good = begin(&gateway, MEDSEC_RESPONDER) &&
           medsec_handshake_read(h, payload, &len, hello, hello_len) == MEDSEC_ERR_STATE;
    medsec_handshake_set_psk(h, PSK);
    good =
        good && medsec_handshake_read(h, payload, &len, hello, hello_len) == MEDSEC_OK &&
        medsec_handshake_write(h, welcome, sizeof welcome, &welcome_len, message, 8) == MEDSEC_OK &&
        end(&gateway);
}

static void finish(void)
{
    size_t len = 0;
    good =
        medsec_handshake_read(&device.handshake, payload, &len, welcome, welcome_len) == MEDSEC_OK;
    memcpy(last_chain, device.handshake.chaining_key, sizeof last_chain);
    good = good && end(&device);
}

static void add_shared(const uint8_t *private_key, const uint8_t *public_key)
{
    uint8_t shared[MEDSEC_X25519_LEN];
    assert_int_equal(medsec_crypto_openssl()->x25519(shared, private_key, public_key), MEDSEC_OK);
    secrets_add_key(shared);
}

static void add_peer(peer *self, uint8_t seed)
{
    for (size_t i = 0; i < MEDSEC_X25519_LEN; i++) {
        self->private_key[i] = (uint8_t)(seed + 3 * i);
        self->ephemeral[i] = (uint8_t)(seed + 5 * i);
    }
    assert_int_equal(medsec_crypto_openssl()->x25519_public(self->public_key, self->private_key),
                     MEDSEC_OK);
    secrets_add_key(self->private_key);
    secrets_add_key(self->ephemeral);
}

/* HKDF-Extract, whose result the handshake has for a moment. */
static void add_extract(const uint8_t chain[MEDSEC_SHA256_LEN], const uint8_t *input, size_t len)
{
    uint8_t secret[MEDSEC_SHA256_LEN];
    const medsec_bytes parts[] = {{input, len}};
    assert_int_equal(crypto.hmac_sha256(secret, chain, MEDSEC_SHA256_LEN, parts, 1), MEDSEC_OK);
    secrets_add_key(secret);
}

static void shake_hands(void)
{
    size_t found = left_by(say_hello) + left_by(answer) + left_by(finish);
    assert_int_equal(found, 0);
    assert_memory_equal(device.to_gateway, gateway.to_gateway, sizeof gateway.to_gateway);
    assert_memory_equal(device.to_device, gateway.to_device, sizeof gateway.to_device);
}

static void test_handshake_leaves_nothing_on_the_stack(void **state)
{
    (void)state;
    uint8_t ephemeral[MEDSEC_X25519_LEN];
    secrets_clear();
    add_peer(&device, 10);
    add_peer(&gateway, 100);
    shake_hands(); /* what comes of it is looked for the second time */
    secrets_add_key(PSK);
    secrets_add_key(device.public_key); /* it tells who it is */
    add_shared(device.private_key, gateway.public_key);
    add_shared(device.ephemeral, gateway.public_key);
    secrets_add_key(device.to_gateway);
    secrets_add_key(device.to_device);
    assert_int_equal(crypto.x25519_public(ephemeral, device.ephemeral), MEDSEC_OK);
    add_extract(first_chain, ephemeral, sizeof ephemeral);
    secrets_add_key(last_chain);
    add_extract(last_chain, NULL, 0);
    secrets_wiped_clear();
    shake_hands();
    /* In the struct, where it was computed, and what HKDF gave out last in HKDF as well. */
    const unsigned expected[] = {1, 1, 1, 1, 1, 1, 1, 1, 2, 2, 2, 2, 2,
                                 2, 2, 2, 2, 2, 4, 4, 2, 2, 4, 4, 2, 2};
    expect_wiped(expected, sizeof expected / sizeof expected[0]);
}

int main(void)
{
    if (SANITIZED) {
        return 77;
    }
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_handshake_leaves_nothing_on_the_stack),
        cmocka_unit_test(test_cbc_leaves_nothing_on_the_stack),
        cmocka_unit_test(test_chachapoly_leaves_nothing_on_the_stack),
    };
    return cmocka_run_group_tests(tests, setup, NULL);
}
