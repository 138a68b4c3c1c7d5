/* SPDX-License-Identifier: Apache-2.0 */
/* The whole firmware, set up from its page's side and gone to work, through resets and power cuts.
 */
#include "unit.h"

#include "app_bench.h"

#include "page.h"

#include <stdio.h>
#include <string.h>

static app_bench b;
static uint8_t answer_key[MEDSEC_CHACHAPOLY_KEY_LEN];

static int begin(void **state)
{
    (void)state;
    app_bench_open(&b);
    app_bench_run(&b, 3000);
    return 0;
}

static int end(void **state)
{
    (void)state;
    app_bench_close(&b);
    return 0;
}

static void get(const char *path)
{
    char request[256];
    int len =
        snprintf(request, sizeof request, "GET %s HTTP/1.1\r\nHost: 192.168.4.1\r\n\r\n", path);
    app_bench_ask(&b, request, (size_t)len);
}

static void expect_status(unsigned status)
{
    unsigned got = 0;
    assert_int_equal(sscanf(b.answer, "HTTP/1.1 %u", &got), 1);
    assert_int_equal(got, status);
}

static const char *body(void)
{
    const char *end_of_head = strstr(b.answer, "\r\n\r\n");
    assert_non_null(end_of_head);
    return end_of_head + 4;
}

static size_t body_len(void)
{
    return b.answer_len - (size_t)(body() - b.answer);
}

static void get_nonce(uint8_t nonce[MEDSEC_SETUP_NONCE_LEN])
{
    get("/setup");
    expect_status(200);
    const char *hex = strstr(body(), "\"nonce\":\"");
    assert_non_null(hex);
    for (size_t i = 0; i < MEDSEC_SETUP_NONCE_LEN; i++) {
        unsigned byte = 0;
        assert_int_equal(sscanf(hex + 9 + 2 * i, "%2x", &byte), 1);
        nonce[i] = (uint8_t)byte;
    }
}

/* What the page would send, under that nonce. */
static void seal(uint8_t form[MEDSEC_SETUP_FORM_LEN], medsec_setup_kind kind,
                 const uint8_t nonce[MEDSEC_SETUP_NONCE_LEN])
{
    medsec_setup_form plain = {.kind = kind};
    uint8_t salt[MEDSEC_SETUP_SALT_LEN] = {0};
    char key[MEDSEC_SETUP_KEY_LEN];
    memcpy(salt, nonce, MEDSEC_SETUP_NONCE_LEN);
    if (kind == MEDSEC_SETUP_SETTINGS) {
        app_bench_settings(&b, &plain.settings);
    }
    assert_int_equal(medsec_setup_key(key, medsec_crypto_openssl(), &b.credential), MEDSEC_OK);
    assert_int_equal(
        medsec_setup_form_seal(form, answer_key, medsec_crypto_openssl(), key, salt, &plain),
        MEDSEC_OK);
}

static void post(const uint8_t form[MEDSEC_SETUP_FORM_LEN])
{
    uint8_t request[512];
    int len = snprintf((char *)request, sizeof request,
                       "POST /setup HTTP/1.1\r\nHost: 192.168.4.1\r\n"
                       "Content-Type: application/octet-stream\r\nContent-Length: %u\r\n\r\n",
                       MEDSEC_SETUP_FORM_LEN);
    memcpy(request + len, form, MEDSEC_SETUP_FORM_LEN);
    app_bench_ask(&b, request, (size_t)len + MEDSEC_SETUP_FORM_LEN);
}

static void post_new(medsec_setup_kind kind)
{
    uint8_t nonce[MEDSEC_SETUP_NONCE_LEN];
    uint8_t form[MEDSEC_SETUP_FORM_LEN];
    get_nonce(nonce);
    seal(form, kind, nonce);
    post(form);
}

static void expect_answer(medsec_setup_status status)
{
    medsec_setup_status got;
    expect_status(200);
    assert_int_equal(medsec_setup_answer_open(&got, medsec_crypto_openssl(), answer_key,
                                              (const uint8_t *)body(), body_len()),
                     MEDSEC_OK);
    assert_int_equal(got, status);
}

static void test_app_never_set_up_serves_whatever_the_switch_says(void **state)
{
    (void)state;
    assert_true(b.v.work);
    assert_true(b.e.serves);
    assert_int_equal(app_bench_blinks(&b), 0);
}

/* The page, whole, and as fast as the seed's 65 KB never were. */
static void test_app_shows_the_page_in_two_seconds(void **state)
{
    (void)state;
    uint64_t begin_us = b.v.now_us;
    get("/");
    assert_in_range(b.v.now_us - begin_us, 0, 2000000);
    assert_int_equal(b.answer_len, page_response_len);
    assert_memory_equal(b.answer, page_response, page_response_len);
}

static void test_app_saved_goes_to_work(void **state)
{
    (void)state;
    post_new(MEDSEC_SETUP_SETTINGS);
    expect_answer(MEDSEC_SETUP_DONE);
    app_bench_readings(&b, 100, 20000);
    assert_int_equal(b.sessions, 1);
}

static void test_app_saved_goes_to_work_with_the_switch_at_configuration(void **state)
{
    (void)state;
    b.v.work = false;
    post_new(MEDSEC_SETUP_SETTINGS);
    expect_answer(MEDSEC_SETUP_DONE);
    app_bench_readings(&b, 100, 20000);
    b.v.work = true;
    app_bench_readings(&b, 20, 20000);
    assert_int_equal(b.sessions, 1);
}

/* A recording is worth nothing: not once more, and not after a restart. */
static void test_app_refuses_a_form_that_was_used(void **state)
{
    uint8_t nonce[MEDSEC_SETUP_NONCE_LEN];
    uint8_t form[MEDSEC_SETUP_FORM_LEN];
    (void)state;
    get_nonce(nonce);
    seal(form, MEDSEC_SETUP_SETTINGS, nonce);
    app_bench_power(&b);
    app_bench_run(&b, 3000);
    post(form);
    expect_status(409);
    get_nonce(nonce);
    post(form);
    expect_status(409);
    app_bench_run(&b, 5000);
    assert_true(b.e.serves);
}

static void test_app_locks_after_five_wrong_keys(void **state)
{
    (void)state;
    for (unsigned i = 0; i < 6; i++) {
        uint8_t nonce[MEDSEC_SETUP_NONCE_LEN];
        uint8_t form[MEDSEC_SETUP_FORM_LEN];
        get_nonce(nonce);
        seal(form, MEDSEC_SETUP_SETTINGS, nonce);
        form[MEDSEC_SETUP_FORM_LEN - 1] ^= i < 5 ? 1 : 0;
        post(form);
        expect_status(i < 5 ? 403 : 429);
    }
    app_bench_power(&b);
    app_bench_run(&b, 3000);
    post_new(MEDSEC_SETUP_SETTINGS);
    expect_answer(MEDSEC_SETUP_DONE);
}

static void test_app_decommissioned_is_nobodys(void **state)
{
    (void)state;
    post_new(MEDSEC_SETUP_DECOMMISSION);
    expect_answer(MEDSEC_SETUP_DONE);
    app_bench_run(&b, 5000);
    assert_int_equal(app_bench_blinks(&b), 3);
    assert_true(flash_model_is_empty(&b.flash));
    app_bench_power(&b);
    app_bench_run(&b, 3000);
    assert_int_equal(app_bench_blinks(&b), 3);
}

/* Power fails at each step of flash from the form on: it is set up, or it is not. */
static void test_app_survives_a_power_cut_at_each_write_of_settings(void **state)
{
    unsigned worked = 0;
    unsigned cut_at = 1;
    bool was_cut = true;
    (void)state;
    for (; was_cut; cut_at++) {
        uint8_t nonce[MEDSEC_SETUP_NONCE_LEN];
        uint8_t form[MEDSEC_SETUP_FORM_LEN];
        (void)end(NULL);
        (void)begin(NULL);
        get_nonce(nonce);
        seal(form, MEDSEC_SETUP_SETTINGS, nonce);
        flash_model_power(&b.flash, cut_at, TEAR_HALF);
        post(form);
        app_bench_run(&b, 1000);
        was_cut = b.flash.dead;
        flash_model_power(&b.flash, 0, TEAR_NOTHING);
        app_bench_power(&b);
        app_bench_run(&b, 10000);
        assert_true(b.e.serves || b.sessions == 1);
        worked += b.sessions;
    }
    assert_true(cut_at > 3);
    assert_true(worked > 0);
}

#define TEST(test) cmocka_unit_test_setup_teardown(test, begin, end)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_app_never_set_up_serves_whatever_the_switch_says),
        TEST(test_app_shows_the_page_in_two_seconds),
        TEST(test_app_saved_goes_to_work),
        TEST(test_app_saved_goes_to_work_with_the_switch_at_configuration),
        TEST(test_app_refuses_a_form_that_was_used),
        TEST(test_app_locks_after_five_wrong_keys),
        TEST(test_app_decommissioned_is_nobodys),
        TEST(test_app_survives_a_power_cut_at_each_write_of_settings),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
