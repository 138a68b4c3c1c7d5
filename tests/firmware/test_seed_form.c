/* SPDX-License-Identifier: Apache-2.0 */
#include "seed_form.h"

#include "guard.h"
#include "unit.h"
#include "vectors.h"

#include <medsec/hex.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define KEY "AAAAAAAAAAAAAAAA"
enum { QUERY_MAX = 512 };

static const medsec_crypto *crypto(void)
{
    return medsec_crypto_openssl();
}

static medsec_status open_with(medsec_setup_settings *settings, const char *key, const char *query)
{
    uint8_t *end = guard_end(QUERY_MAX);
    size_t len = strlen(query);
    assert_true(len <= QUERY_MAX);
    char *at = (char *)end - len;
    memcpy(at, query, len);
    memset(settings, 0xaa, sizeof *settings);
    medsec_status status = seed_form_open(settings, crypto(), (const uint8_t *)key, at, len);
    guard_free(end, QUERY_MAX);
    if (status != MEDSEC_OK) {
        static const medsec_setup_settings nothing;
        assert_memory_equal(settings, &nothing, sizeof nothing);
    }
    return status;
}

/* As the seed's page makes it. */
static void add_value(char *query, const char *name, const char *text)
{
    uint8_t block[64];
    uint8_t iv[MEDSEC_AES_BLOCK_LEN];
    medsec_cipher cipher;
    size_t len = strlen(text) == 0 ? 16 : (strlen(text) + 15) / 16 * 16;
    assert_true(len <= sizeof block);
    memset(block, '#', sizeof block);
    memcpy(block + len - strlen(text), text, strlen(text));
    memset(iv, 'B', sizeof iv);
    assert_int_equal(crypto()->aes128_cbc_open(&cipher, MEDSEC_ENCRYPT, (const uint8_t *)KEY),
                     MEDSEC_OK);
    assert_int_equal(crypto()->aes128_cbc_run(&cipher, iv, block, block, len), MEDSEC_OK);
    crypto()->aes128_cbc_close(&cipher);
    size_t at = strlen(query);
    at += (size_t)snprintf(query + at, QUERY_MAX - at, "%s%s=", at > 0 ? "&" : "", name);
    medsec_hex_encode(query + at, block, len);
    query[at + 2 * len] = '\0';
}

static const char *make(const char *server, const char *port, const char *ssid,
                        const char *password)
{
    static char query[QUERY_MAX + 64];
    query[0] = '\0';
    add_value(query, "server_ip", server);
    add_value(query, "server_port", port);
    add_value(query, "wifi_name", ssid);
    add_value(query, "wifi_pass", password);
    return query;
}

static void without_fill(char *out, const char *text)
{
    for (; *text != '\0'; text++) {
        if (*text != '#') {
            *out++ = *text;
        }
    }
    *out = '\0';
}

static bool is_settings(const medsec_setup_settings *settings, const cJSON *plain)
{
    char password[64];
    without_fill(password, vectors_text(plain, "wifi_pass"));
    return strcmp(settings->server, vectors_text(plain, "server_ip")) == 0 &&
           settings->port == strtoul(vectors_text(plain, "server_port"), NULL, 10) &&
           strcmp(settings->ssid, vectors_text(plain, "wifi_name")) == 0 &&
           strcmp(settings->password, password) == 0;
}

/* A password of 1 to 7 characters decrypts, and joins no network. */
static medsec_status wanted_status(const cJSON *plain)
{
    char password[64];
    without_fill(password, vectors_text(plain, "wifi_pass"));
    if (strlen(vectors_text(plain, "server_port")) == 0) {
        return MEDSEC_ERR_CRYPTO;
    }
    return strlen(password) < 8 ? MEDSEC_ERR_MESSAGE : MEDSEC_OK;
}

static void test_open_of_the_seeds_requests(void **state)
{
    (void)state;
    FILE *file = vectors_open("seed/config_requests.jsonl");
    if (file == NULL) {
        skip();
    }
    unsigned opened = 0;
    cJSON *vector;
    while ((vector = vectors_next(file)) != NULL) {
        const cJSON *line = cJSON_GetObjectItemCaseSensitive(vector, "request_line");
        const cJSON *plain = cJSON_GetObjectItemCaseSensitive(vector, "plain");
        if (line != NULL) {
            char query[QUERY_MAX];
            medsec_setup_settings settings;
            assert_int_equal(sscanf(line->valuestring, "GET /action_page.php?%511s ", query), 1);
            medsec_status status = open_with(&settings, vectors_text(vector, "key"), query);
            assert_int_equal(status, wanted_status(plain));
            assert_true(status != MEDSEC_OK || is_settings(&settings, plain));
            opened += status == MEDSEC_OK;
            assert_int_equal(open_with(&settings, "BAAAAAAAAAAAAAAA", query), MEDSEC_ERR_CRYPTO);
        }
        cJSON_Delete(vector);
    }
    fclose(file);
    assert_in_range(opened, 12, 33);
}

static void test_open_takes_the_longest(void **state)
{
    (void)state;
    medsec_setup_settings settings;
    char ssid[MEDSEC_SETUP_SSID_MAX + 2];
    char password[MEDSEC_SETUP_PASSWORD_MAX + 2];
    memset(ssid, 'n', sizeof ssid);
    memset(password, 'p', sizeof password);
    ssid[MEDSEC_SETUP_SSID_MAX] = '\0';
    password[MEDSEC_SETUP_PASSWORD_MAX] = '\0';
    assert_int_equal(open_with(&settings, KEY, make("10.0.0.1", "65535", ssid, password)),
                     MEDSEC_OK);
    assert_string_equal(settings.ssid, ssid);
    assert_string_equal(settings.password, password);
    assert_int_equal(settings.port, 65535);
    password[MEDSEC_SETUP_PASSWORD_MAX] = 'p';
    password[MEDSEC_SETUP_PASSWORD_MAX + 1] = '\0';
    assert_int_equal(open_with(&settings, KEY, make("10.0.0.1", "1", "n", password)),
                     MEDSEC_ERR_CRYPTO);
}

static void test_open_takes_an_open_network(void **state)
{
    (void)state;
    medsec_setup_settings settings;
    assert_int_equal(open_with(&settings, KEY, make("10.0.0.1", "9998", "ward 3", "")), MEDSEC_OK);
    assert_string_equal(settings.password, "");
}

static void test_open_refuses_what_is_no_port(void **state)
{
    (void)state;
    static const char *const ports[] = {"",    "0",  "65536", "99999", "100000",
                                        "1e4", "-1", "99 ",   "9998x", " 80"};
    for (size_t i = 0; i < sizeof ports / sizeof ports[0]; i++) {
        medsec_setup_settings settings;
        assert_int_equal(open_with(&settings, KEY, make("10.0.0.1", ports[i], "n", "")),
                         MEDSEC_ERR_CRYPTO);
    }
}

static void test_open_refuses_what_cannot_be(void **state)
{
    (void)state;
    medsec_setup_settings settings;
    assert_int_equal(open_with(&settings, KEY, make("300.1.1.1", "80", "n", "")),
                     MEDSEC_ERR_MESSAGE);
    assert_int_equal(open_with(&settings, KEY, make("10.0.0.1", "80", "", "")), MEDSEC_ERR_MESSAGE);
    assert_int_equal(open_with(&settings, KEY, make("10.0.0.1", "80", "\xff", "")),
                     MEDSEC_ERR_MESSAGE);
    assert_int_equal(open_with(&settings, KEY, make("10.0.0.1", "80", "a\nb", "")),
                     MEDSEC_ERR_CRYPTO);
}

static void test_open_refuses_what_is_too_long(void **state)
{
    (void)state;
    medsec_setup_settings settings;
    char query[QUERY_MAX + 64];
    snprintf(query, sizeof query, "%s", make("10.0.0.1", "9998", "ward 3", "correct horse"));
    size_t len = strlen(query);
    memset(query + len, '0', 160 - 32);
    query[len + 160 - 32] = '\0';
    assert_int_equal(open_with(&settings, KEY, query), MEDSEC_ERR_SYNTAX);
}

static void test_open_at_every_truncation(void **state)
{
    (void)state;
    medsec_setup_settings settings;
    char query[QUERY_MAX + 64];
    snprintf(query, sizeof query, "%s", make("10.0.0.1", "9998", "ward 3", "correct horse"));
    for (size_t len = strlen(query); len-- > 0;) {
        query[len] = '\0';
        assert_int_equal(open_with(&settings, KEY, query), MEDSEC_ERR_SYNTAX);
    }
}

static void test_open_refuses_what_is_twice_or_no_hex(void **state)
{
    (void)state;
    medsec_setup_settings settings;
    char query[2 * QUERY_MAX];
    snprintf(query, sizeof query, "%s", make("10.0.0.1", "9998", "ward 3", "correct horse"));
    size_t len = strlen(query);
    for (size_t i = 0; i < len; i++) {
        char kept = query[i];
        query[i] = kept == '&' ? '?' : (kept == '=' ? '&' : 'g');
        medsec_status status = open_with(&settings, KEY, query);
        assert_int_equal(status, MEDSEC_ERR_SYNTAX);
        query[i] = kept;
    }
    add_value(query, "server_port", "9998");
    assert_int_equal(open_with(&settings, KEY, query), MEDSEC_ERR_SYNTAX);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_open_of_the_seeds_requests),
        cmocka_unit_test(test_open_takes_the_longest),
        cmocka_unit_test(test_open_takes_an_open_network),
        cmocka_unit_test(test_open_refuses_what_is_no_port),
        cmocka_unit_test(test_open_refuses_what_cannot_be),
        cmocka_unit_test(test_open_refuses_what_is_too_long),
        cmocka_unit_test(test_open_at_every_truncation),
        cmocka_unit_test(test_open_refuses_what_is_twice_or_no_hex),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
