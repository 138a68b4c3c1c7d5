/* SPDX-License-Identifier: Apache-2.0 */
#include "unit.h"

#include "sanitizer.h"

#include <medsec/handshake.h>
#include <medsec/record.h>

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <ucontext.h>
#include <unistd.h>

/*
 * What a handshake, sealing and opening leave on the stack: they run on one of the test's own,
 * which is searched afterwards. Structs, records and messages lie elsewhere.
 */

enum { STACK_LEN = 1 << 20, PART_LEN = 16, MESSAGE_LEN = 160, PARTS_MAX = 64 };

static const uint8_t KEY[MEDSEC_CHACHAPOLY_KEY_LEN] = "the key of one direction; 32 b.";
static uint8_t message[MESSAGE_LEN];
static medsec_record to;
static medsec_record from;
static medsec_record copy;
static uint8_t data[512];
static medsec_suite suite;
static bool good;
static medsec_crypto crypto;

/* What must not be found: each 16 bytes; and how often each was in what was wiped. */
static uint8_t secrets[PARTS_MAX][PART_LEN];
static unsigned wiped[PARTS_MAX];
static size_t secrets_len;

static void add_secret(const uint8_t *bytes, uint8_t mask)
{
    assert_true(secrets_len < PARTS_MAX);
    wiped[secrets_len] = 0;
    for (size_t i = 0; i < PART_LEN; i++) {
        secrets[secrets_len][i] = bytes[i] ^ mask;
    }
    secrets_len++;
}

/* As a number of 32 bits each, the way SHA-256 has them in memory. */
static void add_words(const uint8_t *bytes)
{
    uint8_t words[PART_LEN];
    for (size_t i = 0; i < PART_LEN; i++) {
        words[i] = bytes[i ^ 3u];
    }
    add_secret(words, 0);
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
    volatile uint8_t left[PART_LEN];
    for (size_t i = 0; i < sizeof left; i++) {
        left[i] = KEY[i];
    }
    good = true;
}

/* The kernel copies it: memcheck would have nobody look at what was never written. */
static void copy_memory(uint8_t *out, const void *in, size_t len)
{
    int memory = open("/proc/self/mem", O_RDONLY | O_CLOEXEC);
    assert_true(memory >= 0);
    assert_int_equal(pread(memory, out, len, (off_t)(uintptr_t)in), len);
    close(memory);
}

/* Much is overwritten by chance: here is seen what is wiped on purpose. */
static void noting_wipe(void *bytes, size_t len)
{
    static uint8_t before[2048];
    assert_true(len <= sizeof before);
    copy_memory(before, bytes, len);
    for (size_t i = 0; i < secrets_len; i++) {
        wiped[i] += memmem(before, len, secrets[i], PART_LEN) != NULL;
    }
    medsec_crypto_openssl()->wipe(bytes, len);
}

/* The number of secrets that a function leaves on its stack. */
static size_t found_after(void (*run)(void))
{
    ucontext_t here;
    ucontext_t there;
    uint8_t *stack = calloc(1, STACK_LEN);
    uint8_t *after = calloc(1, STACK_LEN);
    assert_true(stack != NULL && after != NULL);
    assert_int_equal(getcontext(&there), 0);
    there.uc_stack.ss_sp = stack;
    there.uc_stack.ss_size = STACK_LEN;
    there.uc_link = &here;
    makecontext(&there, run, 0);
    good = false;
    assert_int_equal(swapcontext(&here, &there), 0);
    assert_true(good);
    copy_memory(after, stack, STACK_LEN);
    size_t found = 0;
    for (size_t i = 0; i < secrets_len; i++) {
        found += memmem(after, STACK_LEN, secrets[i], PART_LEN) != NULL;
    }
    free(stack);
    free(after);
    return found;
}

static void expect_wiped(const unsigned *expected, size_t count)
{
    assert_int_equal(secrets_len, count);
    for (size_t i = 0; i < count; i++) {
        assert_int_equal(wiped[i], expected[i]);
    }
}

static int setup(void **state)
{
    (void)state;
    crypto = *medsec_crypto_openssl();
    crypto.wipe = noting_wipe;
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
    add_secret(iv, 0);
}

static void expect_nothing_left(void)
{
    secrets_len = 0;
    for (size_t i = 0; i < sizeof message; i++) {
        message[i] = (uint8_t)(i * 37 + 11);
    }
    add_secret(KEY, 0);
    add_secret(KEY + PART_LEN, 0);
    assert_int_equal(found_after(leave_one), 1);
    for (size_t at = 0; at < sizeof message; at += PART_LEN) {
        add_secret(message + at, 0);
    }
    assert_int_equal(medsec_record_open(&copy, medsec_crypto_openssl(), suite, KEY), MEDSEC_OK);
    if (suite == MEDSEC_SUITE_A128CBC_HS256) {
        size_t len = 0;
        for (size_t i = 0; i < 3; i++) {
            add_secret(copy.keys + i * PART_LEN, 0);
        }
        add_iv(1);
        copy.sequence = 1;
        assert_int_equal(
            medsec_record_seal(&copy, data, sizeof data, &len, message, sizeof message), MEDSEC_OK);
        add_secret(data + len - PART_LEN, 0); /* the tag that a forger wants to know */
        add_words(data + len - PART_LEN);
        add_secret(copy.keys, 0x36); /* HMAC's two pads */
        add_secret(copy.keys, 0x5c);
        medsec_record_close(&copy);
    }
    assert_int_equal(found_after(seal_and_open), 0);
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

static void add_key(const uint8_t key[2 * PART_LEN])
{
    add_secret(key, 0);
    add_secret(key + PART_LEN, 0);
}

static void add_shared(const uint8_t *private_key, const uint8_t *public_key)
{
    uint8_t shared[MEDSEC_X25519_LEN];
    assert_int_equal(medsec_crypto_openssl()->x25519(shared, private_key, public_key), MEDSEC_OK);
    add_key(shared);
}

static void add_peer(peer *self, uint8_t seed)
{
    for (size_t i = 0; i < MEDSEC_X25519_LEN; i++) {
        self->private_key[i] = (uint8_t)(seed + 3 * i);
        self->ephemeral[i] = (uint8_t)(seed + 5 * i);
    }
    assert_int_equal(medsec_crypto_openssl()->x25519_public(self->public_key, self->private_key),
                     MEDSEC_OK);
    add_key(self->private_key);
    add_key(self->ephemeral);
}

/* HKDF-Extract, whose result the handshake has for a moment. */
static void add_extract(const uint8_t chain[MEDSEC_SHA256_LEN], const uint8_t *input, size_t len)
{
    uint8_t secret[MEDSEC_SHA256_LEN];
    const medsec_bytes parts[] = {{input, len}};
    assert_int_equal(crypto.hmac_sha256(secret, chain, MEDSEC_SHA256_LEN, parts, 1), MEDSEC_OK);
    add_key(secret);
}

static void shake_hands(void)
{
    size_t found = found_after(say_hello) + found_after(answer) + found_after(finish);
    assert_int_equal(found, 0);
    assert_memory_equal(device.to_gateway, gateway.to_gateway, sizeof gateway.to_gateway);
    assert_memory_equal(device.to_device, gateway.to_device, sizeof gateway.to_device);
}

static void test_handshake_leaves_nothing_on_the_stack(void **state)
{
    (void)state;
    uint8_t ephemeral[MEDSEC_X25519_LEN];
    secrets_len = 0;
    add_peer(&device, 10);
    add_peer(&gateway, 100);
    shake_hands(); /* what comes of it is looked for the second time */
    add_key(PSK);
    add_key(device.public_key); /* it tells who it is */
    add_shared(device.private_key, gateway.public_key);
    add_shared(device.ephemeral, gateway.public_key);
    add_key(device.to_gateway);
    add_key(device.to_device);
    assert_int_equal(crypto.x25519_public(ephemeral, device.ephemeral), MEDSEC_OK);
    add_extract(first_chain, ephemeral, sizeof ephemeral);
    add_key(last_chain);
    add_extract(last_chain, NULL, 0);
    memset(wiped, 0, sizeof wiped);
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
