/* SPDX-License-Identifier: Apache-2.0 */
#include "guard.h"
#include "registry_fixture.h"
#include "unit.h"

#include <medsec/credential.h>
#include <sodium.h>
#include <string.h>

enum { HEAD_LEN = 9, SUM_LEN = 8 };

static const medsec_crypto *crypto;

static size_t write_block(uint8_t block[MEDSEC_CREDENTIAL_BLOCK_MAX],
                          const medsec_credential *credential)
{
    size_t len = 0;
    assert_int_equal(
        medsec_credential_block_write(block, MEDSEC_CREDENTIAL_BLOCK_MAX, &len, crypto, credential),
        MEDSEC_OK);
    return len;
}

/* From memory that ends where the block does. */
static medsec_status read_block(medsec_credential *credential, const uint8_t *block, size_t len,
                                size_t *used)
{
    static uint8_t *end;
    if (end == NULL) {
        end = guard_end(MEDSEC_CREDENTIAL_BLOCK_MAX + 64);
    }
    memcpy(end - len, block, len);
    return medsec_credential_block_read(credential, crypto, end - len, len, used);
}

static void sum(uint8_t *block, size_t len)
{
    uint8_t hash[32];
    crypto_hash_sha256(hash, block, len - SUM_LEN);
    memcpy(block + len - SUM_LEN, hash, SUM_LEN);
}

static void refuse(const uint8_t *block, size_t len, const char *what)
{
    medsec_credential credential;
    size_t used = 77;
    memset(&credential, 0xee, sizeof credential);
    if (read_block(&credential, block, len, &used) != MEDSEC_ERR_CORRUPT) {
        fail_msg("accepted: %s", what);
    }
    assert_int_equal(used, 77);
    assert_true(sodium_is_zero((const unsigned char *)&credential, sizeof credential));
}

/* All kinds of credentials that there are. */
enum { KINDS = 4 };

static medsec_credential kind(unsigned number)
{
    medsec_credential credential = registry_fixture_medsec1("dev-1", 7);
    switch (number) {
    case 0:
        return registry_fixture_credential("dev-1", 7);
    case 1:
        return credential;
    case 2:
        credential.has_private = false;
        memset(credential.device_private, 0, sizeof credential.device_private);
        return credential;
    default:
        credential.suite = MEDSEC_SUITE_CHACHAPOLY;
        memset(credential.device, 'd', MEDSEC_DEVICE_ID_MAX);
        memset(credential.profile, 'p', MEDSEC_PROFILE_NAME_MAX);
        return credential;
    }
}

static void test_write_gives_the_documented_bytes(void **state)
{
    (void)state;
    static const uint8_t head[] = {'M', 'S', 'C', '1', 2,   1,   1,   5,   11,  'd', 'e', 'v', '-',
                                   '1', 'p', 'i', 'c', 'o', '-', 'v', 'i', 't', 'a', 'l', 's'};
    uint8_t block[MEDSEC_CREDENTIAL_BLOCK_MAX];
    uint8_t hash[32];
    medsec_credential c = kind(1);
    size_t len = write_block(block, &c);
    assert_int_equal(len, sizeof head + 4 * 32 + SUM_LEN);
    assert_memory_equal(block, head, sizeof head);
    assert_memory_equal(block + sizeof head, c.device_private, 32);
    assert_memory_equal(block + sizeof head + 32, c.device_public, 32);
    assert_memory_equal(block + sizeof head + 64, c.psk, 32);
    assert_memory_equal(block + sizeof head + 96, c.gateway_public, 32);
    crypto_hash_sha256(hash, block, len - SUM_LEN);
    assert_memory_equal(block + len - SUM_LEN, hash, SUM_LEN);
    c = kind(0);
    len = write_block(block, &c);
    assert_int_equal(len, sizeof head + 32 + SUM_LEN);
    assert_memory_equal(block + 4, "\1\0\0\5\13", 5);
    assert_memory_equal(block + sizeof head, c.key, 16);
    assert_memory_equal(block + sizeof head + 16, c.iv, 16);
}

static void test_read_gives_what_was_written(void **state)
{
    (void)state;
    size_t longest = 0;
    for (unsigned number = 0; number < KINDS; number++) {
        uint8_t block[MEDSEC_CREDENTIAL_BLOCK_MAX + 16];
        medsec_credential again;
        size_t used;
        medsec_credential credential = kind(number);
        memset(block, 0xff, sizeof block);
        size_t len = write_block(block, &credential);
        assert_int_equal(read_block(&again, block, len, &used), MEDSEC_OK);
        assert_int_equal(used, len);
        assert_memory_equal(&again, &credential, sizeof again);
        /* Erased flash behind it. */
        assert_int_equal(read_block(&again, block, len + 16, &used), MEDSEC_OK);
        assert_int_equal(used, len);
        longest = len > longest ? len : longest;
    }
    assert_int_equal(longest, MEDSEC_CREDENTIAL_BLOCK_MAX);
}

static void test_read_refuses_every_truncation_and_flipped_bit(void **state)
{
    (void)state;
    for (unsigned number = 0; number < KINDS; number++) {
        uint8_t block[MEDSEC_CREDENTIAL_BLOCK_MAX];
        medsec_credential credential = kind(number);
        size_t len = write_block(block, &credential);
        for (size_t cut = 0; cut < len; cut++) {
            refuse(block, cut, "a truncation");
        }
        for (size_t bit = 0; bit < 8 * len; bit++) {
            block[bit / 8] ^= (uint8_t)(1u << bit % 8);
            refuse(block, len, "a flipped bit");
            block[bit / 8] ^= (uint8_t)(1u << bit % 8);
        }
    }
    uint8_t erased[MEDSEC_CREDENTIAL_BLOCK_MAX];
    memset(erased, 0xff, sizeof erased);
    refuse(erased, sizeof erased, "erased flash");
    memset(erased, 0, sizeof erased);
    refuse(erased, sizeof erased, "zeros");
}

/* The sum is right, and yet it is no credential. */
static void test_read_refuses_nonsense_with_a_good_sum(void **state)
{
    (void)state;
    static const struct {
        unsigned kind;
        size_t at;
        uint8_t byte;
        const char *what;
    } cases[] = {
        {1, 0, 'm', "magic"},
        {1, 3, '2', "magic"},
        {1, 4, 0, "wire"},
        {1, 4, 3, "wire"},
        {1, 5, 0, "suite"},
        {1, 5, 3, "suite"},
        {1, 6, 2, "has_private"},
        {1, 9, '/', "device id"},
        {1, 10, 0, "NUL in device id"},
        {1, 14, 'P', "profile"},
        {1, 15, 0, "NUL in profile"},
        {0, 5, 1, "suite on the seed wire"},
        {0, 6, 1, "has_private, seed"},
        {2, 6, 2, "has_private without a key"},
        {0, 26, '\n', "key"},
        {0, 50, 0x7f, "iv"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        uint8_t block[MEDSEC_CREDENTIAL_BLOCK_MAX];
        medsec_credential credential = kind(cases[i].kind);
        size_t len = write_block(block, &credential);
        block[cases[i].at] = cases[i].byte;
        sum(block, len);
        refuse(block, len, cases[i].what);
    }
    for (size_t at = 25 + 32; at < 25 + 128; at += 32) {
        uint8_t block[MEDSEC_CREDENTIAL_BLOCK_MAX];
        medsec_credential credential = kind(1);
        size_t len = write_block(block, &credential);
        memset(block + at, 0, 32);
        sum(block, len);
        refuse(block, len, "a key of zeros");
    }
}

static void test_read_refuses_lengths_beyond_the_limits(void **state)
{
    (void)state;
    uint8_t block[MEDSEC_CREDENTIAL_BLOCK_MAX + 32];
    medsec_credential credential = kind(3);
    /* As a writer with larger limits would have written it. */
    size_t len = write_block(block, &credential);
    memmove(block + HEAD_LEN + 1, block + HEAD_LEN, len - HEAD_LEN);
    block[HEAD_LEN] = 'd';
    block[7]++;
    sum(block, len + 1);
    refuse(block, len + 1, "a long id");
    block[7]--;
    block[8]++;
    block[HEAD_LEN + MEDSEC_DEVICE_ID_MAX] = 'p';
    sum(block, len + 1);
    refuse(block, len + 1, "a long profile");
    block[7] = 0;
    block[8] = 0;
    refuse(block, len, "no names");
}

/* The credential ends at an inaccessible page. */
static void test_read_writes_nothing_behind_the_credential(void **state)
{
    (void)state;
    uint8_t block[1024];
    size_t used;
    uint8_t *end = guard_end(sizeof(medsec_credential));
    medsec_credential *last = (medsec_credential *)(end - sizeof(medsec_credential));
    static const uint8_t heads[][HEAD_LEN + 1] = {"MSC1\2\1\1\377\377", "MSC1\2\1\1\377\5",
                                                  "MSC1\2\1\1\5\377"};
    for (size_t i = 0; i < 3; i++) {
        memset(block, 'a', sizeof block);
        memcpy(block, heads[i], HEAD_LEN);
        size_t len = HEAD_LEN + (size_t)block[7] + block[8] + 4 * 32 + SUM_LEN;
        sum(block, len);
        assert_int_equal(medsec_credential_block_read(last, crypto, block, len, &used),
                         MEDSEC_ERR_CORRUPT);
    }
    guard_free(end, sizeof(medsec_credential));
}

static void test_write_to_every_capacity(void **state)
{
    (void)state;
    for (unsigned number = 0; number < KINDS; number++) {
        uint8_t block[MEDSEC_CREDENTIAL_BLOCK_MAX];
        medsec_credential credential = kind(number);
        size_t len = write_block(block, &credential);
        uint8_t *end = guard_end(len);
        for (size_t cap = 0; cap < len; cap++) {
            size_t got = 77;
            memset(end - cap, 0xee, cap);
            assert_int_equal(
                medsec_credential_block_write(end - cap, cap, &got, crypto, &credential),
                MEDSEC_ERR_BUFFER);
            assert_int_equal(got, 77);
            assert_true(sodium_is_zero(end - cap, cap));
        }
        guard_free(end, len);
    }
}

static void test_write_refuses_what_is_no_credential(void **state)
{
    (void)state;
    uint8_t block[MEDSEC_CREDENTIAL_BLOCK_MAX];
    size_t len;
    medsec_credential cases[6];
    for (size_t i = 0; i < 6; i++) {
        cases[i] = kind(1);
    }
    cases[0].wire = 0;
    cases[1].suite = 0;
    cases[2].device[0] = '\0';
    cases[3].profile[0] = 'P';
    memset(cases[4].psk, 0, sizeof cases[4].psk);
    memset(cases[5].gateway_public, 0, sizeof cases[5].gateway_public);
    for (size_t i = 0; i < 6; i++) {
        assert_int_equal(
            medsec_credential_block_write(block, sizeof block, &len, crypto, &cases[i]),
            MEDSEC_ERR_ARGUMENT);
    }
}

static medsec_status no_sha256(uint8_t out[MEDSEC_SHA256_LEN], const medsec_bytes *parts,
                               size_t count)
{
    (void)out;
    (void)parts;
    (void)count;
    return MEDSEC_ERR_PROVIDER;
}

static void test_provider_that_fails(void **state)
{
    (void)state;
    medsec_crypto broken = *crypto;
    broken.sha256 = no_sha256;
    uint8_t block[MEDSEC_CREDENTIAL_BLOCK_MAX];
    medsec_credential credential = kind(1);
    medsec_credential again;
    size_t len = write_block(block, &credential);
    assert_int_equal(medsec_credential_block_read(&again, &broken, block, len, &len),
                     MEDSEC_ERR_CORRUPT);
    assert_int_equal(medsec_credential_block_write(block, sizeof block, &len, &broken, &credential),
                     MEDSEC_ERR_PROVIDER);
    assert_true(sodium_is_zero(block, sizeof block));
}

int main(void)
{
    crypto = medsec_crypto_openssl();
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_write_gives_the_documented_bytes),
        cmocka_unit_test(test_read_gives_what_was_written),
        cmocka_unit_test(test_read_refuses_every_truncation_and_flipped_bit),
        cmocka_unit_test(test_read_refuses_nonsense_with_a_good_sum),
        cmocka_unit_test(test_read_refuses_lengths_beyond_the_limits),
        cmocka_unit_test(test_read_writes_nothing_behind_the_credential),
        cmocka_unit_test(test_write_to_every_capacity),
        cmocka_unit_test(test_write_refuses_what_is_no_credential),
        cmocka_unit_test(test_provider_that_fails),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
