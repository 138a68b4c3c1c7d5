/* SPDX-License-Identifier: Apache-2.0 */
#include "setup_bench.h"

#include "page.h"
#include "settings.h"
#include "unit.h"
#include "v1_gateway.h"

#include <medsec/hex.h>
#include <medsec/version.h>
#include <stdio.h>
#include <string.h>

/* In the place of the real one. */
const uint8_t page_response[] = "HTTP/1.1 200 OK\r\n\r\nthe page";
const size_t page_response_len = sizeof page_response - 1;

const medsec_setup_form visitor_form = {
    .kind = MEDSEC_SETUP_SETTINGS,
    .settings = {
        .server = "gateway.example", .port = 9998, .ssid = "ward 3", .password = "correct horse"}};

setup_bench visited;

void setup_bench_begin(void)
{
    static const uint8_t noise[MEDSEC_BOOT_SEED_LEN];
    medsec_boot_record mine = {.boot = 7, .seed = "seed"};
    drbg_start(&visited.generator, medsec_crypto_openssl(), &mine, noise);
    fake_wifi_reset();
    visited.now_ms = SETUP_BENCH_START_MS;
    assert_int_equal(setup_mode_start(&visited.mode, &visited.table, medsec_crypto_openssl(),
                                      &visited.credential, &visited.generator),
                     MEDSEC_OK);
    assert_int_equal(medsec_setup_key(visited.key, medsec_crypto_openssl(), &visited.credential),
                     MEDSEC_OK);
}

int setup_bench_prepare(void **state)
{
    (void)state;
    v1_keys keys;
    flash_model_open(&visited.flash);
    flash_model_board(&visited.flash, &visited.table);
    assert_int_equal(v1_keys_make(&keys, 1, MEDSEC_SUITE_A128CBC_HS256), MEDSEC_OK);
    v1_credential(&visited.credential, &keys);
    setup_bench_begin();
    fake_wifi_push(WIFI_UP, 0);
    (void)setup_mode_poll(&visited.mode, visited.now_ms);
    return 0;
}

int setup_bench_prepare_seed(void **state)
{
    (void)setup_bench_prepare(state);
    memset(&visited.credential, 0, sizeof visited.credential);
    strcpy(visited.credential.device, "iot_med_dev_01");
    strcpy(visited.credential.profile, MEDSEC_PROFILE_DEFAULT);
    visited.credential.wire = MEDSEC_WIRE_SEED;
    memset(visited.credential.key, 'A', sizeof visited.credential.key);
    memset(visited.credential.iv, 'A', sizeof visited.credential.iv);
    setup_bench_begin();
    return 0;
}

int setup_bench_finish(void **state)
{
    (void)state;
    flash_model_close(&visited.flash);
    return 0;
}

uint64_t setup_bench_poll(void)
{
    return setup_mode_poll(&visited.mode, visited.now_ms);
}

void visitor_open(uint8_t link)
{
    fake_wifi_push(WIFI_OPENED, link);
    (void)setup_bench_poll();
}

void visitor_push(uint8_t link, const void *data, size_t len)
{
    fake_wifi_push_data(link, data, len);
    (void)setup_bench_poll();
}

size_t visitor_answer(uint8_t link, char out[VISITOR_ANSWER_MAX])
{
    const fake_link *of = &fake_network.links[link];
    assert_non_null(of->data);
    assert_true(of->len < VISITOR_ANSWER_MAX);
    memcpy(out, of->data, of->len);
    out[of->len] = '\0';
    return of->len;
}

void visitor_end(uint8_t link)
{
    fake_wifi_push(WIFI_SENT, link);
    (void)setup_bench_poll();
    assert_false(fake_network.links[link].closing); /* by the visitor, who has all of it */
    fake_wifi_push(WIFI_CLOSED, link);
    (void)setup_bench_poll();
}

unsigned visitor_ask(const void *request, size_t len, char body[VISITOR_ANSWER_MAX],
                     size_t *body_len)
{
    char answer[VISITOR_ANSWER_MAX];
    unsigned status;
    visitor_open(0);
    visitor_push(0, request, len);
    size_t answer_len = visitor_answer(0, answer);
    assert_int_equal(sscanf(answer, "HTTP/1.1 %3u ", &status), 1);
    const char *end_of_head = strstr(answer, "\r\n\r\n");
    assert_non_null(end_of_head);
    size_t head_len = (size_t)(end_of_head + 4 - answer);
    char length[40];
    int digits = snprintf(length, sizeof length, "Content-Length: %zu\r\n", answer_len - head_len);
    assert_true(digits > 0);
    assert_true(fake_network.links[0].data == page_response || strstr(answer, length) != NULL);
    if (body != NULL) {
        memcpy(body, answer + head_len, answer_len - head_len + 1);
        *body_len = answer_len - head_len;
    }
    visitor_end(0);
    return status;
}

unsigned visitor_ask_text(const char *request, char body[VISITOR_ANSWER_MAX])
{
    size_t len;
    return visitor_ask(request, strlen(request), body, &len);
}

void visitor_get_nonce(uint8_t nonce[MEDSEC_SETUP_NONCE_LEN], unsigned wanted_tries)
{
    char body[VISITOR_ANSWER_MAX];
    char hex[33];
    char version[16];
    unsigned tries;
    assert_int_equal(visitor_ask_text("GET /setup HTTP/1.1\r\n\r\n", body), 200);
    assert_int_equal(sscanf(body,
                            "{\"setup\":1,\"nonce\":\"%32[0-9a-f]\",\"tries\":%u,"
                            "\"version\":\"%15[0-9.]\"}",
                            hex, &tries, version),
                     3);
    assert_int_equal(body[strlen(body) - 1], '}');
    assert_string_equal(version, MEDSEC_VERSION_STRING);
    assert_int_equal(tries, wanted_tries);
    assert_int_equal(medsec_hex_decode(nonce, hex, 32), MEDSEC_OK);
}

void visitor_make_post(visitor_post *out, const char with[MEDSEC_SETUP_KEY_LEN],
                       const uint8_t nonce[MEDSEC_SETUP_NONCE_LEN], const medsec_setup_form *sealed)
{
    uint8_t salt[MEDSEC_SETUP_SALT_LEN] = {0};
    memcpy(salt, nonce, MEDSEC_SETUP_NONCE_LEN);
    out->head_len = (size_t)snprintf((char *)out->bytes, sizeof out->bytes,
                                     "POST /setup HTTP/1.1\r\nHost: 192.168.4.1\r\n"
                                     "Content-Length: %u\r\n\r\n",
                                     MEDSEC_SETUP_FORM_LEN);
    assert_int_equal(medsec_setup_form_seal(out->bytes + out->head_len, out->answer_key,
                                            medsec_crypto_openssl(), with, salt, sealed),
                     MEDSEC_OK);
    out->len = out->head_len + MEDSEC_SETUP_FORM_LEN;
}

medsec_setup_status visitor_open_answer(const visitor_post *made, const char *body, size_t len)
{
    medsec_setup_status status;
    assert_int_equal(medsec_setup_answer_open(&status, medsec_crypto_openssl(), made->answer_key,
                                              (const uint8_t *)body, len),
                     MEDSEC_OK);
    return status;
}

bool visitor_is_saved(void)
{
    medsec_setup_settings settings;
    bool fresh;
    return settings_load(&settings, &fresh, &visited.table, medsec_crypto_openssl()) && fresh &&
           strcmp(settings.server, visitor_form.settings.server) == 0 &&
           settings.port == visitor_form.settings.port &&
           strcmp(settings.ssid, visitor_form.settings.ssid) == 0 &&
           strcmp(settings.password, visitor_form.settings.password) == 0;
}

unsigned visitor_send_form(const char with[MEDSEC_SETUP_KEY_LEN],
                           const uint8_t nonce[MEDSEC_SETUP_NONCE_LEN],
                           char body[VISITOR_ANSWER_MAX])
{
    visitor_post made;
    size_t len;
    visitor_make_post(&made, with, nonce, &visitor_form);
    return visitor_ask(made.bytes, made.len, body, &len);
}