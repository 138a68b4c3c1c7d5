/* SPDX-License-Identifier: Apache-2.0 */
#include "flash_map.h"
#include "settings.h"
#include "setup_bench.h"
#include "unit.h"

#include "core/hkdf.h"

#include <stdio.h>
#include <string.h>

/* The forms. */

static void test_form_is_saved_answered_and_ends_setup(void **state)
{
    (void)state;
    uint8_t nonce[MEDSEC_SETUP_NONCE_LEN];
    visitor_post made;
    char answer[VISITOR_ANSWER_MAX];
    visitor_get_nonce(nonce, SETUP_TRIES);
    visitor_make_post(&made, visited.key, nonce, &visitor_form);
    visitor_open(2);
    visitor_push(2, made.bytes, made.len);
    assert_true(visitor_is_saved());
    size_t len = visitor_answer(2, answer);
    assert_int_equal(
        visitor_open_answer(&made, answer + len - MEDSEC_SETUP_ANSWER_LEN, MEDSEC_SETUP_ANSWER_LEN),
        MEDSEC_SETUP_DONE);
    assert_int_equal(setup_mode_outcome(&visited.mode, visited.now_ms), SETUP_WAITS);
    fake_wifi_push(WIFI_SENT, 2);
    assert_in_range(setup_bench_poll(), visited.now_ms + 1, visited.now_ms + 3000);
    assert_int_equal(setup_mode_outcome(&visited.mode, visited.now_ms), SETUP_WAITS);
    fake_wifi_push(WIFI_CLOSED, 2);
    (void)setup_bench_poll();
    assert_int_equal(setup_mode_outcome(&visited.mode, visited.now_ms), SETUP_SAVED);
}

static void test_form_ends_setup_though_nobody_takes_the_answer(void **state)
{
    (void)state;
    uint8_t nonce[MEDSEC_SETUP_NONCE_LEN];
    visitor_post made;
    visitor_get_nonce(nonce, SETUP_TRIES);
    visitor_make_post(&made, visited.key, nonce, &visitor_form);
    visitor_open(0);
    visitor_push(0, made.bytes, made.len);
    visited.now_ms = setup_bench_poll();
    (void)setup_bench_poll();
    assert_int_equal(setup_mode_outcome(&visited.mode, visited.now_ms), SETUP_SAVED);
}

/* In two pieces at every place, and byte by byte. */
static void test_form_in_pieces(void **state)
{
    (void)state;
    uint8_t nonce[MEDSEC_SETUP_NONCE_LEN];
    visitor_post made = {.len = 1};
    for (size_t split = 0; split <= made.len; split++) {
        setup_bench_begin();
        visitor_get_nonce(nonce, SETUP_TRIES);
        visitor_make_post(&made, visited.key, nonce, &visitor_form);
        visitor_open(0);
        for (size_t at = 0; at < made.len; at++) {
            size_t len = split == made.len ? 1 : (at < split ? split - at : made.len - at);
            visitor_push(0, made.bytes + at, len);
            at += len - 1;
        }
        char answer[VISITOR_ANSWER_MAX];
        size_t len = visitor_answer(0, answer);
        assert_int_equal(visitor_open_answer(&made, answer + len - MEDSEC_SETUP_ANSWER_LEN,
                                             MEDSEC_SETUP_ANSWER_LEN),
                         MEDSEC_SETUP_DONE);
    }
}

static void test_form_under_another_key_counts(void **state)
{
    (void)state;
    uint8_t nonce[MEDSEC_SETUP_NONCE_LEN];
    char body[VISITOR_ANSWER_MAX];
    char wrong[MEDSEC_SETUP_KEY_LEN];
    memcpy(wrong, visited.key, sizeof wrong);
    wrong[0] = wrong[0] == '0' ? '1' : '0';
    for (unsigned left = SETUP_TRIES; left-- > 0;) {
        char wanted[40];
        visitor_get_nonce(nonce, left + 1);
        assert_int_equal(visitor_send_form(wrong, nonce, body), 403);
        snprintf(wanted, sizeof wanted, "{\"error\":\"key\",\"tries\":%u}", left);
        assert_string_equal(body, wanted);
    }
    visitor_get_nonce(nonce, 0);
    assert_int_equal(visitor_send_form(visited.key, nonce, body), 429);
    assert_string_equal(body, "{\"error\":\"locked\"}");
    assert_false(visitor_is_saved());
    setup_bench_begin();
    fake_wifi_push(WIFI_UP, 0);
    visitor_get_nonce(nonce, SETUP_TRIES);
    assert_int_equal(visitor_send_form(visited.key, nonce, body), 200);
    assert_true(visitor_is_saved());
}

static void test_form_with_another_nonce_does_not_count(void **state)
{
    (void)state;
    uint8_t nonce[MEDSEC_SETUP_NONCE_LEN];
    uint8_t older[MEDSEC_SETUP_NONCE_LEN];
    char body[VISITOR_ANSWER_MAX];
    visitor_get_nonce(older, SETUP_TRIES);
    visitor_get_nonce(nonce, SETUP_TRIES);
    assert_int_equal(visitor_send_form(visited.key, older, body), 409);
    assert_string_equal(body, "{\"error\":\"nonce\"}");
    assert_false(visitor_is_saved());
    assert_int_equal(visitor_send_form(visited.key, nonce, body), 200);
    assert_true(visitor_is_saved());
}

static void test_form_before_any_nonce(void **state)
{
    (void)state;
    static const uint8_t zeros[MEDSEC_SETUP_NONCE_LEN];
    char body[VISITOR_ANSWER_MAX];
    assert_int_equal(visitor_send_form(visited.key, zeros, body), 409);
    assert_false(visitor_is_saved());
}

/* A recording of one that was taken, or of one that was not: the nonce is used up. */
static void test_form_sent_twice(void **state)
{
    (void)state;
    uint8_t nonce[MEDSEC_SETUP_NONCE_LEN];
    char body[VISITOR_ANSWER_MAX];
    char wrong[MEDSEC_SETUP_KEY_LEN];
    memset(wrong, '7', sizeof wrong);
    visitor_get_nonce(nonce, SETUP_TRIES);
    assert_int_equal(visitor_send_form(wrong, nonce, body), 403);
    assert_int_equal(visitor_send_form(wrong, nonce, body), 409);
    assert_int_equal(visitor_send_form(visited.key, nonce, body), 409);
    visitor_get_nonce(nonce, SETUP_TRIES - 1);
    assert_int_equal(visitor_send_form(visited.key, nonce, body), 200);
    assert_true(settings_wipe(&visited.table));
    assert_int_equal(visitor_send_form(visited.key, nonce, body), 409);
    visitor_get_nonce(nonce, SETUP_TRIES - 1);
    assert_int_equal(visitor_send_form(visited.key, nonce, body),
                     409); /* it is about to start anew */
    assert_false(visitor_is_saved());
}

static void test_form_that_was_changed(void **state)
{
    (void)state;
    for (size_t i = MEDSEC_SETUP_NONCE_LEN; i < MEDSEC_SETUP_FORM_LEN; i += 7) {
        uint8_t nonce[MEDSEC_SETUP_NONCE_LEN];
        char body[VISITOR_ANSWER_MAX];
        size_t len;
        visitor_post made;
        setup_bench_begin();
        visitor_get_nonce(nonce, SETUP_TRIES);
        visitor_make_post(&made, visited.key, nonce, &visitor_form);
        made.bytes[made.head_len + i] ^= 1;
        assert_int_equal(visitor_ask(made.bytes, made.len, body, &len), 403);
        assert_false(visitor_is_saved());
    }
}

/* Rightly sealed by somebody who has the key, and yet no form. */
static void make_nonsense(visitor_post *made, const uint8_t nonce[MEDSEC_SETUP_NONCE_LEN])
{
    static const uint8_t info[] = "medsec setup 1";
    const medsec_crypto *crypto = medsec_crypto_openssl();
    uint8_t plain[MEDSEC_SETUP_PLAIN_LEN] = {1, MEDSEC_SETUP_SETTINGS, 0, 80, 'h', 'i', '!'};
    uint8_t form_key[MEDSEC_CHACHAPOLY_KEY_LEN];
    visitor_make_post(made, visited.key, nonce, &visitor_form);
    uint8_t *salt = made->bytes + made->head_len;
    assert_int_equal(medsec__hkdf(crypto, form_key, sizeof form_key,
                                  (medsec_bytes){salt, MEDSEC_SETUP_SALT_LEN},
                                  (medsec_bytes){(const uint8_t *)visited.key, sizeof visited.key},
                                  (medsec_bytes){info, sizeof info - 1}),
                     MEDSEC_OK);
    assert_int_equal(crypto->chachapoly_seal(salt + MEDSEC_SETUP_SALT_LEN, form_key, 0,
                                             (const uint8_t *)"form", 4, plain, sizeof plain),
                     MEDSEC_OK);
}

static void test_form_that_is_none(void **state)
{
    (void)state;
    uint8_t nonce[MEDSEC_SETUP_NONCE_LEN];
    char body[VISITOR_ANSWER_MAX];
    size_t len;
    visitor_post made;
    visitor_get_nonce(nonce, SETUP_TRIES);
    make_nonsense(&made, nonce);
    assert_int_equal(visitor_ask(made.bytes, made.len, body, &len), 200);
    assert_int_equal(visitor_open_answer(&made, body, len), MEDSEC_SETUP_BAD_FORM);
    assert_false(visitor_is_saved());
    assert_int_equal(setup_mode_outcome(&visited.mode, visited.now_ms + 100000), SETUP_WAITS);
    assert_int_equal(visitor_ask(made.bytes, made.len, body, &len), 409);
    visitor_get_nonce(nonce, SETUP_TRIES);
}

static void test_nonces_are_random_in_every_byte(void **state)
{
    (void)state;
    uint8_t seen[MEDSEC_SETUP_NONCE_LEN][2] = {{0}};
    for (unsigned i = 0; i < 30; i++) {
        uint8_t nonce[MEDSEC_SETUP_NONCE_LEN];
        visitor_get_nonce(nonce, SETUP_TRIES);
        for (size_t at = 0; at < sizeof nonce; at++) {
            seen[at][0] |= nonce[at];
            seen[at][1] |= (uint8_t)~nonce[at];
        }
    }
    for (size_t at = 0; at < MEDSEC_SETUP_NONCE_LEN; at++) {
        assert_int_equal(seen[at][0] & seen[at][1], 0xff); /* each bit was 1, and 0 */
    }
}

static void test_form_that_the_flash_does_not_hold(void **state)
{
    (void)state;
    uint8_t nonce[MEDSEC_SETUP_NONCE_LEN];
    char body[VISITOR_ANSWER_MAX];
    size_t len;
    visitor_post made;
    visited.flash.worn = true;
    visitor_get_nonce(nonce, SETUP_TRIES);
    visitor_make_post(&made, visited.key, nonce, &visitor_form);
    assert_int_equal(visitor_ask(made.bytes, made.len, body, &len), 200);
    assert_int_equal(visitor_open_answer(&made, body, len), MEDSEC_SETUP_NOT_STORED);
    assert_int_equal(setup_mode_outcome(&visited.mode, visited.now_ms + 100000), SETUP_WAITS);
    visited.flash.worn = false;
    visitor_get_nonce(nonce, SETUP_TRIES);
    assert_int_equal(visitor_send_form(visited.key, nonce, body), 200);
    assert_true(visitor_is_saved());
}

static const medsec_setup_form wipe = {.kind = MEDSEC_SETUP_DECOMMISSION};

static medsec_setup_status answer_to(const medsec_setup_form *form)
{
    uint8_t nonce[MEDSEC_SETUP_NONCE_LEN];
    char body[VISITOR_ANSWER_MAX];
    size_t len;
    visitor_post made;
    visitor_get_nonce(nonce, SETUP_TRIES);
    visitor_make_post(&made, visited.key, nonce, form);
    assert_int_equal(visitor_ask(made.bytes, made.len, body, &len), 200);
    return visitor_open_answer(&made, body, len);
}

static void test_decommission_wipes_all(void **state)
{
    (void)state;
    memset(visited.flash.bytes + FLASH_CREDENTIAL, 'c', 200);
    memset(visited.flash.bytes + FLASH_BOOT, 'b', 48);
    memset(visited.flash.bytes + FLASH_SETTINGS, 's', 200);
    assert_int_equal(answer_to(&wipe), MEDSEC_SETUP_DONE);
    assert_true(flash_model_is_empty(&visited.flash));
    assert_int_equal(setup_mode_outcome(&visited.mode, visited.now_ms), SETUP_WIPED);
}

static void test_decommission_of_a_worn_flash_is_told(void **state)
{
    (void)state;
    visited.flash.worn = true;
    assert_int_equal(answer_to(&wipe), MEDSEC_SETUP_NOT_STORED);
}

/* Of config_requests.jsonl; and the same with a password that a network may have. */
#define SEED_FORM                                                                             \
    "server_ip=86858d74ed5eaff88c1428b89afca624&server_port=d2f3821de2b36474d8c6e00fa3a89914" \
    "&wifi_name=9794f00f72a6ab6589eb3a6cdfc077d2&wifi_pass="

static unsigned ask_seed(const char *password_hex, char body[VISITOR_ANSWER_MAX])
{
    char request[512];
    snprintf(request, sizeof request, "GET /action_page.php?" SEED_FORM "%s HTTP/1.1\r\n\r\n",
             password_hex);
    return visitor_ask_text(request, body);
}

static void test_seed_form_is_saved(void **state)
{
    (void)state;
    char body[VISITOR_ANSWER_MAX];
    medsec_setup_settings settings;
    bool fresh;
    /* A password of one block of the right key: the name's, "iot4", is too short for one. */
    assert_int_equal(ask_seed("0e0381baf255e2bbabccb3e1e0b6981d", body), 400);
    assert_int_equal(ask_seed("86858d74ed5eaff88c1428b89afca624", body), 200);
    assert_true(settings_load(&settings, &fresh, &visited.table, medsec_crypto_openssl()));
    assert_true(fresh);
    assert_string_equal(settings.server, "192.168.0.2");
    assert_string_equal(settings.ssid, "iot4");
    assert_string_equal(settings.password, "192.168.0.2");
    assert_int_equal(settings.port, 9999);
    assert_int_equal(setup_mode_outcome(&visited.mode, visited.now_ms), SETUP_SAVED);
}

static void test_seed_form_under_another_key_counts(void **state)
{
    (void)state;
    char body[VISITOR_ANSWER_MAX];
    uint8_t nonce[MEDSEC_SETUP_NONCE_LEN];
    visited.credential.key[0] = 'B';
    for (unsigned i = 0; i < SETUP_TRIES; i++) {
        assert_int_equal(ask_seed("86858d74ed5eaff88c1428b89afca624", body), 403);
    }
    visited.credential.key[0] = 'A';
    assert_int_equal(ask_seed("86858d74ed5eaff88c1428b89afca624", body), 429);
    visitor_get_nonce(nonce, 0);
    assert_int_equal(visitor_send_form(visited.key, nonce, body), 429);
}

static void test_seed_form_that_is_none(void **state)
{
    (void)state;
    char body[VISITOR_ANSWER_MAX];
    assert_int_equal(visitor_ask_text("GET /action_page.php HTTP/1.1\r\n\r\n", body), 400);
    assert_int_equal(visitor_ask_text("GET /action_page.php?server_ip=00 HTTP/1.1\r\n\r\n", body),
                     400);
    visited.flash.worn = true;
    assert_int_equal(ask_seed("86858d74ed5eaff88c1428b89afca624", body), 503);
    assert_int_equal(setup_mode_outcome(&visited.mode, visited.now_ms), SETUP_WAITS);
}

/* One that was recorded, while the answer to the decommissioning is on its way. */
static void test_seed_form_after_decommission(void **state)
{
    (void)state;
    char body[VISITOR_ANSWER_MAX];
    assert_int_equal(answer_to(&wipe), MEDSEC_SETUP_DONE);
    assert_int_equal(ask_seed("86858d74ed5eaff88c1428b89afca624", body), 409);
    assert_true(flash_model_is_empty(&visited.flash));
    assert_int_equal(setup_mode_outcome(&visited.mode, visited.now_ms), SETUP_WIPED);
}

/* The new page serves a device of the seed wire as well. */
static void test_form_of_a_seed_device(void **state)
{
    (void)state;
    uint8_t nonce[MEDSEC_SETUP_NONCE_LEN];
    char body[VISITOR_ANSWER_MAX];
    visitor_get_nonce(nonce, SETUP_TRIES);
    assert_int_equal(visitor_send_form(visited.key, nonce, body), 200);
    assert_true(visitor_is_saved());
}
#define CASE(name) cmocka_unit_test_setup_teardown(name, setup_bench_prepare, setup_bench_finish)
#define SEED_CASE(name) \
    cmocka_unit_test_setup_teardown(name, setup_bench_prepare_seed, setup_bench_finish)

int main(void)
{
    const struct CMUnitTest tests[] = {
        CASE(test_form_is_saved_answered_and_ends_setup),
        CASE(test_form_ends_setup_though_nobody_takes_the_answer),
        CASE(test_form_in_pieces),
        CASE(test_form_under_another_key_counts),
        CASE(test_form_with_another_nonce_does_not_count),
        CASE(test_form_before_any_nonce),
        CASE(test_form_sent_twice),
        CASE(test_form_that_was_changed),
        CASE(test_form_that_is_none),
        CASE(test_nonces_are_random_in_every_byte),
        CASE(test_form_that_the_flash_does_not_hold),
        CASE(test_decommission_wipes_all),
        CASE(test_decommission_of_a_worn_flash_is_told),
        SEED_CASE(test_seed_form_is_saved),
        SEED_CASE(test_seed_form_under_another_key_counts),
        SEED_CASE(test_seed_form_that_is_none),
        SEED_CASE(test_seed_form_after_decommission),
        SEED_CASE(test_form_of_a_seed_device),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
