/* SPDX-License-Identifier: Apache-2.0 */
#include "boot_log.h"
#include "flash_map.h"
#include "sanitizer.h"
#include "secrets.h"
#include "setup_bench.h"
#include "unit.h"

#include <medsec/hex.h>
#include <stdio.h>
#include <string.h>

/* What starts and forms leave of secrets on the stack; `visited` and what is sent are not on it. */

static medsec_crypto crypto;
static uint8_t noise[MEDSEC_BOOT_SEED_LEN] = "noise of the board, thirty-two b";
static medsec_boot_record first;
static medsec_boot_record mine;
static visitor_post made;
static bool good;

static int set_up(void **state)
{
    memset(&made, 0, sizeof made);
    secrets_clear();
    crypto = *medsec_crypto_openssl();
    crypto.wipe = secrets_wipe;
    good = false;
    return setup_bench_prepare(state);
}

static void expect_wiped(const unsigned *expected, size_t count)
{
    assert_int_equal(secrets_count(), count);
    for (size_t i = 0; i < count; i++) {
        assert_int_equal(secrets_wiped(i), expected[i]);
    }
}

static void start(void)
{
    good = boot_log_next(&mine, &visited.table, &crypto, noise) == MEDSEC_OK;
}

/* The seeds of a start, as boot_log.h has them. */
static void add_seed(const char *label)
{
    uint8_t seed[MEDSEC_SHA256_LEN];
    const medsec_bytes parts[] = {{(const uint8_t *)label, strlen(label)}, {noise, sizeof noise}};
    assert_int_equal(crypto.hmac_sha256(seed, first.seed, sizeof first.seed, parts, 2), MEDSEC_OK);
    secrets_add_key(seed);
}

static void test_start_leaves_nothing_on_the_stack(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof first.seed; i++) {
        first.seed[i] = (uint8_t)(i * 37 + 11);
    }
    first.boot = 7;
    assert_int_equal(medsec_boot_record_write(visited.flash.bytes + FLASH_BOOT, &crypto, &first),
                     MEDSEC_OK);
    secrets_add_key(first.seed);
    add_seed("medsec this start");
    add_seed("medsec next start");
    secrets_wiped_clear();
    assert_int_equal(secrets_left_by(start), 0);
    assert_true(good);
    assert_int_equal(mine.boot, 7);
    /* In the records that were read and written; that of this start is the caller's. */
    const unsigned expected[] = {2, 2, 0, 0, 2, 2};
    expect_wiped(expected, sizeof expected / sizeof expected[0]);
}

static drbg generator;

static void start_generator(void)
{
    drbg_start(&generator, &crypto, &mine, noise);
    good = generator.seeded;
}

static void draw(void)
{
    uint8_t drawn[16];
    drbg_random(&generator, drawn, sizeof drawn);
    good = true;
}

/* HMAC's key as it is kept, and as it is hashed. */
static void add_generator_key(const drbg *of)
{
    static const uint8_t pads[] = {0, 0x36, 0x5c};
    for (size_t i = 0; i < sizeof pads; i++) {
        uint8_t key[MEDSEC_SHA256_LEN];
        for (size_t j = 0; j < sizeof key; j++) {
            key[j] = of->hmac.K[j] ^ pads[i];
        }
        secrets_add_key(key);
    }
}

/* The key that is left in `generator`: who has it foresees all that is drawn after. */
static void expect_no_generator_key(void (*run)(void))
{
    const drbg before = generator;
    const medsec_boot_record seed = mine;
    run();
    add_generator_key(&generator);
    generator = before;
    mine = seed;
    good = false;
    assert_int_equal(secrets_left_by(run), 0);
    assert_true(good);
}

static void test_generator_leaves_nothing_on_the_stack(void **state)
{
    (void)state;
    memcpy(mine.seed, "seed of the boot log, thirty-two", sizeof mine.seed);
    expect_no_generator_key(start_generator);
    secrets_clear();
    expect_no_generator_key(draw);
}

static void send_form(void)
{
    visitor_push(0, made.bytes, made.len);
    good = true;
}

static void test_form_leaves_nothing_on_the_stack(void **state)
{
    (void)state;
    uint8_t nonce[MEDSEC_SETUP_NONCE_LEN];
    medsec_setup_form form = visitor_form;
    memcpy(form.settings.password, "correct horses 1", 17);
    visitor_get_nonce(nonce, SETUP_TRIES);
    visitor_make_post(&made, visited.key, nonce, &form);
    visitor_open(0);
    secrets_add((const uint8_t *)form.settings.password);
    secrets_add_key(made.answer_key);
    secrets_wiped_clear();
    visited.mode.crypto = &crypto;
    assert_int_equal(secrets_left_by(send_form), 0);
    assert_int_equal(visited.mode.outcome, SETUP_SAVED);
    /* The password as it was opened, compared, taken and stored; the key of the answer. */
    const unsigned expected[] = {4, 3, 3};
    expect_wiped(expected, sizeof expected / sizeof expected[0]);
}

/* One value of the seed's form: the text filled from the left to a block, in hex. */
static void add_value(const char *name, const char *text)
{
    const uint8_t iv[MEDSEC_AES_BLOCK_LEN] = "BBBBBBBBBBBBBBBB";
    uint8_t block[MEDSEC_AES_BLOCK_LEN];
    char hex[2 * MEDSEC_AES_BLOCK_LEN];
    memset(block, '#', sizeof block);
    memcpy(block + sizeof block - strlen(text), text, strlen(text));
    assert_int_equal(crypto.aes128_cbc_once(MEDSEC_ENCRYPT, visited.credential.key, iv, block,
                                            block, sizeof block),
                     MEDSEC_OK);
    medsec_hex_encode(hex, block, sizeof block);
    made.len += (size_t)snprintf((char *)made.bytes + made.len, sizeof made.bytes - made.len,
                                 "%s=%.*s&", name, (int)sizeof hex, hex);
}

static void add_text(const char *text)
{
    memcpy(made.bytes + made.len, text, strlen(text));
    made.len += strlen(text);
}

static void test_seed_form_leaves_nothing_on_the_stack(void **state)
{
    (void)setup_bench_finish(state);
    (void)setup_bench_prepare_seed(state);
    add_text("GET /action_page.php?");
    add_value("server_ip", "192.168.0.2");
    add_value("server_port", "9998");
    add_value("wifi_name", "ward 3");
    add_value("wifi_pass", "correct horses 1");
    add_text("last=1 HTTP/1.1\r\n\r\n");
    visitor_open(0);
    secrets_add((const uint8_t *)"correct horses 1");
    secrets_wiped_clear();
    visited.mode.crypto = &crypto;
    assert_int_equal(secrets_left_by(send_form), 0);
    assert_int_equal(visited.mode.outcome, SETUP_SAVED);
    /* As it was decrypted, taken and stored. */
    const unsigned expected[] = {3};
    expect_wiped(expected, 1);
}

int main(void)
{
    if (SANITIZED) {
        return 77;
    }
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_start_leaves_nothing_on_the_stack, set_up,
                                        setup_bench_finish),
        cmocka_unit_test_setup_teardown(test_generator_leaves_nothing_on_the_stack, set_up,
                                        setup_bench_finish),
        cmocka_unit_test_setup_teardown(test_form_leaves_nothing_on_the_stack, set_up,
                                        setup_bench_finish),
        cmocka_unit_test_setup_teardown(test_seed_form_leaves_nothing_on_the_stack, set_up,
                                        setup_bench_finish),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
