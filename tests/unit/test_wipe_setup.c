/* SPDX-License-Identifier: Apache-2.0 */
#include "unit.h"

#include "core/hkdf.h"
#include "registry_fixture.h"
#include "sanitizer.h"
#include "secrets.h"

#include <medsec/provision.h>
#include <medsec/setup.h>

#include <string.h>

/* Setup keys, forms and boot records; what is the caller's lies elsewhere than on the stack. */

enum { PART_LEN = SECRETS_PART_LEN };

static const uint8_t salt[MEDSEC_SETUP_SALT_LEN] = "a nonce of 16 b.and of the page";
static medsec_crypto crypto;
static medsec_credential credential;
static char key[MEDSEC_SETUP_KEY_LEN];
static medsec_setup_form form;
static medsec_setup_form opened;
static uint8_t sealed[MEDSEC_SETUP_FORM_LEN];
static uint8_t answer_key[MEDSEC_CHACHAPOLY_KEY_LEN];
static uint8_t answer[MEDSEC_SETUP_ANSWER_LEN];
static medsec_setup_status status;
static medsec_boot_record record;
static uint8_t flash[MEDSEC_BOOT_RECORD_LEN];
static bool good;

static size_t left_by(void (*run)(void))
{
    good = false;
    size_t left = secrets_left_by(run);
    assert_true(good);
    return left;
}

static void make_key(void)
{
    good = medsec_setup_key(key, &crypto, &credential) == MEDSEC_OK;
}

static void seal_and_open(void)
{
    good =
        medsec_setup_form_seal(sealed, answer_key, &crypto, key, salt, &form) == MEDSEC_OK &&
        medsec_setup_form_open(&opened, answer_key, &crypto, key, salt, sealed, sizeof sealed) ==
            MEDSEC_OK &&
        medsec_setup_answer_seal(answer, &crypto, answer_key, MEDSEC_SETUP_DONE) == MEDSEC_OK &&
        medsec_setup_answer_open(&status, &crypto, answer_key, answer, sizeof answer) == MEDSEC_OK;
}

static void open_what_was_changed(void)
{
    good = medsec_setup_form_open(&opened, answer_key, &crypto, key, salt, sealed, sizeof sealed) ==
           MEDSEC_ERR_CRYPTO;
}

static void write_and_read_record(void)
{
    good = medsec_boot_record_write(flash, &crypto, &record) == MEDSEC_OK &&
           medsec_boot_record_read(&record, &crypto, flash) == MEDSEC_OK;
}

static int set_up(void **state)
{
    (void)state;
    secrets_clear();
    crypto = *medsec_crypto_openssl();
    crypto.wipe = secrets_wipe;
    credential = registry_fixture_medsec1("dev-1", 7);
    assert_int_equal(medsec_setup_key(key, medsec_crypto_openssl(), &credential), MEDSEC_OK);
    form = (medsec_setup_form){
        .kind = MEDSEC_SETUP_SETTINGS,
        .settings = {
            .server = "gateway", .port = 1, .ssid = "Ward", .password = "0123456789abcdef"}};
    return 0;
}

/* HKDF's key and what comes out, as they are in memory. */
static void add_hkdf(medsec_bytes with, medsec_bytes input, const char *info, size_t len)
{
    const medsec_crypto *real = medsec_crypto_openssl();
    uint8_t out[2 * MEDSEC_CHACHAPOLY_KEY_LEN];
    assert_int_equal(medsec__hkdf_extract(real, out, with.data, with.len, input.data, input.len),
                     MEDSEC_OK);
    secrets_add_key(out);
    assert_int_equal(medsec__hkdf(real, out, len, with, input,
                                  (medsec_bytes){(const uint8_t *)info, strlen(info)}),
                     MEDSEC_OK);
    for (size_t at = 0; at + PART_LEN <= len; at += PART_LEN) {
        secrets_add(out + at);
    }
}

static void expect_wiped(const unsigned *expected, size_t count)
{
    assert_int_equal(secrets_count(), count);
    for (size_t i = 0; i < count; i++) {
        assert_int_equal(secrets_wiped(i), expected[i]);
    }
}

static void test_key_leaves_nothing_on_the_stack(void **state)
{
    (void)state;
    secrets_add_key(credential.psk);
    add_hkdf((medsec_bytes){(const uint8_t *)"medsec setup key", 16},
             (medsec_bytes){credential.psk, sizeof credential.psk}, "dev-1", 16);
    secrets_wiped_clear();
    assert_int_equal(left_by(make_key), 0);
    /* Where they were computed; the last block of HKDF in HKDF as well. */
    const unsigned expected[] = {1, 1, 1, 1, 2};
    expect_wiped(expected, sizeof expected / sizeof expected[0]);
}

static void add_form_secrets(void)
{
    secrets_add((const uint8_t *)form.settings.password);
    add_hkdf((medsec_bytes){salt, sizeof salt}, (medsec_bytes){(const uint8_t *)key, sizeof key},
             "medsec setup 1", 64);
    secrets_wiped_clear();
}

static void test_forms_leave_nothing_on_the_stack(void **state)
{
    (void)state;
    add_form_secrets();
    assert_int_equal(left_by(seal_and_open), 0);
    assert_memory_equal(&opened, &form, sizeof form);
    /* The password where it was opened, and where it was compared. Keys at both ends; the answer's
     * in HKDF as well, and where the page had it. */
    const unsigned expected[] = {2, 2, 2, 2, 2, 5, 5};
    expect_wiped(expected, sizeof expected / sizeof expected[0]);
    secrets_wiped_clear();
    sealed[MEDSEC_SETUP_FORM_LEN - 1] ^= 1;
    assert_int_equal(left_by(open_what_was_changed), 0);
    const unsigned changed[] = {1, 1, 1, 1, 1, 3, 3}; /* that of the form before */
    expect_wiped(changed, sizeof changed / sizeof changed[0]);
}

static void test_boot_records_leave_nothing_on_the_stack(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof record.seed; i++) {
        record.seed[i] = (uint8_t)(i * 37 + 11);
    }
    secrets_add_key(record.seed);
    assert_int_equal(left_by(write_and_read_record), 0);
}

int main(void)
{
    if (SANITIZED) {
        return 77;
    }
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(test_key_leaves_nothing_on_the_stack, set_up),
        cmocka_unit_test_setup(test_forms_leave_nothing_on_the_stack, set_up),
        cmocka_unit_test_setup(test_boot_records_leave_nothing_on_the_stack, set_up),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
