/* SPDX-License-Identifier: Apache-2.0 */
#include "host/credential_check.h"
#include "scratch.h"
#include "unit.h"

#include <cJSON.h>
#include <medsec/credential_file.h>
#include <sodium.h>
#include <string.h>
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
        {"{\"format\":\"medsec-credential/1\",\"wire\":\"medsec/1\",\"device\":\"a\"}",
         MEDSEC_ERR_STATE},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        if (parse(cases[i].json) != cases[i].status) {
            fail_msg("%s gives %d", cases[i].json, parse(cases[i].json));
        }
    }
}

static void test_parse_every_truncation_is_refused(void **state)
{
    (void)state;
    for (size_t len = 0; len < sizeof GOOD - 1; len++) {
        medsec_credential credential;
        char *exact = test_malloc(len + 1);
        memcpy(exact, GOOD, len);
        assert_int_not_equal(medsec_credential_parse(&credential, exact, len), MEDSEC_OK);
        assert_true(sodium_is_zero((const unsigned char *)&credential, sizeof credential));
        test_free(exact);
    }
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
        cmocka_unit_test(test_parse_every_truncation_is_refused),
        cmocka_unit_test(test_write_is_json_and_reads_back),
        cmocka_unit_test(test_write_refuses_what_parse_refuses),
        cmocka_unit_test_setup_teardown(test_save_and_load, setup, teardown),
        cmocka_unit_test_setup_teardown(test_load_refuses_a_file_of_others, setup, teardown),
        cmocka_unit_test_setup_teardown(test_load_of_no_credential, setup, teardown),
        cmocka_unit_test_setup_teardown(test_save_into_no_folder, setup, teardown),
        cmocka_unit_test(test_generate_gives_different_printable_keys),
        cmocka_unit_test(test_sample_keys),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
