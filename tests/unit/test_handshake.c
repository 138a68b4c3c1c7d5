/* SPDX-License-Identifier: Apache-2.0 */
#include "unit.h"
#include "vectors.h"

#include <medsec/handshake.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

static const char *const names[] = {"NN",     "XK",     "IK",     "XX",    "NNpsk0",
                                    "XKpsk3", "XXpsk3", "IKpsk1", "IKpsk2"};

enum { SIDES = 2, ROOM = 512 };

static int pattern_named(const char *protocol)
{
    for (int i = 0; i < 9; i++) {
        size_t len = strlen(names[i]);
        if (strncmp(protocol + strlen("Noise_"), names[i], len) == 0 &&
            protocol[strlen("Noise_") + len] == '_') {
            return i;
        }
    }
    return -1;
}

static bool member(const cJSON *vector, const char *side, const char *name, uint8_t key[32])
{
    char full[64];
    (void)snprintf(full, sizeof full, "%s_%s", side, name);
    const cJSON *item = cJSON_GetObjectItemCaseSensitive(vector, full);
    if (cJSON_IsArray(item)) {
        item = cJSON_GetArrayItem(item, 0);
    }
    return cJSON_IsString(item) && vectors_bytes(item->valuestring, key, 32) == 32;
}

static void open_side(medsec_handshake *h, const cJSON *vector, medsec_pattern pattern,
                      medsec_role role, bool with_psk)
{
    const char *side = role == MEDSEC_INITIATOR ? "init" : "resp";
    uint8_t prologue[64];
    uint8_t key[32];
    size_t len = vectors_bytes(vectors_text(vector, "init_prologue"), prologue, sizeof prologue);
    assert_int_equal(
        medsec_handshake_open(h, medsec_crypto_openssl(), pattern, role, prologue, len), MEDSEC_OK);
    if (member(vector, side, "static", key)) {
        /* The responder knows its public key, the initiator has it computed. */
        uint8_t public_key[32];
        assert_int_equal(medsec_crypto_openssl()->x25519_public(public_key, key), MEDSEC_OK);
        const uint8_t *given = role == MEDSEC_RESPONDER ? public_key : NULL;
        assert_int_equal(medsec_handshake_set_static(h, key, given), MEDSEC_OK);
    }
    if (member(vector, side, "ephemeral", key)) {
        assert_int_equal(medsec_handshake_set_ephemeral(h, key), MEDSEC_OK);
    }
    if (member(vector, side, "remote_static", key)) {
        medsec_handshake_set_remote_static(h, key);
    }
    if (with_psk && member(vector, side, "psks", key)) {
        medsec_handshake_set_psk(h, key);
    }
}

/* Both sides, byte for byte, then the transport messages under the keys of Split(). */
static void run_vector(const cJSON *vector)
{
    int pattern = pattern_named(vectors_text(vector, "protocol_name"));
    assert_int_not_equal(pattern, -1);
    medsec_handshake h[SIDES];
    open_side(&h[0], vector, (medsec_pattern)pattern, MEDSEC_INITIATOR, true);
    open_side(&h[1], vector, (medsec_pattern)pattern, MEDSEC_RESPONDER, true);
    uint8_t keys[2][32] = {{0}};
    uint64_t nonces[2] = {0};
    unsigned turn = 0;
    const cJSON *message = NULL;
    cJSON_ArrayForEach(message, cJSON_GetObjectItemCaseSensitive(vector, "messages"))
    {
        uint8_t payload[ROOM], expected[ROOM], wire[ROOM], back[ROOM];
        size_t len = vectors_bytes(vectors_text(message, "payload"), payload, ROOM);
        size_t total = vectors_bytes(vectors_text(message, "ciphertext"), expected, ROOM);
        size_t wire_len = 0, back_len = 0;
        if (!medsec_handshake_done(&h[0])) {
            assert_int_equal(
                medsec_handshake_write(&h[turn], wire, sizeof wire, &wire_len, payload, len),
                MEDSEC_OK);
            assert_int_equal(medsec_handshake_read(&h[!turn], back, &back_len, wire, wire_len),
                             MEDSEC_OK);
        } else {
            uint8_t hash[32];
            assert_int_equal(vectors_bytes(vectors_text(vector, "handshake_hash"), hash, 32), 32);
            assert_memory_equal(h[0].hash, hash, 32);
            assert_memory_equal(h[1].hash, hash, 32);
            assert_int_equal(medsec_handshake_split(&h[turn], keys[0], keys[1]), MEDSEC_OK);
            const medsec_crypto *crypto = medsec_crypto_openssl();
            assert_int_equal(
                crypto->chachapoly_seal(wire, keys[turn], nonces[turn], NULL, 0, payload, len),
                MEDSEC_OK);
            wire_len = len + MEDSEC_CHACHAPOLY_TAG_LEN;
            assert_int_equal(medsec_handshake_split(&h[!turn], keys[0], keys[1]), MEDSEC_OK);
            assert_int_equal(
                crypto->chachapoly_open(back, keys[turn], nonces[turn]++, NULL, 0, wire, wire_len),
                MEDSEC_OK);
            back_len = len;
        }
        assert_int_equal(wire_len, total);
        assert_memory_equal(wire, expected, total);
        assert_int_equal(back_len, len);
        assert_memory_equal(back, payload, len);
        turn = !turn;
    }
    medsec_handshake_close(&h[0]);
    medsec_handshake_close(&h[1]);
}

static cJSON *load(void)
{
    FILE *file = vectors_open("noise/cacophony-25519-chachapoly-sha256.json");
    if (file == NULL) {
        skip();
    }
    size_t len = 0;
    char *text = vectors_read(file, &len);
    cJSON *all = cJSON_ParseWithLength(text, len);
    free(text);
    assert_non_null(all);
    return all;
}

static void test_handshake_vectors(void **state)
{
    (void)state;
    cJSON *all = load();
    const cJSON *vector = NULL;
    int count = 0;
    cJSON_ArrayForEach(vector, cJSON_GetObjectItemCaseSensitive(all, "vectors"))
    {
        run_vector(vector);
        count++;
    }
    assert_int_equal(count, 9);
    cJSON_Delete(all);
}

static const uint8_t gateway_key[32] = {1}, device_key[32] = {2}, psk[32] = {3};

typedef struct pair {
    medsec_handshake device, gateway;
    uint8_t hello[ROOM];
    size_t len;
} pair;

static void open_pair(pair *p)
{
    const medsec_crypto *crypto = medsec_crypto_openssl();
    const uint8_t prologue[] = "medsec/1\x11";
    uint8_t gateway_public[32], fresh[32] = {4};
    assert_int_equal(crypto->x25519_public(gateway_public, gateway_key), MEDSEC_OK);
    for (int side = 0; side < SIDES; side++) {
        medsec_handshake *h = side == 0 ? &p->device : &p->gateway;
        assert_int_equal(medsec_handshake_open(h, crypto, MEDSEC_PATTERN_IKPSK1, (medsec_role)side,
                                               prologue, sizeof prologue - 1),
                         MEDSEC_OK);
        fresh[0]++;
        assert_int_equal(medsec_handshake_set_ephemeral(h, fresh), MEDSEC_OK);
        assert_int_equal(medsec_handshake_set_static(h, side == 0 ? device_key : gateway_key, NULL),
                         MEDSEC_OK);
    }
    medsec_handshake_set_remote_static(&p->device, gateway_public);
    medsec_handshake_set_psk(&p->device, psk);
    assert_int_equal(medsec_handshake_write(&p->device, p->hello, sizeof p->hello, &p->len, psk, 8),
                     MEDSEC_OK);
}

static void test_read_asks_for_psk_and_goes_on(void **state)
{
    (void)state;
    pair p;
    open_pair(&p);
    uint8_t payload[ROOM], device_public[32], wrong[32] = {9};
    size_t len = 0;
    assert_null(medsec_handshake_remote_static(&p.gateway));
    assert_int_equal(medsec_handshake_read(&p.gateway, payload, &len, p.hello, p.len),
                     MEDSEC_ERR_STATE);
    assert_int_equal(medsec_crypto_openssl()->x25519_public(device_public, device_key), MEDSEC_OK);
    assert_memory_equal(medsec_handshake_remote_static(&p.gateway), device_public, 32);

    medsec_handshake other = p.gateway;
    medsec_handshake_set_psk(&other, wrong);
    assert_int_equal(medsec_handshake_read(&other, payload, &len, p.hello, p.len),
                     MEDSEC_ERR_CRYPTO);
    assert_int_equal(medsec_handshake_read(&other, payload, &len, p.hello, p.len),
                     MEDSEC_ERR_STATE);

    medsec_handshake_set_psk(&p.gateway, psk);
    assert_int_equal(medsec_handshake_read(&p.gateway, payload, &len, p.hello, p.len), MEDSEC_OK);
    assert_int_equal(len, 8);
    assert_memory_equal(payload, psk, 8);
}

static void test_read_refuses_every_flipped_bit_and_truncation(void **state)
{
    (void)state;
    pair p;
    open_pair(&p);
    medsec_handshake_set_psk(&p.gateway, psk);
    uint8_t payload[ROOM];
    size_t len = 0;
    for (size_t bit = 0; bit < 8 * p.len; bit++) {
        medsec_handshake gateway = p.gateway;
        uint8_t message[ROOM];
        memcpy(message, p.hello, p.len);
        message[bit / 8] ^= (uint8_t)(1u << bit % 8);
        /* The top bit of an X25519 key does not count there (RFC 7748 section 5), but is hashed. */
        assert_int_equal(medsec_handshake_read(&gateway, payload, &len, message, p.len),
                         MEDSEC_ERR_CRYPTO);
        assert_true(gateway.failed);
    }
    for (size_t cut = 0; cut < p.len; cut++) {
        medsec_handshake gateway = p.gateway;
        assert_int_equal(medsec_handshake_read(&gateway, payload, &len, p.hello, cut),
                         MEDSEC_ERR_CRYPTO);
    }
}

static void test_turns_and_missing_keys(void **state)
{
    (void)state;
    pair p;
    open_pair(&p);
    uint8_t out[ROOM], key[32];
    size_t len = 0;
    assert_int_equal(medsec_handshake_write(&p.device, out, sizeof out, &len, NULL, 0),
                     MEDSEC_ERR_STATE);
    assert_int_equal(medsec_handshake_write(&p.gateway, out, sizeof out, &len, NULL, 0),
                     MEDSEC_ERR_STATE);
    assert_int_equal(medsec_handshake_split(&p.device, key, key), MEDSEC_ERR_STATE);
    medsec_handshake bare;
    assert_int_equal(medsec_handshake_open(&bare, medsec_crypto_openssl(), MEDSEC_PATTERN_IKPSK1,
                                           MEDSEC_INITIATOR, NULL, 0),
                     MEDSEC_OK);
    assert_int_equal(medsec_handshake_write(&bare, out, sizeof out, &len, NULL, 0),
                     MEDSEC_ERR_STATE);
}

static void test_zero_shared_secret_is_refused(void **state)
{
    (void)state;
    const uint8_t zero[32] = {0};
    uint8_t out[ROOM];
    size_t len = 0;
    medsec_handshake h;
    assert_int_equal(medsec_handshake_open(&h, medsec_crypto_openssl(), MEDSEC_PATTERN_IK,
                                           MEDSEC_INITIATOR, NULL, 0),
                     MEDSEC_OK);
    assert_int_equal(medsec_handshake_set_ephemeral(&h, device_key), MEDSEC_OK);
    assert_int_equal(medsec_handshake_set_static(&h, device_key, NULL), MEDSEC_OK);
    medsec_handshake_set_remote_static(&h, zero);
    assert_int_equal(medsec_handshake_write(&h, out, sizeof out, &len, NULL, 0), MEDSEC_ERR_CRYPTO);
    assert_int_equal(medsec_handshake_set_static(&h, device_key, NULL), MEDSEC_ERR_STATE);
    assert_int_equal(medsec_handshake_set_ephemeral(&h, device_key), MEDSEC_ERR_STATE);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_handshake_vectors),
        cmocka_unit_test(test_read_asks_for_psk_and_goes_on),
        cmocka_unit_test(test_read_refuses_every_flipped_bit_and_truncation),
        cmocka_unit_test(test_turns_and_missing_keys),
        cmocka_unit_test(test_zero_shared_secret_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
