/* SPDX-License-Identifier: Apache-2.0 */
#include "unit.h"

#include "v1_wire.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* What a session makes of a HELLO, what that costs, and what it leaves behind. */

#define FOR_SUITES(suite) \
    for (medsec_suite suite = MEDSEC_SUITE_A128CBC_HS256; suite <= MEDSEC_SUITE_CHACHAPOLY; suite++)

enum { STACK_LEN = 1 << 18 };

static v1_secrets cuff;
static v1_secrets pulse;
static v1_secrets stranger; /* in no registry */
static uint8_t pending[MEDSEC_PSK_LEN];
static v1_entry entries[2];
static v1_session g;
static v1_flight said;
static trace events;

static void use_gateway(medsec_suite suite)
{
    v1_secrets_make(&cuff, "cuff", "gateway");
    v1_secrets_make(&pulse, "pulse", "gateway");
    v1_secrets_make(&stranger, "stranger", "gateway");
    v1_bytes(pending, "the cuff's next psk");
    entries[0] = (v1_entry){.id = "cuff", .secrets = &cuff, .suite = suite};
    entries[1] = (v1_entry){.id = "pulse", .secrets = &pulse, .suite = suite};
    g = (v1_session){.entries = entries,
                     .count = 2,
                     .keys = {cuff.gateway},
                     .key_count = 1,
                     .now_ms = 1700000000000};
}

static void connect_as(const v1_secrets *secrets)
{
    events.len = 0;
    v1_connect(&said, &g, secrets, "the cuff's ephemeral", &events);
}

static void expect_events(const char *text)
{
    assert_int_equal(events.len, strlen(text));
    assert_memory_equal(events.text, text, events.len);
    events.len = 0;
}

static void expect_run(const uint8_t *bytes, size_t len, const char *text, int end)
{
    machine m = v1_machine(&g);
    run_whole(&m, bytes, len, &events);
    assert_int_equal(events.end, end);
    expect_events(text);
}

/* A HELLO and two records that follow it. */
static void record_flight(medsec_suite suite)
{
    use_gateway(suite);
    connect_as(&cuff);
    for (uint32_t i = 0; i < 2; i++) {
        const medsec_readings_head head = {7, i, 1600000000000, MEDSEC_TIME_OWN, 0};
        (void)v1_say_readings(&said, &head, 1);
    }
    (void)v1_session_end(&g, &events);
}

/* A provider that counts, and fails when told to. */
static medsec_crypto counting;
static const medsec_crypto *host;
static size_t calls;
static size_t fails_at; /* 0: never */
static size_t multiplications; /* X25519 */

static bool fails(void)
{
    return ++calls == fails_at;
}

static medsec_status count_sha256(uint8_t out[MEDSEC_SHA256_LEN], const medsec_bytes *parts,
                                  size_t count)
{
    return fails() ? MEDSEC_ERR_PROVIDER : host->sha256(out, parts, count);
}

static medsec_status count_hmac(uint8_t out[MEDSEC_SHA256_LEN], const uint8_t *key, size_t key_len,
                                const medsec_bytes *parts, size_t count)
{
    return fails() ? MEDSEC_ERR_PROVIDER : host->hmac_sha256(out, key, key_len, parts, count);
}

static medsec_status count_x25519(uint8_t out[MEDSEC_X25519_LEN],
                                  const uint8_t private_key[MEDSEC_X25519_LEN],
                                  const uint8_t public_key[MEDSEC_X25519_LEN])
{
    multiplications++;
    return fails() ? MEDSEC_ERR_PROVIDER : host->x25519(out, private_key, public_key);
}

static medsec_status count_public(uint8_t public_key[MEDSEC_X25519_LEN],
                                  const uint8_t private_key[MEDSEC_X25519_LEN])
{
    multiplications++;
    return fails() ? MEDSEC_ERR_PROVIDER : host->x25519_public(public_key, private_key);
}

static medsec_status count_seal(uint8_t *out, const uint8_t key[MEDSEC_CHACHAPOLY_KEY_LEN],
                                uint64_t nonce, const uint8_t *ad, size_t ad_len, const uint8_t *in,
                                size_t len)
{
    return fails() ? MEDSEC_ERR_PROVIDER
                   : host->chachapoly_seal(out, key, nonce, ad, ad_len, in, len);
}

static medsec_status count_open(uint8_t *out, const uint8_t key[MEDSEC_CHACHAPOLY_KEY_LEN],
                                uint64_t nonce, const uint8_t *ad, size_t ad_len, const uint8_t *in,
                                size_t len)
{
    return fails() ? MEDSEC_ERR_PROVIDER
                   : host->chachapoly_open(out, key, nonce, ad, ad_len, in, len);
}

static medsec_status count_aes(medsec_direction direction, const uint8_t key[MEDSEC_AES128_KEY_LEN],
                               const uint8_t iv[MEDSEC_AES_BLOCK_LEN], uint8_t *out,
                               const uint8_t *in, size_t len)
{
    return fails() ? MEDSEC_ERR_PROVIDER : host->aes128_cbc_once(direction, key, iv, out, in, len);
}

static void use_counting(size_t fail)
{
    host = medsec_crypto_openssl();
    counting = *host;
    counting.sha256 = count_sha256;
    counting.hmac_sha256 = count_hmac;
    counting.x25519 = count_x25519;
    counting.x25519_public = count_public;
    counting.chachapoly_seal = count_seal;
    counting.chachapoly_open = count_open;
    counting.aes128_cbc_once = count_aes;
    calls = 0;
    multiplications = 0;
    fails_at = fail;
    g.crypto = &counting;
}

/* What its header gives away costs nothing. */
static void test_push_headers_before_any_cryptography(void **state)
{
    static const uint8_t wrong[][MEDSEC_RECORD_HEADER_LEN] = {
        {0xA1, 0x11, 0, MEDSEC_HELLO_LEN - MEDSEC_RECORD_HEADER_LEN - 1},
        {0xA1, 0x11, 0, MEDSEC_HELLO_LEN - MEDSEC_RECORD_HEADER_LEN + 1},
        {0xA1, 0x11, 0, 0},
        {0xA1, 0x11, 8, 0},
        {0xA1, 0x11, 0xff, 0xff},
        {0xA1, 0x10, 0, MEDSEC_HELLO_LEN - MEDSEC_RECORD_HEADER_LEN},
        {0xA1, 0x13, 0, MEDSEC_HELLO_LEN - MEDSEC_RECORD_HEADER_LEN},
        {0xA1, 0x21, 0, MEDSEC_HELLO_LEN - MEDSEC_RECORD_HEADER_LEN},
        {0xA1, 0x01, 0, MEDSEC_HELLO_LEN - MEDSEC_RECORD_HEADER_LEN},
        {0xA1, 0, 0, MEDSEC_HELLO_LEN - MEDSEC_RECORD_HEADER_LEN},
    };
    (void)state;
    uint8_t bytes[MEDSEC_HELLO_LEN + 1];
    record_flight(MEDSEC_SUITE_A128CBC_HS256);
    use_counting(0);
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
        memcpy(bytes, said.bytes, sizeof bytes);
        memcpy(bytes, wrong[i], sizeof wrong[i]);
        expect_run(bytes, MEDSEC_RECORD_HEADER_LEN, "", MEDSEC_ERR_FRAME);
        expect_run(bytes, sizeof bytes, "", MEDSEC_ERR_FRAME);
    }
    expect_run(said.bytes + MEDSEC_HELLO_LEN, said.len - MEDSEC_HELLO_LEN, "",
               MEDSEC_ERR_WIRE); /* DATA first */
    expect_run((const uint8_t *)"\xa2\x11\0\x38", 4, "", MEDSEC_ERR_WIRE);
    expect_run(said.bytes, MEDSEC_HELLO_LEN - 1, "", 0);
    g.key_count = 0;
    expect_run(said.bytes, said.len, "", MEDSEC_ERR_WIRE);
    assert_int_equal(calls, 0);
}

/* A HELLO alone: what becomes of it, and how many X25519 operations it costs. */
static void expect_hello(const v1_secrets *secrets, medsec_suite suite, const char *text, int end,
                         size_t cost)
{
    uint8_t hello[MEDSEC_HELLO_LEN];
    v1_device device;
    v1_hello(&device, hello, secrets, suite, "an ephemeral");
    use_counting(0);
    expect_run(hello, sizeof hello, text, end);
    assert_int_equal(multiplications, cost);
}

static void test_push_who_says_hello(void **state)
{
    (void)state;
    FOR_SUITES(suite)
    {
        medsec_suite other = MEDSEC_SUITE_A128CBC_HS256 + MEDSEC_SUITE_CHACHAPOLY - suite;
        v1_secrets liar;
        use_gateway(suite);
        expect_hello(&cuff, suite, "welcome\n", 1, 5);
        expect_hello(&pulse, suite, "welcome\n", 1, 5);
        expect_hello(&cuff, other, "", MEDSEC_ERR_UNKNOWN_DEVICE, 2);
        expect_hello(&stranger, suite, "", MEDSEC_ERR_UNKNOWN_DEVICE, 2);
        liar = cuff;
        memcpy(liar.psk, stranger.psk, sizeof liar.psk);
        expect_hello(&liar, suite, "", MEDSEC_ERR_CRYPTO, 2);
        entries[0].pending = pending;
        expect_hello(&liar, suite, "", MEDSEC_ERR_CRYPTO, 2);
        v1_secrets_make(&liar, "cuff", "another gateway");
        expect_hello(&liar, suite, "", MEDSEC_ERR_CRYPTO, 1);
        entries[0].status = MEDSEC_ERR_REVOKED;
        expect_hello(&cuff, suite, "", MEDSEC_ERR_REVOKED, 2);
        entries[0].status = MEDSEC_ERR_BUSY;
        expect_hello(&cuff, suite, "", MEDSEC_ERR_BUSY, 2);
    }
}

/* The suite that a HELLO names is authenticated: it cannot be made another one on the way. */
static void test_push_suite_changed_on_the_way(void **state)
{
    (void)state;
    uint8_t hello[MEDSEC_HELLO_LEN];
    v1_device device;
    use_gateway(MEDSEC_SUITE_A128CBC_HS256);
    v1_hello(&device, hello, &cuff, MEDSEC_SUITE_CHACHAPOLY, "an ephemeral");
    hello[1] = MEDSEC_RECORD_FLAGS(MEDSEC_SUITE_A128CBC_HS256);
    expect_run(hello, sizeof hello, "", MEDSEC_ERR_CRYPTO);
}

static void test_push_gateway_keys(void **state)
{
    (void)state;
    v1_secrets later;
    const medsec_suite suite = MEDSEC_SUITE_A128CBC_HS256;
    use_gateway(suite);
    v1_secrets_make(&later, "cuff", "the gateway's next key");
    g.keys[0] = later.gateway;
    g.keys[1] = cuff.gateway;
    g.key_count = 2;
    expect_hello(&later, suite, "welcome\n", 1, 5);
    expect_hello(&cuff, suite, "welcome\n", 1, 6);
    v1_secrets_make(&later, "cuff", "a key that was never there");
    expect_hello(&later, suite, "", MEDSEC_ERR_CRYPTO, 2);
    v1_secrets_make(&later, "stranger", "the gateway's next key");
    expect_hello(&later, suite, "", MEDSEC_ERR_UNKNOWN_DEVICE, 2);
    g.key_count = 1; /* the key before was retired */
    expect_hello(&cuff, suite, "", MEDSEC_ERR_CRYPTO, 1);
}

/* What is no HELLO at all costs one operation for each of the gateway's keys. */
static void test_push_garbage(void **state)
{
    (void)state;
    uint8_t hello[MEDSEC_HELLO_LEN] = {0xA1, 0x11, 0, MEDSEC_HELLO_LEN - MEDSEC_RECORD_HEADER_LEN};
    use_gateway(MEDSEC_SUITE_A128CBC_HS256);
    for (int c = 0; c < 256; c++) { /* 0 and 1 are among the points of small order */
        memset(hello + MEDSEC_RECORD_HEADER_LEN, 0, sizeof hello - MEDSEC_RECORD_HEADER_LEN);
        hello[MEDSEC_RECORD_HEADER_LEN] = (uint8_t)c;
        use_counting(0);
        expect_run(hello, sizeof hello, "", MEDSEC_ERR_CRYPTO);
        assert_int_equal(multiplications, 1);
        assert_int_equal(g.asked, 0);
    }
    g.keys[1] = stranger.device;
    g.key_count = 2;
    use_counting(0);
    expect_run(hello, sizeof hello, "", MEDSEC_ERR_CRYPTO);
    assert_int_equal(multiplications, 2);
}

/* Anybody can claim a static key of small order: its Diffie-Hellman result is known to all. */
static void test_push_static_key_of_small_order(void **state)
{
    (void)state;
    use_gateway(MEDSEC_SUITE_A128CBC_HS256);
    v1_secrets liar = cuff;
    memset(liar.device.public_key, 0, sizeof liar.device.public_key);
    uint8_t hello[MEDSEC_HELLO_LEN];
    v1_device device;
    v1_hello(&device, hello, &liar, MEDSEC_SUITE_A128CBC_HS256, "an ephemeral");
    expect_run(hello, sizeof hello, "", MEDSEC_ERR_CRYPTO);
    assert_int_equal(g.asked, 0);
    liar.device.public_key[0] = 9; /* not small, and not that of the private key */
    v1_hello(&device, hello, &liar, MEDSEC_SUITE_A128CBC_HS256, "an ephemeral");
    expect_run(hello, sizeof hello, "", MEDSEC_ERR_UNKNOWN_DEVICE);
    liar.device = cuff.device; /* the cuff's public key alone does not make a cuff */
    memcpy(liar.device.private_key, stranger.device.private_key, MEDSEC_X25519_LEN);
    v1_hello(&device, hello, &liar, MEDSEC_SUITE_A128CBC_HS256, "an ephemeral");
    expect_run(hello, sizeof hello, "", MEDSEC_ERR_CRYPTO);
    assert_int_equal(g.asked, 1);
}

/* Current, then pending; which one it was is told with the first record. */
static void test_push_psk_of_a_rotation(void **state)
{
    (void)state;
    FOR_SUITES(suite)
    {
        for (unsigned i = 0; i < 2; i++) {
            char expected[64];
            use_gateway(suite);
            entries[0].pending = pending;
            v1_secrets secrets = cuff;
            if (i == 1) {
                memcpy(secrets.psk, pending, sizeof secrets.psk);
            }
            connect_as(&secrets);
            const medsec_control goodbye = {.kind = MEDSEC_KIND_CLOSE};
            v1_deliver(&g, &said, v1_say(&said, &goodbye), &events);
            snprintf(expected, sizeof expected, "welcome\nidentified cuff %u\n", i);
            expect_events(expected);
            assert_int_equal(v1_session_end(&g, &events), V1_CLOSED);
        }
        v1_secrets old = cuff; /* rotated away */
        memcpy(cuff.psk, pending, sizeof cuff.psk);
        entries[0].pending = NULL;
        expect_hello(&old, suite, "", MEDSEC_ERR_CRYPTO, 2);
    }
}

static medsec_peer answer;

static medsec_status give_peer(void *context, const uint8_t public_key[MEDSEC_X25519_LEN],
                               medsec_suite suite, medsec_peer *peer)
{
    (void)context;
    (void)public_key;
    (void)suite;
    *peer = answer;
    return MEDSEC_OK;
}

static void test_push_owner_gives_nonsense(void **state)
{
    (void)state;
    const medsec_peer wrong[] = {{.psks = 0, .profile = &medsec_profile_pico_vitals},
                                 {.psks = 3, .profile = &medsec_profile_pico_vitals},
                                 {.psks = 1}};
    uint8_t hello[MEDSEC_HELLO_LEN];
    v1_device device;
    use_gateway(MEDSEC_SUITE_A128CBC_HS256);
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
        medsec_event event;
        size_t used = 0;
        answer = wrong[i];
        v1_hello(&device, hello, &cuff, MEDSEC_SUITE_A128CBC_HS256, "an ephemeral");
        v1_session_begin(&g);
        g.owner.find = give_peer;
        medsec_session_push(&g.session, hello, sizeof hello, &used, &event);
        assert_int_equal(event.type, MEDSEC_EVENT_REJECTED);
        assert_int_equal(event.reason, MEDSEC_ERR_ARGUMENT);
        medsec_session_close(&g.session);
    }
}

/*
 * The n-th call of the provider fails, for every n: nothing is told that was not before, and
 * neither the session nor the stack keeps a secret, whichever way the HELLO was left.
 */
static _Alignas(64) uint8_t stack[STACK_LEN];
static char whole[4096]; /* what is told when nothing fails */
static size_t whole_len;
static uint8_t session_keys[2][MEDSEC_CHACHAPOLY_KEY_LEN];

static void *run_on_stack(void *unused)
{
    v1_session_begin(&g);
    v1_deliver(&g, &said, 0, &events);
    return unused;
}

/* A stack that is watched: memory checkers have an opinion of who may look at one. */
static bool may_look_at_stack(void)
{
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
    return false;
#elif defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer)
    return false;
#endif
#endif
    return getenv("MEDSEC_VALGRIND") == NULL;
}

static void run_aside(void)
{
    pthread_attr_t attributes;
    pthread_t thread;
    events.len = 0;
    memset(stack, 0, sizeof stack);
    assert_int_equal(pthread_attr_init(&attributes), 0);
    if (may_look_at_stack()) {
        assert_int_equal(pthread_attr_setstack(&attributes, stack, sizeof stack), 0);
    }
    assert_int_equal(pthread_create(&thread, &attributes, run_on_stack, NULL), 0);
    assert_int_equal(pthread_join(thread, NULL), 0);
    (void)pthread_attr_destroy(&attributes);
}

static bool is_on_stack(const uint8_t *secret, size_t len)
{
    return memmem(stack, sizeof stack, secret, len) != NULL;
}

static void expect_no_secret_on_stack(void)
{
    uint8_t ephemeral[MEDSEC_X25519_LEN];
    v1_bytes(ephemeral, "the gateway's ephemeral");
    assert_false(is_on_stack(cuff.gateway.private_key, MEDSEC_X25519_LEN));
    assert_false(is_on_stack(ephemeral, sizeof ephemeral));
    for (size_t i = 0; i + 16 <= MEDSEC_PSK_LEN; i++) {
        assert_false(is_on_stack(cuff.psk + i, 16));
        assert_false(is_on_stack(pending + i, 16));
        assert_false(is_on_stack(session_keys[0] + i, 16));
        assert_false(is_on_stack(session_keys[1] + i, 16));
    }
}

static void learn_session_keys(void)
{
    run_aside();
    memcpy(whole, events.text, events.len);
    whole_len = events.len;
    memcpy(session_keys[0], g.session.on.v1.to_gateway.keys, sizeof session_keys[0]);
    memcpy(session_keys[1], g.session.on.v1.to_device.keys, sizeof session_keys[1]);
    (void)v1_session_end(&g, &events);
}

static void test_push_every_failure_of_the_provider(void **state)
{
    (void)state;
    FOR_SUITES(suite)
    {
        record_flight(suite);
        entries[0].pending = pending;
        if (suite == MEDSEC_SUITE_CHACHAPOLY) {
            said.len = MEDSEC_HELLO_LEN; /* libsodium leaves words of a ChaCha20 key on the stack */
        }
        learn_session_keys();
        expect_no_secret_on_stack();
        size_t n = 1;
        do {
            use_counting(n++);
            run_aside();
            fails_at = 0;
            expect_no_secret_on_stack();
            assert_true(events.len <= whole_len);
            assert_memory_equal(events.text, whole, events.len);
            assert_int_equal(v1_session_end(&g, &events), calls + 1 < n ? 1 : MEDSEC_ERR_PROVIDER);
        } while (calls + 1 >= n);
        assert_true(n > 40);
    }
}

/* Likewise when it is the other side that is wrong. */
static void test_push_wrong_hello_leaves_nothing(void **state)
{
    (void)state;
    v1_secrets liar;
    record_flight(MEDSEC_SUITE_CHACHAPOLY);
    entries[0].pending = pending;
    liar = cuff;
    memcpy(liar.psk, stranger.psk, sizeof liar.psk);
    v1_hello(&said.device, said.bytes, &liar, MEDSEC_SUITE_CHACHAPOLY, "an ephemeral");
    said.len = MEDSEC_HELLO_LEN;
    run_aside();
    expect_no_secret_on_stack();
    assert_int_equal(v1_session_end(&g, &events), MEDSEC_ERR_CRYPTO);
    entries[0].status = MEDSEC_ERR_REVOKED; /* the owner has filled in the peer all the same */
    run_aside();
    expect_no_secret_on_stack();
    assert_int_equal(v1_session_end(&g, &events), MEDSEC_ERR_REVOKED);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_push_headers_before_any_cryptography),
        cmocka_unit_test(test_push_who_says_hello),
        cmocka_unit_test(test_push_suite_changed_on_the_way),
        cmocka_unit_test(test_push_gateway_keys),
        cmocka_unit_test(test_push_garbage),
        cmocka_unit_test(test_push_static_key_of_small_order),
        cmocka_unit_test(test_push_psk_of_a_rotation),
        cmocka_unit_test(test_push_owner_gives_nonsense),
        cmocka_unit_test(test_push_every_failure_of_the_provider),
        cmocka_unit_test(test_push_wrong_hello_leaves_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
