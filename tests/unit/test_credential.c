/* SPDX-License-Identifier: Apache-2.0 */
#include "core/credential_check.h"
#include "host/sample_key.h"
#include "registry_fixture.h"
#include "scratch.h"
#include "unit.h"

#include <cJSON.h>
#include <medsec/credential_file.h>
#include <medsec/provision.h>
#include <sodium.h>
#include <stdlib.h>
#include <string.h>
#include <sys/fsuid.h>
#include <sys/stat.h>
#include <unistd.h>

#define GOOD                                                                      \
    "{\"format\":\"medsec-credential/1\",\"device\":\"dev-1\",\"wire\":\"seed\"," \
    "\"profile\":\"pulse-oximeter\",\"key\":\"k3y+with\\\"quote\\\\!\",\"iv\":"   \
    "\"FEDCBA9876543210\"}"

static medsec_credential sample(void)
{
    medsec_credential credential = {
        .device = "dev-1", .profile = "pico-vitals", .wire = MEDSEC_WIRE_SEED};
    memcpy(credential.key, "k3y+with\"quote\\!", 16);
    memcpy(credential.iv, "0f1e2d3c4b5a6978", 16);
    return credential;
}

#define V1_HEAD \
    "{\"format\":\"medsec-credential/1\",\"device\":\"dev-1\",\"wire\":\"medsec/1\",\"suite\":"
#define V1_PROFILE "\"A128CBC-HS256\",\"profile\":\"pico-vitals\","
/* The private and the public key of Alice in RFC 7748 section 6.1. */
#define V1_PRIVATE "\"device_private\":\"dwdtCnMYpX08FsFyUbJmRd9ML4frwJkqsXf7pR25LCo=\","
#define V1_PUBLIC "\"device_public\":\"hSDwCYkwp1R0i33ctD73Wg2/Og0mOBr066SpjqqbTmo=\","
#define V1_PSK "\"psk\":\"AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=\","
#define V1_GATEWAY "\"gateway_public\":\"3p7bfXt9wbTTW2HC7OQ1Nz+DQ8hbeGdNrfx+FG+IK08=\"}\n"
#define V1_KEYS V1_PUBLIC V1_PSK V1_GATEWAY
#define V1_GOOD V1_HEAD V1_PROFILE V1_PRIVATE V1_KEYS

static medsec_status parse(const char *json)
{
    medsec_credential credential;
    return medsec_credential_parse(&credential, json, strlen(json));
}

static void test_parse_takes_members(void **state)
{
    (void)state;
    medsec_credential credential;
    const char *json = " {\"format\" : \"medsec-credential\\/1\", \"wire\":\"seed\",\n"
                       "\"iv\":\"FEDCBA9876543210\",\"key\":\"k3y\\u002bwith\\\"quo\\\\te!\","
                       "\"later\":\"is ignored\",\"device\":\"dev-1\"}\n";
    assert_int_equal(medsec_credential_parse(&credential, json, strlen(json)), MEDSEC_OK);
    assert_string_equal(credential.device, "dev-1");
    assert_string_equal(credential.profile, MEDSEC_PROFILE_DEFAULT);
    assert_memory_equal(credential.key, "k3y+with\"quo\\te!", 16);
    assert_memory_equal(credential.iv, "FEDCBA9876543210", 16);
}

static void test_parse_refuses(void **state)
{
    (void)state;
#define HEAD "{\"format\":\"medsec-credential/1\",\"wire\":\"seed\","
#define KEYS "\"key\":\"0f1e2d3c4b5a6978\",\"iv\":\"0123456789012345\"}"
    const struct {
        const char *json;
        medsec_status status;
    } cases[] = {
        {"", MEDSEC_ERR_SYNTAX},
        {"{}", MEDSEC_ERR_SYNTAX},
        {"[]", MEDSEC_ERR_SYNTAX},
        {HEAD "\"device\":\"a\"," KEYS "x", MEDSEC_ERR_SYNTAX},
        {HEAD "\"device\":\"a\"," KEYS "{}", MEDSEC_ERR_SYNTAX},
        {HEAD "\"device\":7," KEYS, MEDSEC_ERR_SYNTAX},
        {HEAD "\"device\":\"a\",,", MEDSEC_ERR_SYNTAX},
        {HEAD "\"device\":\"a\\n\"," KEYS, MEDSEC_ERR_SYNTAX},
        {HEAD "\"device\":\"a\\u0000\"," KEYS, MEDSEC_ERR_SYNTAX},
        {HEAD "\"device\":\"a\\u0141\"," KEYS, MEDSEC_ERR_SYNTAX},
        {HEAD "\"device\":\"\xc3\xa4\"," KEYS, MEDSEC_ERR_SYNTAX},
        {HEAD "\"device\":\"a\",\"device\":\"b\"," KEYS, MEDSEC_ERR_DUPLICATE},
        {HEAD "\"device\":\"..\"," KEYS, MEDSEC_ERR_DEVICE_ID},
        {HEAD "\"device\":\"\"," KEYS, MEDSEC_ERR_DEVICE_ID},
        {HEAD "\"device\":\"a\",\"profile\":\"\"," KEYS, MEDSEC_ERR_ARGUMENT},
        {HEAD "\"device\":\"a\",\"profile\":\"A b\"," KEYS, MEDSEC_ERR_ARGUMENT},
        {HEAD "\"device\":\"a\",\"key\":\"short\",\"iv\":\"0123456789012345\"}",
         MEDSEC_ERR_ARGUMENT},
        {HEAD "\"device\":\"a\",\"key\":\"0f1e2d3c4b5a69788\",\"iv\":\"0123456789012345\"}",
         MEDSEC_ERR_ARGUMENT},
        {HEAD KEYS, MEDSEC_ERR_SYNTAX},
        {"{\"format\":\"medsec-credential/2\",\"wire\":\"seed\",\"device\":\"a\"," KEYS,
         MEDSEC_ERR_SYNTAX},
        {"{\"format\":\"medsec-credential/1\",\"wire\":\"medsec/2\",\"device\":\"a\"}",
         MEDSEC_ERR_STATE},
        {"{\"format\":\"medsec-credential/1\",\"wire\":\"medsec/1\"," KEYS, MEDSEC_ERR_SYNTAX},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        if (parse(cases[i].json) != cases[i].status) {
            fail_msg("%s gives %d", cases[i].json, parse(cases[i].json));
        }
    }
}

static void test_parse_takes_medsec1(void **state)
{
    (void)state;
    static const uint8_t alice[] = {0x77, 0x07, 0x6d, 0x0a}; /* RFC 7748 section 6.1 */
    medsec_credential credential;
    assert_int_equal(medsec_credential_parse(&credential, V1_GOOD, sizeof V1_GOOD - 1), MEDSEC_OK);
    assert_string_equal(credential.device, "dev-1");
    assert_int_equal(credential.wire, MEDSEC_WIRE_MEDSEC1);
    assert_int_equal(credential.suite, MEDSEC_SUITE_A128CBC_HS256);
    assert_true(credential.has_private);
    assert_memory_equal(credential.device_private, alice, sizeof alice);
    assert_int_equal(credential.psk[31], 31);
    assert_int_equal(credential.gateway_public[0], 0xde);
    assert_int_equal(parse(V1_HEAD "\"ChaChaPoly\"," V1_KEYS), MEDSEC_OK);
    const char *without = V1_HEAD V1_PROFILE V1_KEYS;
    assert_int_equal(medsec_credential_parse(&credential, without, strlen(without)), MEDSEC_OK);
    assert_false(credential.has_private);
}

static void test_parse_refuses_medsec1(void **state)
{
    (void)state;
    static const struct {
        const char *json;
        medsec_status status;
    } cases[] = {
        {V1_HEAD V1_PROFILE V1_PSK V1_GATEWAY, MEDSEC_ERR_SYNTAX},
        {V1_HEAD V1_PROFILE V1_PUBLIC V1_GATEWAY, MEDSEC_ERR_SYNTAX},
        {V1_HEAD V1_PROFILE V1_PRIVATE V1_PUBLIC "\"psk\":\"\"}", MEDSEC_ERR_SYNTAX},
        {V1_HEAD V1_PROFILE V1_PUBLIC "\"psk\":\"AAEC\"," V1_GATEWAY, MEDSEC_ERR_ARGUMENT},
        {V1_HEAD "\"\"," V1_KEYS, MEDSEC_ERR_STATE},
        {V1_HEAD "\"A128CBC-HS256-AND-MORE\"," V1_KEYS, MEDSEC_ERR_STATE},
        /* 31 bytes; 33; 32 with bits left over; no padding; the URL alphabet; a line break */
        {V1_HEAD V1_PROFILE V1_PUBLIC
         "\"psk\":\"AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHg==\"," V1_GATEWAY,
         MEDSEC_ERR_ARGUMENT},
        {V1_HEAD V1_PROFILE V1_PUBLIC
         "\"psk\":\"AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8g\"," V1_GATEWAY,
         MEDSEC_ERR_ARGUMENT},
        {V1_HEAD V1_PROFILE V1_PUBLIC
         "\"psk\":\"AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh9=\"," V1_GATEWAY,
         MEDSEC_ERR_ARGUMENT},
        {V1_HEAD V1_PROFILE V1_PUBLIC
         "\"psk\":\"AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8\"," V1_GATEWAY,
         MEDSEC_ERR_ARGUMENT},
        {V1_HEAD V1_PROFILE V1_PUBLIC
         "\"psk\":\"_-ECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=\"," V1_GATEWAY,
         MEDSEC_ERR_ARGUMENT},
        {V1_HEAD V1_PROFILE V1_PUBLIC
         "\"psk\":\" AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8\"," V1_GATEWAY,
         MEDSEC_ERR_ARGUMENT},
        /* keys of all zeros */
        {V1_HEAD V1_PROFILE V1_PUBLIC
         "\"psk\":\"AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=\"," V1_GATEWAY,
         MEDSEC_ERR_ARGUMENT},
        {V1_HEAD V1_PROFILE V1_PUBLIC V1_PSK
         "\"gateway_public\":\"AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=\"}",
         MEDSEC_ERR_ARGUMENT},
        {V1_HEAD V1_PROFILE
         "\"device_public\":\"AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=\"," V1_PSK V1_GATEWAY,
         MEDSEC_ERR_ARGUMENT},
        /* a private key that is not that of the public one */
        {V1_HEAD V1_PROFILE
         "\"device_private\":\"XasIfmJKi4dyFbRcRaWp+GzhVlAdCxGjOXqJzqNlAqs=\"," V1_KEYS,
         MEDSEC_ERR_ARGUMENT},
    };
    assert_int_equal(parse(V1_GOOD), MEDSEC_OK);
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        if (parse(cases[i].json) != cases[i].status) {
            fail_msg("%s gives %d", cases[i].json, parse(cases[i].json));
        }
    }
}

static void refuse_every_truncation(const char *json)
{
    /* The last character is a line end, or all of it is needed. */
    for (size_t len = 0; len < strlen(json) - 1; len++) {
        medsec_credential credential;
        char *exact = test_malloc(len + 1);
        memcpy(exact, json, len);
        assert_int_not_equal(medsec_credential_parse(&credential, exact, len), MEDSEC_OK);
        assert_true(sodium_is_zero((const unsigned char *)&credential, sizeof credential));
        test_free(exact);
    }
}

static void test_parse_every_truncation_is_refused(void **state)
{
    (void)state;
    refuse_every_truncation(GOOD);
    refuse_every_truncation(V1_GOOD);
}

static void test_write_medsec1_gives_the_documented_text(void **state)
{
    (void)state;
    static const char *const texts[] = {V1_GOOD, V1_HEAD V1_PROFILE V1_KEYS};
    for (size_t i = 0; i < 2; i++) {
        medsec_credential credential;
        char json[MEDSEC_CREDENTIAL_JSON_MAX];
        size_t len;
        assert_int_equal(medsec_credential_parse(&credential, texts[i], strlen(texts[i])),
                         MEDSEC_OK);
        assert_int_equal(medsec_credential_write(json, sizeof json, &len, &credential), MEDSEC_OK);
        assert_int_equal(len, strlen(texts[i]));
        assert_memory_equal(json, texts[i], len);
        for (size_t cap = 0; cap < len; cap++) {
            size_t got;
            assert_int_equal(medsec_credential_write(json, cap, &got, &credential),
                             MEDSEC_ERR_BUFFER);
            assert_true(sodium_is_zero((const unsigned char *)json, cap));
        }
    }
}

static void test_write_takes_the_longest(void **state)
{
    (void)state;
    medsec_credential credential = registry_fixture_medsec1("", 1);
    char json[MEDSEC_CREDENTIAL_JSON_MAX];
    size_t len;
    memset(credential.device, 'd', MEDSEC_DEVICE_ID_MAX);
    memset(credential.profile, 'p', MEDSEC_PROFILE_NAME_MAX);
    credential.profile[MEDSEC_PROFILE_NAME_MAX] = '\0';
    assert_int_equal(medsec_credential_write(json, sizeof json, &len, &credential), MEDSEC_OK);
    medsec_credential again;
    assert_int_equal(medsec_credential_parse(&again, json, len), MEDSEC_OK);
    assert_memory_equal(&again, &credential, sizeof again);
}

static void test_write_is_json_and_reads_back(void **state)
{
    (void)state;
    medsec_credential credential = sample();
    medsec_credential again;
    char json[MEDSEC_CREDENTIAL_JSON_MAX];
    size_t len;
    memset(credential.key, '\\', sizeof credential.key);
    assert_int_equal(medsec_credential_write(json, sizeof json, &len, &credential), MEDSEC_OK);
    assert_int_equal(json[len - 1], '\n');
    cJSON *parsed = cJSON_ParseWithLength(json, len);
    assert_string_equal(cJSON_GetStringValue(cJSON_GetObjectItem(parsed, "device")), "dev-1");
    assert_string_equal(cJSON_GetStringValue(cJSON_GetObjectItem(parsed, "wire")), "seed");
    cJSON_Delete(parsed);
    assert_int_equal(medsec_credential_parse(&again, json, len), MEDSEC_OK);
    assert_memory_equal(&again, &credential, sizeof again);
    for (size_t cap = 0; cap < len; cap++) {
        size_t got;
        assert_int_equal(medsec_credential_write(json, cap, &got, &credential), MEDSEC_ERR_BUFFER);
    }
}

static void test_write_refuses_what_parse_refuses(void **state)
{
    (void)state;
    char json[MEDSEC_CREDENTIAL_JSON_MAX];
    size_t len;
    medsec_credential credential = sample();
    credential.key[3] = '\n';
    assert_int_equal(medsec_credential_write(json, sizeof json, &len, &credential),
                     MEDSEC_ERR_ARGUMENT);
    credential = sample();
    memset(credential.device, 'a', sizeof credential.device);
    assert_int_equal(medsec_credential_write(json, sizeof json, &len, &credential),
                     MEDSEC_ERR_DEVICE_ID);
    credential = sample();
    credential.wire = 0;
    assert_int_equal(medsec_credential_write(json, sizeof json, &len, &credential),
                     MEDSEC_ERR_ARGUMENT);
    credential = registry_fixture_medsec1("dev-1", 1);
    credential.suite = 3;
    assert_int_equal(medsec_credential_write(json, sizeof json, &len, &credential),
                     MEDSEC_ERR_ARGUMENT);
    credential = registry_fixture_medsec1("dev-1", 1);
    memset(credential.gateway_public, 0, sizeof credential.gateway_public);
    assert_int_equal(medsec_credential_write(json, sizeof json, &len, &credential),
                     MEDSEC_ERR_ARGUMENT);
}

static void test_save_and_load(void **state)
{
    const scratch *files = *state;
    const char *path = scratch_path(files, "dev-1.json");
    medsec_credential credential = sample();
    medsec_credential again;
    struct stat info;
    assert_int_equal(medsec_credential_save(&credential, path), MEDSEC_OK);
    assert_int_equal(stat(path, &info), 0);
    assert_int_equal(info.st_mode & 07777, 0600);
    assert_int_equal(info.st_nlink, 1);
    assert_int_equal(medsec_credential_load(&again, path), MEDSEC_OK);
    assert_memory_equal(&again, &credential, sizeof again);
    assert_int_equal(medsec_credential_save(&credential, path), MEDSEC_ERR_EXISTS);
    assert_int_equal(scratch_count(files), 1);
}

static void test_load_refuses_a_file_of_others(void **state)
{
    const scratch *files = *state;
    const char *path = scratch_path(files, "open.json");
    medsec_credential credential;
    static const unsigned modes[] = {0640, 0604, 0620, 0602, 0601, 0610};
    for (size_t i = 0; i < sizeof modes / sizeof modes[0]; i++) {
        scratch_write(path, GOOD, sizeof GOOD - 1, modes[i]);
        assert_int_equal(medsec_credential_load(&credential, path), MEDSEC_ERR_PERMISSION);
    }
    scratch_write(path, GOOD, sizeof GOOD - 1, 0400);
    assert_int_equal(medsec_credential_load(&credential, path), MEDSEC_OK);
}

static void test_load_of_no_credential(void **state)
{
    const scratch *files = *state;
    medsec_credential credential;
    char large[MEDSEC_CREDENTIAL_JSON_MAX + 1];
    assert_int_equal(medsec_credential_load(&credential, scratch_path(files, "none")),
                     MEDSEC_ERR_NOT_FOUND);
    assert_int_equal(medsec_credential_load(&credential, files->folder), MEDSEC_ERR_IO);
    memset(large, ' ', sizeof large);
    scratch_write(scratch_path(files, "large"), large, sizeof large, 0600);
    assert_int_equal(medsec_credential_load(&credential, scratch_path(files, "large")),
                     MEDSEC_ERR_SYNTAX);
    assert_int_equal(mkfifo(scratch_path(files, "pipe"), 0600), 0);
    assert_int_equal(medsec_credential_load(&credential, scratch_path(files, "pipe")),
                     MEDSEC_ERR_IO);
}

static void test_save_into_no_folder(void **state)
{
    const scratch *files = *state;
    medsec_credential credential = sample();
    assert_int_equal(medsec_credential_save(&credential, scratch_path(files, "no/such")),
                     MEDSEC_ERR_IO);
}

/* A folder that takes files and shows none: it cannot be opened, so not be synced. */
static void test_save_that_fails_leaves_no_file(void **state)
{
    const scratch *files = *state;
    enum { NOBODY = 65534 };
    medsec_credential credential = sample();
    const char *path = scratch_path(files, "dev-1.json");
    bool root = geteuid() == 0;
    assert_true(!root || chown(files->folder, NOBODY, NOBODY) == 0);
    assert_int_equal(chmod(files->folder, 0300), 0);
    if (root) {
        (void)setfsuid(NOBODY);
    }
    medsec_status status = medsec_credential_save(&credential, path);
    if (root) {
        (void)setfsuid(0);
    }
    assert_int_equal(chmod(files->folder, 0700), 0);
    assert_int_equal(status, MEDSEC_ERR_IO);
    assert_int_equal(scratch_count(files), 0);
}

static void test_generate_gives_different_printable_keys(void **state)
{
    (void)state;
    medsec_credential a = sample();
    medsec_credential b = sample();
    medsec_credential_generate(&a);
    medsec_credential_generate(&b);
    assert_int_equal(medsec__credential_check(&a), MEDSEC_OK);
    assert_memory_not_equal(a.key, b.key, sizeof a.key);
    assert_memory_not_equal(a.iv, b.iv, sizeof a.iv);
    assert_memory_not_equal(a.key, a.iv, sizeof a.iv);
}

static void test_generate_for_medsec1(void **state)
{
    (void)state;
    medsec_credential a = registry_fixture_medsec1("a", 1);
    medsec_credential b = a;
    const medsec_credential before = a;
    uint8_t public_key[MEDSEC_X25519_LEN];
    medsec_credential_generate(&a);
    medsec_credential_generate(&b);
    assert_true(a.has_private);
    assert_memory_not_equal(a.psk, b.psk, sizeof a.psk);
    assert_memory_not_equal(a.device_private, b.device_private, sizeof a.device_private);
    assert_memory_not_equal(a.device_private, before.device_private, sizeof a.device_private);
    assert_int_equal(crypto_scalarmult_base(public_key, a.device_private), 0);
    assert_memory_equal(a.device_public, public_key, sizeof public_key);
    assert_memory_equal(a.gateway_public, before.gateway_public, sizeof a.gateway_public);
    assert_true(sodium_is_zero(a.key, sizeof a.key));
    /* A device's own key stays. */
    b = before;
    b.has_private = false;
    memset(b.device_private, 0, sizeof b.device_private);
    medsec_credential_generate(&b);
    assert_false(b.has_private);
    assert_memory_equal(b.device_public, before.device_public, sizeof b.device_public);
    assert_true(sodium_is_zero(b.device_private, sizeof b.device_private));
    assert_memory_not_equal(b.psk, before.psk, sizeof b.psk);
}

static void test_save_block(void **state)
{
    const scratch *files = *state;
    const char *path = scratch_path(files, "dev-1.bin");
    medsec_credential credential = registry_fixture_medsec1("dev-1", 1);
    medsec_credential again;
    struct stat info;
    size_t len;
    size_t used;
    assert_int_equal(medsec_credential_save_block(&credential, medsec_crypto_openssl(), path),
                     MEDSEC_OK);
    assert_int_equal(stat(path, &info), 0);
    assert_int_equal(info.st_mode & 07777, 0600);
    uint8_t *block = (uint8_t *)scratch_read(path, &len);
    assert_int_equal(
        medsec_credential_block_read(&again, medsec_crypto_openssl(), block, len, &used),
        MEDSEC_OK);
    assert_int_equal(used, len);
    assert_memory_equal(&again, &credential, sizeof again);
    free(block);
    assert_int_equal(medsec_credential_save_block(&credential, medsec_crypto_openssl(), path),
                     MEDSEC_ERR_EXISTS);
    credential.suite = 0;
    assert_int_equal(medsec_credential_save_block(&credential, medsec_crypto_openssl(),
                                                  scratch_path(files, "bad.bin")),
                     MEDSEC_ERR_ARGUMENT);
    assert_int_equal(scratch_count(files), 1);
}

/* What is in it is looked at by tests/interop/test_keygen_setup.py. */
static void test_save_uf2(void **state)
{
    const scratch *files = *state;
    const medsec_crypto *crypto = medsec_crypto_openssl();
    const char *path = scratch_path(files, "dev-1.uf2");
    medsec_credential credential = registry_fixture_medsec1("dev-1", 1);
    struct stat info;
    assert_int_equal(medsec_credential_save_uf2(&credential, crypto, path), MEDSEC_OK);
    assert_int_equal(stat(path, &info), 0);
    assert_int_equal(info.st_mode & 07777, 0600);
    assert_int_equal(info.st_size, 2 * MEDSEC_PROVISION_LEN);
    assert_int_equal(medsec_credential_save_uf2(&credential, crypto, path), MEDSEC_ERR_EXISTS);
    path = scratch_path(files, "bad.uf2");
    assert_int_equal(medsec_credential_save_uf2(NULL, crypto, path), MEDSEC_ERR_ARGUMENT);
    assert_int_equal(medsec_credential_save_uf2(&credential, NULL, path), MEDSEC_ERR_ARGUMENT);
    assert_int_equal(medsec_credential_save_uf2(&credential, crypto, NULL), MEDSEC_ERR_ARGUMENT);
    credential.has_private = false;
    assert_int_equal(medsec_credential_save_uf2(&credential, crypto, path), MEDSEC_ERR_ARGUMENT);
    assert_int_equal(scratch_count(files), 1);
}

static void test_sample_keys(void **state)
{
    (void)state;
    static const char *const known[] = {"1234567890123456", "AAAAAAAAAAAAAAAA", "BBBBBBBBBBBBBBBB",
                                        "0123456789abcdef", "0123456789ABCDEF", "0123456789012345",
                                        "9876543210987654", "fedcba9876543210", "abcdefghijklmnop",
                                        "ABCDEFGHIJKLMNOP", "zyxwvutsrqponmlk", "~~~~~~~~~~~~~~~~",
                                        "                "};
    static const char *const fine[] = {"1234567890123457", "AAAAAAAAAAAAAAAB", "aAaAaAaAaAaAaAaA",
                                       "q0Zr8-Kx_3uPw7Lm", "0123456789abcdeF"};
    for (size_t i = 0; i < sizeof known / sizeof known[0]; i++) {
        assert_true(medsec__key_is_sample((const uint8_t *)known[i]));
    }
    for (size_t i = 0; i < sizeof fine / sizeof fine[0]; i++) {
        assert_false(medsec__key_is_sample((const uint8_t *)fine[i]));
    }
}

static int setup(void **state)
{
    static scratch files;
    scratch_open(&files);
    *state = &files;
    return 0;
}

static int teardown(void **state)
{
    scratch_close(*state);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_parse_takes_members),
        cmocka_unit_test(test_parse_refuses),
        cmocka_unit_test(test_parse_takes_medsec1),
        cmocka_unit_test(test_parse_refuses_medsec1),
        cmocka_unit_test(test_write_medsec1_gives_the_documented_text),
        cmocka_unit_test(test_write_takes_the_longest),
        cmocka_unit_test(test_generate_for_medsec1),
        cmocka_unit_test_setup_teardown(test_save_block, setup, teardown),
        cmocka_unit_test_setup_teardown(test_save_uf2, setup, teardown),
        cmocka_unit_test(test_parse_every_truncation_is_refused),
        cmocka_unit_test(test_write_is_json_and_reads_back),
        cmocka_unit_test(test_write_refuses_what_parse_refuses),
        cmocka_unit_test_setup_teardown(test_save_and_load, setup, teardown),
        cmocka_unit_test_setup_teardown(test_load_refuses_a_file_of_others, setup, teardown),
        cmocka_unit_test_setup_teardown(test_load_of_no_credential, setup, teardown),
        cmocka_unit_test_setup_teardown(test_save_into_no_folder, setup, teardown),
        cmocka_unit_test_setup_teardown(test_save_that_fails_leaves_no_file, setup, teardown),
        cmocka_unit_test(test_generate_gives_different_printable_keys),
        cmocka_unit_test(test_sample_keys),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
